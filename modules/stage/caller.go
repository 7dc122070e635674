package stage

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"

	"github.com/caddyserver/caddy/v2"

	"github.com/wicketgate/wicketgate/internal/certificate"
	"github.com/wicketgate/wicketgate/internal/exchange"
)

// userID is the placeholder in which Caddy's own authentication says who calls.
const userID = "http.auth.user.id"

// maxName bounds the id of a caller and the name of a group, in bytes, as those of any other consumer are bounded.
const maxName = 256

// caller is whom Caddy found: a user of its own authentication, or else whom a client certificate names that Caddy has
// verified; nil for nobody. A certificate that was asked for and not verified names nobody.
func caller(r *http.Request) *exchange.Consumer {
	if id := Placeholder(r.Context(), userID); id != "" {
		return User(id)
	}
	if c := verified(r.TLS); c != nil && Names(certificate.Name(c)) {
		return &exchange.Consumer{ID: certificate.Name(c), Name: certificate.Name(c), Method: "certificate", Expires: c.NotAfter}
	}
	return nil
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
