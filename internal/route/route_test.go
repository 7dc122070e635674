package route

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/admit"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

// orders is the API of the catalogue's example, with all five ways to name a version: v1 is deprecated and will be
// retired, v2 is active, 2026-11-01 is the newest, next is a preview.
func orders() API {
	return API{
		Name:     "orders",
		Hosts:    []string{"gw.test"},
		BasePath: "/api",
		Versioning: &Versioning{
			Path: true, Host: "{version}.gw.test", Header: "Acme-Version", MediaType: "application/vnd.acme.{version}+json", Query: "api-version", Default: "v1",
		},
		Versions: []Version{
			{Name: "v1", Released: day("2023-02-01"), Deprecated: day("2026-06-01"), Sunset: day("2027-03-01"), Docs: "https://dev.acme.example/migrate/v2",
				Brownouts: []Brownout{{From: day("2027-02-02").Add(14 * time.Hour), For: 15 * time.Minute}}},
			{Name: "v2", Released: day("2025-05-01")},
			{Name: "2026-11-01", Released: day("2026-11-01")},
			{Name: "next", Released: day("2026-11-02"), Preview: true},
		},
		Routes: []Route{
			{Pattern: "GET /orders"},
			{Pattern: "POST /orders"},
			{Pattern: "GET /orders/{id}"},
			{Pattern: "PUT /orders/{id}"},
			{Pattern: "POST /orders/{id}/payment", Since: "v2"},
			{Pattern: "GET /orders/{id}/fax", Until: "2026-11-01"},
			{Pattern: "GET /"},
		},
	}
}

// only leaves an API the selectors that change says, and no default.
func only(change func(*Versioning)) API {
	a := orders()
	a.Versioning = &Versioning{}
	change(a.Versioning)
	return a
}

var today = day("2026-11-15")

func table(t testing.TB, apis ...API) *Table {
	t.Helper()
	table, err := New(apis)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// ask makes the exchange that admit would: "GET /path?query", then fields, of which Host is the host.
func ask(t testing.TB, line string, fields ...string) *exchange.Exchange {
	t.Helper()
	method, target, _ := strings.Cut(line, " ")
	escaped, query, _ := strings.Cut(target, "?")
	path, p := admit.Path(escaped, nil)
	if p != nil {
		t.Fatal(p)
	}
	x := &exchange.Exchange{Method: method, Scheme: "https", Host: "gw.test", Path: path, Time: today, Header: http.Header{}}
	x.Query.Replace(query)
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ":")
		if name == "Host" {
			x.Host, value, _ = strings.Cut(strings.TrimSpace(value), ":")
			if value != "" {
				x.Port = ":" + value
			}
			continue
		}
		x.Header.Add(name, strings.TrimSpace(value))
	}
	return x
}

func names(m Match) string {
	if m.Route == nil {
		return ""
	}
	return m.Route.Pattern
}

const (
	vnd1 = "application/vnd.acme.v1+json"
	vnd2 = "application/vnd.acme.v2+json"
	vnd9 = "application/vnd.acme.v9+json"
)

