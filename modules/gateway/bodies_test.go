package gateway_test

import "testing"

// notes decides about bodies of any kind.
const notes = `package notes

import input.attributes.request.http as http_request

allow if input.parsed_body.text[0] == "fragile"

allow if {
	input.parsed_body == null
	http_request.body == "fragile"
}

allow if input.parsed_body.fragile
`

// envoyOrders decides about orders in the words of Envoy.
const envoyOrders = `package envoyorders

allow if {
	input.parsed_body.customer.name == "Ada"
	not input.parsed_body.customer_name
	json.unmarshal(input.attributes.request.http.body) == input.parsed_body
	input.attributes.request.http.headers["content-type"] == "application/json"
	input.parsed_path == ["api", "v1", "orders"]
	not input.attributes.request.http.headers["x-api-key"]
}
`

// TestPoliciesInTheWordsOfEnvoy serves a catalogue whose policies read bodies as Envoy gives them: of any media type where
// nothing else reads them, and in the newest version's shape where that is JSON.
func TestPoliciesInTheWordsOfEnvoy(t *testing.T) {
	s := start(t, func(s *server) {
		s.write("policies/notes.rego", notes)
		s.write("policies/envoyorders.rego", envoyOrders)
		s.replace("examples/shop/shop.hcl", `  route "POST /orders" {`, `  route "POST /orders/{id}/notes" { authorize = policy.notes }
  route "POST /orders" {
    authorize = policy.envoyorders`)
	})
	key := "X-API-Key: " + acme
	for _, c := range []struct {
		name, kind, path, body string
		status                 int
	}{
		{"a form", "application/x-www-form-urlencoded", "/api/orders/1/notes", "text=fragile", 200},
		{"another form", "application/x-www-form-urlencoded", "/api/orders/1/notes", "text=robust", 403},
		{"a broken form", "application/x-www-form-urlencoded", "/api/orders/1/notes", "text=%zz", 400},
		{"text", "text/plain", "/api/orders/1/notes", "fragile", 200},
		{"another text", "text/plain", "/api/orders/1/notes", "robust", 403},
		{"JSON", "application/json", "/api/orders/1/notes", `{"fragile": true}`, 200},
		{"JSON as text", "text/plain", "/api/orders/1/notes", `{"fragile": true}`, 403},
		{"broken JSON", "application/json", "/api/orders/1/notes", `{"fragile": true`, 400},
		{"an order of an old version", "application/json", "/api/v1/orders", `{"customer_name":"Ada","customer_email":"a@b.example","verified":true,"currency":"EUR","total":{"amount":1},"lines":[{"article":"A","qty":1}]}`, 200},
		{"another customer's", "application/json", "/api/v1/orders", `{"customer_name":"Eve","customer_email":"a@b.example","verified":true,"currency":"EUR","total":{"amount":1},"lines":[{"article":"A","qty":1}]}`, 403},
		{"an order as text", "text/plain", "/api/v1/orders", `{}`, 415},
	} {
		before := s.upstream.count.Load()
		a := s.do(s.client(true), "POST", c.path, c.body, key, "Content-Type: "+c.kind)
		if a.status != c.status {
			t.Errorf("%s: got %d %s, want %d", c.name, a.status, a.body, c.status)
		}
		if reached := s.upstream.count.Load() > before; reached != (c.status == 200) {
			t.Errorf("%s: reached the service: %v", c.name, reached)
		}
		if _, body := s.upstream.saw(); c.status == 200 && c.path == "/api/orders/1/notes" && body != c.body {
			t.Errorf("%s: the service got %s", c.name, body)
		}
	}
}
