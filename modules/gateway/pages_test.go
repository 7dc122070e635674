package gateway_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestPages calls as a page of another origin does: its browser asks first, without a credential, and then reads what
// every answer says of who may read it, whatever the service says.
func TestPages(t *testing.T) {
	s := start(t, func(s *server) {
		s.replace("examples/shop/shop.hcl", "  versioning {\n", "  cors { origins = [\"https://www.shop.example\"] }\n  versioning {\n")
	})
	s.upstream.answers(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Access-Control-Allow-Credentials", "true")
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(order))
	})
	const page = "Origin: https://www.shop.example"
	for _, http2 := range []bool{false, true} {
		c := s.client(http2)
		a := s.do(c, "OPTIONS", "/api/v1/orders/acme-1001", "", page, "Access-Control-Request-Method: DELETE", "Access-Control-Request-Headers: x-api-key")
		if a.status != 204 || a.header.Get("Access-Control-Allow-Origin") != "https://www.shop.example" ||
			!strings.Contains(a.header.Get("Access-Control-Allow-Methods"), "DELETE") || !strings.Contains(a.header.Get("Access-Control-Allow-Headers"), "X-Api-Key") {
			t.Errorf("preflight: %d %v", a.status, a.header)
		}
		for _, test := range []struct {
			path, key, origin string
			status            int
			allowed           []string
		}{
			{"/api/v1/orders/acme-1001", acme, page, 200, []string{"https://www.shop.example"}},
			{"/api/v1/orders/acme-1001", acme, "Origin: https://evil.example", 200, nil},
			{"/api/v1/orders/acme-1001", acme[:40], page, 401, []string{"https://www.shop.example"}},
			{"/api/v9/orders/acme-1001", acme, page, 404, []string{"https://www.shop.example"}},
		} {
			a := s.do(c, "GET", test.path, "", test.origin, "X-API-Key: "+test.key)
			if got := a.header["Access-Control-Allow-Origin"]; a.status != test.status || strings.Join(got, "|") != strings.Join(test.allowed, "|") || a.header["Access-Control-Allow-Credentials"] != nil {
				t.Errorf("%s of %s: %d %v", test.path, test.origin, a.status, a.header)
			}
			if !strings.Contains(strings.Join(a.header["Vary"], ", "), "Origin") {
				t.Errorf("%s of %s: Vary %v", test.path, test.origin, a.header["Vary"])
			}
		}
	}
}
