// Package prometheustest runs a real Prometheus in tests: what the gateway counts is scraped by it, and what is written
// for it - queries, alert rules, dashboards - it answers itself.
package prometheustest

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Find gives the path of a program of Prometheus's, "prometheus" or "promtool". Where there is none the test is skipped,
// and fails in CI.
func Find(t testing.TB, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	const how = "%s is needed; install Debian's package prometheus, or https://prometheus.io/download"
	if os.Getenv("CI") != "" {
		t.Fatalf(how, program)
	}
	t.Skipf(how, program)
	return ""
}

// Tool runs promtool with what it reads from standard input, and gives what it says. A failure ends the test.
func Tool(t testing.TB, stdin io.Reader, args ...string) string {
	t.Helper()
	cmd := exec.Command(Find(t, "promtool"), args...)
	cmd.Stdin = stdin
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("promtool %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// Server is a Prometheus that scrapes one target each second, native histograms included.
type Server struct {
	t    testing.TB
	base string
}

// Start starts one that scrapes the metrics at target, a host and port, and ends it with the test. rules are files of
// alert and recording rules.
func Start(t testing.TB, target string, rules ...string) *Server {
	t.Helper()
	config := map[string]any{
		"global":         map[string]any{"scrape_interval": "1s", "evaluation_interval": "1s"},
		"scrape_configs": []any{map[string]any{"job_name": "gateway", "static_configs": []any{map[string]any{"targets": []string{target}}}}},
	}
	if len(rules) > 0 {
		config["rule_files"] = rules
	}
	text, err := json.Marshal(config) // which is YAML too
	if err != nil {
		t.Fatal(err)
	}
	return Run(t, string(text), "--enable-feature=native-histograms")
}

// Run starts one with a configuration of its own, and ends it with the test.
func Run(t testing.TB, config string, flags ...string) *Server {
	t.Helper()
	program := Find(t, "prometheus")
	dir := t.TempDir()
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, append([]string{"--config.file=" + file, "--storage.tsdb.path=" + filepath.Join(dir, "data"),
		"--web.listen-address=" + address, "--log.level=warn"}, flags...)...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = log.Close()
		if t.Failed() {
			said, _ := os.ReadFile(log.Name())
			t.Logf("prometheus: %s", said)
		}
	})
	s := &Server{t, "http://" + address}
	s.within(time.Minute, "Prometheus is ready", func() bool {
		res, err := http.Get(s.base + "/-/ready")
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	return s
}

// Sample is one row of what a query gave: its labels, and its value as Prometheus writes it; "histogram" for a native
// one.
type Sample struct {
	Labels map[string]string
	Value  string
}

// Query asks for the values of an expression now.
func (s *Server) Query(expression string) []Sample {
	s.t.Helper()
	res, err := http.Get(s.base + "/api/v1/query?query=" + url.QueryEscape(expression))
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // it has been read
	var answer struct {
		Status, Error string
		Data          struct {
			Type   string `json:"resultType"`
			Result json.RawMessage
		}
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		s.t.Fatal(err)
	}
	if answer.Status != "success" {
		s.t.Fatalf("%s: %s", expression, answer.Error)
	}
	if answer.Data.Type == "scalar" {
		var value [2]any
		if err := json.Unmarshal(answer.Data.Result, &value); err != nil {
			s.t.Fatal(err)
		}
		return []Sample{{Value: fmt.Sprint(value[1])}}
	}
	var rows []struct {
		Metric    map[string]string
		Value     []any
		Histogram []any
	}
	if err := json.Unmarshal(answer.Data.Result, &rows); err != nil {
		s.t.Fatalf("%s: %v", expression, err)
	}
	var out []Sample
	for _, row := range rows {
		sample := Sample{row.Metric, "histogram"}
		if len(row.Value) == 2 {
			sample.Value = fmt.Sprint(row.Value[1])
		}
		out = append(out, sample)
	}
	return out
}

// Rule is an alert rule as the server sees it: how it is evaluated, and whether it fires.
type Rule struct {
	Name, Health, LastError string
	State                   string // "inactive", "pending" or "firing"
}

// Rules gives all alert rules.
func (s *Server) Rules() []Rule {
	s.t.Helper()
	res, err := http.Get(s.base + "/api/v1/rules?type=alert")
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // it has been read
	var answer struct {
		Data struct{ Groups []struct{ Rules []Rule } }
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		s.t.Fatal(err)
	}
	var all []Rule
	for _, g := range answer.Data.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

// Within waits until an expression gives something, and gives that.
func (s *Server) Within(limit time.Duration, expression string) []Sample {
	s.t.Helper()
	var rows []Sample
	s.within(limit, "something for "+expression, func() bool {
		rows = s.Query(expression)
		return len(rows) > 0
	})
	return rows
}

func (s *Server) within(limit time.Duration, what string, ok func() bool) {
	s.t.Helper()
	for end := time.Now().Add(limit); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("there was no %s within %v", what, limit)
		}
	}
}
