package gateway_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestQuotasOfAPolicy has the policy of a route say by which quotas its caller is counted.
func TestQuotasOfAPolicy(t *testing.T) {
	s := start(t, func(s *server) {
		s.write("policies/shop/orders.rego", s.read("policies/shop/orders.rego")+`
limits := {limit: {quota: to_number(requests)}} if [limit, quota, requests] = split(input.request.headers["x-limit"][0], " ")
`)
		s.replace("examples/shop/shop.hcl", "requests = 10000000\n", "requests = 4\n") // the daily quota, which hardly refills while a test runs
	})
	c := s.client(true)
	const burst = `"burst";q=100000;w=10, `
	order := "/api/2026-11-01/orders/acme-1001"
	count := s.upstream.count.Load()
	for i, step := range []struct {
		method, path, body string
		limit              string // of the policy; "" for none
		status             int
		policy             string // of the daily quota
		left               int
		none               bool // the request reaches no service
	}{
		{"GET", order, "", "per_consumer daily 1000", 200, "q=1000", 999, false},
		{"GET", order, "", "per_consumer daily 1000", 200, "q=1000", 998, false},
		{"GET", order, "", "", 200, "q=4", 2, false},                                          // of what is left, next to nothing is used up
		{"DELETE", order, "", "per_consumer daily 1000", 403, "q=4", 1, true},                 // who is denied is counted as written
		{"POST", "/api/2026-11-01/orders", "{}", "per_consumer daily 9", 422, "q=4", 0, true}, // as is who comes to no decision
		{"GET", order, "", "", 429, "q=4", 0, true},
		{"POST", "/api/2026-11-01/orders", "{}", "", 429, "q=4", 0, true}, // before it is told what is wrong
		{"GET", order, "", "per_consumer daily 0", 429, "q=0", 0, true},
		{"GET", order, "", "per_consumer weekly 9", 429, "q=4", 0, true}, // a quota that is not there
	} {
		fields := []string{"X-API-Key: " + acme, "Content-Type: application/json"}
		if step.limit != "" {
			fields = append(fields, "X-Limit: "+step.limit)
		}
		a := s.do(c, step.method, step.path, step.body, fields...)
		policy, state := a.header.Get("RateLimit-Policy"), a.header.Get("RateLimit")
		if a.status != step.status || policy != burst+`"daily";`+step.policy+`;w=86400` || !strings.Contains(state, fmt.Sprintf(`"daily";r=%d`, step.left)) {
			t.Errorf("step %d: got %d, %s and %s: %s", i, a.status, policy, state, a.body)
		}
		if !step.none {
			count++
		}
		if got := s.upstream.count.Load(); got != count {
			t.Errorf("step %d: %d requests reached the service, want %d", i, got, count)
		}
	}
	globex := []string{"X-API-Key: wrong"}
	if a := s.do(c, "GET", order, "", globex...); a.status != 401 || a.header.Get("RateLimit") != "" {
		t.Errorf("nobody is counted: %d %v", a.status, a.header)
	}
}

// What the route does not have cannot be overridden, which is a denial.
func TestQuotasThatARouteDoesNotHave(t *testing.T) {
	s := start(t, func(s *server) {
		s.write("policies/shop/orders.rego", s.read("policies/shop/orders.rego")+"\nlimits.per_consumer[input.request.headers[\"x-quota\"][0]] := 5\n")
	})
	c := s.client(true)
	for quota, status := range map[string]int{"daily": 200, "weekly": 403} {
		a := s.do(c, "GET", "/api/2026-11-01/orders/acme-1001", "", "X-API-Key: "+acme, "X-Quota: "+quota)
		if a.status != status || a.header.Get("RateLimit") == "" {
			t.Errorf("%s: got %d %v %s", quota, a.status, a.header, a.body)
		}
	}
	s.replace("examples/shop/shop.hcl", "limits    = [limit.per_consumer]", "")
	s.within(10*time.Second, "nothing is counted", func() bool {
		a := s.do(c, "GET", "/api/2026-11-01/orders/acme-1001", "", "X-API-Key: "+acme, "X-Quota: daily")
		return a.status == 403 && a.header.Get("RateLimit") == ""
	})
}
