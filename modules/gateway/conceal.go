package gateway

import (
	"net/http"
	"net/url"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// Conceal takes credentials that came in the query off every form of the address that handlers and placeholders know.
// Caddy's log has a copy of its own, of which only a filter of the log can take anything off.
func Conceal(r *http.Request, x *exchange.Exchange) {
	if len(x.Query.Hidden) == 0 {
		return
	}
	strip := func(u *url.URL) {
		q := exchange.Query{Raw: u.RawQuery}
		for _, name := range x.Query.Hidden {
			q.Drop(name)
		}
		u.RawQuery = q.Raw
	}
	strip(r.URL)
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok {
		strip(original.URL) // which is shared with what the context has
		if repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
			repl.Set("http.request.orig_uri", original.URL.RequestURI())
		}
	}
	r.RequestURI = r.URL.RequestURI()
}