// Every row of the catalogue page's table, on an API that has all ways to name a version.
func TestNegotiation(t *testing.T) {
	for _, c := range []struct {
		line, fields string // fields separated by |
		version, by  string
		target       string
		problem      *problem.Type
		detail       string // part of it
	}{
		// Each selector alone; what named the version does not travel on.
		{line: "GET /api/v2/orders/7", version: "v2", by: "path", target: "/api/orders/7"},
		{line: "GET /api/v2", version: "v2", by: "path", target: "/api"},
		{line: "GET /api/2026-11-01/orders?a=b", version: "2026-11-01", by: "path", target: "/api/orders?a=b"},
		{line: "GET /api/%76%32/orders", version: "v2", by: "path", target: "/api/orders"},
		{line: "GET /api/v2/orders/caf%c3%a9/", version: "v2", by: "path", target: "/api/orders/caf%C3%A9"},
		{line: "GET /api/orders", fields: "Host: v2.gw.test", version: "v2", by: "host", target: "/api/orders"},
		{line: "GET /api/orders/7", fields: "Host: 2026-11-01.gw.test:8443", version: "2026-11-01", by: "host", target: "/api/orders/7"},
		{line: "GET /api/orders", fields: "Acme-Version: v2", version: "v2", by: "header", target: "/api/orders"},
		{line: "GET /api/orders", fields: "Accept: " + vnd2, version: "v2", by: "media type", target: "/api/orders"},
		{line: "GET /api/orders", fields: "Accept: Application/VND.acme.V2+JSON", version: "v2", by: "media type", target: "/api/orders"},
		{line: "POST /api/orders", fields: "Content-Type: " + vnd2 + "; charset=utf-8", version: "v2", by: "media type", target: "/api/orders"},
		{line: "GET /api/orders?a=b&api-version=v2&c", version: "v2", by: "query", target: "/api/orders?a=b&c"},
		{line: "GET /api/orders?api-version=v2", version: "v2", by: "query", target: "/api/orders"},
		{line: "GET /api/orders?api%2Dversion=v%32&a=%26", version: "v2", by: "query", target: "/api/orders?a=%26"},

		// All of them, agreeing.
		{line: "POST /api/v2/orders?api-version=v2", fields: "Host: v2.gw.test|Acme-Version: v2|Accept: " + vnd2 + "|Content-Type: " + vnd2, version: "v2", by: "path", target: "/api/orders"},
		{line: "GET /api/orders?api-version=v2", fields: "Host: v2.gw.test|Acme-Version: v2", version: "v2", by: "host", target: "/api/orders"},
		{line: "GET /api/orders?api-version=v2", fields: "Accept: " + vnd2, version: "v2", by: "media type", target: "/api/orders"},
		{line: "GET /api/orders", fields: "Acme-Version: v2|Acme-Version: v2", version: "v2", by: "header", target: "/api/orders"},
		{line: "GET /api/orders", fields: "Acme-Version: v2, v2", version: "v2", by: "header", target: "/api/orders"},
		{line: "GET /api/orders?api-version=v2&api-version=v2", version: "v2", by: "query", target: "/api/orders"},

		// Two disagree.
		{line: "GET /api/v1/orders", fields: "Acme-Version: v2", problem: problem.VersionConflict, detail: "the path names the version v1, the header field Acme-Version v2"},
		{line: "GET /api/v1/orders", fields: "Host: v2.gw.test", problem: problem.VersionConflict, detail: "the path names the version v1, the host v2"},
		{line: "GET /api/orders", fields: "Host: v2.gw.test|Acme-Version: v1", problem: problem.VersionConflict, detail: "the host names the version v2, the header field Acme-Version v1"},
		{line: "GET /api/orders?api-version=v1", fields: "Host: v2.gw.test", problem: problem.VersionConflict, detail: "the host names the version v2, the query parameter api-version v1"},
		{line: "GET /api/orders", fields: "Host: v2.gw.test|Accept: " + vnd1, problem: problem.VersionConflict, detail: "the host names the version v2, Accept v1"},
		{line: "POST /api/orders", fields: "Host: v2.gw.test|Content-Type: " + vnd1, problem: problem.VersionConflict, detail: "the host names the version v2, Content-Type v1"},
		{line: "GET /api/v1/orders?api-version=v2", problem: problem.VersionConflict, detail: "the path names the version v1, the query parameter api-version v2"},
		{line: "GET /api/v1/orders", fields: "Accept: " + vnd2, problem: problem.VersionConflict, detail: "the path names the version v1, Accept v2"},
		{line: "POST /api/v1/orders", fields: "Content-Type: " + vnd2, problem: problem.VersionConflict, detail: "the path names the version v1, Content-Type v2"},
		{line: "POST /api/orders", fields: "Accept: " + vnd1 + "|Content-Type: " + vnd2, problem: problem.VersionConflict, detail: "Content-Type names the version v2, Accept v1"},
		{line: "GET /api/orders", fields: "Acme-Version: v1|Acme-Version: v2", problem: problem.VersionConflict, detail: "v1"},
		{line: "GET /api/orders", fields: "Acme-Version: v1, v2", problem: problem.VersionConflict, detail: "v2"},
		{line: "GET /api/orders?api-version=v1&api-version=v2", problem: problem.VersionConflict, detail: "v2"},

		// Accept lists several versions.
		{line: "GET /api/orders", fields: "Accept: " + vnd1 + ";q=0.5, " + vnd2 + ";q=0.9", version: "v2", by: "media type", target: "/api/orders"},
		{line: "GET /api/orders", fields: "Accept: " + vnd1 + ";q=0.9|Accept: " + vnd2 + ";q=0.901", version: "v2", by: "media type", target: "/api/orders"},
		{line: "GET /api/orders", fields: "Accept: " + vnd2 + ", " + vnd1, version: "v2", by: "media type", target: "/api/orders"},
		{line: "GET /api/v1/orders", fields: "Accept: " + vnd1 + ";q=0.1, " + vnd2, version: "v1", by: "path", target: "/api/orders"},
		{line: "GET /api/orders", fields: "Host: v1.gw.test|Accept: " + vnd1 + ";q=0.1, " + vnd2, version: "v1", by: "host", target: "/api/orders"},
		{line: "GET /api/orders", fields: "Acme-Version: v1|Accept: " + vnd1 + ";q=0.1, " + vnd2, version: "v1", by: "header", target: "/api/orders"},
		{line: "GET /api/orders?api-version=v1", fields: "Accept: " + vnd1 + ";q=0.1, " + vnd2, version: "v1", by: "media type", target: "/api/orders"},
		{line: "POST /api/orders", fields: "Accept: " + vnd1 + ";q=0.1, " + vnd2 + "|Content-Type: " + vnd1, version: "v1", by: "media type", target: "/api/orders"},
		{line: "GET /api/orders", fields: "Accept: " + vnd9 + ", " + vnd2 + ";q=0.1", version: "v2", by: "media type", target: "/api/orders"},
		{line: "GET /api/orders", fields: "Accept: " + vnd2 + ";q=0, " + vnd1, version: "v1", by: "media type", target: "/api/orders"},
		{line: "GET /api/v1/orders", fields: "Accept: " + vnd2 + ", */*;q=0.1", version: "v1", by: "path", target: "/api/orders"},
		{line: "GET /api/orders", fields: "Accept: " + vnd2 + ";q=1.5", problem: problem.AmbiguousHeader},
		{line: "GET /api/orders", fields: "Accept: " + vnd2 + ";q=", problem: problem.AmbiguousHeader},
		{line: "GET /api/orders", fields: "Accept: " + strings.Repeat(vnd2+",", 17), problem: problem.BadRequest},
		{line: "GET /api/orders", fields: `Accept: text/plain;a="x, ` + vnd1 + `, \"";q=1, ` + vnd2, version: "v2", by: "media type", target: "/api/orders"},
		{line: "GET /api/orders", fields: "Accept: text/html, *; q=.2, */*; q=.2", version: "v1", by: "default", target: "/api/orders"},

		// Content-Type is of an unknown version.
		{line: "POST /api/orders", fields: "Content-Type: " + vnd9, problem: problem.UnsupportedMediaType, detail: `"v9"`},
		{line: "POST /api/v1/orders", fields: "Content-Type: " + vnd9, problem: problem.UnsupportedMediaType},
		{line: "POST /api/orders", fields: "Content-Type: application/json", version: "v1", by: "default", target: "/api/orders"},

		// Unknown in the path or the host.
		{line: "GET /api/orders", fields: "Host: v9.gw.test", problem: problem.UnknownVersion, detail: `"v9"; there are v1, v2, 2026-11-01`},
		{line: "GET /api/v1/orders", fields: "Host: v9.gw.test", problem: problem.UnknownVersion, detail: `"v9"`},
		{line: "GET /api/orders", fields: "Host: 2020-01-01.gw.test|Acme-Version: v1", problem: problem.UnknownVersion},
		{line: "GET /api/v9/orders", problem: problem.UnknownVersion, detail: `"v9"; there are v1, v2, 2026-11-01`},
		{line: "GET /api/V1/orders", problem: problem.UnknownVersion, detail: "did you mean v1?"},
		{line: "GET /api/v9", problem: problem.UnknownVersion},
		{line: "GET /api/v9/nothing/here", problem: problem.UnknownVersion},
		{line: "GET /api/2020-01-01/orders", problem: problem.UnknownVersion},
		{line: "GET /api/latest/orders/7", problem: problem.UnknownVersion, detail: `"latest"`},
		{line: "GET /api/latest/nothing", problem: problem.NotFound},
		{line: "GET /api/nothing", problem: problem.NotFound},

		// Unknown or empty in header or query; unknown in Accept alone.
		{line: "GET /api/orders", fields: "Acme-Version: v9", problem: problem.InvalidVersion, detail: `the header field Acme-Version names the version "v9"`},
		{line: "GET /api/orders", fields: "Acme-Version: V1", problem: problem.InvalidVersion, detail: "did you mean v1?"},
		{line: "GET /api/orders", fields: "Acme-Version:", problem: problem.InvalidVersion, detail: "names no version"},
		{line: "GET /api/v1/orders", fields: "Acme-Version: v1,", problem: problem.InvalidVersion},
		{line: "GET /api/orders?api-version=v9", problem: problem.InvalidVersion},
		{line: "GET /api/orders?api-version=", problem: problem.InvalidVersion, detail: "names no version"},
		{line: "GET /api/orders?api-version", problem: problem.InvalidVersion},
		{line: "GET /api/v1/orders?api-version=v1&api-version=v9", problem: problem.InvalidVersion},
		{line: "GET /api/orders", fields: "Accept: " + vnd9, problem: problem.NotAcceptable, detail: `"v9"`},
		{line: "GET /api/v1/orders", fields: "Accept: " + vnd9, problem: problem.NotAcceptable},
		{line: "GET /api/orders", fields: "Accept: " + vnd1 + ";q=0", problem: problem.NotAcceptable},
		{line: "GET /api/orders", fields: "Accept: " + vnd9 + ", application/json;q=0.5", version: "v1", by: "default", target: "/api/orders"},
		{line: "GET /api/v2/orders", fields: "Accept: " + vnd9 + ", application/*", version: "v2", by: "path", target: "/api/orders"},
		{line: "GET /api/orders", fields: "Accept: " + vnd9 + ", text/html", problem: problem.NotAcceptable},

		// None.
		{line: "GET /api/orders", version: "v1", by: "default", target: "/api/orders"},
		{line: "GET /api/", version: "v1", by: "default", target: "/api"},

		// A preview is there for those who name it.
		{line: "GET /api/next/orders", version: "next", by: "path", target: "/api/orders"},
		{line: "GET /api/orders", fields: "Host: next.gw.test", version: "next", by: "host", target: "/api/orders"},
		{line: "GET /api/orders", fields: "Acme-Version: next", version: "next", by: "header", target: "/api/orders"},
		{line: "GET /api/orders?api-version=next", version: "next", by: "query", target: "/api/orders"},
		{line: "GET /api/orders", fields: "Accept: application/vnd.acme.next+json", version: "next", by: "media type", target: "/api/orders"},
		{line: "GET /api/orders", fields: "Accept: application/vnd.acme.*+json, */*", version: "v1", by: "default", target: "/api/orders"},

		// A route that only other versions have, and the wrong method.
		{line: "POST /api/v1/orders/7/payment", problem: problem.NotInVersion, detail: "since v2"},
		{line: "GET /api/2026-11-01/orders/7/fax", problem: problem.NotInVersion, detail: "until 2026-11-01"},
		{line: "DELETE /api/v1/orders/7", problem: problem.MethodNotAllowed, detail: "GET, HEAD, OPTIONS, PUT"},
		{line: "get /api/v1/orders/7", problem: problem.MethodNotAllowed},
		{line: "GET /api/v2/orders/7/payment", problem: problem.MethodNotAllowed, detail: "OPTIONS, POST"},
		{line: "HEAD /api/v1/orders/7", version: "v1", by: "path", target: "/api/orders/7"},
		{line: "GET /api/v1/nothing", problem: problem.NotFound},
		{line: "GET /api/v1/v1/orders", problem: problem.NotFound},
	} {
		t.Run(c.line+" "+c.fields, func(t *testing.T) {
			var fields []string
			if c.fields != "" {
				fields = strings.Split(c.fields, "|")
			}
			x := ask(t, c.line, fields...)
			m, p := table(t, orders()).Match(x)
			if c.problem != nil {
				if p == nil || p.Type != c.problem || !strings.Contains(p.Detail, c.detail) {
					t.Fatalf("%v (version %q, route %q), want %s with %q", p, x.Version, names(m), c.problem.URI, c.detail)
				}
				return
			}
			if p != nil {
				t.Fatal(p)
			}
			raw := ""
			if x.Query.Raw != "" {
				raw = "?" + x.Query.Raw
			}
			if x.API != "orders" || x.Version != c.version || x.Selected != c.by || x.Target+raw != c.target {
				t.Errorf("API %q, version %q by %q, target %q, want %q by %q, target %q", x.API, x.Version, x.Selected, x.Target+raw, c.version, c.by, c.target)
			}
			if m.Route == nil || m.Version.Name != x.Version || m.API.Versions[m.Index].Name != x.Version || x.Route != m.Route.Pattern {
				t.Errorf("the match is of route %q, version %v, index %d", names(m), m.Version, m.Index)
			}
			if x.Header.Get("Acme-Version") != "" || strings.Contains(x.Query.Raw, "version") {
				t.Errorf("the version travels on: %v ?%s", x.Header, x.Query.Raw)
			}
			for _, name := range []string{"Accept", "Content-Type"} {
				if strings.Contains(strings.ToLower(x.Header.Get(name)), "vnd.acme") {
					t.Errorf("the version travels on in %s: %q", name, x.Header.Get(name))
				}
			}
			if got := strings.Join(x.Answer["Vary"], "|"); got != "Accept, Acme-Version" {
				t.Errorf("Vary: %q", got)
			}
		})
	}
}

