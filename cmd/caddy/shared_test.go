package main

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/limit/redistest"
	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// asGateway has the test's own program be the gateway, so that none need be built.
const asGateway = "WICKETGATE_TEST_AS_GATEWAY"

func TestMain(m *testing.M) {
	if os.Getenv(asGateway) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestTwoGateways has two gateways, each a process of its own, count on one Redis while both are asked by many at once: they
// admit the quota between them.
func TestTwoGateways(t *testing.T) {
	const quota, callers, each = 100, 4, 40
	redis := redistest.Start(t)
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		MaxIdleConnsPerHost: callers,
		TLSClientConfig:     &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // it is our own, on loopback
	}}
	defer client.CloseIdleConnections()
	status := func(url string) int {
		res, err := client.Get(url)
		if err != nil {
			return 0
		}
		res.Body.Close() //nolint:errcheck // it says nothing
		return res.StatusCode
	}
	var urls []string
	for range 2 {
		port := gatewaytest.FreePort(t)
		url := fmt.Sprintf("https://localhost:%d", port)
		run(t, fmt.Sprintf(`{
	admin off
	auto_https disable_redirects
	skip_install_trust
	storage file_system {DIR}
	log {
		level ERROR
	}
	api_gateway {
		counters redis redis://%s {
			on_error deny
			timeout  5s
		}
	}
}

%s {
	tls internal
	@counted path /counted
	api_limit @counted callers {
		quota %d 24h
	}
	respond ok
}
`, redis.Address, url, quota))
		redis.Within(time.Minute, "the gateway serves", func() bool { return status(url) == 200 })
		urls = append(urls, url)
	}
	var admitted, refused atomic.Int64
	var all sync.WaitGroup
	for _, url := range urls {
		for range callers {
			all.Go(func() {
				for range each {
					switch got := status(url + "/counted"); got {
					case 200:
						admitted.Add(1)
					case 429:
						refused.Add(1)
					default:
						t.Errorf("got %d", got)
					}
				}
			})
		}
	}
	all.Wait()
	if admitted.Load() != quota || refused.Load() != 2*callers*each-quota {
		t.Errorf("%d were admitted and %d refused, of a quota of %d", admitted.Load(), refused.Load(), quota)
	}
}

// run runs a gateway in a process of its own until the test ends; {DIR} is a folder that it has.
func run(t *testing.T, caddyfile string) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "Caddyfile")
	gatewaytest.Write(t, path, strings.ReplaceAll(caddyfile, "{DIR}", dir))
	gateway := exec.Command(os.Args[0], "run", "--config", path)
	gateway.Stderr = os.Stderr
	gateway.Env = append(os.Environ(), asGateway+"=1", "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	if err := gateway.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = gateway.Process.Signal(os.Interrupt)
		_ = gateway.Wait()
	})
}
