package route

import (
	"testing"

	"github.com/wicketgate/wicketgate/internal/admit"
)

// What the upstream is asked for: the canonical path without the version, or what takes its place.
func TestRewrite(t *testing.T) {
	for _, c := range []struct {
		base, rewrite string // of the API
		pattern, to   string // of the route
		path          string
		want          string
	}{
		{"/api", "/internal", "GET /orders", "", "/api/orders", "/internal/orders"},
		{"/api", "/internal", "GET /orders/{id}", "", "/api/v1/orders/caf%c3%a9/", "/internal/orders/caf%C3%A9"},
		{"/api", "/internal/v0", "GET /", "", "/api/v1", "/internal/v0"},
		{"/api", "/internal", "GET /", "", "/api/", "/internal"},
		{"/api", "/", "GET /orders", "", "/api/v1/orders", "/orders"},
		{"/api", "/", "GET /orders", "", "/api/orders", "/orders"},
		{"/api", "/", "GET /", "", "/api", "/"},
		{"/api", "/", "GET /", "", "/api/v1", "/"},
		{"/", "/internal", "GET /orders", "", "/orders", "/internal/orders"},
		{"/", "/internal", "GET /orders", "", "/v1/orders", "/internal/orders"},
		{"/", "/internal", "GET /", "", "/", "/internal"},
		{"/", "/internal", "GET /", "", "/v1", "/internal"},
		{"/api/shop", "/internal", "GET /orders", "", "/api/shop/v1/orders", "/internal/orders"},

		{"/api", "", "GET /orders/{id}", "/internal/orders/{id}", "/api/v1/orders/7", "/internal/orders/7"},
		{"/api", "", "GET /orders/{id}", "/internal/orders/{id}", "/api/orders/a%20b%25c", "/internal/orders/a%20b%25c"},
		{"/api", "", "GET /orders/{id}", "/{id}/{id}/x", "/api/v1/orders/caf%c3%a9", "/caf%C3%A9/caf%C3%A9/x"},
		{"/api", "", "GET /orders/{id}/lines/{line}", "/lines/{line}/of/{id}", "/api/v1/orders/7/lines/8/", "/lines/8/of/7"},
		{"/api", "", "GET /orders/{id}", "/all", "/api/v1/orders/7", "/all"},
		{"/api", "", "GET /orders/{id}", "/", "/api/v1/orders/7", "/"},
		{"/api", "/internal", "GET /orders/{id}", "/other/{id}", "/api/v1/orders/7", "/other/7"}, // the nearest wins
		{"/", "", "GET /{id}", "/x/{id}", "/7", "/x/7"},
	} {
		a := only(func(v *Versioning) { v.Path, v.Default = true, "v1" })
		a.BasePath, a.Rewrite, a.Routes = c.base, c.rewrite, []Route{{Pattern: c.pattern, Rewrite: c.to}}
		x := ask(t, "GET "+c.path+"?a=b")
		if _, p := table(t, a).Match(x); p != nil || x.Target != c.want || x.Query.Raw != "a=b" {
			t.Errorf("%s%s, %s%s: %s is %q, %v, want %q", c.base, c.pattern, c.rewrite, c.to, c.path, x.Target, p, c.want)
		}
	}
}

// Whatever fills a variable, what is asked for is canonical, and the segment is the one that filled it.
func FuzzRewrite(f *testing.F) {
	for _, s := range []string{"7", "caf%C3%A9", "a%20b", "%25", "v1", "x:y@z"} {
		f.Add(s)
	}
	a := only(func(v *Versioning) { v.Path, v.Default = true, "v1" })
	a.Routes = []Route{{Pattern: "GET /orders/{id}", Rewrite: "/x/{id}/y"}}
	tab := table(f, a)
	f.Fuzz(func(t *testing.T, segment string) {
		path, p := admit.Path("/api/v2/orders/"+segment, nil)
		if p != nil || len(path.Segments) != 4 {
			return
		}
		x := ask(t, "GET "+path.Escaped)
		if _, p := tab.Match(x); p != nil {
			t.Fatal(p)
		}
		again, p := admit.Path(x.Target, nil)
		if p != nil || again.Escaped != x.Target || len(again.Segments) != 3 || again.Segments[1] != x.Parameter("id") || again.Segments[1] != path.Segments[3] {
			t.Errorf("%q is asked for as %q: %v", segment, x.Target, p)
		}
	})
}
