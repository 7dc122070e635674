package wicketgate_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

const killedOrders = `
variable "shop" {}
upstream "shop" { servers = [var.shop] }
api "orders" {
  base_path = "/"
  upstream  = upstream.shop
  identify  = [anonymous]
  authorize = public
  route "POST /orders" {
    idempotency {
      keep     = "24h"
      required = true
    }
  }
}
`

// once is a gateway that is killed again and again while requests with idempotency keys come, and what its service has
// carried out.
type once struct {
	killed
	next  atomic.Int64
	guard sync.Mutex        // of the rest
	done  map[string]int    // how often, by key
	told  map[string]string // the answer that its caller got
	sent  []string          // keys
	known map[string]bool   // of requests without an answer: whether there was one later
}

// TestIdempotencyKilled kills the gateway at random moments while requests with keys arrive as fast as they can. The
// service carries none out twice; what was answered is answered again, to the letter; of a request that was not, its
// caller gets an answer, or is told that none is known. It kills three times, or as
// often as WICKETGATE_KILLS says.
func TestIdempotencyKilled(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no SIGKILL")
	}
	kills := times(t)
	o := &once{killed: killed{t: t, binary: build(t), dir: t.TempDir(), https: gatewaytest.FreePort(t)},
		done: map[string]int{}, told: map[string]string{}, known: map[string]bool{}}
	o.service = httptest.NewServer(http.HandlerFunc(o.carry))
	t.Cleanup(o.service.Close)
	o.write(killedOrders)
	for range kills {
		stop := o.run(o.opened)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for o.order(o.key()) != 0 {
				}
			})
		}
		time.Sleep(time.Duration(100+rand.IntN(900)) * time.Millisecond) // the moment is what is tried, not waited for
		stop()
		all.Wait()
		o.again()
	}
	answered, lost := 0, 0
	for _, yes := range o.known {
		if yes {
			answered++
		} else {
			lost++
		}
	}
	t.Logf("killed %d times: %d requests answered before, %d after, of %d no answer is known", kills, len(o.told)-answered, answered, lost)
	if len(o.told) == 0 {
		t.Error("no request was answered")
	}
}

// again starts the gateway once more and sends all requests again.
func (o *once) again() {
	stop := o.run(o.opened)
	defer stop()
	o.guard.Lock()
	sent := o.sent
	o.sent = nil
	o.guard.Unlock()
	for _, key := range sent {
		o.guard.Lock()
		_, had := o.told[key]
		o.guard.Unlock()
		status := o.order(key)
		switch {
		case had && status != 201:
			o.t.Errorf("%s was answered, and is not answered again: %d", key, status)
		case status != 201 && status != 409:
			o.t.Errorf("%s again: %d", key, status)
		}
		if !had {
			o.known[key] = status == 201
		}
	}
	o.guard.Lock()
	defer o.guard.Unlock()
	o.sent = nil
	for key, n := range o.done {
		if n > 1 {
			o.t.Errorf("%s was carried out %d times", key, n)
		}
	}
}

// carry is the service.
func (o *once) carry(w http.ResponseWriter, r *http.Request) {
	key := r.Header.Get("Idempotency-Key")
	o.guard.Lock()
	o.done[key]++
	n := o.done[key]
	o.guard.Unlock()
	if rand.IntN(4) == 0 {
		time.Sleep(time.Duration(rand.IntN(5)) * time.Millisecond) // it has work to do
	}
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, "%s for the %d. time", key, n)
}

func (o *once) key() string { return fmt.Sprintf("key-%d", o.next.Add(1)) }

// opened says whether requests are carried out.
func (o *once) opened() bool { return o.order(o.key()) == 201 }

// order sends a request and gives the status of its answer, 0 for none. What a key was answered before is what it is
// answered now.
func (o *once) order(key string) int {
	o.guard.Lock()
	o.sent = append(o.sent, key)
	o.guard.Unlock()
	req, err := http.NewRequest("POST", fmt.Sprintf("https://localhost:%d/orders", o.https), strings.NewReader("order of "+key))
	if err != nil {
		o.t.Error(err)
		return 0
	}
	req.Header.Set("Idempotency-Key", key)
	res, err := o.client.Do(req)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return 0
	}
	if res.StatusCode == http.StatusCreated {
		o.guard.Lock()
		defer o.guard.Unlock()
		if was, ok := o.told[key]; ok && (was != string(body) || res.Header.Get("Idempotent-Replayed") != "true") {
			o.t.Errorf("%s was answered %q, and then %q %v", key, was, body, res.Header)
		}
		o.told[key] = string(body)
	}
	return res.StatusCode
}
