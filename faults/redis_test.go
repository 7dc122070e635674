package faults

import (
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/wicketgate/wicketgate/faults/chaos"
	"github.com/wicketgate/wicketgate/internal/limit/redistest"
)

const countedCatalogue = `
variable "service" {}
upstream "service" { servers = [var.service] }
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
  identify  = [anonymous]
  authorize = public
  limits    = [limit.team]
  route "GET /x" {}
}
`

// The quota of a team, and what each of two gateways counts of it alone (on_error local).
const quota, share = 100, quota / 2

// counted is a gateway that counts on a Redis behind a proxy.
type counted struct {
	*group
	gw     *gateway
	server *redistest.Server
	proxy  *chaos.Proxy
	teams  atomic.Int64
}

// redis breaks the Redis that counts. A request may wait 50 ms for it, the default, of which the figures are.
func redis(g *group) {
	r := &counted{group: g, server: redistest.Start(g.T)}
	r.proxy = g.proxy(r.server.Address)
	service := g.service().address
	r.gw = g.gateway(fmt.Sprintf("counters redis redis://%s {\n\t\t\tnodes 2\n\t\t}\n\t\tvariable service http://%s", r.proxy.Address(), service), countedCatalogue, nil)
	mend := func(c *check) { c.set(r.proxy, chaos.Fault{}) }
	for _, test := range []struct {
		fault        string
		breaks, mend func(*check)
	}{
		{"is killed (SIGKILL)", func(*check) { r.server.Kill() }, func(*check) { r.server.Restart() }},
		{"is stopped (SIGSTOP)", func(*check) { r.server.Freeze() }, func(*check) { r.server.Thaw() }},
		{"nobody listens", r.fault(chaos.Fault{Kind: chaos.Refuse}), mend},
		{"black hole", r.fault(chaos.Fault{Kind: chaos.BlackHole}), mend},
		{"answers 0.3 s late", r.fault(chaos.Fault{Kind: chaos.Delay, Delay: 300 * time.Millisecond}), mend},
		{"answers a byte in 20 ms", r.fault(chaos.Fault{Kind: chaos.Drip, Delay: 20 * time.Millisecond}), mend},
		{"resets", r.fault(chaos.Fault{Kind: chaos.Reset}), mend},
		{"half-closes", r.fault(chaos.Fault{Kind: chaos.HalfClose}), mend},
		{"answers garbage", r.fault(chaos.Fault{Kind: chaos.Garbage}), mend},
	} {
		r.row(test.fault, fmt.Sprintf("added p99 ≤ %v, ≤ %d of %d admitted, Redis counts again ≤ %v", mostAdded, share, quota, mostAway), func(c *check) {
			r.breaks(c, test.breaks, test.mend)
		})
	}
	r.others(service)
}

// others has Redis keep everything to itself, before gateways that are told otherwise than to count their shares.
func (r *counted) others(service string) {
	for _, test := range []struct {
		policy, must string
		want         int
	}{
		{"deny", "503 with Retry-After, none admitted, 200 again by itself", http.StatusServiceUnavailable},
		{"allow", "200 for all, 429 again by itself", http.StatusOK},
	} {
		r.row("black hole, with on_error "+test.policy, test.must, func(c *check) {
			o := &counted{group: r.group, server: r.server, proxy: r.proxy}
			o.gw = r.gateway(fmt.Sprintf("counters redis redis://%s {\n\t\t\tprefix %[2]s\n\t\t\ttimeout 500ms\n\t\t\ton_error %[2]s\n\t\t}\n\t\tvariable service http://%[3]s", r.proxy.Address(), test.policy, service), countedCatalogue, nil)
			o.shared(c)
			c.set(r.proxy, chaos.Fault{Kind: chaos.BlackHole})
			defer c.set(r.proxy, chaos.Fault{})
			o.once(0) // finds out
			all := asks(quota+20, 4, func(int) answer { return o.ask("one team") })
			for _, a := range all {
				if a.status != test.want || a.status == http.StatusServiceUnavailable && a.header.Get("Retry-After") == "" {
					c.Errorf("it answers %d %v", a.status, a.header)
				}
			}
			c.set(r.proxy, chaos.Fault{})
			again := o.shared(c)
			after := statuses(asks(quota+20, 4, func(int) answer { return o.ask("another team") }))
			if after[200] != quota || after[429] != 20 {
				c.Errorf("afterwards it answers %v", after)
			}
			c.saw("%v; Redis counts again after %v", statuses(all), rounded(again))
			o.gw.Stop()
		})
	}
}

// The figures that pass.
const (
	mostAdded = 100 * time.Millisecond
	mostAway  = 5 * time.Second
)

func (r *counted) fault(f chaos.Fault) func(*check) { return func(c *check) { c.set(r.proxy, f) } }

// mode is who counts.
func (r *counted) mode() string {
	var now struct{ Counters struct{ Mode string } }
	r.gw.Status(&now)
	return now.Counters.Mode
}

// once asks once, as a team of its own.
func (r *counted) once(int) answer { return r.ask(strconv.FormatInt(r.teams.Add(1), 10)) }

func (r *counted) ask(team string) answer {
	return ask(r.gw.two, http.MethodGet, r.gw.URL("/orders/x"), "", "X-Team: "+team)
}

// shared waits until Redis counts.
func (r *counted) shared(c *check) time.Duration {
	c.Helper()
	return c.within(30*time.Second, "Redis counts", func() bool {
		r.once(0)
		return r.mode() == "shared"
	})
}

// breaks measures before and while Redis is broken, sends more of one team than it may, and mends it.
func (r *counted) breaks(c *check, fault, mend func(*check)) {
	c.Helper()
	const many, atOnce, tries = 300, 4, 3
	var added time.Duration
	for try := 1; ; try++ {
		r.shared(c)
		held := r.gw.rests()
		before := asks(many, atOnce, r.once)
		fault(c)
		during := asks(many, atOnce, r.once)
		added = quantile(during, 0.99) - quantile(before, 0.99)
		team := "more than it may " + strconv.FormatInt(r.teams.Add(1), 10)
		more := statuses(asks(quota+20, atOnce, func(int) answer { return r.ask(team) }))
		if got := statuses(append(before, during...)); len(got) != 1 || got[200] == 0 {
			c.Errorf("those who are within their quota are answered %v", got)
		}
		if more[200]+more[429] != quota+20 || more[200] > share || more[200] == 0 {
			c.Errorf("of one team, it answers %v", more)
		}
		mend(c)
		again := r.shared(c)
		if again > mostAway {
			c.Errorf("Redis counts again after %v", again)
		}
		// A machine that runs much else may stand still for as long as is measured here, but not each time.
		if added > mostAdded && try < tries {
			continue
		}
		if added > mostAdded {
			c.Errorf("requests take up to %v more", added)
		}
		c.saw("p99 %v, added %v; %d admitted; Redis counts again after %v", rounded(quantile(before, 0.99)), rounded(added), more[200], rounded(again))
		c.settles(r.gw, held)
		return
	}
}
