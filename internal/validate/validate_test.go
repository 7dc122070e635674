package validate

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/rule"
	"github.com/wicketgate/wicketgate/internal/schema"
)

const orderSchema = `{
  "type": "object",
  "required": ["currency", "total"],
  "additionalProperties": false,
  "properties": {
    "currency": {"enum": ["EUR", "USD"]},
    "role": {"const": "customer"},
    "note": {"type": "string"},
    "weight": {"type": "number"},
    "total": {"type": "object", "properties": {"amount": {"type": "integer"}}},
    "lines": {"type": "array", "items": {"type": "object", "properties": {"qty": {"type": "integer"}}}}
  }
}`

func orders(t testing.TB) *schema.Schema {
	t.Helper()
	s, _, diags := schema.Load("/gw/order.json", "/gw", func(string) ([]byte, error) { return []byte(orderSchema), nil })
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return s
}

func must(t testing.TB, name, expr, detail, at string) Rule {
	t.Helper()
	p, diags := rule.CompileText(expr, hcl.Range{Filename: "Caddyfile", Start: hcl.Pos{Line: 7, Column: 9}}, environment, rule.Bool)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return Rule{Name: name, Program: p, Detail: detail, At: at}
}

// post is a request whose body has not been read yet and whose length nobody knows.
func post(contentType, body string) *exchange.Exchange {
	x := &exchange.Exchange{Method: "POST", Header: http.Header{}, Body: exchange.Body{Length: -1}}
	if contentType != "" {
		x.Header.Set("Content-Type", contentType)
	}
	if body != "" {
		x.Body.Stream = iotest.OneByteReader(strings.NewReader(body))
		if len(body) > 10_000 {
			x.Body.Stream = strings.NewReader(body)
		}
	}
	return x
}

func route(t testing.TB) *pipeline.Pipeline {
	return pipeline.New(
		NewContent(ContentConfig{MediaTypes: []string{"application/vnd.acme.v1+json"}, Required: []string{"POST"}, MaxBody: 64 << 10}),
		New(Checks{Schema: orders(t), MaxBody: 64 << 10}),
	)
}

func status(p *problem.Problem) int {
	if p == nil {
		return 0
	}
	return p.StatusCode()
}

const good = `{"currency": "EUR", "total": {"amount": 3}}`

