package route

import (
	"strings"
	"testing"
)

// What would make an answer depend on chance does not load.
func TestWhatDoesNotLoad(t *testing.T) {
	for want, change := range map[string]func(*API){
		`the base path "api"`:                        func(a *API) { a.BasePath = "api" },
		`the segment ".."`:                           func(a *API) { a.BasePath = "/api/.." },
		`the segment ""`:                             func(a *API) { a.BasePath = "/api//x" },
		`the host "GW.test"`:                         func(a *API) { a.Hosts = []string{"GW.test"} },
		`the version "v 1" is no path segment`:       func(a *API) { a.Versions[0].Name = "v 1" },
		`the version ".." is no path segment`:        func(a *API) { a.Versions[0].Name = ".." },
		`the version "V2" is there twice`:            func(a *API) { a.Versions[2].Name = "V2" },
		`the version "v2" is older than "v1"`:        func(a *API) { a.Versions[1].Released = day("2020-01-01") },
		`retired before it is deprecated`:            func(a *API) { a.Versions[0].Sunset = day("2026-05-31") },
		`"/migrate" is no absolute URL`:              func(a *API) { a.Versions[0].Docs = "/migrate" },
		`is no absolute URL`:                         func(a *API) { a.Versions[0].Docs = "https://a.test/>; rel=x" },
		`there are versions and no way`:              func(a *API) { a.Versioning = nil },
		`there is versioning and no version`:         func(a *API) { a.Versions = nil },
		`no way to choose`:                           func(a *API) { a.Versioning = &Versioning{} },
		`the media type "application/json"`:          func(a *API) { a.Versioning.MediaType = "application/json" },
		`the media type "{version}/json"`:            func(a *API) { a.Versioning.MediaType = "{version}/json" },
		`has no {version}`:                           func(a *API) { a.Versioning.Host = "gw.test" },
		`"{version}.{version}" has no {version}, or`: func(a *API) { a.Versioning.Host = "{version}.{version}" },
		`the version "v1.0" cannot stand in a host`:  func(a *API) { a.Versions[0].Name = "v1.0" },
		`the version "V7" cannot stand in a host`:    func(a *API) { a.Versions[0].Name = "V7" },
		`the version "v_1" cannot stand in a host`:   func(a *API) { a.Versions[0].Name = "v_1" },
		`aaa" cannot stand in a host`:                func(a *API) { a.Versions[0].Name = strings.Repeat("a", 64) },
		`is also that of the version "v2"`:           func(a *API) { a.Hosts = []string{"v2.gw.test"} },
		`"/a b" to rewrite to is not canonical`:      func(a *API) { a.Rewrite = "/a b" },
		`"/a/" to rewrite to is not canonical`:       func(a *API) { a.Rewrite = "/a/" },
		`"{no}" is no variable of the route`:         func(a *API) { a.Routes[0].Rewrite = "/x/{no}" },
		`"a{id}" is no variable of the route`:        func(a *API) { a.Routes[2].Rewrite = "/x/a{id}" },
		`"/x/ÿ" to rewrite to is not canonical`:      func(a *API) { a.Routes[2].Rewrite = "/x/ÿ" },
		`"x" to rewrite to: it does not start`:       func(a *API) { a.Routes[2].Rewrite = "x" },
		`the default version "v9"`:                   func(a *API) { a.Versioning.Default = "v9" },
		`the default version "next" is a preview`:    func(a *API) { a.Versioning.Default = "next" },
		`there is no version "v9"`:                   func(a *API) { a.Routes[0].Since = "v9" },
		`ends with "v2", before it begins`:           func(a *API) { a.Routes[0].Since, a.Routes[0].Until = "2026-11-01", "v2" },
		`a route is a method`:                        func(a *API) { a.Routes[0].Pattern = "/orders" },
		`"get /orders": a route is a method`:         func(a *API) { a.Routes[0].Pattern = "get /orders" },
		`the method TRACE is never passed on`:        func(a *API) { a.Routes[0].Pattern = "TRACE /orders" },
		`it does not start with a slash`:             func(a *API) { a.Routes[0].Pattern = "GET orders" },
		`the path is missing`:                        func(a *API) { a.Routes[0].Pattern = "GET " },
		`"{id" is neither`:                           func(a *API) { a.Routes[0].Pattern = "GET /orders/{id" },
		`"a{id}" is neither`:                         func(a *API) { a.Routes[0].Pattern = "GET /orders/a{id}" },
		`"{}" is neither`:                            func(a *API) { a.Routes[0].Pattern = "GET /orders/{}" },
		`the variable {id} is there twice`:           func(a *API) { a.Routes[0].Pattern = "GET /orders/{id}/{id}" },
		`the segment "a%20b"`:                        func(a *API) { a.Routes[0].Pattern = "GET /a%20b" },
		`"GET /orders/{order}" is the same in some`:  func(a *API) { a.Routes[0].Pattern = "GET /orders/{order}" },
		`routes begin with "V1"`:                     func(a *API) { a.Routes[0].Pattern = "GET /V1/orders" },
	} {
		a := orders()
		change(&a)
		if _, err := New([]API{a}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := New([]API{orders(), {Name: "again", Hosts: []string{"gw.test"}, BasePath: "/api/"}}); err == nil || !strings.Contains(err.Error(), `the API "orders" has the same host and base path`) {
		t.Errorf("%v", err)
	}
}

func TestAllMistakesAreToldAtOnce(t *testing.T) {
	a := orders()
	a.Versions[0].Name = "v 1"
	a.Versions[0].Docs = "x"
	_, err := New([]API{a, {Name: "other", BasePath: "x"}})
	for _, want := range []string{`"v 1"`, `"x" is no absolute URL`, `API "other"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v says nothing of %s", err, want)
		}
	}
}

func TestAPIsAreFoundByHostThenBasePath(t *testing.T) {
	one := func(name, base string, hosts ...string) API {
		return API{Name: name, BasePath: base, Hosts: hosts, Routes: []Route{{Pattern: "GET /x"}}}
	}
	apis := table(t,
		one("anywhere", "/api"), one("deeper", "/api/admin/"),
		one("shop", "/api", "shop.test", "www.shop.test"), one("all of bare", "/", "bare.test"), one("literal", "/b/v1", "shop.test"))
	for ask2, want := range map[[2]string]string{
		{"gw.test", "/api/x"}:          "anywhere",
		{"gw.test", "/api/"}:           "anywhere",
		{"gw.test", "/api/admin/x"}:    "deeper",
		{"gw.test", "/api/administer"}: "anywhere",
		{"gw.test", "/apix"}:           "",
		{"gw.test", "/api../x"}:        "", // whole segments: nothing is left to walk up from
		{"gw.test", "/api..%20/x"}:     "",
		{"gw.test", "/API/x"}:          "",
		{"gw.test", "/"}:               "",
		{"shop.test", "/api/x"}:        "shop",
		{"www.shop.test", "/api/x"}:    "shop",
		{"shop.test", "/api/admin/x"}:  "shop", // the host's own APIs come first
		{"shop.test", "/b/v1/x"}:       "literal",
		{"shop.test", "/b"}:            "",
		{"bare.test", "/"}:             "all of bare",
		{"bare.test", "/api/x"}:        "all of bare",
	} {
		x := ask(t, "GET "+ask2[1])
		x.Host = ask2[0]
		m, p := apis.Match(x)
		if x.API != want || (m.API == nil) != (want == "") {
			t.Errorf("%v: API %q, want %q (%v)", ask2, x.API, want, p)
		}
		if want == "" && (p != nil || x.Answer != nil) {
			t.Errorf("%v: what nobody claims is touched: %v %v", ask2, p, x.Answer)
		}
	}
}
