package stage

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/wicketgate/wicketgate/internal/certificate"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/identity"
	"github.com/wicketgate/wicketgate/modules/gateway"
)

// userID is the placeholder in which Caddy's own authentication says who calls.
const userID = "http.auth.user.id"

// maxName bounds the id of a caller and the name of a group, in bytes, as those of any other consumer are bounded.
const maxName = 256

// caller is whom Caddy found: a user of its own authentication, or else whom a client certificate names that Caddy has
// verified; nil for nobody. A certificate that was asked for and not verified names nobody.
func caller(r *http.Request) *exchange.Consumer {
	if id := Placeholder(r.Context(), userID); id != "" {
		if found, ok := caddyhttp.GetVar(r.Context(), identified).(*exchange.Consumer); ok && found.ID == id {
			return found
		}
		return User(id)
	}
	if c := verified(r.TLS); c != nil && Names(certificate.Name(c)) {
		return &exchange.Consumer{ID: certificate.Name(c), Name: certificate.Name(c), Method: "certificate", Expires: c.NotAfter}
	}
	return nil
}

// identified is the variable of the request with whom a provider of ours found within Caddy's own authentication.
const identified = "api_gateway.consumer"

// Identified has the stages to come know whom a stage found in x within Caddy's own authentication, and takes the
// credential off r unless that goes on.
func Identified(r *http.Request, x *exchange.Exchange, by *identity.Stage) {
	for _, field := range by.Fields() {
		if x.Header[field] == nil {
			delete(r.Header, field)
		}
	}
	gateway.Conceal(r, x)
	caddyhttp.SetVar(r.Context(), identified, x.Consumer)
}

// User is a user of Caddy's own; nil unless the id names somebody.
func User(id string) *exchange.Consumer {
	if !Names(id) {
		return nil
	}
	return &exchange.Consumer{ID: id, Name: id, Method: "user"}
}

// Names says whether an id names somebody, or something. One that could be mistaken for something else, in a log or as
// the key of a count, does not: then a caller is as good as anonymous.
func Names(id string) bool {
	if id == "" || len(id) > maxName {
		return false
	}
	for i := range len(id) {
		if id[i] < ' ' || id[i] == 0x7f {
			return false
		}
	}
	return true
}

// Placeholder is the text of one of Caddy's placeholders, "" where there is none.
func Placeholder(ctx context.Context, name string) string {
	repl, ok := ctx.Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return ""
	}
	text, _ := repl.GetString(name)
	return text
}

// verified is the client's certificate if the server verified it against authorities it trusts.
func verified(state *tls.ConnectionState) *x509.Certificate {
	if state == nil || len(state.VerifiedChains) == 0 || len(state.VerifiedChains[0]) == 0 {
		return nil
	}
	return state.VerifiedChains[0][0]
}
