package modules_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

const keyedCatalogue = `
variable "service" {}
upstream "orders" {
  servers = [var.service]
  timeout = "30s"
}
identity "partners" {
  api_key { keys = "partners.keys" }
}
limit "few" {
  quota "all" {
    requests = 1000
    window   = "24h"
  }
}
api "orders" {
  base_path = "/api"
  upstream  = upstream.orders
  identify  = [identity.partners]
  limits    = [limit.few]
  authorize = policy.keyed.orders
  formats   = ["json", "xml"]
  max_body  = "8MiB"
  versioning {
    path       = true
    header     = "Api-Version"
    media_type = "application/vnd.acme.{version}+json"
    pin        = consumer.api_version
    default    = version.v2
  }
  object "order" { schema = "order.json" }
  version "v1" { released = "2025-01-01" }
  version "v2" {
    released = "2026-01-01"
    change "sku" {
      summary = "article is called sku."
      on      = object.order
      rename "article" { to = "sku" }
    }
  }
  route "POST /orders" {
    returns = object.order
    idempotency { keep = "24h" }
  }
  route "PATCH /orders/{id}" {
    returns = object.order
    idempotency {
      keep     = "24h"
      required = true
      lost     = "repeat"
    }
  }
  route "DELETE /orders/{id}" {
    idempotency { keep = "24h" }
  }
}
`

const keyedPolicy = `package keyed.orders

allow if not denied

denied if "yes" in input.request.headers["x-denied"]

drop contains "/secret" if "yes" in input.request.headers["x-hide"]
`

const keyedCaddyfile = `{
	api_gateway {
		catalogue orders.hcl
		variable service %s
		policies rego
		watch 10ms
		ledger embedded {
			folder ledger
		}
	}
	metrics
}
https://localhost:{$HTTPS_PORT} {
	tls internal
	handle /metrics {
		metrics
	}
	api_gateway
}
`

const (
	acmeKey   = "X-API-Key: wg_sEjFTOGUyJaT_ICfiGS3rLlPKMsWZBKRjg3I5QrTWSFCUlJiyjHioFBK0XP9bY"
	globexKey = "X-API-Key: wg_HrNL7kZ2c2Kt_UcmQWaL0qgeSwfNNGOeOxkRx5p5KxcVxEv97Z28urJc0Bcv2m"
)

// counting is a service that counts what it carries out.
type counting struct {
	*httptest.Server
	done   atomic.Int64
	mu     sync.Mutex
	answer http.HandlerFunc
}

