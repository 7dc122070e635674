package faults

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/faults/chaos"
	"github.com/wicketgate/wicketgate/internal/bundle/bundletest"
	"github.com/wicketgate/wicketgate/internal/hooktest"
	"github.com/wicketgate/wicketgate/internal/identity"
	"github.com/wicketgate/wicketgate/internal/keyfile"
	"github.com/wicketgate/wicketgate/internal/ledger/natstest"
	"github.com/wicketgate/wicketgate/internal/limit/redistest"
)

// soakCatalogue has a place for a route that comes and goes.
const soakCatalogue = `
variable "service" {}
variable "issuer" {}
secret "stripe" { file = "stripe.secret" }
upstream "service" {
  servers      = [var.service]
  timeout      = "2s"
  dial_timeout = "1s"
}
identity "partners" {
  api_key { keys = "partners.keys" }
}
identity "apps" {
  jwt {
    issuer   = var.issuer
    jwks     = "${var.issuer}/keys"
    ca_file  = "ca.pem"
    audience = ["orders"]
    plan     = claims.plan
  }
}
limit "consumer" {
  key = consumer.id
  quota "burst" {
    requests = 20
    window   = "10s"
  }
  plan "gold" {
    quota "burst" {
      requests = 1000000
      window   = "10s"
    }
  }
}
api "orders" {
  base_path = "/orders"
  upstream  = upstream.service
  identify  = [identity.partners, identity.apps]
  authorize = policy.shop.orders
  limits    = [limit.consumer]
  route "GET /{id}" {}
  route "POST /new" {}
  %s
}
webhook "stripe" {
  path = "/hooks/stripe"
  verify "stripe" { secrets = [secret.stripe] }
  deliver {
    to    = upstream.service
    path  = "/hooks"
    order = body.key
  }
}
`

// soakPolicy denies one order always, and another one now and then.
const soakPolicy = `package shop.orders

default allow := false

allow if not denied

denied if input.request.path == "/orders/denied"

denied if {
	input.request.path == "/orders/%s"
	true
}
`

// soaked is a gateway under load for long.
type soaked struct {
	*group
	gw      *gateway
	events  *hooktest.Events
	bundles *bundletest.Server
	key     *bundletest.Key
	issuer  *issuing
	keys    map[string]string // what callers send, by consumer
	lines   [2]string         // the key file with and without the key that comes and goes
	service *seen

	ends    atomic.Bool
	swaps   atomic.Int64
	faults  atomic.Int64
	outages outages
	calls   calls
	proxies []*chaos.Proxy // the service's is the first
}

// soakTime is for how long: 3 minutes, or as WICKETGATE_SOAK says.
func soakTime(t *testing.T) time.Duration {
	text := os.Getenv("WICKETGATE_SOAK")
	if text == "" {
		return 3 * time.Minute
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 30*time.Second {
		t.Fatalf("WICKETGATE_SOAK is a duration of at least 30s, not %q", text)
	}
	return d
}

// TestSoak has a gateway serve callers over HTTP/1.1 and HTTP/2, and third parties that send events, while what it depends on
// fails now and then, and its catalogue, policies and keys are swapped. At the end every answer was one that it may give, the
// answers add up with what the service saw and with what the ledger delivered, and memory, goroutines and files are what
// they were.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes minutes")
	}
	t.Parallel()
	took := soakTime(t)
	s := soak(&group{T: t, dependency: "soak"})
	c := &check{T: t}

	s.warm(c)
	before := s.gw.rests()
	var all sync.WaitGroup
	for i, client := range []*http.Client{s.gw.one, s.gw.two, s.gw.one, s.gw.two, s.gw.one, s.gw.two} {
		all.Go(func() { s.caller(i, client) })
	}
	for i := range 2 {
		all.Go(func() { s.sender(fmt.Sprintf("key %d", i)) })
	}
	all.Go(s.changer)
	all.Go(s.breaker)
	watched := s.outages.watch()
	samples := s.sample(took)
	s.ends.Store(true)
	all.Wait()
	still := watched()

	s.settle(c)
	s.addUp(c)
	samples.flat(c)
	c.settles(s.gw, before)
	t.Logf("%v; goroutines and files as before", s.told(took, still))
}

// soak starts everything.
func soak(g *group) *soaked {
	s := &soaked{group: g, events: hooktest.New(g.T), bundles: bundletest.NewServer(g.T), key: bundletest.NewKey(g.T), service: newSeen(g.T), keys: map[string]string{}}
	s.calls.ids = s.service
	s.service.events = s.events
	s.issuer = newIssuing(g)
	service, redis, bundles := g.proxy(s.service.URL), g.proxy(redistest.Start(g.T).Address), g.proxy(s.bundles.URL)
	events := g.proxy(strings.TrimPrefix(natstest.Start(g.T, "").Address, "nats://"))
	s.proxies = []*chaos.Proxy{service, redis, bundles, events, s.issuer.front.proxy}
	s.policy("never")
	s.makeKeys()
	s.gw = g.gateway(fmt.Sprintf(`variable service http://%s
		variable issuer %s
		counters redis redis://%s {
			nodes 1
		}
		ledger nats nats://%s {
			replicas 1
			size 256MiB
		}
		policies bundle https://%s/gw.tar.gz {
			verify %s
			ca %s
			poll 1s 1s
			limit 5s
		}`, service.Address(), s.issuer.front.at(""), redis.Address(), events.Address(), bundles.Address(), s.key.File(g.T), s.bundles.CA(g.T)),
		fmt.Sprintf(soakCatalogue, ""), map[string]string{"catalogue/partners.keys": s.lines[0], "catalogue/stripe.secret": hooktest.Secret + "\n", "catalogue/ca.pem": s.issuer.front.ca})
	return s
}

