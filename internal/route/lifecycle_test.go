package route

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dunglas/httpsfv"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

const (
	docs      = `<https://dev.acme.example/migrate/v2>; rel="deprecation"; type="text/html", <https://dev.acme.example/migrate/v2>; rel="sunset"; type="text/html"`
	successor = `>; rel="successor-version"`
)

// One version through its life, by the clock alone.
func TestALifeOfAVersion(t *testing.T) {
	tab := table(t, orders())
	for _, c := range []struct {
		name, line string
		now        time.Time
		problem    *problem.Type
		detail     string
		deprecated bool
		link       string
	}{
		{name: "active", line: "GET /api/v2/orders/7", now: today},
		{name: "the deprecation lies ahead", line: "GET /api/v1/orders/7", now: day("2026-05-31"), deprecated: true, link: docs + ", </api/v2/orders/7" + successor},
		{name: "deprecated", line: "GET /api/v1/orders/7?a=b", now: today, deprecated: true, link: docs + ", </api/v2/orders/7" + successor},
		{name: "deprecated, of the whole API", line: "GET /api/v1/", now: today, deprecated: true, link: docs + ", </api/v2" + successor},
		{name: "deprecated, by default", line: "GET /api/orders/7/", now: today, deprecated: true, link: docs + ", </api/v2/orders/7" + successor},
		{name: "deprecated, and refused", line: "DELETE /api/v1/orders/7", now: today, deprecated: true, problem: problem.MethodNotAllowed, link: docs + ", </api/v2/orders/7" + successor},
		{name: "deprecated, not there", line: "GET /api/v1/nothing", now: today, deprecated: true, problem: problem.NotFound, link: docs},
		{name: "a brown-out begins", line: "GET /api/v1/orders/7", now: day("2027-02-02").Add(14 * time.Hour), deprecated: true, problem: problem.VersionBrownout,
			detail: "the version v1 is switched off until 2027-02-02T14:15:00Z; use v2", link: docs + ", </api/v2/orders/7" + successor},
		{name: "a brown-out is over", line: "GET /api/v1/orders/7", now: day("2027-02-02").Add(14*time.Hour + 15*time.Minute), deprecated: true, link: docs + ", </api/v2/orders/7" + successor},
		{name: "the last second", line: "GET /api/v1/orders/7", now: day("2027-03-01").Add(-time.Second), deprecated: true, link: docs + ", </api/v2/orders/7" + successor},
		{name: "retired", line: "GET /api/v1/orders/7", now: day("2027-03-01"), deprecated: true, problem: problem.VersionRetired,
			detail: "the version v1 was retired on 2027-03-01; use v2", link: docs + ", </api/v2/orders/7" + successor},
		{name: "retired, by default", line: "POST /api/orders", now: day("2028-01-01"), deprecated: true, problem: problem.VersionRetired, detail: "use v2", link: docs + ", </api/v2/orders" + successor},
		{name: "retired, never a 404", line: "GET /api/v1/nothing", now: day("2028-01-01"), deprecated: true, problem: problem.VersionRetired, detail: "use v2", link: docs},
		{name: "retired, never a 405", line: "DELETE /api/v1/orders", now: day("2028-01-01"), deprecated: true, problem: problem.VersionRetired, detail: "use v2", link: docs + ", </api/v2/orders" + successor},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := ask(t, c.line)
			x.Time = c.now
			_, p := tab.Match(x)
			switch {
			case c.problem == nil && p != nil:
				t.Fatal(p)
			case c.problem != nil && (p == nil || p.Type != c.problem || !strings.Contains(p.Detail, c.detail)):
				t.Fatalf("%v, want %s with %q", p, c.problem.URI, c.detail)
			}
			if c.problem == problem.VersionRetired || c.problem == problem.VersionBrownout {
				if p.StatusCode() != http.StatusGone || p.Extensions[0].Name != "successor" || p.Extensions[0].Value != "v2" {
					t.Errorf("%d %v", p.StatusCode(), p.Extensions)
				}
				if to, ok := strings.CutPrefix(strings.TrimSuffix(c.link, successor), docs+", <"); ok != (len(p.Extensions) == 2) || ok && (p.Extensions[1].Name != "successor_url" || p.Extensions[1].Value != to) {
					t.Errorf("%v, want the successor's URL as in %s", p.Extensions, c.link)
				}
				h := http.Header{}
				if p.Fields(h); h.Get("Cache-Control") != "no-store" {
					t.Errorf("%v", h)
				}
			}
			var deprecation, sunset string
			if c.deprecated {
				deprecation, sunset = "@1780272000", "Mon, 01 Mar 2027 00:00:00 GMT"
			}
			for name, want := range map[string]string{"Deprecation": deprecation, "Sunset": sunset, "Link": c.link, "Vary": "Accept, Acme-Version"} {
				if got := strings.Join(x.Answer[name], ", "); got != want {
					t.Errorf("%s: %s\nwant %s", name, got, want)
				}
			}
		})
	}
}