// The attacks on bodies, and what their senders are told.
func TestAttacks(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte(good))
	_ = z.Close()
	for _, c := range []struct {
		name, contentType, coding, body string
		status                          int
		pointer, detail                 string
	}{
		{name: "good", contentType: "application/json", body: good},
		{name: "good, with charset", contentType: `Application/JSON; Charset="UTF-8"`, body: good},
		{name: "good, a version's media type", contentType: "application/vnd.acme.v1+json", body: good},
		{name: "good, identity", contentType: "application/json", coding: "Identity", body: good},

		{name: "empty", contentType: "application/json", status: 400},
		{name: "blank", contentType: "application/json", body: " \n", status: 400},
		{name: "duplicate names", contentType: "application/json", body: `{"total": {"amount": 1, "amount": 1000}, "currency": "EUR"}`, status: 400, pointer: "/total/amount"},
		{name: "duplicate names, one escaped", contentType: "application/json", body: `{"currency": "EUR", "curr\u0065ncy": "USD"}`, status: 400, pointer: "/currency"},
		{name: "byte order mark", contentType: "application/json", body: "\ufeff" + good, status: 400},
		{name: "two values", contentType: "application/json", body: "{}{}", status: 400},
		{name: "something after the value", contentType: "application/json", body: good + "\x00", status: 400},
		{name: "invalid UTF-8", contentType: "application/json", body: "{\"note\": \"\xff\"}", status: 400, pointer: "/note"},
		{name: "overlong UTF-8", contentType: "application/json", body: "{\"note\": \"\xc0\xaf\"}", status: 400, pointer: "/note"},
		{name: "a lone surrogate", contentType: "application/json", body: `{"note": "\ud800"}`, status: 400, pointer: "/note"},
		{name: "surrogates in the wrong order", contentType: "application/json", body: `{"note": "\udc00\ud800"}`, status: 400, pointer: "/note"},
		{name: "1e1000000", contentType: "application/json", body: `{"weight": 1e1000000}`, status: 400, pointer: "/weight"},
		{name: "a number without end", contentType: "application/json", body: `{"weight": 1` + strings.Repeat("0", 200) + `}`, status: 400, pointer: "/weight"},
		{name: "10,001 × [", contentType: "application/json", body: strings.Repeat("[", 10_001), status: 400},
		{name: "10,001 × [ and ]", contentType: "application/json", body: strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001), status: 400},
		{name: "NaN", contentType: "application/json", body: `{"weight": NaN}`, status: 400, pointer: "/weight"},
		{name: "comments", contentType: "application/json", body: `{} // nothing`, status: 400},
		{name: "above the bound", contentType: "application/json", body: `{"note": "` + strings.Repeat("a", 64<<10) + `"}`, status: 413},

		{name: "text/json", contentType: "text/json", body: good, status: 415},
		{name: "no type", body: good, status: 415},
		{name: "another version's media type", contentType: "application/vnd.acme.v9+json", body: good, status: 415},
		{name: "a type twice", contentType: "application/json, text/plain", body: good, status: 415},
		{name: "utf-7", contentType: "application/json; charset=utf-7", body: good, status: 415},
		{name: "utf-16", contentType: "application/json; charset=UTF-16", body: good, status: 415},
		{name: "two charsets", contentType: "application/json; charset=utf-8; charset=utf-7", body: good, status: 415},
		{name: "gzip", contentType: "application/json", coding: "gzip", body: zipped.String(), status: 415},
		{name: "gzip that is none", contentType: "application/json", coding: "gzip", body: good, status: 415},
		{name: "identity and gzip", contentType: "application/json", coding: "identity, gzip", body: zipped.String(), status: 415},
		{name: "a form", contentType: "application/x-www-form-urlencoded", body: "currency=EUR", status: 415},

		{name: "ROLE for role", contentType: "application/json", body: `{"currency": "EUR", "total": {}, "ROLE": "admin"}`, status: 422, pointer: "/ROLE", detail: "is not a known member"},
		{name: "a member of the wrong type", contentType: "application/json", body: `{"currency": "EUR", "total": {"amount": "3"}}`, status: 422, pointer: "/total/amount", detail: "must be of type integer"},
		{name: "null", contentType: "application/json", body: `null`, status: 422, detail: "must be of type object"},
	} {
		x := post(c.contentType, c.body)
		if c.coding != "" {
			x.Header.Set("Content-Encoding", c.coding)
		}
		p := route(t).Handle(x)
		if status(p) != c.status {
			t.Errorf("%s: got %v, want %d", c.name, p, c.status)
			continue
		}
		told := ""
		if p != nil {
			b, err := p.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			told = string(b)
			if len(told) > 2000 {
				t.Errorf("%s: %d bytes are answered", c.name, len(told))
			}
		}
		if c.pointer != "" && !strings.Contains(told, `"errors":[{"pointer":"`+c.pointer+`"`) || !strings.Contains(told, c.detail) {
			t.Errorf("%s: %s", c.name, told)
		}
		if c.status == 415 {
			want := map[bool][2]string{true: {"Accept-Encoding", "identity"}, false: {"Accept-Post", "application/json, application/vnd.acme.v1+json"}}[c.coding != ""]
			if got := p.Header.Get(want[0]); got != want[1] {
				t.Errorf("%s: %s is %q", c.name, want[0], got)
			}
		}
	}
}

// Where bodies of any media type are taken, those that say that they are JSON must be, and a type must say one thing.
func TestAnyMediaType(t *testing.T) {
	for _, c := range []struct {
		name, contentType, body string
		status                  int
		valid                   bool
	}{
		{"JSON", "application/json", good, 0, true},
		{"JSON of another name", "application/vnd.acme.v9+json; charset=utf-8", good, 0, true},
		{"a form", "application/x-www-form-urlencoded", "currency=EUR", 0, false},
		{"bytes", "application/octet-stream", "\x00\xff", 0, false},
		{"no type", "", good, 0, false},
		{"nothing", "", "", 0, false},
		{"JSON that is none", "application/json", "{}{}", 400, false},
		{"JSON of another name that is none", "application/problem+json", "{", 400, false},
		{"JSON in another charset", "application/json; charset=utf-16", good, 415, false},
		{"what is no type", "application/json, text/plain", good, 415, false},
		{"above the bound", "text/plain", strings.Repeat("a", 1025), 413, false},
	} {
		x := post(c.contentType, c.body)
		p := pipeline.New(NewContent(ContentConfig{Any: true, MaxBody: 1024})).Handle(x)
		if status(p) != c.status || x.Body.Valid != c.valid || p == nil && string(x.Body.Bytes) != c.body {
			t.Errorf("%s: got %v, valid %v", c.name, p, x.Body.Valid)
		}
	}
	twice := post("text/plain", good)
	twice.Header.Add("Content-Type", "application/json")
	zipped := post("text/plain", good)
	zipped.Header.Set("Content-Encoding", "gzip")
	for _, x := range []*exchange.Exchange{twice, zipped} {
		if p := pipeline.New(NewContent(ContentConfig{Any: true})).Handle(x); status(p) != 415 {
			t.Errorf("%v: got %v", x.Header, p)
		}
	}
}

