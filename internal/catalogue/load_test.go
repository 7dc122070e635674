package catalogue

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// shop loads the example that uses all that is supported.
func shop(t *testing.T) *Catalogue {
	t.Helper()
	t.Setenv("SHOP_MAIL", "m4il")
	c, sources, diags := load([]string{"testdata/shop"}, map[string]string{"burst": "25"}, today)
	if len(diags) > 0 {
		t.Fatal(render(t, diags, sources))
	}
	return c
}

func TestShop(t *testing.T) {
	c := shop(t)
	orders := c.APIs[0]
	route := func(label string) *Route {
		return orders.Routes[slices.IndexFunc(orders.Routes, func(r *Route) bool { return r.Label == label })]
	}
	version := func(name string) *Version {
		return orders.Versions[slices.IndexFunc(orders.Versions, func(v *Version) bool { return v.Name == name })]
	}
	source := func(r interface{ String() string }) string { return strings.TrimPrefix(r.String(), "testdata/shop/") }
	get, list, post := route("GET /orders/{id}"), route("GET /orders"), route("POST /orders")
	sku, units := version("2026-11-01").Changes[0], version("next").Changes[0]

	for _, test := range []struct {
		what      string
		got, want any
	}{
		{"the secret's value", c.Secrets[0].Value.Reveal(), "m4il"},
		{"the file's secret, without its line end", c.Secrets[1].Value.Reveal(), "s3cret"},
		{"the secret in print", fmt.Sprintf("%+v", *c.Secrets[0]), "{Name:mail Value:[redacted] Range:" + c.Secrets[0].Range.String() + "}"},

		{"issuer", c.Identities[0].JWT.Issuer, "https://id.shop.example"},
		{"keys, beside the file that names them", c.Identities[0].JWT.Keys.Path, filepath.Join("testdata", "shop", "staff.jwks.json")},
		{"where they are named", source(c.Identities[0].JWT.Keys.Range), "shop.hcl:19,18-35"},
		{"audience", c.Identities[0].JWT.Audience, []string{"orders", "returns"}},
		{"algorithms", c.Identities[0].JWT.Algorithms, []string{"RS256", "ES256"}},
		{"leeway", c.Identities[0].JWT.Leeway, 30 * time.Second},
		{"who is counted", source(c.Identities[0].JWT.Consumer.Range()), "shop.hcl:22,18-34"},
		{"the key's header, in canonical form", c.Identities[1].APIKey.Header, "X-Shop-Key"},

		{"a quota of a variable that is set", c.Limits[0].Quotas[0].Requests, int64(25)},
		{"a window of a local", c.Limits[0].Quotas[0].Window, time.Minute},
		{"a computed quota", c.Limits[0].Quotas[1].Requests, int64(20000)},
		{"a window of a template", c.Limits[0].Quotas[1].Window, 24 * time.Hour},
		{"a limit without key", c.Limits[1].Key == nil, true},

		{"servers", c.Upstreams[0].Servers, []string{"https://orders-1.shop.example:8443", "https://orders-2.shop.example:8443"}},
		{"retries", *c.Upstreams[0].Retry, Retry{3, []string{"connect", "503"}, c.Upstreams[0].Retry.Range}},
		{"probes", *c.Upstreams[0].Health, Health{"/healthz", 5 * time.Second, c.Upstreams[0].Health.Range}},
		{"the default time-outs", []time.Duration{c.Upstreams[1].Timeout, c.Upstreams[1].DialTimeout}, []time.Duration{30 * time.Second, 3 * time.Second}},
		{"no retries unless written", c.Upstreams[1].Retry == nil && c.Upstreams[1].Health == nil, true},

		{"the hosts of versions", orders.Versioning.Host, "{version}.api.shop.example"},
		{"pages of other origins", *orders.CORS, CORS{[]string{"https://www.shop.example", "http://localhost:3000"}, []string{"X-Tenant"}, []string{"X-Total-Count"}, true, 10 * time.Minute, orders.CORS.Range}},
		{"the service's base path", orders.Rewrite, "/internal"},
		{"the service's path", route("DELETE /orders/{id}").Rewrite, "/internal/orders/{id}/removal"},
		{"no pages of other origins", c.APIs[1].CORS == nil, true},

		{"versions, by their dates", names(orders.Versions), []string{"v0", "v1", "v2", "2026-11-01", "next"}},
		{"a date that is the label", version("2026-11-01").Released, time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)},
		{"an instant, in UTC", version("v1").Sunset, time.Date(2030, 3, 1, 11, 0, 0, 0, time.UTC)},
		{"brown-outs", version("v1").Brownouts[0].For, 15 * time.Minute},
		{"the default version", orders.Versioning.Default, version("v2")},
		{"the newest", orders.Newest().Name, "next"},

		{"a pattern", get.Segments, []Segment{{Literal: "orders"}, {Parameter: "id"}}},
		{"the whole is an object", get.Returns[0].Path + " " + get.Returns[0].Object.Name, " order"},
		{"objects in a list", list.Returns[0].Path, "data[*]"},
		{"an object in an object", orders.Objects[0].Holds[0].Object, orders.Objects[1]},
		{"what is accepted", post.Accepts, orders.Objects[0]},
		{"a route that went", []bool{route("DELETE /orders/{id}").In(version("v2")), route("DELETE /orders/{id}").In(version("2026-11-01"))}, []bool{true, false}},
		{"a route that came", []bool{route("POST /orders/{id}/cancellation").In(version("v2")), route("POST /orders/{id}/cancellation").In(version("2026-11-01"))}, []bool{false, true}},

		{"the nearest upstream", orders.For(version("v0"), get).Upstream.Name, "old"},
		{"the API's upstream", orders.For(version("v2"), get).Upstream.Name, "orders"},
		{"the API's policy", orders.For(version("v2"), get).Authorize.Query, "data.shop.orders"},
		{"a public route", orders.For(version("v2"), list).Public && orders.For(version("v2"), list).Authorize == nil, true},
		{"who is let in on the API", len(orders.For(nil, get).Identify), 2},
		{"who is let in on a route", len(orders.For(nil, list).Identify) == 1 && orders.For(nil, list).Anonymous, true},
		{"limits add up", len(orders.For(version("v1"), list).Limits), 3},
		{"rules add up, the API's first", []string{orders.For(nil, post).Rules[0].Name, orders.For(nil, post).Rules[1].Name}, []string{"a currency we take", "few lines"}},
		{"the nearest bound of a body", []int64{orders.For(nil, post).MaxBody, orders.For(nil, get).MaxBody, c.APIs[1].For(nil, c.APIs[1].Routes[0]).MaxBody}, []int64{1 << 20, 256 << 10, 1 << 20}},

		{"operations, in written order", kinds(sku), []Kind{Rename, Drop, Add, Enum}},
		{"what is restored", string(sku.Operations[1].Value), "null"},
		{"what is added", string(sku.Operations[2].Value), `"piece"`},
		{"a number's own spelling", string(sku.Operations[3].Pairs[0].Old), "1.50"},
		{"an exponent", string(sku.Operations[3].Pairs[1].Old), "1e2"},
		{"operations on values", kinds(units), []Kind{Unwrap, Scale, Wrap, Scale, Cast, Cast, Cast, List, Unlist, Split, Join}},
		{"what is around a value", []string{units.Operations[0].Member, units.Operations[2].Member}, []string{"value", "amount"}},
		{"a string with decimals, unless written", []any{units.Operations[1].Decimals, units.Operations[1].As}, []any{2, "string"}},
		{"decimals to the left", []any{units.Operations[3].Decimals, units.Operations[3].As}, []any{-3, "number"}},
		{"from a string, unless written", []string{units.Operations[4].From, units.Operations[4].As}, []string{"string", "number"}},
		{"types that are written", []string{units.Operations[5].From, units.Operations[5].As}, []string{"boolean", "string"}},
		{"from a number, unless written", []string{units.Operations[6].From, units.Operations[6].As}, []string{"number", "string"}},
		{"parts of a text", []any{units.Operations[9].Parts, units.Operations[9].Separator}, []any{[]string{"first_name", "last_name"}, " "}},
		{"a text of parts", []any{units.Operations[10].Parts, units.Operations[10].Separator, units.Operations[10].Accept}, []any{[]string{"street", "city"}, ", ", "nobody writes it"}},
		{"pairs of locals", string(version("v2").Changes[1].Operations[1].Pairs[0].Old), "true"},
		{"an example, members in written order", string(version("v2").Changes[0].Examples[0].Old), `{"customer_name":"Ada","customer_email":"ada@example.org","total":12.30}`},
		{"an empty pattern", len(c.APIs[1].Routes[0].Segments), 0},
	} {
		if !reflect.DeepEqual(test.got, test.want) {
			t.Errorf("%s: got %v, want %v", test.what, test.got, test.want)
		}
	}
}

