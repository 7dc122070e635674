package gateway

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/hcl/v2"
	"go.uber.org/zap"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/gateway"
	"github.com/wicketgate/wicketgate/internal/idempotency"
	"github.com/wicketgate/wicketgate/internal/status"
	"github.com/wicketgate/wicketgate/internal/webhook"
	"github.com/wicketgate/wicketgate/modules/upstream"
)

// catalogued is the part of the app that serves the catalogue: what is in force, and the upstreams it runs.
type catalogued struct {
	app     *App
	current atomic.Pointer[generation]
	next    *generation          // that a load has built and not committed yet; nil otherwise
	read    *catalogue.Catalogue // by the last load, mistaken or not

	mu        sync.Mutex
	upstreams map[string]*shared // by what their configuration says, so that a load that leaves one as it was keeps its connections
	wanted    []string           // APIs that handlers name
}

// generation is one state of the catalogue in force. It is let go when the next one has taken its place and the last
// request that it serves has ended.
type generation struct {
	*gateway.Gateway
	catalogue *catalogue.Catalogue
	apis      []string     // and webhooks
	twin      *twin        // that explains it
	users     atomic.Int64 // requests, and one for being current; once 0 it stays 0
	let       func()
	usage     *usageKeeper // nil where nothing is kept
	sunsets   *sunsets     // nil on trial, and where mistakes are looked for
}

// shared is an upstream that several generations use.
type shared struct {
	*upstream.Upstream
	users int
}

