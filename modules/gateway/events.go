package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/hashicorp/hcl/v2"
	"go.uber.org/zap/exp/zapslog"

	"github.com/wicketgate/wicketgate/internal/delivery"
	"github.com/wicketgate/wicketgate/internal/idempotency"
	"github.com/wicketgate/wicketgate/internal/ledger"
	"github.com/wicketgate/wicketgate/internal/status"
	"github.com/wicketgate/wicketgate/internal/webhook"
)

// LedgerSource is where events are kept: a guest module in the namespace api_gateway.ledgers.
type LedgerSource interface {
	// Ledger says where, without opening anything. The key is the same for two exactly if they are one ledger, whose
	// configuration, but for its place, may change while it is open.
	Ledger() (key string, config ledger.Config)
}

// events are the ledger and what delivers from it, as they run in Caddy.
type events struct {
	*ledger.Ledger
	desk   *delivery.Desk
	keeper *idempotency.Keeper
}

// deliveries count what came of all attempts, over reloads of Caddy.
var deliveries = delivery.NewCounts()

// Events gives the ledger, which all apps with a ledger at the same place share; nil where nothing is kept: in a trial,
// and after a mistake.
func (l *Load) Events() webhook.Store {
	if e := l.events(); e != nil {
		return e
	}
	return nil
}

// Once gives what keeps answers by callers' keys, in the same ledger; nil where nothing is kept.
func (l *Load) Once() *idempotency.Keeper {
	if e := l.events(); e != nil {
		return e.keeper
	}
	return nil
}

func (l *Load) events() *events {
	if l.app.ledger == nil {
		return nil
	}
	key, config := l.app.ledger.Ledger()
	e, err := Run(l, ledgerKey(key), func() (*events, error) {
		log := slog.New(lasting("http.api_gateway.ledger"))
		config.Log = log
		desk := delivery.NewDesk(log, deliveries)
		to := ledger.New(config, desk.Serve)
		return &events{to, desk, idempotency.New(to, log)}, nil
	})
	if err != nil {
		l.Diagnostics = append(l.Diagnostics, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Unusable ledger", Detail: err.Error()})
		return nil
	}
	return e
}

func ledgerKey(key string) string { return "ledger " + key }

// events gives the ledger in force, nil where there is none.
func (a *App) events() *events {
	if a.ledger == nil {
		return nil
	}
	key, _ := a.ledger.Ledger()
	e, _ := a.inForce()[ledgerKey(key)].(*events)
	return e
}

// Deliver has the events of a webhook that is not the catalogue's delivered. It is called while handlers are provisioned.
func (a *App) Deliver(name string, to delivery.Target) error {
	a.loading.Lock()
	defer a.loading.Unlock()
	if _, twice := a.alone[name]; twice || a.gateway != nil && a.gateway.current.Load().hooks(name) {
		return fmt.Errorf("there is another webhook called %q", name)
	}
	if a.alone == nil {
		a.alone = make(map[string]delivery.Target)
	}
	a.alone[name] = to
	return nil
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

// Status implements Running.
func (e *events) Status() status.Part {
	if err := e.Ready(); err != nil {
		return status.Ledger{Error: err.Error()}
	}
	return status.Ledger{Ready: true}
}

// deliver has the events of the webhooks in force delivered, from the ledger as this app configures it.
func (a *App) deliver() {
	e := a.events()
	if e == nil {
		return
	}
	targets := maps.Clone(a.alone)
	if targets == nil {
		targets = make(map[string]delivery.Target)
	}
	if a.gateway != nil {
		g := a.gateway.hold()
		defer g.release()
		for name, span := range g.Webhooks() {
			targets[name] = delivery.Target{For: span, Send: a.gateway.send}
		}
	}
	_, config := a.ledger.Ledger()
	e.Configure(config)
	e.desk.Deliver(a, targets)
}

// stopDelivering leaves the deliveries to whichever app comes after this one.
func (a *App) stopDelivering() {
	if e := a.events(); e != nil {
		e.desk.Leave(a)
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
	// No line has a stack: those who write are workers, whose stacks say no more than their messages.
	return zapslog.NewHandler(caddy.Log().Named(string(l)).Core(), zapslog.WithName(string(l)), zapslog.AddStacktraceAt(slog.Level(math.MaxInt)))
}

// Interface guards
var (
	_ Running       = (*events)(nil)
	_ webhook.Store = (*events)(nil)
)
