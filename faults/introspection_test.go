package faults

import (
	"fmt"
	"net/http"
	"time"

	"github.com/wicketgate/wicketgate/faults/chaos"
	"github.com/wicketgate/wicketgate/internal/oauthtest"
)

const introspectedCatalogue = `
variable "service" {}
variable "endpoint" {}
upstream "service" { servers = [var.service] }
secret "gateway" { file = "gateway.secret" }
identity "apps" {
  introspection {
    url           = var.endpoint
    ca_file       = "ca.pem"
    client_id     = "gateway"
    client_secret = secret.gateway
    consumer      = claims.client_id
    timeout       = "1s"
    cache         = "1m"
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

// introspected is a gateway that asks a real OAuth server what tokens mean.
type introspected struct {
	*group
	id    *oauthtest.Issuer
	front *front
	gw    *gateway
}

func introspection(g *group) {
	i := &introspected{group: g, id: oauthtest.Start(g.T, oauthtest.Config{Clients: []map[string]any{{"client_id": "shop"}, {"client_id": "gateway"}}, TTL: 24 * time.Hour})}
	i.front = g.front(i.id)
	i.gw = g.gateway(fmt.Sprintf("variable service http://%s\n\t\tvariable endpoint %s", g.service().address, i.front.at("/token/introspection")),
		introspectedCatalogue, map[string]string{"catalogue/ca.pem": i.front.ca, "catalogue/gateway.secret": i.id.Secret("gateway")})
	clocks, err := i.gw.clocks()
	const must = "503 within 1s, what is remembered holds for 1m, 200 again at once"
	for _, test := range []struct {
		fault string
		fails func(*check)
	}{
		{"nobody listens", i.front.breaks(chaos.Fault{Kind: chaos.Refuse})},
		{"black hole", i.front.breaks(chaos.Fault{Kind: chaos.BlackHole})},
		{"answers 5 s late", i.front.breaks(chaos.Fault{Kind: chaos.Delay, Delay: 5 * time.Second})},
		{"answers a byte in 50 ms", i.front.breaks(chaos.Fault{Kind: chaos.Drip, Delay: 50 * time.Millisecond})},
		{"resets", i.front.breaks(chaos.Fault{Kind: chaos.Reset})},
		{"half-closes", i.front.breaks(chaos.Fault{Kind: chaos.HalfClose})},
		{"sends garbage", i.front.breaks(chaos.Fault{Kind: chaos.Garbage})},
		{"answers 500", i.front.says(wrong(500, `{"active":true}`))},
		{"answers 10 MB", i.front.says(huge)},
		{"answers no JSON", i.front.says(wrong(200, `true`))},
		{"answers active as text", i.front.says(wrong(200, `{"active":"true","sub":"admin"}`))},
	} {
		g.row(test.fault, must, func(c *check) {
			if err != nil {
				c.skip(err.Error())
			}
			i.breaks(c, clocks, test.fails)
		})
	}
}

func (i *introspected) ask(token string) answer {
	return ask(i.gw.two, http.MethodGet, i.gw.URL("/orders/x"), "", "Authorization: Bearer "+token)
}

// breaks asks with a token that is remembered, and with one that is not.
func (i *introspected) breaks(c *check, clocks *clocks, fails func(*check)) {
	known, fresh := i.id.Token("shop", "opaque", ""), i.id.Token("shop", "opaque", "")
	if a := i.ask(known); a.status != 200 {
		c.Fatalf("a good token is answered %d %s", a.status, a.body)
	}
	before := i.gw.rests()
	fails(c)
	defer i.front.mend(c)
	slowest := time.Duration(0)
	refused := func(token string) {
		c.Helper()
		a := i.ask(token)
		if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
			c.Errorf("it answers %d %s", a.status, a.body)
		}
		slowest = max(slowest, a.took)
	}
	refused(fresh)
	if a := i.ask(known); a.status != 200 {
		c.Errorf("a token that is remembered is answered %d %s", a.status, a.body)
	}
	clocks.pass(c, 61*time.Second)
	refused(known)
	if slowest > time.Second+slack {
		c.Errorf("it answers after %v", slowest)
	}
	i.front.mend(c)
	again := c.within(20*time.Second, "tokens are taken again", func() bool { return i.ask(fresh).status == 200 })
	c.saw("remembered 200, others 503 within %v; 200 again after %v", rounded(slowest), rounded(again))
	c.settles(i.gw, before)
}
