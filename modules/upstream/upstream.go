// Package upstream runs the operator's services as the catalogue writes them: their servers, with Caddy's HTTP transport,
// probes and handling of WebSockets, behind the gateway's own proxy.
package upstream

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/provider"
	"github.com/wicketgate/wicketgate/internal/proxy"
	"github.com/wicketgate/wicketgate/internal/status"
)

const (
	// maxResponseHeader bounds an upstream's response header: 64 KiB.
	maxResponseHeader = 64 << 10
	// idleConnections is how many idle connections to one server are kept: 256. Caddy's default of 32 makes 64
	// concurrent callers dial again and again.
	idleConnections = 256
	// idleFor is how long they are kept: 2 minutes, as Caddy has it.
	idleFor = 2 * time.Minute
	// healthFails is how many probes in a row must fail before a server is left out: 2, so that neither the probe that
	// comes before a service has started nor a single lost one takes it away. A failed connection does so at once.
	healthFails = 2
)

// Upstream is a running upstream of the catalogue.
type Upstream struct {
	name      string
	servers   *proxy.Servers
	network   *network
	proxy     *proxy.Proxy
	switching *reverseproxy.Handler
	cancel    context.CancelFunc
}

// Key is the same for two upstreams exactly if they would run alike: whatever the catalogue says of them but their
// places, and what lies in the files they name.
func Key(c *catalogue.Upstream) (string, error) {
	said := *c
	said.Range, said.CAFile.Range = hcl.Range{}, hcl.Range{}
	if c.Retry != nil {
		r := *c.Retry
		r.Range, said.Retry = hcl.Range{}, &r
	}
	if c.Health != nil {
		h := *c.Health
		h.Range, said.Health = hcl.Range{}, &h
	}
	if c.Breaker != nil {
		b := *c.Breaker
		b.Range, said.Breaker = hcl.Range{}, &b
	}
	key, err := json.Marshal(&said)
	if err != nil {
		return "", fmt.Errorf("upstream %s: %w", c.Name, err)
	}
	if c.CAFile.Path == "" {
		return string(key), nil
	}
	pem, err := os.ReadFile(c.CAFile.Path)
	if err != nil {
		return "", fmt.Errorf("upstream %s: reading ca_file: %w", c.Name, err)
	}
	return string(key) + string(pem), nil
}

// New makes c run. ctx is the gateway's: what New starts ends with it, or with Close. Its servers are not probed before
// probing says so: a configuration that is only validated asks nothing of the network.
func New(ctx caddy.Context, c *catalogue.Upstream, probing func() bool, report Report) (*Upstream, error) {
	return start(ctx, c, nil, probing, report)
}

// Report is told what happens while requests are under way, and must not block.
type Report struct {
	Changed Changed           // of breakers
	Retried func(name string) // a request is sent again
}

// Changed is told how the breaker of a server changes, while requests wait, and must not block.
type Changed func(name, host, from, to string)

// Unreported is told and tells nobody.
var Unreported = Report{func(string, string, string, string) {}, func(string) {}}

// NewTrial makes c run as New does, but asks network in the place of the network, and probes nothing.
func NewTrial(ctx caddy.Context, c *catalogue.Upstream, network http.RoundTripper) (*Upstream, error) {
	unprobed := *c
	unprobed.Health = nil
	return start(ctx, &unprobed, network, func() bool { return false }, Unreported)
}

// start makes c run; trial is nil for the real network.
func start(ctx caddy.Context, c *catalogue.Upstream, trial http.RoundTripper, probing func() bool, report Report) (*Upstream, error) {
	inner, cancel := context.WithCancel(ctx.Context)
	// A copy of the context with an end of its own, and not caddy.NewContext: that would make a metrics registry
	// that nobody scrapes.
	ctx.Context = inner
	u, err := build(ctx, c, trial, probing, report)
	if err != nil {
		cancel()
		return nil, err
	}
	u.cancel = cancel
	return u, nil
}

