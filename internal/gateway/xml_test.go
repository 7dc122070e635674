package gateway

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/limit"
)

// Callers of v1 have customer_name, verified, and a total in the major unit; v2 is what the service speaks.
const xmlOrders = `
upstream "orders" { servers = ["https://orders.example"] }
api "orders" {
  base_path = "/api"
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  formats   = ["json", "xml"]
  versioning {
    path       = true
    media_type = "application/vnd.acme.{version}+json"
    default    = version.v1
  }
  object "order" {
    schema = "order.json"
    holds  = { "lines[*]" = object.line }
  }
  object "line" { schema = "line.json" }
  route "GET /orders" { returns = { "data[*]" = object.order } }
  route "GET /lines" { returns = { "[*]" = object.line } }
  route "GET /orders/{id}" { returns = object.order }
  route "PUT /orders/{id}" {
    accepts  = object.order
    max_body = "1kB"
  }
  route "POST /orders" {
    accepts = object.order
    returns = object.order
  }
  route "PATCH /orders/{id}" { accepts = object.order }
  route "POST /files" {}
  route "GET /files" {}
  version "v1" { released = "2025-01-01" }
  version "v2" {
    released = "2026-01-01"
    change "customer" {
      summary = "The customer's name moved, and verified became status."
      on      = object.order
      move "customer_name" { to = "customer.name" }
      rename "verified" { to = "status" }
      enum "status" { pairs = [[true, "verified"], [false, "unverified"]] }
    }
    change "minor-units" {
      summary = "The total is an integer in the minor unit."
      on      = object.order
      scale "total" { decimals = 2 }
    }
    change "sku" {
      summary = "article is called sku."
      on      = object.line
      rename "article" { to = "sku" }
    }
  }
}
`

var xmlSchemas = map[string]string{
	"order.json": `{"type":"object","properties":{
		"id":{"type":"string","xml":{"attribute":true}},
		"customer":{"type":"object","properties":{"name":{"type":"string","minLength":2}},"required":["name"],"additionalProperties":false},
		"status":{"enum":["verified","unverified"]},
		"total":{"type":"integer","minimum":1},
		"lines":{"type":"array","items":{"$ref":"line.json"}}
	},"required":["customer","total","lines"],"additionalProperties":false}`,
	"line.json": `{"type":"object","properties":{"sku":{"type":"string"},"qty":{"type":["integer","null"]}},"required":["sku"],"additionalProperties":false}`,
}

// canned is a service that gives one answer and keeps what it was asked.
type canned struct {
	status int
	header http.Header
	body   string

	asked *http.Request // nil where nothing came through
	got   string
}

func (c *canned) Forward(w http.ResponseWriter, r *http.Request, x *exchange.Exchange) error {
	c.asked = r
	if r.Body != nil {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		c.got = string(b)
	}
	res := &exchange.Response{Status: c.status, Header: c.header.Clone(), Stream: io.NopCloser(strings.NewReader(c.body))}
	if r.Method == http.MethodHead {
		res.Stream = nil
	}
	if prob := x.Back.Return(x, res); prob != nil {
		return prob
	}
	for name, values := range x.Answer {
		w.Header()[name] = append(w.Header()[name], values...)
	}
	maps.Copy(w.Header(), res.Header)
	w.WriteHeader(res.Status)
	if res.Read {
		_, err := w.Write(res.Bytes)
		return err
	}
	if res.Stream == nil {
		return nil
	}
	_, err := io.Copy(w, res.Stream)
	return err
}

