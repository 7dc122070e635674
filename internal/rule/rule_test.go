package rule

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// order is the body of the request that the tests look at.
const order = `{
  "currency": "EUR",
  "total": {"amount": 1230, "tax": 0.19},
  "customer": {"name": "Ada", "email": "ada@example.org", "vip": true},
  "big": 9007199254740993,
  "note": null,
  "lines": [
    {"sku": "A1", "qty": 2, "price": 100},
    {"sku": "B2", "qty": 5, "price": 12.5}
  ]
}`

func request(body string) *exchange.Exchange {
	return &exchange.Exchange{
		ID: "6f1c", Method: "POST", Scheme: "https", Host: "shop.example",
		Path:   exchange.Path{Escaped: "/api/orders/7", Segments: []string{"api", "orders", "7"}},
		Query:  exchange.Query{Raw: "page=2&tag=a&tag=b"},
		Header: http.Header{"X-Tenant": {"acme"}, "Accept": {"text/html", "application/json"}},
		Client: netip.MustParseAddr("192.0.2.7"),
		API:    "orders", Version: "v1", Route: "POST /orders/{id}",
		Parameters: []exchange.Parameter{{Name: "id", Value: "7"}},
		Consumer: &exchange.Consumer{
			ID: "acme", Name: "Acme Ltd", Method: "jwt", Version: "v1", Plan: "gold",
			Scopes: []string{"orders:write"}, Groups: []string{"partners"},
			Claims: map[string]any{"tenant": "t1", "level": json.Number("3"), "org": map[string]any{"id": json.Number("12")}},
		},
		Body: exchange.Body{Read: true, Valid: true, Bytes: []byte(body)},
	}
}

var everything = Environment{Roots: All}

// fromHCL compiles an expression of HCL that begins at line 1, column 8 of a file.
func fromHCL(t testing.TB, text string, env Environment, want Kind) (*Program, hcl.Diagnostics) {
	t.Helper()
	src := []byte("when = " + text + "\n")
	f, diags := hclsyntax.ParseConfig(src, "rule.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatalf("%s: %s", text, diags)
	}
	attributes, _ := f.Body.JustAttributes()
	return Compile(attributes["when"].Expr, src, env, want)
}

func fromText(text string, env Environment, want Kind) (*Program, hcl.Diagnostics) {
	return CompileText(text, hcl.Range{Filename: "Caddyfile", Start: hcl.Pos{Line: 12, Column: 8, Byte: 200}}, env, want)
}