func count(t *testing.T) *counting {
	c := &counting{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := c.done.Add(1)
		io.Copy(io.Discard, r.Body) // or nobody notices that the gateway has left
		c.mu.Lock()
		answer := c.answer
		c.mu.Unlock()
		if answer != nil {
			answer(w, r)
			return
		}
		if r.Method == "DELETE" {
			w.WriteHeader(204)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Location", fmt.Sprintf("/api/orders/%d", n))
		w.Header().Set("Etag", `"1"`)
		w.WriteHeader(201)
		fmt.Fprintf(w, `{"id":%d,"sku":"A-1","secret":"S"}`, n)
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *counting) answers(f http.HandlerFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = f
}

// keyed runs a gateway whose callers send idempotency keys.
func keyed(t *testing.T, change ...string) (*gatewaytest.Gateway, *counting, string) {
	t.Helper()
	service, dir := count(t), t.TempDir()
	keys, err := os.ReadFile("../examples/limits/partners.keys")
	if err != nil {
		t.Fatal(err)
	}
	gatewaytest.Write(t, filepath.Join(dir, "partners.keys"), string(keys))
	gatewaytest.Write(t, filepath.Join(dir, "orders.hcl"), strings.NewReplacer(change...).Replace(keyedCatalogue))
	gatewaytest.Write(t, filepath.Join(dir, "order.json"), `{"type":"object","properties":{"id":{"type":"integer"},"sku":{"type":"string"}}}`)
	gatewaytest.Write(t, filepath.Join(dir, "rego", "keyed.rego"), keyedPolicy)
	gatewaytest.Write(t, filepath.Join(dir, "Caddyfile"), fmt.Sprintf(keyedCaddyfile, service.URL))
	g := gatewaytest.Start(t, filepath.Join(dir, "Caddyfile"))
	g.Within(30*time.Second, "the ledger is open", func() bool {
		return g.Do("POST", "/api/v2/orders", "", acmeKey, "Idempotency-Key: ready").Status == 201
	})
	service.done.Store(0)
	return g, service, dir
}

func slugOf(a gatewaytest.Answer) string {
	_, after, _ := strings.Cut(a.Body, "problems.md#")
	slug, _, _ := strings.Cut(after, `"`)
	return slug
}

// TestIdempotency sends requests again.
func TestIdempotency(t *testing.T) {
	g, service, _ := keyed(t)
	body := `{"sku":"A-1"}`
	first := g.Do("POST", "/api/v2/orders?note=x", body, acmeKey, `Idempotency-Key: "k1"`)
	if first.Status != 201 || first.Header.Get("Idempotent-Replayed") != "" || first.Header.Get("Idempotent-Stored") != "" || service.done.Load() != 1 {
		t.Fatalf("%d %v %s", first.Status, first.Header, first.Body)
	}
	for _, c := range []struct {
		name, method, path, body string
		fields                   []string
		status                   int
		want                     string // of the body, or the problem's heading
		replayed                 bool
		done                     int64 // how often the service was asked in all
	}{
		{"the same again", "POST", "/api/v2/orders?note=x", body, []string{acmeKey, `Idempotency-Key: "k1"`}, 201, first.Body, true, 1},
		{"unquoted", "POST", "/api/v2/orders?note=x", body, []string{acmeKey, "Idempotency-Key: k1"}, 201, first.Body, true, 1},
		{"in the shape of v1", "POST", "/api/v1/orders?note=x", body, []string{acmeKey, "Idempotency-Key: k1"}, 201, `{"id":1,"article":"A-1","secret":"S"}`, true, 1},
		{"in XML", "POST", "/api/orders?note=x", body, []string{acmeKey, "Idempotency-Key: k1", "Accept: application/xml"}, 201, "<sku>A-1</sku>", true, 1},
		{"to one who may not see all", "POST", "/api/v2/orders?note=x", body, []string{acmeKey, "Idempotency-Key: k1", "X-Hide: yes"}, 201, `{"id":1,"sku":"A-1"}`, true, 1},
		{"to one who may no longer", "POST", "/api/v2/orders?note=x", body, []string{acmeKey, "Idempotency-Key: k1", "X-Denied: yes"}, 403, "forbidden", false, 1},
		{"to nobody", "POST", "/api/v2/orders?note=x", body, []string{"Idempotency-Key: k1"}, 401, "unauthorized", false, 1},
		{"with another body", "POST", "/api/v2/orders?note=x", `{"sku":"A-2"}`, []string{acmeKey, "Idempotency-Key: k1"}, 422, "idempotency-key-reused", false, 1},
		{"with another query", "POST", "/api/v2/orders?note=y", body, []string{acmeKey, "Idempotency-Key: k1"}, 422, "idempotency-key-reused", false, 1},
		{"by another caller", "POST", "/api/v2/orders?note=x", body, []string{globexKey, "Idempotency-Key: k1"}, 201, `"id":2`, false, 2},
		{"on another route", "DELETE", "/api/v2/orders/7", "", []string{acmeKey, "Idempotency-Key: k1"}, 204, "", false, 3},
		{"on another route again", "DELETE", "/api/v2/orders/7", "", []string{acmeKey, "Idempotency-Key: k1"}, 204, "", true, 3},
		{"for another resource", "DELETE", "/api/v2/orders/8", "", []string{acmeKey, "Idempotency-Key: k1"}, 422, "idempotency-key-reused", false, 3},
		{"without a key", "POST", "/api/v2/orders", body, []string{acmeKey}, 201, `"id":4`, false, 4},
		{"without a key again", "POST", "/api/v2/orders", body, []string{acmeKey}, 201, `"id":5`, false, 5},
		{"without a key that is required", "PATCH", "/api/v2/orders/7", body, []string{acmeKey}, 400, "idempotency-key-required", false, 5},
		{"with no key", "POST", "/api/v2/orders", body, []string{acmeKey, `Idempotency-Key: ""`}, 400, "invalid-idempotency-key", false, 5},
		{"with two keys", "POST", "/api/v2/orders", body, []string{acmeKey, "Idempotency-Key: a", "Idempotency-Key: b"}, 400, "ambiguous-header", false, 5},
	} {
		a := g.Do(c.method, c.path, c.body, c.fields...)
		if a.Status != c.status || !strings.Contains(a.Body, c.want) || (a.Header.Get("Idempotent-Replayed") == "true") != c.replayed || service.done.Load() != c.done {
			t.Errorf("%s: %d (asked %d times) %v %s", c.name, a.Status, service.done.Load(), a.Header, a.Body)
		}
		if c.replayed && c.method == "POST" && (a.Header.Get("Ratelimit") == "" || a.Header.Get("Date") == "" || !strings.HasSuffix(a.Header.Get("Location"), "/orders/1")) {
			t.Errorf("%s: its header is %v", c.name, a.Header)
		}
	}
	if v := g.Do("POST", "/api/v1/orders?note=x", body, acmeKey, "Idempotency-Key: k1").Header.Get("Location"); v != "/api/v1/orders/1" {
		t.Errorf("the address for a caller of v1 is %q", v)
	}
	metrics := g.Do("GET", "/metrics", "").Body
	for _, want := range []string{`{api="orders",result="stored"}`, `{api="orders",result="replayed"} 7`, `{api="orders",result="mismatch"} 3`} {
		if !strings.Contains(metrics, "caddy_api_gateway_idempotency_total"+want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
}

// TestIdempotencyAtOnce has a hundred callers send one request with one key: the service sees one.
func TestIdempotencyAtOnce(t *testing.T) {
	g, service, _ := keyed(t)
	release := make(chan struct{})
	service.answers(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(201)
		io.WriteString(w, `{"id":1}`)
	})
	var conflicts, others atomic.Int64
	var all sync.WaitGroup
	var once sync.Once
	for range 100 {
		all.Go(func() {
			a := g.Do("POST", "/api/v2/orders", "{}", acmeKey, "Idempotency-Key: many")
			switch {
			case a.Status == 409 && slugOf(a) == "idempotency-in-flight" && a.Header.Get("Retry-After") == "1":
				conflicts.Add(1)
			case a.Status != 201 || a.Body != `{"id":1}`:
				t.Errorf("%d %s", a.Status, a.Body)
			default:
				others.Add(1)
			}
			if conflicts.Load() == 99 {
				once.Do(func() { close(release) })
			}
		})
	}
	all.Wait()
	if service.done.Load() != 1 || others.Load() != 1 {
		t.Errorf("the service was asked %d times, %d got the answer", service.done.Load(), others.Load())
	}
	if a := g.Do("POST", "/api/v2/orders", "{}", acmeKey, "Idempotency-Key: many"); a.Status != 201 || a.Body != `{"id":1}` || service.done.Load() != 1 {
		t.Errorf("afterwards: %d %s", a.Status, a.Body)
	}
}

// TestIdempotencyLost has first requests end without an answer.
func TestIdempotencyLost(t *testing.T) {
	g, service, dir := keyed(t, `"30s"`, `"1s"`)
	send := func(method, path, key string) gatewaytest.Answer {
		return g.Do(method, path, "{}", acmeKey, "Idempotency-Key: "+key)
	}
	breaks := func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }
	service.Server.Config.ErrorLog = nil
	service.answers(breaks)
	if a := send("POST", "/api/v2/orders", "broken"); a.Status != 502 {
		t.Errorf("a connection that broke: %d %s", a.Status, a.Body)
	}
	if a := send("PATCH", "/api/v2/orders/7", "broken"); a.Status != 502 {
		t.Errorf("a connection that broke: %d %s", a.Status, a.Body)
	}
	service.answers(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	if a := send("POST", "/api/v2/orders", "slow"); a.Status != 504 {
		t.Errorf("no answer in time: %d %s", a.Status, a.Body)
	}
	service.answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	if a := send("POST", "/api/v2/orders", "busy"); a.Status != 503 || a.Header.Get("Idempotent-Stored") != "" {
		t.Errorf("a service that is busy: %d %s", a.Status, a.Body)
	}
	service.answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) })
	if a := send("POST", "/api/v2/orders", "much"); a.Status != 429 || a.Header.Get("Idempotent-Stored") != "false" {
		t.Errorf("a service that has enough: %d %v", a.Status, a.Header)
	}
	service.answers(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(500)
		io.WriteString(w, "SECRET")
	})
	if a := send("POST", "/api/v2/orders", "failing"); a.Status != 500 || strings.Contains(a.Body, "SECRET") {
		t.Errorf("a service that fails: %d %s", a.Status, a.Body)
	}
	large := strings.Repeat("x", 3<<20)
	service.answers(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, large) })
	if a := send("POST", "/api/v2/orders", "large"); a.Status != 200 || a.Body != large || a.Header.Get("Idempotent-Stored") != "false" {
		t.Errorf("a large answer: %d, %d bytes, %v", a.Status, len(a.Body), a.Header)
	}
	service.answers(nil)
	was := service.done.Load()
	for _, c := range []struct {
		method, path, key string
		status            int
		slug              string
		asked             int64
	}{
		{"POST", "/api/v2/orders", "broken", 409, "idempotency-outcome-unknown", 0},
		{"PATCH", "/api/v2/orders/7", "broken", 201, "", 1}, // the route says so
		{"POST", "/api/v2/orders", "slow", 409, "idempotency-outcome-unknown", 0},
		{"POST", "/api/v2/orders", "busy", 201, "", 1},
		{"POST", "/api/v2/orders", "much", 201, "", 1},
		{"POST", "/api/v2/orders", "failing", 500, "internal-error", 0},
		{"POST", "/api/v2/orders", "large", 409, "idempotency-answer-not-kept", 0},
	} {
		a := send(c.method, c.path, c.key)
		if a.Status != c.status || slugOf(a) != c.slug || service.done.Load()-was != c.asked {
			t.Errorf("%s again: %d %s, asked %d times", c.key, a.Status, a.Body, service.done.Load()-was)
		}
		was = service.done.Load()
	}

	// A service that cannot be reached has done nothing.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	down := strings.Replace(keyedCatalogue, "[var.service]", `["http://`+listener.Addr().String()+`"]`, 1)
	gatewaytest.Write(t, filepath.Join(dir, "orders.hcl"), down)
	g.Within(10*time.Second, "the catalogue is swapped in", func() bool {
		return g.Do("POST", "/api/v2/orders", "{}", acmeKey).Status == 502
	})
	if a := send("POST", "/api/v2/orders", "down"); a.Status != 502 {
		t.Errorf("a service that is down: %d %s", a.Status, a.Body)
	}
	gatewaytest.Write(t, filepath.Join(dir, "orders.hcl"), keyedCatalogue)
	g.Within(10*time.Second, "the same request goes on", func() bool {
		return send("POST", "/api/v2/orders", "down").Status == 201
	})
}