// The problems about versions carry the list as data too, without what a caller had better not use.
func TestTheListOfVersions(t *testing.T) {
	x := ask(t, "GET /api/v9/orders")
	x.Time = day("2027-04-01")
	_, p := table(t, orders()).Match(x)
	if p == nil || len(p.Extensions) != 1 || p.Extensions[0].Name != "versions" {
		t.Fatalf("%v %v", p, p.Extensions)
	}
	if got, want := p.Extensions[0].Value.([]string), []string{"v2", "2026-11-01"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q: v1 is retired, next is a preview", got, want)
	}
	x = ask(t, "POST /api/orders", "Content-Type: "+vnd9)
	if _, p := table(t, orders()).Match(x); p == nil || p.Header.Get("Accept-Post") != vnd1+", "+vnd2+", application/vnd.acme.2026-11-01+json" {
		t.Errorf("%v", p)
	}
}

func TestAClientsWordIsCutAndQuoted(t *testing.T) {
	_, p := table(t, orders()).Match(ask(t, "GET /api/orders", "Acme-Version: \""+strings.Repeat("x", 1000)))
	if p == nil || len(p.Detail) > 250 || !strings.Contains(p.Detail, `"\"xxx`) {
		t.Errorf("%v", p)
	}
}

func TestWithoutDefaultAVersionIsRequired(t *testing.T) {
	for want, by := range map[string]Versioning{
		"name a version in the path; there are v1, v2, 2026-11-01":                           {Path: true},
		"name a version in the header field Acme-Version or in the query parameter v; there": {Header: "acme-version", Query: "v"},
		"name a version in the media type application/vnd.acme.{version}+json; there are":    {MediaType: "application/vnd.acme.{version}+json"},
	} {
		_, p := table(t, only(func(v *Versioning) { *v = by })).Match(ask(t, "GET /api/orders"))
		if p == nil || p.Type != problem.VersionRequired || !strings.HasPrefix(p.Detail, want) {
			t.Errorf("%v, want %q", p, want)
		}
	}
}

