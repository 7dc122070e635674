package wicketgate_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wicketgate/wicketgate/internal/otlptest"
)

// observed is the example shop with all stages of its catalogue. %s are the global options, and the directives, by which it
// is watched.
const observed = `{
	admin {$ADMIN}
	http_port {$HTTP_PORT}
	https_port {$HTTPS_PORT}
	persist_config off
	skip_install_trust
	auto_https disable_redirects
	storage file_system {$DATA}
	log default {
		level ERROR
		exclude http.log.access # which has a log of its own
		format  api_gateway # or Caddy writes each request down twice
	}
	%s
	api_gateway {
		catalogue shop
		policies policies
		variable orders %s
	}
}
https://localhost:{$HTTPS_PORT} {
	tls internal
	%s
	api_gateway
}
`

// spent is the time that a process has had of the processors.
func spent(b *testing.B, process *os.Process) time.Duration {
	b.Helper()
	var at unix.Timespec
	if err := unix.ClockGettime(int32(^process.Pid<<3|2), &at); err != nil { // its CPU-time clock: see clock_getcpuclockid(3)
		b.Fatal(err)
	}
	return time.Duration(at.Nano())
}

// shopFor writes the example shop with quotas that nobody reaches.
func shopFor(b *testing.B, dir string) {
	b.Helper()
	for from, to := range map[string]string{"examples/shop": "shop", "policies/shop": "policies/shop", "policies/wicketgate": "policies/wicketgate"} {
		if err := os.CopyFS(filepath.Join(dir, to), os.DirFS(from)); err != nil {
			b.Fatal(err)
		}
	}
	name := filepath.Join(dir, "shop", "shop.hcl")
	text := strings.NewReplacer("requests = 20\n", "requests = 1000000\n", "requests = 10000\n", "requests = 100000000\n").Replace(string(read(b, name)))
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkObservability is what it costs a gateway to be watched: Caddy's metrics, traces of one request in a hundred to a
// real receiver, and an access log on disk, of an older version of the shop's list of orders with all stages, over HTTPS and
// 64 connections. Each is held against a process that differs in this alone. Both take turns of 1,500 requests, which is long
// enough for caches to be those of a gateway at work, and are started anew in each round: where its memory lies makes a process
// faster or slower by a tenth, for as long as it lives, so that a hundred rounds are worth having. It reports the processors'
// time for a request, of the proxy alone, and by how much one with more takes more, in the middle one of all rounds; also
// what Caddy's own directives for the same come to, and what nothing at all seems to.
func BenchmarkObservability(b *testing.B) {
	otlptest.Start(b)
	b.Setenv("OTEL_BSP_SCHEDULE_DELAY", "5000") // as it is by itself
	b.Setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
	b.Setenv("OTEL_TRACES_SAMPLER_ARG", "0.01")
	order := `{"id":"acme-1001","owner":"acme","customer":{"name":"Ada","email":"ada@example.org"},"status":"verified","currency":"EUR","total":{"amount":1230},"lines":[{"sku":"A-1","qty":2}]}`
	answer := []byte(`{"data":[` + strings.Repeat(order+",", 4) + order + `]}`)
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = []string{"application/json"}
		w.Write(answer)
	}))
	b.Cleanup(service.Close)
	binary := build(b)
	dir := b.TempDir()
	shopFor(b, dir)
	output := func(name string) string { // compressing a full file is work of its own, which would fall into somebody's turn
		return "\n\t\toutput file " + filepath.Join(dir, name+".log") + " {\n\t\t\troll_uncompressed\n\t\t}"
	}
	log := func(name string) string { return "api_access_log {" + output(name) + "\n\t}\n" }
	gateway := func(name, options, directives string) *turns {
		file := filepath.Join(dir, name+".caddyfile")
		if err := os.WriteFile(file, fmt.Appendf(nil, observed, options, service.URL, directives), 0o600); err != nil {
			b.Fatal(err)
		}
		return &turns{file: file}
	}
	for _, c := range []struct{ name, options, directives string }{
		{"nothing", "", ""},
		{"metrics", "metrics", ""},
		{"traces", "", "api_tracing"},
		{"log", "", log("log")},
		{"log-and-traces", "", "api_tracing\n\t" + log("both")},
		{"all", "metrics", "api_tracing\n\t" + log("all")},
		{"caddys-traces", "", "tracing"},
		{"caddys-log", "", "log {" + output("caddys") + "\n\t\tformat api_gateway\n\t}\n"},
	} {
		b.Run(c.name, func(b *testing.B) {
			without, with := gateway("without", "", ""), gateway(c.name, c.options, c.directives)
			for first := false; b.Loop(); first = !first { // who comes behind whom makes a difference, too
				if first {
					round(b, binary, without, with)
				} else {
					round(b, binary, with, without)
				}
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(without.median().Nanoseconds())/1000, "µs/request")
			b.ReportMetric(100*(with.beside(without)-1), "%-more")
		})
	}
}

