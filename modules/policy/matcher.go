package policy

import (
	"errors"
	"net/http"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/modules/gateway"
	"github.com/wicketgate/wicketgate/modules/stage"
)

func init() {
	caddy.RegisterModule(new(Matcher))
}

// Matcher asks a policy and matches the requests that it allows. It only asks: nothing that the policy says besides is
// carried out, so one that obliges to hide something, or overrides quotas, cannot be asked here; its rule allow can.
// Undefined is no match. A request about which the policy cannot decide, for an error or a time-out, is answered as an
// error, for otherwise `not` would make a yes of it. The policies are those of the global option api_gateway; one that
// reads the body cannot be asked here either.
type Matcher struct {
	// The package or rule that is asked: "data.httpapi.authz". Required.
	Query string `json:"query"`

	app     *gateway.App
	current atomic.Pointer[policy.Query]
}

// CaddyModule returns the Caddy module information.
func (*Matcher) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.matchers.api_policy",
		New: func() caddy.Module { return new(Matcher) },
	}
}

// Provision prepares the query.
func (m *Matcher) Provision(ctx caddy.Context) error {
	app, err := ctx.App("api_gateway")
	if err != nil {
		return err
	}
	m.app = app.(*gateway.App)
	return m.app.Use(m)
}

// Load implements gateway.Part.
func (m *Matcher) Load(l *gateway.Load) (commit func()) {
	q := prepare(l, m.Query)
	refuse := func(summary, detail string) {
		at := placeOf(m.Query)
		l.Diagnostics = append(l.Diagnostics, &hcl.Diagnostic{Severity: hcl.DiagError, Subject: &at, Summary: summary, Detail: detail})
	}
	if q != nil && q.Needs().Body != exchange.None {
		refuse("A matcher that reads the body", m.Query+" reads the body, which no matcher may: it would be read before anybody knows whether it is wanted. Ask the policy with the directive api_policy.")
	}
	if q != nil && (q.MustHide() || q.MustLimit()) {
		refuse("Obligations that nobody carries out", m.Query+" has a rule drop, mask, filter or limits, and a matcher carries nothing out. Ask the policy with the directive api_policy, or ask "+m.Query+".allow here.")
	}
	return func() { m.current.Store(q) }
}

// MatchWithError asks the policy.
func (m *Matcher) MatchWithError(r *http.Request) (bool, error) {
	x, prob := stage.Look(m.app, r)
	if prob != nil {
		return false, caddyhttp.Error(prob.StatusCode(), prob)
	}
	decision, prob := m.current.Load().Decide(x)
	if decision != nil {
		gateway.DescribeMatch(r, decision)
	}
	switch {
	case prob == nil && (decision.Obligations != nil || decision.Limits != nil):
		prob = decision.Unfulfilled(errors.New("a matcher carries nothing out"))
		return false, caddyhttp.Error(prob.StatusCode(), prob)
	case prob == nil:
		return true, nil
	case decision == nil || decision.Allow || decision.Denial.Cause != nil || prob.Type != decision.Denial.Type:
		return false, caddyhttp.Error(prob.StatusCode(), prob) // nothing was decided, or it could not be recorded
	}
	return false, nil
}

// UnmarshalCaddyfile sets up the matcher:
//
//	@<name> api_policy <query>
//
// The query is the package or rule that is asked: data.httpapi.authz.
func (m *Matcher) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	for d.Next() {
		args, err := stage.Arguments(d, 1, 1, "api_policy <query>, such as data.httpapi.authz")
		if err != nil {
			return err
		}
		if m.Query != "" {
			return d.Err("the matcher api_policy is given twice")
		}
		m.Query = args[0]
		if d.NextBlock(0) {
			return d.Err("the matcher api_policy takes no block")
		}
	}
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner                 = (*Matcher)(nil)
	_ caddyfile.Unmarshaler             = (*Matcher)(nil)
	_ caddyhttp.RequestMatcherWithError = (*Matcher)(nil)
	_ gateway.Part                      = (*Matcher)(nil)
)
