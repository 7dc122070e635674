package faults

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/wicketgate/wicketgate/faults/chaos"
	"github.com/wicketgate/wicketgate/internal/hooktest"
	"github.com/wicketgate/wicketgate/internal/ledger/natstest"
)

const hookedCatalogue = `
variable "service" {}
secret "stripe" { file = "stripe.secret" }
upstream "service" {
  servers = [var.service]
  timeout = "2s"
}
webhook "stripe" {
  path = "/hooks/stripe"
  verify "stripe" { secrets = [secret.stripe] }
  deliver {
    to    = upstream.service
    path  = "/"
    order = body.key
  }
}
`

// hooked is a gateway that takes events, and the service that they are delivered to.
type hooked struct {
	*group
	gw      *gateway
	events  *hooktest.Events
	refuses atomic.Bool // the service does
	service string
}

func (g *group) hooked(ledger string) *hooked {
	g.Helper()
	h := &hooked{group: g, events: hooktest.New(g.T)}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h.refuses.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		h.events.ServeHTTP(w, r)
	}))
	g.Cleanup(s.Close)
	h.service = s.URL
	h.gw = g.prepared("variable service "+h.service+"\n\t\t"+ledger, hookedCatalogue, map[string]string{"catalogue/stripe.secret": hooktest.Secret + "\n"})
	return h
}

// send sends one event of a key, "" for one of its own, and of so many bytes.
func (h *hooked) send(key string, noise int) (int, http.Header) {
	n, body := h.events.Make(key, noise)
	return h.events.Send(h.gw.two, h.gw.URL("/hooks/stripe"), n, body)
}

// takes waits until events are taken.
func (h *hooked) takes(c *check) time.Duration {
	c.Helper()
	return c.within(time.Minute, "events are taken", func() bool {
		got, _ := h.send("", 200)
		return got == http.StatusOK
	})
}

// arrives waits until all that was answered 2xx has come.
func (h *hooked) arrives(c *check) {
	c.Helper()
	c.within(time.Minute, "every event that was answered 2xx is delivered", func() bool { return h.events.Missing() == 0 })
	h.events.Check(c)
}

// load has so many senders send, each its own key, until what it returns ends that. Of what they are answered it gives how
// often each status.
func (h *hooked) load(senders int) (stop func() map[int]int) {
	var all sync.WaitGroup
	var ends atomic.Bool
	var mu sync.Mutex
	counts := map[int]int{}
	for s := range senders {
		all.Go(func() {
			for !ends.Load() {
				status, header := h.send(strconv.Itoa(s), 1000)
				if status == http.StatusServiceUnavailable && header.Get("Retry-After") == "" {
					h.Error("503 without Retry-After")
				}
				mu.Lock()
				counts[status]++
				mu.Unlock()
				if status != http.StatusOK {
					time.Sleep(5 * time.Millisecond) // senders wait before they try again
				}
			}
		})
	}
	return func() map[int]int {
		ends.Store(true)
		all.Wait()
		return counts
	}
}

// flows waits until so many more events were answered 2xx.
func (h *hooked) flows(c *check, more int) {
	c.Helper()
	before, _, _ := h.events.Count()
	c.within(time.Minute, "events are answered 2xx", func() bool {
		answered, _, _ := h.events.Count()
		return answered >= before+more
	})
}

// nats breaks the server of NATS that a gateway's ledger is on.
func nats(g *group) {
	server := natstest.Start(g.T, "")
	proxy := g.proxy(server.Address[len("nats://"):])
	h := g.hooked(fmt.Sprintf("ledger nats nats://%s {\n\t\t\treplicas 1\n\t\t\tsize 256MiB\n\t\t}", proxy.Address()))
	h.gw.start()
	fault := func(f chaos.Fault) func(*check) { return func(c *check) { c.set(proxy, f) } }
	mend := fault(chaos.Fault{})
	const must = "2xx or 503 with Retry-After; none answered 2xx is lost; events are taken again by itself"
	for _, test := range []struct {
		fault       string
		fails, mend func(*check)
	}{
		{"is killed (SIGKILL)", func(*check) { server.Kill() }, func(*check) { server.Restart() }},
		{"is stopped (SIGSTOP)", func(*check) { server.Freeze() }, func(*check) { server.Thaw() }},
		{"nobody listens", fault(chaos.Fault{Kind: chaos.Refuse}), mend},
		{"black hole", fault(chaos.Fault{Kind: chaos.BlackHole}), mend},
		{"answers 0.2 s late", fault(chaos.Fault{Kind: chaos.Delay, Delay: 200 * time.Millisecond}), mend},
		{"answers a byte in 10 ms", fault(chaos.Fault{Kind: chaos.Drip, Delay: 10 * time.Millisecond}), mend},
		{"resets", fault(chaos.Fault{Kind: chaos.Reset, After: 200}), mend},
		{"half-closes", fault(chaos.Fault{Kind: chaos.HalfClose, After: 200}), mend},
		{"sends garbage", fault(chaos.Fault{Kind: chaos.Garbage, After: 200}), mend},
	} {
		g.row(test.fault, must, func(c *check) {
			h.takes(c)
			before := h.gw.rests()
			stop := h.load(4)
			h.flows(c, 20)
			test.fails(c)
			during := asks(4, 4, func(int) answer {
				status, header := h.send("", 1000)
				return answer{status: status, header: header}
			})
			for _, a := range during {
				if a.status != 200 && a.status != 503 {
					c.Errorf("it answers %d", a.status)
				}
			}
			test.mend(c)
			again := h.takes(c)
			counts := stop()
			h.arrives(c)
			for status := range counts {
				if status != 200 && status != 503 {
					c.Errorf("it answers %v", counts)
				}
			}
			c.saw("while it fails %v, in all %v; none lost; taken again after %v", statuses(during), counts, rounded(again))
			c.settles(h.gw, before)
		})
	}
}

