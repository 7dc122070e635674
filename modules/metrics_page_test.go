package modules_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/wicketgate/wicketgate/internal/prometheustest"
)

const metricsHead = `# Metrics: reference

<!-- Made from the metrics that the gateway registers by go generate ./modules -->

Caddy answers them at ` + "`/metrics`" + ` of its admin API, beside its own. Labels are bounded: APIs, versions, routes, limits, rules,
upstreams, integrations and webhooks are the configuration's, stages, results and problems closed tables. No consumer is
a label: who calls what is in [usage](usage.md). Counts go on over reloads of files and of Caddy, and begin anew when
the process does. What is not configured has no samples: counters in memory tell nothing of Redis.

[examples/monitoring](../examples/monitoring/README.md) has alert rules, a dashboard, and the Prometheus that they are for.

| metric | type | labels | |
|---|---|---|---|
`

// described is one metric as the registry has it.
type described struct{ name, help, labels, kind string }

// aMetric is how a description prints, which is the only way to ask for what it says.
var aMetric = regexp.MustCompile(`^Desc\{fqName: ("(?:[^"\\]|\\.)*"), help: ("(?:[^"\\]|\\.)*"), (?:unit: "[^"]*", )?constLabels: \{(.*)\}, variableLabels: \{(.*)\}\}$`)

// registered are all metrics of the gateway, from configurations that together use all that has some.
func registered(t *testing.T) []described {
	t.Helper()
	folder := t.TempDir()
	all := map[string]described{}
	for _, config := range []string{
		`{"policies": {"source": "bundle", "url": "https://bundles.example/gw.tar.gz"}, "decision_log": {"upload": {"url": "https://logs.example/logs"}}}`,
		`{"counters": {"engine": "redis", "address": "redis://127.0.0.1:1", "on_error": "local"}}`,
	} {
		t.Setenv("XDG_DATA_HOME", filepath.Join(folder, "data"))
		ctx, err := caddy.ProvisionContext(&caddy.Config{
			Admin:   &caddy.AdminConfig{Disabled: true},
			Logging: &caddy.Logging{Logs: map[string]*caddy.CustomLog{"default": {BaseLog: caddy.BaseLog{Level: "ERROR"}}}},
			AppsRaw: caddy.ModuleMap{
				"api_gateway": json.RawMessage(config),
				"http": json.RawMessage(`{"servers": {"one": {"listen": ["127.0.0.1:1"], "automatic_https": {"disable": true}, "listener_wrappers": [{"wrapper": "api_framing"}],
					"routes": [{"handle": [{"handler": "api_access_log", "writer": {"output": "discard"}}, {"handler": "api_validate", "body": "json"}]}]}}}`),
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		found := make(chan *prometheus.Desc)
		go func() {
			defer close(found)
			ctx.GetMetricsRegistry().Describe(found)
		}()
		for d := range found {
			parts := aMetric.FindStringSubmatch(d.String())
			if parts == nil {
				t.Fatalf("%s reads like nothing known", d)
			}
			var m described
			if err := json.Unmarshal([]byte(parts[1]), &m.name); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(parts[2]), &m.help); err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(m.name, "caddy_api_gateway_") {
				continue // Caddy's own
			}
			var labels []string
			for part := range strings.SplitSeq(parts[3], ",") { // api="orders"
				name, _, _ := strings.Cut(part, "=")
				labels = append(labels, name)
			}
			labels = append(labels, strings.Split(parts[4], ",")...)
			labels = slices.DeleteFunc(labels, func(name string) bool { return name == "" })
			m.labels, m.kind = strings.Join(labels, ", "), kindOf(m.name)
			if other, twice := all[m.name]; twice && other != m {
				t.Errorf("%+v is also %+v", m, other)
			}
			all[m.name] = m
		}
	}
	var sorted []described
	for _, m := range all {
		sorted = append(sorted, m)
	}
	slices.SortFunc(sorted, func(a, b described) int { return cmp.Compare(a.name, b.name) })
	return sorted
}

// kindOf is the type of a metric, by the conventions that the names follow; TestMonitoring holds it against what is scraped.
func kindOf(name string) string {
	switch {
	case strings.HasSuffix(name, "_total"):
		return "counter"
	case strings.HasSuffix(name, "_duration_seconds"), name == "caddy_api_gateway_quota_used_ratio":
		return "histogram"
	}
	return "gauge"
}

// TestTheMetricsPageIsCurrent holds the page against the metrics themselves, and has Prometheus's tool look at them.
func TestTheMetricsPageIsCurrent(t *testing.T) {
	const page = "../docs/metrics.md"
	all := registered(t)
	if len(all) < 40 {
		t.Fatalf("only %d metrics are registered", len(all))
	}
	var out strings.Builder
	out.WriteString(metricsHead)
	for _, m := range all {
		labels := "" // of code, each
		if m.labels != "" {
			labels = "`" + strings.ReplaceAll(m.labels, ", ", "`, `") + "`"
		}
		fmt.Fprintf(&out, "| `%s` | %s | %s | %s |\n", m.name, m.kind, labels, strings.ReplaceAll(escape(m.help), "|", "\\|"))
	}
	if *update {
		if err := os.WriteFile(page, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != out.String() {
		t.Errorf("%s is not what is registered: run go generate ./modules", page)
	}
}

// TestMetricNames has Prometheus's own tool look at every metric, those that nothing has been counted in included.
func TestMetricNames(t *testing.T) {
	var text strings.Builder
	for _, m := range registered(t) {
		fmt.Fprintf(&text, "# HELP %s %s\n# TYPE %s %s\n", m.name, strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(m.help), m.name, m.kind)
		var labels []string
		for name := range strings.SplitSeq(m.labels, ", ") {
			if name != "" {
				labels = append(labels, name+`="x"`)
			}
		}
		if m.kind != "histogram" {
			fmt.Fprintf(&text, "%s{%s} 1\n", m.name, strings.Join(labels, ","))
			continue
		}
		fmt.Fprintf(&text, "%s_bucket{%s} 1\n", m.name, strings.Join(append(slices.Clone(labels), `le="+Inf"`), ","))
		fmt.Fprintf(&text, "%s_sum{%s} 1\n%s_count{%s} 1\n", m.name, strings.Join(labels, ","), m.name, strings.Join(labels, ","))
	}
	if said := prometheustest.Tool(t, strings.NewReader(text.String()), "check", "metrics"); said != "" {
		t.Errorf("promtool: %s", said)
	}
}
