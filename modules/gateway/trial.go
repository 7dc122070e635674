package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/delivery"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/gateway"
	"github.com/wicketgate/wicketgate/internal/idempotency"
	"github.com/wicketgate/wicketgate/internal/identity"
	"github.com/wicketgate/wicketgate/internal/ledger"
	"github.com/wicketgate/wicketgate/internal/limit"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/webhook"
)

// TrialConfig is what stands in the place of the world around a gateway on trial.
type TrialConfig struct {
	Network http.RoundTripper // asked in the place of the network behind the gateway
	Counter limit.Counter     // counts in the place of the configured engine
	Answers idempotency.Store // keeps answers in the place of the ledger
	Events  webhook.Store     // keeps events in the place of the ledger
	// Signed says of a call to a webhook that its sender signed it.
	Signed func(context.Context) bool
	// Method puts another in the place of a way to identify oneself.
	Method func(*catalogue.Identity, identity.Method) identity.Method
}

// method is Method, nil where there is no trial.
func (t *TrialConfig) method() func(*catalogue.Identity, identity.Method) identity.Method {
	if t == nil {
		return nil
	}
	return t.Method
}

// signed is Signed, nil where there is no trial.
func (t *TrialConfig) signed() func(context.Context) bool {
	if t == nil {
		return nil
	}
	return t.Signed
}

// Trial is a gateway that serves tests and nobody else. Its stages and its proxy are those of a gateway that serves; it
// listens to nothing, writes no file, and sends nothing over a network.
type Trial struct{ app *App }

// Try loads what an app's configuration names and puts it on trial. The error is a *LoadError where files have
// mistakes; then the trial, unless it is nil, serves nothing, but tells what was read. It is closed in any case.
func Try(ctx caddy.Context, config json.RawMessage, with TrialConfig) (*Trial, error) {
	a := &App{checking: true, trial: &with}
	if err := caddy.StrictUnmarshalJSON(config, a); err != nil {
		return nil, fmt.Errorf("reading the configuration of api_gateway: %w", err)
	}
	return &Trial{a}, a.Provision(ctx)
}

// Close ends the trial.
func (t *Trial) Close() error { return t.app.Cleanup() }

// Catalogue is what was read of the catalogue, mistaken or not; nil where the configuration names none.
func (t *Trial) Catalogue() *catalogue.Catalogue {
	if t.app.gateway == nil {
		return nil
	}
	return t.app.gateway.read
}

// Files are all files and folders that were read or looked for.
func (t *Trial) Files() []string { return t.app.files }

// PolicyFolder is a PolicySource that takes policies from the disk, where their tests may lie beside them.
type PolicyFolder interface {
	// Folders are the folders and files that are read.
	Folders() []string
}

// Policies are the folders and files that the configured policies come from; none where they come from elsewhere.
func (t *Trial) Policies() []string {
	if from, ok := t.app.policies.(PolicyFolder); ok {
		return from.Folders()
	}
	return nil
}

// Allowed are the built-in functions that the configured policies may call although they are refused otherwise.
func (t *Trial) Allowed() []string { return t.app.allowed() }

// allowed are the functions that the operator allows policies.
func (a *App) allowed() []string {
	if from, ok := a.policies.(interface{ Allowed() []string }); ok {
		return from.Allowed()
	}
	return nil
}

// Unhurried is a PolicySource whose decisions may be given all the time there is: whether a policy is fast enough for the
// machine that tests it is not what a test asks.
type Unhurried interface {
	// Unhurry takes the limit of time of a decision as far up as it goes.
	Unhurry()
}

// Serve takes a request through all stages, as Handler does, and tells of it in x. The problem is the one that was
// answered; the error, what else ended the answer.
func (t *Trial) Serve(w http.ResponseWriter, r *http.Request, x *exchange.Exchange) (*problem.Problem, error) {
	g := t.app.gateway.hold()
	defer g.release()
	return serveTrial(g.Gateway, w, r, x)
}

// serveTrial takes a request through all stages of g.
func serveTrial(g *gateway.Gateway, w http.ResponseWriter, r *http.Request, x *exchange.Exchange) (*problem.Problem, error) {
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, &caddyhttp.Server{})
	claimed, err := g.Serve(w, r, x, ClientAddress(r), func(string) bool { return true })
	if !claimed && err == nil {
		prob := g.Unclaimed(x)
		return prob, prob.Write(w, r)
	}
	var prob *problem.Problem
	if !errors.As(err, &prob) {
		return nil, err
	}
	var handled caddyhttp.HandlerError
	if errors.As(prob.Cause, &handled) && handled.Err != nil { // its own text has a number that is another each time
		same := *prob
		prob = same.Because(handled.Err)
	}
	return prob, nil
}

// Deliver makes one attempt to deliver an event that Serve had kept.
func (t *Trial) Deliver(ctx context.Context, e *ledger.Event) delivery.Result {
	return t.app.gateway.send(ctx, e)
}