// The two notations say the same. "fails" is an expression without a result.
func TestNotations(t *testing.T) {
	for _, c := range []struct{ hcl, text, want string }{
		// The design's examples.
		{`body.total.amount > 0 && contains(["EUR", "USD"], body.currency)`, `body.total.amount > 0 && body.currency in ["EUR", "USD"]`, "true"},
		{`expr("all(body.lines, .qty in 1..99)")`, `all(body.lines, .qty in 1..99)`, "true"},
		{`body.lines[*].sku == ["A1", "B2"]`, `map(body.lines, .sku) == ["A1", "B2"]`, "true"},

		// Operators.
		{`!(body.total.amount <= 1230)`, `not (body.total.amount <= 1230)`, "false"},
		{`body.total.amount != 1230 || body.currency == "EUR"`, `body.total.amount != 1230 or body.currency == "EUR"`, "true"},
		{`body.total.amount + 1 - 2 * 3`, `body.total.amount + 1 - 2 * 3`, "1225"},
		{`body.total.amount / 100`, `body.total.amount / 100`, "12.3"},
		{`body.total.amount % 100`, `body.total.amount % 100`, "30"},
		{`-body.total.amount`, `-body.total.amount`, "-1230"},
		{`body.customer.vip ? "yes" : "no"`, `body.customer.vip ? "yes" : "no"`, "yes"},
		{`true ? "a" : 404`, `true ? "a" : 404`, "a"},
		{`body.lines[1].qty`, `body.lines[1].qty`, "5"},
		{`body["customer"]["name"]`, `body["customer"]["name"]`, "Ada"},
		{`body.lines[body.lines[0].qty - 1].sku`, `body.lines[body.lines[0].qty - 1].sku`, "B2"},

		// Strings.
		{`"${body.currency} ${body.total.amount}"`, `body.currency + " " + string(body.total.amount)`, "EUR 1230"},
		{`"${body.currency}"`, `body.currency`, "EUR"},
		{`"a\tb \"c\" $${d} \u00e9"`, `"a\tb \"c\" ${d} é"`, "a\tb \"c\" ${d} é"},
		{`matches(body.customer.email, "^[^@]+@example\\.org$")`, `body.customer.email matches "^[^@]+@example\\.org$"`, "true"},
		{`startsWith(body.customer.email, "ada") && endsWith(body.customer.email, ".org")`, `body.customer.email startsWith "ada" && body.customer.email endsWith ".org"`, "true"},
		{`upper(trim("  ab ")) == "AB" && lower("AB") == "ab"`, `upper(trim("  ab ")) == "AB" && lower("AB") == "ab"`, "true"},
		{`trim("xaxx", "x")`, `trim("xaxx", "x")`, "a"},
		{`len(body.currency)`, `len(body.currency)`, "3"},
		{`expr("body.customer.name contains \"da\"")`, `body.customer.name contains "da"`, "true"},
		{"\"e\u0301\" == \"e\u0301\" && \"e\u0301\" != \"\u00e9\"", "\"e\u0301\" != \"\u00e9\"", "true"}, // no normalisation

		// Numbers.
		{`body.big == 9007199254740993 && body.big > 9007199254740992`, `body.big == 9007199254740993 && body.big > 9007199254740992`, "true"},
		{`body.total.tax == 0.19 && body.total.amount == 1230.0`, `body.total.tax == 0.19 && body.total.amount == 1230.0`, "true"},
		{`contains([1230.0], body.total.amount) && contains([100, -3], body.lines[0].price)`, `body.total.amount in [1230.0] && body.lines[0].price in [100, -3]`, "true"},
		{`min(3, 1, 2) + max(1, 2) + abs(-4)`, `min(3, 1, 2) + max(1, 2) + abs(-4)`, "7"},
		{`sum(body.lines[*].qty)`, `sum(body.lines, .qty)`, "7"},
		{`int("12") + float("0.5")`, `int("12") + float("0.5")`, "12.5"},

		// Lists.
		{`contains(body.lines[*].sku, "B2")`, `"B2" in map(body.lines, .sku)`, "true"},
		{`contains(["a", 1, true, null], body.note)`, `body.note in ["a", 1, true, nil]`, "true"},
		{`contains(["a"], body.total.amount) || body.currency == "EUR"`, `body.total.amount in ["a"] || body.currency == "EUR"`, "true"},
		{`len(keys(body.customer))`, `len(keys(body.customer))`, "3"},
		{`keys(body.customer)[0]`, `keys(body.customer)[0]`, "email"},
		{`values(body.customer)[1]`, `values(body.customer)[1]`, "Ada"},
		{`expr("count(body.lines, .qty > 2)")`, `count(body.lines, .qty > 2)`, "1"},
		{`expr("len(filter(body.lines, .price * .qty > 100))")`, `len(filter(body.lines, .price * .qty > 100))`, "1"},
		{`expr("none(body.lines, .qty == 0) and one(body.lines, .qty == 5) and any(body.lines, .sku == \"A1\")")`, `none(body.lines, .qty == 0) and one(body.lines, .qty == 5) and any(body.lines, .sku == "A1")`, "true"},
		{`expr("all(body.lines, {let l = #; l.qty > 0 && l.price > 0})")`, `all(body.lines, {let l = #; l.qty > 0 && l.price > 0})`, "true"},
		{`expr("body.lines | map(.qty) | sum()") == 7`, `(body.lines | map(.qty) | sum()) == 7`, "true"},

		// What HCL writes in its own way.
		{`[for l in body.lines : l.qty]`, `map(body.lines, .qty)`, "[2,5]"},
		{`[for l in body.lines : l.sku if l.qty > 2]`, `map(filter(body.lines, .qty > 2), .sku)`, `["B2"]`},
		{`len([for l in body.lines : l if l.qty > 2])`, `len(filter(body.lines, .qty > 2))`, "1"},
		{`[for i, l in body.lines : "${i} ${l.sku}"]`, `map(body.lines, string(#index) + " " + .sku)`, `["0 A1","1 B2"]`},
		{`[for l in body.lines : [for l in body.lines : l.qty][0] + l.qty]`, `map(body.lines, {let q = .qty; map(body.lines, .qty)[0] + q})`, "[4,7]"},
		{`all([for l in body.lines : l.qty >= 1 && l.qty <= 99])`, `all(body.lines, .qty in 1..99)`, "true"},
		{`any([for l in body.lines : l.qty > 5]) || count([for l in body.lines : l.qty > 2]) == 1`, `any(body.lines, .qty > 5) || count(body.lines, .qty > 2) == 1`, "true"},
		{`one([for l in body.lines : l.qty > 2]) && none([for l in body.lines : l.qty > 5])`, `one(body.lines, .qty > 2) && none(body.lines, .qty > 5)`, "true"},
		{`sum([for l in body.lines : l.qty * l.price])`, `sum(body.lines, .qty * .price)`, "262.5"},
		{`body.lines.*.sku`, `map(body.lines, .sku)`, `["A1","B2"]`},
		{`body.lines[*].sku[0]`, `map(body.lines, .sku[0])`, "fails"},
		{`{ sku = "A1", (body.currency) = 1, "c d" = [true] }`, `{sku: "A1", (body.currency): 1, "c d": [true]}`, `{"EUR":1,"c d":[true],"sku":"A1"}`},
		{`body.lines[0] == { price = 100, qty = 2, sku = "A1" }`, `body.lines[0] == {price: 100, qty: 2, sku: "A1"}`, "true"},
		{`"%{ if body.customer.vip }dear %{ endif }${body.customer.name}"`, `(body.customer.vip ? "dear " : "") + body.customer.name`, "dear Ada"},
		{"<<-EOT\n    a ${body.currency}\n  EOT\n", "\"a \" + body.currency + \"\\n\"", "a EUR\n"},
		{`unique(body.lines[*].sku) && !unique([for l in body.lines : l.qty > 1])`, `unique(map(body.lines, .sku)) && !unique(map(body.lines, .qty > 1))`, "true"},
		{`-body.lines[-1 + 2].qty`, `-body.lines[-1].qty`, "-5"},

		// The other roots.
		{`query.page == "2"`, `query.page == "2"`, "true"},
		{`query["page"]`, `query["page"]`, "2"},
		{`query.absent == null`, `query.absent == nil`, "true"},
		{`query.tag == "a"`, `query.tag == "a"`, "fails"}, // sent twice
		{`contains(list(query.tag), "b")`, `"b" in list(query.tag)`, "true"},
		{`header["X-Tenant"] == "acme" && header.x_tenant == "acme"`, `header["x-tenant"] == "acme"`, "true"},
		{`header.accept`, `header.accept`, "text/html, application/json"},
		{`len(list(header.accept))`, `len(list(header.accept))`, "2"},
		{`header.x_none == null`, `header.x_none == nil`, "true"},
		{`path.id`, `path.id`, "7"},
		{`"${consumer.id} ${consumer.name} ${consumer.method} ${consumer.api_version} ${consumer.plan}"`, `consumer.id + " " + consumer.name + " " + consumer.method + " " + consumer.api_version + " " + consumer.plan`, "acme Acme Ltd jwt v1 gold"},
		{`contains(consumer.scopes, "orders:write") && contains(consumer.groups, "partners")`, `"orders:write" in consumer.scopes && "partners" in consumer.groups`, "true"},
		{`consumer != null`, `consumer != nil`, "true"},
		{`claims.tenant`, `claims.tenant`, "t1"},
		{`claims.level + claims.org.id`, `claims.level + claims.org.id`, "15"},
		{`len(claims)`, `len(claims)`, "3"},
		{`client.address`, `client.address`, "192.0.2.7"},
		{`"${api.name} ${api.version} ${api.route}"`, `api.name + " " + api.version + " " + api.route`, "orders v1 POST /orders/{id}"},
		{`"${request.method} ${request.scheme}://${request.host}${request.path} ${request.id}"`, `request.method + " " + request.scheme + "://" + request.host + request.path + " " + request.id`, "POST https://shop.example/api/orders/7 6f1c"},

		// What is missing.
		{`body.absent == null`, `body.absent == nil`, "true"},
		{`body.note == null`, `body.note == nil`, "true"},
		{`body.absent > 0`, `body.absent > 0`, "fails"},
		{`body.absent.amount > 0`, `body.absent.amount > 0`, "fails"},
		{`body.absent.amount == null`, `body.absent.amount == nil`, "fails"},
		{`body.note.text == null`, `body.note.text == nil`, "fails"},
		{`!(body.absent.amount > 0)`, `not (body.absent.amount > 0)`, "fails"},
		{`body.currency.code == null`, `body.currency.code == nil`, "fails"},
		{`expr("body.absent?.amount == nil")`, `body.absent?.amount == nil`, "true"},
		{`expr("body.note?.a.b == nil")`, `body.note?.a.b == nil`, "true"},
		{`expr("body.total?.amount")`, `body?.total?.amount`, "1230"},
		{`expr("body.absent?.lines?.[0].qty ?? 1")`, `body.absent?.lines?.[0].qty ?? 1`, "1"},
		{`expr("claims.absent?.id ?? \"none\"")`, `claims.absent?.id ?? "none"`, "none"},
		{`claims.absent.id == null`, `claims.absent.id == nil`, "fails"},
		{`body.absent == null || body.absent.amount > 0`, `body.absent == nil || body.absent.amount > 0`, "true"},
		{`body.lines[7].qty > 0`, `body.lines[7].qty > 0`, "fails"},
		{`"${body.absent}"`, `body.absent`, "null"},
		{`"a ${body.absent}"`, `"a " + string(body.absent)`, "fails"},
		{`body.currency > 1`, `body.currency > 1`, "fails"},
		{`contains(body.currency, "E")`, `"E" in body.currency`, "fails"},
	} {
		x := request(order)
		for notation, compile := range map[string]func() (*Program, hcl.Diagnostics){
			c.hcl:                  func() (*Program, hcl.Diagnostics) { return fromHCL(t, c.hcl, everything, Any) },
			"expr-lang: " + c.text: func() (*Program, hcl.Diagnostics) { return fromText(c.text, everything, Any) },
		} {
			p, diags := compile()
			if diags.HasErrors() {
				t.Errorf("%s: %s", notation, diags)
				continue
			}
			for range 2 { // the second run is on used state
				if got := valueOf(t, p, x); got != c.want {
					t.Errorf("%s: got %s, want %s", notation, got, c.want)
				}
			}
		}
	}
}

