package gateway_test

import (
	"crypto/tls"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3" // Caddy's own HTTP/3
)

// TestHTTP3 takes a request through all stages over QUIC: there and back, and refused.
func TestHTTP3(t *testing.T) {
	s := start(t)
	transport := &http3.Transport{TLSClientConfig: &tls.Config{RootCAs: s.roots, ServerName: "localhost"}}
	defer transport.Close()
	c := &http.Client{Transport: transport, Timeout: 20 * time.Second}
	body := `{"customer_name":"Ada","customer_email":"ada@example.org","verified":true,"currency":"EUR","total":{"amount":1},"lines":[{"article":"A-1","qty":1}]}`
	a := s.do(c, "POST", "/api/v1/orders", body, "X-API-Key: "+acme, "Content-Type: application/json", "X-Consumer-Id: admin")
	if a.status != 200 || !strings.Contains(a.body, `"customer_name":"Ada"`) {
		t.Errorf("got %d %s", a.status, a.body)
	}
	saw, got := s.upstream.saw()
	if !strings.Contains(got, `"customer":{"name":"Ada"`) || strings.Join(saw.Header.Values("X-Consumer-Id"), ",") != "acme" {
		t.Errorf("the service got %s, %v", got, saw.Header)
	}
	for path, want := range map[string]int{"/api/v1/orders/globex-1001": 403, "/api/v1/orders;x": 400, "/api/v9/orders": 404} {
		if a := s.do(c, "GET", path, "", "X-API-Key: "+acme); a.status != want || a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: got %d %s", path, a.status, a.body)
		}
	}
	if a := s.do(c, "GET", "/api/v1/orders/acme-1001", "", "X-API-Key: "+acme); a.status != 200 {
		t.Errorf("got %d %s", a.status, a.body)
	}
}
