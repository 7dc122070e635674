package modules_test

import (
	"bufio"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// TestWebhookDrips sends bodies a byte at a time, each well within the bound of a pause. Whoever receives them does not
// wait for the end: neither a webhook of the catalogue, nor one that stands alone, nor a stage before it.
func TestWebhookDrips(t *testing.T) {
	t.Setenv("GITHUB_HOOK", gitHubSecret)
	dir := t.TempDir()
	gatewaytest.Write(t, filepath.Join(dir, "hooks.hcl"), `
secret "github" { env = "GITHUB_HOOK" }
upstream "shop" { servers = ["http://127.0.0.1:1"] }
webhook "github" {
  path    = "/hooks/github"
  timeout = "1s"
  verify "github" { secrets = [secret.github] }
  deliver {
    to   = upstream.shop
    path = "/"
  }
}
`)
	path := filepath.Join(dir, "Caddyfile")
	gatewaytest.Write(t, path, `{
	api_gateway {
		catalogue hooks.hcl
		ledger embedded {
			folder ledger
		}
	}
}
https://localhost:{$HTTPS_PORT} {
	tls internal
	api_webhook /hooks/alone {
		timeout 1s
		verify github {env.GITHUB_HOOK}
		deliver http://127.0.0.1:1/
	}
	api_gateway
}
`)
	g := gatewaytest.Start(t, path)
	host := strings.TrimPrefix(g.URL, "https://")
	for _, hook := range []string{"/hooks/github", "/hooks/alone"} {
		t.Run(hook, func(t *testing.T) {
			c, err := gatewaytest.Dial(g.Client.Transport.(*http.Transport).TLSClientConfig, "http/1.1")(t.Context(), "tcp", host)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			began := time.Now()
			fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 100000\r\nX-Hub-Signature-256: sha256=00\r\n\r\n", hook, host)
			answered := make(chan struct{})
			go func() {
				for tick := time.NewTicker(50 * time.Millisecond); ; {
					select {
					case <-tick.C:
						c.Write([]byte("x")) //nolint:errcheck // the connection ends with the test
					case <-answered:
						tick.Stop()
						return
					}
				}
			}()
			c.SetReadDeadline(began.Add(14 * time.Second)) // before the bound of a pause
			res, err := http.ReadResponse(bufio.NewReader(c), nil)
			close(answered)
			if err != nil {
				t.Fatalf("no answer after %s: %v", time.Since(began), err)
			}
			defer res.Body.Close()
			if res.StatusCode != 408 || time.Since(began) < time.Second {
				t.Errorf("got %d after %s", res.StatusCode, time.Since(began))
			}
		})
	}
}
