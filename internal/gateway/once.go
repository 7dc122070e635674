package gateway

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/form"
	"github.com/wicketgate/wicketgate/internal/idempotency"
	"github.com/wicketgate/wicketgate/internal/ledger"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// Fields of answers to requests with an idempotency key.
const (
	replayedField = "Idempotent-Replayed" // "true": an answer that is given again, as Stripe says it
	storedField   = "Idempotent-Stored"   // "false": an answer that will not be
)

// once is what a route does with idempotency keys.
type once struct {
	keeper *idempotency.Keeper // nil in a gateway that never serves
	terms  idempotency.Terms
}

// idempotency builds what a route does with keys, and the stages with which it finds out which request one is and what
// was answered; nil for none.
func (b *builder) idempotency(l *lineage, v *catalogue.Version, r *catalogue.Route, maxBody int64) (*once, pipeline.Stage, pipeline.Stage) {
	from := r.Idempotency
	if from == nil {
		return nil, nil, nil
	}
	taking := &idempotency.Taking{API: l.api.Name, Route: r.Label, Required: from.Required, MaxBody: maxBody}
	if v != nil {
		taking.End = l.api.End(v).Name
	}
	return &once{b.Once, idempotency.Terms{Keep: from.Keep, Repeat: from.Repeat}}, taking, idempotency.Catching{}
}

// forward sends a request on: one with a key unless it was before, whose answer it then gets.
func (to *way) forward(w http.ResponseWriter, out *http.Request, x *exchange.Exchange) error {
	if to.once == nil || x.Once == nil {
		return to.send(w, out, x)
	}
	return to.once.forward(w, out, x, to.send)
}

// send sends a request on.
func (to *way) send(w http.ResponseWriter, out *http.Request, x *exchange.Exchange) error {
	if to.merge != nil {
		return to.merge.put(w, out, x, to.upstream)
	}
	return to.upstream.Forward(w, prepare(out, x), x)
}

// forward answers a request with a key. The first runs to its end whether its caller stays or not: it is for those who
// lost the connection that the answer is kept.
func (o *once) forward(w http.ResponseWriter, out *http.Request, x *exchange.Exchange, send func(http.ResponseWriter, *http.Request, *exchange.Exchange) error) error {
	flight, answer, prob := o.begin(out, x)
	if x.Once.Result == idempotency.Replayed {
		w.Header()[replayedField] = []string{"true"}
	}
	switch {
	case prob != nil:
		x.Ended = "idempotency"
		return prob
	case answer != nil:
		return replay(w, x, answer)
	}
	defer flight.Close()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(out.Context()), idempotency.MaxRun)
	defer cancel()
	defer func(caller context.Context) { x.Context = caller }(x.Context)
	x.Context = ctx
	err := send(&keeping{ResponseWriter: w, flight: flight, x: x}, out.WithContext(ctx), x)
	if errors.As(err, &prob) {
		flight.Failed(x, prob)
	}
	return err
}

func (o *once) begin(out *http.Request, x *exchange.Exchange) (*idempotency.Flight, *exchange.Response, *problem.Problem) {
	if o.keeper == nil {
		return nil, nil, unstored(ledger.ErrUnavailable)
	}
	return o.keeper.Begin(out.Context(), x, o.terms)
}

// keeping is where the answer to a first request is written: before any of it goes out, it is kept.
type keeping struct {
	http.ResponseWriter
	flight *idempotency.Flight
	x      *exchange.Exchange
	wrote  bool
}

// WriteHeader implements http.ResponseWriter.
func (k *keeping) WriteHeader(status int) {
	if !k.wrote && status >= 200 {
		k.wrote = true
		if !k.flight.Answered(k.x) {
			k.Header()[storedField] = []string{"false"}
		}
	}
	k.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (k *keeping) Write(b []byte) (int, error) {
	if !k.wrote {
		k.WriteHeader(http.StatusOK)
	}
	return k.ResponseWriter.Write(b)
}

// FlushError lets http.ResponseController flush.
func (k *keeping) FlushError() error {
	if !k.wrote {
		k.WriteHeader(http.StatusOK)
	}
	return http.NewResponseController(k.ResponseWriter).Flush()
}

// Unwrap lets http.ResponseController find what it needs.
func (k *keeping) Unwrap() http.ResponseWriter { return k.ResponseWriter }

// replay takes an answer that was kept back through the stages, as if the service gave it now, and writes it.
func replay(w http.ResponseWriter, x *exchange.Exchange, r *exchange.Response) error {
	x.Ended = "upstream"
	if x.Back != nil {
		if prob := x.Back.Return(x, r); prob != nil {
			return prob
		}
	}
	if x.Owed() {
		return x.Unfit(errors.New("no stage has hidden what the policy wants hidden"))
	}
	x.Ended = ""
	if x.MediaType != "" && r.Status <= 299 && r.Header.Get("Content-Type") != "" && form.IsJSON(r.Header.Get("Content-Type")) {
		r.Header["Content-Type"] = []string{x.MediaType}
	}
	h := w.Header()
	for name, values := range r.Header {
		h[name] = values
	}
	for name, values := range x.Answer {
		if name == "Vary" || name == "Link" {
			values = append(h[name][:len(h[name]):len(h[name])], values...)
		}
		h[name] = values
	}
	if r.Read {
		h["Content-Length"] = []string{strconv.Itoa(len(r.Bytes))}
	}
	w.WriteHeader(r.Status)
	if len(r.Bytes) == 0 {
		return nil
	}
	_, err := w.Write(r.Bytes)
	return err
}
