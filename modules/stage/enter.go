package stage

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"strings"

	"github.com/wicketgate/wicketgate/internal/admit"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/modules/gateway"
)

// enter gives the request's exchange: the one an earlier stage made, or a new one. A problem says why the request was
// not admitted.
func enter(app *gateway.App, w http.ResponseWriter, r *http.Request) (*exchange.Exchange, http.ResponseWriter, *http.Request, *problem.Problem) {
	x := exchange.FromContext(r.Context())
	if x != nil {
		if prob := meanwhile(x, r); prob != nil {
			return x, w, r, prob
		}
	} else {
		x = &exchange.Exchange{Address: gateway.Address(r), Unrecorded: gateway.Unrecorded(r)}
		if prob := app.Admission().Admit(x, r, gateway.ClientAddress(r)); prob != nil {
			return x, w, r, prob
		}
		keepSlash(x, r)
		gateway.Describe(r, x)
		r = r.WithContext(exchange.NewContext(r.Context(), x))
		w = &fields{ResponseWriter: w, x: x}
	}
	if x.Consumer == nil {
		x.Consumer = caller(r)
	}
	return x, w, r, nil
}

// Look gives what a stage would know of the request, for whoever only looks: a matcher. It is a value of its own, with
// what earlier stages found, and nothing done to it reaches them or the request; the body must not be read.
func Look(app *gateway.App, r *http.Request) (*exchange.Exchange, *problem.Problem) {
	x := &exchange.Exchange{}
	if shared := exchange.FromContext(r.Context()); shared != nil {
		*x = *shared
		if prob := meanwhile(x, r); prob != nil {
			return nil, prob
		}
	} else {
		x.Address, x.Unrecorded = gateway.Address(r), gateway.Unrecorded(r)
		seen := r.WithContext(r.Context())
		seen.Header = maps.Clone(r.Header) // from which admission takes fields off
		if prob := app.Admission().Admit(x, seen, gateway.ClientAddress(r)); prob != nil {
			return nil, prob
		}
		keepSlash(x, r)
	}
	if x.Consumer == nil {
		x.Consumer = caller(r)
	}
	return x, nil
}

// keepSlash gives the path of an exchange the slash at its end that the request goes on with: a catalogue's requests lose
// it, but what is behind a single stage is sent the address as it came, and a stage must judge that one. To a service,
// "/admin/" may well be below what a rule means by "/admin/".
func keepSlash(x *exchange.Exchange, r *http.Request) {
	if len(x.Path.Segments) > 0 && strings.HasSuffix(r.URL.Path, "/") {
		x.Path.Escaped += "/"
	}
}

// meanwhile sees to it that a stage judges what goes on from it: directives between two stages may have rewritten the
// address, or put a bound on the body.
func meanwhile(x *exchange.Exchange, r *http.Request) *problem.Problem {
	if escaped := r.URL.EscapedPath(); escaped != x.Path.Escaped {
		path, prob := admit.Path(escaped, nil)
		if prob != nil {
			return prob
		}
		x.Path = path
		keepSlash(x, r)
	}
	if r.URL.RawQuery != x.Query.Raw {
		x.Query.Replace(r.URL.RawQuery)
	}
	x.Method, x.Header = r.Method, r.Header
	if !x.Body.Read && x.Body.Stream != nil {
		x.Body.Stream, x.Body.Length = r.Body, r.ContentLength
	}
	return nil
}

// leave puts what the stage found where the handlers to come look for it: on the request and on the answer.
func leave(w http.ResponseWriter, r *http.Request, x *exchange.Exchange) *problem.Problem {
	x.PutAnswer(w.Header())
	for name, values := range x.Forward {
		r.Header[name] = values
	}
	r.URL.RawQuery = x.Query.Raw
	gateway.Conceal(r, x)
	if x.Body.Read {
		body, prob := x.Body.Outgoing()
		if prob != nil {
			return prob
		}
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		r.TransferEncoding = nil
		delete(r.Header, "Content-Length") // whoever sends it on writes its own
	}
	return nil
}