// RFC 9745: Deprecation is a structured field, a Date; RFC 8594: Sunset is an HTTP-date.
func TestTheFormOfLifecycleFields(t *testing.T) {
	x := ask(t, "GET /api/v1/orders")
	if _, p := table(t, orders()).Match(x); p != nil {
		t.Fatal(p)
	}
	item, err := httpsfv.UnmarshalItem(x.Answer["Deprecation"])
	if at, ok := item.Value.(time.Time); err != nil || !ok || !at.Equal(day("2026-06-01")) {
		t.Errorf("Deprecation: %v is %v, %v", x.Answer["Deprecation"], item.Value, err)
	}
	if at, err := http.ParseTime(x.Answer.Get("Sunset")); err != nil || !at.Equal(day("2027-03-01")) {
		t.Errorf("Sunset: %v, %v", x.Answer["Sunset"], err)
	}
}

// Where versions do not stand in the path, the successor has another address, or another media type.
func TestTheSuccessorsAddress(t *testing.T) {
	for _, c := range []struct {
		by   Versioning
		line string
		want string
	}{
		{Versioning{Host: "{version}.gw.test", Header: "Acme-Version"}, "GET /api/orders/7", "<https://v2.gw.test/api/orders/7" + successor},
		{Versioning{Host: "{version}.gw.test", Header: "Acme-Version", Path: true}, "GET /api/orders/7", "</api/v2/orders/7" + successor},
		{Versioning{Host: "{version}.gw.test", Header: "Acme-Version", Query: "v"}, "GET /api/orders/7", "<https://v2.gw.test/api/orders/7" + successor},
		{Versioning{Host: "api-{version}.gw.test", Header: "Acme-Version", MediaType: "a/b.{version}+json"}, "GET /api/orders/7", "<https://api-v2.gw.test/api/orders/7" + successor},
		{Versioning{Path: true, Header: "Acme-Version"}, "GET /api/orders/caf%c3%a9", "</api/v2/orders/caf%C3%A9" + successor},
		{Versioning{Header: "Acme-Version", Query: "v&"}, "GET /api/orders/7?x", "</api/orders/7?v%26=v2" + successor},
		{Versioning{Header: "Acme-Version", MediaType: "a/b.{version}+json"}, "GET /api/orders/7", "</api/orders/7" + successor + `; type="a/b.v2+json"`},
		{Versioning{Header: "Acme-Version"}, "GET /api/orders/7", "</api/orders/7" + successor},
	} {
		x := ask(t, c.line, "Acme-Version: v1")
		if _, p := table(t, only(func(v *Versioning) { *v = c.by })).Match(x); p != nil {
			t.Errorf("%s: %v", c.line, p)
		}
		if got := x.Answer.Get("Link"); got != docs+", "+c.want {
			t.Errorf("%s: %s, want %s", c.line, got, c.want)
		}
	}
}

// A host that names the version is followed by one that names the next, by the scheme and port of the request.
func TestTheSuccessorsHost(t *testing.T) {
	for _, c := range []struct {
		by         Versioning
		line, host string
		scheme     string
		want       string
	}{
		{Versioning{Host: "{version}.gw.test"}, "GET /api/orders/caf%c3%a9?a=b", "v1.gw.test", "https", "<https://v2.gw.test/api/orders/caf%C3%A9"},
		{Versioning{Host: "{version}.gw.test"}, "GET /api/orders/7", "v1.gw.test:8443", "https", "<https://v2.gw.test:8443/api/orders/7"},
		{Versioning{Host: "{version}.gw.test"}, "GET /api/orders/7", "v1.gw.test:8080", "http", "<http://v2.gw.test:8080/api/orders/7"},
		{Versioning{Host: "eu.{version}.gw.test", Query: "v"}, "GET /api/orders/7", "eu.v1.gw.test", "https", "<https://eu.v2.gw.test/api/orders/7"},
		{Versioning{Host: "{version}.gw.test", Path: true}, "GET /api/orders/7", "v1.gw.test", "https", "<https://v2.gw.test/api/orders/7"},
		{Versioning{Host: "{version}.gw.test", Path: true}, "GET /api/v1/orders/7", "v1.gw.test", "https", "<https://v2.gw.test/api/v2/orders/7"},
		{Versioning{Host: "{version}.gw.test", Path: true}, "GET /api/v1/orders/7", "gw.test", "https", "</api/v2/orders/7"},
	} {
		x := ask(t, c.line, "Host: "+c.host)
		x.Scheme = c.scheme
		if _, p := table(t, only(func(v *Versioning) { *v = c.by })).Match(x); p != nil {
			t.Errorf("%s: %v", c.line, p)
		}
		if got := x.Answer.Get("Link"); got != docs+", "+c.want+successor {
			t.Errorf("%s: %s, want %s", c.line, got, c.want)
		}
	}
}

