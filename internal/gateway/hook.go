package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/delivery"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/ledger"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/rule"
	"github.com/wicketgate/wicketgate/internal/webhook"
)

// hook is a webhook of the catalogue.
type hook struct {
	webhook.Receiver
	upstream Upstream
	path     string // that events are delivered to
	signer   *webhook.Signer
	span     time.Duration
	timeout  time.Duration // of one attempt
}

// answering is how long a service may take, after its answer has begun, until that ends: 10 s.
const answering = 10 * time.Second

// hooks builds the webhooks of the catalogue, by their paths.
func (b *builder) hooks() map[string]*hook {
	all := make(map[string]*hook, len(b.Catalogue.Webhooks))
	for _, from := range b.Catalogue.Webhooks {
		h := &hook{path: from.Deliver.Path, span: from.Deliver.For}
		h.Name, h.MaxBody, h.Only, h.Store = from.Name, from.MaxBody, from.Deliver.Only, b.Store
		env := rule.Environment{Roots: webhook.Roots}
		if from.Deliver.Order != nil {
			h.Order = b.expression(from.Deliver.Order, env, rule.Key)
		}
		if from.Dedupe != nil && from.Dedupe.Key != nil {
			h.Dedupe, h.Keep = b.expression(from.Dedupe.Key, env, rule.Key), from.Dedupe.Keep
		}
		if from.Deliver.To != nil {
			h.upstream, h.timeout = b.upstream(catalogue.Terms{Upstream: from.Deliver.To}), from.Deliver.To.Timeout+answering
		}
		if !b.Broken {
			b.verifies(h, from)
		}
		all[from.Path] = h
	}
	return all
}

// verifies makes what tells a sender's calls from others. The catalogue has looked for mistakes.
func (b *builder) verifies(h *hook, from *catalogue.Webhook) {
	var err error
	if h.Verifier, err = webhook.New(from.Verify); err != nil {
		b.fault(from.Range, "Unusable verification", fmt.Sprintf("%v.", err))
	}
	if from.Deliver.Sign != nil {
		if h.signer, err = webhook.NewSigner(from.Deliver.Sign.Value); err != nil {
			b.fault(from.Deliver.Range, "Unusable secret", fmt.Sprintf("%v.", err))
		}
	}
}

// receive takes a call to a webhook.
func (g *Gateway) receive(w http.ResponseWriter, r *http.Request, x *exchange.Exchange, h *hook) error {
	x.API, x.Route = h.Name, "POST "+x.Path.Escaped
	awaitBody(w, r, x)
	if prob := (webhook.Taking{Receiver: &h.Receiver}).Handle(x); prob != nil {
		x.Ended = "receive"
		return refuse(w, r, x, prob)
	}
	return Received(w, x)
}

// Received answers a call that was taken.
func Received(w http.ResponseWriter, x *exchange.Exchange) error {
	answer := x.Challenge
	x.PutAnswer(w.Header())
	header := w.Header()
	if answer != "" {
		header["Content-Type"] = []string{"text/plain; charset=utf-8"}
		header["X-Content-Type-Options"] = []string{"nosniff"}
	}
	header["Content-Length"] = []string{strconv.Itoa(len(answer))}
	w.WriteHeader(http.StatusOK)
	_, err := w.Write([]byte(answer))
	return err
}

// Webhooks names the webhooks, each with how long its events are delivered again and again.
func (g *Gateway) Webhooks() map[string]time.Duration {
	all := make(map[string]time.Duration, len(g.hooks))
	for _, h := range g.hooks {
		all[h.Name] = h.span
	}
	return all
}

// Deliver makes one attempt to deliver an event. prepare makes the request one that the server's modules take.
func (g *Gateway) Deliver(ctx context.Context, e *ledger.Event, prepare func(http.ResponseWriter, *http.Request) *http.Request) delivery.Result {
	for _, h := range g.hooks {
		if h.Name == e.Webhook {
			ctx, cancel := context.WithTimeout(ctx, h.timeout)
			defer cancel()
			return Send(ctx, h.upstream, e, h.path, h.signer, prepare)
		}
	}
	return delivery.Result{Reason: "the webhook is not in the catalogue"}
}

// Send sends an event to a service and says what came of it.
func Send(ctx context.Context, to Upstream, e *ledger.Event, path string, signer *webhook.Signer, prepare func(http.ResponseWriter, *http.Request) *http.Request) (result delivery.Result) {
	r, x := webhook.Request(ctx, e, path, signer, time.Now())
	defer x.End()
	w := &heard{header: http.Header{}}
	defer func() {
		if p := recover(); p != nil { // the proxy's way to say that an answer broke off
			if err, ok := p.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
				panic(p)
			}
			result = delivery.Result{Reason: "the answer broke off"}
		}
	}()
	err := to.Forward(w, prepare(w, r), x)
	if err != nil {
		return delivery.Result{Reason: reasonOf(err)}
	}
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return delivery.Result{Status: w.status, RetryAfter: askedToWait(w.header, time.Now())}
}

// reasonOf says why there was no answer, without a word of the service's.
func reasonOf(err error) string {
	var prob *problem.Problem
	if !errors.As(err, &prob) {
		return "the attempt was cut off"
	}
	switch prob.Type {
	case problem.GatewayTimeout:
		return "no answer in time"
	case problem.Unavailable:
		return "no server can be reached"
	case problem.ReducedCapacity:
		return "status 429"
	}
	return "no valid answer"
}

// askedToWait reads how long a service asks to wait (RFC 9110, section 10.2.3), 0 where it does not.
func askedToWait(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if n, err := strconv.Atoi(text); err == nil && n >= 0 && n < 1<<31 {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// heard hears an answer, of which only the status and the header matter.
type heard struct {
	header http.Header
	status int
}

// Header implements http.ResponseWriter.
func (h *heard) Header() http.Header { return h.header }

// WriteHeader implements http.ResponseWriter.
func (h *heard) WriteHeader(status int) {
	if status >= 200 && h.status == 0 {
		h.status = status
	}
}

// Write implements http.ResponseWriter.
func (h *heard) Write(b []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	return len(b), nil
}
