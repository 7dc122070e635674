package gateway

import (
	"net/http"
	"strings"
	"testing"
)

const ordersWithParameters = `
  identify      = [anonymous]
  unknown_query = "refuse"
  versioning {
    path  = true
    query = "api-version"
  }
  version "v1" { released = "2024-01-01" }
  version "v2" {
    released = "2025-01-01"
    change "e-mail" {
      summary = "The filter is called email."
      on      = object.order
      param "customer_email" { to = "email" }
    }
  }
  object "order" { schema = "order.json" }
  route "GET /orders/{id}" {
    path "id" {
      type    = "integer"
      minimum = 1
    }
  }
  route "GET /orders" {
    returns = { "data[*]" = object.order }
    query "limit" {
      type    = "integer"
      maximum = 100
    }
    query "status" {
      list = "repeat"
      enum = ["open", "paid"]
    }
    query "email" {
      format   = "email"
      required = true
    }
    query "cursor" {
      required = true
      since    = version.v2
    }
    header "X-Dry-Run" { type = "boolean" }
    rule "small pages" {
      when   = query.limit == null || query.limit > 1 && query.limit < 100
      detail = "a page has 2 to 99 orders"
    }
    rule "few" {
      when   = expr("all(query.status, # != 'paid') || header.x_dry_run == true")
      detail = "only open ones"
    }
  }
`

func TestParameters(t *testing.T) {
	var s service
	g := serving(t, &s, acme, ordersWithParameters)
	for _, c := range []struct {
		line   string
		fields []string
		status int
		told   string // in the answer
		saw    string // by the service
	}{
		{line: "GET /v2/orders/7", status: 200, saw: "/orders/7"},
		{line: "GET /v2/orders/x", status: 422, told: `{"in":"path","parameter":"id","keyword":"type","detail":"must be of type integer"}`},
		{line: "GET /v2/orders/0", status: 422, told: `{"in":"path","parameter":"id","keyword":"minimum","detail":"must be at least 1"}`},
		{line: "GET /v2/orders/7?x=1", status: 422, told: `{"in":"query","parameter":"x","keyword":"unknown","detail":"is not a parameter of this resource"}`},

		{line: "GET /v2/orders?email=a@b.c&cursor=x&limit=10&status=open", status: 200, saw: "/orders?email=a@b.c&cursor=x&limit=10&status=open"},
		{line: "GET /v2/orders?email=a@b.c&cursor=x&api-version=v2", status: 200, saw: "/orders?email=a@b.c&cursor=x"},
		{line: "GET /v2/orders?email=a@b.c&cursor=x&limit=1", status: 422, told: `[{"pointer":"","rule":"small pages","detail":"a page has 2 to 99 orders"}]`},
		{line: "GET /v2/orders?email=a@b.c&cursor=x&limit=101", status: 422, told: `[{"in":"query","parameter":"limit","keyword":"maximum","detail":"must be at most 100"},{"pointer":"","rule":"small pages"`},
		{line: "GET /v2/orders?email=a@b.c&cursor=x&status=paid", status: 422, told: `"rule":"few"`},
		{line: "GET /v2/orders?email=a@b.c&cursor=x&status=paid", fields: []string{"X-Dry-Run: true"}, status: 200, saw: "/orders?email=a@b.c&cursor=x&status=paid"},
		{line: "GET /v2/orders?email=a@b.c&cursor=x", fields: []string{"X-Dry-Run: yes"}, status: 422, told: `[{"in":"header","parameter":"X-Dry-Run","keyword":"type","detail":"must be of type boolean"}]`},
		{line: "GET /v2/orders?email=a@b.c&cursor=x&limit=5&limit=5", status: 400, told: `ambiguous-query","title":"The query can be read in more than one way","status":400`},
		{line: "GET /v2/orders?cursor=x", status: 422, told: `[{"in":"query","parameter":"email","keyword":"required","detail":"is missing"}]`},

		// An older version: its own name, and none that is newer.
		{line: "GET /v1/orders?customer_email=a@b.c", status: 200, saw: "/orders?email=a@b.c"},
		{line: "GET /v1/orders?customer_email=a", status: 422, told: `[{"in":"query","parameter":"customer_email","keyword":"format","detail":"must be a valid email"}]`},
		{line: "GET /v1/orders", status: 422, told: `[{"in":"query","parameter":"customer_email","keyword":"required","detail":"is missing"}]`},
		{line: "GET /v1/orders?customer_email=a@b.c&cursor=x", status: 422, told: `[{"in":"query","parameter":"cursor","keyword":"unknown","detail":"is not a parameter of this resource"}]`},
	} {
		t.Run(c.line, func(t *testing.T) {
			s.saw = nil
			method, path, _ := strings.Cut(c.line, " ")
			w := send(g, method+" https://gw.test"+path, c.fields...)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.told) {
				t.Fatalf("%d %s\nwant %d %s", w.Code, w.Body, c.status, c.told)
			}
			saw := ""
			if s.saw != nil {
				saw = s.saw.URL.RequestURI()
			}
			if saw != c.saw {
				t.Errorf("the service got %q, want %q", saw, c.saw)
			}
		})
	}
}

