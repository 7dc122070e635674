package gateway

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/wicketgate/wicketgate/internal/admit"
	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/cors"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/form"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// answers is the first stage on the way back: it keeps the upstream's failures to the operator and makes its
// addresses the caller's.
type answers struct {
	base string // the API's base path, canonical, without a slash at its end
	from string // what the upstream has in its place
	cors bool   // the gateway says what pages of other origins may do
}

func newAnswers(from *catalogue.API) *answers {
	a := &answers{base: strings.TrimSuffix(from.BasePath, "/"), cors: from.CORS != nil}
	a.from = a.base
	if from.Rewrite != "" {
		a.from = strings.TrimSuffix(from.Rewrite, "/")
	}
	return a
}

func (*answers) Name() string                               { return "upstream" }
func (*answers) Needs() exchange.Needs                      { return exchange.Needs{} }
func (*answers) Handle(*exchange.Exchange) *problem.Problem { return nil }
func (*answers) Reads(*exchange.Exchange) exchange.Reads    { return exchange.Reads{} }

// Return answers a service's failure (5xx) as a problem of the same status unless the service speaks of problems
// itself: what a failing service says is meant for its owner. Everything else passes.
func (a *answers) Return(x *exchange.Exchange, r *exchange.Response) *problem.Problem {
	if r.Status >= 500 && !form.IsProblem(r.Header.Get("Content-Type")) {
		return failure(r)
	}
	if a.cors {
		cors.Strip(r.Header)
	}
	for _, name := range []string{"Location", "Content-Location"} {
		if to := r.Header.Get(name); to != "" {
			r.Header[name] = []string{a.callers(x, to)}
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
	retryAfter(p, r.Header)
	return p
}

// retryAfter has a problem say what the service said of when to try again, if that is a number of seconds or a date (RFC
// 9110, section 10.2.3): no other word of a failing service's goes into an answer of the gateway's own.
func retryAfter(p *problem.Problem, h http.Header) {
	after := h.Get("Retry-After")
	if _, err := strconv.ParseUint(after, 10, 31); err != nil {
		if _, err := http.ParseTime(after); err != nil {
			return
		}
	}
	p.WithHeader("Retry-After", after)
}

// callers makes an address of the service's below the API the caller's: below the API's base path, and with the version
// where the caller named it in the path. The service knows neither.
func (a *answers) callers(x *exchange.Exchange, to string) string {
	if x.Selected != "path" && a.from == a.base {
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
	below, ok := strings.CutPrefix(path, a.from)
	if !ok || below != "" && !strings.ContainsRune("/?#", rune(below[0])) || below == "" && a.from == "" || strings.HasPrefix(path, "//") {
		return to
	}
	if a.from == "" && below[0] != '/' {
		return to // relative to the address asked for
	}
	if len(below) > 1 && below[0] == '/' && (below[1] == '/' || below[1] == '\\') {
		return to // with nothing before it, it would name another host
	}
	to = origin + a.base
	if x.Selected == "path" {
		to += "/" + x.Version
	}
	if below == "/" && a.from == "" && to != origin {
		below = ""
	}
	if to == origin && (below == "" || below[0] != '/') {
		to += "/"
	}
	return to + below
}
