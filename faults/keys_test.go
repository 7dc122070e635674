package faults

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/wicketgate/wicketgate/faults/chaos"
	"github.com/wicketgate/wicketgate/internal/oauthtest"
)

const issuedCatalogue = `
variable "service" {}
variable "issuer" {}
variable "jwks" {}
variable "audience" {}
upstream "service" { servers = [var.service] }
identity "apps" {
  jwt {
    issuer    = var.issuer
    jwks      = var.jwks
    ca_file   = "ca.pem"
    audience  = [var.audience]
    max_stale = "10m"
  }
}
api "orders" {
  base_path = "/orders"
  upstream  = upstream.service
  identify  = [identity.apps]
  authorize = public
  route "GET /x" {}
}
`

// issued is a gateway that takes tokens of a real OAuth server, whose keys it fetches.
type issued struct {
	*group
	id     *oauthtest.Issuer
	front  *front
	gw     *gateway
	clocks *clocks
	token  string
}

func keys(g *group) {
	k := &issued{group: g, id: oauthtest.Start(g.T, oauthtest.Config{Clients: []map[string]any{{"client_id": "shop"}}, TTL: 24 * time.Hour})}
	k.front = g.front(k.id)
	run := func() *gateway {
		return g.gateway(fmt.Sprintf("variable service http://%s\n\t\tvariable issuer %s\n\t\tvariable jwks %s\n\t\tvariable audience %s",
			g.service().address, k.id.URL, k.front.at("/jwks"), oauthtest.Resource("ES256")), issuedCatalogue, map[string]string{"catalogue/ca.pem": k.front.ca})
	}
	k.gw = run()
	k.token = k.id.Token("shop", "ES256", "")

	g.row("away when the gateway starts again", "tokens are taken by the keys that were kept", func(c *check) {
		k.takes(c, 200)
		c.within(10*time.Second, "the keys are kept", func() bool { return len(k.gw.files("data/api_gateway/issuers/*.json")) > 0 })
		c.set(k.front.proxy, chaos.Fault{Kind: chaos.Refuse})
		defer c.set(k.front.proxy, chaos.Fault{})
		k.gw.Kill()
		k.gw.Run()
		k.takes(c, 200)
		c.saw("killed and started again, 200")
	})
	g.row("away when the gateway starts first", "503 until it is back", func(c *check) {
		c.set(k.front.proxy, chaos.Fault{Kind: chaos.Refuse})
		cold := run()
		a := ask(cold.two, http.MethodGet, cold.URL("/orders/x"), "", "Authorization: Bearer "+k.token)
		if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
			c.Errorf("it answers %d %s", a.status, a.body)
		}
		c.set(k.front.proxy, chaos.Fault{})
		took := c.within(30*time.Second, "tokens are taken", func() bool {
			return status(cold.two, cold.URL("/orders/x"), "Authorization: Bearer "+k.token) == 200
		})
		c.saw("503 with Retry-After, 200 %v after it is back", rounded(took))
		cold.Stop()
	})
	g.row("keys are rotated, the old ones withdrawn", "new tokens are taken at once, old ones no more: 401", func(c *check) {
		old := k.token
		k.id.RotateKeys(false)
		k.token = k.id.Token("shop", "ES256", "")
		k.takes(c, 200)
		if got := k.ask(old).status; got != http.StatusUnauthorized {
			c.Errorf("an old token is answered %d", got)
		}
		c.saw("200 and 401 at once")
	})

	var err error
	k.clocks, err = k.gw.clocks()
	const must = "200 by the keys that are known, 401 for unknown ones; after max_stale 401; 200 again once it is well"
	for _, test := range []struct {
		fault string
		fails func(*check)
	}{
		{"nobody listens", k.front.breaks(chaos.Fault{Kind: chaos.Refuse})},
		{"black hole", k.front.breaks(chaos.Fault{Kind: chaos.BlackHole})},
		{"answers a byte in 50 ms", k.front.breaks(chaos.Fault{Kind: chaos.Drip, Delay: 50 * time.Millisecond})},
		{"resets", k.front.breaks(chaos.Fault{Kind: chaos.Reset})},
		{"half-closes", k.front.breaks(chaos.Fault{Kind: chaos.HalfClose})},
		{"sends garbage", k.front.breaks(chaos.Fault{Kind: chaos.Garbage})},
		{"answers 500", k.front.says(wrong(500, `{"keys":[]}`))},
		{"answers 10 MB", k.front.says(huge)},
		{"answers no JSON", k.front.says(wrong(200, `<html>`))},
		{"answers without keys", k.front.says(wrong(200, `{"keys":[]}`))},
	} {
		g.row(test.fault, must, func(c *check) {
			if err != nil {
				c.skip(err.Error())
			}
			k.breaks(c, test.fails)
		})
	}
}

func (k *issued) ask(token string) answer {
	return ask(k.gw.two, http.MethodGet, k.gw.URL("/orders/x"), "", "Authorization: Bearer "+token)
}

func (k *issued) takes(c *check, want int) {
	c.Helper()
	if a := k.ask(k.token); a.status != want {
		c.Errorf("a good token is answered %d %s, not %d", a.status, a.body, want)
	}
}

// unknown is a token with the id of a key that nobody has.
func (k *issued) unknown(c *check, name string) string {
	c.Helper()
	head, rest, _ := strings.Cut(k.token, ".")
	text, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		c.Fatal(err)
	}
	before, after, _ := strings.Cut(string(text), `"kid":"`)
	_, after, _ = strings.Cut(after, `"`)
	return base64.RawURLEncoding.EncodeToString([]byte(before+`"kid":"`+name+`"`+after)) + "." + rest
}

// failing says whether the keys could last not be fetched, and whether those in force are too old.
func (k *issued) failing() (failing, stale bool) {
	var now struct {
		Issuers []struct {
			Stale bool
			Error *struct{ Detail string }
		}
	}
	if !k.gw.Status(&now) || len(now.Issuers) != 1 {
		return false, false
	}
	return now.Issuers[0].Error != nil, now.Issuers[0].Stale
}

// breaks has a fetch fail, and so much time pass by that keys are too old.
func (k *issued) breaks(c *check, fails func(*check)) {
	k.takes(c, 200)
	before := k.gw.rests()
	fails(c)
	defer k.front.mend(c)
	k.clocks.pass(c, 6*time.Minute) // the keys are asked for every 5
	a := k.ask(k.unknown(c, "nobody's"))
	if a.status != http.StatusUnauthorized {
		c.Errorf("a token of an unknown key is answered %d %s", a.status, a.body)
	}
	if a.took > 5*time.Second+slack {
		c.Errorf("a token of an unknown key is answered after %v", a.took)
	}
	k.takes(c, 200)
	k.clocks.pass(c, 11*time.Second) // a fetch may take 10
	c.within(20*time.Second, "that keys cannot be fetched is told", func() bool {
		k.takes(c, 200)
		failing, _ := k.failing()
		return failing
	})
	k.clocks.pass(c, 5*time.Minute)
	k.takes(c, 401)
	if _, stale := k.failing(); !stale {
		c.Error("that they are too old is not told")
	}
	k.front.mend(c)
	k.clocks.pass(c, time.Minute)
	again := c.within(20*time.Second, "tokens are taken again", func() bool { return k.ask(k.token).status == 200 })
	c.saw("200, unknown keys 401 within %v; stale 401; 200 again after %v", rounded(a.took), rounded(again))
	c.settles(k.gw, before)
}
