package gateway

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"go.uber.org/zap"
)

// maxChanges bounds the changes of breakers that wait to be told: 64. One too many is not told; metrics and status have
// the state itself.
const maxChanges = 64

// breakerStates are those of breakers in metrics.
var breakerStates = map[string]float64{"closed": 0, "half-open": 1, "open": 2}

// announcer logs the changes of breakers and emits them as Caddy's event api_gateway.breaker, one at a time and by
// itself: whoever listens may take long, and requests wait while a breaker changes.
type announcer struct {
	events chan change
	once   sync.Once
	ctx    atomic.Pointer[caddy.Context] // of the newest app
	stop   context.CancelFunc
	done   chan struct{}
}

// change is one of a breaker.
type change struct{ of, name, host, from, to string }

func newAnnouncer() *announcer { return &announcer{events: make(chan change, maxChanges)} }

// announce tells of a change. It does not block.
func (a *announcer) announce(of, name, host, from, to string) {
	select {
	case a.events <- change{of, name, host, from, to}:
	default:
	}
}

// start has changes told as events of an app; it may be called again with a newer one.
func (a *announcer) start(ctx caddy.Context) {
	a.ctx.Store(&ctx)
	a.once.Do(func() {
		var inner context.Context
		inner, a.stop = context.WithCancel(context.Background())
		a.done = make(chan struct{})
		go a.tell(inner)
	})
}

func (a *announcer) tell(ctx context.Context) {
	defer close(a.done)
	for {
		select {
		case c := <-a.events:
			app := *a.ctx.Load()
			app.Logger().Warn("circuit breaker changed", zap.String(c.of, c.name), zap.String("host", c.host), zap.String("from", c.from), zap.String("to", c.to))
			if events, err := app.AppIfConfigured("events"); err == nil {
				events.(*caddyevents.App).Emit(app, "api_gateway.breaker", map[string]any{c.of: c.name, "host": c.host, "from": c.from, "to": c.to})
			}
		case <-ctx.Done():
			return
		}
	}
}

// close ends it, and waits for the end.
func (a *announcer) close() {
	if a.stop != nil {
		a.stop()
		<-a.done
	}
}