// TestIdempotencyOfOneWhoLeft has a caller leave before the answer comes: whoever sends the request again gets it.
func TestIdempotencyOfOneWhoLeft(t *testing.T) {
	g, service, _ := keyed(t)
	came, release := make(chan struct{}), make(chan struct{})
	service.answers(func(w http.ResponseWriter, r *http.Request) {
		close(came)
		select {
		case <-release:
		case <-r.Context().Done():
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(201)
		io.WriteString(w, `{"id":"once"}`)
	})
	ctx, leave := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "POST", g.URL+"/api/v2/orders", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	name, value, _ := strings.Cut(acmeKey, ": ")
	r.Header.Set(name, value)
	r.Header.Set("Idempotency-Key", "left")
	left := make(chan error)
	go func() {
		res, err := g.Client.Do(r)
		if err == nil {
			res.Body.Close()
		}
		left <- err
	}()
	<-came
	leave()
	if err := <-left; err == nil {
		t.Error("it did not leave")
	}
	if a := g.Do("POST", "/api/v2/orders", "{}", acmeKey, "Idempotency-Key: left"); a.Status != 409 {
		t.Errorf("while the service is at it: %d %s", a.Status, a.Body)
	}
	close(release)
	g.Within(10*time.Second, "the answer is there", func() bool {
		a := g.Do("POST", "/api/v2/orders", "{}", acmeKey, "Idempotency-Key: left")
		return a.Status == 201 && a.Body == `{"id":"once"}` && a.Header.Get("Idempotent-Replayed") == "true"
	})
	if n := service.done.Load(); n != 1 {
		t.Errorf("the service was asked %d times", n)
	}
}

// TestIdempotencyWithoutLedger has no ledger: what has a key, or needs one, is not carried out.
func TestIdempotencyWithoutLedger(t *testing.T) {
	service, dir := count(t), t.TempDir()
	gatewaytest.Write(t, filepath.Join(dir, "ledger"), "a file where the ledger's folder should be")
	gatewaytest.Write(t, filepath.Join(dir, "orders.hcl"), `
upstream "orders" { servers = ["`+service.URL+`"] }
api "orders" {
  base_path = "/api"
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  route "POST /orders" {
    idempotency { keep = "24h" }
  }
  route "POST /payments" {
    idempotency {
      keep     = "24h"
      required = true
    }
  }
}
`)
	gatewaytest.Write(t, filepath.Join(dir, "Caddyfile"), `{
	log {
		level PANIC
	}
	api_gateway {
		catalogue orders.hcl
		ledger embedded {
			folder ledger
		}
	}
}
https://localhost:{$HTTPS_PORT} {
	tls internal
	api_gateway
}
`)
	g := gatewaytest.Start(t, filepath.Join(dir, "Caddyfile"))
	for _, c := range []struct {
		path   string
		fields []string
		status int
		slug   string
	}{
		{"/api/orders", []string{"Idempotency-Key: k"}, 503, "temporary-reduced-capacity"},
		{"/api/payments", []string{"Idempotency-Key: k"}, 503, "temporary-reduced-capacity"},
		{"/api/payments", nil, 400, "idempotency-key-required"},
	} {
		a := g.Do("POST", c.path, "{}", c.fields...)
		if a.Status != c.status || !strings.Contains(a.Body, c.slug) || c.status == 503 && a.Header.Get("Retry-After") == "" {
			t.Errorf("%s %v: %d %v %s", c.path, c.fields, a.Status, a.Header, a.Body)
		}
	}
	if n := service.done.Load(); n != 0 {
		t.Errorf("the service was asked %d times", n)
	}
	if a := g.Do("POST", "/api/orders", "{}"); a.Status != 201 || service.done.Load() != 1 {
		t.Errorf("without a key: %d %s", a.Status, a.Body)
	}
}

// TestIdempotencyOfThirdParties asks a third party once, and tells what it said to callers of each version in its own
// shape and by its own media type.
func TestIdempotencyOfThirdParties(t *testing.T) {
	service, dir := count(t), t.TempDir()
	gatewaytest.Write(t, filepath.Join(dir, "order.json"), `{"type":"object","properties":{"id":{"type":"integer"},"sku":{"type":"string"}}}`)
	gatewaytest.Write(t, filepath.Join(dir, "orders.hcl"), `
integration "stock" {
  url           = "`+service.URL+`"
  allow_private = true
  error "sold-out" {
    when   = response.status == 410
    status = 422
    title  = "Sold out"
  }
}
api "orders" {
  base_path = "/api"
  identify  = [anonymous]
  authorize = public
  versioning {
    media_type = "application/vnd.acme.{version}+json"
    header     = "Api-Version"
  }
  object "order" { schema = "order.json" }
  version "v1" { released = "2025-01-01" }
  version "v2" {
    released = "2026-01-01"
    change "sku" {
      summary = "article is called sku."
      on      = object.order
      rename "article" { to = "sku" }
    }
  }
  route "POST /orders" {
    returns     = object.order
    integration = integration.stock
    send        = "POST /orders"
    idempotency { keep = "24h" }
    answer {
      drop "secret" {}
    }
  }
}
`)
	gatewaytest.Write(t, filepath.Join(dir, "Caddyfile"), `{
	api_gateway {
		catalogue orders.hcl
		ledger embedded {
			folder ledger
		}
	}
}
https://localhost:{$HTTPS_PORT} {
	tls internal
	api_gateway
}
`)
	g := gatewaytest.Start(t, filepath.Join(dir, "Caddyfile"))
	order := func(key string, fields ...string) gatewaytest.Answer {
		return g.Do("POST", "/api/orders", "{}", append(fields, "Content-Type: application/json", "Idempotency-Key: "+key)...)
	}
	g.Within(30*time.Second, "the ledger is open", func() bool { return order("ready", "Api-Version: v2").Status == 201 })
	service.done.Store(0)
	for i, c := range []struct{ field, kind, body string }{
		{"Accept: application/vnd.acme.v1+json", "application/vnd.acme.v1+json", `{"id":1,"article":"A-1"}`},
		{"Accept: application/vnd.acme.v2+json", "application/vnd.acme.v2+json", `{"id":1,"sku":"A-1"}`},
		{"Api-Version: v1", "application/json", `{"id":1,"article":"A-1"}`},
	} {
		a := order("k", c.field)
		if a.Status != 201 || a.Body != c.body || a.Header.Get("Content-Type") != c.kind || (a.Header.Get("Idempotent-Replayed") == "true") != (i > 0) {
			t.Errorf("%s: %d %v %s", c.field, a.Status, a.Header, a.Body)
		}
	}
	service.answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(410) })
	first := order("gone", "Api-Version: v2")
	service.answers(nil)
	if again := order("gone", "Api-Version: v2"); first.Status != 422 || again.Status != 422 || again.Body != first.Body || again.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("a refusal: %d %s, then %d %s", first.Status, first.Body, again.Status, again.Body)
	}
	if n := service.done.Load(); n != 2 {
		t.Errorf("the third party was asked %d times", n)
	}
}

