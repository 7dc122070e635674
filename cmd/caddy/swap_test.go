package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/bundle/bundletest"
	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// BenchmarkSwap has a gateway, in a process of its own, swap bundles with 50 MB of data while 200 requests a second come
// over HTTPS. It reports how long the slowest 1 % of requests take at least, in milliseconds, and the slowest of all: as
// usual, and while swaps go on one after the other; and how many of a thousand took longer than three times the usual,
// in either: what stalls the machine makes too. No request may fail.
func BenchmarkSwap(b *testing.B) {
	server := bundletest.NewServer(b)
	key := bundletest.NewKey(b)
	var archives [2][]byte
	for i := range archives {
		archives[i] = largeBundle(b, key, i)
	}
	server.Serve(archives[0])
	port := gatewaytest.FreePort(b)
	dir := b.TempDir()
	caddyfile := fmt.Sprintf(`{
	admin off
	auto_https disable_redirects
	skip_install_trust
	storage file_system %[1]s
	log {
		level ERROR
	}
	api_gateway {
		policies bundle %[2]s {
			verify %[3]s
			ca %[4]s
			poll 1s 1s
			max_size 64MiB 512MiB
		}
	}
}

https://localhost:%[5]d {
	tls internal
	api_policy data.a
	respond ok
}
`, dir, server.At(), key.File(b), server.CA(b), port)
	path := filepath.Join(dir, "Caddyfile")
	if err := os.WriteFile(path, []byte(caddyfile), 0o600); err != nil {
		b.Fatal(err)
	}
	binary := filepath.Join(dir, "gateway")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	gateway := exec.Command(binary, "run", "--config", path)
	gateway.Stderr = os.Stderr
	gateway.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	if err := gateway.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = gateway.Process.Signal(os.Interrupt)
		_ = gateway.Wait()
	})
	l := &load{url: fmt.Sprintf("https://localhost:%d/", port)}
	l.client = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		MaxIdleConnsPerHost: 64,
		TLSClientConfig:     &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // it is our own, on loopback
	}}
	defer l.client.CloseIdleConnections()
	for end := time.Now().Add(time.Minute); l.ask() != nil; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			b.Fatal(l.ask())
		}
	}
	l.run(b, time.After(3*time.Second)) // warm
	usual := l.run(b, time.After(30*time.Second))
	swapped := make(chan time.Time)
	go func() {
		defer close(swapped)
		for i := range b.N {
			server.Serve(archives[(i+1)%2])
			asked := len(server.Answered())
			// The gateway polls again a second after the bundle is in force.
			for end := time.Now().Add(time.Minute); len(server.Answered()) < asked+2 && time.Now().Before(end); {
				time.Sleep(20 * time.Millisecond)
			}
		}
	}()
	swaps := l.run(b, swapped)
	b.ReportMetric(usual.p99(), "ms-p99-usual")
	b.ReportMetric(swaps.p99(), "ms-p99-swapping")
	b.ReportMetric(swaps.p99()/usual.p99(), "p99-ratio")
	b.ReportMetric(swaps.most(), "ms-slowest-swapping")
	b.ReportMetric(usual.most(), "ms-slowest-usual")
	b.ReportMetric(usual.over(3*usual.p99()), "‰-over-3x-p99-usual")
	b.ReportMetric(swaps.over(3*usual.p99()), "‰-over-3x-p99-swapping")
	b.ReportMetric(float64(len(swaps)), "requests")
}

func largeBundle(b *testing.B, key *bundletest.Key, revision int) []byte {
	var data strings.Builder
	data.WriteString(`{"grants": {`)
	for i := 0; data.Len() < 50_000_000; i++ {
		if i > 0 {
			data.WriteString(",")
		}
		fmt.Fprintf(&data, `"user-%d": {"roles": ["clerk", "role-%d"], "tenant": "tenant-%d", "limit": %d, "email": "user-%d@example.org", "active": true}`, i, i%97, i%1000, i*7, i)
	}
	data.WriteString("}}")
	return key.Sign(b, bundletest.Files{
		".manifest": fmt.Sprintf(`{"revision": "%d"}`, revision),
		"a.rego":    "package a\n\nallow if data.grants[sprintf(\"user-%d\", [count(input.request.path)])].active\n",
		"data.json": data.String(),
	}).Pack(b)
}

// load asks a gateway 200 times a second, whether or not it has answered.
type load struct {
	url    string
	client *http.Client
}

type latencies []time.Duration

func (l latencies) p99() float64  { return float64(l[len(l)*99/100].Microseconds()) / 1000 }
func (l latencies) most() float64 { return float64(l[len(l)-1].Microseconds()) / 1000 }

// over is how many of a thousand took longer than so many milliseconds.
func (l latencies) over(ms float64) float64 {
	n := 0
	for _, d := range l {
		if float64(d.Microseconds())/1000 > ms {
			n++
		}
	}
	return 1000 * float64(n) / float64(len(l))
}

func (l *load) ask() error {
	res, err := l.client.Get(l.url)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%d %s", res.StatusCode, text)
	}
	return err
}

// run asks until end, and gives how long the answers took from when they were to be asked for, in order.
func (l *load) run(b *testing.B, end <-chan time.Time) latencies {
	var (
		mu    sync.Mutex
		took  latencies
		asked sync.WaitGroup
	)
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-end:
			asked.Wait()
			slices.Sort(took)
			return took
		case <-ticker.C:
			began := time.Now()
			asked.Go(func() {
				err := l.ask()
				d := time.Since(began)
				mu.Lock()
				defer mu.Unlock()
				took = append(took, d)
				if err != nil {
					b.Error(err)
				}
			})
		}
	}
}