// policy serves a bundle that denies one more order.
func (s *soaked) policy(denied string) {
	s.bundles.Serve(s.key.Sign(s.T, bundletest.Files{"shop/orders.rego": fmt.Sprintf(soakPolicy, denied)}).Pack(s.T))
}

// makeKeys makes keys of several consumers, one of which comes and goes.
func (s *soaked) makeKeys() {
	s.Helper()
	file := s.TempDir() + "/partners.keys"
	for i, consumer := range []string{"acme", "globex", "bounded", "changing"} {
		plan := "gold"
		if consumer == "bounded" {
			plan = ""
		}
		if consumer == "changing" {
			s.lines[1] = string(read(s.group, file))
		}
		printed, _, err := keyfile.Add(file, &identity.Key{Consumer: consumer, Plan: plan})
		if err != nil {
			s.Fatalf("making key %d: %v", i, err)
		}
		s.keys[consumer] = "X-API-Key: " + printed
	}
	s.lines[0] = string(read(s.group, file))
	s.keys["staying"], s.keys["rotating"] = s.issuer.token(0), s.issuer.token(1)
}

// warm waits until everything is there, and has all that is made once be made.
func (s *soaked) warm(c *check) {
	c.Helper()
	c.within(time.Minute, "orders are served", func() bool {
		return ask(s.gw.two, http.MethodGet, s.gw.URL("/orders/1"), "", s.keys["acme"]).status == 200
	})
	c.within(time.Minute, "tokens are taken", func() bool {
		return ask(s.gw.two, http.MethodGet, s.gw.URL("/orders/1"), "", s.keys["staying"]).status == 200
	})
	c.within(time.Minute, "events are taken", func() bool {
		n, body := s.events.Make("", 500)
		status, _ := s.events.Send(s.gw.two, s.gw.URL("/hooks/stripe"), n, body)
		return status == 200
	})
	for _, client := range []*http.Client{s.gw.one, s.gw.two} {
		asks(100, 6, func(int) answer { return ask(client, http.MethodGet, s.gw.URL("/orders/1"), "", s.keys["acme"]) })
	}
	s.calls.before = s.counted("caddy_api_gateway_requests_total", `api="orders"`)
}

// caller asks, one request after the other.
func (s *soaked) caller(at int, client *http.Client) {
	for i := at; !s.ends.Load(); i++ {
		one := kinds[i%len(kinds)]
		id := s.service.next()
		fields := []string{"X-Id: " + fmt.Sprint(id), "Content-Type: application/json"}
		if one.consumer != "" {
			fields = append(fields, s.keys[one.consumer])
		}
		body := ""
		if one.method == http.MethodPost {
			body = `{"order":1}`
		}
		began := time.Now()
		a := ask(client, one.method, s.gw.URL(one.path), body, fields...)
		s.calls.note(call{kind: one, id: id, answer: a, began: began, ended: time.Now()}, &s.outages)
		time.Sleep(120 * time.Millisecond) // the load is one that leaves a machine for others
	}
}

// sender sends events of a key, one after the other: each again until it is answered 2xx.
func (s *soaked) sender(key string) {
	for !s.ends.Load() {
		n, body := s.events.Make(key, 1000)
		for !s.ends.Load() {
			status, _ := s.events.Send(s.gw.two, s.gw.URL("/hooks/stripe"), n, body)
			if status == 200 {
				break
			}
			s.calls.refusedEvents.Add(1)
			time.Sleep(200 * time.Millisecond) // senders wait before they try again
		}
		time.Sleep(200 * time.Millisecond) // the load is one that leaves a machine for others
	}
}

// changer swaps the catalogue, the policies, the keys of callers and those of their issuer, one after the other.
func (s *soaked) changer() {
	routes := []string{`route "GET /some/times" {}`, ""}
	denied := []string{"sometimes", "never"}
	for i := 0; !s.ends.Load(); i++ {
		turn := i / 4 % 2
		switch i % 4 {
		case 0:
			s.gw.Write("catalogue/gateway.hcl", fmt.Sprintf(soakCatalogue, routes[turn]))
		case 1:
			s.policy(denied[turn])
		case 2:
			s.gw.Write("catalogue/partners.keys", s.lines[1-turn])
		case 3:
			s.issuer.rotated.Store(turn == 0)
		}
		s.swaps.Add(1)
		s.pause(1300 * time.Millisecond)
	}
}

// breaker has what the gateway depends on fail, a second at a time.
func (s *soaked) breaker() {
	faults := []chaos.Fault{
		{Kind: chaos.Delay, Delay: 100 * time.Millisecond}, {Kind: chaos.Reset}, {Kind: chaos.BlackHole}, {Kind: chaos.HalfClose}, {Kind: chaos.Garbage},
		{Kind: chaos.Refuse}, {Kind: chaos.Drip, Delay: 20 * time.Millisecond},
	}
	for i := 0; !s.ends.Load(); i++ {
		s.pause(2 * time.Second)
		proxy, fault := s.proxies[i%len(s.proxies)], faults[i/len(s.proxies)%len(faults)]
		end := s.outages.begin(proxy == s.proxies[0])
		s.faults.Add(1)
		err := proxy.Set(fault)
		s.pause(time.Second)
		if again := proxy.Set(chaos.Fault{}); err != nil || again != nil {
			s.Error(err, again)
		}
		end()
	}
}

// pause lets time pass, or the soak end.
func (s *soaked) pause(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end) && !s.ends.Load(); {
		time.Sleep(50 * time.Millisecond)
	}
}
