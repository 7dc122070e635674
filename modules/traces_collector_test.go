package modules_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/processtest"
	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// collectorVersion is that of OpenTelemetry's collector.
const collectorVersion = "0.165.0"

// collector gives the path of OpenTelemetry's own collector, with its receiver of OTLP and its exporter of what it got. To make it
// takes minutes, so that it is made only where WICKETGATE_OTELCOL is 1; otherwise that is its path.
func collector(t *testing.T) string {
	t.Helper()
	switch path := os.Getenv("WICKETGATE_OTELCOL"); path {
	case "":
		t.Skip("OpenTelemetry's collector is asked only where WICKETGATE_OTELCOL is 1, or the path of one")
	case "1":
	default:
		return path
	}
	dir := t.TempDir()
	gatewaytest.Write(t, filepath.Join(dir, "builder.yaml"), strings.ReplaceAll(`dist:
  name: otelcol
  output_path: `+dir+`/built
receivers:
  - gomod: go.opentelemetry.io/collector/receiver/otlpreceiver vVERSION
exporters:
  - gomod: go.opentelemetry.io/collector/exporter/debugexporter vVERSION
providers:
  - gomod: go.opentelemetry.io/collector/confmap/provider/fileprovider v1.71.0
  - gomod: go.opentelemetry.io/collector/confmap/provider/envprovider v1.71.0
`, "VERSION", collectorVersion))
	build := exec.CommandContext(t.Context(), "go", "run", "go.opentelemetry.io/collector/cmd/builder@v"+collectorVersion, "--config", "builder.yaml")
	build.Dir = dir
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the collector: %v\n%s", err, out)
	}
	return filepath.Join(dir, "built", "otelcol")
}

// written is what a program has written.
type written struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

// String is all of it.
func (w *written) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

// TestCollector has OpenTelemetry's own collector receive the traces, by each of the protocols that the documentation names, and
// reads what it makes of them.
func TestCollector(t *testing.T) {
	program := collector(t)
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("{}")) })) //nolint:errcheck // it is loopback
	service.Config.SetKeepAlivesEnabled(false)
	t.Cleanup(service.Close)
	dir := t.TempDir()
	gatewaytest.Write(t, filepath.Join(dir, "parcels.hcl"), `
upstream "service" { servers = ["`+service.URL+`"] }
api "parcels" {
  base_path = "/api"
  upstream  = upstream.service
  identify  = [anonymous]
  authorize = public
  route "GET /parcels/{id}" {}
}
`)
	gatewaytest.Write(t, filepath.Join(dir, "Caddyfile"), `{
	api_gateway {
		catalogue parcels.hcl
	}
}
https://localhost:{$HTTPS_PORT} {
	tls internal
	api_tracing
	api_gateway
}
`)
	for _, protocol := range []string{"http/protobuf", "grpc"} {
		t.Run(protocol, func(t *testing.T) {
			ports := map[string]int{"http": processtest.FreePort(t), "grpc": processtest.FreePort(t)}
			config := filepath.Join(t.TempDir(), "collector.yaml")
			gatewaytest.Write(t, config, fmt.Sprintf(`receivers:
  otlp:
    protocols:
      http:
        endpoint: 127.0.0.1:%d
      grpc:
        endpoint: 127.0.0.1:%d
exporters:
  debug:
    verbosity: detailed
service:
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [debug]
  telemetry:
    metrics:
      level: none
`, ports["http"], ports["grpc"]))
			told := &written{}
			ctx, cancel := context.WithCancel(t.Context())
			run := exec.CommandContext(ctx, program, "--config", config)
			run.Stdout, run.Stderr = told, told
			run.Cancel = func() error { return run.Process.Signal(os.Interrupt) }
			run.WaitDelay = 20 * time.Second
			if err := run.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				cancel()
				run.Wait() //nolint:errcheck // it is told to end
				if t.Failed() {
					t.Log(told)
				}
			})
			name, _, _ := strings.Cut(protocol, "/")
			for name, value := range map[string]string{
				"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_ENDPOINT": fmt.Sprintf("http://127.0.0.1:%d", ports[name]),
				"OTEL_EXPORTER_OTLP_INSECURE": "true", "OTEL_BSP_SCHEDULE_DELAY": "20", "OTEL_SERVICE_NAME": "gateway",
			} {
				t.Setenv(name, value)
			}
			g := gatewaytest.Start(t, filepath.Join(dir, "Caddyfile"))
			g.Within(30*time.Second, "the collector is ready", func() bool { return strings.Contains(told.String(), "Everything is ready") })
			if a := g.Do("GET", "/api/parcels/7", "", "Traceparent: 00-"+traceID+"-"+caller+"-01"); a.Status != 200 {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
			want := []string{"GET /api/parcels/{id}", "admit", "route", "forward", "upstream", "answer"}
			var spans map[string]string
			g.Within(30*time.Second, "the collector has all spans", func() bool {
				spans = collected(told.String(), traceID)
				return !slices.ContainsFunc(want, func(name string) bool { return spans[name] == "" })
			})
			for _, attribute := range []string{"Kind           : Server", "Parent ID      : " + caller, "http.route: Str(/api/parcels/{id})", "http.response.status_code: Int(200)", "wicketgate.api: Str(parcels)"} {
				if !strings.Contains(spans[want[0]], attribute) {
					t.Errorf("the span of the request lacks %q: %s", attribute, spans[want[0]])
				}
			}
			if text := told.String(); !strings.Contains(text, "service.name: Str(gateway)") || strings.Contains(text, "\terror\t") || strings.Contains(text, "\twarn\t") {
				t.Errorf("the collector says: %s", text)
			}
		})
	}
}

var spanName = regexp.MustCompile(`\n    Name           : (.*)\n`)

// collected are the spans of a trace, by their names, as the collector's exporter wrote them.
func collected(text, trace string) map[string]string {
	all := make(map[string]string)
	for _, span := range strings.Split(text, "Span #")[1:] {
		if name := spanName.FindStringSubmatch(span); name != nil && strings.Contains(span, "Trace ID       : "+trace) {
			all[name[1]] += span
		}
	}
	return all
}
