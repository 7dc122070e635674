package faults

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/wicketgate/wicketgate/faults/chaos"
)

// The budgets of the upstream in the catalogue.
const (
	answerBudget = 2 * time.Second
	dialBudget   = time.Second
	// slack is what a machine that runs much else may add to a time that is measured once.
	slack = 3 * time.Second
)

const upstreamCatalogue = `
variable "service" {}
upstream "service" {
  servers      = [var.service]
  timeout      = "2s"
  dial_timeout = "1s"
}
api "orders" {
  base_path = "/orders"
  upstream  = upstream.service
  identify  = [anonymous]
  authorize = public
  object "order" { schema = "order.json" }
  route "GET /streamed" {}
  route "GET /whole" {
    returns   = object.order
    responses = "enforce"
  }
  route "POST /streamed" {}
}
`

const orderSchema = `{"type":"object","properties":{"id":{"type":"string"}},"required":["id"]}`

// broken is a service behind a gateway, and what it is broken with.
type broken struct {
	*group
	gw      *gateway
	service *service
	proxy   *chaos.Proxy
}

// upstream breaks the service behind the gateway.
func upstream(g *group) {
	b := &broken{group: g, service: g.service()}
	b.proxy = g.proxy(b.service.address)
	b.gw = g.gateway("variable service http://"+b.proxy.Address(), upstreamCatalogue, map[string]string{"catalogue/order.json": orderSchema})
	type paths = []string
	const streamed, whole = "/orders/streamed", "/orders/whole"
	for _, test := range []struct {
		fault string
		set   chaos.Fault
		paths paths
		want  []int
		most  time.Duration // in which it is answered
	}{
		{"nobody listens", chaos.Fault{Kind: chaos.Refuse}, paths{streamed, whole}, []int{502}, dialBudget},
		{"answers 0.2 s late", chaos.Fault{Kind: chaos.Delay, Delay: 200 * time.Millisecond}, paths{streamed, whole}, []int{200}, answerBudget},
		{"answers 5 s late", chaos.Fault{Kind: chaos.Delay, Delay: 5 * time.Second}, paths{streamed, whole}, []int{504}, answerBudget},
		{"answers a byte in 0.1 s", chaos.Fault{Kind: chaos.Drip, Delay: 100 * time.Millisecond}, paths{streamed, whole}, []int{504}, answerBudget},
		{"black hole", chaos.Fault{Kind: chaos.BlackHole}, paths{streamed, whole}, []int{504}, answerBudget},
		{"resets in place of an answer", chaos.Fault{Kind: chaos.Reset}, paths{streamed, whole}, []int{502}, dialBudget},
		{"resets after 20 bytes", chaos.Fault{Kind: chaos.Reset, After: 20}, paths{streamed, whole}, []int{502}, dialBudget},
		{"half-closes in place of an answer", chaos.Fault{Kind: chaos.HalfClose}, paths{streamed, whole}, []int{502}, dialBudget},
		{"half-closes after 20 bytes", chaos.Fault{Kind: chaos.HalfClose, After: 20}, paths{streamed, whole}, []int{502}, dialBudget},
		{"answers garbage", chaos.Fault{Kind: chaos.Garbage}, paths{streamed, whole}, []int{502, 504}, answerBudget},
	} {
		must := fmt.Sprintf("%s within %v, goroutines ±10, 200 again at once", either(test.want), test.most)
		b.row(test.fault, must, func(c *check) {
			b.breaks(c, test.paths, test.want, test.most, func() { c.set(b.proxy, test.set) }, func() { c.set(b.proxy, chaos.Fault{}) })
		})
	}
	b.row("resets in the middle of a body", "the caller sees that it is cut short, or 502 where it is needed whole", b.cutShort)
	b.row("is stopped (SIGSTOP)", fmt.Sprintf("504 within %v, goroutines ±10, 200 again at once", answerBudget), func(c *check) {
		b.breaks(c, paths{streamed, whole}, []int{504}, answerBudget, func() { b.service.signal(syscall.SIGSTOP) }, func() { b.service.signal(syscall.SIGCONT) })
	})
	b.row("is killed (SIGKILL)", fmt.Sprintf("502 within %v, goroutines ±10, 200 as soon as it is back", dialBudget), func(c *check) {
		b.breaks(c, paths{streamed, whole}, []int{502}, dialBudget, b.service.kill, b.service.start)
	})
}