func TestPin(t *testing.T) {
	pinned := func(fallback string) API {
		a := orders()
		a.Versioning.Pin = []string{"Authorization", "x-api-key"}
		a.Versioning.Default = fallback
		return a
	}
	for _, c := range []struct {
		name, line, fields, fallback, pin string
		pending                           bool
		version, by                       string
		problem                           *problem.Type
		vary                              string
	}{
		{name: "the pin decides", line: "GET /api/orders", fallback: "v1", pin: "v2", pending: true, version: "v2", by: "pin", vary: "Accept, Acme-Version, Authorization, X-Api-Key"},
		{name: "no pin, the default", line: "GET /api/orders", fallback: "v1", pending: true, version: "v1", by: "default", vary: "Accept, Acme-Version, Authorization, X-Api-Key"},
		{name: "no pin, no default", line: "GET /api/orders", pending: true, problem: problem.VersionRequired, vary: "Accept, Acme-Version, Authorization, X-Api-Key"},
		{name: "the request names one", line: "GET /api/v1/orders", fallback: "v1", pin: "v2", version: "v1", by: "path", vary: "Accept, Acme-Version"},
		{name: "any version will do", line: "GET /api/orders", fields: "Accept: " + vnd9 + ", */*", pin: "v2", pending: true, version: "v2", by: "pin", vary: "Accept, Acme-Version, Authorization, X-Api-Key"},
		{name: "pinned to nothing known", line: "GET /api/orders", fallback: "v1", pin: "v7", pending: true, problem: problem.InvalidVersion, vary: "Accept, Acme-Version, Authorization, X-Api-Key"},
		{name: "pinned to a preview", line: "GET /api/orders", fallback: "v1", pin: "next", pending: true, problem: problem.InvalidVersion, vary: "Accept, Acme-Version, Authorization, X-Api-Key"},
		{name: "not in the pinned version", line: "POST /api/orders/7/payment", pin: "v1", pending: true, problem: problem.NotInVersion, vary: "Accept, Acme-Version, Authorization, X-Api-Key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var fields []string
			if c.fields != "" {
				fields = []string{c.fields}
			}
			x := ask(t, c.line, fields...)
			x.SetAnswer("Vary", "Origin")
			m, p := table(t, pinned(c.fallback)).Match(x)
			if p != nil || m.Pending != c.pending {
				t.Fatalf("pending %v, %v", m.Pending, p)
			}
			if c.pending && (m.API == nil || x.Version != "" || m.Route != nil) {
				t.Errorf("before the pin: API %v, version %q, route %v", m.API, x.Version, m.Route)
			}
			p = m.Pin(x, c.pin, nil)
			if c.problem != nil {
				if p == nil || p.Type != c.problem {
					t.Errorf("%v, want %s", p, c.problem.URI)
				}
			} else if p != nil || x.Version != c.version || x.Selected != c.by || m.Route == nil || m.Pending {
				t.Errorf("version %q by %q, route %v, %v", x.Version, x.Selected, m.Route, p)
			}
			if got := strings.Join(x.Answer["Vary"], ", "); got != "Origin, "+c.vary {
				t.Errorf("Vary: %s", got)
			}
		})
	}
}

