package gateway_test

import (
	"strings"
	"testing"
)

// TestPin asks without naming a version: the caller's credential may, else the API's default does. Either way the
// caller is identified once, and policy and upstream know who it is.
func TestPin(t *testing.T) {
	s := start(t, func(s *server) { s.replace("examples/shop/partners.keys", "consumer=acme", "consumer=acme version=v1") })
	tests := []struct {
		name, path, field string
		status            int
		version           string // in whose shape the order comes
	}{
		{"pinned", "/api/orders/acme-1001", "X-API-Key: " + acme, 200, "v1"},
		{"pinned, another's order", "/api/orders/globex-1001", "X-API-Key: " + acme, 403, ""},
		{"pinned, and a version named", "/api/2026-11-01/orders/acme-1001", "X-API-Key: " + acme, 200, "2026-11-01"},
		{"not pinned: the default", "/api/orders/globex-1001", "X-API-Key: " + globex, 200, "v2"},
		{"not pinned, another's order", "/api/orders/acme-1001", "X-API-Key: " + globex, 403, ""},
		{"nobody", "/api/orders/acme-1001", "X-Nothing: x", 401, ""},
		{"a wrong key", "/api/orders/acme-1001", "X-API-Key: " + acme[:40], 401, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := s.upstream.count.Load()
			a := s.do(s.client(true), "GET", test.path, "", test.field)
			if a.status != test.status {
				t.Fatalf("got %d, want %d: %s", a.status, test.status, a.body)
			}
			if reached := s.upstream.count.Load() - before; (reached == 1) != (test.status == 200) {
				t.Errorf("%d requests reached the upstream", reached)
			}
			if shape := shapeOf(a.body); shape != test.version {
				t.Errorf("got the shape of %q, want %q: %s", shape, test.version, a.body)
			}
			if saw, _ := s.upstream.saw(); test.status == 200 && (saw.Header.Get("X-Api-Key") != "" || !strings.Contains(test.path, saw.Header.Get("X-Consumer-Id")+"-")) {
				t.Errorf("the upstream was told %v", saw.Header)
			}
			byKey := strings.Contains(strings.Join(a.header.Values("Vary"), ", "), "X-Api-Key")
			if named := strings.Contains(test.path, "2026"); byKey == named && test.status != 401 {
				t.Errorf("Vary: %s", a.header.Values("Vary"))
			}
		})
	}
}

// shapeOf says in which version's shape an order is, "" for none.
func shapeOf(body string) string {
	switch {
	case strings.Contains(body, `"customer_name"`):
		return "v1"
	case strings.Contains(body, `"article"`):
		return "v2"
	case strings.Contains(body, `"sku"`):
		return "2026-11-01"
	}
	return ""
}
