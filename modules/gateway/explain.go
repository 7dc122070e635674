package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/casetest"
	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/delivery"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/explain"
	"github.com/wicketgate/wicketgate/internal/gateway"
	"github.com/wicketgate/wicketgate/internal/idempotency"
	"github.com/wicketgate/wicketgate/internal/integration"
	"github.com/wicketgate/wicketgate/internal/ledger"
	"github.com/wicketgate/wicketgate/internal/limit"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/modules/upstream"
)

// twin is a gateway made of what another one in force is made of: its catalogue, its policies with what they remember,
// its issuers' keys. It sends nothing over a network but questions to introspection endpoints, and counts nothing: it
// explains what the other does. It is made when it is first asked for, and goes with the other.
type twin struct {
	make func() (*gateway.Gateway, error)

	once    sync.Once
	gateway *gateway.Gateway
	err     error

	mu    sync.Mutex
	close []func() error
}

// get makes the twin, or gives it.
func (t *twin) get() (*gateway.Gateway, error) {
	t.once.Do(func() { t.gateway, t.err = t.make() })
	return t.gateway, t.err
}

// atEnd has something done when the twin goes.
func (t *twin) atEnd(f func() error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.close = append(t.close, f)
}

// end lets go of what the twin runs.
func (t *twin) end() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var errs []error
	for _, f := range t.close {
		errs = append(errs, f())
	}
	t.close = nil
	return errors.Join(errs...)
}

// twin makes the twin of what a load builds from c.
func (c *catalogued) twin(l *Load, config gateway.Config) *twin {
	t := &twin{}
	t.make = func() (*gateway.Gateway, error) {
		var rig casetest.Rig
		with := config
		with.Counter = limit.Peek{Counter: c.app.counter}
		with.Method, with.Report, with.Drift, with.Once = rig.Method, func(*exchange.Exchange, *problem.Problem) {}, nil, nil
		with.Signed = rig.Signed
		if config.Store != nil {
			with.Store = rig
		}
		if with.Policies != nil {
			with.Policies = with.Policies.Unobserved()
		}
		if config.Once != nil {
			with.Once = idempotency.New(rig, slog.New(slog.DiscardHandler))
		}
		with.Integration = func(from *catalogue.Integration) (integration.Sender, error) {
			client, err := onTrial(from, rig)
			if err != nil {
				return nil, err
			}
			t.atEnd(func() error { client.Close(); return nil })
			return client, nil
		}
		with.Upstream = func(u *catalogue.Upstream) (gateway.Upstream, error) {
			to, err := upstream.NewTrial(c.app.ctx, u, rig)
			if err == nil {
				t.atEnd(to.Close)
			}
			return to, err
		}
		built, _, _, diags := gateway.Build(with)
		if diags.HasErrors() {
			return nil, mistaken(diags)
		}
		return built, nil
	}
	return t
}

// mistaken says that files have changed so that what is in force cannot be made again.
func mistaken(diags hcl.Diagnostics) error {
	i := slices.IndexFunc(diags, func(d *hcl.Diagnostic) bool { return d.Severity == hcl.DiagError })
	return fmt.Errorf("the gateway in force cannot be explained, since its files have changed: %s: %s", diags[i].Summary, diags[i].Detail)
}

// twinned serves the requests that are explained.
type twinned struct{ *gateway.Gateway }

// Serve implements casetest.Gateway.
func (t twinned) Serve(w http.ResponseWriter, r *http.Request, x *exchange.Exchange) (*problem.Problem, error) {
	return serveTrial(t.Gateway, w, r, x)
}

// Deliver implements casetest.Gateway.
func (t twinned) Deliver(ctx context.Context, e *ledger.Event) delivery.Result {
	return t.Gateway.Deliver(ctx, e, Outgoing)
}

// explain answers why a request gets the answer that it gets from what is in force, without any of it happening.
func (a *admin) explain(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPost {
		return caddy.APIError{HTTPStatus: http.StatusMethodNotAllowed, Err: errors.New("method not allowed")}
	}
	app, err := running()
	if err != nil {
		return err
	}
	refuse := func(status int, err error) error { return caddy.APIError{HTTPStatus: status, Err: err} }
	var q explain.Question
	from := json.NewDecoder(io.LimitReader(r.Body, explain.MaxQuestion))
	from.DisallowUnknownFields()
	if err := from.Decode(&q); err != nil {
		return refuse(http.StatusBadRequest, fmt.Errorf("reading the question: %w", err))
	}
	told, status, err := app.Explain(r.Context(), &q)
	if err != nil {
		return refuse(status, err)
	}
	if q.Text {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		return told.Text(w, q.Colours)
	}
	w.Header().Set("Content-Type", "application/json")
	return told.JSON(w)
}

// Explain tells why a request gets the answer that it gets from what is in force, without any of it happening. Where it
// cannot, the status says what is to blame, as an answer does.
func (a *App) Explain(ctx context.Context, q *explain.Question) (told *explain.Told, status int, err error) {
	if a.gateway == nil {
		return nil, http.StatusNotFound, errors.New("there is no catalogue, and nothing that serves requests to explain")
	}
	step, err := q.Step()
	if err != nil {
		return nil, http.StatusBadRequest, err
	}
	g := a.gateway.hold()
	defer g.release()
	t, err := g.twin.get()
	if err != nil {
		return nil, http.StatusConflict, err
	}
	if told, err = explain.Request(ctx, twinned{t}, g.catalogue, step); err != nil {
		return nil, http.StatusBadRequest, err
	}
	return told, http.StatusOK, nil
}

// Interface guards
var _ casetest.Gateway = twinned{}
