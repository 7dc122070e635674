package gateway_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// state is what GET /api_gateway/status answers.
type state struct {
	Generation int64
	Decisions  []struct {
		Query      string
		Sees       []string
		Remembered bool
	}
	Error *struct {
		Mistakes []struct {
			File         string
			Line, Column int
			Summary      string
		}
	}
}

func (s *server) status() state {
	s.t.Helper()
	res, err := http.Get(fmt.Sprintf("http://localhost:%d/api_gateway/status", s.admin))
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	var now state
	if err := json.NewDecoder(res.Body).Decode(&now); err != nil || res.StatusCode != 200 {
		s.t.Fatalf("status: %d, %v", res.StatusCode, err)
	}
	return now
}

func (s *server) metric(name string) string {
	s.t.Helper()
	res, err := http.Get(fmt.Sprintf("http://localhost:%d/metrics", s.admin))
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	for _, line := range strings.Split(string(b), "\n") {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return value
		}
	}
	return ""
}

// TestSwaps changes the catalogue and the policy in turn while callers come over HTTP/1.1 and HTTP/2, keep-alive and
// new connections. No request may fail, and each change must be in force once it is said to be.
// WICKETGATE_SWAPS sets their number.
func TestSwaps(t *testing.T) {
	swaps := 100
	if n, err := strconv.Atoi(os.Getenv("WICKETGATE_SWAPS")); err == nil {
		swaps = n
	}
	s := start(t)
	catalogue, policy := s.read("examples/shop/shop.hcl"), s.read("policies/shop/orders.rego")

	var requests, failed atomic.Int64
	var first sync.Once
	stop := make(chan struct{})
	var callers sync.WaitGroup
	for i, c := range []*http.Client{s.client(false), s.client(true), s.client(false)} {
		c.Transport.(*http.Transport).DisableKeepAlives = i == 2
		callers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				req, _ := http.NewRequest("GET", fmt.Sprintf("https://localhost:%d/api/v1/orders/acme-1001", s.port), nil)
				req.Header.Set("X-API-Key", acme)
				res, err := c.Do(req)
				status, body := 0, []byte(nil)
				if err == nil {
					status = res.StatusCode
					body, err = io.ReadAll(res.Body)
					res.Body.Close()
				}
				requests.Add(1)
				if err != nil || status != 200 || !strings.Contains(string(body), "customer_name") {
					failed.Add(1)
					first.Do(func() { t.Errorf("the first failure: %d %s %v", status, body, err) })
				}
			}
		})
	}

	c := s.client(true)
	for i := range swaps {
		before := s.status().Generation
		if i%2 == 0 {
			s.write("examples/shop/shop.hcl", strings.Replace(catalogue, "each line's qty is 1 to 99", fmt.Sprintf("swap %d", i), 1))
		} else {
			s.write("policies/shop/orders.rego", strings.Replace(policy, "this order belongs to someone else", fmt.Sprintf("swap %d", i), 1))
		}
		s.within(20*time.Second, "the change is swapped in", func() bool { return s.status().Generation > before })
		var a answer
		if i%2 == 0 {
			a = s.do(c, "POST", "/api/v2/orders", `{"customer":{"name":"Ada","email":"ada@example.org"},"currency":"EUR","total":{"amount":1},"lines":[{"article":"A-1","qty":100}]}`,
				"X-API-Key: "+acme, "Content-Type: application/json")
		} else {
			a = s.do(c, "GET", "/api/v2/orders/globex-1001", "", "X-API-Key: "+acme)
		}
		if !strings.Contains(a.body, fmt.Sprintf("swap %d", i)) {
			t.Fatalf("swap %d is not in force: %d %s", i, a.status, a.body)
		}
	}
	close(stop)
	callers.Wait()
	t.Logf("%d swaps during %d requests, %d failed", swaps, requests.Load(), failed.Load())
	if failed.Load() > 0 || requests.Load() == 0 {
		t.Errorf("%d of %d requests failed", failed.Load(), requests.Load())
	}
}

// TestBroken breaks each kind of file of a running gateway: the last good one stays in force, status and metric say
// why, and mending it is noticed too.
func TestBroken(t *testing.T) {
	s := start(t)
	c := s.client(true)
	tests := []struct {
		file, old, new string
		at             string // file:line:column of the mistake
	}{
		{"examples/shop/shop.hcl", `authorize = policy.shop.orders`, `authorise = policy.shop.orders`, "examples/shop/shop.hcl:49:3"},
		{"policies/shop/orders.rego", `granted if roles.grants`, `granted if rolls.grants`, "policies/shop/orders.rego:82:12"},
		{"examples/shop/schemas/order.json", `"type": "object"`, `"type": "objekt"`, "examples/shop/schemas/order.json:4:11"},
		{"examples/shop/partners.keys", `consumer=acme`, `customer=acme`, "examples/shop/partners.keys:5:86"},
		{"examples/shop/staff.jwks.json", `"keys"`, `"kees"`, "examples/shop/staff.jwks.json:1:1"},
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			good := s.read(test.file)
			before := s.status()
			if before.Error != nil {
				t.Fatalf("broken before: %v", before.Error)
			}
			s.replace(test.file, test.old, test.new)
			s.within(10*time.Second, "the mistake is noticed", func() bool { return s.status().Error != nil })
			now := s.status()
			if now.Generation != before.Generation {
				t.Error("a broken file was swapped in")
			}
			at := ""
			for _, m := range now.Error.Mistakes {
				at = fmt.Sprintf("%s:%d:%d", strings.TrimPrefix(m.File, s.dir+"/"), m.Line, m.Column)
				if at == test.at {
					break
				}
			}
			if at != test.at {
				t.Errorf("the mistake is told at %s, not at %s: %+v", at, test.at, now.Error.Mistakes)
			}
			if v := s.metric("caddy_api_gateway_load_failing"); v != "1" {
				t.Errorf("the metric says %q", v)
			}
			if a := s.do(c, "GET", "/api/v1/orders/acme-1001", "", "X-API-Key: "+acme); a.status != 200 {
				t.Errorf("the last good one does not serve: %d %s", a.status, a.body)
			}
			s.write(test.file, good)
			s.within(10*time.Second, "the mended file is noticed", func() bool { return s.status().Error == nil })
			if v := s.metric("caddy_api_gateway_load_failing"); v != "0" {
				t.Errorf("after mending, the metric says %q", v)
			}
		})
	}
}

