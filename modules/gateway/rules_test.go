package gateway_test

import "testing"

// TestUnmetRules counts the rules that requests do not meet by API, version, route and rule.
func TestUnmetRules(t *testing.T) {
	s := start(t)
	count := func(rule string) string {
		return s.metric(`caddy_api_gateway_rules_unmet_total{api="orders",route="POST /orders",rule="` + rule + `",version="v1"}`)
	}
	before := [2]string{count("positive total"), count("few lines")}
	order := `{"customer_name":"Ada","customer_email":"a@b.example","verified":true,"currency":"EUR","total":{"amount":0},"lines":[{"article":"A","qty":100}]}`
	a := s.do(s.client(true), "POST", "/api/v1/orders", order, "X-API-Key: "+acme, "Content-Type: application/json")
	if a.status != 422 {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	if now := [2]string{count("positive total"), count("few lines")}; now[0] == before[0] || now[1] == before[1] || now[0] == "" {
		t.Errorf("before %q, then %q: %s", before, now, a.body)
	}
}
