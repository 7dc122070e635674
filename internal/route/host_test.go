package route

import (
	"testing"

	"github.com/wicketgate/wicketgate/internal/problem"
)

// versioned is an API whose hosts alone name versions.
func versioned(name, host string, hosts ...string) API {
	return API{Name: name, Hosts: hosts, BasePath: "/" + name, Versioning: &Versioning{Host: host},
		Versions: []Version{{Name: "v1"}, {Name: "v2", Released: day("2026-01-01")}}, Routes: []Route{{Pattern: "GET /orders"}}}
}

// Versions' hosts are found among those of other APIs, which may share them with other base paths.
func TestVersionsByHost(t *testing.T) {
	b := versioned("b", "{version}.api.example")
	b.Versions = b.Versions[:1]
	tab := table(t, versioned("a", "{version}.api.example", "api.example"), b, versioned("c", "api-{version}.c.example"),
		API{Name: "d", Hosts: []string{"www.api.example"}, Routes: []Route{{Pattern: "GET /orders"}}})
	for _, c := range []struct {
		host, path   string
		api, version string
		problem      *problem.Type
	}{
		{"v1.api.example", "/a/orders", "a", "v1", nil},
		{"v2.api.example", "/a/orders/", "a", "v2", nil},
		{"v9.api.example", "/a/orders", "a", "", problem.UnknownVersion},
		{"api.example", "/a/orders", "a", "", problem.VersionRequired},
		{"v1.api.example", "/b/orders", "b", "v1", nil},
		{"v2.api.example", "/b/orders", "b", "", problem.UnknownVersion}, // a's version is none of b's
		{"api.example", "/b/orders", "", "", nil},                        // a's host alone
		{"api-v1.c.example", "/c/orders", "c", "v1", nil},
		{"api-v9.c.example", "/c/orders", "c", "", problem.UnknownVersion},
		{"v1.c.example", "/c/orders", "", "", nil},
		{"www.api.example", "/orders", "d", "", nil},
		{"a.v1.api.example", "/a/orders", "", "", nil},
		{"v1.api.example", "/d/orders", "", "", nil},
	} {
		x := ask(t, "GET "+c.path, "Host: "+c.host)
		m, p := tab.Match(x)
		if x.API != c.api || x.Version != c.version || (m.Route != nil) != (c.api != "" && c.problem == nil) {
			t.Errorf("%s%s: API %q, version %q, %v", c.host, c.path, x.API, x.Version, p)
		}
		if (p == nil) != (c.problem == nil) || p != nil && p.Type != c.problem {
			t.Errorf("%s%s: %v", c.host, c.path, p)
		}
	}
}

func TestMisdirected(t *testing.T) {
	api := func(name, base string, hosts ...string) API {
		return API{Name: name, Hosts: hosts, BasePath: base, Routes: []Route{{Pattern: "GET /orders"}}}
	}
	tests := []struct {
		name string
		apis []API
		host string
		want bool
	}{
		{"a host of an API", []API{api("a", "/a", "a.example"), api("b", "/b", "b.example")}, "b.example", false},
		{"a host of none", []API{api("a", "/a", "a.example"), api("b", "/b", "b.example")}, "c.example", true},
		{"an API for every host", []API{api("a", "/a", "a.example"), api("b", "/b")}, "c.example", false},
		{"a version's host", []API{versioned("a", "{version}.a.example")}, "v1.a.example", false},
		{"a host of an unknown version", []API{versioned("a", "{version}.a.example")}, "v9.a.example", false},
		{"a host beyond the pattern", []API{versioned("a", "{version}.a.example")}, "a.v1.a.example", true},
		{"the pattern's own domain", []API{versioned("a", "{version}.a.example")}, "a.example", true},
		{"an empty version", []API{versioned("a", "v-{version}.a.example")}, "v-.a.example", true},
		{"an API for every host and path", []API{api("a", "/")}, "c.example", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			table, err := New(test.apis)
			if err != nil {
				t.Fatal(err)
			}
			if got := table.Misdirected(test.host); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
		})
	}
}
