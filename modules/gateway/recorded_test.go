package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// TestDecisionsOverReloads has Caddy load other configurations while callers come: with the same log of decisions, with
// other masks and with another file. Every request that was answered is in one of the logs.
func TestDecisionsOverReloads(t *testing.T) {
	log := func(name string, words string) string {
		return fmt.Sprintf("		decision_log %s {\n\t\t\t%s\n\t\t}\n", name, words)
	}
	s := prepare(t, func(s *server) {
		s.caddyfile = strings.Replace(s.caddyfile, "\t\twatch 10ms\n", "LOG\t\twatch 10ms\n", 1)
		s.write("policies/shop/orders.rego", "package shop.orders\n\nallow if input.request.query.n\n\nreasons contains \"headers\" if input.request.headers != {}\n")
	})
	plain := s.caddyfile
	load := func(words string) {
		t.Helper()
		s.caddyfile = strings.Replace(plain, "LOG", words, 1)
		if err := s.load(); err != nil {
			t.Fatal(err)
		}
	}
	first, second := s.path("first.log"), s.path("second.log")
	load(log(first, "on_full block"))
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
	s.trust()

	var mu sync.Mutex
	answered := map[string]bool{}
	var next atomic.Int64
	stop := make(chan struct{})
	var callers sync.WaitGroup
	for range 2 {
		c := s.client(true)
		callers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				n := fmt.Sprintf("n-%d", next.Add(1))
				req, _ := http.NewRequest("GET", fmt.Sprintf("https://localhost:%d/api/v1/orders/acme-1001?n=%s", s.port, n), nil)
				req.Header.Set("X-API-Key", acme)
				req.Header.Set("Cookie", "id=c-s3cr3t")
				res, err := c.Do(req)
				if err != nil { // Caddy may lose a new connection while it loads
					continue
				}
				res.Body.Close()
				if res.StatusCode != 200 {
					t.Errorf("%s: %d", n, res.StatusCode)
				}
				mu.Lock()
				answered[n] = true
				mu.Unlock()
			}
		})
	}
	for _, words := range []string{log(first, "mask input.headers.accept"), log(second, "on_full block"), log(second, "on_full drop"), log(first, "on_full block")} {
		before := next.Load()
		s.within(20*time.Second, "requests were made", func() bool { return next.Load() > before+5 })
		load(words)
	}
	close(stop)
	callers.Wait()
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	logged := map[string]int{}
	for _, name := range []string{first, second} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{acme, "s3cr3t"} {
			if strings.Contains(string(text), secret) {
				t.Errorf("%s is in %s", secret, name)
			}
		}
		for line := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n") {
			var event struct {
				Input struct {
					Request struct{ Query map[string][]string }
				}
			}
			if err := json.Unmarshal([]byte(line), &event); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			logged[event.Input.Request.Query["n"][0]]++
		}
	}
	for n := range answered {
		if logged[n] == 0 {
			t.Errorf("%s was answered and is not logged", n)
		}
	}
	if len(answered) < 20 || len(logged) < len(answered) {
		t.Errorf("%d requests were answered, %d are logged", len(answered), len(logged))
	}
}