func outcome(v any, err error) string {
	if err != nil {
		return "fails"
	}
	if s, ok := Text(v); ok {
		return s
	}
	if v == nil {
		return "null"
	}
	b, _ := json.Marshal(v)
	return string(b)
}

func TestBool(t *testing.T) {
	for _, c := range []struct {
		text string
		want bool
		err  string
	}{
		{`body.customer.vip`, true, ""},
		{`body.note`, false, ""},   // null is no
		{`body.absent`, false, ""}, // so is what is missing
		{`body.currency`, false, "Caddyfile:12:8: "},
		{`body.total.amount`, false, "Caddyfile:12:8: "},
		{`true && body.absent.amount > 0`, false, `Caddyfile:12:28: body.absent is missing, so it has no member amount`},
	} {
		p, diags := fromText(c.text, everything, Bool)
		if diags.HasErrors() {
			t.Errorf("%s: %s", c.text, diags)
			continue
		}
		got, err := p.Bool(request(order))
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.HasPrefix(err.Error(), c.err) {
			t.Errorf("%s: got %v, %v; want %v, %q", c.text, got, err, c.want, c.err)
		}
	}
}

func TestString(t *testing.T) {
	for _, c := range []struct{ text, want, err string }{
		{`consumer.id`, "acme", ""},
		{`claims.org.id`, "12", ""},
		{`body.customer.vip`, "true", ""},
		{`body.total.tax`, "0.19", ""},
		{`body.total.amount * 1.0`, "1230", ""},
		{`claims.absent`, "", "Caddyfile:12:8: expected a string, a number or a truth value, got null"},
		{`body.lines`, "", "Caddyfile:12:8: expected a string, a number or a truth value, got a list"},
		{`query.absent`, "", "Caddyfile:12:8: expected a string, a number or a truth value, got null"},
	} {
		p, diags := fromText(c.text, everything, String)
		if diags.HasErrors() {
			t.Errorf("%s: %s", c.text, diags)
			continue
		}
		got, err := p.String(request(order))
		if err == nil && (got != c.want || c.err != "") || err != nil && err.Error() != c.err {
			t.Errorf("%s: got %q, %v; want %q, %q", c.text, got, err, c.want, c.err)
		}
	}
}

