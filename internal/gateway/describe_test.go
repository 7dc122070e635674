package gateway

import (
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/limit"
	"github.com/wicketgate/wicketgate/internal/openapi"
)

var update = flag.Bool("update", false, "write the expected files anew")

// teapot is a service behind the gateway: what it answers, no stage of the gateway's does.
type teapot struct{}

func (teapot) Forward(w http.ResponseWriter, _ *http.Request, _ *exchange.Exchange) error {
	w.WriteHeader(http.StatusTeapot)
	return nil
}

func withDescriptions(t testing.TB, file string) *Gateway {
	t.Helper()
	c, sources, diags := catalogue.Load([]string{file}, nil)
	g, _, _, more := Build(Config{
		Catalogue: c, Sources: sources, Counter: limit.NewMemory(0),
		Upstream: func(*catalogue.Upstream) (Upstream, error) { return teapot{}, nil },
	})
	if diags = append(diags, more...); diags.HasErrors() {
		t.Fatal(diags)
	}
	return g
}

var december = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)

// inquire sends a request with header fields written "Name: value" to a host, over HTTPS; claimed is false where no API
// takes it.
func inquire(t testing.TB, g *Gateway, now time.Time, method, url string, fields ...string) (w *httptest.ResponseRecorder, claimed bool) {
	t.Helper()
	r := httptest.NewRequest(method, url, nil)
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Add(name, value)
	}
	w = httptest.NewRecorder()
	claimed, _ = g.Serve(w, r, &exchange.Exchange{Time: now}, netip.MustParseAddr("192.0.2.1"), func(string) bool { return true })
	return w, claimed
}

// TestDescription asks for descriptions as their readers do: what version is meant, and who may ask, is settled as for
// every request.
func TestDescription(t *testing.T) {
	const shop, key = "https://shop.example", "X-API-Key: " + acmeKey
	for _, test := range []struct {
		name, method, url string
		fields            []string
		status            int
		version           string // that is described
	}{
		{"by path", "GET", shop + "/orders/v1/openapi.json", []string{key}, 200, "v1"},
		{"by header", "GET", shop + "/orders/openapi.json", []string{key, "Shop-Version: v1"}, 200, "v1"},
		{"the default", "GET", shop + "/orders/openapi.json", []string{key}, 200, "v2"},
		{"a preview, by name", "GET", shop + "/orders/v3/openapi.json", []string{key}, 200, "v3"},
		{"trailing slash", "GET", shop + "/orders/v1/openapi.json/", []string{key}, 200, "v1"},
		{"HEAD", "HEAD", shop + "/orders/v1/openapi.json", []string{key}, 200, ""},
		{"another method", "PUT", shop + "/orders/v1/openapi.json", []string{key}, 405, ""},
		{"a stranger", "GET", shop + "/orders/v1/openapi.json", nil, 401, ""},
		{"a wrong key", "GET", shop + "/orders/v1/openapi.json", []string{key + "x"}, 401, ""},
		{"a retired version", "GET", shop + "/orders/v0/openapi.json", []string{key}, 410, ""},
		{"an unknown version", "GET", shop + "/orders/v7/openapi.json", []string{key}, 404, ""},
		{"two versions", "GET", shop + "/orders/v1/openapi.json", []string{key, "Shop-Version: v2"}, 400, ""},

		{"everyone, by path", "GET", shop + "/open/v2/openapi.json", nil, 200, "v2"},
		{"everyone, by query", "GET", shop + "/open/openapi.json?v=v2", nil, 200, "v2"},
		{"everyone, the default", "GET", shop + "/open/openapi.json", nil, 200, "v1"},
		{"everyone, with a wrong key", "GET", shop + "/open/v1/openapi.json", []string{key + "x"}, 200, "v1"},
		{"but nothing else", "GET", shop + "/open/v1/orders", nil, 401, ""},
		{"nor without a version", "GET", shop + "/open/orders", nil, 401, ""},

		{"nobody", "GET", shop + "/hidden/openapi.json", nil, 404, ""},
		{"an own route", "GET", shop + "/own/openapi.json", nil, 418, ""},
		{"without versions", "GET", "https://plain.example/openapi.json", nil, 200, "unversioned"},
		{"no default", "GET", shop + "/queried/openapi.json", nil, 400, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := withDescriptions(t, "testdata/described.hcl")
			w, _ := inquire(t, g, december, test.method, test.url, test.fields...)
			if w.Code != test.status {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			var doc struct{ Info struct{ Version string } }
			if test.version != "" {
				if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
					t.Fatal(err)
				}
			}
			if doc.Info.Version != test.version {
				t.Errorf("it describes %q", doc.Info.Version)
			}
			if kind := w.Header().Get("Content-Type"); test.status == 200 && kind != openapi.MediaType {
				t.Errorf("it is %s", kind)
			}
		})
	}
}

