package gateway

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/limit"
)

const patchedOrders = `
upstream "orders" { servers = ["http://127.0.0.1:1"] }
api "orders" {
  base_path = "/api"
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  versioning {
    path       = true
    media_type = "application/vnd.shop.{version}+json"
  }
  object "order" {
    schema = "order.json"
    holds  = { "lines[*]" = object.line }
  }
  object "line" { schema = "line.json" }
  route "PATCH /orders/{id}" {
    accepts = object.order
    returns = object.order
  }
  version "v1" { released = "2025-01-01" }
  version "v2" {
    released = "2026-01-01"
    change "customer" {
      summary = "The customer is an object of its own."
      on      = object.order
      move "customer_name" { to = "customer.name" }
      move "customer_email" { to = "customer.email" }
      rename "verified" { to = "status" }
      enum "status" { pairs = [[true, "verified"], [false, "unverified"]] }
    }
    change "sku" {
      summary = "article is now called sku."
      on      = object.line
      rename "article" { to = "sku" }
    }
    ADD
  }
}
`

// changed records what a service is asked, and answers with an order.
type changed struct {
	contentType, body string
}

// Forward implements Upstream.
func (c *changed) Forward(w http.ResponseWriter, r *http.Request, x *exchange.Exchange) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	c.contentType, c.body = r.Header.Get("Content-Type"), string(body)
	res := &exchange.Response{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Read: true, Bytes: []byte(`{"id":"o1","customer":{"name":"Ada"},"status":"verified"}`)}
	if prob := x.Back.Return(x, res); prob != nil {
		return prob
	}
	w.WriteHeader(res.Status)
	_, err = w.Write(res.Bytes)
	return err
}

func buildPatched(t testing.TB, to Upstream, add string) (*Gateway, hcl.Diagnostics) {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string]string{
		"orders.hcl": strings.Replace(patchedOrders, "ADD", add, 1),
		"order.json": `{"type": "object", "required": ["id", "customer"], "additionalProperties": false, "properties": {
			"id": {"type": "string"}, "note": {"type": "string", "maxLength": 10}, "currency": {"type": "string"},
			"status": {"enum": ["verified", "unverified"]},
			"customer": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "email": {"type": "string", "format": "email"}}},
			"lines": {"type": "array", "items": {"$ref": "line.json"}}}}`,
		"line.json": `{"type": "object", "required": ["sku"], "properties": {"sku": {"type": "string"}}}`,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, sources, diags := catalogue.Load([]string{filepath.Join(folder, "orders.hcl")}, nil)
	g, _, _, more := Build(Config{
		Catalogue: c, Broken: diags.HasErrors(), Sources: sources, Counter: limit.NewMemory(0),
		Upstream: func(*catalogue.Upstream) (Upstream, error) { return to, nil },
	})
	return g, append(diags, more...)
}