// either writes statuses of which each will do.
func either(all []int) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(all), "[]"), " ", " or ")
}

// breaks asks before, while and after something is broken.
func (b *broken) breaks(c *check, paths []string, want []int, most time.Duration, fault, mend func()) {
	c.Helper()
	const atOnce = 8
	clients := []*http.Client{b.gw.one, b.gw.two}
	all := func() []answer {
		return asks(len(paths)*len(clients)*2, atOnce, func(i int) answer {
			client, path := clients[i%2], paths[i/2%len(paths)]
			return ask(client, http.MethodGet, b.gw.URL(path), "")
		})
	}
	if got := statuses(all()); len(got) != 1 || got[200] == 0 {
		c.Fatalf("before it answers %v", got)
	}
	before, carried := b.gw.rests(), b.service.count()
	fault()
	mended := false
	defer func() {
		if !mended {
			mend()
		}
	}()
	answers := all()
	// Nothing that may have been carried out is sent again.
	post := ask(b.gw.two, http.MethodPost, b.gw.URL("/orders/streamed"), `{"id":"1"}`)
	answers = append(answers, post)
	if want[0] == http.StatusOK {
		if post.status != http.StatusCreated {
			c.Errorf("a POST is answered %d", post.status)
		}
		answers = answers[:len(answers)-1]
	}
	for _, a := range answers {
		if !slices.Contains(want, a.status) {
			c.Errorf("it answers %d %s", a.status, a.body)
		}
		if a.status >= 400 && a.header.Get("Content-Type") != "application/problem+json" {
			c.Errorf("%d is no problem: %v %q", a.status, a.header, a.body)
		}
	}
	slowest := quantile(answers, 1)
	if slowest > most+slack {
		c.Errorf("it answers within %v", slowest)
	}
	mend()
	mended = true
	if n := b.service.count(); n > carried+1 {
		c.Errorf("one POST is carried out %d times", n-carried)
	}
	again := c.within(20*time.Second, "it answers 200 again", func() bool {
		got := statuses(all())
		return len(got) == 1 && got[200] > 0
	})
	c.saw("%d answers of %s, half within %v, all within %v; 200 again after %v", len(answers), either(want), rounded(quantile(answers, 0.5)),
		rounded(slowest), rounded(again))
	c.settles(b.gw, before)
}

// cutShort has answers end in the middle: nobody takes one for whole.
func (b *broken) cutShort(c *check) {
	before := b.gw.rests()
	const head = 120 // of an answer of the service, so that its end is in the body
	cut, told := 0, 0
	for after := head; after < head+40; after += 3 {
		for _, path := range []string{"/orders/streamed", "/orders/whole"} {
			c.set(b.proxy, chaos.Fault{Kind: chaos.Reset, After: after})
			a := ask(b.gw.one, http.MethodGet, b.gw.URL(path), "")
			switch {
			case a.status == http.StatusOK && a.body == fmt.Sprintf(`{"id":%q}`, path):
			case a.status == 0 && path == "/orders/streamed":
				cut++
			case a.status == http.StatusBadGateway:
				told++
			default:
				c.Errorf("%s cut after %d bytes: %d %q", path, after, a.status, a.body)
			}
			c.set(b.proxy, chaos.Fault{})
		}
	}
	if told == 0 {
		c.Error("no answer was refused")
	}
	c.saw("%d broken off, %d answered 502, none passed for whole", cut, told)
	c.settles(b.gw, before)
}
