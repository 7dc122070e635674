package faults

import (
	"fmt"
	"net/http"
	"time"

	"github.com/wicketgate/wicketgate/internal/hooktest"
	"github.com/wicketgate/wicketgate/internal/limit/redistest"
	"github.com/wicketgate/wicketgate/internal/oauthtest"
)

const clockedCatalogue = `
variable "service" {}
variable "issuer" {}
variable "audience" {}
upstream "service" { servers = [var.service] }
secret "stripe" { file = "stripe.secret" }
identity "apps" {
  jwt {
    issuer   = var.issuer
    ca_file  = "ca.pem"
    audience = [var.audience]
  }
}
limit "team" {
  key = header.x_team
  quota "day" {
    requests = 100
    window   = "24h"
  }
}
api "orders" {
  base_path = "/orders"
  upstream  = upstream.service
  authorize = public
  limits    = [limit.team]
  identify  = [anonymous]
  route "GET /open" {}
  route "GET /held" { identify = [identity.apps] }
}
webhook "stripe" {
  path = "/hooks/stripe"
  verify "stripe" { secrets = [secret.stripe] }
  deliver {
    to   = upstream.service
    path = "/"
  }
}
`

// shared steps the clock of a gateway that counts on Redis, which has its own.
func shared(g *group) {
	server := redistest.Start(g.T)
	r := &counted{group: g, server: server}
	r.gw = g.gateway(fmt.Sprintf("counters redis redis://%s {\n\t\t\ttimeout 5s\n\t\t}\n\t\tvariable service http://%s", server.Address, g.service().address), countedCatalogue, nil)
	clocks, err := r.gw.clocks()
	g.row("is a day ahead, and Redis counts", "quotas go by the clock of Redis: none is refilled, none is lost", func(c *check) {
		if err != nil {
			c.skip(err.Error())
		}
		used := func(team string) map[int]int {
			return statuses(asks(quota+1, 4, func(int) answer { return r.ask(team) }))
		}
		r.shared(c)
		if got := used("before"); got[200] != quota {
			c.Errorf("it answers %v", got)
		}
		clocks.step(c, 24*time.Hour)
		if got := used("before"); got[429] != quota+1 {
			c.Errorf("a quota that was used up is answered %v", got)
		}
		if got := used("ahead"); got[200] != quota {
			c.Errorf("it answers %v", got)
		}
		clocks.step(c, -24*time.Hour)
		if got := used("ahead"); got[429] != quota+1 {
			c.Errorf("once the clock is right, a quota that was used up is answered %v", got)
		}
		c.saw("%d of %d admitted, before and meanwhile", quota, quota)
	})
}

// clocked is a gateway whose clocks are stepped; those of everybody else are right.
type clocked struct {
	*group
	gw     *gateway
	id     *oauthtest.Issuer
	events *hooktest.Events
	clocks *clocks
	teams  int
}

// clockSteps steps the gateway's clock.
func clockSteps(g *group) {
	k := &clocked{group: g, id: oauthtest.Start(g.T, oauthtest.Config{Clients: []map[string]any{{"client_id": "shop"}}, TTL: 10 * time.Minute}), events: hooktest.New(g.T)}
	ca := string(read(g, k.id.CAFile))
	k.gw = g.gateway(fmt.Sprintf("variable service http://%s\n\t\tvariable issuer %s\n\t\tvariable audience %s", g.service().address, k.id.URL, oauthtest.Resource("ES256")),
		clockedCatalogue, map[string]string{"catalogue/ca.pem": ca, "catalogue/stripe.secret": hooktest.Secret + "\n"})
	clocks, err := k.gw.clocks()
	k.clocks = clocks
	row := func(fault, must string, look func(*check)) {
		g.row(fault, must, func(c *check) {
			if err != nil {
				c.skip(err.Error())
			}
			look(c)
		})
	}
	const must = "requests pass, no quota is refilled or lost, tokens and signatures outside of their time are refused; all is well once it is right again"
	for _, step := range []struct {
		fault string
		by    time.Duration
	}{
		{"an hour ahead", time.Hour},
		{"an hour behind", -time.Hour},
		{"a day ahead", 24 * time.Hour},
		{"ten years behind", -10 * 365 * 24 * time.Hour},
	} {
		row("is "+step.fault, must, func(c *check) { k.steps(c, step.by) })
	}
	row("an hour passes at once, as when a machine sleeps", "quotas refill as much as belongs to an hour; tokens end", func(c *check) { k.sleeps(c) })
	shared(g)
}

