package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/limit"
)

// service is an upstream that answers in the test's own process, and keeps what it was asked.
type service struct {
	http.Header // of its answers
	saw         *http.Request
}

// Forward implements Upstream.
func (s *service) Forward(w http.ResponseWriter, r *http.Request, x *exchange.Exchange) error {
	s.saw = r
	res := &exchange.Response{Status: http.StatusOK, Header: s.Header.Clone()}
	if prob := x.Back.Return(x, res); prob != nil {
		return prob
	}
	for _, from := range []http.Header{res.Header, x.Answer} {
		for name, values := range from {
			w.Header()[name] = append(w.Header()[name], values...)
		}
	}
	w.WriteHeader(res.Status)
	return nil
}

const (
	acmeKey = "wg_5BhEtQB3LP1l_Wnh6Mvw6wIbZHbGsKo5LBFAQgREDoTRJ04cPU9STemz1tpAc1"
	acme    = `5BhEtQB3LP1l sha256:0432820d1e2ea05cfb9934e28ff2ddf16bda8cebbf347ad745b223cabb5bb9fb consumer=acme`
	shared  = "0123456789abcdef0123456789abcdef"
)

// build makes a gateway of a catalogue whose API "shop" has what is written in it, before s.
func build(t testing.TB, s Upstream, keys, api string) (*Gateway, hcl.Diagnostics) {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string]string{
		"order.json":      `{"type":"object"}`,
		"partners.keys":   keys + "\n",
		"staff.jwks.json": keySet,
		"shop.hcl": `
identity "partners" {
  api_key { keys = "partners.keys" }
}
identity "staff" {
  jwt {
    issuer   = "https://id.test"
    keys     = "staff.jwks.json"
    audience = ["shop"]

    algorithms = ["HS256"]
  }
}
upstream "shop" { servers = ["http://127.0.0.1:1"] }
api "shop" {
  upstream  = upstream.shop
  authorize = public
` + api + `
}
`,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, sources, diags := catalogue.Load([]string{filepath.Join(folder, "shop.hcl")}, nil)
	g, _, _, more := Build(Config{
		Catalogue: c, Broken: diags.HasErrors(), Sources: sources, Counter: limit.NewMemory(0),
		Upstream: func(*catalogue.Upstream) (Upstream, error) { return s, nil },
	})
	return g, append(diags, more...)
}

// serving is build for a catalogue without mistakes.
func serving(t testing.TB, s Upstream, keys, api string) *Gateway {
	t.Helper()
	g, diags := build(t, s, keys, api)
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	return g
}

// send sends a request: "GET https://host/path", then fields.
func send(g *Gateway, line string, fields ...string) *httptest.ResponseRecorder {
	method, target, _ := strings.Cut(line, " ")
	r := httptest.NewRequest(method, target, nil)
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	x := &exchange.Exchange{}
	claimed, _ := g.Serve(w, r, x, netip.MustParseAddr("192.0.2.7"), func(string) bool { return true }) // its error is what was answered
	if !claimed {
		_ = g.Unclaimed(x).Write(w, r) // to a recorder
	}
	return w
}

// token is signed for the staff, with these claims besides those that every token has.
func token(claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"HS256","kid":"k","typ":"JWT"}`)) + "." +
		encode(fmt.Appendf(nil, `{"iss":"https://id.test","aud":"shop","sub":"ada","exp":%d%s}`, time.Now().Add(time.Hour).Unix(), claims))
	mac := hmac.New(sha256.New, []byte(shared))
	mac.Write([]byte(text)) //nolint:errcheck // a hash takes everything
	return "Authorization: Bearer " + text + "." + encode(mac.Sum(nil))
}

const twoVersions = `
  version "v1" { released = "2020-01-01" }
  version "v2" { released = "2021-01-01" }
  version "gone" {
    released = "2019-01-01"
    sunset   = "2022-01-01"
  }
  version "next" {
    released = "2022-01-01"
    preview  = true
  }
