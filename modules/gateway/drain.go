package gateway

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
)

// mostDrain bounds how long a reload may take longer.
const mostDrain = time.Minute

// provisionDrain has Caddy tell the app when its configuration is about to end.
func (a *App) provisionDrain() error {
	switch span := time.Duration(a.Drain); {
	case span < 0 || span > mostDrain:
		return errors.New("drain: it is from 0 to 1m")
	case span == 0 || a.checking:
		return nil
	}
	app, err := a.ctx.App("events")
	if err != nil {
		return err
	}
	return app.(*caddyevents.App).On("stopping", drain{a})
}

// OnDrain has f called when the configuration is about to end, if there is a span for which it drains.
func (a *App) OnDrain(f func()) {
	a.retiring.Lock()
	defer a.retiring.Unlock()
	a.retiring.all = append(a.retiring.all, f)
}

// drain waits while callers close their connections. Caddy goes on only after it: both configurations serve meanwhile.
type drain struct{ app *App }

// Handle implements caddyevents.Handler.
func (d drain) Handle(ctx context.Context, _ caddy.Event) error {
	d.app.draining.Store(true)
	d.app.retiring.Lock()
	all := d.app.retiring.all
	d.app.retiring.Unlock()
	for _, retire := range all {
		retire()
	}
	end := time.NewTimer(time.Duration(d.app.Drain))
	defer end.Stop()
	select {
	case <-end.C:
	case <-ctx.Done():
	}
	return nil
}

// retiring is what is called when the configuration is about to end.
type retiring struct {
	sync.Mutex
	all []func()
}

// drains asks the caller to close the connection, if the configuration is about to end.
func (a *App) drains(w http.ResponseWriter, r *http.Request) {
	if a.draining.Load() && r.ProtoMajor == 1 { // HTTP/2 and 3 say so themselves, and lose nothing
		w.Header()["Connection"] = []string{"close"}
	}
}

// Interface guard
var _ caddyevents.Handler = drain{}
