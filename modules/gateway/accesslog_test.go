package gateway_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/otlptest"
)

// accessLine is a line of Caddy's access log, with what the gateway adds.
type accessLine struct {
	Status   int
	Duration float64
	TraceID  string `json:"traceID"`
	Size     int
	User     string `json:"user_id"`
	Request  struct {
		URI      string
		ClientIP string `json:"client_ip"`
	}
	Gateway struct {
		RequestID string `json:"request_id"`
		API       string
		Version   string
		Selected  string
		Route     string
		Stage     string
		Problem   string
		Consumer  string
		Decision  string
		Status    *int    `json:"upstream_status"`
		Tries     int     `json:"upstream_tries"`
		Upstream  float64 `json:"upstream_duration"`
		Own       float64 `json:"gateway_duration"`
	} `json:"api_gateway"`
}

// TestAccessLog looks at the lines of requests that are answered, refused, tried again and broken off. They say the same in
// Caddy's log and in the gateway's own.
func TestAccessLog(t *testing.T) {
	for directive, words := range map[string]string{"log": "\n\t\tformat api_gateway", "api_access_log": ""} {
		t.Run(directive, func(t *testing.T) {
			log := filepath.Join(t.TempDir(), "access.log")
			accessLog(t, log, directive+" {\n\t\toutput file "+log+" {\n\t\t\troll_disabled\n\t\t}"+words+"\n\t}\n")
		})
	}
}

func accessLog(t *testing.T, log, directive string) {
	otlptest.Start(t)
	s := start(t, traced, func(s *server) {
		s.caddyfile = strings.Replace(s.caddyfile, "\ttls internal\n", "\ttls internal\n\t"+directive, 1)
	})
	c := s.client(true)
	n := 0
	ask := func(path string, handler http.HandlerFunc, fields ...string) accessLine {
		t.Helper()
		s.upstream.answers(handler)
		s.do(c, "GET", path, "", fields...)
		n++
		var line accessLine
		s.within(10*time.Second, "the line is written", func() bool {
			text, _ := os.ReadFile(log)
			lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
			return len(lines) == n && json.Unmarshal(lines[n-1], &line) == nil
		})
		return line
	}
	slow := func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(20 * time.Millisecond) // what is measured
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, order)
	}
	key := "X-API-Key: " + acme
	l := ask("/api/v1/orders/acme-1001", slow, key, parent(traceOf(1), "01"))
	if g := l.Gateway; g.API != "orders" || g.Version != "v1" || g.Selected != "path" || g.Route != "GET /orders/{id}" || g.Consumer != "acme" || g.Decision == "" || g.RequestID == "" || g.Stage != "" || g.Problem != "" {
		t.Errorf("answered: %+v", g)
	}
	if g := l.Gateway; g.Status == nil || *g.Status != 200 || g.Tries != 1 || g.Upstream < .02 || g.Own <= 0 || g.Upstream+g.Own > l.Duration || l.TraceID != traceOf(1) || l.Status != 200 || l.Size == 0 || l.User != "acme" || l.Request.URI != "/api/v1/orders/acme-1001" || l.Request.ClientIP != "127.0.0.1" {
		t.Errorf("answered: %+v", l)
	}
	if g := ask("/api/v2/orders/acme-1001", nil).Gateway; g.Stage != "identify" || g.Problem != "unauthorized" || g.Consumer != "" || g.Status != nil || g.Upstream != 0 || g.Own <= 0 {
		t.Errorf("refused: %+v", g)
	}
	first := true
	again := func(w http.ResponseWriter, r *http.Request) {
		if first {
			first = false
			w.WriteHeader(503)
			return
		}
		slow(w, r)
	}
	if g := ask("/api/v2/orders/acme-1001", again, key).Gateway; g.Tries != 2 || g.Status == nil || *g.Status != 200 || g.Problem != "" || g.Stage != "" {
		t.Errorf("tried again: %+v", g)
	}
	if g := ask("/api/v2/orders/acme-1001", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, key).Gateway; g.Problem != "bad-gateway" || g.Status == nil || *g.Status != 0 {
		t.Errorf("broken: %+v", g)
	}
	if l := ask("/api/v9/orders", nil, key); l.Gateway.Problem == "" || l.Gateway.API != "orders" {
		t.Errorf("of no version: %+v", l)
	}
}
