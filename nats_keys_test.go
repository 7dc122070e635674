package wicketgate_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/ledger/natstest"
	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// TestGatewaysShareKeys has two gateways, each a process of its own, keep idempotency keys on three servers of NATS. What one
// of them answered, the other answers again, while a server is gone, too, and after the first was killed; of many who ask both
// at once one goes on; and what the one has under way, the other does not begin.
func TestGatewaysShareKeys(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no SIGKILL")
	}
	servers := natstest.Cluster(t, 3)
	var mu sync.Mutex
	done := map[string]int{}
	held, release := make(chan struct{}, 1), make(chan struct{})
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("Idempotency-Key")
		mu.Lock()
		done[key]++
		n := len(done)
		mu.Unlock()
		io.Copy(io.Discard, r.Body)
		if key == "held" {
			held <- struct{}{}
			<-release
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"order":%d}`, n)
	}))
	defer service.Close()
	defer close(release)
	dir := t.TempDir()
	gatewaytest.Write(t, filepath.Join(dir, "orders.hcl"), killedOrders)
	caddyfile := filepath.Join(dir, "Caddyfile")
	gatewaytest.Write(t, caddyfile, fmt.Sprintf(`{
	admin {$ADMIN}
	http_port {$HTTP_PORT}
	https_port {$HTTPS_PORT}
	persist_config off
	skip_install_trust
	auto_https disable_redirects
	storage file_system {$DATA}
	api_gateway {
		catalogue orders.hcl
		variable shop %s
		ledger nats %s
	}
}

https://localhost:{$HTTPS_PORT} {
	tls internal
	api_gateway
}
`, service.URL, strings.Join(natstest.Addresses(servers), ",")))
	binary := build(t)
	var gateways []*running
	var clients []*http.Client
	for range 2 {
		g := start(t, binary, caddyfile)
		gateways, clients = append(gateways, g), append(clients, g.client(t))
	}
	order := func(gateway int, key string) (status int, replayed bool, body string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, fmt.Sprintf("https://localhost:%d/orders", gateways[gateway].https), strings.NewReader(`{"sku":"A-1"}`))
		if err != nil {
			return 0, false, err.Error()
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", key)
		res, err := clients[gateway].Do(req)
		if err != nil {
			return 0, false, err.Error()
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			return 0, false, err.Error()
		}
		return res.StatusCode, res.Header.Get("Idempotent-Replayed") == "true", string(b)
	}
	within := func(what string, ok func() bool) {
		t.Helper()
		began := time.Now()
		defer func() { t.Logf("%s: after %v", what, time.Since(began)) }()
		// Three servers on one machine that does much else may take more than a minute to agree on who leads.
		const most = 3 * time.Minute
		for end := time.Now().Add(most); !ok(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("not within %v: %s", most, what)
			}
		}
	}
	again := func(when string, gateway int, key, body string) {
		t.Helper()
		within(when, func() bool {
			status, replayed, got := order(gateway, key)
			return status == http.StatusCreated && replayed && got == body
		})
	}
	for i := range gateways {
		within("it takes keys", func() bool { status, _, _ := order(i, fmt.Sprint("ready", i)); return status == http.StatusCreated })
	}
	status, replayed, first := order(0, "k1")
	if status != http.StatusCreated || replayed {
		t.Fatalf("the first: %d %s", status, first)
	}
	if status, replayed, got := order(1, "k1"); status != http.StatusCreated || !replayed || got != first {
		t.Errorf("by the other gateway: %d, replayed %t, %s; the first got %s", status, replayed, got, first)
	}

	var callers sync.WaitGroup
	for n := range 40 {
		callers.Go(func() {
			if status, _, body := order(n%2, "many"); status != http.StatusCreated && status != http.StatusConflict {
				t.Errorf("one of many: %d %s", status, body)
			}
		})
	}
	callers.Wait()

	natstest.Leader(servers, "wicketgate_HELD").Kill()
	again("a key from before, with a server gone", 1, "k1", first)
	probes := 0
	within("it takes keys with a server gone", func() bool {
		probes++
		status, _, _ := order(0, fmt.Sprint("probe", probes))
		return status == http.StatusCreated
	})
	status, _, second := order(0, "k2")
	if status != http.StatusCreated {
		t.Errorf("a new key with a server gone: %d %s", status, second)
	}
	again("the new key at the other gateway", 1, "k2", second)

	go order(0, "held")
	<-held
	if status, _, body := order(1, "held"); status != http.StatusConflict || !strings.Contains(body, "idempotency-in-flight") {
		t.Errorf("what the other has under way: %d %s", status, body)
	}
	if err := gateways[0].process.Kill(); err != nil {
		t.Fatal(err)
	}
	again("with its gateway killed", 1, "k1", first)
	again("with its gateway killed", 1, "k2", second)

	mu.Lock()
	defer mu.Unlock()
	for key, n := range done {
		if n != 1 {
			t.Errorf("%s was carried out %d times", key, n)
		}
	}
}