func TestRoutes(t *testing.T) {
	a := API{Name: "a", Versions: []Version{{Name: "v1"}, {Name: "v2"}}, Versioning: &Versioning{Path: true}, Routes: []Route{
		{Pattern: "GET /"},
		{Pattern: "GET /{any}"},
		{Pattern: "GET /users/me", Since: "v2"},
		{Pattern: "GET /users/{id}"},
		{Pattern: "DELETE /users/{user}"},
		{Pattern: "GET /users/{id}/posts/{post}"},
		{Pattern: "GET /users/me/posts", Until: "v2"},
		{Pattern: "GET /users/{id}/posts", Since: "v2"},
		{Pattern: "GET /{a}/{b}/{c}/x"},
		{Pattern: "GET /café au lait"},
		{Pattern: "GET /twice", Until: "v2"},
		{Pattern: "GET /twice", Since: "v2", Value: "new"},
	}}
	for line, want := range map[string]string{
		"GET /v1":                       "GET /",
		"GET /v1/a":                     "GET /{any} any=a",
		"GET /v1/users/7":               "GET /users/{id} id=7",
		"DELETE /v1/users/7":            "DELETE /users/{user} user=7",
		"GET /v2/users/me":              "GET /users/me",
		"GET /v1/users/me":              "GET /users/{id} id=me", // v1 has no other
		"DELETE /v2/users/me":           "405",                   // the literal is another resource
		"GET /v2/users/7/posts/8":       "GET /users/{id}/posts/{post} id=7 post=8",
		"GET /v1/users/me/posts":        "GET /users/me/posts",
		"GET /v2/users/me/posts":        "GET /users/{id}/posts id=me",
		"GET /v2/users/me/posts/x":      "GET /users/{id}/posts/{post} id=me post=x",
		"GET /v2/users/me/foo/x":        "GET /{a}/{b}/{c}/x a=users b=me c=foo",
		"GET /v1/users/a%20b%26":        "GET /users/{id} id=a b&",
		"GET /v1/caf%C3%A9%20au%20lait": "GET /café au lait",
		"GET /v1/users/7/posts":         "404",
		"GET /v1/users/7/posts/8/9":     "404",
		"GET /v2/twice":                 "GET /twice new",
	} {
		x := ask(t, line)
		m, p := table(t, a).Match(x)
		got := names(m)
		if p != nil {
			got = map[int]string{404: "404", 405: "405"}[p.StatusCode()]
		}
		for _, p := range x.Parameters {
			got += " " + p.Name + "=" + p.Value
		}
		if m.Route != nil && m.Route.Value != nil {
			got += " " + m.Route.Value.(string)
		}
		if got != want {
			t.Errorf("%s: %q (%v), want %q", line, got, p, want)
		}
	}
}