// round has both start, take turns, and end.
func round(b *testing.B, binary string, both ...*turns) {
	r := &rounds{TB: b}
	defer r.end()
	for _, t := range both {
		t.start(r, binary)
		t.take(b, 6000) // so that it is warm, and has exported traces for the first time
	}
	spent := make([]time.Duration, len(both))
	for range 3 {
		for i, t := range both {
			spent[i] += t.take(b, 1500) / 3
		}
	}
	for i, t := range both {
		t.each = append(t.each, spent[i])
	}
}

// rounds is a test at the end of each of whose rounds what the round began ends.
type rounds struct {
	testing.TB
	ends []func()
}

// Cleanup implements testing.TB.
func (r *rounds) Cleanup(f func()) { r.ends = append(r.ends, f) }

func (r *rounds) end() {
	for _, f := range slices.Backward(r.ends) {
		f()
	}
}

// turns are those of one gateway.
type turns struct {
	file string
	*running
	clients []*http.Client
	each    []time.Duration // of the processors, for a request, by rounds
}

// start starts the gateway anew.
func (t *turns) start(b testing.TB, binary string) {
	t.running = start(b, binary, t.file)
	pem := read(b, filepath.Join(t.data, "pki", "authorities", "local", "root.crt"))
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	t.clients = nil
	for range 64 {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}
		b.Cleanup(transport.CloseIdleConnections)
		t.clients = append(t.clients, &http.Client{Transport: transport, Timeout: 20 * time.Second})
	}
}

// median is the middle one of all rounds.
func (t *turns) median() time.Duration {
	return slices.Sorted(slices.Values(t.each))[len(t.each)/2]
}

// beside is how much a request takes for one of the other's in the same round, in the middle one of all rounds.
func (t *turns) beside(other *turns) float64 {
	ratios := make([]float64, len(t.each))
	for i := range ratios {
		ratios[i] = float64(t.each[i]) / float64(other.each[i])
	}
	slices.Sort(ratios)
	return ratios[len(ratios)/2]
}

// take sends n requests over connections that stay open, and gives the processors' time for one.
func (t *turns) take(b *testing.B, n int64) time.Duration {
	before := spent(b, t.process)
	var sent atomic.Int64
	var all sync.WaitGroup
	for _, c := range t.clients {
		all.Go(func() {
			for sent.Add(1) <= n {
				req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, fmt.Sprintf("https://localhost:%d/api/v1/orders?page=2", t.https), nil)
				if err != nil {
					b.Error(err)
					return
				}
				req.Header.Set("X-API-Key", "wg_5BhEtQB3LP1l_Wnh6Mvw6wIbZHbGsKo5LBFAQgREDoTRJ04cPU9STemz1tpAc1")
				res, err := c.Do(req)
				if err != nil {
					b.Error(err)
					return
				}
				io.Copy(io.Discard, res.Body)
				res.Body.Close()
				if res.StatusCode != 200 {
					b.Errorf("answered %d", res.StatusCode)
					return
				}
			}
		})
	}
	all.Wait()
	return (spent(b, t.process) - before) / time.Duration(n)
}