// What is taken off goes on without, and nothing else is taken.
func TestCompressed(t *testing.T) {
	zip := func(text string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		w.Write([]byte(text))
		w.Close()
		return b.String()
	}
	spaces := strings.Repeat(" ", 2000)
	for _, c := range []struct {
		name, coding, body string
		status             int
		goes               string
	}{
		{"gzip", "gzip", zip(good), 0, good},
		{"x-gzip", "x-gzip", zip(good), 0, good},
		{"plain", "", good, 0, good},
		{"identity", "identity", good, 0, good},
		{"gzip of what is no JSON", "gzip", zip(good + good), 400, ""},
		{"gzip of nothing", "gzip", zip(""), 400, ""},
		{"gzip that is none", "gzip", good, 400, ""},
		{"gzip cut short", "gzip", zip(good)[:30], 400, ""},
		{"two members", "gzip", zip(good) + zip(good), 400, ""},
		{"gzip twice, said once", "gzip", zip(zip(good)), 400, ""},
		{"gzip twice", "gzip, gzip", zip(zip(good)), 415, ""},
		{"zstd", "zstd", good, 415, ""},
		{"above the bound", "gzip", zip(good + spaces), 413, ""},
	} {
		x := post("application/json", c.body)
		if c.coding != "" {
			x.Header.Set("Content-Encoding", c.coding)
		}
		p := pipeline.New(NewContent(ContentConfig{Compressed: []string{"gzip"}, Required: []string{"POST"}, MaxBody: 1000})).Handle(x)
		if status(p) != c.status {
			t.Errorf("%s: got %v, want %d", c.name, p, c.status)
			continue
		}
		if c.status == 0 && (string(x.Body.Bytes) != c.goes || x.Header.Get("Content-Encoding") == "gzip" || !x.Body.Valid) {
			t.Errorf("%s: %q goes on with %v", c.name, x.Body.Bytes, x.Header)
		}
		if c.status == 415 && p.Header.Get("Accept-Encoding") != "gzip" {
			t.Errorf("%s: told %v", c.name, p.Header)
		}
	}
}

// Two lines of a field that has one are refused even if each of them alone would be taken.
func TestTwoContentTypes(t *testing.T) {
	x := post("application/json", good)
	x.Header.Add("Content-Type", "application/json")
	if p := route(t).Handle(x); status(p) != 415 {
		t.Errorf("got %v", p)
	}
}

// What goes on is what was validated, byte for byte, however it arrived.
func TestBodyGoesOnUnchanged(t *testing.T) {
	body := "{\"total\":\t{\"amount\": 3 }, \"currency\": \"\\u0045UR\"}\n"
	x := post("application/json", body)
	if p := route(t).Handle(x); p != nil {
		t.Fatal(p)
	}
	if string(x.Body.Bytes) != body || x.Body.Changed || !x.Body.Valid || x.Body.Length != int64(len(body)) {
		t.Errorf("got %+v", x.Body)
	}
}

// A route that takes bodies but needs none of this method lets a request without one through.
func TestNoBody(t *testing.T) {
	x := post("", "")
	x.Method = "GET"
	if p := route(t).Handle(x); p != nil {
		t.Error(p)
	}
	patch := post("text/plain", "{}")
	patch.Method = "PATCH"
	if p := route(t).Handle(patch); status(p) != 415 || p.Header.Get("Accept-Patch") == "" {
		t.Errorf("got %v", p)
	}
}

