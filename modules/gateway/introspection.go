package gateway

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/wicketgate/wicketgate/internal/identity"
	"github.com/wicketgate/wicketgate/internal/introspection"
	"github.com/wicketgate/wicketgate/internal/status"
)

// Introspection gives a client of an introspection endpoint, which all that ask for the same share, with what it
// remembers. It asks nobody before an app serves.
func (l *Load) Introspection(c introspection.Config) (identity.Introspector, error) {
	c.Report = func(err error) {
		result := "answered"
		if err != nil {
			result = "failed"
		}
		theMetrics.asked.WithLabelValues(result).Inc()
	}
	return Run(l, "introspection "+c.ID(), func() (*introspector, error) {
		client, err := introspection.New(c)
		if err != nil {
			return nil, err
		}
		i := &introspector{Client: client, url: shown(c.URL), client: c.Client}
		// Of an app that serves already, requests may come before Start is called.
		i.started.Store(l.app.started.Load())
		return i, nil
	})
}

// shown is an address without its query, which may hold a secret.
func shown(address string) string {
	address, _, _ = strings.Cut(address, "?")
	return address
}

// introspector is a client as it runs in Caddy.
type introspector struct {
	*introspection.Client
	url, client string
	started     atomic.Bool
}

// Start implements Running.
func (i *introspector) Start(caddy.Context) { i.started.Store(true) }

var errNotStarted = errors.New("the gateway does not serve, and asks nobody for tokens")

// Introspect implements identity.Introspector.
func (i *introspector) Introspect(ctx context.Context, token string, from netip.Addr, now time.Time) (*introspection.Answer, error) {
	if !i.started.Load() {
		return nil, errNotStarted
	}
	return i.Client.Introspect(ctx, token, from, now)
}

// Status implements Running.
func (i *introspector) Status() status.Part {
	s := i.Client.Status()
	told := status.Introspection{Endpoint: i.url, Client: i.client, Asked: s.Asked, Failed: s.Failed, Failing: s.Failing, Error: s.Failure}
	if !s.FailedAt.IsZero() {
		told.FailedAt = &s.FailedAt
	}
	return told
}

// Interface guards
var (
	_ Running               = (*introspector)(nil)
	_ identity.Introspector = (*introspector)(nil)
)
