package wicketgate_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/hooktest"
	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// hooked is a gateway that takes events of 2 KB over HTTPS, and a service that they are delivered to.
type hooked struct {
	killed
	done atomic.Int64 // events that it took
}

func hook(b *testing.B) *hooked {
	h := &hooked{killed: killed{t: b, dir: b.TempDir(), https: gatewaytest.FreePort(b), events: hooktest.New(b)}}
	h.service = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		h.done.Add(1)
		r.Body.Close() //nolint:errcheck // it is not looked at
	}))
	b.Cleanup(h.service.Close)
	h.binary = build(b)
	h.write(killedHooks)
	b.Cleanup(h.run(h.takes))
	b.Cleanup(func() { h.client.CloseIdleConnections() })
	return h
}

// send sends b.N events of 200 keys, as fast as 64 senders can or so many a second, and gives how long each took, from when it was
// due until it was answered 200.
func (h *hooked) send(b *testing.B, perSecond int) []time.Duration {
	took := make([]time.Duration, b.N)
	var next atomic.Int64
	var all sync.WaitGroup
	began := time.Now()
	for range 64 {
		all.Go(func() {
			for n := int(next.Add(1)) - 1; n < b.N; n = int(next.Add(1)) - 1 {
				due := time.Now()
				if perSecond > 0 {
					due = began.Add(time.Duration(n) * time.Second / time.Duration(perSecond))
					time.Sleep(time.Until(due)) // the rate is what is asked for
				}
				number, body := h.events.Make(strconv.Itoa(n%200), 1900)
				if status, _ := h.events.Send(h.client, fmt.Sprintf("https://localhost:%d/hooks/stripe", h.https), number, body); status != http.StatusOK {
					b.Errorf("answered %s", strconv.Itoa(status))
				}
				took[n] = time.Since(due)
			}
		})
	}
	all.Wait()
	slices.Sort(took)
	return took
}

// BenchmarkWebhooks has a gateway of its own process accept signed events of 2 KB over HTTPS, synced, and deliver them to a
// service: as fast as it can (rate=0), and 1000 a second. p50 and p99 are of accepting; behind is how long after the last event was
// accepted all were delivered. What sends, signs and takes is on the same machine.
func BenchmarkWebhooks(b *testing.B) {
	h := hook(b)
	for _, perSecond := range []int{0, 1000} {
		b.Run(fmt.Sprintf("rate=%d", perSecond), func(b *testing.B) {
			before := h.done.Load()
			b.ResetTimer()
			took := h.send(b, perSecond)
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(took[len(took)/2].Seconds()*1e3, "p50-ms")
			b.ReportMetric(took[len(took)*99/100].Seconds()*1e3, "p99-ms")
			last := time.Now()
			h.within("all are delivered", func() bool { return h.done.Load() >= before+int64(b.N) })
			b.ReportMetric(time.Since(last).Seconds()*1e3, "behind-ms")
		})
	}
}
