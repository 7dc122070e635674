package gateway_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/prometheustest"
)

// TestMetrics has a real Prometheus scrape a gateway under traffic, and its tool look at all that it is told.
func TestMetrics(t *testing.T) {
	s := start(t)
	c := s.client(true)
	for range 5 {
		if a := s.do(c, http.MethodGet, "/api/v2/orders/acme-1001", "", "X-API-Key: "+acme); a.status != http.StatusOK {
			t.Fatal(a.status, a.body)
		}
		s.do(c, http.MethodGet, "/api/v2/orders/acme-1001", "")
	}
	res, err := http.Get(fmt.Sprintf("http://localhost:%d/metrics", s.admin))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var ours strings.Builder // Caddy's own are not ours to mend
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(strings.TrimPrefix(strings.TrimPrefix(line, "# HELP "), "# TYPE "), "caddy_api_gateway_") {
			ours.WriteString(line)
		}
	}
	if said := prometheustest.Tool(t, strings.NewReader(ours.String()), "check", "metrics"); said != "" {
		t.Errorf("promtool: %s", said)
	}

	p := prometheustest.Start(t, fmt.Sprintf("127.0.0.1:%d", s.admin))
	for _, row := range []struct{ query, want string }{
		{`sum by (api, version, class) (histogram_count(caddy_api_gateway_request_duration_seconds{class="2xx"}))`, "5"},
		{`sum by (api, version, class) (histogram_count(caddy_api_gateway_request_duration_seconds{class="4xx"}))`, "5"},
		{`histogram_quantile(0.5, sum(caddy_api_gateway_request_duration_seconds)) < bool 10`, "1"},
		{`histogram_count(caddy_api_gateway_stage_duration_seconds{stage="upstream",way="up"})`, "5"},
		{`histogram_count(caddy_api_gateway_stage_duration_seconds{stage="identify",way="up"})`, "10"},
		{`histogram_count(caddy_api_gateway_stage_duration_seconds{stage="answer",way="back"})`, "10"},
		{`sum(caddy_api_gateway_denials_total{problem="unauthorized"})`, "5"},
	} {
		if got := p.Within(30*time.Second, row.query); len(got) != 1 || got[0].Value != row.want {
			t.Errorf("%s gives %v, want %s", row.query, got, row.want)
		}
	}
}