func TestAnAPIWithoutVersions(t *testing.T) {
	plain := table(t, API{Name: "plain", BasePath: "/", Routes: []Route{{Pattern: "GET /v1/{id}"}}})
	x := ask(t, "GET /v1/7?api-version=v9", "Acme-Version: v1", "Accept: "+vnd9)
	m, p := plain.Match(x)
	if p != nil || x.Version != "" || x.Selected != "" || m.Version != nil || m.Index != 0 || x.Target != "/v1/7" || x.Query.Raw != "api-version=v9" || x.Answer != nil {
		t.Errorf("%v, version %q, target %q, answer %v", p, x.Version, x.Target, x.Answer)
	}
	if x.Header.Get("Acme-Version") != "v1" || x.Header.Get("Accept") != vnd9 {
		t.Error("its header is touched")
	}
	if _, p := plain.Match(ask(t, "POST /v1/7")); p == nil || p.Type != problem.MethodNotAllowed {
		t.Errorf("%v", p)
	}
	if _, p := plain.Match(ask(t, "GET /v2")); p == nil || p.Type != problem.NotFound {
		t.Errorf("%v", p)
	}
}

// A pool may hand over an exchange that has served before.
func TestParametersOfAnEarlierRequestAreGone(t *testing.T) {
	x := ask(t, "GET /api/v1/orders/7")
	x.Parameters = []exchange.Parameter{{Name: "old", Value: "1"}, {Name: "old", Value: "2"}}
	if _, p := table(t, orders()).Match(x); p != nil || len(x.Parameters) != 1 || x.Parameter("id") != "7" {
		t.Errorf("%v %v", x.Parameters, p)
	}
}

