package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/examples/shop/backend"
)

// shopOf is the example's service in the recorder's place. before is told of each request before the service is.
func (s *server) shopOf(before func(shop http.Handler, w http.ResponseWriter, r *http.Request) (answered bool)) {
	shop := backend.NewHandler(backend.NewStore(time.Now))
	s.upstream.answers(func(w http.ResponseWriter, r *http.Request) {
		if !before(shop, w, r) {
			shop.ServeHTTP(w, r)
		}
	})
}

// inside puts an order as somebody who does not come through the gateway.
func inside(t *testing.T, shop http.Handler, body string) {
	t.Helper()
	r, err := http.NewRequest("PUT", "/api/orders/acme-1001", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Consumer-Id", "acme")
	r.Header.Set("Content-Type", "application/json")
	shop.ServeHTTP(&discarded{header: http.Header{}}, r)
}

type discarded struct{ header http.Header }

func (d *discarded) Header() http.Header         { return d.header }
func (d *discarded) Write(b []byte) (int, error) { return len(b), nil }
func (d *discarded) WriteHeader(int)             {}

const (
	newest = `{"customer":{"name":"Ada","email":"ada@example.org"},"status":"verified","currency":"EUR","total":{"amount":1},"lines":[{"sku":"A-1","qty":1}],"note":"fragile"}`
	ofV1   = `{"customer_name":"Bob","customer_email":"bob@example.org","verified":false,"currency":"EUR","total":{"amount":2},"lines":[{"article":"A-1","qty":3}]}`
	merged = `"customer":{"name":"Bob","email":"bob@example.org"},"status":"unverified","currency":"EUR","total":{"amount":2},"lines":[{"sku":"A-1","qty":3}]`
)

// TestMergedPut has the example's service behind the gateway: callers of v1 do not see an order's note, and do not lose
// it, whatever comes between.
func TestMergedPut(t *testing.T) {
	s := start(t)
	c := s.client(true)
	put := func(version, body string, fields ...string) answer {
		return s.do(c, "PUT", "/api/"+version+"/orders/acme-1001", body, append([]string{"X-API-Key: " + acme, "Content-Type: application/json"}, fields...)...)
	}
	tests := []struct {
		name   string
		before func(n int, shop http.Handler, w http.ResponseWriter, r *http.Request) bool // of the nth PUT of v1
		status int
		note   string
		writes int64
	}{
		{"alone", nil, 200, "fragile", 1},
		{"another writes at the same time", func(n int, shop http.Handler, _ http.ResponseWriter, _ *http.Request) bool {
			if n == 1 {
				inside(t, shop, strings.Replace(newest, "fragile", "very fragile", 1))
			}
			return false
		}, 200, "very fragile", 2},
		{"others write all the time", func(n int, shop http.Handler, _ http.ResponseWriter, _ *http.Request) bool {
			inside(t, shop, strings.Replace(newest, "fragile", fmt.Sprint("fragile ", n), 1))
			return false
		}, 409, "fragile 2", 2},
		{"the service is busy once, and is asked again", func(n int, _ http.Handler, w http.ResponseWriter, _ *http.Request) bool {
			if n == 1 {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			return n == 1
		}, 200, "fragile", 2},
		{"the service says it is busy, and has written", func(n int, shop http.Handler, w http.ResponseWriter, r *http.Request) bool {
			if n == 1 {
				shop.ServeHTTP(&discarded{header: http.Header{}}, r)
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			return n == 1
		}, 200, "fragile", 3},
		{"the service fails", func(_ int, _ http.Handler, w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusInternalServerError)
			return true
		}, 500, "fragile", 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var old atomic.Bool
			var writes atomic.Int64
			s.shopOf(func(shop http.Handler, w http.ResponseWriter, r *http.Request) bool {
				if r.Method != "PUT" || !old.Load() {
					return false
				}
				n := writes.Add(1)
				return test.before != nil && test.before(int(n), shop, w, r)
			})
			if a := put("2026-11-01", newest); a.status != 200 {
				t.Fatalf("got %d %s", a.status, a.body)
			}
			old.Store(true)
			a := put("v1", ofV1)
			if a.status != test.status || a.status == 200 && (strings.Contains(a.body, "note") || !strings.Contains(a.body, `"customer_name":"Bob"`)) {
				t.Errorf("got %d %s", a.status, a.body)
			}
			if writes.Load() != test.writes {
				t.Errorf("%d writes, want %d", writes.Load(), test.writes)
			}
			now := s.do(c, "GET", "/api/2026-11-01/orders/acme-1001", "", "X-API-Key: "+acme)
			if !strings.Contains(now.body, `"note":"`+test.note+`"`) || strings.Contains(now.body, merged) != (test.status == 200) {
				t.Errorf("and now it is %s", now.body)
			}
		})
	}
}

// TestMergedPuts has 50 callers of an old version count an order's total up, each from what it read, while one of the
// newest version counts in the note, which they do not see. No step of any of them is lost.
func TestMergedPuts(t *testing.T) {
	s := start(t, func(s *server) {
		// On a busy machine 50 policies at once take longer than one may take.
		s.replace("examples/shop/shop.hcl", "authorize = policy.shop.orders", "authorize = public")
	})
	s.shopOf(func(http.Handler, http.ResponseWriter, *http.Request) bool { return false })
	c := s.client(true)
	step := func(version string, change func(order map[string]any)) int {
		read := s.do(c, "GET", "/api/"+version+"/orders/acme-1001", "", "X-API-Key: "+acme)
		var o map[string]any
		if err := json.Unmarshal([]byte(read.body), &o); err != nil || read.status != 200 {
			t.Errorf("got %d %s, %v", read.status, read.body, err)
			return 0
		}
		change(o)
		body, err := json.Marshal(o)
		if err != nil {
			t.Error(err)
			return 0
		}
		return s.do(c, "PUT", "/api/"+version+"/orders/acme-1001", string(body), "X-API-Key: "+acme, "Content-Type: application/json", "If-Match: "+read.header.Get("Etag")).status
	}
	until := func(version string, change func(order map[string]any)) {
		for {
			switch status := step(version, change); status {
			case 200:
				return
			case 412:
			default:
				t.Errorf("got %d", status)
				return
			}
		}
	}
	const callers, notes = 50, 10
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			until("v1", func(o map[string]any) {
				total := o["total"].(map[string]any)
				total["amount"] = total["amount"].(float64) + 1
			})
		})
	}
	all.Go(func() {
		for range notes {
			until("2026-11-01", func(o map[string]any) {
				note, _ := o["note"].(string)
				o["note"] = note + "x"
			})
		}
	})
	all.Wait()
	now := s.do(c, "GET", "/api/2026-11-01/orders/acme-1001", "", "X-API-Key: "+acme)
	if !strings.Contains(now.body, fmt.Sprintf(`"total":{"amount":%d}`, 1230+callers)) || !strings.Contains(now.body, `"note":"`+strings.Repeat("x", notes)+`"`) {
		t.Errorf("and now it is %s", now.body)
	}
}