func loadXML(t testing.TB, text string, schemas map[string]string, to Upstream) (*Gateway, hcl.Diagnostics) {
	t.Helper()
	folder := t.TempDir()
	for name, content := range schemas {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(folder, "orders.hcl")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, sources, diags := catalogue.Load([]string{file}, nil)
	g, _, _, more := Build(Config{Catalogue: c, Broken: diags.HasErrors(), Sources: sources, Counter: limit.NewMemory(0),
		Upstream: func(*catalogue.Upstream) (Upstream, error) { return to, nil }})
	return g, append(diags, more...)
}

const xmlHeader = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

func TestXML(t *testing.T) {
	const (
		newest = `{"id":"7","customer":{"name":"Ada"},"status":"verified","total":1230,"lines":[{"sku":"A","qty":1}]}`
		inV1   = `<order id="7"><customer_name>Ada</customer_name><verified>true</verified><total>12.30</total><lines><article>A</article><qty>1</qty></lines></order>`
		inV2   = `<order id="7"><customer><name>Ada</name></customer><status>verified</status><total>1230</total><lines><sku>A</sku><qty>1</qty></lines></order>`
		vnd1   = "application/vnd.acme.v1"
		vnd2   = "application/vnd.acme.v2"
	)
	tests := []struct {
		name   string
		line   string
		fields string // separated by |
		body   string

		answer string // the service's, newest where not said
		given  string // its fields, besides Content-Type

		status int
		asked  string // what the service gets as body; "-" where it gets no request
		told   string // fields that the service gets
		want   string // the answer
		kind   string // its type
		has    string // fields of the answer
	}{
		{name: "an older version's order in XML", line: "POST /api/v1/orders", fields: "Content-Type: application/xml", body: xmlHeader + inV1,
			status: 200, asked: `{"id":"7","customer":{"name":"Ada"},"status":"verified","total":1230,"lines":[{"sku":"A","qty":1}]}`,
			told: "Content-Type: application/json|Accept: application/json", want: `{"id":"7","customer_name":"Ada","verified":true,"total":"12.30","lines":[{"article":"A","qty":1}]}`, kind: "application/json",
			has: "Vary: Accept"},
		{name: "there and back", line: "POST /api/v1/orders", fields: "Content-Type: text/xml; charset=UTF-8|Accept: application/xml", body: inV1,
			status: 200, asked: newest, told: "Content-Type: application/json|Accept: application/json", want: xmlHeader + inV1, kind: "application/xml", has: "Vary: Accept"},
		{name: "the newest version's", line: "POST /api/v2/orders", fields: "Content-Type: application/xml|Accept: text/xml", body: inV2,
			status: 200, asked: newest, want: xmlHeader + inV2, kind: "text/xml"},
		{name: "by a version's media types", line: "POST /api/orders", fields: "Content-Type: " + vnd2 + "+xml|Accept: " + vnd2 + "+xml", body: inV2,
			status: 200, asked: newest, told: "Content-Type: application/json|Accept: application/json", want: xmlHeader + inV2, kind: vnd2 + "+xml"},
		{name: "JSON in, XML out", line: "POST /api/v2/orders", fields: "Content-Type: application/json|Accept: application/xml", body: newest,
			status: 200, asked: newest, want: xmlHeader + inV2, kind: "application/xml"},
		{name: "JSON is the default", line: "GET /api/v2/orders/7", status: 200, want: newest, kind: "application/json", told: "Accept: application/json", has: "Vary: Accept"},
		{name: "anything is JSON", line: "GET /api/v2/orders/7", fields: "Accept: */*", status: 200, want: newest, kind: "application/json"},
		{name: "the better one", line: "GET /api/v2/orders/7", fields: "Accept: application/json;q=0.5, application/xml;q=0.9", status: 200, want: xmlHeader + inV2, kind: "application/xml"},
		{name: "both as good", line: "GET /api/v2/orders/7", fields: "Accept: application/xml, application/json", status: 200, want: newest, kind: "application/json"},
		{name: "both by a version's media types", line: "GET /api/orders/7", fields: "Accept: " + vnd1 + "+json;q=0.1, " + vnd1 + "+xml;q=0.2", status: 200, want: xmlHeader + inV1, kind: vnd1 + "+xml"},
		{name: "neither", line: "GET /api/v2/orders/7", fields: "Accept: text/csv", status: 406, asked: "-", kind: "application/problem+json"},
		{name: "what the service says of another form is taken off", line: "GET /api/v1/orders/7", fields: `Accept: application/xml|If-None-Match: "3;v1;xml", "2;v1"`, given: `Etag: "4"|Content-Digest: sha-256=:x:`,
			status: 200, told: `If-None-Match: "3"`, want: xmlHeader + inV1, kind: "application/xml", has: `Etag: "4;v1;xml"|Content-Digest: `},
		{name: "an entity tag of JSON", line: "GET /api/v2/orders/7", given: `Etag: "4"`, status: 200, want: newest, kind: "application/json", has: `Etag: "4"`},
		{name: "writing what was read in XML", line: "PUT /api/v2/orders/7", fields: `Content-Type: application/json|If-Match: "4;xml"`, body: newest, status: 200, asked: newest, told: `If-Match: "4"`, want: newest, kind: "application/json"},
		{name: "of an older version, too", line: "PUT /api/v1/orders/7", fields: `Content-Type: application/xml|If-Match: "4;v1;xml"`, body: inV1, status: 200, asked: newest, told: `If-Match: "4"`, want: newest, kind: "application/json"},
		{name: "HEAD", line: "HEAD /api/v2/orders/7", fields: "Accept: application/xml", given: `Etag: "4"`, status: 200, kind: "application/xml", has: `Etag: "4;xml"|Vary: Accept`},

		{name: "a list in an object that is not known", line: "GET /api/v1/orders", fields: "Accept: application/xml", answer: `{"data":[` + newest + `],"next":null,"count":1}`,
			status: 200, want: xmlHeader + `<response xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">` + strings.NewReplacer("<order", "<data", "</order", "</data").Replace(inV1) + `<next xsi:nil="true"/><count>1</count></response>`, kind: "application/xml"},
		{name: "a list", line: "GET /api/v1/lines", fields: "Accept: application/xml", answer: `[{"sku":"A"},{"sku":"B"}]`,
			status: 200, want: xmlHeader + `<items><line><article>A</article></line><line><article>B</article></line></items>`, kind: "application/xml"},
		{name: "an answer that no object is in is the service's matter", line: "GET /api/v2/files", fields: "Accept: text/csv, application/xml", answer: "a,b", status: 200, told: "Accept: text/csv, application/xml", want: "a,b", kind: "application/json"},
		{name: "a body that no object is in, too", line: "POST /api/v2/files", fields: "Content-Type: application/xml", body: "<a>", answer: "a,b", status: 200, asked: "<a>", want: "a,b", kind: "application/json"},

		{name: "an unknown element", line: "POST /api/v1/orders", fields: "Content-Type: application/xml", body: "<order>\n<sku>A</sku></order>", status: 422, asked: "-",
			want: `"errors":[{"pointer":"","detail":"there may be no such element at line 2, column 1"}]`, kind: "application/problem+json"},
		{name: "an element twice", line: "POST /api/v1/orders", fields: "Content-Type: application/xml", body: `<order><total>1</total><total>2</total></order>`, status: 422, asked: "-",
			want: `{"pointer":"/total","detail":"this element may be there but once at line 1, column 24"}`, kind: "application/problem+json"},
		{name: "a newer version's element", line: "POST /api/v1/orders", fields: "Content-Type: application/xml", body: inV2, status: 422, asked: "-", want: "there may be no such element", kind: "application/problem+json"},
		{name: "what the schema refuses is told in the caller's shape", line: "POST /api/v1/orders", fields: "Content-Type: application/xml|Accept: application/xml", body: strings.Replace(inV1, "Ada", "A", 1), status: 422, asked: "-",
			want: `<errors><i><pointer>/customer_name</pointer><keyword>minLength</keyword><detail>must have at least 2 characters</detail></i></errors>`, kind: "application/problem+xml", has: "Vary: Accept"},
		{name: "a DOCTYPE", line: "POST /api/v1/orders", fields: "Content-Type: application/xml", body: `<!DOCTYPE order [<!ENTITY x "y">]>` + inV1, status: 400, asked: "-", want: "a DOCTYPE or another declaration is not taken", kind: "application/problem+json"},
		{name: "two roots", line: "POST /api/v1/orders", fields: "Content-Type: application/xml", body: inV1 + inV1, status: 400, asked: "-", want: "something stands after the root element", kind: "application/problem+json"},
		{name: "UTF-7", line: "POST /api/v1/orders", fields: "Content-Type: application/xml; charset=utf-7", body: inV1, status: 415, asked: "-", want: "UTF-8", kind: "application/problem+json",
			has: "Accept-Post: application/json, application/xml, text/xml, " + vnd1 + "+json, " + vnd1 + "+xml"},
		{name: "JSON called XML", line: "POST /api/v1/orders", fields: "Content-Type: application/xml", body: newest, status: 400, asked: "-", kind: "application/problem+json"},
		{name: "XML called JSON", line: "POST /api/v1/orders", fields: "Content-Type: application/json", body: inV1, status: 400, asked: "-", kind: "application/problem+json"},
		{name: "XML in a content coding", line: "POST /api/v1/orders", fields: "Content-Type: application/xml|Content-Encoding: gzip", body: inV1, status: 415, asked: "-", kind: "application/problem+json"},
		{name: "nothing", line: "POST /api/v1/orders", fields: "Content-Type: application/xml", status: 400, asked: "-", kind: "application/problem+json"},
		{name: "XML in a patch", line: "PATCH /api/v2/orders/7", fields: "Content-Type: application/xml", body: inV2, status: 415, asked: "-", kind: "application/problem+json"},
		{name: "more in JSON than the bound", line: "PUT /api/v2/orders/7", fields: "Content-Type: application/xml", body: `<order><customer><name>` + strings.Repeat("\n", 600) + `</name></customer></order>`, status: 413, asked: "-", kind: "application/problem+json"},
		{name: "a version that is not there", line: "GET /api/v9/orders/7", fields: "Accept: text/xml", status: 404, asked: "-", want: `<problem xmlns="urn:ietf:rfc:7807">`, kind: "application/problem+xml"},

		{name: "an answer that is not JSON", line: "GET /api/v2/orders/7", fields: "Accept: application/xml", given: "Content-Type: text/html", answer: "<html>", status: 502, kind: "application/problem+xml"},
		{name: "one that is no strict JSON", line: "GET /api/v2/orders/7", fields: "Accept: application/xml", answer: `{"id":1,"id":2}`, status: 502, kind: "application/problem+xml"},
		{name: "one that XML cannot carry", line: "GET /api/v2/orders/7", fields: "Accept: application/xml", answer: `{"id":"\u0000"}`, status: 502, kind: "application/problem+xml"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			to := &canned{status: 200, header: http.Header{"Content-Type": {"application/json"}}, body: newest}
			if test.answer != "" {
				to.body = test.answer
			}
			set := func(h http.Header, fields string) {
				for f := range strings.SplitSeq(fields, "|") {
					if name, value, ok := strings.Cut(f, ": "); ok {
						h.Set(name, value)
					}
				}
			}
			set(to.header, test.given)
			g, diags := loadXML(t, xmlOrders, xmlSchemas, to)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			method, path, _ := strings.Cut(test.line, " ")
			r, w := httptest.NewRequest(method, path, strings.NewReader(test.body)), httptest.NewRecorder()
			set(r.Header, test.fields)
			x := &exchange.Exchange{Context: r.Context(), ID: "1", Time: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)}
			_, err := g.Serve(w, r, x, netip.MustParseAddr("192.0.2.1"), func(string) bool { return true })
			if w.Code != test.status {
				t.Errorf("%d, want %d: %v", w.Code, test.status, err)
			}
			if test.asked == "-" {
				if to.asked != nil {
					t.Errorf("the service was asked, with %s", to.got)
				}
			} else if to.got != test.asked {
				t.Errorf("the service got\n%s, want\n%s", to.got, test.asked)
			}
			check := func(whose string, h http.Header, fields string) {
				for f := range strings.SplitSeq(fields, "|") {
					if name, value, ok := strings.Cut(f, ": "); ok && strings.Join(h.Values(name), ", ") != value {
						t.Errorf("%s %s is %q, want %q", whose, name, h.Values(name), value)
					}
				}
			}
			if to.asked != nil {
				check("the service's", to.asked.Header, test.told)
			}
			check("the answer's", w.Header(), test.has)
			if got := w.Header().Get("Content-Type"); got != test.kind {
				t.Errorf("the answer is %q, want %q", got, test.kind)
			}
			if got := w.Body.String(); got != test.want && (test.status < 300 || !strings.Contains(got, test.want)) {
				t.Errorf("the answer is\n%s, want\n%s", got, test.want)
			}
		})
	}
}

