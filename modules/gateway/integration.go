package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/clienttoken"
	"github.com/wicketgate/wicketgate/internal/integration"
	"github.com/wicketgate/wicketgate/internal/provider"
	"github.com/wicketgate/wicketgate/internal/requestsign"
	"github.com/wicketgate/wicketgate/internal/secret"
	"github.com/wicketgate/wicketgate/internal/status"
	"github.com/wicketgate/wicketgate/modules/upstream"
)

// Integration gives a client of a third party, which outlives loads and reloads that leave its block as it is, with its
// connections, its token and its breaker. It asks nobody before an app serves.
func (l *Load) Integration(from *catalogue.Integration) (integration.Sender, error) {
	c, err := providerOf(from)
	if err != nil {
		return nil, err
	}
	a := l.app
	if a.trial != nil {
		withoutTokens(&c)
		return newParty(c, a.trial.Network, true)
	}
	id, err := c.ID()
	if err != nil {
		return nil, err
	}
	return Run(l, "integration "+id, func() (*party, error) {
		network, err := upstream.ThirdParty(a.ctx, c)
		if err != nil {
			return nil, err
		}
		// Of an app that serves already, requests may come before Start is called.
		p, err := newParty(c, network, a.started.Load())
		if err == nil {
			p.idle = network.CloseIdleConnections
		}
		return p, err
	})
}

// withoutTokens has nobody asked for tokens: any will do.
func withoutTokens(c *provider.Config) {
	if c.Auth != nil && c.Auth.Kind == "oauth2_client_credentials" {
		c.Auth = &provider.Auth{Kind: "bearer", Secret: secret.New("trial")}
	}
}

// onTrial gives a client of a third party that asks network, and tells nobody of it.
func onTrial(from *catalogue.Integration, network http.RoundTripper) (*provider.Client, error) {
	c, err := providerOf(from)
	if err != nil {
		return nil, err
	}
	withoutTokens(&c)
	return provider.New(c, network)
}

// providerOf reads the files that an integration names.
func providerOf(from *catalogue.Integration) (provider.Config, error) {
	c := provider.Config{
		Name: from.Name, URL: from.URL, Timeout: from.Timeout, Deadline: from.Deadline, DialTimeout: from.DialTimeout, Headers: pairs(from.Headers),
		Query: pairs(from.Query), Redirects: from.Redirects, Concurrent: from.Concurrent, AllowPrivate: from.AllowPrivate, RequestID: from.RequestID,
	}
	for _, f := range []struct {
		from catalogue.File
		to   *[]byte
	}{{from.CAFile, &c.CA}, {from.Certificate, &c.Certificate}, {from.CertificateKey, &c.CertificateKey}} {
		if f.from.Path == "" {
			continue
		}
		text, err := os.ReadFile(f.from.Path)
		if err != nil {
			return c, fmt.Errorf("integration %s: %w", from.Name, err)
		}
		*f.to = text
	}
	if a := from.Auth; a != nil {
		c.Auth = &provider.Auth{Kind: a.Kind, Name: a.Name, Secret: a.Secret, Prefix: a.Prefix, TokenURL: a.TokenURL, Post: a.Post, Scopes: a.Scopes, Parameters: pairs(a.Parameters)}
	}
	if s := from.Sign; s != nil {
		c.Sign = &requestsign.Config{Kind: s.Kind, Key: s.Key, Header: s.Header, Hash: s.Hash, Encoding: s.Encoding, Prefix: s.Prefix, Over: s.Over,
			Separator: s.Separator, Timestamp: s.Timestamp, Algorithm: s.Algorithm, KeyID: s.KeyID, Components: s.Components, Expires: s.Expires}
	}
	if r := from.Retry; r != nil {
		c.Retry = &provider.Retry{Attempts: r.Attempts, On: r.On, Max: r.Max}
	}
	if b := from.Breaker; b != nil {
		c.Breaker = &provider.Breaker{Failures: b.Failures, Within: b.Within, OpenFor: b.OpenFor}
	}
	return c, nil
}

func pairs(from []catalogue.Constant) []provider.Pair {
	var to []provider.Pair
	for _, p := range from {
		to = append(to, provider.Pair{Name: p.Name, Value: p.Value})
	}
	return to
}

