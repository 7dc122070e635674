package gateway_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFraming has HTTP/1.1 requests that have two readings refused before the gateway sees them, and counted. Where that is not
// so, the log says it once for a server.
func TestFraming(t *testing.T) {
	const wrappers = "\t\tlistener_wrappers {\n\t\t\tapi_framing\n\t\t}\n"
	log := filepath.Join(t.TempDir(), "log")
	logged := func(s *server) {
		s.caddyfile = strings.Replace(s.caddyfile, "level ERROR", "level WARN\n\t\toutput file "+log, 1)
		s.caddyfile = strings.Replace(s.caddyfile, "https://localhost {", "https://127.0.0.1 {\n\ttls internal\n\tapi_gateway\n}\nhttps://localhost {", 1)
	}
	said := func() int {
		text, err := os.ReadFile(log)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return strings.Count(string(text), "api_framing is missing")
	}
	s := start(t, logged)
	a := s.raw("POST /api/v2/orders HTTP/1.1\r\nHost: localhost\r\nX-API-Key: " + acme + "\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n0\r\n\r\n")
	if a.status != 400 || !strings.Contains(a.body, "the length of the body is told in two ways") {
		t.Errorf("answered %d %s", a.status, a.body)
	}
	if metrics := s.admits("/metrics"); !strings.Contains(metrics, `caddy_api_gateway_framing_refusals_total{reason="length_and_coding"} `) {
		t.Error("it is not counted")
	}
	if said() != 0 {
		t.Error("the log says that it is not so")
	}
	s.caddyfile = strings.Replace(s.caddyfile, wrappers, "\t\tkeepalive_interval 15s\n", 1)
	if err := s.load(); err != nil {
		t.Fatal(err)
	}
	if said() != 1 {
		t.Errorf("the log says %d times that it is not so", said())
	}
	s.caddyfile = strings.Replace(s.caddyfile, "keepalive_interval 15s", "protocols h2 h3", 1)
	if err := s.load(); err != nil {
		t.Fatal(err)
	}
	if said() != 1 {
		t.Error("the log says it of a server that does not speak HTTP/1.1")
	}
}