`

// A pin is any expression over consumer and claims; what it gives is a version, or nothing.
func TestPinExpressions(t *testing.T) {
	for _, c := range []struct {
		name, pin, field string
		status           int
		version, problem string
	}{
		{"of the key", `consumer.api_version`, "X-API-Key: " + acmeKey, 200, "v1", ""},
		{"of a claim", `claims.version`, token(`,"version":"v1"`), 200, "v1", ""},
		{"of a claim within one", `claims.app.version`, token(`,"app":{"version":"v1"}`), 200, "v1", ""},
		{"computed", `consumer.method == "jwt" ? "v1" : "v2"`, token(""), 200, "v1", ""},
		{"a text with a number in it", `"v${claims.major}"`, token(`,"major":1`), 200, "v1", ""},
		{"no such claim", `claims.version`, token(""), 200, "v2", ""},
		{"an empty claim", `claims.version`, token(`,"version":""`), 200, "v2", ""},
		{"a key has no claims", `claims.version`, "X-API-Key: " + acmeKey, 200, "v2", ""},
		{"nobody has neither", `consumer.api_version`, "", 200, "v2", ""},
		{"nobody has a version too", `consumer == null ? "v1" : "v2"`, "", 200, "v1", ""},
		{"unknown", `claims.version`, token(`,"version":"v9"`), 400, "", "the credential is pinned to the version \\\"v9\\\""},
		{"misspelt", `claims.version`, token(`,"version":"V1"`), 400, "", "did you mean v1?"},
		{"a preview", `claims.version`, token(`,"version":"next"`), 400, "", "which is not to be had"},
		{"retired", `claims.version`, token(`,"version":"gone"`), 410, "", "use v1"},
		{"no version at all", `claims.version`, token(`,"version":["v1"]`), 400, "", "the credential is pinned to no version"},
		{"a failure", `claims.app.version`, token(""), 400, "", "the credential is pinned to no version"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &service{}
			g := serving(t, s, acme+" version=v1", `
  identify = [identity.partners, identity.staff, anonymous]
  versioning {
    header  = "Shop-Version"
    pin     = `+c.pin+`
    default = version.v2
  }
  route "GET /orders" {}
`+twoVersions)
			w := send(g, "GET https://gw.test/orders", slices.DeleteFunc([]string{c.field}, func(f string) bool { return f == "" })...)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.problem) {
				t.Errorf("%d %s, want %d %s", w.Code, w.Body, c.status, c.problem)
			}
			if c.version != "" && exchange.FromContext(s.saw.Context()).Version != c.version {
				t.Errorf("version %q, want %q", exchange.FromContext(s.saw.Context()).Version, c.version)
			}
			if vary := strings.Join(w.Header()["Vary"], ", "); vary != "Shop-Version, X-Api-Key, Authorization" {
				t.Errorf("Vary: %s", vary)
			}
			if w := send(g, "GET https://gw.test/orders", "Shop-Version: v1"); w.Code != 200 || w.Header().Get("Vary") != "Shop-Version" {
				t.Errorf("a version named: %d, Vary %s", w.Code, w.Header()["Vary"])
			}
		})
	}
}

// What a key is pinned to is looked at when the catalogue loads.
func TestPinnedKeys(t *testing.T) {
	for _, c := range []struct {
		name, version, pin string
		severity           hcl.DiagnosticSeverity // 0 for none
		want               string
	}{
		{"a version there is", "v1", "consumer.api_version", 0, ""},
		{"none that there is", "v9", "consumer.api_version", hcl.DiagError, `is pinned to version "v9", which the API "shop" does not have.`},
		{"none, misspelt", "V2", "consumer.api_version", hcl.DiagError, `Did you mean "v2"?`},
		{"a preview", "next", "consumer.api_version", hcl.DiagError, `a preview, which only requests that name it get.`},
		{"a version retired since", "gone", "consumer.api_version", hcl.DiagWarning, `which is retired since 2022-01-01: its requests that name no version are answered 410.`},
		{"of no account here", "v9", "claims.version", 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, diags := build(t, &service{}, acme+" version="+c.version, `
  identify = [identity.partners]
  versioning { pin = `+c.pin+` }
  route "GET /orders" {}
`+twoVersions)
			switch {
			case c.want == "" && len(diags) == 0:
			case c.want == "" || len(diags) != 1 || diags[0].Severity != c.severity || !strings.Contains(diags[0].Detail, c.want) || !strings.HasSuffix(diags[0].Subject.Filename, "shop.hcl"):
				t.Errorf("%v, want %s", diags, c.want)
			}
		})
	}
	_, diags := build(t, &service{}, acme, `
  identify = [identity.partners]
  versioning { pin = consumer.api_versoin + header.x }
  route "GET /orders" {}
`+twoVersions)
	if len(diags) != 2 || !strings.Contains(diags.Error(), "api_version") {
		t.Errorf("%v", diags)
	}
}

const pages = `
  cors {
    origins = ["https://www.test"]
    headers = ["X-Tenant"]
    expose  = ["X-Total-Count"]
    max_age = "1h"
  }
  identify = [identity.partners]
  versioning {
    path   = true
    header = "Shop-Version"
  }
  route "GET /orders" {
    rule "region" {
      when   = header.x_region != null
      detail = "the region is missing"
    }
  }
  route "DELETE /orders" { since = version.v2 }