// A rule that names a parameter which requests cannot have is a mistake, as is one that takes a number for a text.
func TestRulesKnowParameters(t *testing.T) {
	for _, c := range []struct{ when, told string }{
		{`query.limt > 3`, `Unknown query parameter; The route refuses requests with a query parameter "limt", which it does not declare. Did you mean "limit"?`},
		{`query.limit == "3"`, `mismatched types int and string`},
		{`query.limit > 3`, ""},
	} {
		_, diags := build(t, &service{}, acme, `
  identify      = [anonymous]
  unknown_query = "refuse"
  route "GET /orders" {
    query "limit" { type = "integer" }
    rule "r" {
      when   = `+c.when+`
      detail = "d"
    }
  }`)
		got := ""
		if len(diags) > 0 {
			got = diags[0].Summary + "; " + diags[0].Detail
		}
		if (c.told == "") != (got == "") || !strings.Contains(got, c.told) {
			t.Errorf("%s: %s\nwant %s", c.when, got, c.told)
		}
	}
}

// Credentials that the query may carry are no parameters that a route does not know, on whatever route.
func TestCredentialsAreNoUnknownParameters(t *testing.T) {
	var s service
	g := serving(t, &s, acme, `
  unknown_query = "refuse"
  route "GET /open" { identify = [anonymous] }
  route "GET /mine" { identify = [identity.partners] }
`)
	for line, want := range map[string]int{
		"GET https://gw.test/mine?key=" + acmeKey: http.StatusUnauthorized,
		"GET https://gw.test/open?key=" + acmeKey: http.StatusUnprocessableEntity,
		"GET https://gw.test/open":                http.StatusOK,
	} {
		if w := send(g, line); w.Code != want {
			t.Errorf("%s: %d %s", line, w.Code, w.Body)
		}
	}
}

