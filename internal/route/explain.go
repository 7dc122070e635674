package route

import (
	"cmp"
	"slices"
	"strings"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// Passed are the APIs and routes that a request does not go to, and why, for an explanation.
type Passed struct {
	Others []Other `json:"others"`         // the nearest first
	More   int     `json:"more,omitempty"` // how many further ones there are
}

// Other is an API, or a route of the API that a request goes to, which it does not mean.
type Other struct {
	API   string `json:"api"`
	Route string `json:"route,omitempty"` // "" for an API as a whole
	Why   string `json:"why"`
	near  int
}

// maxOthers bounds those that are told: 10.
const maxOthers = 10

// Explain tells which APIs and routes m, which Match gave for x, passed by.
func (t *Table) Explain(x *exchange.Exchange, m *Match) Passed {
	var all []Other
	for _, a := range t.apis {
		if m.API == a.API {
			all = append(all, a.passed(x, m)...)
			continue
		}
		all = append(all, Other{API: a.Name, Why: a.unlike(x), near: -1})
	}
	slices.SortStableFunc(all, func(a, b Other) int { return cmp.Compare(b.near, a.near) })
	n := min(len(all), maxOthers)
	return Passed{all[:n:n], len(all) - n}
}

// unlike says why a request is not for an API.
func (a *api) unlike(x *exchange.Exchange) string {
	hosts := a.Hosts
	if a.Versioning != nil && a.Versioning.Host != "" {
		hosts = append(slices.Clip(hosts), a.Versioning.Host)
	}
	switch {
	case len(hosts) > 0 && !slices.Contains(a.Hosts, x.Host):
		return "it is served at " + strings.Join(hosts, ", ")
	case len(a.base) > len(x.Path.Segments) || !slices.Equal(a.base, x.Path.Segments[:len(a.base)]):
		return "its base path is /" + strings.Join(a.base, "/")
	}
	return "another fits host and path better"
}

// passed gives the routes of the API that a request goes to which are not its own.
func (a *api) passed(x *exchange.Exchange, m *Match) (all []Other) {
	for i := range a.Routes {
		r := &a.Routes[i]
		if r == m.Route {
			continue
		}
		o := Other{API: a.Name, Route: r.Pattern}
		method, path, _ := strings.Cut(r.Pattern, " ")
		pattern, _ := segments(path) // it was compiled
		agreed := 0
		for agreed < len(pattern) && agreed < len(m.path) && (pattern[agreed] == m.path[agreed] || strings.HasPrefix(pattern[agreed], "{")) {
			agreed++
		}
		o.near = agreed
		switch {
		case agreed < len(pattern) || agreed < len(m.path):
			o.Why = "its path is another"
		case method != x.Method && (method != "GET" || x.Method != "HEAD"):
			o.Why, o.near = "its method is "+method, agreed+1
		case m.Version != nil && !a.within(r, m.Index):
			o.Why, o.near = "version "+m.Version.Name+" does not have it", agreed+2
		default:
			o.Why = "another fits the path better"
		}
		all = append(all, o)
	}
	return all
}

// within says whether a version has a route.
func (a *api) within(r *Route, version int) bool {
	since, until := a.names[r.Since], len(a.versions) // "" is none, and the first
	if r.Until != "" {
		until = a.names[r.Until]
	}
	return since <= version && version < until
}
