package gateway_test

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/prometheustest"
)

// TestMetrics has a real Prometheus scrape a gateway under traffic, and its tool look at all that it is told.
func TestMetrics(t *testing.T) {
	s := start(t)
	c := s.client(true)
	// The counts are the process's, and other tests have counted too. Each query gives something before the traffic.
	s.do(c, http.MethodGet, "/api/v2/orders/acme-1001", "", "X-API-Key: "+acme)
	s.do(c, http.MethodGet, "/api/v2/orders/acme-1001", "")
	p := prometheustest.Start(t, fmt.Sprintf("127.0.0.1:%d", s.admin))
	counts := []struct {
		query string
		more  float64
	}{
		{`sum(histogram_count(caddy_api_gateway_request_duration_seconds{api="orders",version="v2",class="2xx"}))`, 5},
		{`sum(histogram_count(caddy_api_gateway_request_duration_seconds{api="orders",version="v2",class="4xx"}))`, 5},
		{`histogram_count(caddy_api_gateway_stage_duration_seconds{api="orders",stage="upstream",way="up"})`, 5},
		{`histogram_count(caddy_api_gateway_stage_duration_seconds{api="orders",stage="identify",way="up"})`, 10},
		{`histogram_count(caddy_api_gateway_stage_duration_seconds{api="orders",stage="answer",way="back"})`, 10},
		{`sum(caddy_api_gateway_quota_used_ratio_count{limit="per_consumer",quota="burst"})`, 5},
		{`sum(caddy_api_gateway_denials_total{api="orders",problem="unauthorized"})`, 5},
	}
	count := func(query string) float64 {
		rows := p.Within(30*time.Second, query)
		n, err := strconv.ParseFloat(rows[0].Value, 64)
		if len(rows) != 1 || err != nil {
			t.Fatalf("%s gives %v", query, rows)
		}
		return n
	}
	before := make([]float64, len(counts))
	for i, c := range counts {
		before[i] = count(c.query)
	}
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

	for i, c := range counts {
		now := 0.0
		for end := time.Now().Add(30 * time.Second); now != before[i]+c.more && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			now = count(c.query)
		}
		if now != before[i]+c.more {
			t.Errorf("%s gives %v, and before %v; want %v more", c.query, now, before[i], c.more)
		}
	}
	if got := p.Within(30*time.Second, `histogram_quantile(0.5, sum(caddy_api_gateway_request_duration_seconds)) < bool 10`); got[0].Value != "1" {
		t.Errorf("the median is %v", got)
	}
}
