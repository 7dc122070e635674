package stage

import (
	"bytes"
	"io"
	"net/http"

	"github.com/caddyserver/caddy/v2"

	"github.com/wicketgate/wicketgate/internal/admit"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/modules/gateway"
)

// front admits requests that no stage has seen.
var front = admit.New(admit.Config{})

// userID is the placeholder in which Caddy's own authentication says who calls.
const userID = "http.auth.user.id"

// maxUser bounds the id of Caddy's users, in bytes, as that of any other consumer is bounded.
const maxUser = 256

// enter gives the request's exchange: the one an earlier stage made, or a new one. A problem says why the request was
// not admitted.
func enter(w http.ResponseWriter, r *http.Request) (*exchange.Exchange, http.ResponseWriter, *http.Request, *problem.Problem) {
	x := exchange.FromContext(r.Context())
	if x != nil {
		if prob := meanwhile(x, r); prob != nil {
			return x, w, r, prob
		}
	} else {
		x = &exchange.Exchange{}
		if prob := front.Admit(x, r, gateway.ClientAddress(r)); prob != nil {
			return x, w, r, prob
		}
		gateway.Describe(r, x)
		r = r.WithContext(exchange.NewContext(r.Context(), x))
		w = &fields{ResponseWriter: w, x: x}
	}
	if x.Consumer == nil {
		x.Consumer = user(r)
	}
	return x, w, r, nil
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

// user is whom Caddy's own authentication found, nil for nobody. An id that could be mistaken for something else, in a
// log or as the key of a count, names nobody: then the caller is as good as anonymous.
func user(r *http.Request) *exchange.Consumer {
	repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return nil
	}
	id, _ := repl.GetString(userID)
	if id == "" || len(id) > maxUser {
		return nil
	}
	for i := range len(id) {
		if id[i] < ' ' || id[i] == 0x7f {
			return nil
		}
	}
	return &exchange.Consumer{ID: id, Name: id, Method: "user"}
}

// leave puts what the stage found where the handlers to come look for it: on the request and on the answer.
func leave(w http.ResponseWriter, r *http.Request, x *exchange.Exchange) {
	x.PutAnswer(w.Header())
	for name, values := range x.Forward {
		r.Header[name] = values
	}
	r.URL.RawQuery = x.Query.Raw
	if x.Body.Read {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(x.Body.Bytes)), int64(len(x.Body.Bytes))
		r.TransferEncoding = nil
		delete(r.Header, "Content-Length") // whoever sends it on writes its own
	}
}