// The successor is the next active version that has this very resource.
func TestWhichVersionIsTheSuccessor(t *testing.T) {
	a := API{Name: "a", Versioning: &Versioning{Path: true}, Versions: []Version{
		{Name: "v1", Sunset: day("2026-01-01")},
		{Name: "v2", Sunset: day("2026-02-01")},
		{Name: "v3", Deprecated: day("2026-03-01")},
		{Name: "v4"},
		{Name: "v5"},
		{Name: "v6", Released: day("2030-01-01")},
		{Name: "v7", Released: day("2030-01-01"), Preview: true},
	}, Routes: []Route{
		{Pattern: "GET /always"},
		{Pattern: "GET /late", Since: "v5"},
		{Pattern: "GET /early", Until: "v4"},
		{Pattern: "GET /gone", Until: "v2"},
		{Pattern: "GET /ahead", Since: "v6"},
	}}
	tab := table(t, a)
	for path, want := range map[string]string{
		"/v1/always": "v4 </v4/always", "/v1/late": "v5 </v5/late", "/v1/early": "v3 </v3/early", "/v1/gone": "v4 ", "/v1/ahead": "v4 ",
		"/v2/always": "v4 </v4/always",
	} {
		x := ask(t, "GET "+path)
		_, p := tab.Match(x)
		if p == nil || p.Type != problem.VersionRetired || len(p.Extensions) == 0 {
			t.Errorf("%s: %v", path, p)
			continue
		}
		link, _, _ := strings.Cut(x.Answer.Get("Link"), ">")
		if got := p.Extensions[0].Value.(string) + " " + link; got != want {
			t.Errorf("%s: successor %q, want %q", path, got, want)
		}
	}
	last := table(t, API{Name: "a", Versioning: &Versioning{Path: true}, Versions: []Version{{Name: "v1", Sunset: day("2026-01-01")}}, Routes: []Route{{Pattern: "GET /a"}}})
	if _, p := last.Match(ask(t, "GET /v1/a")); p == nil || p.Detail != "the version v1 was retired on 2026-01-01" || len(p.Extensions) != 0 {
		t.Errorf("without a successor: %v", p)
	}
}

// Until it is released, a version is a preview.
func TestAVersionBeforeItsRelease(t *testing.T) {
	before := func(x *exchange.Exchange) *exchange.Exchange {
		x.Time = day("2026-10-31")
		return x
	}
	a := orders()
	a.Versioning.Default = "2026-11-01"
	tab := table(t, a)
	if _, p := tab.Match(before(ask(t, "GET /api/orders"))); p == nil || p.Type != problem.VersionRequired || strings.Contains(p.Detail, "2026-11-01") {
		t.Errorf("by default: %v", p)
	}
	if _, p := tab.Match(before(ask(t, "GET /api/2026-11-01/orders"))); p != nil {
		t.Errorf("by name: %v", p)
	}
	if _, p := tab.Match(ask(t, "GET /api/orders")); p != nil {
		t.Errorf("once released: %v", p)
	}
}

// Of the versions that Accept lists, one in force is preferred to one that could only be answered with 410.
func TestAcceptPassesOverRetiredVersions(t *testing.T) {
	tab := table(t, orders())
	x := ask(t, "GET /api/orders", "Accept: "+vnd1+", "+vnd2+";q=0.1")
	x.Time = day("2027-03-01")
	if _, p := tab.Match(x); p != nil || x.Version != "v2" {
		t.Errorf("version %q, %v", x.Version, p)
	}
	x = ask(t, "GET /api/orders", "Accept: "+vnd1)
	x.Time = day("2027-03-01")
	if _, p := tab.Match(x); p == nil || p.Type != problem.VersionRetired {
		t.Errorf("version %q, %v", x.Version, p)
	}
}

func TestTheSuccessorOfARootWithoutBasePath(t *testing.T) {
	a := orders()
	a.BasePath = ""
	for _, line := range []string{"GET /", "GET /v1/"} {
		x := ask(t, line)
		if _, p := table(t, a).Match(x); p != nil || x.Target != "/" {
			t.Errorf("%s: target %q, %v", line, x.Target, p)
		}
		if got := x.Answer.Get("Link"); got != docs+", </v2"+successor {
			t.Errorf("%s: %s", line, got)
		}
	}
}

// Answers share what was written at load; adding to one changes no other.
func TestAnswersAtTheSameTime(t *testing.T) {
	tab := table(t, orders())
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 100 {
				x := ask(t, "GET /api/orders/7", "Accept: "+vnd1)
				if _, p := tab.Match(x); p != nil {
					t.Error(p)
				}
				for _, name := range []string{"Vary", "Deprecation", "Sunset"} {
					if len(x.Answer[name]) != 1 {
						t.Errorf("%s: %q", name, x.Answer[name])
					}
					x.AddAnswer(name, "more")
				}
				x.Header.Add("Accept", "text/html")
			}
		})
	}
	wait.Wait()
}
