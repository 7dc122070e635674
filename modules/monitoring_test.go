package modules_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "github.com/wicketgate/wicketgate/examples/shop/backend" // the service of the example
	"github.com/wicketgate/wicketgate/internal/prometheustest"
	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

const monitoring = "../examples/monitoring/"

// ourMetric finds the gateway's metrics in an expression.
var ourMetric = regexp.MustCompile(`caddy_api_gateway_\w+`)

// unknownMetric gives the first metric of an expression that the gateway does not register.
func unknownMetric(all []described, expression string) string {
	for _, name := range ourMetric.FindAllString(expression, -1) {
		if !slices.ContainsFunc(all, func(m described) bool {
			return m.name == name || m.kind == "histogram" && (name == m.name+"_bucket" || name == m.name+"_sum" || name == m.name+"_count")
		}) {
			return name
		}
	}
	return ""
}

// TestAlerts runs the tests of the alert rules with Prometheus's own tool. Each rule must have one in which it fires, and
// ask for metrics that there are.
func TestAlerts(t *testing.T) {
	rules := readPage(t, monitoring+"alerts.yml")
	tests := readPage(t, monitoring+"alerts_test.yml")
	prometheustest.Tool(t, nil, "check", "config", monitoring+"prometheus.yml")
	prometheustest.Tool(t, nil, "test", "rules", monitoring+"alerts_test.yml")
	names := regexp.MustCompile(`(?m)^ +- alert: (\w+)$`).FindAllStringSubmatch(rules, -1)
	if len(names) < 15 {
		t.Fatalf("%d alerts were found", len(names))
	}
	for _, name := range names {
		if !regexp.MustCompile(`alertname: ` + name[1] + `\n +exp_alerts:\n`).MatchString(tests) {
			t.Errorf("in no test %s fires", name[1])
		}
		if !regexp.MustCompile(`alertname: `+name[1]+`\n +exp_alerts: \[\]\n`).MatchString(tests) && name[1] != "GatewayBreakerOpen" {
			t.Errorf("in no test %s is quiet", name[1])
		}
	}
	if name := unknownMetric(registered(t), rules); name != "" {
		t.Errorf("an alert asks for %s, which the gateway does not have", name)
	}
}