// TestDescriptionFields has a description carry what every answer of its version does, and what caches need.
func TestDescriptionFields(t *testing.T) {
	g := withDescriptions(t, "testdata/described.hcl")
	const url, key = "https://shop.example/orders/v1/openapi.json", "X-API-Key: " + acmeKey
	first, _ := inquire(t, g, december, "GET", url, key)
	for name, want := range map[string]string{
		"Deprecation":   "@1780272000",
		"Sunset":        "Tue, 01 Jan 2030 00:00:00 GMT",
		"Cache-Control": "private, no-cache",
		"Vary":          "Shop-Version",
		"Ratelimit":     `"burst";r=2;t=28800`,
	} {
		if got := first.Header().Get(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if link := first.Header().Get("Link"); !strings.Contains(link, `</orders/v2/openapi.json>; rel="successor-version"`) {
		t.Errorf("Link: %s", link)
	}
	tag := first.Header().Get("Etag")
	if w, _ := inquire(t, g, december, "GET", url, key, `If-None-Match: "other", W/`+tag); w.Code != 304 || w.Body.Len() > 0 || w.Header().Get("Etag") != tag {
		t.Errorf("a description that the caller has: %d", w.Code)
	}
	if w, _ := inquire(t, g, december, "GET", url, key, `If-None-Match: "other"`); w.Code != 200 || w.Body.String() != first.Body.String() {
		t.Errorf("another description: %d", w.Code)
	}
	if w, _ := inquire(t, g, december, "GET", url, key); w.Code != 429 {
		t.Errorf("more requests than the API's limit allows: %d", w.Code)
	}
}

// TestDescriptionInTime has a version's description say that it is deprecated from that day on, though it was written
// before.
func TestDescriptionInTime(t *testing.T) {
	g := withDescriptions(t, "testdata/described.hcl")
	for _, now := range []time.Time{december.AddDate(-1, 0, 0), december} { // no clock runs backwards
		want := now.Equal(december)
		w, _ := inquire(t, g, now, "GET", "https://shop.example/orders/v1/openapi.json", "X-API-Key: "+acmeKey)
		if got := strings.Contains(w.Body.String(), `"deprecated": true`); w.Code != 200 || got != want {
			t.Errorf("on %s: %d, deprecated is %v", now, w.Code, got)
		}
	}
}

// TestDescriptionOnce writes a description once, however many ask for it first.
func TestDescriptionOnce(t *testing.T) {
	g := withDescriptions(t, "testdata/described.hcl")
	var all sync.WaitGroup
	tags := make([]string, 8)
	for i := range tags {
		all.Go(func() {
			w, _ := inquire(t, g, december, "GET", "https://shop.example/open/v1/openapi.json")
			tags[i] = w.Header().Get("Etag")
		})
	}
	all.Wait()
	for _, tag := range tags {
		if tag == "" || tag != tags[0] {
			t.Errorf("got %q", tags)
		}
	}
	if d := g.apis["open"].descriptions[1]; d.drafts[0].text != nil || d.drafts[1].text != nil {
		t.Error("a version that nobody asked for is described")
	}
}

// TestList lists a host's APIs as RFC 9727 has it.
func TestList(t *testing.T) {
	g := withDescriptions(t, "testdata/described.hcl")
	for _, test := range []struct{ host, golden string }{
		{"shop.example", "shop.json"},
		{"Plain.example:8443", "plain.json"},
		{"other.example", "other.json"},
		{"v1.hosted.example", "hosted.json"},
	} {
		t.Run(test.host, func(t *testing.T) {
			w, claimed := inquire(t, g, december, "GET", "https://"+test.host+listed)
			if !claimed || w.Code != 200 {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			path := "testdata/listed." + test.golden
			if *update {
				if err := os.WriteFile(path, w.Body.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if w.Body.String() != string(want) {
				t.Errorf("got\n%s", w.Body)
			}
			if kind := w.Header().Get("Content-Type"); kind != linkset {
				t.Errorf("it is %s", kind)
			}
			head, _ := inquire(t, g, december, "HEAD", "https://"+test.host+listed)
			link := "<https://" + strings.ToLower(test.host) + listed + `>; rel="api-catalog"`
			if head.Code != 200 || head.Body.Len() > 0 || head.Header().Get("Link") != link || head.Header().Get("Content-Length") == "" {
				t.Errorf("HEAD: %d, %v", head.Code, head.Header())
			}
			if again, _ := inquire(t, g, december, "GET", "https://"+test.host+listed, "If-None-Match: "+w.Header().Get("Etag")); again.Code != 304 {
				t.Errorf("a list that the caller has: %d", again.Code)
			}
		})
	}
}

// TestListGivesWay leaves the path to a route of an API's own, to what stands behind the gateway where nothing is to be
// listed, and other methods to both.
func TestListGivesWay(t *testing.T) {
	g := withDescriptions(t, "testdata/described.hcl")
	if w, _ := inquire(t, g, december, "GET", "https://own.example"+listed); w.Code != http.StatusTeapot {
		t.Errorf("an API's own route: %d", w.Code)
	}
	if _, claimed := inquire(t, g, december, "POST", "https://shop.example"+listed); claimed {
		t.Error("a POST is answered")
	}
	only := func(names ...string) func(string) bool {
		return func(api string) bool { return strings.Contains(strings.Join(names, " "), api) }
	}
	for _, test := range []struct {
		serves func(string) bool
		want   string // the APIs listed
	}{
		{only("orders"), "orders"},
		{only("orders", "queried"), "orders queried"},
		{only("plain", "hidden"), ""},
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "https://shop.example"+listed, nil)
		claimed, err := g.Serve(w, r, &exchange.Exchange{Time: december}, netip.MustParseAddr("192.0.2.1"), test.serves)
		if err != nil || claimed != (test.want != "") {
			t.Fatalf("%v, %v", claimed, err)
		}
		var doc struct{ Linkset []links }
		if claimed {
			if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
				t.Fatal(err)
			}
		}
		var names []string
		for _, l := range doc.Linkset {
			for _, i := range l.Item {
				names = append(names, i.Title)
			}
		}
		if got := strings.Join(names, " "); got != test.want {
			t.Errorf("listed are %s, want %s", got, test.want)
		}
	}
}

// TestLinks follows every link of a list to a description: it leads to the gateway's answer, or to the question which
// version is meant.
func TestLinks(t *testing.T) {
	g := withDescriptions(t, "testdata/described.hcl")
	followed := 0
	for _, host := range []string{"shop.example", "plain.example", "other.example", "v1.hosted.example", "v2.hosted.example:8443"} {
		w, _ := inquire(t, g, december, "GET", "https://"+host+listed)
		var doc struct {
			Linkset []struct {
				Anchor string
				Desc   []link `json:"service-desc"`
			}
		}
		if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
			t.Fatal(err)
		}
		for _, l := range doc.Linkset {
			for _, d := range l.Desc {
				followed++
				want := http.StatusOK
				if strings.HasSuffix(l.Anchor, "/headed") {
					want = http.StatusBadRequest
				}
				if w, _ := inquire(t, g, december, "GET", d.Href, "X-API-Key: "+acmeKey); w.Code != want {
					t.Errorf("%s: %d", d.Href, w.Code)
				}
			}
		}
	}
	if followed < 10 {
		t.Errorf("only %d links found", followed)
	}
}