// TestIdempotencyShare has a caller use up its part of the ledger: it is told so, and others are not kept from theirs.
func TestIdempotencyShare(t *testing.T) {
	g, service, dir := keyed(t)
	path := filepath.Join(dir, "Caddyfile")
	caddyfile, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	gatewaytest.Write(t, path, strings.Replace(string(caddyfile), "folder ledger\n", "folder ledger\n\t\t\tsize 256MiB\n", 1))
	g.Reload(path)
	var size atomic.Int64
	service.answers(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(201)
		fmt.Fprintf(w, `{"id":1,"sku":%q}`, strings.Repeat("a", int(size.Load())))
	})
	order := func(who, key string) gatewaytest.Answer {
		return g.Do("POST", "/api/v2/orders", `{}`, who, "Idempotency-Key: "+key)
	}
	// Ever smaller answers fill its quarter of 256 MiB; then there is no room for another key.
	n, last := 0, gatewaytest.Answer{}
	for _, one := range []int64{1_000_000, 100_000, 10_000, 1000, 0, 0, 0, 0} {
		size.Store(one)
		for stored := true; stored && n < 200; n++ {
			last = order(acmeKey, fmt.Sprint(n))
			stored = last.Status == 201 && last.Header.Get("Idempotent-Stored") == ""
		}
		if last.Status != 201 {
			break
		}
	}
	if n < 66 || n > 120 || last.Status != 429 || slugOf(last) != "too-many-idempotency-keys" || len(last.Header.Get("Retry-After")) != 5 {
		t.Errorf("the %dth: %d %v %s", n, last.Status, last.Header, last.Body)
	}
	done := service.done.Load()
	if a := order(acmeKey, "2"); a.Status != 201 || a.Header.Get("Idempotent-Replayed") != "true" || service.done.Load() != done {
		t.Errorf("a key that was used: %d %v", a.Status, a.Header)
	}
	if a := order(acmeKey, "another"); a.Status != 429 || service.done.Load() != done {
		t.Errorf("another: %d, carried out: %t", a.Status, service.done.Load() != done)
	}
	if a := order(globexKey, "1"); a.Status != 201 || a.Header.Get("Idempotent-Stored") != "" {
		t.Errorf("another caller: %d %v %s", a.Status, a.Header, a.Body)
	}
	if !strings.Contains(g.Do("GET", "/metrics", "").Body, `caddy_api_gateway_idempotency_total{api="orders",result="over_share"} 2`) {
		t.Error("the metrics do not tell of it")
	}
}
