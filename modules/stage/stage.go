// Package stage runs one stage of a request as a Caddy handler of its own, for Caddyfiles without a catalogue. The
// handlers of one request share one exchange, so that a policy sees who api_auth found, and a body is read once.
package stage

import (
	"bytes"
	"errors"
	"io"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/wicketgate/wicketgate/internal/admit"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/modules/gateway"
)

// front admits requests that no api_gateway has seen.
var front = admit.New(admit.Config{})

// Run takes a request through p and on to next, or answers the problem it ended with.
func Run(w http.ResponseWriter, r *http.Request, p *pipeline.Pipeline, logger *zap.Logger, next caddyhttp.Handler) error {
	x, r, err := Enter(w, r)
	if err != nil {
		return err
	}
	if x == nil {
		return nil
	}
	if prob := p.Handle(x); prob != nil {
		return refuse(w, r, x, prob, logger)
	}
	leave(w, r, x)
	return next.ServeHTTP(w, r)
}

// Enter gives the request's exchange: the one an earlier handler made, or a new one, once the request was admitted. It
// is nil if the request was refused and has its answer.
func Enter(w http.ResponseWriter, r *http.Request) (*exchange.Exchange, *http.Request, error) {
	if x := exchange.FromContext(r.Context()); x != nil {
		return x, r, nil
	}
	x := &exchange.Exchange{}
	if prob := front.Admit(x, r, gateway.ClientAddress(r)); prob != nil {
		return nil, r, prob.Write(w, r)
	}
	gateway.Describe(r, x)
	return x, r.WithContext(exchange.NewContext(r.Context(), x)), nil
}

func refuse(w http.ResponseWriter, r *http.Request, x *exchange.Exchange, prob *problem.Problem, logger *zap.Logger) error {
	for name, values := range x.Answer {
		w.Header()[name] = values
	}
	logger.Debug("request ended", zap.String("id", x.ID), zap.String("stage", x.Ended), zap.Error(prob))
	if err := prob.Write(w, r); err != nil {
		return errors.Join(prob, err)
	}
	return nil
}

// leave puts what the stage found where the handlers to come look for it: on the request and on the answer.
func leave(w http.ResponseWriter, r *http.Request, x *exchange.Exchange) {
	for name, values := range x.Answer {
		w.Header()[name] = values
	}
	for name, values := range x.Forward {
		r.Header[name] = values
	}
	if x.Body.Read {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(x.Body.Bytes)), int64(len(x.Body.Bytes))
		r.TransferEncoding = nil
		delete(r.Header, "Content-Length") // whoever sends it on writes its own
	}
}