// What names a version never makes another resource of the target: the target's path is the path asked for without
// the version, and a canonical one.
func FuzzMatch(f *testing.F) {
	f.Add("/api/v1/orders/7", "api-version=v1", "v1", vnd1)
	f.Add("/api/orders/7", "api%2Dversion=v2&a", "", `a/b;c=",`)
	f.Add("/api/caf%C3%A9", "&&=", "v1,v2", "*/*;q=0, "+vnd2+";q=0.1")
	a := orders()
	a.Routes = append(a.Routes, Route{Pattern: "GET /{x}/{y}/{z}"}, Route{Pattern: "GET /{x}/{y}"})
	tab := table(f, a)
	f.Fuzz(func(t *testing.T, escaped, query, header, accept string) {
		path, p := admit.Path(escaped, nil)
		if p != nil {
			return
		}
		if _, err := url.ParseQuery(query); err != nil || strings.ContainsAny(query, " #") {
			return
		}
		x := &exchange.Exchange{Method: "GET", Host: "gw.test", Path: path, Time: today, Header: http.Header{"Accept": {accept}}}
		if header != "" {
			x.Header["Acme-Version"] = []string{header}
		}
		x.Query.Replace(query)
		m, p := tab.Match(x)
		if p != nil || m.API == nil {
			return
		}
		want := slices.Clone(path.Segments)
		if x.Selected == "path" {
			if want[1] != x.Version {
				t.Fatalf("%s: version %q by path", path.Escaped, x.Version)
			}
			want = slices.Delete(want, 1, 2)
		}
		target, _, _ := strings.Cut(x.Target, "?")
		again, p := admit.Path(target, nil)
		if p != nil || again.Escaped != target || !slices.Equal(again.Segments, want) {
			t.Errorf("%s: target %q, read as %q, %v", path.Escaped, target, again.Segments, p)
		}
		if x.Query.Values().Has("api-version") || x.Header["Acme-Version"] != nil {
			t.Errorf("the version travels on: %q %v", x.Query.Raw, x.Header)
		}
		all, _ := url.ParseQuery(query)
		all.Del("api-version")
		if all.Encode() != x.Query.Values().Encode() {
			t.Errorf("query %q became %q", query, x.Query.Raw)
		}
	})
}
