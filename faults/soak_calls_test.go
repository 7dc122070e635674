package faults

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/hooktest"
)

// kind is a kind of request, and what it may be answered.
type kind struct {
	method, path, consumer string
	may                    []int // whatever fails but the service
	reaches                bool  // the service, which may fail
}

var kinds = []kind{
	{"GET", "/orders/1", "acme", []int{200}, true},
	{"POST", "/orders/new", "globex", []int{201}, true},
	{"GET", "/orders/1", "", []int{401}, false},
	{"GET", "/orders/denied", "acme", []int{403}, false},
	{"GET", "/orders/some/where", "acme", []int{404}, false},
	{"GET", "/orders/sometimes", "globex", []int{200, 403}, true}, // as policies are swapped
	{"GET", "/orders/1", "changing", []int{200, 401}, true},       // as keys are
	{"GET", "/orders/some/times", "acme", []int{200, 404}, true},  // as the catalogue is
	{"GET", "/orders/1", "bounded", []int{200, 429}, true},
	{"GET", "/orders/1", "bounded", []int{200, 429}, true},
	{"POST", "/orders/new", "acme", []int{201}, true},
	{"GET", "/orders/1", "staying", []int{200}, true},       // by keys that are known, whether or not they can be fetched
	{"GET", "/orders/1", "rotating", []int{200, 401}, true}, // as its issuer's keys are
}

// seen is the service: it notes the ids of requests.
type seen struct {
	*httptest.Server
	events *hooktest.Events
	last   atomic.Int64

	mu    sync.Mutex
	times map[int64]int // how often, by id
}

func newSeen(t *testing.T) *seen {
	s := &seen{times: map[int64]int{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

// next is the id of a request that nobody has sent.
func (s *seen) next() int64 { return s.last.Add(1) }

// ServeHTTP implements http.Handler.
func (s *seen) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/hooks" {
		s.events.ServeHTTP(w, r)
		return
	}
	io.Copy(io.Discard, r.Body)                                                //nolint:errcheck // a caller who is gone
	if id, err := strconv.ParseInt(r.Header.Get("X-Id"), 10, 64); err == nil { // those that warm it up have none
		s.mu.Lock()
		s.times[id]++
		s.mu.Unlock()
	}
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodPost {
		w.WriteHeader(http.StatusCreated)
	}
	fmt.Fprintf(w, `{"id":%q}`, r.URL.Path)
}

// call is a request that was answered, or was not.
type call struct {
	kind         kind
	id           int64
	answer       answer
	began, ended time.Time
}

// calls are all of them.
type calls struct {
	ids           *seen
	before        float64 // that the gateway had counted before
	refusedEvents atomic.Int64

	mu       sync.Mutex
	statuses map[int]int
	reached  map[int64]kind // that were answered 2xx
	stopped  []int64        // that were refused
	failed   []int64        // that the service failed
	wrong    []string       // that should have been answered otherwise, at most 20
}

// outages are the times in which something fails.
type outages struct {
	mu  sync.Mutex
	all []outage
}

type outage struct {
	service  bool      // answers may fail that come from there
	from, to time.Time // to is zero while it lasts
}

// begin begins one; what it returns ends it.
func (o *outages) begin(service bool) (end func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	at := len(o.all)
	o.all = append(o.all, outage{service: service, from: time.Now()})
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.all[at].to = time.Now()
	}
}

// watch notes when this process, and so the machine, stands still: the service is here, and answers nothing meanwhile. What
// it returns ends that, and says how often it was so.
func (o *outages) watch() (stop func() int) {
	const looks, still = 50 * time.Millisecond, 500 * time.Millisecond
	end, times := make(chan struct{}), make(chan int)
	go func() {
		tick := time.NewTicker(looks)
		defer tick.Stop()
		count := 0
		for last := time.Now(); ; last = time.Now() {
			select {
			case <-end:
				times <- count
				return
			case <-tick.C:
			}
			if now := time.Now(); now.Sub(last) > still {
				count++
				o.mu.Lock()
				o.all = append(o.all, outage{service: true, from: last, to: now})
				o.mu.Unlock()
			}
		}
	}()
	return func() int {
		close(end)
		return <-times
	}
}

// during says whether the service failed at some moment of a request, or a second before it: what is left of connections
// may be noticed only then.
func (o *outages) during(began, ended time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, one := range o.all {
		if one.service && !one.from.After(ended) && (one.to.IsZero() || !one.to.Add(time.Second).Before(began)) {
			return true
		}
	}
	return false
}