func told(t *testing.T, p *problem.Problem) string {
	t.Helper()
	if p == nil {
		return "200"
	}
	for _, m := range p.Extensions {
		if m.Name == "errors" {
			b, err := json.Marshal(m.Value)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
	}
	return p.Error()
}

// Everything that is wrong is told at once, in the caller's shape.
func TestErrors(t *testing.T) {
	p := pipeline.New(NewContent(ContentConfig{}), New(Checks{
		Schema: orders(t),
		Rules: []Rule{
			must(t, "positive total", `body.total.amount > 0`, "total.amount must be positive", "/total/amount"),
			must(t, "few lines", `body.lines == nil || len(body.lines) < 3`, "at most 2 lines", "/lines"),
			must(t, "tenant", `header["X-Tenant"] == "acme"`, "X-Tenant must be acme", ""),
		},
		Pointer: func(newest string) string { return strings.Replace(newest, "/total/amount", "/total", 1) },
	}))
	for _, c := range []struct{ name, tenant, body, told, cause string }{
		{"nothing", "acme", good, "200", ""},
		{"a rule", "acme", `{"currency": "EUR", "total": {"amount": 0}}`, `[{"pointer":"/total","rule":"positive total","detail":"total.amount must be positive"}]`, ""},
		{"two rules", "", `{"currency": "EUR", "total": {"amount": 0}}`, `[{"pointer":"/total","rule":"positive total","detail":"total.amount must be positive"},{"pointer":"","rule":"tenant","detail":"X-Tenant must be acme"}]`, ""},
		{"a rule that has no answer", "acme", `{"currency": "EUR", "total": {}}`, `[{"pointer":"/total","rule":"positive total","detail":"total.amount must be positive"}]`, "Caddyfile:7:27: null and a number have no order"},
		{
			"schema and rule", "", `{"currency": "GBP", "total": {"amount": "3"}, "lines": [{}, {}, {}]}`,
			`[{"pointer":"/currency","keyword":"enum","detail":"must be one of \"EUR\", \"USD\""},{"pointer":"/total","keyword":"type","detail":"must be of type integer"},{"pointer":"/lines","rule":"few lines","detail":"at most 2 lines"},{"pointer":"","rule":"tenant","detail":"X-Tenant must be acme"}]`, "",
		},
	} {
		x := post("application/json", c.body)
		x.Header.Set("X-Tenant", c.tenant)
		prob := p.Handle(x)
		if x.Body.Index != nil {
			t.Errorf("%s: the body's index is kept", c.name)
		}
		if got := told(t, prob); got != c.told {
			t.Errorf("%s\n got %s\nwant %s", c.name, got, c.told)
		}
		if prob != nil && (status(prob) != 422 || (prob.Cause == nil) != (c.cause == "") || prob.Cause != nil && prob.Cause.Error() != c.cause) {
			t.Errorf("%s: got %d, %v", c.name, status(prob), prob.Cause)
		}
		if b, _ := json.Marshal(prob); strings.Contains(string(b), "Caddyfile") {
			t.Errorf("%s: the client is told of our files: %s", c.name, b)
		}
	}
}

// A rule that names the body is not met by a request without one.
func TestRuleWithoutBody(t *testing.T) {
	p := pipeline.New(NewContent(ContentConfig{}), New(Checks{Rules: []Rule{must(t, "r", `body.total == nil`, "no total", "")}}))
	if prob := p.Handle(post("", "")); status(prob) != 422 {
		t.Errorf("got %v", prob)
	}
}

// What is not checked by Content never counts as valid.
func TestStageAlone(t *testing.T) {
	s := New(Checks{Schema: orders(t)})
	for name, body := range map[string]exchange.Body{
		"not read":    {Stream: strings.NewReader(good)},
		"not checked": {Read: true, Bytes: []byte(good)},
	} {
		if p := s.Handle(&exchange.Exchange{Body: body}); status(p) != 500 {
			t.Errorf("%s: got %v", name, p)
		}
	}
}

func TestNeeds(t *testing.T) {
	for _, c := range []struct {
		name   string
		checks Checks
		body   exchange.BodyNeed
	}{
		{"schema", Checks{Schema: orders(t)}, exchange.JSON},
		{"a rule over the body", Checks{Rules: []Rule{must(t, "r", `body.a == 1`, "d", "")}}, exchange.JSON},
		{"a rule over a field", Checks{Rules: []Rule{must(t, "r", `header.x_a == "1"`, "d", "")}}, exchange.None},
	} {
		c.checks.MaxBody = 100
		n := New(c.checks).Needs()
		if n.Body != c.body || (n.MaxBody == 100) != (c.body == exchange.JSON) {
			t.Errorf("%s: got %+v", c.name, n)
		}
	}
}

// A body nobody needs is not read.
func TestStreams(t *testing.T) {
	p := pipeline.New(New(Checks{Rules: []Rule{must(t, "r", `header.x_a == nil`, "d", "")}}))
	x := post("video/mp4", "")
	x.Body.Stream = iotest.ErrReader(errors.New("read"))
	if prob := p.Handle(x); prob != nil || x.Body.Read {
		t.Errorf("got %v, %v", prob, x.Body.Read)
	}
}

func TestConfig(t *testing.T) {
	read := func(string) ([]byte, error) { return []byte(orderSchema), nil }
	for _, c := range []struct {
		name   string
		config Config
		stages int
		told   string
	}{
		{"nothing", Config{}, 0, ""},
		{"json", Config{Body: "json"}, 1, ""},
		{"schema", Config{Schema: "/gw/order.json"}, 2, ""},
		{"a rule over the body", Config{Rules: []RuleConfig{{Expr: "body.a > 0", Detail: "d"}}}, 2, ""},
		{"a rule over a field", Config{Rules: []RuleConfig{{Expr: `header.x_a == "1"`, Detail: "d"}}}, 1, ""},
		{"xml", Config{Body: "xml"}, 0, `api_validate body:1,1-1: No schema; XML is read by a schema, which says what its elements are.`},
		{"form", Config{Body: "form"}, 1, ""},
		{"multipart", Config{Body: "multipart", Parts: &PartsConfig{Files: []FileConfig{{Field: "photo", Types: []string{"image/png"}}}}}, 1, ""},
		{"parts of a form", Config{Body: "form", Parts: &PartsConfig{}}, 0, `api_validate body:1,1-1: Nothing in parts; Parts are those of multipart bodies.`},
		{"too many parts", Config{Body: "multipart", Parts: &PartsConfig{Max: 2000}}, 0, `api_validate body:1,1-1: Invalid bound; A form may have 1 to 1000 parts.`},
		{"a file without a type", Config{Body: "multipart", Parts: &PartsConfig{Files: []FileConfig{{Field: "photo"}}}}, 0, `api_validate body:1,1-1: Unusable file; The file "photo" has media types, and 1 byte or more.`},
		{"yaml", Config{Body: "yaml"}, 0, `api_validate body:1,1-1: Unknown type of body; Expected json, xml, form or multipart, not "yaml".`},
		{"sanitize", Config{Sanitize: []SanitizeConfig{{"email", []string{"trim"}}}}, 2, ""},
		{"sanitize nothing", Config{Sanitize: []SanitizeConfig{{"email", nil}}}, 0, `api_validate sanitize:1,1-1: Cannot be sanitized; Say what is done: trim, nfc, nfkc, lower or strip.`},
		{"sanitize twice", Config{Sanitize: []SanitizeConfig{{"email", []string{"trim"}}, {"email", []string{"trim"}}}}, 0, `api_validate sanitize:1,1-1: Cannot be sanitized; "email" is named twice.`},
		{"compressed", Config{Body: "json", Compressed: []string{"gzip"}}, 1, ""},
		{"another coding", Config{Body: "json", Compressed: []string{"br"}}, 0, `api_validate compressed:1,1-1: Unknown content coding; Expected gzip or zstd, not "br".`},
		{"compressed without a body", Config{Compressed: []string{"gzip"}}, 0, `api_validate compressed:1,1-1: Nothing reads the body; A content coding is taken off where the body is read: name body too.`},
		{"a negative bound", Config{Max: -1}, 0, `api_validate max:1,1-1: Invalid bound; The largest body has a size of 1 byte or more.`},
		{"no detail", Config{Rules: []RuleConfig{{Expr: "true"}}}, 0, `api_validate rule 1:1,1-1: Rule without a detail; Say what the caller is told when the rule is not met.`},
		{"no pointer", Config{Rules: []RuleConfig{{Name: "total", Expr: "true", Detail: "d", At: "total.amount"}}}, 0, `api_validate total:1,1-1: Invalid pointer; Expected a JSON pointer such as "/total/amount".`},
		{"no route here", Config{Rules: []RuleConfig{{Expr: "path.id == '1'", Detail: "d"}}}, 0, `api_validate rule 1:1,1-5: Name not available here; path cannot be used here; an expression in this place begins with body, query, header, consumer, claims, client or request.`},
	} {
		stages, _, diags := c.config.Stages(read, nil)
		got := ""
		if len(diags) > 0 {
			got = diags[0].Error()
		}
		if len(stages) != c.stages || got != c.told {
			t.Errorf("%s: got %d stages, %s\nwant %s", c.name, len(stages), got, c.told)
		}
	}
}

func BenchmarkStage(b *testing.B) {
	body := []byte(`{"currency": "EUR", "total": {"amount": 3}, "lines": [` + strings.TrimSuffix(strings.Repeat(`{"qty": 12, "sku": "A-1234", "text": "a longer text of the line"},`, 14), ",") + `]}`)
	stages := []pipeline.Stage{
		NewContent(ContentConfig{Required: []string{"POST"}}),
		New(Checks{Schema: orders(b), Rules: []Rule{
			must(b, "positive total", `body.total.amount > 0 && body.currency in ["EUR", "USD"]`, "d", ""),
			must(b, "tenant", `header["X-Tenant"] == "acme"`, "d", ""),
			must(b, "quantities", `all(body.lines, .qty in 1..99)`, "d", ""),
		}}),
	}
	p := pipeline.New(stages...)
	header := http.Header{"Content-Type": {"application/json"}, "X-Tenant": {"acme"}}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		x := &exchange.Exchange{Method: "POST", Header: header, Body: exchange.Body{Stream: io.NopCloser(bytes.NewReader(body)), Length: int64(len(body))}}
		if prob := p.Handle(x); prob != nil {
			b.Fatal(prob)
		}
	}
}

