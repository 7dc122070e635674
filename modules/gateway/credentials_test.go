package gateway_test

import (
	"strings"
	"testing"
)

// TestCredentialNotAskedFor sends a key to a route that asks for none: no service gets it.
func TestCredentialNotAskedFor(t *testing.T) {
	s := start(t, func(s *server) {
		s.replace("examples/shop/shop.hcl", "  limits    = [limit.per_consumer]\n", "")
		s.replace("examples/shop/shop.hcl", "    pin        = consumer.api_version\n", "")
		s.replace("examples/shop/shop.hcl", `route "GET /orders" { returns = { "data[*]" = object.order } }`,
			"route \"GET /orders\" {\n    returns   = { \"data[*]\" = object.order }\n    identify  = [anonymous]\n    authorize = public\n  }")
	})
	a := s.do(s.client(true), "GET", "/api/v2/orders", "", "X-API-Key: "+acme, "Authorization: Bearer a.b.c")
	if a.status != 200 {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	saw, _ := s.upstream.saw()
	for name, values := range saw.Header {
		if name == "X-Api-Key" || name == "Authorization" {
			t.Errorf("the service was given %s: %s", name, values)
		}
	}
}

// TestUnknownPin has a key pinned to a version that the API does not have: it does not load.
func TestUnknownPin(t *testing.T) {
	s := prepare(t, func(s *server) {
		s.replace("examples/shop/partners.keys", "consumer=globex", "consumer=globex version=v9")
	})
	err := s.load()
	if err == nil || !strings.Contains(err.Error(), `"v9"`) || !strings.Contains(err.Error(), "shop.hcl:15:") {
		t.Errorf("got %v", err)
	}
}

// TestHosts asks for hosts in several spellings: a host that no API has is misdirected, and never served.
func TestHosts(t *testing.T) {
	s := start(t, func(s *server) {
		s.caddyfile = strings.Replace(s.caddyfile, "https://localhost {", "https://localhost, https:// {", 1)
	})
	for host, want := range map[string]int{"localhost": 200, "LOCALHOST": 200, "localhost.": 200, "localhost:1": 200, "gw.test": 421, "gw.test.": 421, "localhost..": 400, "": 400} {
		s.upstream.count.Store(0)
		a := s.raw("GET /api/v2/orders HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\nX-API-Key: " + acme + "\r\n\r\n")
		if a.status != want {
			t.Errorf("host %q: got %d, want %d: %s", host, a.status, want, a.body)
		}
		if reached := s.upstream.count.Load(); (reached == 1) != (want == 200) {
			t.Errorf("host %q: %d requests reached the upstream", host, reached)
		}
	}
}
