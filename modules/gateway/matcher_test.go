package gateway_test

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/wicketgate/wicketgate/internal/admit"
	"github.com/wicketgate/wicketgate/internal/exchange"
)

// FuzzMatcher holds Caddy's path matcher against what is admitted: an operator who guards paths in the Caddyfile, and
// the stages behind the guard, see the same path. Whatever is admitted matches the same patterns as it was sent and in
// the canonical form that routes, policies and upstreams get.
//
// Two things are the operator's to know. A slash at the end is another path to Caddy and the same resource here, so
// that a guard is written /admin and /admin/*, or /admin*. And a pattern with a percent sign asks Caddy for the very
// spelling that was sent, of which the canonical form is one among others.
func FuzzMatcher(f *testing.F) {
	for _, s := range [][2]string{
		{"/admin/../public", "/public"}, {"/api/v1/orders/7", "/api/*"}, {"/%61dmin/x", "/admin/*"}, {"/ADMIN", "/admin"},
		{"/caf%C3%A9", "/café"}, {"/a%20b/", "/a b"}, {"/a%2fb", "/a/*"}, {"/a;b", "/a*"}, {"/a*b", "/a*b"}, {"/x.php", "*.php"}, {"/a[b]", "*b*"},
		{"//admin", "/admin"}, {"/%2e%2e/a", "/a"}, {"/api../a", "/api../*"}, {`/a\b`, "/a/b"}, {"/%E2%84%AA", "/k"}, {"/50%25", "/50*"},
	} {
		f.Add(s[0], s[1])
	}
	stage := admit.New(admit.Config{})
	f.Fuzz(func(t *testing.T, target, pattern string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || u.Host != "" || u.RawQuery != "" || u.ForceQuery {
			return
		}
		r := (&http.Request{Method: http.MethodGet, URL: u, Host: "gw.test", Header: http.Header{}}).WithContext(
			context.WithValue(t.Context(), caddy.ReplacerCtxKey, caddy.NewReplacer()))
		var x exchange.Exchange
		if stage.Admit(&x, r, netip.MustParseAddr("192.0.2.7")) != nil {
			return
		}
		sent := *u
		sent.RawPath = strings.TrimSuffix(u.EscapedPath(), "/")
		sent.Path = strings.TrimSuffix(u.Path, "/")
		if sent.Path == "" {
			sent.Path, sent.RawPath = "/", ""
		}
		canonical, err := url.ParseRequestURI(x.Path.Escaped)
		if err != nil {
			t.Fatalf("%q became %q: %v", target, x.Path.Escaped, err)
		}
		patterns := []string{pattern, sent.Path, sent.Path + "/*", sent.Path + "*", sent.Path[:strings.LastIndexByte(sent.Path, '/')] + "/*", "*" + sent.Path[strings.LastIndexByte(sent.Path, '/'):]}
		for _, p := range patterns {
			if p == "" || strings.ContainsAny(p, "%{") {
				continue
			}
			m := caddyhttp.MatchPath{p}
			if err := m.Provision(caddy.Context{}); err != nil {
				t.Fatal(err)
			}
			matches := func(u *url.URL) bool {
				r := r.Clone(r.Context())
				r.URL = u
				ok, err := m.MatchWithError(r)
				if err != nil {
					t.Fatal(err)
				}
				return ok
			}
			if a, b := matches(&sent), matches(canonical); a != b {
				t.Errorf("%q matches %q: %t; its canonical form %q: %t", target, p, a, x.Path.Escaped, b)
			}
		}
	})
}