// Of api_validate too, rules are typed by the schema, and details quote the request.
func TestRulesOfAConfig(t *testing.T) {
	read := func(string) ([]byte, error) { return []byte(orderSchema), nil }
	stages := func(expr, detail string) ([]pipeline.Stage, hcl.Diagnostics) {
		s, _, diags := Config{Schema: "/gw/order.json", Rules: []RuleConfig{{Expr: expr, Detail: detail}}}.Stages(read, nil)
		return s, diags
	}
	for _, c := range []struct{ expr, detail, told string }{
		{`body.totl.amount > 0`, "no", `The schema has no member "totl" here. Did you mean "total"?`},
		{`body.total.amount > "0"`, "no", `Invalid operation: > (mismatched types int and string).`},
		{`body.total.amount > 0`, "not ${body.totl}", `The schema has no member "totl" here. Did you mean "total"?`},
		{`body.total.amount > 0`, "not ${", `Missing expression`},
		{`body.total.amount > 0`, "not ${header.cookie}", `which nobody is told of`},
	} {
		if _, diags := stages(c.expr, c.detail); !diags.HasErrors() || !strings.Contains(diags.Error(), c.told) {
			t.Errorf("%s, %s: %v", c.expr, c.detail, diags)
		}
	}
	s, diags := stages(`body.total.amount > 0`, "${body.total.amount} ${body.currency} is too little, $${1} would do")
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	prob := pipeline.New(s...).Handle(post("application/json", `{"currency": "EUR", "total": {"amount": -3}}`))
	if got, want := told(t, prob), `[{"pointer":"/total/amount","rule":"rule 1","detail":"-3 EUR is too little, ${1} would do"}]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// One answer tells of so many rules at most, and counts all.
func TestManyRules(t *testing.T) {
	var rules []Rule
	for range 3 * maxUnmet {
		rules = append(rules, must(t, "r", `query.a == "1"`, "no", ""))
	}
	x := post("", "")
	prob := New(Checks{Rules: rules}).Handle(x)
	var all []Error
	if err := json.Unmarshal([]byte(told(t, prob)), &all); err != nil || len(all) != maxUnmet || len(x.Unmet) != 3*maxUnmet {
		t.Errorf("told %d of %d: %v", len(all), len(x.Unmet), err)
	}
}
