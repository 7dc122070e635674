package gateway

import (
	"net/http"
	"strings"

	"github.com/wicketgate/wicketgate/internal/admit"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/form"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// answers is the first stage on the way back: it keeps the upstream's failures to the operator and makes its
// addresses the caller's.
type answers struct {
	base string // the API's base path, canonical
}

func (*answers) Name() string                               { return "upstream" }
func (*answers) Needs() exchange.Needs                      { return exchange.Needs{} }
func (*answers) Handle(*exchange.Exchange) *problem.Problem { return nil }
func (*answers) Buffers() int64                             { return 0 }

// Return answers a service's failure (5xx) as a problem of the same status unless the service speaks of problems
// itself: what a failing service says is meant for its owner. Everything else passes.
func (a *answers) Return(x *exchange.Exchange, r *exchange.Response) *problem.Problem {
	if kind := r.Header.Get("Content-Type"); r.Status >= 500 && !strings.HasPrefix(kind, problem.ContentType) && !strings.HasPrefix(kind, problem.ContentTypeXML) {
		return failure(r)
	}
	for _, name := range []string{"Location", "Content-Location"} {
		if to := r.Header.Get(name); to != "" {
			r.Header[name] = []string{a.versioned(x, to)}
		}
	}
	if x.MediaType != "" && r.Status >= 200 && r.Status <= 299 && r.Header.Get("Content-Type") != "" && form.IsJSON(r.Header.Get("Content-Type")) {
		r.Header["Content-Type"] = []string{x.MediaType}
	}
	return nil
}

func failure(r *exchange.Response) *problem.Problem {
	kind := problem.BadGateway
	switch r.Status {
	case http.StatusInternalServerError:
		kind = problem.Internal
	case http.StatusServiceUnavailable:
		kind = problem.Unavailable
	case http.StatusGatewayTimeout:
		kind = problem.GatewayTimeout
	}
	p := problem.New(kind, "the service behind the gateway failed")
	p.Status = r.Status
	if after := r.Header["Retry-After"]; len(after) > 0 {
		p.WithHeader("Retry-After", after...)
	}
	return p
}

// versioned puts the caller's version into an address below the API, where the caller named it in the path. The
// service knows no versions.
func (a *answers) versioned(x *exchange.Exchange, to string) string {
	if x.Selected != "path" {
		return to
	}
	origin, path := "", to
	if scheme, rest, ok := strings.Cut(to, "://"); ok && (scheme == "http" || scheme == "https") {
		end := strings.IndexAny(rest, "/?#")
		if end < 0 {
			end = len(rest)
		}
		if host, prob := admit.Host(rest[:end]); prob != nil || host != x.Host {
			return to // another's
		}
		origin, path = to[:len(scheme)+len("://")+end], rest[end:]
	}
	below, ok := strings.CutPrefix(path, strings.TrimSuffix(a.base, "/"))
	if !ok || below != "" && !strings.ContainsRune("/?#", rune(below[0])) || below == "" && a.base == "/" || strings.HasPrefix(path, "//") {
		return to
	}
	return origin + strings.TrimSuffix(a.base, "/") + "/" + x.Version + below
}