// TestMissing starts on files that are missing or broken: the gateway must not start, and must say where it hurts.
func TestMissing(t *testing.T) {
	tests := []struct {
		name   string
		change func(*server)
		want   []string
	}{
		{"no catalogue", func(s *server) { os.RemoveAll(s.path("examples/shop")) }, []string{"examples/shop"}},
		{"a broken catalogue", func(s *server) { s.replace("examples/shop/shop.hcl", `api "orders" {`, `api "orders"`) }, []string{"shop.hcl:45:"}},
		{"no policies", func(s *server) { os.RemoveAll(s.path("policies")) }, []string{"policies"}},
		{"a broken policy", func(s *server) { s.replace("policies/shop/orders.rego", "\tgranted\n", "\tgrunted\n") }, []string{"orders.rego:20:", "grunted"}},
		{"an unknown policy", func(s *server) { s.replace("examples/shop/shop.hcl", "policy.shop.orders", "policy.shop.order") }, []string{"shop.hcl:49:", "shop.orders"}},
		{"no schema", func(s *server) { os.Remove(s.path("examples/shop/schemas/order.json")) }, []string{"shop.hcl:60:", "order.json"}},
		{"a broken schema", func(s *server) { s.write("examples/shop/schemas/line.json", "{") }, []string{"line.json:1:"}},
		{"no keys", func(s *server) { os.Remove(s.path("examples/shop/partners.keys")) }, []string{"shop.hcl:15:", "partners.keys"}},
		{"a broken key", func(s *server) { s.replace("examples/shop/partners.keys", "sha256:", "md5:") }, []string{"partners.keys:5:"}},
		{"a private key in the key set", func(s *server) {
			s.replace("examples/shop/staff.jwks.json", `"kty"`, `"d": "AAAA", "kty"`)
		}, []string{"staff.jwks.json:"}},
		{"no secret", func(s *server) {
			s.write("examples/shop/secrets.hcl", "secret \"stripe\" {\n  env = \"NOT_SET_ANYWHERE\"\n}\n")
		}, []string{"secrets.hcl:2:", "NOT_SET_ANYWHERE"}},
		{"two mistakes in two languages", func(s *server) {
			s.replace("examples/shop/shop.hcl", "body.currency)", "bodie.currency)")
			s.write("examples/shop/schemas/line.json", "{")
		}, []string{"shop.hcl:", "bodie", "line.json:1:"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := prepare(t, test.change)
			err := s.load()
			if err == nil {
				t.Fatal("it started")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q: %v", want, err)
				}
			}
		})
	}
}

// TestReload reloads Caddy itself: what callers have used of their quotas stays used.
func TestReload(t *testing.T) {
	s := start(t, func(s *server) {
		s.replace("examples/shop/shop.hcl", "requests = 100000\n    window   = \"10s\"", "requests = 3\n    window   = \"24h\"")
		s.replace("examples/shop/shop.hcl", `limit "per_consumer"`, `limit "reload"`)
		s.replace("examples/shop/shop.hcl", `limit.per_consumer`, `limit.reload`)
	})
	get := func() int {
		return s.do(s.client(true), "GET", "/api/v1/orders/acme-1001", "", "X-API-Key: "+acme).status
	}
	for i := range 3 {
		if status := get(); status != 200 {
			t.Fatalf("request %d: %d", i, status)
		}
	}
	if status := get(); status != 429 {
		t.Fatalf("over the quota: %d", status)
	}
	if err := s.load(); err != nil {
		t.Fatal(err)
	}
	if status := get(); status != 429 {
		t.Errorf("after a reload: %d; the quota was forgotten", status)
	}
}

// TestNewKey adds a key to the file of a running gateway, and takes it away.
func TestNewKey(t *testing.T) {
	s := start(t, func(s *server) {
		keys := s.read("examples/shop/partners.keys")
		s.write("examples/shop/partners.keys", keys[:strings.LastIndex(strings.TrimSpace(keys), "\n")]+"\n")
	})
	get := func() int {
		return s.do(s.client(true), "GET", "/api/v1/orders/globex-1001", "", "X-API-Key: "+globex).status
	}
	if status := get(); status != 401 {
		t.Fatalf("before the key is there: %d", status)
	}
	without := s.read("examples/shop/partners.keys")
	all, err := os.ReadFile("../../examples/shop/partners.keys")
	if err != nil {
		t.Fatal(err)
	}
	s.write("examples/shop/partners.keys", string(all))
	s.within(10*time.Second, "the key is accepted", func() bool { return get() == 200 })
	s.write("examples/shop/partners.keys", without)
	s.within(10*time.Second, "the key is refused again", func() bool { return get() == 401 })
}