func (k *clocked) ask(path string, fields ...string) answer {
	return ask(k.gw.two, http.MethodGet, k.gw.URL(path), "", fields...)
}

// hook sends an event that is signed now, and gives the status.
func (k *clocked) hook() int {
	n, body := k.events.Make("", 200)
	status, _ := k.events.Send(k.gw.two, k.gw.URL("/hooks/stripe"), n, body)
	return status
}

// team is one that has not called yet.
func (k *clocked) team() string {
	k.teams++
	return fmt.Sprintf("X-Team: team %d", k.teams)
}

// uses uses up the whole quota of a team.
func (k *clocked) uses(c *check, team string) {
	c.Helper()
	if got := statuses(asks(101, 4, func(int) answer { return k.ask("/orders/open", team) })); got[200] != 100 || got[429] != 1 {
		c.Errorf("of a quota of 100, 101 are answered %v", got)
	}
}

func (k *clocked) right(c *check, token string) {
	c.Helper()
	if a := k.ask("/orders/held", "Authorization: Bearer "+token, k.team()); a.status != 200 {
		c.Errorf("a good token is answered %d %s", a.status, a.body)
	}
	if got := k.hook(); got != 200 {
		c.Errorf("an event is answered %d", got)
	}
}

func (k *clocked) steps(c *check, by time.Duration) {
	token := k.id.Token("shop", "ES256", "")
	c.within(20*time.Second, "events are taken", func() bool { return k.hook() == 200 })
	k.right(c, token)
	used, half := k.team(), k.team()
	k.uses(c, used)
	for range 50 {
		k.ask("/orders/open", half)
	}
	before := k.gw.rests()
	k.clocks.step(c, by)
	back := false
	defer func() {
		if !back {
			k.clocks.step(c, -by)
		}
	}()
	if a := k.ask("/orders/open", used); a.status != 429 {
		c.Errorf("a quota that was used up is answered %d", a.status)
	}
	if got := statuses(asks(52, 4, func(int) answer { return k.ask("/orders/open", half) })); got[200] < 50 || got[200] > 51 {
		c.Errorf("of a quota half used, 52 more are answered %v", got)
	}
	k.uses(c, k.team())
	if a := k.ask("/orders/held", "Authorization: Bearer "+token, k.team()); a.status != 401 {
		c.Errorf("a token outside of its time is answered %d", a.status)
	}
	if got := k.hook(); got < 400 || got > 499 {
		c.Errorf("an event that is signed at another time is answered %d", got)
	}
	k.clocks.step(c, -by)
	back = true
	if a := k.ask("/orders/open", used); a.status != 429 {
		c.Errorf("a quota that was used up is answered %d once the clock is right", a.status)
	}
	k.right(c, token)
	c.saw("200, 429 where it was 429; tokens 401, events 4xx; then 200 both")
	c.settles(k.gw, before)
}

func (k *clocked) sleeps(c *check) {
	token, used := k.id.Token("shop", "ES256", ""), k.team()
	k.right(c, token)
	k.uses(c, used)
	k.clocks.pass(c, time.Hour)
	refilled := statuses(asks(10, 1, func(int) answer { return k.ask("/orders/open", used) }))
	if refilled[200] < 4 || refilled[200] > 5 { // of 100 in 24 hours, an hour is 4.2
		c.Errorf("an hour refills %v", refilled)
	}
	if a := k.ask("/orders/held", "Authorization: Bearer "+token, k.team()); a.status != 401 {
		c.Errorf("a token that has ended is answered %d", a.status)
	}
	c.saw("%d of 100 a day refilled, the token 401", refilled[200])
}
