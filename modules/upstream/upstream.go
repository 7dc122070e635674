// Package upstream carries requests to the operator's services: an upstream of the catalogue becomes Caddy's own
// reverse proxy, with its balancing, retries and health checks, around a transport that puts on what the gateway says
// of the caller and takes the answer back through the stages.
package upstream

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/provider"
)

const (
	// maxResponseHeader bounds an upstream's response header: 64 KiB.
	maxResponseHeader = 64 << 10
	// idleConnections is how many idle connections to one server are kept: 256. Caddy's default of 32 makes 64
	// concurrent callers dial again and again.
	idleConnections = 256
	// passiveFailures is how long a failed connection keeps a server out of a group of several: 10 s.
	passiveFailures = 10 * time.Second
	// healthFails is how many probes in a row must fail before a server is left out: 2, so that neither the probe that
	// comes before a service has started nor a single lost one takes it away. A failed connection does so at once.
	healthFails = 2
	// statusClientClosed is Caddy's status for a caller who went away.
	statusClientClosed = 499
)

// Upstream is a running upstream of the catalogue.
type Upstream struct {
	name      string
	proxy     *reverseproxy.Handler
	transport *transport
	breakers  *breakers // nil for none
	budget    *provider.Budget
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

// Unreported is told and tells nobody.
var Unreported = Report{func(string, string, string, string) {}, func(string) {}}

// NewTrial makes c run as New does, but asks network in the place of the network, and probes nothing.
func NewTrial(ctx caddy.Context, c *catalogue.Upstream, network http.RoundTripper) (*Upstream, error) {
	unprobed := *c
	unprobed.Health = nil
	return start(ctx, &unprobed, network, func() bool { return false }, Unreported)
}

// start makes c run; network is nil for the real one.
func start(ctx caddy.Context, c *catalogue.Upstream, network http.RoundTripper, probing func() bool, report Report) (*Upstream, error) {
	inner, cancel := context.WithCancel(ctx.Context)
	// A copy of the context with an end of its own, and not caddy.NewContext: that would make a metrics registry
	// that nobody scrapes.
	ctx.Context = inner
	u, err := build(ctx, c, network, probing, report)
	if err != nil {
		cancel()
		return nil, err
	}
	u.cancel = cancel
	return u, nil
}

func build(ctx caddy.Context, c *catalogue.Upstream, network http.RoundTripper, probing func() bool, report Report) (*Upstream, error) {
	t := &reverseproxy.HTTPTransport{
		DialTimeout:           caddy.Duration(c.DialTimeout),
		ResponseHeaderTimeout: caddy.Duration(c.Timeout),
		MaxResponseHeaderSize: maxResponseHeader,
		Compression:           new(bool), // what the client negotiates with the service is between the two
		KeepAlive:             &reverseproxy.KeepAlive{MaxIdleConnsPerHost: idleConnections},
	}
	var pool reverseproxy.UpstreamPool
	secure := false
	for _, s := range c.Servers {
		address, err := url.Parse(s)
		if err != nil {
			return nil, fmt.Errorf("upstream %s: %w", c.Name, err)
		}
		secure = address.Scheme == "https"
		pool = append(pool, &reverseproxy.Upstream{Dial: dialAddress(address)})
	}
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
	if network == nil {
		network = t
	}
	wrapped := &transport{HTTPTransport: t, name: c.Name, network: network, timeout: c.Timeout, probing: probing, retried: func() { report.Retried(c.Name) }}
	h := &reverseproxy.Handler{
		Transport:     wrapped,
		Upstreams:     pool,
		LoadBalancing: &reverseproxy.LoadBalancing{},
		HealthChecks:  &reverseproxy.HealthChecks{},

		HandleResponse: whenRefused(),
	}
	if len(pool) > 1 {
		h.LoadBalancing.SelectionPolicy = reverseproxy.LeastConnSelection{}
		h.HealthChecks.Passive = &reverseproxy.PassiveHealthChecks{FailDuration: caddy.Duration(passiveFailures), MaxFails: 1}
	}
	if c.Health != nil {
		h.HealthChecks.Active = &reverseproxy.ActiveHealthChecks{
			URI: c.Health.Path, Interval: caddy.Duration(c.Health.Interval), Timeout: caddy.Duration(c.Timeout),
			Fails: healthFails,
		}
	}
	u := &Upstream{name: c.Name, proxy: h, transport: wrapped, budget: &provider.Budget{}}
	if c.Breaker != nil {
		u.breakers = newBreakers(c, pool, h.LoadBalancing.SelectionPolicy, report.Changed)
		h.LoadBalancing.SelectionPolicy = u.breakers
	}
	if c.Retry != nil {
		if err := retry(ctx, h.LoadBalancing, c.Retry, u.budget); err != nil {
			return nil, fmt.Errorf("upstream %s: %w", c.Name, err)
		}
	}
	if err := h.Provision(ctx); err != nil {
		return nil, fmt.Errorf("upstream %s: %w", c.Name, err)
	}
	return u, nil
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

// retry writes the catalogue's retry block in Caddy's terms. A connection that could not be made is always tried
// again, for nothing was sent; an answer's status only on idempotent methods.
func retry(ctx caddy.Context, lb *reverseproxy.LoadBalancing, r *catalogue.Retry, budget *provider.Budget) error {
	lb.Retries = r.Attempts - 1
	var statuses []string
	for _, on := range r.On {
		if _, err := strconv.Atoi(on); err == nil {
			statuses = append(statuses, on)
		}
	}
	// Without a matcher Caddy would repeat every GET that failed after it was sent, which nobody asked for here.
	expression := "false"
	if len(statuses) > 0 {
		expression = "{http.request.method} in ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'] && {http.reverse_proxy.status_code} in [" + strings.Join(statuses, ", ") + "]"
	}
	m := &caddyhttp.MatchExpression{Expr: expression}
	if err := m.Provision(ctx); err != nil {
		return fmt.Errorf("compiling retry: %w", err)
	}
	lb.RetryMatch = caddyhttp.MatcherSets{caddyhttp.MatcherSet{m, replayable{}, affordable{budget}}}
	return nil
}

// Forward sends r, whose exchange says the rest, to the upstream and writes what it answers. A problem is returned
// only while nothing has been written; any error besides is the connection's end.
func (u *Upstream) Forward(w http.ResponseWriter, r *http.Request, x *exchange.Exchange) error {
	// A request may be forwarded more than once (a merged PUT is read first), and a dial that outlives the first time
	// still reads Caddy's variables while the proxy writes them for the second: each time has its own.
	if vars, ok := r.Context().Value(caddyhttp.VarsCtxKey).(map[string]any); ok {
		r = r.WithContext(context.WithValue(r.Context(), caddyhttp.VarsCtxKey, maps.Clone(vars)))
	}
	u.budget.Sent()
	x.Tries = 0
	if u.breakers != nil {
		var end func()
		r, end = u.breakers.begin(r)
		defer end()
	}
	err := u.proxy.ServeHTTP(w, r, refuse)
	switch {
	case err == nil:
		return nil
	case x.Refused != nil: // after the last try
		return x.Refused
	}
	return asProblem(err)
}

// asProblem tells the caller what Caddy's proxy met, without a word of the service's own.
func asProblem(err error) error {
	var handler caddyhttp.HandlerError
	if !errors.As(err, &handler) {
		return problem.New(problem.BadGateway, "").Because(err)
	}
	switch handler.StatusCode {
	case http.StatusServiceUnavailable:
		return problem.New(problem.Unavailable, "").Because(err)
	case http.StatusTooManyRequests: // after the last retry: the service's bound, not the caller's quota
		return problem.New(problem.ReducedCapacity, "").WithHeader("Retry-After", "1").Because(err)
	case http.StatusGatewayTimeout:
		return problem.New(problem.GatewayTimeout, "").Because(err)
	case statusClientClosed:
		return err // the caller went away: nobody reads an answer
	}
	return problem.New(problem.BadGateway, "").Because(err)
}

// Close ends health checks, idle connections and upgraded streams. Requests under way are not cut off.
func (u *Upstream) Close() error {
	u.cancel()
	return errors.Join(u.proxy.Cleanup(), u.transport.Cleanup())
}
