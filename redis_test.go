package wicketgate_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/limit/redistest"
)

// TestGatewaysShareRedis runs two gateways as an operator does, each a process of its own, which count on one Redis. Under
// load they admit a quota once between them; while Redis is gone each admits its half; and when it is back they share again.
func TestGatewaysShareRedis(t *testing.T) {
	redis := redistest.Start(t)
	const quota = 100
	caddyfile := filepath.Join(t.TempDir(), "Caddyfile")
	text := fmt.Sprintf(`{
	admin {$ADMIN}
	http_port {$HTTP_PORT}
	https_port {$HTTPS_PORT}
	persist_config off
	skip_install_trust
	auto_https disable_redirects
	storage file_system {$DATA}
	api_gateway {
		counters redis redis://%s {
			timeout 5s # what is tested is counting, on machines that may be busy
			nodes 2
		}
	}
}

https://localhost:{$HTTPS_PORT} {
	tls internal
	api_limit callers {
		key header.x_team
		quota %d 1d
	}
	respond "counted"
}
`, redis.Address, quota)
	if err := os.WriteFile(caddyfile, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	binary := build(t)
	gateways := []*running{start(t, binary, caddyfile), start(t, binary, caddyfile)}
	var clients []*http.Client
	for _, g := range gateways {
		clients = append(clients, g.client(t))
	}
	// admitted is how many of 160 requests each are let through by one, and by the other, for a team.
	admitted := func(team string) [2]int64 {
		var counts [2]atomic.Int64
		var all sync.WaitGroup
		for i, g := range gateways {
			for range 4 {
				all.Go(func() {
					for range 40 {
						switch status := g.ask(t, clients[i], team); status {
						case http.StatusOK:
							counts[i].Add(1)
						case http.StatusTooManyRequests:
						default:
							t.Errorf("got %d", status)
						}
					}
				})
			}
		}
		all.Wait()
		return [2]int64{counts[0].Load(), counts[1].Load()}
	}
	if got := admitted("first"); got[0]+got[1] != quota {
		t.Errorf("both admitted %v, of a quota of %d", got, quota)
	}
	redis.Kill()
	if got := admitted("second"); got != [2]int64{quota / 2, quota / 2} {
		t.Errorf("with Redis gone each admitted %v, of shares of %d", got, quota/2)
	}
	redis.Restart()
	for i, g := range gateways {
		redis.Within(5*time.Second, "Redis counts again", func() bool { // the share is used up
			return g.ask(t, clients[i], "second") == http.StatusOK
		})
	}
	if got := admitted("third"); got[0]+got[1] != quota {
		t.Errorf("with Redis back both admitted %v, of a quota of %d", got, quota)
	}
}

// client trusts the gateway's own authority.
func (g *running) client(t testing.TB) *http.Client {
	t.Helper()
	pem, err := os.ReadFile(filepath.Join(g.data, "pki", "authorities", "local", "root.crt"))
	roots := x509.NewCertPool()
	if err != nil || !roots.AppendCertsFromPEM(pem) {
		t.Fatal("the authority has no certificate: ", err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 20 * time.Second}
}

// ask sends a request of a team.
func (g *running) ask(t *testing.T, client *http.Client, team string) int {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.here("https://localhost:8443/"), nil)
	if err != nil {
		t.Error(err)
		return 0
	}
	req.Header.Set("X-Team", team)
	res, err := client.Do(req)
	if err != nil {
		t.Error(err)
		return 0
	}
	res.Body.Close() //nolint:errcheck // nothing of it is read
	return res.StatusCode
}