func readPage(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// dashboard is what is looked at of Grafana's JSON.
type dashboard struct {
	Panels []struct {
		ID      int
		Title   string
		Type    string
		Targets []struct{ Expr string }
	}
	Templating struct {
		List []struct{ Name, Definition string }
	}
	Annotations struct{ List []struct{ Expr string } }
}

// elsewhere begins the names of metrics that a gateway like the example's has no samples of: it has no bundle, no Redis, no
// third party and no api_access_log, and nothing fails.
var elsewhere = regexp.MustCompile(`caddy_api_gateway_(access_log_|bundle_|counters_(mode|gateways|failures)|issuer_|integration_|decision_log_|shadow_|stage_denials|upstream_|answers_checked|idempotency)`)

// TestMonitoring has the Prometheus of the example scrape the gateway of the example under a little traffic, and runs every
// query of the dashboard and every alert rule on it.
func TestMonitoring(t *testing.T) {
	var board dashboard
	if err := json.Unmarshal([]byte(readPage(t, monitoring+"dashboard.json")), &board); err != nil {
		t.Fatal(err)
	}
	known := registered(t)
	prometheustest.Find(t, "prometheus")
	metrics := strconv.Itoa(gatewaytest.FreePort(t))
	t.Setenv("METRICS_PORT", metrics)
	t.Setenv("ACCESS_LOG", "discard")
	t.Setenv("ADMIN", "localhost:"+strconv.Itoa(gatewaytest.FreePort(t)))
	t.Setenv("DATA", t.TempDir())
	g := gatewaytest.Start(t, monitoring+"Caddyfile")
	traffic := shopTraffic(t, g)
	traffic()

	alerts, err := filepath.Abs(monitoring + "alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	p := prometheustest.Run(t, strings.NewReplacer("15s", "1s", "- alerts.yml", "- "+alerts, "127.0.0.1:9180", "127.0.0.1:"+metrics).
		Replace(readPage(t, monitoring+"prometheus.yml")))
	g.Within(time.Minute, "Prometheus sees the traffic", func() bool {
		traffic()
		rows := p.Query(`sum(rate(caddy_api_gateway_requests_total[30s])) > 0 and sum(rate(caddy_api_gateway_webhook_attempts_total[30s])) >= 0`)
		return len(rows) > 0
	})

	queries := 0
	run := func(of, expression string) {
		if name := unknownMetric(known, expression); name != "" {
			t.Errorf("%s: the gateway has no %s", of, name)
		}
		queries++
		expression = strings.NewReplacer("$__rate_interval", "30s", "$api", ".*").Replace(expression)
		if strings.Contains(expression, "$") {
			t.Errorf("%s: what is $ in %s?", of, expression)
		}
		rows := p.Query(expression) // fails where it is none
		if len(rows) == 0 && !elsewhere.MatchString(expression) {
			t.Errorf("%s: there is no result of %s", of, expression)
		}
	}
	for _, panel := range board.Panels {
		if len(panel.Targets) == 0 && panel.Type != "row" {
			t.Errorf("%s asks nothing", panel.Title)
		}
		for _, target := range panel.Targets {
			run(panel.Title, target.Expr)
		}
	}
	for _, v := range board.Templating.List {
		if inner, ok := strings.CutPrefix(v.Definition, "label_values("); ok {
			metric, label, _ := strings.Cut(strings.TrimSuffix(inner, ")"), ", ")
			run("the variable "+v.Name, "group by ("+label+") ("+metric+")")
		}
	}
	for _, a := range board.Annotations.List {
		if a.Expr != "" {
			p.Query(a.Expr)
			queries++
		}
	}
	if queries < 50 {
		t.Errorf("only %d queries were found", queries)
	}
	g.Within(30*time.Second, "all alerts have been evaluated", func() bool {
		return !slices.ContainsFunc(p.Rules(), func(r prometheustest.Rule) bool { return r.Health == "unknown" })
	})
	for _, r := range p.Rules() {
		if r.Health != "ok" || r.State == "firing" { // on a slow machine one may be pending
			t.Errorf("%s is %s and %s: %s", r.Name, r.Health, r.State, r.LastError)
		}
	}
	checkKinds(t, known, metrics)
}

// shopTraffic gives what sends some requests of each kind: good ones, ones that are refused, and webhooks.
func shopTraffic(t *testing.T, g *gatewaytest.Gateway) func() {
	const key = "X-API-Key: wg_5BhEtQB3LP1l_Wnh6Mvw6wIbZHbGsKo5LBFAQgREDoTRJ04cPU9STemz1tpAc1"
	return func() {
		for _, c := range []struct {
			method, path, body, field string
			status                    int
		}{
			{"GET", "/api/v2/orders/acme-1001", "", key, 200},
			{"GET", "/api/2026-11-01/orders", "", key, 200},
			{"GET", "/api/v2/orders/acme-1001", "", "Accept: */*", 401},
			{"GET", "/api/v2/nothing", "", key, 404},
			{"POST", "/api/2026-11-01/orders", `{"customer":{"name":"Ada","email":"ada@example.org"},"currency":"GBP","total":{"amount":-1},"lines":[{"sku":"A-1","qty":1}]}`, key, 422},
		} {
			a := g.Do(c.method, c.path, c.body, c.field, "Content-Type: application/json")
			if a.Status != c.status && a.Status != http.StatusTooManyRequests {
				t.Fatalf("%s %s: %d %s", c.method, c.path, a.Status, a.Body)
			}
		}
		for range 20 { // more than the quota
			g.Do("GET", "/api/v2/orders/acme-1001", "", key)
		}
		mac := hmac.New(sha256.New, []byte("It's a Secret to Everybody"))
		mac.Write([]byte("{}"))
		g.Within(20*time.Second, "the ledger is open", func() bool {
			a := g.Do("POST", "/hooks/github", "{}", "X-GitHub-Event: push", "X-GitHub-Delivery: "+strconv.FormatInt(time.Now().UnixNano(), 10),
				"X-Hub-Signature-256: sha256="+hex.EncodeToString(mac.Sum(nil)))
			return a.Status == http.StatusOK
		})
	}
}

// checkKinds holds the types on the page against those that are scraped.
func checkKinds(t *testing.T, known []described, port string) {
	t.Helper()
	res, err := http.Get("http://127.0.0.1:" + port + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, line := range regexp.MustCompile(`(?m)^# TYPE (caddy_api_gateway_\w+) (\w+)$`).FindAllStringSubmatch(string(text), -1) {
		found++
		if i := slices.IndexFunc(known, func(m described) bool { return m.name == line[1] }); i < 0 || known[i].kind != line[2] {
			t.Errorf("%s is a %s, which the page does not say", line[1], line[2])
		}
	}
	if found < 20 {
		t.Errorf("only %d metrics were scraped", found)
	}
}