`

// A page's browser asks before anybody is identified, and is told of all that the gateway reads and writes.
func TestPages(t *testing.T) {
	s := &service{Header: http.Header{
		"Access-Control-Allow-Origin": {"*"}, "Access-Control-Allow-Methods": {"TRACE"}, "Access-Control-Allow-Credentials": {"true"}, "Vary": {"Accept-Language"}}}
	g := serving(t, s, acme, pages+twoVersions)
	w := send(g, "OPTIONS https://gw.test/v1/orders", "Origin: https://www.test", "Access-Control-Request-Method: DELETE", "Access-Control-Request-Headers: x-api-key")
	want := http.Header{
		"Vary":                         {"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"},
		"Access-Control-Allow-Origin":  {"https://www.test"},
		"Access-Control-Allow-Methods": {"DELETE, GET, HEAD, OPTIONS"},
		"Access-Control-Allow-Headers": {"Accept, Content-Type, Idempotency-Key, If-Match, If-Modified-Since, If-None-Match, If-Range, If-Unmodified-Since, Range, Shop-Version, Traceparent, Tracestate, X-Api-Key, X-Region, X-Tenant"},
		"Access-Control-Max-Age":       {"3600"},
	}
	if fmt.Sprint(w.Header()) != fmt.Sprint(want) || w.Code != 204 || w.Body.Len() > 0 || s.saw != nil {
		t.Errorf("%d %v\nwant %v", w.Code, w.Header(), want)
	}
	const expose = "Accept-Patch, Accept-Post, Allow, Content-Location, Content-Range, Deprecation, Etag, Idempotent-Replayed, Idempotent-Stored, Link, Location, Ratelimit, Ratelimit-Policy, Retry-After, Sunset, Www-Authenticate, X-Total-Count"
	for _, c := range []struct {
		line   string
		fields []string
		status int
	}{
		{"GET https://gw.test/v1/orders", []string{"X-API-Key: " + acmeKey, "X-Region: eu"}, 200},
		{"GET https://gw.test/v1/orders", []string{"X-API-Key: " + acmeKey}, 422},
		{"GET https://gw.test/v1/orders", nil, 401},
		{"GET https://gw.test/gone/orders", nil, 410},
		{"GET https://gw.test/v9/orders", nil, 404},
		{"GET https://gw.test/orders", nil, 400},
		{"PUT https://gw.test/v1/orders", nil, 405},
	} {
		for _, origin := range []string{"https://www.test", "https://evil.test", ""} {
			w := send(g, c.line, append(slices.Clone(c.fields), "Origin: "+origin)...)
			allowed, exposed := "", ""
			if origin == "https://www.test" {
				allowed, exposed = origin, expose
			}
			got := w.Header()
			if w.Code != c.status || strings.Join(got["Access-Control-Allow-Origin"], "|") != allowed || strings.Join(got["Access-Control-Expose-Headers"], "|") != exposed {
				t.Errorf("%s of %q: %d %v", c.line, origin, w.Code, got)
			}
			if got["Access-Control-Allow-Methods"] != nil || got["Access-Control-Allow-Credentials"] != nil || !strings.Contains(strings.Join(got["Vary"], ", "), "Origin, Shop-Version") {
				t.Errorf("%s of %q: %v", c.line, origin, got)
			}
		}
	}
}

// A handler around the gateway that changes values where they are, as Caddy's own for header fields does, changes no
// other answer.
func TestAnswersShareNoFields(t *testing.T) {
	g := serving(t, &service{}, acme, pages+twoVersions)
	for _, line := range []string{
		"OPTIONS https://gw.test/v1/orders", // a preflight
		"PUT https://gw.test/v1/orders",
		"GET https://gw.test/gone/orders",
		"GET https://gw.test/v1/openapi.json",
	} {
		ask := func() http.Header {
			return send(g, line, "Origin: https://www.test", "Access-Control-Request-Method: DELETE", "X-API-Key: "+acmeKey).Header()
		}
		want := fmt.Sprint(ask())
		for _, values := range ask() {
			for i := range values {
				values[i] = "changed"
			}
		}
		if got := fmt.Sprint(ask()); strings.Contains(got, "changed") {
			t.Errorf("%s: got %s, want %s", line, got, want)
		}
	}
}

// What the service says of origins is its own where the gateway says nothing.
func TestPagesThatTheServiceSpeaksOf(t *testing.T) {
	s := &service{Header: http.Header{"Access-Control-Allow-Origin": {"*"}}}
	g := serving(t, s, acme, `
  identify = [anonymous]
  route "GET /orders" {}
