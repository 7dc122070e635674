package gateway

import (
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/wicketgate/wicketgate/internal/conceal"
	"github.com/wicketgate/wicketgate/internal/console"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/explain"
	"github.com/wicketgate/wicketgate/internal/ledger"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/usage"
)

// consoles has what consoles show: one in the process, over reloads of Caddy, for as long as a configuration has a console.
var consoles = caddy.NewUsagePool()

// liveConsole is a console.Live in the pool.
type liveConsole struct{ *console.Live }

// Destruct implements caddy.Destructor.
func (c liveConsole) Destruct() error {
	c.Traffic.Close()
	return nil
}

// consolePart tells what consoles show of the catalogue in force.
type consolePart struct{ app *App }

// Load implements Part.
func (p consolePart) Load(*Load) (commit func()) {
	return func() { // after the catalogue's
		if p.app.gateway != nil {
			p.app.live.Load().Traffic.Know(console.Keys(p.app.gateway.current.Load().catalogue))
		}
	}
}

// OpenConsole has what consoles show kept, until CloseConsole is called. It is called while handlers are provisioned.
func (a *App) OpenConsole() error {
	live, _, err := consoles.LoadOrNew("", func() (caddy.Destructor, error) {
		return liveConsole{console.New(slog.New(lasting("http.api_gateway.console")))}, nil
	})
	if err != nil {
		return err
	}
	a.live.Store(live.(liveConsole).Live)
	if err := a.Use(consolePart{a}); err != nil {
		return errors.Join(err, a.CloseConsole())
	}
	return nil
}

// CloseConsole says that a handler for which OpenConsole was called is gone.
func (a *App) CloseConsole() error {
	_, err := consoles.Delete("")
	return err
}

// Live is what is kept for consoles, once OpenConsole was called.
func (a *App) Live() *console.Live { return a.live.Load() }

// shown notes a request that has been answered for consoles.
func (a *App) shown(r *http.Request, g *generation, s *served, prob *problem.Problem) {
	live := a.live.Load()
	if live == nil {
		return
	}
	x := &s.Exchange
	Shown(r)
	c := console.Call{Key: console.Key{API: x.API, Version: x.Version}, Status: s.answer.Status, Broken: prob != nil && prob == x.Broken, Took: x.Times.Elapsed()}
	live.Traffic.Record(&c)
	if prob != nil && live.Refused.Wants(c.Key, time.Now()) {
		live.Refused.Keep(refusalOf(r, g.Parameters(), x, prob))
	}
}

// never are fields that are never kept: credentials, and what says how the connection was used.
var never = []string{"Authorization", "Proxy-Authorization", "Cookie", "Dpop", "Connection", "Content-Length", "Transfer-Encoding", "Accept-Encoding", "Te"}

// refusalOf makes what is kept of a refused request: the request as it came, without credentials.
func refusalOf(r *http.Request, parameters []string, x *exchange.Exchange, prob *problem.Problem) (*console.Refusal, []explain.Field, []byte) {
	places := Concealed()
	query := exchange.Query{Raw: r.URL.RawQuery}
	for _, name := range parameters {
		query.Drop(name)
	}
	to := &console.Refusal{
		ID: x.ID, At: x.Time, API: x.API, Version: x.Version, Route: x.Route, Stage: x.Ended,
		Problem: console.Slug(prob), Title: prob.Type.Title, Status: prob.StatusCode(), Detail: prob.Detail,
		Method: r.Method, URL: "https://" + r.Host + r.URL.EscapedPath(),
	}
	if query.Raw != "" {
		to.URL += "?" + places.Text(query.Raw)
	}
	if prob.Title != "" {
		to.Title = prob.Title
	}
	if to.At.IsZero() {
		to.At = time.Now()
	}
	if prob.Cause != nil {
		to.Cause = places.Text(prob.Cause.Error())
	}
	if x.Consumer != nil {
		to.Consumer = x.Consumer.ID
	}
	if x.Client.IsValid() {
		to.Client = x.Client.String()
	}
	if x.Decision != nil {
		to.Decision = x.Decision.ID()
	}
	if x.Body.Read && x.Body.Received > len(x.Body.Came) {
		to.Partial = true
	}
	return to, keptFields(r.Header, places), x.Body.Came
}