// What a failure says for the log quotes nothing of the request.
func TestFailuresAreDiscreet(t *testing.T) {
	for _, c := range []struct{ text, told string }{
		{`int(header.x_secret) == 1`, "12:8: int was given what is no whole number"},
		{`float(header.x_secret) == 1`, "12:8: float was given what is no number"},
		{`body.lines[header.x_secret] == 1`, "12:18: the list has no such member"},
		{`body.currency[header.x_secret] == 1`, "12:21: there is no such member in a string"},
		{`body.big[header.x_secret] == 1`, "12:16: there is no such member in a number"},
		{`body.big[1:2] == 1`, "12:16: only a string or a list can be sliced, not a number"},
		{`header.x_secret > body.big`, "12:24: a string and a number have no order"},
		{`-body.currency == 1`, "12:8: expected a number, got a string"},
		{`body.total.tax % 2 == 1`, "12:23: a remainder is of whole numbers"},
		{`date(header.x_secret) > now()`, "12:8: date takes a date such as 2026-11-01 or a time of RFC 3339"},
		{`email(body.big)`, "12:8: expected a string, got a number"},
		{`upper(body.big) == ""`, "12:8: upper takes a string, not a number"},
	} {
		p, diags := fromText(c.text, everything, Bool)
		if diags.HasErrors() {
			t.Errorf("%s: %s", c.text, diags)
			continue
		}
		x := request(order)
		x.Header.Set("X-Secret", "s3cr3t")
		_, err := p.Bool(x)
		if err == nil || err.Error() != "Caddyfile:"+c.told {
			t.Errorf("%s: got %v, want %s", c.text, err, c.told)
		}
	}
}

