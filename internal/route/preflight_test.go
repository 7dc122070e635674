package route

import (
	"net/http"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/cors"
	"github.com/wicketgate/wicketgate/internal/problem"
)

const page = "Origin: https://shop.test"

// pages is the API of these tests, as pages of one origin may call it.
func pages(origins ...string) API {
	a := orders()
	a.CORS = cors.New(cors.Config{Origins: origins, Headers: []string{"Acme-Version"}, Expose: []string{"Link"}})
	a.Routes = append(a.Routes, Route{Pattern: "OPTIONS /own"}, Route{Pattern: "GET /own"},
		Route{Pattern: "GET /users/{id}"}, Route{Pattern: "DELETE /users/{id}", Until: "v2"}, Route{Pattern: "PUT /users/me", Since: "v2"})
	return a
}

// A preflight carries no version and no credential: it is answered for all versions together, before either is asked
// for, whatever version its address names.
func TestPreflightIsAnsweredForAllVersions(t *testing.T) {
	a := pages("https://shop.test")
	a.Versioning.Pin = []string{"Authorization"}
	a.Versioning.Default = ""
	tab := table(t, a)
	for _, c := range []struct {
		line, field string
		want        string // "" for 404
	}{
		{"OPTIONS /api/orders/7", "", "GET, HEAD, OPTIONS, PUT"},
		{"OPTIONS /api/v1/orders/7", "", "GET, HEAD, OPTIONS, PUT"},
		{"OPTIONS /api/v1/orders/7/payment", "", "OPTIONS, POST"}, // since v2
		{"OPTIONS /api/next/orders/7/fax", "", "GET, HEAD, OPTIONS"},
		{"OPTIONS /api/v9/orders/7", "", "GET, HEAD, OPTIONS, PUT"},
		{"OPTIONS /api/V1/orders/7", "", "GET, HEAD, OPTIONS, PUT"},
		{"OPTIONS /api/orders/7", "Host: v9.gw.test", "GET, HEAD, OPTIONS, PUT"},
		{"OPTIONS /api/orders/7?api-version=v9", "", "GET, HEAD, OPTIONS, PUT"},
		{"OPTIONS /api/v1/orders/7?api-version=v2", "", "GET, HEAD, OPTIONS, PUT"},
		{"OPTIONS /api/own", "", "GET, HEAD, OPTIONS"},                   // though a route answers OPTIONS
		{"OPTIONS /api/users/me", "", "DELETE, GET, HEAD, OPTIONS, PUT"}, // two resources, each of its versions
		{"OPTIONS /api/v1", "", "GET, HEAD, OPTIONS"},
		{"OPTIONS /api/v1/nothing", "", ""},
		{"OPTIONS /api/nothing", "", ""},
	} {
		fields := []string{page, "Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: acme-version"}
		if c.field != "" {
			fields = append(fields, c.field)
		}
		x := ask(t, c.line, fields...)
		m, p := tab.Match(x)
		if c.want == "" {
			if p == nil || p.Type != problem.NotFound || x.Answer.Get("Access-Control-Allow-Origin") != "https://shop.test" {
				t.Errorf("%s: %v with %v", c.line, p, x.Answer)
			}
			continue
		}
		if p != nil || m.Status != http.StatusNoContent || m.Pending || x.Version != "" {
			t.Errorf("%s: %d, pending %t, version %q, %v", c.line, m.Status, m.Pending, x.Version, p)
		}
		for name, want := range map[string]string{
			"Access-Control-Allow-Origin": "https://shop.test", "Access-Control-Allow-Methods": c.want, "Access-Control-Allow-Headers": "Acme-Version",
			"Vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers", "Deprecation": "",
		} {
			if got := strings.Join(x.Answer[name], "|"); got != want {
				t.Errorf("%s: %s is %q, want %q", c.line, name, got, want)
			}
		}
	}
}

