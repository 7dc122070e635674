package gateway

import (
	"encoding/base64"
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

// documented makes a gateway of a folder with a catalogue and what it names.
func documented(t *testing.T, s Upstream, files map[string]string) (*Gateway, hcl.Diagnostics) {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, sources, diags := catalogue.Load([]string{folder}, nil)
	g, _, _, more := Build(Config{
		Catalogue: c, Broken: diags.HasErrors(), Sources: sources, Counter: limit.NewMemory(0),
		Upstream: func(*catalogue.Upstream) (Upstream, error) { return s, nil },
	})
	return g, append(diags, more...)
}

func request(g *Gateway, method, target, body string, fields ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	_, _ = g.Serve(w, r, &exchange.Exchange{}, netip.MustParseAddr("192.0.2.7"), func(string) bool { return true }) // its error is what was answered
	return w
}

var keySet = `{"keys":[{"kty":"oct","kid":"k","alg":"HS256","k":"` + base64.RawURLEncoding.EncodeToString([]byte(shared)) + `"}]}`

const ordersDocument = `
openapi: 3.0.3
info: {title: Orders, version: v2}
servers: [{url: https://api.example/shop/v2}]
security: [{partner: []}]
paths:
  /orders:
    get:
      operationId: listOrders
      parameters:
        - {name: email, in: query, schema: {type: string, format: email}}
      responses:
        "200": {description: Orders., content: {application/json: {schema: {type: object, properties: {data: {type: array, items: {$ref: "#/components/schemas/Order"}}}}}}}
    post:
      requestBody: {required: true, content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}}
      responses:
        "201": {description: The order., content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}}
  /orders/{order-id}:
    delete:
      security: [{oauth: [orders.write]}]
      parameters: [{name: order-id, in: path, required: true, schema: {type: integer, minimum: 1}}]
      responses: {"204": {description: Gone.}}
    patch:
      parameters: [{name: order-id, in: path, required: true, schema: {type: integer, minimum: 1}}]
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}}
      responses: {"200": {description: The order., content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}}}
components:
  securitySchemes:
    partner: {type: apiKey, in: header, name: X-API-Key}
    oauth: {type: openIdConnect, openIdConnectUrl: https://id.test/.well-known/openid-configuration}
  schemas:
    Order:
      type: object
      required: [email, total]
      additionalProperties: false
      properties:
        id: {type: integer, readOnly: true}
        email: {type: string}
        total: {type: integer, minimum: 0, exclusiveMinimum: true}
        note: {type: string, nullable: true}
`

const ordersCatalogue = `
identity "partner" {
  api_key { keys = "partners.keys" }
}
identity "staff" {
  jwt {
    issuer     = "https://id.test"
    keys       = "staff.jwks.json"
    audience   = ["shop"]
    algorithms = ["HS256"]
  }
}
upstream "shop" { servers = ["http://127.0.0.1:1"] }
api "orders" {
  openapi   = "orders.yaml"
  security  = { oauth = identity.staff }
  upstream  = upstream.shop
  authorize = public
  versioning { path = true }
  version "v1" { released = "2024-01-01" }
  version "v2" {
    released = "2025-01-01"
    change "email" {
      summary = "mail is called email."
      on      = object.Order
      rename "mail" { to = "email" }
      param "mail" { to = "email" }
    }
  }
  route "POST /orders" {
    rule "enough" {
      when   = body.total >= 5
      detail = "an order is worth at least 5"
    }
  }
}
`

func ordersFiles() map[string]string {
	return map[string]string{"orders.yaml": ordersDocument, "orders.hcl": ordersCatalogue, "partners.keys": acme + "\n", "staff.jwks.json": keySet}
}

// TestDocument serves what an OpenAPI document describes, in versions that changes derive from it.
func TestDocument(t *testing.T) {
	var s service
	g, diags := documented(t, &s, ordersFiles())
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	key, granted, bare := "X-API-Key: "+acmeKey, token(`,"scope":"orders.read orders.write"`), token(`,"scope":"orders.read"`)
	for _, c := range []struct {
		name, line, body, field string
		status                  int
		told                    string
	}{
		{"a schema", "POST /shop/v2/orders", `{"email":"a","total":5}`, key, 200, ""},
		{"a member that only answers have", "POST /shop/v2/orders", `{"id":1,"email":"a","total":5,"note":null}`, key, 200, ""},
		{"an exclusive bound, and a rule besides", "POST /shop/v2/orders", `{"email":"a","total":0}`, key, 422, `"/total","keyword":"exclusiveMinimum"`},
		{"a rule that the catalogue adds", "POST /shop/v2/orders", `{"email":"a","total":4}`, key, 422, `"rule":"enough"`},
		{"an older version", "POST /shop/v1/orders", `{"mail":"a","total":5}`, key, 200, ""},
		{"an older version's member is missing", "POST /shop/v1/orders", `{"total":5}`, key, 422, `"pointer":"/mail","keyword":"required"`},
		{"no body where one is required", "POST /shop/v2/orders", ``, key, 400, "the request needs a body"},
		{"no body where none is required", "PATCH /shop/v2/orders/7", ``, key, 200, ""},
		{"a patch", "PATCH /shop/v2/orders/7", `{"note":null}`, key, 200, ""},
		{"a patch that breaks the schema", "PATCH /shop/v2/orders/7", `{"total":"5"}`, key, 422, `"/total","keyword":"type"`},
		{"a parameter of the query", "GET /shop/v2/orders?email=a", ``, key, 422, `"parameter":"email","keyword":"format"`},
		{"an older version's parameter", "GET /shop/v1/orders?mail=a", ``, key, 422, `"parameter":"mail","keyword":"format"`},
		{"a parameter of the path, by another name", "DELETE /shop/v2/orders/x", ``, granted, 422, `"in":"path","parameter":"order_id","keyword":"type"`},
		{"no credential", "GET /shop/v2/orders", ``, "", 401, ""},
		{"another credential", "DELETE /shop/v2/orders/7", ``, key, 401, ""},
		{"a scope", "DELETE /shop/v2/orders/7", ``, granted, 200, ""},
		{"a scope that was not granted", "DELETE /shop/v2/orders/7", ``, bare, 403, ""},
		{"nothing at that path", "GET /shop/v2/orders/7", ``, key, 405, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			method, path, _ := strings.Cut(c.line, " ")
			var fields []string
			if c.field != "" {
				fields = []string{c.field}
			}
			w := request(g, method, "https://gw.test"+path, c.body, fields...)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.told) {
				t.Errorf("%d %s\nwant %d %s", w.Code, w.Body, c.status, c.told)
			}
		})
	}
}