func names(versions []*Version) []string {
	var names []string
	for _, v := range versions {
		names = append(names, v.Name)
	}
	return names
}

func kinds(c *Change) []Kind {
	var kinds []Kind
	for _, op := range c.Operations {
		kinds = append(kinds, op.Kind)
	}
	return kinds
}

func TestFilesToWatch(t *testing.T) {
	want := []string{
		"testdata/shop", "testdata/shop/ca.pem", "testdata/shop/mail.secret", "testdata/shop/partners.keys",
		"testdata/shop/schemas/line.json", "testdata/shop/schemas/order.json", "testdata/shop/shop.hcl", "testdata/shop/staff.jwks.json",
	}
	if got := shop(t).Files; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Files, folders and globs name the same file, which counts once.
func TestSources(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	a := write("one/a.hcl", `upstream "a" { servers = ["http://a"] }`)
	write("one/b.hcl", `upstream "b" { servers = ["http://b"] }`)
	write("one/b.case.hcl", `request "x" {}`)
	write("one/.b.hcl", `broken "`)
	write("one/notes.txt", `broken "`)
	write("one/deeper/c.hcl", `broken "`)
	write("two/d.hcl", `upstream "d" { servers = ["http://d"] }`)
	write("empty/x.txt", "")

	for _, test := range []struct {
		name      string
		paths     []string
		upstreams string
		watched   []string
		mistake   string
	}{
		{name: "a folder, in order, not those in it", paths: []string{"one"}, upstreams: "a b", watched: []string{"one", "one/a.hcl", "one/b.hcl"}},
		{name: "a file", paths: []string{"one/b.hcl"}, upstreams: "b", watched: []string{"one/b.hcl"}},
		{name: "a glob", paths: []string{"one/*.hcl"}, upstreams: "a b", watched: []string{"one", "one/a.hcl", "one/b.hcl"}},
		{name: "a glob of folders", paths: []string{"*/[ad].hcl"}, upstreams: "a d", watched: []string{".", "empty", "one", "one/a.hcl", "two", "two/d.hcl"}},
		{name: "several, each file once", paths: []string{"two", "one/a.hcl", "one"}, upstreams: "d a b", watched: []string{"one", "one/a.hcl", "one/b.hcl", "two", "two/d.hcl"}},
		{name: "nothing", mistake: "error: No catalogue No file, folder or glob is named."},
		{name: "a missing file", paths: []string{"one/x.hcl"}, watched: []string{"one/x.hcl"}, mistake: `error: No catalogue "one/x.hcl" cannot be read: no such file or directory.`},
		{name: "a folder without any", paths: []string{"empty"}, watched: []string{"empty"}, mistake: `error: No catalogue The folder "empty" has no *.hcl file.`},
		{name: "a glob without any", paths: []string{"*.hcl"}, watched: []string{"."}, mistake: `error: No catalogue No *.hcl file matches "*.hcl".`},
		{name: "a broken glob", paths: []string{"[.hcl"}, mistake: `error: Invalid glob "[.hcl" is not a pattern of files: syntax error in pattern.`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(folder)
			c, sources, diags := Load(test.paths, nil)
			got := strings.Join(strings.Fields(render(t, diags, sources)), " ")
			if got != test.mistake {
				t.Errorf("told %q, want %q", got, test.mistake)
			}
			var upstreams []string
			for _, u := range c.Upstreams {
				upstreams = append(upstreams, u.Name)
			}
			if got := strings.Join(upstreams, " "); got != test.upstreams {
				t.Errorf("upstreams %q, want %q", got, test.upstreams)
			}
			slices.Sort(test.watched)
			if !slices.Equal(c.Files, test.watched) && len(c.Files)+len(test.watched) > 0 {
				t.Errorf("watched %q, want %q", c.Files, test.watched)
			}
		})
	}
	if _, _, diags := Load([]string{a, a}, nil); diags.HasErrors() {
		t.Error("a file named twice counted twice")
	}
}
