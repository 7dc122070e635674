// Package stage runs one stage of a request as a Caddy handler of its own, for Caddyfiles without a catalogue. The
// handlers of one request share one exchange, so that a policy sees who api_auth found, and a body is read once.
package stage

import (
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/wicketgate/wicketgate/internal/exchange"
	core "github.com/wicketgate/wicketgate/internal/gateway"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/tracing"
	"github.com/wicketgate/wicketgate/modules/gateway"
)

// Stage is what a handler does with its requests: a pipeline, built anew and swapped in when a file it came from
// changes. One with a mistake leaves the last good one in force.
type Stage struct {
	app     *gateway.App
	build   func(*gateway.Load) []pipeline.Stage
	current atomic.Pointer[pipeline.Pipeline]
	name    string        // of the directive
	whole   time.Duration // for a body to come whole, which the stage reads by itself; 0 for none
	logger  *zap.Logger
	metrics *metrics
}

// New makes the stage of a handler that is being provisioned. build is called now and whenever a file changes; it
// reads its files, and notes in the load what it read and every mistake it found. The error is a *gateway.LoadError
// where files have mistakes.
func New(ctx caddy.Context, build func(*gateway.Load) []pipeline.Stage) (*Stage, error) {
	app, err := ctx.App("api_gateway")
	if err != nil {
		return nil, err
	}
	s := &Stage{app: app.(*gateway.App), build: build, logger: ctx.Logger(), name: ctx.Module().CaddyModule().ID.Name()}
	if s.metrics, err = registerMetrics(ctx.GetMetricsRegistry()); err != nil {
		return nil, err
	}
	return s, s.app.Use(s)
}

// ReadWithin says that the stage reads bodies by itself, and how long one may take to come whole.
func (s *Stage) ReadWithin(whole time.Duration) { s.whole = whole }

// Load implements gateway.Part.
func (s *Stage) Load(l *gateway.Load) (commit func()) {
	next := pipeline.New(s.build(l)...)
	return func() { s.current.Store(next) }
}

// Run takes a request through the stage and on to next, and the answer back, or answers the problem it ended with.
func (s *Stage) Run(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	first := exchange.FromContext(r.Context()) == nil
	x, w, r, prob := enter(s.app, w, r)
	if !first {
		return s.take(w, r, x, prob, next)
	}
	defer x.End()
	if s.app.Live() == nil {
		return s.take(w, r, x, prob, next)
	}
	return s.shown(w, r, x, func() error { return s.take(w, r, x, prob, next) })
}

// shown serves a request that comes to the first of the stages, and shows consoles what became of it.
func (s *Stage) shown(w http.ResponseWriter, r *http.Request, x *exchange.Exchange, serve func() error) (err error) {
	began, returned := time.Now(), false
	defer func() {
		broken := !returned || x.Problem != nil && x.Problem == x.Broken // the proxy breaks an answer off by a panic
		s.app.Passed(r, statusOf(w, x, err), broken, time.Since(began))
	}()
	err = serve()
	returned = true
	return err
}

// statusOf is the status of an answer; 0 where the caller left before there was one.
func statusOf(w http.ResponseWriter, x *exchange.Exchange, err error) int {
	to, _ := w.(*fields)
	handled := caddyhttp.HandlerError{}
	switch {
	case x.Problem != nil:
		return x.Problem.StatusCode()
	case to != nil && to.status != 0:
		return to.status
	case errors.As(err, &handled):
		return handled.StatusCode
	case err != nil && x.Context != nil && x.Context.Err() != nil:
		return 0
	case err != nil:
		return http.StatusInternalServerError
	}
	return http.StatusOK // Caddy's own, empty
}

// take takes a request through the stage, unless a problem ends it before.
func (s *Stage) take(w http.ResponseWriter, r *http.Request, x *exchange.Exchange, prob *problem.Problem, next caddyhttp.Handler) error {
	if prob != nil {
		x.Ended = "admit"
		return s.refuse(w, r, x, prob)
	}
	p := s.current.Load() // for this request's way there and back, whatever is swapped in meanwhile
	if s.whole > 0 || p.Needs().Body != exchange.None {
		core.AwaitBody(w, r, x, s.whole)
	}
	if prob := timed(r, x, func() *problem.Problem { return p.Handle(x) }); prob != nil {
		gateway.Conceal(r, x)
		return s.refuse(w, r, x, prob)
	}
	if prob := leave(w, r, x); prob != nil {
		return s.refuse(w, r, x, prob)
	}
	if !p.Returns() {
		return next.ServeHTTP(w, r)
	}
	return s.back(w, r, x, p, next)
}

// timed runs a part of a stage, and tells of it in the request's trace, if that is recorded. What went by before belongs to
// other handlers.
func timed(r *http.Request, x *exchange.Exchange, run func() *problem.Problem) *problem.Problem {
	if !tracing.Recorded(r.Context()) {
		return run()
	}
	others := x.Times
	x.Times = exchange.Timeline{}
	x.Times.Begin()
	prob := run()
	tracing.Stage(r.Context(), x, prob)
	x.Times = others
	return prob
}

// Report counts and logs a problem that would have ended a request if its stage were in force.
func (s *Stage) Report(x *exchange.Exchange, prob *problem.Problem) {
	s.metrics.reported(prob)
	s.app.Unmet(x)
	s.logger.Warn("request would have been refused", zap.String("id", x.ID), zap.Error(prob), zap.Reflect("problem", prob))
}

// refuse answers a problem. Nothing may have been written to w before.
func (s *Stage) refuse(w http.ResponseWriter, r *http.Request, x *exchange.Exchange, prob *problem.Problem) error {
	x.PutAnswer(w.Header())
	x.Name(prob)
	x.Problem = prob
	s.metrics.refused(x, prob)
	s.app.Refused(s.name, r, x, prob)
	s.app.Limited(x)
	s.app.Unmet(x)
	level := zapcore.DebugLevel
	switch {
	case prob.StatusCode() >= 500:
		level = zapcore.ErrorLevel
	case x.PolicyFailed():
		level = zapcore.WarnLevel
	}
	s.logger.Log(level, "request ended", zap.String("id", x.ID), zap.String("stage", x.Ended), zap.Error(prob))
	if err := prob.Write(w, r); err != nil {
		return errors.Join(prob, err)
	}
	return nil
}

// Interface guards
var _ gateway.Part = (*Stage)(nil)
