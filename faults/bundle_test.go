package faults

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/wicketgate/wicketgate/faults/chaos"
	"github.com/wicketgate/wicketgate/internal/bundle/bundletest"
)

const decidedCatalogue = `
variable "service" {}
upstream "service" { servers = [var.service] }
api "orders" {
  base_path = "/orders"
  upstream  = upstream.service
  identify  = [anonymous]
  authorize = policy.shop.orders
  route "GET /{id}" {}
}
`

// policy allows one order alone.
const policy = `package shop.orders

default allow := false

allow if input.request.path == "/orders/allowed"
`

// decided is a gateway whose policies are bundles, signed ones, which it asks for once a second.
type decided struct {
	*group
	bundles *bundletest.Server
	key     *bundletest.Key
	proxy   *chaos.Proxy
	served  int // bundles
}

func bundles(g *group) {
	d := &decided{group: g, bundles: bundletest.NewServer(g.T), key: bundletest.NewKey(g.T)}
	d.proxy = g.proxy(d.bundles.URL)
	ca, key := d.bundles.CA(g.T), d.key.File(g.T)
	service := g.service().address
	run := func() *gateway {
		return g.gateway(fmt.Sprintf("variable service http://%s\n\t\tpolicies bundle https://%s/gw.tar.gz {\n\t\t\tverify %s\n\t\t\tca %s\n\t\t\tpoll 1s 1s\n\t\t\tlimit 5s\n\t\t}",
			service, d.proxy.Address(), key, ca), decidedCatalogue, nil)
	}
	other := bundletest.NewKey(g.T)
	files := func() bundletest.Files { return bundletest.Files{"shop/orders.rego": policy} }
	for _, cold := range []bool{false, true} {
		when, must := "", "the last good one decides, and the status tells; a new one is taken once it is well"
		if cold {
			when, must = "at a first start, ", "503 to all, with Retry-After, and the status tells"
		}
		var gw *gateway
		for _, test := range []struct {
			fault, kind string
			fails       func(*check)
		}{
			{"missing (404)", "unreachable", func(*check) { d.bundles.Answer(http.NotFound) }},
			{"500", "unreachable", func(*check) { d.bundles.Answer(wrong(500, "")) }},
			{"corrupt", "broken", func(*check) {
				archive := d.key.Sign(g.T, files()).Pack(g.T)
				archive[len(archive)/2] ^= 0xff
				d.bundles.Serve(archive)
			}},
			{"cut short", "broken", func(*check) {
				archive := d.key.Sign(g.T, files()).Pack(g.T)
				d.bundles.Serve(archive[:len(archive)/2])
			}},
			{"unsigned", "broken", func(*check) { d.bundles.Serve(files().Pack(g.T)) }},
			{"signed by another key", "broken", func(*check) { d.bundles.Serve(other.Sign(g.T, files()).Pack(g.T)) }},
			{"changed after it was signed", "broken", func(*check) {
				signed := maps.Clone(d.key.Sign(g.T, files()))
				signed["shop/orders.rego"] = "package shop.orders\n\nallow := true\n"
				d.bundles.Serve(signed.Pack(g.T))
			}},
			{"with mistakes", "broken", func(*check) {
				d.bundles.Serve(d.key.Sign(g.T, bundletest.Files{"shop/orders.rego": "package shop.orders\n\nallow if input.reqest\n"}).Pack(g.T))
			}},
			{"without what the catalogue asks for", "refused", func(*check) {
				d.bundles.Serve(d.key.Sign(g.T, bundletest.Files{"shop/goods.rego": "package shop.goods\n\nallow := true\n"}).Pack(g.T))
			}},
			{"the server is away", "unreachable", func(c *check) { c.set(d.proxy, chaos.Fault{Kind: chaos.Refuse}) }},
			{"the server resets", "unreachable", func(c *check) { c.set(d.proxy, chaos.Fault{Kind: chaos.Reset}) }},
			{"the server sends garbage", "unreachable", func(c *check) { c.set(d.proxy, chaos.Fault{Kind: chaos.Garbage}) }},
		} {
			g.row(when+test.fault, must, func(c *check) {
				first := gw == nil
				if first {
					if !cold {
						d.good()
					} else {
						test.fails(c)
					}
					gw = run()
				}
				d.breaks(c, gw, cold, first, test.kind, test.fails)
			})
		}
		if cold && gw != nil {
			g.row(when+"and then all is well", "it decides", func(c *check) {
				c.set(d.proxy, chaos.Fault{})
				revision := d.good()
				took := c.within(20*time.Second, "a bundle decides", func() bool { return gw.bundle().Revision == revision })
				decides(c, gw, 200, 403)
				c.saw("200 and 403 after %v", rounded(took))
			})
		}
	}
}

// good serves a good bundle, another one each time, and gives its revision.
func (d *decided) good() string {
	d.served++
	revision := fmt.Sprintf("r%d", d.served)
	d.bundles.Serve(d.key.Sign(d.T, bundletest.Files{"shop/orders.rego": policy, ".manifest": `{"revision":"` + revision + `","roots":["shop"]}`}).Pack(d.T))
	return revision
}

// bundleState is what the status says of the bundles: text is all of what fails.
type bundleState struct {
	Revision string
	Waiting  bool
	text     string
}

// told says whether it tells a kind of failure.
func (s bundleState) told(kind string) bool { return strings.Contains(s.text, `"kind":"`+kind+`"`) }

func (gw *gateway) bundle() bundleState {
	var now struct {
		Policies struct {
			bundleState
			Unreachable, Error json.RawMessage
		}
	}
	gw.Status(&now)
	state := now.Policies.bundleState
	state.text = string(now.Policies.Unreachable) + string(now.Policies.Error)
	return state
}

// decides asks for what the policy allows, and for what it denies.
func decides(c *check, gw *gateway, allowed, denied int) {
	c.Helper()
	for path, want := range map[string]int{"/orders/allowed": allowed, "/orders/denied": denied} {
		a := ask(gw.two, http.MethodGet, gw.URL(path), "")
		if a.status != want || want == 503 && a.header.Get("Retry-After") == "" {
			c.Errorf("%s is answered %d %s, not %d", path, a.status, a.body, want)
		}
	}
}

func (d *decided) breaks(c *check, gw *gateway, cold, first bool, kind string, fails func(*check)) {
	if !cold {
		c.within(20*time.Second, "a bundle decides", func() bool { s := gw.bundle(); return s.Revision != "" && s.text == "" })
		decides(c, gw, 200, 403)
	}
	before, was := gw.rests(), gw.bundle()
	fails(c)
	var now bundleState
	c.within(20*time.Second, "the status tells", func() bool {
		now = gw.bundle()
		return now.told(kind) && (now != was || first)
	})
	if cold {
		decides(c, gw, 503, 503)
		if !now.Waiting {
			c.Errorf("the status is %+v", now)
		}
		c.saw("503, told as %s", kind)
		c.settles(gw, before)
		return // a good one ends what is cold
	}
	decides(c, gw, 200, 403)
	if now.Revision != was.Revision {
		c.Errorf("revision %s is in force, which was %s", now.Revision, was.Revision)
	}
	c.set(d.proxy, chaos.Fault{})
	revision := d.good()
	again := c.within(20*time.Second, "a new bundle decides", func() bool { s := gw.bundle(); return s.Revision == revision && s.text == "" })
	decides(c, gw, 200, 403)
	c.saw("%s kept, told as %s; the next one after %v", strings.TrimSpace(was.Revision), kind, rounded(again))
	c.settles(gw, before)
}