// TestNoXMLForm tells what in a schema has no form in XML, with the object's place.
func TestNoXMLForm(t *testing.T) {
	schemas := maps.Clone(xmlSchemas)
	schemas["line.json"] = `{"type":"object","properties":{"sku":{"type":["string","integer"]},"a b":{"type":"string"}}}`
	_, diags := loadXML(t, xmlOrders, schemas, &canned{})
	var got []string
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			got = append(got, fmt.Sprintf("%d:%d %s: %s", d.Subject.Start.Line, d.Subject.Start.Column, d.Summary, d.Detail))
		}
	}
	want := []string{
		`18:28 No XML form: The object "line", in its schema, at /properties/a b: "a b" is no name of an element; give it another with the keyword xml.`,
		`18:28 No XML form: The object "line", in its schema, at /properties/sku: XML does not tell numbers and strings from each other; only null may stand beside a type.`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	// Without XML, the same loads.
	if _, diags := loadXML(t, strings.Replace(xmlOrders, `["json", "xml"]`, `["json"]`, 1), schemas, &canned{}); diags.HasErrors() {
		t.Error(diags)
	}
}

// BenchmarkXML takes an order of v1 in XML up and its answer back.
func BenchmarkXML(b *testing.B) {
	const body = `<order id="7"><customer_name>Ada</customer_name><verified>true</verified><total>12.30</total><lines><article>A</article><qty>1</qty></lines></order>`
	to := &canned{status: 200, header: http.Header{"Content-Type": {"application/json"}},
		body: `{"id":"7","customer":{"name":"Ada"},"status":"verified","total":1230,"lines":[{"sku":"A","qty":1}]}`}
	g, diags := loadXML(b, xmlOrders, xmlSchemas, to)
	if diags.HasErrors() {
		b.Fatal(diags)
	}
	at := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	b.ReportAllocs()
	for b.Loop() {
		r, w := httptest.NewRequest(http.MethodPost, "/api/v1/orders", bytes.NewReader([]byte(body))), httptest.NewRecorder()
		r.Header["Content-Type"], r.Header["Accept"] = []string{"application/xml"}, []string{"application/xml"}
		x := &exchange.Exchange{Context: r.Context(), ID: "1", Time: at}
		if _, err := g.Serve(w, r, x, netip.MustParseAddr("192.0.2.1"), func(string) bool { return true }); err != nil {
			b.Fatal(err)
		}
	}
}
