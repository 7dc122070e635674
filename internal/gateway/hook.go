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
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/rule"
	"github.com/wicketgate/wicketgate/internal/tracing"
	"github.com/wicketgate/wicketgate/internal/validate"
	"github.com/wicketgate/wicketgate/internal/webhook"
)

// hook is a webhook of the catalogue.
type hook struct {
	webhook.Receiver
	goal
}

// goal is where the events of a webhook, or for a subscriber, go.
type goal struct {
	upstream Upstream
	path     string // that events are delivered to
	signer   *webhook.Signer
	span     time.Duration
	timeout  time.Duration // of one attempt
}

// answering is how long a service may take, after its answer has begun, until that ends: 10 s.
const answering = 10 * time.Second

// hooks builds the webhooks of the catalogue, by their paths, and notes where their events go.
func (b *builder) hooks(goals map[string]goal) map[string]*hook {
	all := make(map[string]*hook, len(b.Catalogue.Webhooks))
	for _, from := range b.Catalogue.Webhooks {
		h := &hook{goal: b.goal(from.Deliver)}
		h.Name, h.MaxBody, h.Timeout, h.Only, h.Store = from.Name, from.MaxBody, from.Timeout, from.Deliver.Only, b.Store
		h.Signed = b.Signed
		env := rule.Environment{Roots: webhook.Roots}
		if from.Deliver.Order != nil {
			h.Order = b.expression(from.Deliver.Order, env, rule.Key)
		}
		if from.Dedupe != nil && from.Dedupe.Key != nil {
			h.Dedupe, h.Keep = b.expression(from.Dedupe.Key, env, rule.Key), from.Dedupe.Keep
		}
		if !b.Broken {
			b.verifies(h, from)
		}
		h.Judge = b.judges(from)
		all[from.Path] = h
		goals[h.Name] = h.goal
	}
	return all
}

// judges builds the stages that verified events go through before they are kept: those of requests that ask what is in
// them and whether it may be; nil where nothing is asked.
func (b *builder) judges(from *catalogue.Webhook) webhook.Judge {
	checks := validate.Checks{MaxBody: from.MaxBody, Schema: b.schemaIn(from.Schema.Path)}
	decision := b.authorize(catalogue.Terms{Authorize: from.Authorize})
	reads := from.Schema.Path != "" || decision != nil && decision.Needs().Body == exchange.JSON
	env := rule.Environment{Roots: webhook.Roots}
	for _, r := range from.Rules {
		p := b.expression(r.When, env, rule.Bool)
		if p == nil {
			continue
		}
		quotes := b.quotes(r, env)
		reads = reads || p.Needs().Body == exchange.JSON || quotes != nil && quotes.Needs().Body == exchange.JSON
		checks.Rules = append(checks.Rules, validate.Rule{Name: r.Name, Program: p, Detail: r.Detail, Quotes: quotes, At: r.At})
	}
	var stages []pipeline.Stage
	if reads {
		stages = append(stages, validate.NewContent(validate.ContentConfig{MaxBody: from.MaxBody, Required: []string{http.MethodPost}}))
	}
	if checks.Schema != nil || len(checks.Rules) > 0 {
		stages = append(stages, validate.New(checks))
	}
	if decision != nil {
		stages = append(stages, decision)
	}
	if len(stages) == 0 {
		return nil
	}
	return pipeline.New(stages...)
}

// verifies makes what tells a sender's calls from others. The catalogue has looked for mistakes.
func (b *builder) verifies(h *hook, from *catalogue.Webhook) {
	var err error
	if h.Verifier, err = webhook.New(from.Verify); err != nil {
		b.fault(from.Range, "Unusable verification", fmt.Sprintf("%v.", err))
	}
}

// goal makes ready where events go.
func (b *builder) goal(from catalogue.Deliver) goal {
	to := goal{path: from.Path, span: from.For}
	if from.To != nil {
		to.upstream, to.timeout = b.upstream(catalogue.Terms{Upstream: from.To}), from.To.Timeout+answering
	}
	if from.Sign != nil && !b.Broken {
		var err error
		if to.signer, err = webhook.NewSigner(from.Sign.Value); err != nil {
			b.fault(from.Range, "Unusable secret", fmt.Sprintf("%v.", err))
		}
	}
	return to
}

// receive takes a call to a webhook.
func (g *Gateway) receive(w http.ResponseWriter, r *http.Request, x *exchange.Exchange, h *hook) error {
	x.API, x.Route = h.Name, "POST "+x.Path.Escaped
	AwaitBody(w, r, x, h.Timeout)
	x.Account.Begin("receive", false)
	prob := (webhook.Taking{Receiver: &h.Receiver}).Handle(x)
	x.Account.End(prob)
	x.Times.Lap("receive", false)
	if prob != nil {
		if x.Ended == "" {
			x.Ended = "receive"
		}
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

// Webhooks names the webhooks and the subscribers, each with how long its events are delivered again and again.
func (g *Gateway) Webhooks() map[string]time.Duration {
	all := make(map[string]time.Duration, len(g.goals))
	for name, to := range g.goals {
		all[name] = to.span
	}
	return all
}

// Deliver makes one attempt to deliver an event. prepare makes the request one that the server's modules take.
func (g *Gateway) Deliver(ctx context.Context, e *ledger.Event, prepare func(http.ResponseWriter, *http.Request) *http.Request) delivery.Result {
	to, ok := g.goals[e.Webhook]
	if !ok {
		return delivery.Result{Reason: "the webhook is not in the catalogue"}
	}
	ctx, cancel := context.WithTimeout(ctx, to.timeout)
	defer cancel()
	return Send(ctx, to.upstream, e, to.path, to.signer, prepare)
}

// Send sends an event to a service and says what came of it.
func Send(ctx context.Context, to Upstream, e *ledger.Event, path string, signer *webhook.Signer, prepare func(http.ResponseWriter, *http.Request) *http.Request) (result delivery.Result) {
	ctx, end := tracing.Deliver(ctx, e.Trace, tracing.Event{To: e.Webhook, ID: e.ID, Bytes: len(e.Body)})
	defer func() { end(result.Status, result.Reason) }()
	r, x := webhook.Request(ctx, e, path, signer, time.Now())
	x.Recorded = tracing.Recorded(ctx)
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
