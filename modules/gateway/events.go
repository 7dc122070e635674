package gateway

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/hashicorp/hcl/v2"
	"go.uber.org/zap/exp/zapslog"

	"github.com/wicketgate/wicketgate/internal/delivery"
	"github.com/wicketgate/wicketgate/internal/ledger"
	"github.com/wicketgate/wicketgate/internal/webhook"
)

// LedgerSource is where events are kept: a guest module in the namespace api_gateway.ledgers.
type LedgerSource interface {
	// Ledger says where, without opening anything. The key is the same for two exactly if they are one ledger, opened in
	// the same way.
	Ledger() (key string, config ledger.Config)
}

// events are the ledger and what delivers from it, as they run in Caddy.
type events struct {
	*ledger.Ledger
	desk *delivery.Desk
}

// deliveries count what came of all attempts, over reloads of Caddy.
var deliveries = delivery.NewCounts()

// Events gives the ledger of a generation, which all apps with the same configuration share; nil after a mistake.
func (l *Load) Events(g *generation) webhook.Store {
	if l.app.ledger == nil {
		return nil
	}
	key, config := l.app.ledger.Ledger()
	e, err := Run(l, "ledger "+key, func() (*events, error) {
		log := slog.New(lasting("http.api_gateway.ledger"))
		config.Log = log
		desk := delivery.NewDesk(log, deliveries)
		return &events{ledger.New(config, desk.Serve), desk}, nil
	})
	if err != nil {
		l.Diagnostics = append(l.Diagnostics, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Unusable ledger", Detail: err.Error()})
		return nil
	}
	g.events = e
	return e
}

// Start implements Running.
func (e *events) Start(caddy.Context) {
	theMetrics.events.runs(e, true)
	e.Ledger.Start()
}

// Close implements Running.
func (e *events) Close() error {
	theMetrics.events.runs(e, false)
	return e.Ledger.Close()
}

// eventsStatus is what the status says of the ledger.
type eventsStatus struct {
	Ledger  string `json:"ledger"` // "open", or why it is not
	Failing bool   `json:"failing,omitempty"`
}

// Status implements Running.
func (e *events) Status() any {
	if err := e.Ready(); err != nil {
		return eventsStatus{err.Error(), true}
	}
	return eventsStatus{Ledger: "open"}
}

// deliver has the events of the webhooks in force delivered.
func (a *App) deliver() {
	if a.gateway == nil {
		return
	}
	g := a.gateway.hold()
	defer g.release()
	if g.events == nil {
		return
	}
	targets := make(map[string]delivery.Target)
	for name, span := range g.Webhooks() {
		targets[name] = delivery.Target{For: span, Send: a.gateway.send}
	}
	g.events.desk.Deliver(a, targets)
}

// stopDelivering leaves the deliveries to whichever app comes after this one.
func (a *App) stopDelivering() {
	if a.gateway == nil {
		return
	}
	g := a.gateway.hold()
	defer g.release()
	if g.events != nil {
		g.events.desk.Leave(a)
	}
}

// send makes one attempt, through what is in force by then.
func (c *catalogued) send(ctx context.Context, e *ledger.Event) delivery.Result {
	g := c.hold()
	defer g.release()
	return g.Deliver(ctx, e, Outgoing)
}

// Outgoing makes a request of our own one that Caddy's modules take.
func Outgoing(w http.ResponseWriter, r *http.Request) *http.Request {
	return caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, &caddyhttp.Server{})
}

// lasting is a log for what outlives configurations: each line goes to the logs of the configuration in force by then.
type lasting string

// Enabled implements slog.Handler.
func (l lasting) Enabled(ctx context.Context, level slog.Level) bool {
	return l.now().Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (l lasting) Handle(ctx context.Context, r slog.Record) error { return l.now().Handle(ctx, r) }

// WithAttrs implements slog.Handler.
func (l lasting) WithAttrs(attrs []slog.Attr) slog.Handler { return l.now().WithAttrs(attrs) }

// WithGroup implements slog.Handler.
func (l lasting) WithGroup(name string) slog.Handler { return l.now().WithGroup(name) }

func (l lasting) now() slog.Handler {
	return zapslog.NewHandler(caddy.Log().Named(string(l)).Core(), zapslog.WithName(string(l)))
}

// Interface guards
var (
	_ Running       = (*events)(nil)
	_ webhook.Store = (*events)(nil)
)