// TestDocumentAgain describes what came out of a document, and reads that again: the same API comes out.
func TestDocumentAgain(t *testing.T) {
	files := ordersFiles()
	files["orders.hcl"] = strings.NewReplacer("versioning { path = true }", "", `version "v1" { released = "2024-01-01" }`, "").Replace(ordersCatalogue)
	before, rest, _ := strings.Cut(files["orders.hcl"], `  version "v2" {`)
	_, after, _ := strings.Cut(rest, "\n  }\n  route")
	files["orders.hcl"] = before + "  route" + after
	var first string
	for i := range 3 {
		g, diags := documented(t, &service{}, files)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		text, err := g.Describe("orders", "", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		switch i {
		case 0:
			for _, want := range []string{`"operationId": "listOrders"`, `"exclusiveMinimum": 0`, `"$ref": "#/components/schemas/Order"`, `"title": "Orders"`, `"201"`} {
				if !strings.Contains(string(text), want) {
					t.Errorf("%s is not in it: %s", want, text)
				}
			}
		case 2:
			if string(text) != first {
				t.Errorf("first\n%s\nthen\n%s", first, text)
			}
		}
		first = string(text)
		files["orders.yaml"] = first
		files["orders.hcl"] = strings.Replace(files["orders.hcl"], `security  = { oauth = identity.staff }`, "", 1)
	}
}

// A document whose schemas refer to each other in a ring is served as any other.
func TestDocumentOfRings(t *testing.T) {
	files := ordersFiles()
	files["orders.hcl"] = `
upstream "shop" { servers = ["http://127.0.0.1:1"] }
api "trees" {
  openapi   = "orders.yaml"
  upstream  = upstream.shop
  authorize = public
  identify  = [anonymous]
}
`
	files["orders.yaml"] = `
openapi: 3.1.0
info: {title: Trees, version: "1"}
paths:
  /trees:
    post:
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/Tree"}}}}
components:
  schemas:
    Tree: {type: object, properties: {left: {$ref: "#/components/schemas/Branch"}, size: {type: integer}}}
    Branch: {type: object, properties: {tree: {$ref: "#/components/schemas/Tree"}}}
`
	g, diags := documented(t, &service{}, files)
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	if w := request(g, "POST", "https://gw.test/trees", `{"left":{"tree":{"left":{"tree":{"size":1}}}}}`); w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := request(g, "POST", "https://gw.test/trees", `{"left":{"tree":{"left":{"tree":{"size":"1"}}}}}`); w.Code != 422 || !strings.Contains(w.Body.String(), "/left/tree/left/tree/size") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