// The members of an object in the query, which a document declares, are known to rules by its schema, and have the older
// name of the object in older versions.
func TestMembersOfObjectsInTheQuery(t *testing.T) {
	const document = `openapi: 3.1.0
info: {title: t, version: '1'}
paths:
  /found:
    get:
      parameters: [{name: filter, in: query, style: deepObject, schema: {type: object, additionalProperties: false, properties:
        {age: {type: integer}, tags: {type: array, items: {type: string}}, home: {type: object, properties: {city: {type: string}}}}}},
        {name: free, in: query, style: deepObject, schema: {type: object, patternProperties: {'^a': {}}}}]
      responses: {'200': {description: fine, content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}}}
components: {schemas: {Order: {type: object}}}
`
	text := func(when string) map[string]string {
		return map[string]string{"doc.yaml": document, "api.hcl": `upstream "u" { servers = ["https://u.test"] }
api "a" {
  upstream      = upstream.u
  identify      = [anonymous]
  authorize     = public
  openapi       = "doc.yaml"
  unknown_query = "refuse"
  versioning { path = true }
  version "v1" { released = "2024-01-01" }
  version "v2" {
    released = "2025-01-01"
    change "filter" {
      summary = "where is called filter."
      on      = object.Order
      param "where" { to = "filter" }
    }
  }
  route "GET /found" {
    rule "r" {
      when   = ` + when + `
      detail = "d"
    }
  }
}`}
	}
	var s service
	g, diags := documented(t, &s, text(`expr("(query.filter.age ?? 18) >= 18 and query.filter.home.city != 'Paris' and all(query.filter.tags ?? [], len(#) < 3)")`))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	for _, c := range []struct {
		line   string
		status int
		saw    string // by the service, or what the answer has
	}{
		{"/v2/found", 200, "/found"},
		{"/v2/found?filter[age]=18&filter[home][city]=Rome", 200, "/found?filter[age]=18&filter[home][city]=Rome"},
		{"/v2/found?filter[age]=17", 422, `"rule":"r"`},
		{"/v2/found?filter[home][city]=Paris", 422, `"rule":"r"`},
		{"/v2/found?filter[tags]=ab&filter[tags]=c", 200, "/found?filter[tags]=ab&filter[tags]=c"},
		{"/v2/found?filter[tags]=ab&filter[tags]=abc", 422, `"rule":"r"`},
		{"/v1/found?where[age]=18&where[home][city]=Rome", 200, "/found?filter[age]=18&filter[home][city]=Rome"},
		{"/v1/found?where%5Bage%5D=18", 200, "/found?filter%5Bage%5D=18"},
		{"/v1/found?where[age]=17", 422, `"rule":"r"`},
		{"/v1/found?where[age]=x", 422, `[{"in":"query","parameter":"where","keyword":"type","detail":"[age] must be a number, in digits"}`},
		{"/v1/found?filter[age]=18", 422, "newer version"},
		{"/v2/found?where[age]=18", 422, `"parameter":"where[age]","keyword":"unknown"`},
	} {
		s.saw = nil
		w := request(g, "GET", "https://gw.test"+c.line, "")
		got := w.Body.String()
		if s.saw != nil {
			got = s.saw.URL.RequestURI()
		}
		if w.Code != c.status || s.saw != nil && got != c.saw || !strings.Contains(got, c.saw) {
			t.Errorf("%s: %d %s\nwant %d %s", c.line, w.Code, got, c.status, c.saw)
		}
	}
	for when, told := range map[string]string{
		`query.filter.agee > 1`:               `The schema has no member "agee" here. Did you mean "age"?`,
		`query.filter.age == "7"`:             `mismatched types int and string`,
		`query.filter.age.x == 1`:             `By the schema, query.filter.age is no object, so it has no member "x".`,
		`query.filtre.age > 1`:                `query.filtre is not an object: it has no member "age".`,
		`query.free.x == "y"`:                 `What the query parameter "free" says is not looked at, so that no rule can read it.`,
		`query.free == null`:                  `What the query parameter "free" says is not looked at, so that no rule can read it.`,
		`query.filter.home["city"] == "Rome"`: "",
	} {
		_, diags := documented(t, &s, text(when))
		got := ""
		for _, d := range diags {
			got += d.Detail
		}
		if (told == "") != !diags.HasErrors() || !strings.Contains(got, told) {
			t.Errorf("%s: %s\nwant %s", when, got, told)
		}
	}
}

// TestRulesKnowObjectsInTheQuery has a rule ask for an object in the query, which a document declares.
func TestRulesKnowObjectsInTheQuery(t *testing.T) {
	var s service
	g, diags := documented(t, &s, map[string]string{
		"doc.yaml": "openapi: 3.0.3\ninfo: {title: t, version: '1'}\npaths:\n  /found:\n    get:\n      parameters: [{name: filter, in: query, style: deepObject, schema: {type: object, properties: {age: {type: integer}}}}]\n      responses: {'200': {description: fine}}\n",
		"api.hcl": `upstream "u" { servers = ["https://u.test"] }
api "a" {
  upstream      = upstream.u
  identify      = [anonymous]
  authorize     = public
  openapi       = "doc.yaml"
  unknown_query = "refuse"
  route "GET /found" {
    rule "narrow" {
      when   = query.filter != null
      detail = "needs a filter"
    }
  }
}`})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	for query, status := range map[string]int{"": 422, "?filter[age]=18": 200, "?filter[age]=old": 422, "?filter[age]=1&filtre[age]=2": 422} {
		if w := request(g, "GET", "https://gw.test/found"+query, ""); w.Code != status {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
}
