package modules_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/oauthtest"
	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// TestIssuer has an OAuth server that is none of ours issue tokens for a gateway that knows no more than where it is: it
// signs in every way, changes its keys, goes down and comes back.
func TestIssuer(t *testing.T) {
	id := oauthtest.Start(t, oauthtest.Config{Clients: []map[string]any{{"client_id": "shop"}}})
	ca, err := os.ReadFile(id.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	audience := func(divider string) string {
		var all []string
		for _, kind := range []string{"ES256", "RS256", "PS256", "EdDSA"} {
			all = append(all, fmt.Sprintf("%q", oauthtest.Resource(kind)))
		}
		return strings.Join(all, divider)
	}
	admin := gatewaytest.FreePort(t)
	g, s, dir := alone(t, map[string]string{
		"ca.pem": string(ca),
		"catalogue/shop.hcl": `
variable "orders" {}
identity "staff" {
  jwt {
    issuer   = "` + id.URL + `"
    jwks     = "` + id.URL + `/jwks"
    ca_file  = "../ca.pem"
    audience = [` + audience(", ") + `]
    consumer = "client:${claims.client_id}"
    type     = "at+jwt"
    required = ["jti"]
    groups   = claims.client_id
    plan     = "gold"
  }
}
upstream "orders" { servers = [var.orders] }
api "orders" {
  base_path = "/api"
  upstream  = upstream.orders
  identify  = [identity.staff]
  authorize = public
  route "GET /orders" {}
}
`}, fmt.Sprintf(`
	admin localhost:%d
	api_gateway {
		catalogue catalogue
		variable orders {SERVICE}
		watch 10ms
	}`, admin), `
	handle /alone/* {
		api_auth {
			jwt {
				issuer `+id.URL+`
				ca_file ca.pem
				audience `+audience(" ")+`
				scopes orders:read
			}
		}
		{PROXY}
	}
	handle {
		api_gateway
	}`)
	ask := func(path, token string) gatewaytest.Answer {
		t.Helper()
		return g.Do("GET", path, "", "Authorization: Bearer "+token)
	}
	both := func(what, token string, status int) {
		t.Helper()
		for _, path := range []string{"/alone/orders", "/api/orders"} {
			is(t, what+", "+path, ask(path, token), status, "")
		}
	}

	tokens := map[string]string{}
	for _, kind := range []string{"ES256", "RS256", "PS256", "EdDSA"} {
		tokens[kind] = id.Token("shop", kind, "orders:read")
		both(kind, tokens[kind], 200)
	}
	if _, _, header, _ := s.saw(); header.Get("X-Consumer-Id") != "client:shop" || header["Authorization"] != nil {
		t.Errorf("the service is told %v", header)
	}
	write := id.Token("shop", "ES256", "orders:write")
	is(t, "another scope", ask("/api/orders", write), 200, "")
	res := ask("/alone/orders", write)
	is(t, "another scope", res, 403, "")
	if got := res.Header.Get("WWW-Authenticate"); !strings.Contains(got, `error="insufficient_scope"`) || !strings.Contains(got, `scope="orders:read"`) {
		t.Errorf("the challenge is %s", got)
	}
	is(t, "an opaque token", ask("/api/orders", id.Token("shop", "opaque", "orders:read")), 401, "")

	id.RotateKeys(false)
	fresh := id.Token("shop", "ES256", "orders:read")
	both("a token of new keys", fresh, 200)
	both("a token of keys that are withdrawn", tokens["ES256"], 401)
	for n := range 50 {
		is(t, "an invented key", ask("/api/orders", invented(fresh, n)), 401, "")
	}
	if n := id.Asked("/jwks"); n > 8 { // at the start, and once for a token, each by two sources, with some room for a slow machine
		t.Errorf("the issuer was asked %d times", n)
	}

	another := id.Token("shop", "EdDSA", "orders:read")
	id.Stop()
	both("while the issuer is away", another, 200)
	before := id.Asked("/jwks")
	shop := filepath.Join(dir, "catalogue", "shop.hcl")
	text, err := os.ReadFile(shop)
	if err != nil {
		t.Fatal(err)
	}
	gatewaytest.Write(t, shop, strings.Replace(string(text), "client:$", "again:$", 1))
	g.Within(20*time.Second, "the change is in force", func() bool {
		res := ask("/api/orders", another)
		if res.Status != 200 {
			t.Fatalf("a load without the issuer: %d %s", res.Status, res.Body)
		}
		_, _, header, _ := s.saw()
		return header.Get("X-Consumer-Id") == "again:shop"
	})
	if n := id.Asked("/jwks") - before; n > 0 {
		t.Errorf("while it is away the issuer was asked %d times", n)
	}

	var status struct {
		Issuers []struct {
			Issuer  string
			Keys    int
			Waiting bool
		}
	}
	answer, err := http.Get(fmt.Sprintf("http://localhost:%d/api_gateway/status", admin))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // it was only read
	if err := json.NewDecoder(answer.Body).Decode(&status); err != nil {
		t.Fatal(err)
	}
	if len(status.Issuers) != 2 || status.Issuers[0].Issuer != id.URL || status.Issuers[0].Keys != 4 || status.Issuers[1].Waiting {
		t.Errorf("the status is %+v", status)
	}
	http.DefaultClient.CloseIdleConnections()
	id.Restart()
	both("an issuer that came back", another, 200)
}

// invented is a token whose header names a key that there is not.
func invented(token string, n int) string {
	_, rest, _ := strings.Cut(token, ".")
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"alg":"ES256","typ":"at+jwt","kid":"k%d"}`, n)) + "." + rest
}