// told is what failed last before a request ended: for an answer that is wrong, and may be explained by it.
func (o *outages) told(ended time.Time) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, one := range slices.Backward(o.all) {
		switch {
		case one.from.After(ended):
		case one.to.IsZero() || one.to.After(ended):
			return fmt.Sprintf("within a fault, of the service %t, that began %v before", one.service, ended.Sub(one.from))
		default:
			return fmt.Sprintf("%v after a fault, of the service %t, that lasted %v", ended.Sub(one.to), one.service, one.to.Sub(one.from))
		}
	}
	return "before any fault"
}

// note judges an answer.
func (c *calls) note(one call, o *outages) {
	status := one.answer.status
	fails := one.kind.reaches && (status == 502 || status == 504 || status == 0)
	right := slices.Contains(one.kind.may, status) || fails && o.during(one.began, one.ended)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.statuses == nil {
		c.statuses, c.reached = map[int]int{}, map[int64]kind{}
	}
	c.statuses[status]++
	switch {
	case !right && len(c.wrong) < 20:
		c.wrong = append(c.wrong, fmt.Sprintf("%s %s of %q at %s after %v, %s: %d %s",
			one.kind.method, one.kind.path, one.kind.consumer, one.began.Format(time.TimeOnly), one.ended.Sub(one.began), o.told(one.ended), status, one.answer.body))
	case status/100 == 2:
		c.reached[one.id] = one.kind
	case fails:
		c.failed = append(c.failed, one.id)
	default:
		c.stopped = append(c.stopped, one.id)
	}
}

// settle waits until all events are delivered.
func (s *soaked) settle(c *check) {
	c.Helper()
	c.within(3*time.Minute, "every event that was answered 2xx is delivered, and none waits", func() bool {
		waiting, dead := s.ledger()
		return s.events.Missing() == 0 && waiting == 0 && dead == 0
	})
}

// ledger is how many events wait in it, and how many were given up; less than none where it does not say.
func (s *soaked) ledger() (waiting, dead int) {
	var now struct {
		Ledger struct{ Waiting, Dead *int }
	}
	if !s.gw.Status(&now) || now.Ledger.Waiting == nil {
		return -1, -1
	}
	if now.Ledger.Dead == nil {
		return *now.Ledger.Waiting, 0
	}
	return *now.Ledger.Waiting, *now.Ledger.Dead
}

// counted is the sum of a metric's values with a label.
func (s *soaked) counted(name, label string) (sum float64) {
	for line := range strings.Lines(string(s.gw.Ask("/metrics"))) {
		if labels, value, ok := strings.Cut(strings.TrimSpace(line), "} "); ok && strings.HasPrefix(labels, name+"{") && strings.Contains(labels, label) {
			v, err := strconv.ParseFloat(value, 64)
			if err == nil {
				sum += v
			}
		}
	}
	return sum
}

// addUp holds the answers against what the service saw, what the ledger delivered and what the gateway counted.
func (s *soaked) addUp(t *check) {
	t.Helper()
	c := &s.calls
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, wrong := range c.wrong {
		t.Errorf("answered wrongly: %s", wrong)
	}
	s.service.mu.Lock()
	defer s.service.mu.Unlock()
	for id, kind := range c.reached {
		times := s.service.times[id]
		if times == 0 || times > 1 && kind.method == http.MethodPost {
			t.Errorf("%s %s was answered 2xx, and came to the service %d times", kind.method, kind.path, times)
		}
	}
	for _, id := range c.stopped {
		if s.service.times[id] > 0 {
			t.Errorf("request %d was refused, and came to the service", id)
		}
	}
	known := len(c.reached) + len(c.failed)
	if saw := len(s.service.times); saw > known || saw < len(c.reached) {
		t.Errorf("the service saw %d requests, of which %d were answered 2xx and %d failed", saw, len(c.reached), len(c.failed))
	}
	all, answered := 0, 0
	for status, n := range c.statuses {
		all += n
		if status != 0 {
			answered += n
		}
	}
	if counted := int(s.counted("caddy_api_gateway_requests_total", `api="orders"`) - c.before); counted < answered || counted > all {
		t.Errorf("the gateway counted %d requests, and %d of %d were answered", counted, answered, all)
	}
	s.events.Check(t)
	_, _, came := s.events.Count()
	if taken := int(s.counted("caddy_api_gateway_webhook_attempts_total", `result="taken"`)); taken > came || came == 0 {
		t.Errorf("the gateway counted %d deliveries, of which %d came", taken, came)
	}
}

// told is what became of it.
func (s *soaked) told(took time.Duration, still int) string {
	answered, delivered, came := s.events.Count()
	c := &s.calls
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprintf("%v: requests answered %v, %d wrongly; %d events answered 2xx, %d not at first, %d delivered in %d deliveries; %d swaps, %d faults; the machine stood still %d times",
		took, c.statuses, len(c.wrong), answered, c.refusedEvents.Load(), delivered, came, s.swaps.Load(), s.faults.Load(), still)
}