// Whatever a page's request is answered with, the page may read it, problems included; no other page may, whose request
// is served all the same.
func TestEveryAnswerSaysWhoMayReadIt(t *testing.T) {
	for _, c := range []struct {
		name, line, origin string
		fields             []string
		problem            *problem.Type
		allowed            bool
	}{
		{"served", "GET /api/v1/orders", page, nil, nil, true},
		{"unknown version", "GET /api/v9/orders", page, nil, problem.UnknownVersion, true},
		{"conflict", "GET /api/v1/orders", page, []string{"Acme-Version: v2"}, problem.VersionConflict, true},
		{"not there", "GET /api/v1/nothing", page, nil, problem.NotFound, true},
		{"wrong method", "DELETE /api/v1/orders", page, nil, problem.MethodNotAllowed, true},
		{"another page", "GET /api/v1/orders", "Origin: https://evil.test", nil, nil, false},
		{"no page", "GET /api/v1/orders", "X-Nothing: x", nil, nil, false},
		{"OPTIONS of no browser", "OPTIONS /api/v1/orders", page, nil, nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := ask(t, c.line, append(c.fields, c.origin)...)
			_, p := table(t, pages("https://shop.test")).Match(x)
			if (p == nil) != (c.problem == nil) || p != nil && p.Type != c.problem {
				t.Errorf("%v", p)
			}
			if got := x.Answer.Get("Access-Control-Allow-Origin") == "https://shop.test" && x.Answer.Get("Access-Control-Expose-Headers") == "Link"; got != c.allowed {
				t.Errorf("%v", x.Answer)
			}
			if got := strings.Join(x.Answer["Vary"], "|"); got != "Origin, Accept, Acme-Version" {
				t.Errorf("Vary: %s", got)
			}
		})
	}
	x := ask(t, "GET /api/v1/orders")
	if _, p := table(t, pages("*")).Match(x); p != nil || x.Answer.Get("Access-Control-Allow-Origin") != "*" || x.Answer.Get("Vary") != "Accept, Acme-Version" {
		t.Errorf("any origin: %v, %v", x.Answer, p)
	}
	a := pages("https://shop.test")
	a.Versioning, a.Versions, a.Routes = nil, nil, []Route{{Pattern: "GET /orders"}}
	x = ask(t, "GET /api/orders", page)
	if _, p := table(t, a).Match(x); p != nil || x.Answer.Get("Access-Control-Allow-Origin") == "" || x.Answer.Get("Vary") != "Origin" {
		t.Errorf("an API without versions: %v, %v", x.Answer, p)
	}
	x = ask(t, "OPTIONS /api/orders", page, "Access-Control-Request-Method: GET")
	if m, p := table(t, a).Match(x); p != nil || m.Status != http.StatusNoContent || x.Answer.Get("Access-Control-Allow-Methods") != "GET, HEAD, OPTIONS" {
		t.Errorf("an API without versions: %v, %v", x.Answer, p)
	}
}

// OPTIONS asks what there is: answered here, without a caller or a version, unless a route says OPTIONS.
func TestOptions(t *testing.T) {
	a := only(func(v *Versioning) { v.Path, v.Pin = true, []string{"Authorization"} })
	a.Routes = append(a.Routes, Route{Pattern: "OPTIONS /own"})
	for line, want := range map[string]string{
		"OPTIONS /api/orders/7":             "GET, HEAD, OPTIONS, PUT",
		"OPTIONS /api/orders/7/payment":     "OPTIONS, POST",
		"OPTIONS /api/v1/orders/7":          "GET, HEAD, OPTIONS, PUT",
		"OPTIONS /api/v2/orders/7/payment/": "OPTIONS, POST",
	} {
		x := ask(t, line)
		m, p := table(t, a).Match(x)
		if p != nil || m.Status != http.StatusNoContent || m.Pending || m.Route != nil || x.Answer.Get("Allow") != want {
			t.Errorf("%s: %d, pending %v, Allow %q, %v, want %q", line, m.Status, m.Pending, x.Answer.Get("Allow"), p, want)
		}
	}
	if m, p := table(t, a).Match(ask(t, "OPTIONS /api/v1/own")); p != nil || m.Status != 0 || m.Route == nil {
		t.Errorf("a route of its own: %d, %v", m.Status, p)
	}
	if m, p := table(t, a).Match(ask(t, "OPTIONS /api/own")); p != nil || !m.Pending {
		t.Errorf("a route of its own without a version: %d, %v", m.Status, p)
	}
	if _, p := table(t, a).Match(ask(t, "OPTIONS /api/v1/orders/7/payment")); p == nil || p.Type != problem.NotInVersion {
		t.Errorf("not in this version: %v", p)
	}
}
