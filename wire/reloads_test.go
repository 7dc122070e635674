package wire_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

const reloadedCatalogue = `
variable "service" {}
upstream "service" { servers = [var.service] }
api "things" {
  base_path = "/api"
  upstream  = upstream.service
  identify  = [anonymous]
  authorize = public
  route "GET /things" {}
  route "POST /things" {}
}
`

// TestReloads has Caddy load its configuration 20 times under mixed load: stock Caddy's reverse_proxy, and the gateway with
// what it has against lost connections. No request to the gateway may fail; what stock Caddy loses is told beside it.
func TestReloads(t *testing.T) {
	unix(t)
	t.Parallel()
	const reloads = 20
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{}`) //nolint:errcheck // the client may be gone
	}))
	t.Cleanup(service.Close)
	lost := map[string]map[string]*tally{}
	for _, server := range []struct{ name, global, site string }{
		{"stock Caddy", "", "reverse_proxy " + service.URL},
		{"the gateway", `
	servers {
		listener_wrappers {
			api_listener
			tls
			api_framing
		}
	}
	api_gateway {
		catalogue %s/api.hcl
		variable service ` + service.URL + `
		drain 2s
	}`, "api_gateway"},
	} {
		p := prepare(t)
		if server.global != "" {
			p.Write("api.hcl", reloadedCatalogue)
			server.global = fmt.Sprintf(server.global, p.Folder)
		}
		p.Write("Caddyfile", fmt.Sprintf("{\n\t%s\tauto_https disable_redirects\n\tlog default {\n\t\tlevel ERROR\n\t}\n%s\n}\nhttps://localhost {\n\ttls internal\n\t%s\n}\n", p.global(), server.global, server.site))
		p.start()
		url := fmt.Sprintf("https://localhost:%d/api/things", p.HTTPS)
		counts, stop := load(t, 2, p.roots(), func(f form, c *http.Client) error {
			status, _, body, err := send(c, f.method, url, "")
			if err == nil && status != http.StatusOK {
				err = fmt.Errorf("answered %d %s", status, body)
			}
			return err
		})
		for range reloads {
			before := map[string]int64{}
			for name, c := range counts {
				before[name] = c.requests.Load()
			}
			p.reload()
			within(t, time.Minute, "callers of every form come on", func() bool {
				for name, c := range counts {
					if c.requests.Load() < before[name]+20 {
						return false
					}
				}
				return true
			})
		}
		stop()
		lost[server.name] = counts
		for _, f := range forms {
			t.Logf("%s, %d reloads, %s: %v", server.name, reloads, f.name, counts[f.name])
		}
	}
	for _, f := range forms {
		if c := lost["the gateway"][f.name]; c.failed.Load() > 0 {
			t.Errorf("%s: %v", f.name, c)
		}
	}
}