func TestPatch(t *testing.T) {
	service := &changed{}
	g, diags := buildPatched(t, service, "")
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	const merge, list = "application/merge-patch+json", "application/json-patch+json"
	for _, test := range []struct {
		name, version, contentType, body string
		status                           int
		sent, says                       string // to the service; of the answer
	}{
		{"a merge patch", "v1", merge, `{"customer_name":"Ada","note":null}`, 200, `{"customer":{"name":"Ada"},"note":null}`, `"customer_name":"Ada"`},
		{"with parameters", "v1", `Application/Merge-Patch+JSON; charset="utf-8"`, `{"verified":true}`, 200, `{"status":"verified"}`, `"verified":true`},
		{"plain JSON is one", "v1", "application/json", `{"verified":null}`, 200, `{"status":null}`, ""},
		{"a version's media type is one", "", "application/vnd.shop.v1+json", `{"verified":false}`, 200, `{"status":"unverified"}`, `"verified":true`},
		{"of the newest version", "v2", merge, `{"status":"verified", "customer":{"email":null}}`, 200, `{"status":"verified", "customer":{"email":null}}`, `"status":"verified"`},
		{"a JSON Patch", "v1", list, `[{"op":"replace","path":"/customer_email","value":"x"},{"op":"add","path":"/lines/-","value":{"article":"a"}}]`, 200,
			`[{"op":"replace","path":"/customer/email","value":"x"},{"op":"add","path":"/lines/-","value":{"sku":"a"}}]`, `"customer_name":"Ada"`},
		{"of the newest version", "v2", list, `[{"op":"test","path":"/status","value":1}]`, 200, `[{"op":"test","path":"/status","value":1}]`, ""},

		{"a newer member", "v1", merge, `{"customer":{"name":"Ada"}}`, 422, "", `"pointer":"/customer/name"`},
		{"an unknown word", "v1", merge, `{"verified":"yes"}`, 422, "", `"pointer":"/verified"`},
		{"against the schema, told in the caller's shape", "v1", merge, `{"customer_email":"ada"}`, 422, "", `"pointer":"/customer_email","keyword":"format"`},
		{"against the schema, in an item", "v1", merge, `{"lines":[{"article":"a"},{}]}`, 422, "", `"pointer":"/lines/1/article","keyword":"required"`},
		{"against the newest schema", "v2", merge, `{"note":"0123456789ab"}`, 422, "", `"pointer":"/note","keyword":"maxLength"`},
		{"no object", "v2", merge, `[]`, 422, "", `"keyword":"type"`},
		{"an operation that is refused", "v1", list, `[{"op":"remove","path":"/customer"}]`, 422, "", `"pointer":"/0/path"`},
		{"no JSON Patch", "v1", list, `{}`, 400, "", "list of operations"},
		{"no JSON Patch of the newest version", "v2", list, `[{"op":"add","path":"/x"}]`, 400, "", `"pointer":"/0/value"`},
		{"not JSON", "v1", merge, `{"verified":true,}`, 400, "", "name"},
		{"nothing", "v1", merge, ``, 400, "", "needs a body"},
		{"something else", "v1", "application/x-patch+json", `{}`, 415, "", "not supported here"},
	} {
		t.Run(test.name, func(t *testing.T) {
			*service = changed{}
			path := "/api/orders/o1"
			if test.version != "" {
				path = "/api/" + test.version + "/orders/o1"
			}
			r := httptest.NewRequest(http.MethodPatch, path, strings.NewReader(test.body))
			r.Header.Set("Content-Type", test.contentType)
			w := httptest.NewRecorder()
			x := &exchange.Exchange{Time: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
			claimed, _ := g.Serve(w, r, x, netip.MustParseAddr("192.0.2.1"), func(string) bool { return true })
			if !claimed || w.Code != test.status || !strings.Contains(w.Body.String(), test.says) {
				t.Fatalf("%v, %d %s\nwant %d with %s", claimed, w.Code, w.Body, test.status, test.says)
			}
			if service.body != test.sent {
				t.Errorf("the service got\n%s, want\n%s", service.body, test.sent)
			}
			want := test.contentType
			if test.version == "" {
				want = "application/json"
			}
			if test.status == 200 && service.contentType != want {
				t.Errorf("the service got a body of type %q", service.contentType)
			}
			if accept := w.Header().Get("Accept-Patch"); test.status == 415 && accept != "application/json, application/merge-patch+json, application/json-patch+json" {
				t.Errorf("Accept-Patch: %s", accept)
			}
		})
	}
}

// Patches go up to the version that the upstream speaks, and are checked in its shape.
func TestPatchOwnUpstream(t *testing.T) {
	files := maps.Clone(orders)
	files["orders.hcl"] = strings.Replace(files["orders.hcl"], `  version "v1" {`, `  route "PATCH /orders/{id}" { accepts = object.order }
  version "v1" {`, 1)
	g, upstreams, diags := catalogued(t, files)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	for _, test := range []struct {
		path, body string
		status     int
		at, got    string // the upstream, and what it gets; or what the answer says
	}{
		{"/v1/orders/1", `{"count":5,"customer_name":"Ada","lines":[{"ref":"a"}]}`, 200, "old", `{"customer":{"name":"Ada"},"lines":[{"article":"a"}],"count":5}`},
		{"/v2/orders/1", `{"count":5,"customer":{"email":null}}`, 200, "old", `{"count":5,"customer":{"email":null}}`},
		{"/v3/orders/1", `{"count":"5","verified":true}`, 200, "new", `{"status":"yes","count":"5"}`},
		{"/v1/orders/1", `{"count":"5","lines":[{}]}`, 422, "", `"pointer":"/lines/0/ref"`},
		{"/v1/orders/1", `{"customer_email":"ada"}`, 422, "", `"pointer":"/customer_email"`},
	} {
		status, answer := g.request(t, "PATCH", test.path, test.body)
		switch {
		case status != test.status:
			t.Errorf("%s %s: %d %s", test.path, test.body, status, answer)
		case test.at == "" && !strings.Contains(answer, test.got):
			t.Errorf("%s %s: %s\nwant %s", test.path, test.body, answer, test.got)
		case test.at != "" && upstreams[test.at].got != test.got:
			t.Errorf("%s %s: the upstream got %s\nwant %s", test.path, test.body, upstreams[test.at].got, test.got)
		}
	}
}

// A version whose patches cannot be carried is found when the catalogue loads.
func TestPatchMistake(t *testing.T) {
	g, diags := buildPatched(t, &changed{}, `change "currency" {
      summary = "Orders have a currency."
      on      = object.order
      add "currency" { value = "EUR" }
    }`)
	if g.table != nil || !diags.HasErrors() {
		t.Fatal("it serves")
	}
	for _, d := range diags {
		if d.Severity == hcl.DiagError && (d.Summary != "PATCH of an older version" || d.Subject == nil || !strings.Contains(d.Detail, `cannot be carried through add "currency"`)) {
			t.Errorf("%v", d)
		}
	}
}
