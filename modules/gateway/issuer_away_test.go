package gateway_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/wicketgate/wicketgate/internal/oauthtest"
)

// TestIssuerAway reloads and restarts Caddy while the issuer is away: a reload keeps the keys that run, and a start takes
// those that were kept in Caddy's storage.
func TestIssuerAway(t *testing.T) {
	id := oauthtest.Start(t, oauthtest.Config{Clients: []map[string]any{{"client_id": "shop"}}})
	s := start(t, func(s *server) {
		s.caddyfile = strings.Replace(s.caddyfile, "\tapi_gateway\n}\n", `	handle /alone/* {
		api_auth {
			jwt {
				issuer `+id.URL+`
				ca_file `+id.CAFile+`
				audience `+oauthtest.Resource("ES256")+`
			}
		}
		respond first
	}
	handle {
		api_gateway
	}
}
`, 1)
	})
	token := id.Token("shop", "ES256", "")
	// Caddy ends the servers of the configuration before in the background, which may take a connection until then.
	ask := func(want string) {
		t.Helper()
		s.within(10*time.Second, want, func() bool {
			c := s.client(true)
			defer c.CloseIdleConnections()
			a := s.do(c, "GET", "/alone/orders", "", "Authorization: Bearer "+token)
			if a.status != 200 {
				t.Fatalf("got %d %s, want %s", a.status, a.body, want)
			}
			return a.body == want
		})
	}
	ask("first")
	s.within(10*time.Second, "the keys are kept", func() bool {
		kept, err := filepath.Glob(s.path("api_gateway/issuers/*.json"))
		return err == nil && len(kept) == 1
	})

	id.Stop()
	s.caddyfile = strings.Replace(s.caddyfile, "respond first", "respond second", 1)
	if err := s.load(); err != nil {
		t.Fatal(err)
	}
	ask("second")

	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := s.load(); err != nil {
		t.Fatal(err)
	}
	s.trust()
	ask("second")
	if n := id.Asked("/jwks"); n != 1 {
		t.Errorf("the issuer was asked %d times", n)
	}
}