`)
	if w := send(g, "GET https://gw.test/orders", "Origin: https://www.test"); w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%v", w.Header())
	}
}

// Versions by host, and what is no host of any API.
func TestHosts(t *testing.T) {
	s := &service{}
	g := serving(t, s, acme, `
  identify = [anonymous]
  hosts    = ["api.test"]
  versioning {
    host    = "{version}.api.test"
    header  = "Shop-Version"
    default = version.v2
  }
  route "GET /orders/{id}" {}
`+twoVersions)
	for _, c := range []struct {
		line, field string
		status      int
		version     string
		want        string // of the body
	}{
		{"GET https://v1.api.test/orders/7", "", 200, "v1", ""},
		{"GET https://V1.Api.Test.:8443/orders/7", "", 200, "v1", ""},
		{"GET https://api.test/orders/7", "", 200, "v2", ""},
		{"GET https://api.test/orders/7", "Shop-Version: v1", 200, "v1", ""},
		{"GET https://v1.api.test/orders/7", "Shop-Version: v2", 400, "", "the host names the version v1, the header field Shop-Version v2"},
		{"GET https://v9.api.test/orders/7", "", 404, "", `there is no version \"v9\"; there are v1, v2`},
		{"GET https://gone.api.test:8443/orders/7", "", 410, "", `"successor":"v1","successor_url":"https://v1.api.test:8443/orders/7"`},
		{"GET https://a.v1.api.test/orders/7", "", 421, "", ""},
		{"GET https://other.test/orders/7", "", 421, "", ""},
	} {
		s.saw = nil
		w := send(g, c.line, slices.DeleteFunc([]string{c.field}, func(f string) bool { return f == "" })...)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s %s: %d %s", c.line, c.field, w.Code, w.Body)
		}
		if c.version != "" && exchange.FromContext(s.saw.Context()).Version != c.version {
			t.Errorf("%s %s: version %q", c.line, c.field, exchange.FromContext(s.saw.Context()).Version)
		}
	}
}

// The service is asked for the path that the catalogue says, and its addresses are the caller's.
func TestRewrittenPaths(t *testing.T) {
	s := &service{Header: http.Header{"Location": {"/internal/orders/8"}}}
	g := serving(t, s, acme, `
  identify  = [anonymous]
  base_path = "/api"
  rewrite   = "/internal"
  versioning { path = true }
  route "GET /orders/{id}" {}
  route "GET /carts/{cart}/lines/{line}" { rewrite = "/lines/{line}" }
`+twoVersions)
	for line, want := range map[string]string{
		"GET https://gw.test/api/v1/orders/caf%c3%a9?a=b":  "/internal/orders/caf%C3%A9?a=b",
		"GET https://gw.test/api/v2/carts/7/lines/a%20b/?": "/lines/a%20b",
	} {
		w := send(g, line)
		if w.Code != 200 || s.saw.URL.RequestURI() != want || !strings.HasSuffix(w.Header().Get("Location"), "/orders/8") || !strings.HasPrefix(w.Header().Get("Location"), "/api/v") {
			t.Errorf("%s: %d, asked for %s, Location %s", line, w.Code, s.saw.URL.RequestURI(), w.Header().Get("Location"))
		}
	}
}

// A path that could be read in two ways ends before any version is looked for, and a slash at the end is no other path.
func TestAmbiguousPaths(t *testing.T) {
	s := &service{}
	g := serving(t, s, acme, `
  identify = [anonymous]
  versioning { path = true }
  route "GET /orders/{id}" {}
`+twoVersions)
	for _, path := range []string{
		"/v1/./orders/7", "/v1/../v2/orders/7", "/v1/orders/..", "/v1/%2e%2e/v2/orders/7", "/v1/orders/a%2Fb", "/v1/orders/a%2fb", "/v1/orders/a%5Cb",
		`/v1/orders/a\b`, "/v1/orders/a%00b", "/v1/orders/a%0ab", "/v1//orders/7", "//v1/orders/7", "/v1/orders/%2537", "/v1/orders/%252e", "/v1;x/orders/7",
	} {
		if w := send(g, "GET https://gw.test"+path); w.Code != 400 || !strings.Contains(w.Body.String(), "#ambiguous-path") || s.saw != nil {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	for _, path := range []string{"/v1/orders/7", "/v1/orders/7/", "/%761/orders/7/"} {
		if w := send(g, "GET https://gw.test"+path); w.Code != 200 || s.saw.URL.RequestURI() != "/orders/7" {
			t.Errorf("%s: %d, asked for %s", path, w.Code, s.saw.URL.RequestURI())
		}
	}
}