func build(ctx caddy.Context, c *catalogue.Upstream, trial http.RoundTripper, probing func() bool, report Report) (*Upstream, error) {
	t := &reverseproxy.HTTPTransport{
		DialTimeout:           caddy.Duration(c.DialTimeout),
		ResponseHeaderTimeout: caddy.Duration(c.Timeout),
		MaxResponseHeaderSize: maxResponseHeader,
		Compression:           new(bool), // what the client negotiates with the service is between the two
		KeepAlive:             &reverseproxy.KeepAlive{MaxIdleConnsPerHost: idleConnections, IdleConnTimeout: caddy.Duration(idleFor)},
	}
	var addresses []*url.URL
	for _, s := range c.Servers {
		address, err := url.Parse(s)
		if err != nil {
			return nil, fmt.Errorf("upstream %s: %w", c.Name, err)
		}
		addresses = append(addresses, address)
	}
	secure := addresses[0].Scheme == "https"
	if secure {
		t.TLS = &reverseproxy.TLSConfig{HandshakeTimeout: caddy.Duration(10 * time.Second)}
	}
	if err := t.Provision(ctx); err != nil {
		return nil, fmt.Errorf("upstream %s: %w", c.Name, err)
	}
	if c.CAFile.Path != "" {
		roots, err := readRoots(c.CAFile.Path)
		if err != nil {
			return nil, fmt.Errorf("upstream %s: %w", c.Name, err)
		}
		t.Transport.TLSClientConfig.RootCAs = roots
	}
	u := &Upstream{name: c.Name, network: &network{t, plainly(t, c.Timeout, addresses), trial}}
	pool, servers := serversOf(c, addresses, report.Changed)
	u.servers = proxy.NewServers(secure, servers...)
	u.servers.Patient = trial != nil
	config := proxy.Config{Name: c.Name, Secure: secure, Timeout: c.Timeout, Retried: func() { report.Retried(c.Name) }}
	tries := &reverseproxy.LoadBalancing{SelectionPolicy: choice{u.servers}}
	if c.Retry != nil {
		config.Retry = &proxy.Retry{Attempts: c.Retry.Attempts, Statuses: statuses(c.Retry)}
		tries.Retries, tries.RetryMatch = c.Retry.Attempts-1, caddyhttp.MatcherSets{caddyhttp.MatcherSet{never{}}}
	}
	u.proxy = proxy.New(config, u.servers, u.network)
	u.switching = &reverseproxy.Handler{
		Transport:      &switching{u.network, u.proxy, probing},
		Upstreams:      pool,
		LoadBalancing:  tries,
		HealthChecks:   &reverseproxy.HealthChecks{},
		HandleResponse: whenRefused(),
	}
	if c.Health != nil {
		u.switching.HealthChecks.Active = &reverseproxy.ActiveHealthChecks{
			URI: c.Health.Path, Interval: caddy.Duration(c.Health.Interval), Timeout: caddy.Duration(c.Timeout),
			Fails: healthFails,
		}
	}
	if err := u.switching.Provision(ctx); err != nil {
		return nil, fmt.Errorf("upstream %s: %w", c.Name, err)
	}
	return u, nil
}

// serversOf are the servers of an upstream, for Caddy, which probes them, and for the gateway's proxy.
func serversOf(c *catalogue.Upstream, addresses []*url.URL, changed Changed) (pool reverseproxy.UpstreamPool, all []*proxy.Server) {
	for _, address := range addresses {
		probed := &reverseproxy.Upstream{Dial: dialAddress(address)}
		one := &proxy.Server{Address: probed.Dial, Healthy: probed.Healthy}
		if c.Breaker != nil {
			config := provider.Breaker{Failures: c.Breaker.Failures, Within: c.Breaker.Within, OpenFor: c.Breaker.OpenFor}
			one.Breaker = provider.NewHostBreaker(c.Name, one.Address, config, changed)
		}
		pool, all = append(pool, probed), append(all, one)
	}
	return pool, all
}

// statuses are those that are tried again.
func statuses(r *catalogue.Retry) (all []int) {
	for _, on := range r.On {
		if status, err := strconv.Atoi(on); err == nil {
			all = append(all, status)
		}
	}
	return all
}

func dialAddress(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	if u.Scheme == "https" {
		return u.Host + ":443"
	}
	return u.Host + ":80"
}

func readRoots(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading ca_file: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("reading ca_file: %s holds no certificate in PEM form", file)
	}
	return roots, nil
}

// Forward sends r, whose exchange says the rest, to the upstream and writes what it answers. A problem is returned
// only while nothing has been written; any error besides is the connection's end.
func (u *Upstream) Forward(w http.ResponseWriter, r *http.Request, x *exchange.Exchange) error {
	if switches(r) {
		return u.change(w, r, x)
	}
	trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool)
	return u.proxy.Forward(w, r, x, trusted)
}

// Servers says how each server does, by host.
func (u *Upstream) Servers() []status.Server {
	var all []status.Server
	for _, server := range u.servers.All() {
		one := status.Server{Upstream: u.name, Host: server.Address, Healthy: u.servers.Available(server)}
		if server.Breaker != nil {
			state, since := server.Breaker.Now()
			one.Breaker, one.Since = state, &since
		}
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b status.Server) int { return strings.Compare(a.Host, b.Host) })
	return all
}

// Close ends health checks, idle connections and upgraded streams. Requests under way are not cut off.
func (u *Upstream) Close() error {
	u.cancel()
	return errors.Join(u.switching.Cleanup(), u.network.close())
}