// party is a client of a third party as it runs in Caddy.
type party struct {
	*provider.Client
	started atomic.Bool
	idle    func() // lets go of connections that nobody uses; nil for none
	changes *Announcer
}

func newParty(c provider.Config, network http.RoundTripper, started bool) (*party, error) {
	p := &party{changes: NewAnnouncer()}
	c.Report = reporter{p}
	client, err := provider.New(c, network)
	if err != nil {
		return nil, err
	}
	p.Client = client
	p.started.Store(started)
	return p, nil
}

// Send implements integration.Sender.
func (p *party) Send(ctx context.Context, q *provider.Request) (*provider.Answer, error) {
	if !p.started.Load() {
		return nil, errNotServing
	}
	return p.Client.Send(ctx, q)
}

var errNotServing = errors.New("the gateway does not serve, and asks nobody")

// Start implements Running: from now on, changes of the breaker are events of the newest app.
func (p *party) Start(ctx caddy.Context) {
	p.started.Store(true)
	p.changes.Start(ctx)
}

// Close implements Running.
func (p *party) Close() error {
	p.changes.Close()
	p.Client.Close()
	if p.idle != nil {
		p.idle()
	}
	return nil
}

// Status implements Running.
func (p *party) Status() status.Part { return status.Integration{Status: p.Client.Status()} }

// reporter counts what happens.
type reporter struct{ *party }

// Tried implements provider.Report.
func (reporter) Tried(name, result string) {
	theMetrics.parties.tries.WithLabelValues(name, result).Inc()
}

// Retried implements provider.Report.
func (reporter) Retried(name string) { theMetrics.parties.retries.WithLabelValues(name).Inc() }

// Token implements provider.Report.
func (reporter) Token(name string, err error) {
	result := "answered"
	switch {
	case errors.Is(err, clienttoken.ErrRefused):
		result = "refused"
	case err != nil:
		result = "failed"
	}
	theMetrics.parties.tokens.WithLabelValues(name, result).Inc()
}

// Breaker implements provider.Report.
func (r reporter) Breaker(name, host, from, to string) {
	theMetrics.parties.breakers.WithLabelValues(name, host).Set(breakerStates[to])
	r.changes.Announce(status.Breaker("integration", name, host, from, to))
}

// partyMetrics are those of integrations. Their names are the catalogue's.
type partyMetrics struct {
	tries, retries, tokens *prometheus.CounterVec
	again                  *prometheus.CounterVec // of upstreams
	breakers, servers      *prometheus.GaugeVec
}

func newPartyMetrics(name func(name, help string) prometheus.Opts) *partyMetrics {
	return &partyMetrics{
		tries: prometheus.NewCounterVec(prometheus.CounterOpts(name("integration_tries_total",
			"Requests sent to third parties, each try, by integration and result: answered, failed, timeout, gone with the caller, unauthorized without a token, busy without a place, or refused by the breaker.")), []string{"integration", "result"}),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts(name("integration_retries_total",
			"Requests sent to third parties again, by integration.")), []string{"integration"}),
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts(name("integration_tokens_total",
			"What came of asking for access tokens, by integration and result: answered, failed, or answered and refused by the service at once.")), []string{"integration", "result"}),
		again: prometheus.NewCounterVec(prometheus.CounterOpts(name("upstream_retries_total",
			"Requests sent to services again, each time, by upstream.")), []string{"upstream"}),
		breakers: prometheus.NewGaugeVec(prometheus.GaugeOpts(name("integration_breaker_state",
			"The state of a circuit breaker, by integration and host: 0 closed, 1 half-open, 2 open.")), []string{"integration", "host"}),
		servers: prometheus.NewGaugeVec(prometheus.GaugeOpts(name("upstream_breaker_state",
			"The state of a circuit breaker, by upstream and server: 0 closed, 1 half-open, 2 open.")), []string{"upstream", "host"}),
	}
}

func (m *partyMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.tries, m.retries, m.tokens, m.again, m.breakers, m.servers}
}

// Interface guards
var (
	_ Running            = (*party)(nil)
	_ integration.Sender = (*party)(nil)
	_ provider.Report    = reporter{}
)
