package upstream

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/proxy"
)

// statusClientClosed is Caddy's status for a caller who went away.
const statusClientClosed = 499

// switching is how Caddy's reverse proxy, which knows how protocols are changed, sends the gateway's requests: as the
// gateway's own proxy does, and to the server that this chooses. It probes the servers, too.
type switching struct {
	*network
	proxy   *proxy.Proxy
	probing func() bool
}

var errNotStarted = errors.New("not started")

// RoundTrip implements http.RoundTripper.
func (s *switching) RoundTrip(r *http.Request) (*http.Response, error) {
	x := exchange.FromContext(r.Context())
	if x == nil { // a probe
		if !s.probing() {
			return nil, errNotStarted
		}
		return s.network.RoundTrip(r)
	}
	lease, _ := r.Context().Value(leaseKey{}).(*proxy.Lease)
	if lease == nil {
		return nil, errNotStarted
	}
	res, err := s.proxy.Try(r, x, lease, nil)
	if err == nil && x.Refused != nil {
		return refused(res), nil
	}
	return res, err
}

type leaseKey struct{}

// choice has Caddy's reverse proxy ask the servers that the gateway's would.
type choice struct{ servers *proxy.Servers }

// Select implements reverseproxy.Selector.
func (c choice) Select(pool reverseproxy.UpstreamPool, r *http.Request, _ http.ResponseWriter) *reverseproxy.Upstream {
	lease, _ := r.Context().Value(leaseKey{}).(*proxy.Lease)
	if lease == nil { // none of ours
		return pool[rand.IntN(len(pool))]
	}
	if !c.servers.Next(lease) {
		return nil
	}
	for _, u := range pool {
		if u.Dial == lease.Server().Address {
			return u
		}
	}
	return nil
}

// never has Caddy's reverse proxy repeat nothing that may have arrived.
type never struct{}

// Match implements caddyhttp.RequestMatcher.
func (never) Match(*http.Request) bool { return false }

// MatchWithError implements caddyhttp.RequestMatcherWithError.
func (never) MatchWithError(*http.Request) (bool, error) { return false, nil }

// refusedField marks an answer that a problem takes the place of. It is no field's name, so no service can send it.
const refusedField = ":refused"

// refused is what the proxy is told of an answer that a problem takes the place of: nothing. An error would have it believe
// that the server is down.
func refused(res *http.Response) *http.Response {
	return &http.Response{
		Status: http.StatusText(http.StatusBadGateway), StatusCode: http.StatusBadGateway, Proto: res.Proto, ProtoMajor: res.ProtoMajor, ProtoMinor: res.ProtoMinor,
		Header: http.Header{refusedField: {"true"}}, Body: http.NoBody, Request: res.Request,
	}
}

// whenRefused has the proxy hand over where a problem takes the answer's place, and write nothing.
func whenRefused() []caddyhttp.ResponseHandler {
	return []caddyhttp.ResponseHandler{{Match: &caddyhttp.ResponseMatcher{Headers: http.Header{refusedField: {"true"}}}}}
}

// refuse is whom the proxy hands over to.
var refuse = caddyhttp.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) error {
	return exchange.FromContext(r.Context()).Refused
})

// switches says whether a request asks for another protocol.
func switches(r *http.Request) bool {
	return r.Header["Upgrade"] != nil || r.Method == http.MethodConnect
}

// change sends a request that asks for another protocol.
func (u *Upstream) change(w http.ResponseWriter, r *http.Request, x *exchange.Exchange) error {
	var lease proxy.Lease
	defer lease.End()
	ctx := context.WithValue(r.Context(), leaseKey{}, &lease)
	// A dial that outlives the request still reads Caddy's variables, while somebody else may write them.
	if vars, ok := ctx.Value(caddyhttp.VarsCtxKey).(map[string]any); ok {
		ctx = context.WithValue(ctx, caddyhttp.VarsCtxKey, maps.Clone(vars))
	}
	u.proxy.Begin(x)
	err := u.switching.ServeHTTP(w, r.WithContext(ctx), refuse)
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
	var broken *problem.Problem
	if errors.As(err, &broken) { // by the caller
		return broken
	}
	var handler caddyhttp.HandlerError
	if !errors.As(err, &handler) {
		return problem.New(problem.BadGateway, "").Because(err)
	}
	if handler.StatusCode == statusClientClosed {
		return err // the caller went away: nobody reads an answer
	}
	return proxy.Problem(handler.StatusCode, err)
}