// keptFields are the fields of a request without credentials, in the order of their names.
func keptFields(h http.Header, places *conceal.Places) (all []explain.Field) {
	for name, values := range h {
		if slices.Contains(never, name) || places.Field(name) {
			continue
		}
		for _, v := range values {
			all = append(all, explain.Field{Name: name, Value: places.Text(v)})
		}
	}
	slices.SortStableFunc(all, func(a, b explain.Field) int {
		if a.Name < b.Name {
			return -1
		}
		if a.Name > b.Name {
			return 1
		}
		return 0
	})
	return all
}

// QuotaUsed gives who is told how much of a quota is used, and by whom, with each request. fields are those of the header
// that the key is made of.
func (a *App) QuotaUsed(limit, quota string, fields []string, window time.Duration) func(key string, share float64) {
	observe := a.metrics.used.Of(limit, quota)
	return func(key string, share float64) {
		observe(share)
		if live := a.live.Load(); live != nil {
			live.Quotas.Used(limit, quota, console.Counted{Key: key, Secret: slices.ContainsFunc(fields, secretive)}, window, share, time.Now())
		}
	}
}

// secretive says whether a field of the header may have a credential in it, also one that only the service behind knows.
func secretive(field string) bool {
	if field == "*" || slices.Contains(never, field) || Concealed().Field(field) {
		return true
	}
	field = strings.ToLower(field)
	return slices.ContainsFunc([]string{"key", "token", "secret", "auth", "session", "password"}, func(part string) bool { return strings.Contains(field, part) })
}

// APIs are the catalogue's, as they are now; none without a catalogue.
func (a *App) APIs() []console.API {
	if a.gateway == nil {
		return []console.API{}
	}
	g := a.gateway.hold()
	defer g.release()
	return console.APIs(g.catalogue, time.Now())
}

// Describe gives the OpenAPI description of a version of an API.
func (a *App) Describe(api, version string) ([]byte, error) {
	if a.gateway == nil {
		return nil, errors.New("there is no catalogue")
	}
	g := a.gateway.hold()
	defer g.release()
	return g.Describe(api, version, time.Now())
}

// ErrNoUsage is why nobody knows who calls what.
var ErrNoUsage = errors.New("usage is off, or there is no catalogue")

// Called tells who called what.
func (a *App) Called(ask usage.Ask) (*usage.Report, error) {
	if a.gateway == nil {
		return nil, ErrNoUsage
	}
	g := a.gateway.hold()
	defer g.release()
	if g.usage == nil {
		return nil, ErrNoUsage
	}
	return g.usage.Report(ask, g.leaving())
}

// Ending tells which versions that end have been called of late.
func (a *App) Ending() ([]usage.Ending, error) {
	if a.gateway == nil {
		return nil, ErrNoUsage
	}
	g := a.gateway.hold()
	defer g.release()
	if g.usage == nil {
		return nil, ErrNoUsage
	}
	var ends []usage.Version
	for _, v := range g.leaving() {
		if !v.Sunset.IsZero() {
			ends = append(ends, v)
		}
	}
	return g.usage.Ending(ends)
}

// WriteStatus writes the document that GET /api_gateway/status answers.
func (a *App) WriteStatus(w http.ResponseWriter) error { return tell(w, a) }

// ErrNoLedger is why there are no events.
var ErrNoLedger = errors.New("no webhook is configured")

// Events lists the events of webhooks in a state, the oldest first.
func (a *App) Events(r *http.Request, state ledger.State, after uint64, most int) (*ledger.List, error) {
	e := a.events()
	if e == nil {
		return nil, ErrNoLedger
	}
	s, err := e.Session()
	if err != nil {
		return nil, err
	}
	return e.list(r.Context(), s, state, "", after, most)
}

// Replay has an event that ended delivered again.
func (a *App) Replay(r *http.Request, ref string) error {
	e := a.events()
	if e == nil {
		return ErrNoLedger
	}
	s, err := e.Session()
	if err != nil {
		return err
	}
	return s.Replay(r.Context(), ref)
}

// EventsStatus is the status by which an error of Events and Replay is answered.
func EventsStatus(err error) int {
	if errors.Is(err, ErrNoLedger) {
		return http.StatusNotFound
	}
	return statusOf(err)
}

// Send takes a request through all stages as if it had come over the network: it is counted, logged and sent on like any
// other. Where no API is at its address, the answer says so.
func (a *App) Send(w http.ResponseWriter, r *http.Request) error {
	if a.gateway == nil {
		return errors.New("there is no catalogue")
	}
	stranger, err := (&Handler{app: a, logger: a.logger}).serve(w, r)
	if stranger != nil {
		return stranger.Write(w, r)
	}
	return err
}

// Interface guards
var (
	_ caddy.Destructor = liveConsole{}
	_ Part             = consolePart{}
)