// Load builds the next generation.
func (c *catalogued) Load(l *Load) func() {
	cat, sources, diags := catalogue.Load(c.app.Catalogue, c.app.Variables)
	c.read = cat
	l.Read(cat.Files, sources)
	l.Diagnostics = append(l.Diagnostics, diags...)
	next := &generation{}
	next.users.Store(1)
	var store webhook.Store
	switch {
	case len(cat.Webhooks)+len(cat.Subscribers) == 0:
	case c.app.trial != nil:
		store = c.app.trial.Events
	default:
		store = l.Events()
	}
	var once *idempotency.Keeper
	switch {
	case !cat.Keeps():
	case c.app.trial != nil && c.app.trial.Answers != nil:
		once = idempotency.New(c.app.trial.Answers, slog.New(slog.DiscardHandler))
	default:
		once = l.Once()
	}
	var used []string
	config := gateway.Config{
		Catalogue: cat,
		Broken:    diags.HasErrors(),
		Sources:   sources,
		Policies:  l.Policies,

		PoliciesBroken: l.Configured && l.Policies == nil,
		Counter:        c.app.counter,
		QuotaUsed:      c.app.QuotaUsed,
		Method:         c.app.trial.method(),
		IssuerKeys:     l.IssuerKeys,
		Signing:        l.Signer,
		Introspection:  l.Introspection,
		Integration:    l.Integration,
		Report:         c.app.validated,
		Drift:          c.app.drift,
		Store:          store,
		Signed:         c.app.trial.signed(),
		Once:           once,
		Upstream: func(u *catalogue.Upstream) (gateway.Upstream, error) {
			if c.app.checking && c.app.trial == nil {
				return nil, nil
			}
			key, s, err := c.acquire(u)
			if err == nil {
				used = append(used, key)
			}
			return s, err
		},
	}
	next.twin = c.twin(l, config)
	next.let = func() {
		c.release(used)
		if err := next.twin.end(); err != nil {
			c.app.logger.Error("closing what explains requests", zap.Error(err))
		}
	}
	built, files, more, mistakes := gateway.Build(config)
	l.Read(files, more)
	l.Diagnostics = append(l.Diagnostics, mistakes...)
	c.next = next
	l.OnDiscard(func() {
		c.next = nil
		next.release()
	})
	next.Gateway, next.catalogue = built, cat
	var err error
	if next.usage, err = l.usage(); err != nil {
		l.Diagnostics = append(l.Diagnostics, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Usage cannot be kept", Detail: err.Error()})
	}
	if next.sunsets, err = l.sunsets(); err != nil {
		l.Diagnostics = append(l.Diagnostics, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Sunsets cannot be told", Detail: err.Error()})
	}
	l.Credentials = append(l.Credentials, built.Credentials()...)
	l.Parameters = append(l.Parameters, built.Parameters()...)
	l.Told = append(l.Told, built.Told()...)
	for _, api := range cat.APIs {
		next.apis = append(next.apis, api.Name)
	}
	for _, w := range cat.Webhooks {
		next.apis = append(next.apis, w.Name)
		if _, twice := c.app.alone[w.Name]; twice {
			l.Diagnostics = append(l.Diagnostics, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Two webhooks of one name", Detail: "api_webhook has the name already.", Subject: &w.Range})
		}
	}
	c.mu.Lock()
	wanted := slices.Clone(c.wanted)
	c.mu.Unlock()
	for _, name := range wanted {
		if err := next.has(name); err != nil && !l.failed() {
			l.Diagnostics = append(l.Diagnostics, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "An API is missing", Detail: err.Error()})
		}
	}
	return func() {
		c.app.drift.Keep(built.Drifting())
		c.next = nil
		if last := c.current.Swap(next); last != nil {
			last.release()
		}
		if next.sunsets != nil {
			next.sunsets.look()
		}
	}
}

// reserve has clients' fields end at admission too, in the generation that a load is about to commit; in the one in force
// where it commits none.
func (c *catalogued) reserve(fields []string) {
	g := c.next
	if g == nil {
		g = c.current.Load()
	}
	g.Reserve(fields)
}

// want checks that an API is there, now and at every load to come.
func (c *catalogued) want(name string) error {
	if err := c.current.Load().has(name); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wanted = append(c.wanted, name)
	return nil
}

// hooks says whether a webhook of the catalogue has a name.
func (g *generation) hooks(name string) bool {
	return slices.ContainsFunc(g.catalogue.Webhooks, func(w *catalogue.Webhook) bool { return w.Name == name })
}

func (g *generation) has(name string) error {
	if slices.Contains(g.apis, name) {
		return nil
	}
	err := fmt.Errorf("the catalogue has no API or webhook %q", name)
	if s := diagnostic.Suggest(name, g.apis); s != "" {
		err = fmt.Errorf("%w; did you mean %q?", err, s)
	}
	return err
}

// hold gives what is in force, which stays usable until release.
func (c *catalogued) hold() *generation {
	for {
		g := c.current.Load()
		for n := g.users.Load(); n > 0; n = g.users.Load() {
			if g.users.CompareAndSwap(n, n+1) {
				return g
			}
		}
	}
}

func (g *generation) release() {
	if g.users.Add(-1) == 0 {
		g.let()
	}
}

func (c *catalogued) acquire(u *catalogue.Upstream) (string, *upstream.Upstream, error) {
	key, err := upstream.Key(u)
	if err != nil {
		return "", nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.upstreams[key]
	if s == nil {
		running, err := c.run(u)
		if err != nil {
			return "", nil, err
		}
		s = &shared{Upstream: running}
		if c.upstreams == nil {
			c.upstreams = make(map[string]*shared)
		}
		c.upstreams[key] = s
	}
	s.users++
	return key, s.Upstream, nil
}

func (c *catalogued) run(u *catalogue.Upstream) (*upstream.Upstream, error) {
	if c.app.trial != nil {
		return upstream.NewTrial(c.app.ctx, u, c.app.trial.Network)
	}
	return upstream.New(c.app.ctx, u, c.app.started.Load, upstream.Report{
		Changed: func(name, host, from, to string) {
			theMetrics.parties.servers.WithLabelValues(name, host).Set(breakerStates[to])
			c.app.told.Announce(status.Breaker("upstream", name, host, from, to))
		},
		Retried: func(name string) { theMetrics.parties.again.WithLabelValues(name).Inc() },
	})
}

func (c *catalogued) release(keys []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range keys {
		s := c.upstreams[key]
		if s == nil { // the app was closed before its last request ended
			continue
		}
		if s.users--; s.users == 0 {
			delete(c.upstreams, key)
			if err := s.Close(); err != nil {
				c.app.logger.Error("closing an upstream", zap.Error(err))
			}
		}
	}
}

// servers tell how those of all upstreams do.
func (c *catalogued) servers() (all []status.Part) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(c.upstreams)) {
		for _, s := range c.upstreams[key].Servers() {
			all = append(all, s)
		}
	}
	return all
}

// close ends all upstreams, used or not: the server that used them is gone.
func (c *catalogued) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for key, s := range c.upstreams {
		errs = append(errs, s.Close())
		delete(c.upstreams, key)
	}
	if err := errors.Join(errs...); err != nil {
		c.app.logger.Error("closing upstreams", zap.Error(err))
	}
}
