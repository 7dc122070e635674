package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/limit"
)

// echo is an upstream that keeps what it got, and answers with it or with something else.
type echo struct {
	name   string
	got    string // the body of the last request
	query  string
	answer string // "" for what it got
}

func (e *echo) Forward(w http.ResponseWriter, r *http.Request, x *exchange.Exchange) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	e.got, e.query = string(body), r.URL.RawQuery
	if e.answer != "" {
		body = []byte(e.answer)
	}
	res := &exchange.Response{Status: 200, Header: http.Header{"Content-Type": {"application/json"}}, Read: true, Bytes: body}
	if prob := x.Back.Return(x, res); prob != nil {
		return prob
	}
	w.WriteHeader(res.Status)
	_, err = w.Write(res.Bytes)
	return err
}

// catalogued builds a gateway of files, before an upstream of each name.
func catalogued(t testing.TB, files map[string]string) (*Gateway, map[string]*echo, hcl.Diagnostics) {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, sources, diags := catalogue.Load([]string{folder}, nil)
	upstreams := make(map[string]*echo)
	g, _, _, more := Build(Config{Catalogue: c, Broken: diags.HasErrors(), Sources: sources, Counter: limit.NewMemory(0),
		Upstream: func(u *catalogue.Upstream) (Upstream, error) {
			upstreams[u.Name] = &echo{name: u.Name}
			return upstreams[u.Name], nil
		}})
	return g, upstreams, append(diags, more...)
}

