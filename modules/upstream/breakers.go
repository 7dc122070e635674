package upstream

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/provider"
	"github.com/wicketgate/wicketgate/internal/status"
)

// Changed is told how the breaker of a server changes, while requests wait, and must not block.
type Changed func(name, host, from, to string)

// breakers leave out the servers of an upstream that fail. They are the proxy's selection policy, which asks another of
// those that are left.
type breakers struct {
	hosts map[string]*provider.HostBreaker // by their dial addresses
	among reverseproxy.Selector
}

func newBreakers(c *catalogue.Upstream, pool reverseproxy.UpstreamPool, among reverseproxy.Selector, changed Changed) *breakers {
	if among == nil {
		among = reverseproxy.RandomSelection{}
	}
	b := &breakers{hosts: make(map[string]*provider.HostBreaker, len(pool)), among: among}
	config := provider.Breaker{Failures: c.Breaker.Failures, Within: c.Breaker.Within, OpenFor: c.Breaker.OpenFor}
	for _, u := range pool {
		b.hosts[u.Dial] = provider.NewHostBreaker(c.Name, u.Dial, config, changed)
	}
	return b
}

// lease is a breaker's leave for one try.
type lease struct {
	done func(error) // nil for none
	last string      // the server of the try before
}

type leaseKey struct{}

func leaseOf(r *http.Request) *lease {
	l, _ := r.Context().Value(leaseKey{}).(*lease)
	return l
}

// begin has a request's tries ask for leave. end gives back what was not used.
func (b *breakers) begin(r *http.Request) (with *http.Request, end func()) {
	l := &lease{}
	return r.WithContext(context.WithValue(r.Context(), leaseKey{}, l)), func() { l.settle(provider.ErrGone) }
}

// settle tells the breaker what came of a try, once.
func (l *lease) settle(err error) {
	if l != nil && l.done != nil {
		l.done(err)
		l.done = nil
	}
}

// tell tells what came of a try: an error and a status of 500 and above are the server's failures, a caller who leaves is
// none.
func (l *lease) tell(ctx context.Context, res *http.Response, err error) {
	switch {
	case err != nil && ctx.Err() != nil:
		l.settle(provider.ErrGone)
	case err != nil, res.StatusCode >= 500:
		l.settle(provider.ErrFails)
	default:
		l.settle(nil)
	}
}

// Select implements reverseproxy.Selector: one of the servers that are not left out; for another try, one that has not
// just failed, where there is one.
func (b *breakers) Select(pool reverseproxy.UpstreamPool, r *http.Request, w http.ResponseWriter) *reverseproxy.Upstream {
	l := leaseOf(r)
	if l == nil { // none of ours
		return b.among.Select(pool, r, w)
	}
	l.settle(provider.ErrGone)
	left := slices.Clone(pool)
	if others := slices.DeleteFunc(slices.Clone(pool), func(u *reverseproxy.Upstream) bool { return u.Dial == l.last || !u.Available() }); len(others) > 0 {
		left = others
	}
	for {
		u := b.among.Select(left, r, w)
		if u == nil {
			return nil
		}
		done, err := b.hosts[u.Dial].Allow()
		if err == nil {
			l.done, l.last = done, u.Dial
			return u
		}
		if left = slices.DeleteFunc(left, func(o *reverseproxy.Upstream) bool { return o == u }); len(left) == 0 {
			return nil
		}
	}
}

// affordable lets a request be sent again only within the budget. It is asked last.
type affordable struct{ budget *provider.Budget }

// Match implements caddyhttp.RequestMatcher.
func (m affordable) Match(*http.Request) bool { return m.budget.Take() }

// MatchWithError implements caddyhttp.RequestMatcherWithError.
func (m affordable) MatchWithError(*http.Request) (bool, error) { return m.budget.Take(), nil }

// Servers says how each server does, by host.
func (u *Upstream) Servers() []status.Server {
	all := make([]status.Server, 0, len(u.proxy.Upstreams))
	for _, server := range u.proxy.Upstreams {
		one := status.Server{Upstream: u.name, Host: server.Dial, Healthy: server.Healthy()}
		if u.breakers != nil {
			state, since := u.breakers.hosts[server.Dial].Now()
			one.Breaker, one.Since = state, &since
		}
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b status.Server) int { return strings.Compare(a.Host, b.Host) })
	return all
}