// A request without what the expression needs of it fails the expression and nothing else.
func TestMissingParts(t *testing.T) {
	for _, c := range []struct {
		name, text, want string
		change           func(*exchange.Exchange)
	}{
		{"body not read", `body.currency == nil`, "fails", func(x *exchange.Exchange) { x.Body = exchange.Body{} }},
		{"body not JSON", `body.currency == nil`, "fails", func(x *exchange.Exchange) { x.Body.Valid = false }},
		{"body a list", `body[0] == 1`, "true", func(x *exchange.Exchange) { x.Body.Bytes = []byte(`[1]`) }},
		{"member of a list", `body.currency == nil`, "fails", func(x *exchange.Exchange) { x.Body.Bytes = []byte(`[1]`) }},
		{"anonymous", `consumer.id == ""`, "fails", func(x *exchange.Exchange) { x.Consumer = nil }},
		{"anonymous, allowed for", `consumer == nil`, "true", func(x *exchange.Exchange) { x.Consumer = nil }},
		{"anonymous, optional", `consumer?.id ?? "nobody"`, "nobody", func(x *exchange.Exchange) { x.Consumer = nil }},
		{"anonymous, claims", `claims.tenant == nil`, "fails", func(x *exchange.Exchange) { x.Consumer = nil }},
		{"no claims", `claims.tenant`, "null", func(x *exchange.Exchange) { x.Consumer.Claims = nil }},
		{"another route", `path.id == "7"`, "fails", func(x *exchange.Exchange) { x.Parameters = nil }},
	} {
		p, diags := fromText(c.text, everything, Any)
		if diags.HasErrors() {
			t.Errorf("%s: %s", c.name, diags)
			continue
		}
		x := request(order)
		c.change(x)
		if got := valueOf(t, p, x); got != c.want {
			t.Errorf("%s: %s: got %s, want %s", c.name, c.text, got, c.want)
		}
	}
}

func TestNeeds(t *testing.T) {
	for _, c := range []struct {
		text   string
		header string
		query  bool
		body   exchange.BodyNeed
	}{
		{`consumer.id == path.id`, "", false, exchange.None},
		{`body.currency == "EUR" && body.total.amount > 0`, "", false, exchange.JSON},
		{`header.x_foo == list(header["x-foo"])[0] || header.accept == nil`, "X-Foo Accept", false, exchange.None},
		{`query.page == "1"`, "", true, exchange.None},
	} {
		p, diags := fromText(c.text, everything, Bool)
		if diags.HasErrors() {
			t.Errorf("%s: %s", c.text, diags)
			continue
		}
		n := p.Needs()
		if strings.Join(n.Header, " ") != c.header || n.Query != c.query || n.Body != c.body {
			t.Errorf("%s: got %+v", c.text, n)
		}
	}
}