// request sends a request through the gateway.
func (g *Gateway) request(t testing.TB, method, path, body string) (status int, answer string) {
	t.Helper()
	r := httptest.NewRequestWithContext(context.Background(), method, "https://api.example"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	x := &exchange.Exchange{Context: r.Context(), ID: "1", Time: time.Now()}
	_, _ = g.Serve(w, r, x, netip.MustParseAddr("192.0.2.1"), func(string) bool { return true })
	return w.Code, w.Body.String()
}

// orders is an API of which v2 still has its own service. What the newest one speaks is called newer than that.
var orders = map[string]string{
	"orders.hcl": `
upstream "old" { servers = ["https://old.example"] }
upstream "new" { servers = ["https://new.example"] }
api "orders" {
  upstream  = upstream.new
  identify  = [anonymous]
  authorize = public
  versioning { path = true }
  object "order" {
    schema = "order.json"
    holds  = { "rows[*]" = object.line }
  }
  object "line" { schema = "line.json" }
  route "POST /orders" {
    accepts = object.order
    returns = object.order
  }
  route "GET /orders" { returns = { "data[*]" = object.order } }
  version "v1" { released = "2023-01-01" }
  version "v2" {
    released = "2024-01-01"
    upstream = upstream.old
    rule "few" {
      when   = request.method == "GET" || body.count < 10
      detail = "few at a time"
      at     = "/count"
    }
    change "customer" {
      summary = "The customer is an object."
      on      = object.order
      move "customer_name" { to = "customer.name" }
      move "customer_email" { to = "customer.email" }
      param "mail" { to = "email" }
    }
    change "article" {
      summary = "ref is called article."
      on      = object.line
      rename "ref" { to = "article" }
    }
  }
  version "v3" {
    released = "2025-01-01"
    change "rows" {
      summary = "lines are called rows, count is a text."
      on      = object.order
      rename "lines" { to = "rows" }
      cast "count" {
        from = "number"
        to   = "string"
      }
      param "email" { to = "address" }
    }
    change "sku" {
      summary = "article is called sku."
      on      = object.line
      rename "article" { to = "sku" }
    }
  }
  version "v4" {
    released = "2026-01-01"
    change "status" {
      summary = "verified became status."
      on      = object.order
      rename "verified" { to = "status" }
      enum "status" { pairs = [[true, "yes"], [false, "no"]] }
      scale "fee" { decimals = 2 }
    }
  }
}
`,
	"order.json": `{
  "type": "object",
  "properties": {
    "customer": {
      "type": "object",
      "properties": { "name": { "type": "string" }, "email": { "type": "string", "format": "email" } },
      "required": ["name", "email"],
      "additionalProperties": false
    },
    "count": { "type": "string", "maxLength": 3 },
    "fee": { "type": "integer", "minimum": 100 },
    "rows": { "type": "array", "minItems": 1, "items": { "$ref": "line.json" } },
    "status": { "enum": ["yes", "no"] }
  },
  "required": ["customer", "rows"],
  "dependentRequired": { "status": ["count"] },
  "additionalProperties": false
}`,
	"line.json": `{"type":"object","properties":{"sku":{"type":"string"}},"required":["sku"],"additionalProperties":false}`,
}

func TestVersionsWithTheirOwnUpstream(t *testing.T) {
	g, upstreams, diags := catalogued(t, orders)
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	const (
		v1 = `{"customer_name":"Ada","customer_email":"ada@example.org","count":3,"lines":[{"ref":"A"}],"verified":true}`
		v2 = `{"customer":{"name":"Ada","email":"ada@example.org"},"count":3,"lines":[{"article":"A"}],"verified":true}`
		v3 = `{"customer":{"name":"Ada","email":"ada@example.org"},"count":"3","rows":[{"sku":"A"}],"verified":true}`
		v4 = `{"customer":{"name":"Ada","email":"ada@example.org"},"count":"3","rows":[{"sku":"A"}],"status":"yes"}`
	)
	for _, test := range []struct{ version, body, upstream, gets, query, becomes string }{
		{"v1", v1, "old", v2, "mail=a", "email=a"},
		{"v2", v2, "old", v2, "email=a", "email=a"},
		{"v3", v3, "new", v4, "address=a", "address=a"},
		{"v4", v4, "new", v4, "address=a", "address=a"},
	} {
		status, answer := g.request(t, "POST", "/"+test.version+"/orders?"+test.query, test.body)
		u := upstreams[test.upstream]
		if status != 200 || u.got != test.gets || u.query != test.becomes || answer != test.body {
			t.Errorf("%s: %d\nthe service %s got %s?%s\nand the caller %s", test.version, status, test.upstream, u.got, u.query, answer)
		}
		upstreams["old"].got, upstreams["new"].got = "", ""

		u.answer = `{"data":[` + test.gets + `]}`
		if status, answer := g.request(t, "GET", "/"+test.version+"/orders", ""); status != 200 || answer != `{"data":[`+test.body+`]}` {
			t.Errorf("%s: %d %s", test.version, status, answer)
		}
		u.answer = ""
	}
}

// What is wrong with a request is told in its caller's shape, whichever shape it was found in.
func TestFailuresInTheCallersShape(t *testing.T) {
	g, upstreams, diags := catalogued(t, orders)
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	for _, test := range []struct {
		version, body string
		want          []string // pointer, keyword or rule, detail
	}{
		{"v1", `{"customer_name":"Ada","lines":[{"ref":"A"}]}`, []string{"/customer_email required is missing"}},
		{"v1", `{"customer_email":"ada","lines":[{"ref":"A"},{}]}`, []string{"/customer_email format must be a valid email", "/customer_name required is missing", "/lines/1/ref required is missing"}},
		{"v1", `{"lines":[{"ref":1}]}`, []string{"/customer_email required is missing", "/customer_name required is missing", "/lines/0/ref type must be of type string"}},
		{"v1", `{"customer_name":"Ada","customer_email":"a@b.example","lines":[]}`, []string{"/lines minItems must have at least 1 item"}},
		{"v1", `{"customer_name":"Ada","customer_email":"a@b.example","lines":[{"ref":"A"}],"verified":true}`, []string{`/count dependentRequired is missing, but needed where "verified" is given`}},
		{"v2", `{"customer":{"name":"Ada","email":"a@b.example"},"lines":[{"article":"A"}],"count":11}`, []string{"/count few few at a time"}},
		{"v2", `{"customer":{"name":"Ada"},"lines":[{"sku":"A"}]}`, []string{"/customer/email required is missing", "/lines/0/article required is missing", "/lines/0/sku additionalProperties is not a known member"}},
		{"v3", `{"customer":{"name":"Ada","email":"a@b.example"},"rows":[{"sku":"A"}],"verified":true}`, []string{`/count dependentRequired is missing, but needed where "verified" is given`}},
		{"v3", `{"customer":{"name":"Ada","email":"a@b.example"},"rows":[{"sku":"A"}],"count":"1234","fee":"0.50"}`, []string{`/count maxLength must have at most 3 characters`, `/fee minimum must be at least 100, as a newer version has it`}},
		{"v4", `{"rows":[{"sku":"A"}],"status":"yes"}`, []string{`/count dependentRequired is missing, but needed where "status" is given`, "/customer required is missing"}},
	} {
		status, answer := g.request(t, "POST", "/"+test.version+"/orders", test.body)
		var got struct {
			Errors []struct{ Pointer, Keyword, Rule, Detail string }
		}
		if err := json.Unmarshal([]byte(answer), &got); err != nil {
			t.Fatal(answer)
		}
		var told []string
		for _, e := range got.Errors {
			told = append(told, e.Pointer+" "+e.Keyword+e.Rule+" "+e.Detail)
		}
		if status != 422 || !reflect.DeepEqual(told, test.want) {
			t.Errorf("%s %s\n%d %q\nwant %q", test.version, test.body, status, told, test.want)
		}
	}
	if upstreams["old"].got != "" || upstreams["new"].got != "" {
		t.Error("something was sent on")
	}
}

// What the sender of a request is told quotes it, and says where the one member is that the rule names.
func TestRulesQuote(t *testing.T) {
	files := map[string]string{}
	for name, text := range orders {
		files[name] = strings.Replace(text, `route "POST /orders" {`, `route "POST /orders" {
    rule "dear" {
      when   = body.fee == null || body.fee < 1000
      detail = "a fee of ${body.fee} for ${body.customer.name} is too much"
    }`, 1)
	}
	g, _, diags := catalogued(t, files)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	status, answer := g.request(t, "POST", "/v4/orders", `{"customer":{"name":"A\u202e\"da","email":"a@b.example"},"rows":[{"sku":"A"}],"fee":1000}`)
	if want := `[{"pointer":"/fee","rule":"dear","detail":"a fee of 1000 for A\\u202e\"da is too much"}]`; status != 422 || !strings.Contains(answer, want) {
		t.Errorf("got %d %s, want %s", status, answer, want)
	}
	// Its sender has another name for it.
	for name, text := range files {
		files[name] = strings.Replace(text, `rename "verified" { to = "status" }`, "rename \"verified\" { to = \"status\" }\n      rename \"price\" { to = \"fee\" }", 1)
	}
	if g, _, diags = catalogued(t, files); diags.HasErrors() {
		t.Fatal(diags)
	}
	status, answer = g.request(t, "POST", "/v3/orders", `{"customer":{"name":"Ada","email":"a@b.example"},"rows":[{"sku":"A"}],"price":"10.00"}`)
	if want := `"pointer":"/price","rule":"dear"`; status != 422 || !strings.Contains(answer, want) {
		t.Errorf("got %d %s, want %s", status, answer, want)
	}
	for name, text := range files {
		files[name] = strings.Replace(text, "for ${body.customer.name}", "for ${body.custmer.name}", 1)
	}
	if _, _, diags = catalogued(t, files); !diags.HasErrors() || !strings.Contains(fmt.Sprint(diags.Errs()), `Did you mean "customer"?`) {
		t.Errorf("a misspelt name in a text: %v", diags)
	}
}

// Rules are typed by the schemas of what requests have, in the shape that they see.
func TestRulesAreTyped(t *testing.T) {
	const route, returns = `route "POST /orders" {`, `  route "GET /orders" {`
	written := func(when string) string {
		return "rule \"r\" {\n    when   = " + when + "\n    detail = \"no\"\n  }\n"
	}
	for _, test := range []struct{ at, when, says string }{
		{route, `body.custmer.name != ""`, `16,19-26: Unknown field; The schema has no member "custmer" here. Did you mean "customer"? It has count, customer, fee, rows, status.`},
		{route, `body.customer.nam != ""`, `16,28-31: Unknown field; The schema has no member "nam" here. Did you mean "name"? It has email, name.`},
		{route, `body.fee == "1" || body.fee > "1"`, `16,14-29: Invalid expression; Invalid operation: == (mismatched types int and string).`},
		{route, `body.rows.sku == "a"`, `16,24-27: Unknown field; By the schema, body.rows is a list, so it has no member "sku". Write body.rows[*].sku in HCL's syntax, or map(body.rows, .sku) in expr-lang's.`},
		{route, `body.count.x == "a"`, `16,25-26: Unknown field; By the schema, body.count is no object, so it has no member "x".`},
		{route, `contains(body.rows[*].sk, "a")`, `16,36-38: Unknown field; The schema has no member "sk" here. Did you mean "sku"? It has sku.`},
		{route, `expr("all(body.rows, .suk != '')")`, `16,36-39: Unknown field; The schema has no member "suk" here. It has sku.`},
		{route, `body.rows[0].sku > 1`, `16,14-34: Invalid expression; Invalid operation: > (mismatched types string and int).`},
		{route, `body.fee > 1 && body.status == "yes" && len(body.rows) > 1`, ``},
		{route, `matches(body.fee, "1")`, `16,14-36: Invalid expression; Invalid operation: matches (mismatched types int and string).`},
		{route, `body.verified == true`, `16,19-27: Unknown field; The schema has no member "verified" here.`}, // an older shape's
		{returns, `body.fee > 0 || body.custmer == null`, `19,35-42: Unknown field; The schema has no member "custmer" here. Did you mean "customer"?`},
		{returns, `body.fee > 0 || body.customer == null`, ``},
		{`rule "few" {`, `body.verified == true && body.lines[0].article == "a"`, ``},                                                 // the version has its own shape
		{`rule "few" {`, `body.status == "yes"`, `24,19-25: Unknown field; The schema has no member "status" here.`},                  // which a newer one has
		{`rule "few" {`, `body.lines[0].sku == "a"`, `24,28-31: Unknown field; The schema has no member "sku" here. It has article.`}, // as have the objects in it
	} {
		text := written(test.when) + "  " + test.at
		if test.at == route {
			text = test.at + "\n    " + written(test.when)
		}
		files := map[string]string{}
		for name, from := range orders {
			files[name] = strings.Replace(from, strings.TrimSpace(test.at), strings.TrimSpace(text), 1)
		}
		_, _, diags := catalogued(t, files)
		got := ""
		for _, d := range diags {
			if d.Severity == hcl.DiagError {
				got += strings.TrimPrefix(d.Error(), filepath.Dir(d.Subject.Filename)+"/orders.hcl:") + "\n"
			}
		}
		if test.says == "" && got != "" || !strings.HasPrefix(got, test.says) || strings.Count(got, "\n") > 1 {
			t.Errorf("%s\n got %s\nwant %s", test.when, got, test.says)
		}
	}
}

// Mistakes of changes against schemas are told when the catalogue loads, each once.
func TestMistakesAgainstSchemas(t *testing.T) {
	for _, test := range []struct {
		name, from, to string
		says           []string
	}{
		{"an unknown member", `rename "article" { to = "sku" }`, `rename "article" { to = "skuu" }`, []string{`There is no member "skuu" in object "line" at this point; there are sku. Did you mean "sku"?`}},
		{"a value without a counterpart", `[[true, "yes"], [false, "no"]]`, `[[true, "yes"]]`, []string{`be "no", for which enum "status" has no older value`}},
		{"an operation that is mistaken on its own", `scale "fee" { decimals = 2 }`, `scale "fee" { decimals = 1.5 }`, []string{"Expected a whole number"}},
		{"an example that is mistaken on its own", `scale "fee" { decimals = 2 }`, `example {
        old = { verified = true, verified = true }
        new = { status = "yes" }
      }`, []string{`The member "verified" is written twice`}},
		{"an unknown operation, which an older one waits for", `rename "article" { to = "sku" }`, `renam "article" { to = "sku" }`, []string{`Did you mean "rename"?`}},
		{"a place that is not there", `"rows[*]" = object.line`, `"rowz[*]" = object.line`, []string{`but the schema has no member "rowz" there; there are customer, count, fee, rows, status. Did you mean "rows"?`}},
		{"a rule for another shape", `route "GET /orders" {`, `rule "rows" {
    when   = len(body.rows) < 3
    detail = "few rows"
  }
  route "GET /orders" {`, []string{`Version "v2" has an upstream of its own`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			files := map[string]string{}
			for name, text := range orders {
				files[name] = strings.Replace(text, test.from, test.to, 1)
			}
			_, _, diags := catalogued(t, files)
			if len(diags) != len(test.says) {
				t.Fatalf("%d mistakes: %v", len(diags), diags.Errs())
			}
			for i, d := range diags {
				if d.Subject == nil || !strings.HasSuffix(d.Subject.Filename, ".hcl") || !strings.Contains(d.Detail, test.says[i]) {
					t.Errorf("got %s: %s, want %s", d.Subject, d.Detail, test.says[i])
				}
			}
		})
	}
}