const embeddedLedger = "ledger embedded {\n\t\t\tfolder ledger\n\t\t}"

// times is how often the gateway is killed.
func times(g *group) int {
	text := os.Getenv("WICKETGATE_KILLS")
	if text == "" {
		return 3
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		g.Fatal(err)
	}
	return n
}

// embedded breaks what the embedded ledger is on: the process, and its disk.
func embedded(g *group) {
	const lost = "every event that was answered 2xx is delivered, whole and in order"
	g.row("the gateway is killed (SIGKILL) while events come", lost, func(c *check) {
		h, kills := g.hooked(embeddedLedger), times(g)
		var slowest time.Duration
		for range kills {
			began := time.Now()
			h.gw.start()
			h.takes(c)
			slowest = max(slowest, time.Since(began))
			stop := h.load(8)
			h.flows(c, 50+rand.IntN(200)) // at a moment that nobody chose
			h.gw.Kill()
			stop()
		}
		h.gw.start()
		h.arrives(c)
		answered, delivered, _ := h.events.Count()
		c.saw("killed %d times, %d answered 2xx, %d delivered, none lost; taken within %v of a start", kills, answered, delivered, rounded(slowest))
		h.gw.Stop()
	})
	g.row("the gateway is stopped (SIGSTOP) while events come", lost, func(c *check) {
		h := g.hooked(embeddedLedger)
		h.gw.start()
		h.takes(c)
		stop := h.load(8)
		h.flows(c, 50)
		h.gw.Signal(syscall.SIGSTOP)
		time.Sleep(time.Second) // while which nothing happens
		h.gw.Signal(syscall.SIGCONT)
		h.flows(c, 50)
		counts := stop()
		h.arrives(c)
		if len(counts) != 1 || counts[200] == 0 {
			c.Errorf("it answers %v", counts)
		}
		c.saw("%d answered 2xx, none otherwise, none lost", counts[200])
		h.gw.Stop()
	})
	g.row("the service that gets the events refuses them", lost, func(c *check) {
		h := g.hooked(embeddedLedger)
		h.gw.start()
		h.takes(c)
		h.arrives(c)
		h.refuses.Store(true)
		for range 20 {
			if got, _ := h.send("waits", 1000); got != 200 {
				c.Errorf("it answers %d", got)
			}
		}
		h.refuses.Store(false)
		h.arrives(c)
		c.saw("20 answered 2xx meanwhile, all delivered")
		h.gw.Stop()
	})
	const full = "503 with Retry-After, never 2xx; taken again without a restart; none answered 2xx is lost"
	g.row("the disk is full", full, func(c *check) { h := g.hooked(embeddedLedger); h.full(c) })
	g.row("writes fail", full, func(c *check) {
		h := g.hooked(embeddedLedger)
		h.gw.start()
		h.takes(c)
		if err := h.gw.grow(0); err != nil {
			c.skip(err.Error())
		}
		h.refused(c)
		if err := h.gw.grow(math.MaxInt64); err != nil {
			c.Fatal(err)
		}
		again := h.takes(c)
		h.arrives(c)
		c.saw("503 with Retry-After; taken again after %v; none lost", rounded(again))
		h.gw.Stop()
	})
}

// large is how many bytes events have that are to fill a disk.
const large = 200 << 10

// refused looks that events are, all at once.
func (h *hooked) refused(c *check) {
	c.Helper()
	for _, a := range asks(6, 3, func(int) answer {
		status, header := h.send("", large)
		return answer{status: status, header: header}
	}) {
		if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
			c.Errorf("it answers %d while nothing can be written", a.status)
		}
	}
}

// full has the ledger on a small disk, fills it, lets others take what the ledger keeps free, and makes room again.
func (h *hooked) full(c *check) {
	folder := filepath.Join(h.gw.Folder, "ledger")
	unmount, err := mount(folder)
	if err != nil {
		c.skip(err.Error())
	}
	defer unmount()
	defer h.gw.Stop()
	other := filepath.Join(folder, "other")
	if err := os.WriteFile(other, bytes.Repeat([]byte("x"), 20<<20), 0o600); err != nil {
		c.Fatal(err)
	}
	h.refuses.Store(true)
	h.gw.start()
	h.takes(c)
	c.within(time.Minute, "the disk is full", func() bool {
		got, _ := h.send("", large)
		return got == http.StatusServiceUnavailable
	})
	rest, err := os.Create(filepath.Join(folder, "rest"))
	if err != nil {
		c.Fatal(err)
	}
	for err == nil {
		_, err = rest.Write(make([]byte, 4<<10))
	}
	if rest.Close(); !errors.Is(err, syscall.ENOSPC) {
		c.Fatal(err)
	}
	h.refused(c)
	h.refuses.Store(false)
	c.within(time.Minute, "an event is delivered while there is no room at all", func() bool { _, _, came := h.events.Count(); return came > 0 })
	h.refused(c)
	if err := errors.Join(os.Remove(other), os.Remove(rest.Name())); err != nil {
		c.Fatal(err)
	}
	again := h.takes(c)
	h.arrives(c)
	answered, _, came := h.events.Count()
	if came > 10*answered {
		c.Errorf("%d events were delivered %d times", answered, came)
	}
	c.saw("503 with Retry-After; taken again after %v; %d answered 2xx, none lost, %d deliveries", rounded(again), answered, came)
}
