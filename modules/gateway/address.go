package gateway

import (
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/wicketgate/wicketgate/internal/dpop"
)

// Address is what the client of a request with a proof of possession, or a signature of Twilio's, asked for, which these
// name: before any directive rewrote it, and as a trusted proxy in front says that it was asked; "" where there is neither.
func Address(r *http.Request) string {
	if r.Header[dpop.Field] == nil && r.Header["X-Twilio-Signature"] == nil {
		return ""
	}
	scheme, host, path := "http", r.Host, r.URL.EscapedPath()
	if r.TLS != nil {
		scheme = "https"
	}
	if first, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok {
		path = first.URL.EscapedPath()
	}
	if trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool); trusted {
		scheme = forwarded(r, "X-Forwarded-Proto", scheme)
		host = forwarded(r, "X-Forwarded-Host", host)
	}
	return strings.ToLower(scheme) + "://" + host + path
}

// forwarded is what a trusted proxy says in a field, where it says one thing.
func forwarded(r *http.Request, field, otherwise string) string {
	if values := r.Header[field]; len(values) == 1 && values[0] != "" && !strings.Contains(values[0], ",") {
		return values[0]
	}
	return otherwise
}
