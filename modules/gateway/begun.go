package gateway

import (
	"context"
	"fmt"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
)

// begun is what is to be done once all apps of a configuration have started. Caddy starts them in any order, and the gateway's
// events are not those of a configuration that fails before all have.
type begun struct {
	mu   sync.Mutex
	is   bool
	then []func()
}

// provision has Caddy say when all have started. Where nobody listens to events, that does not matter.
func (b *begun) provision(ctx caddy.Context) error {
	app, err := ctx.AppIfConfigured("events")
	if err != nil {
		b.is = true
		return nil //nolint:nilerr // it is not configured
	}
	events := app.(*caddyevents.App)
	// That app lists who listens when it starts. What other apps tell before is heard by nobody; and what they tell meanwhile, as
	// Caddy's own does of certificates, reads the list while it is written.
	for _, s := range events.Subscriptions {
		if err := events.Subscribe(s); err != nil {
			return fmt.Errorf("having events heard from the beginning: %w", err)
		}
	}
	events.Subscriptions = nil
	return events.On("started", b)
}

// Handle implements caddyevents.Handler.
func (b *begun) Handle(_ context.Context, e caddy.Event) error {
	if e.Origin() != nil { // somebody's own, of the same name
		return nil
	}
	b.mu.Lock()
	then := b.then
	b.is, b.then = true, nil
	b.mu.Unlock()
	for _, f := range then {
		f()
	}
	return nil
}

// once does something when all have started, which of a configuration that fails never comes.
func (b *begun) once(f func()) {
	b.mu.Lock()
	is := b.is
	if !is {
		b.then = append(b.then, f)
	}
	b.mu.Unlock()
	if is {
		f()
	}
}

// Interface guards
var _ caddyevents.Handler = (*begun)(nil)
