package shared

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/limit/redistest"
)

// brief is a config that gives Redis little time, if more than a gateway does: machines that run tests are slow.
func brief(address string, mode Mode) Config {
	c := config(address)
	c.Timeout, c.OnError, c.Counts = 200*time.Millisecond, mode, &Counts{}
	return c
}

func (c *Counts) failed() uint64 {
	return c.Failures(Slow) + c.Failures(Unreachable) + c.Failures(Refusing)
}

// Ways in which Redis is away.
var ways = map[string]struct{ leave, comeBack func(*redistest.Server) }{
	"stopped": {(*redistest.Server).Freeze, (*redistest.Server).Thaw},
	"killed":  {(*redistest.Server).Kill, (*redistest.Server).Restart},
	"refusing": {
		func(s *redistest.Server) { s.CLI("CONFIG", "SET", "maxmemory", "1", "maxmemory-policy", "noeviction") },
		func(s *redistest.Server) { s.CLI("CONFIG", "SET", "maxmemory", "0") },
	},
}

// TestAway has Redis leave and come back, whatever is written for that: while it is away no request waits for it but those
// that find it gone, what is admitted is what the mode says, and when it is back it counts on.
func TestAway(t *testing.T) {
	for way, w := range ways {
		for _, mode := range []Mode{Local, Deny, Allow} {
			t.Run(way+" "+mode.String(), func(t *testing.T) {
				s := redistest.Start(t)
				config := brief(s.Address, mode)
				config.Nodes = 2
				c := open(t, config)
				s.Within(30*time.Second, "Redis counts", func() bool {
					ok, _, err := take(c, "others", 100)
					return ok && err == nil && c.Status().Mode == Shared
				})
				before := config.Counts.By(mode)
				w.leave(s)
				const requests = 200
				var admitted, failed int
				var waits []time.Duration
				for i := range requests {
					begin := time.Now()
					charges, got := charge("acme", 1, 100), states()
					ok, err := c.Take(context.Background(), time.Now(), charges, got)
					waits = append(waits, time.Since(begin))
					if got[0].Unknown != (mode == Allow) {
						t.Fatalf("request %d is told %+v", i, got[0])
					}
					switch {
					case err != nil:
						failed++
					case ok:
						admitted++
					}
				}
				want := map[Mode][2]int{Local: {50, 0}, Deny: {0, requests}, Allow: {requests, 0}}[mode]
				if got := [2]int{admitted, failed}; got != want {
					t.Errorf("admitted and failed: %v, want %v", got, want)
				}
				if n := config.Counts.By(mode) - before; n != requests {
					t.Errorf("%d were counted so, of %d", n, requests)
				}
				if st := c.Status(); st.Mode != mode || st.Err == nil {
					t.Errorf("the status says %+v", st)
				}
				slices.Sort(waits)
				t.Logf("added: p50 %s, p99 %s, most %s; failures: %d timeouts, %d connections, %d replies", waits[requests/2], waits[requests*99/100], waits[requests-1],
					config.Counts.Failures(Slow), config.Counts.Failures(Unreachable), config.Counts.Failures(Refusing))

				if mode == Local { // attempts fail too
					tried := config.Counts.failed()
					s.Within(30*time.Second, "it is asked twice more", func() bool { return config.Counts.failed() >= tried+2 })
				}
				w.comeBack(s)
				s.Within(30*time.Second, "Redis counts again", func() bool { return c.Status().Mode == Shared })
				s.Within(30*time.Second, "and counts what is left there", func() bool { // a slow machine may lose it once more
					ok, left, err := take(c, "acme", 100)
					return c.Status().Mode == Shared && ok && err == nil && left > 50
				})
			})
		}
	}
}

// TestOutagesGrantOneShare has Redis leave again and again, which grants no new share each time.
func TestOutagesGrantOneShare(t *testing.T) {
	s := redistest.Start(t)
	config := brief(s.Address, Local)
	config.Nodes = 4
	c := open(t, config)
	admitted := 0
	for range 3 {
		s.Kill()
		s.Within(30*time.Second, "Redis is away", func() bool {
			if ok, _, err := take(c, "acme", 40); err != nil {
				t.Fatal(err)
			} else if ok {
				admitted++
			}
			return c.Status().Mode == Local
		})
		for range 30 {
			if ok, _, _ := take(c, "acme", 40); ok {
				admitted++
			}
		}
		s.Restart()
		s.Within(30*time.Second, "Redis counts again", func() bool { return c.Status().Mode == Shared })
	}
	if admitted != 10 {
		t.Errorf("%d were admitted while Redis was away, of a share of 10", admitted)
	}
}

// TestAwayAtStart is a gateway that starts while Redis is away, and finds it later.
func TestAwayAtStart(t *testing.T) {
	s := redistest.Start(t)
	s.Kill()
	c := open(t, brief(s.Address, Local))
	for left := int64(9); left > 0; left-- {
		if ok, got, err := take(c, "acme", 10); !ok || got != left || err != nil {
			t.Fatal(ok, got, left, err)
		}
	}
	s.Restart()
	s.Within(30*time.Second, "Redis counts", func() bool { return c.Status().Mode == Shared })
}

// TestWhatComesTooLate is Redis carrying out, once it goes on, what a request asked while it was stopped: a place that nobody
// waits for any more is given back then, and not only when its lease ends.
func TestWhatComesTooLate(t *testing.T) {
	s := redistest.Start(t)
	c := open(t, brief(s.Address, Allow))
	asked := atOnce("acme", 2)
	s.Within(30*time.Second, "Redis counts", func() bool {
		ok, _, err := take(c, "others", 100)
		return ok && err == nil && c.Status().Mode == Shared
	})
	s.Freeze()
	if ok, err := c.Take(t.Context(), time.Now(), asked, states()); !ok || err != nil || asked[0].Place != 0 {
		t.Error(ok, err, asked[0].Place)
	}
	s.Thaw()
	s.Within(30*time.Second, "Redis counts again", func() bool { return c.Status().Mode == Shared })
	s.Within(30*time.Second, "no place is taken", func() bool { return s.CLI("EXISTS", c.key(places, &asked[0])) == "0" })
}

// TestSlowButInTime is a Redis that takes longer than the gateway waits by itself, but not longer than requests may: it counts.
func TestSlowButInTime(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	slow := config(s.Address)
	slow.Timeout = time.Minute
	c := open(t, slow)
	if ok, _, err := take(c, "acme", 10); !ok || err != nil {
		t.Fatal(ok, err)
	}
	s.Freeze()
	thaw := time.AfterFunc(patience+500*time.Millisecond, s.Thaw)
	defer thaw.Stop()
	if !c.renew(t.Context()) {
		t.Error(c.Status().Err)
	}
	if ok, _, err := take(c, "acme", 10); !ok || err != nil {
		t.Error(ok, err)
	}
}

// TestCallerWhoLeaves counts a request whose caller has left: else each would cost a connection.
func TestCallerWhoLeaves(t *testing.T) {
	s := redistest.Start(t)
	c := open(t, config(s.Address))
	gone, leave := context.WithCancel(t.Context())
	leave()
	for left := int64(9); left > 5; left-- {
		got := states()
		if ok, err := c.Take(gone, time.Now(), charge("acme", 1, 10), got); !ok || err != nil || got[0].Remaining != left {
			t.Fatal(ok, err, got)
		}
	}
}

// TestShares is what each gateway admits alone, by how many there are: as many as Redis knew of.
func TestShares(t *testing.T) {
	s := redistest.Start(t)
	first := open(t, brief(s.Address, Local))
	second := open(t, brief(s.Address, Local))
	third, err := New(brief(s.Address, Local))
	if err != nil {
		t.Fatal(err)
	}
	third.Start(nil)
	knows := func(c *Counter, n int) func() bool {
		return func() bool { c.renew(t.Context()); return c.Status().Nodes == n }
	}
	s.Within(30*time.Second, "all three are known", knows(first, 3))
	if err := third.Close(); err != nil {
		t.Fatal(err)
	}
	s.Within(2*lease, "one has left", knows(first, 2)) // or could not say so in time, and is forgotten a lease later
	s.Within(30*time.Second, "the second knows", knows(second, 2))
	s.Kill()
	var admitted atomic.Int64
	var all sync.WaitGroup
	for _, c := range []*Counter{first, second} {
		for range 4 {
			all.Go(func() {
				for range 20 {
					if ok, _, _ := take(c, "acme", 21); ok {
						admitted.Add(1)
					}
				}
			})
		}
	}
	all.Wait()
	if admitted.Load() != 20 {
		t.Errorf("%d were admitted, of two shares of 10", admitted.Load())
	}
}

// TestShareOfLittle is a quota that cannot be divided, and a request that costs more than a share.
func TestShareOfLittle(t *testing.T) {
	c, err := New(Config{Server: Server{Address: "127.0.0.1:1", PoolSize: 1}, Prefix: "p", Timeout: time.Millisecond, OnError: Local, Nodes: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // it never connected
	if ok, left, err := take(c, "one", 1); !ok || left != 0 || err != nil {
		t.Error(ok, left, err)
	}
	if ok, _, _ := take(c, "one", 1); ok {
		t.Error("a quota of one admitted two")
	}
	for i, want := range []bool{true, false} {
		charges := charge("many", 8, 10)
		if ok, err := c.Take(t.Context(), time.Now(), charges, states()); ok != want || err != nil {
			t.Errorf("request %d of 8 of 10: %v, %v", i, ok, err)
		}
	}
}

// BenchmarkStopped is what counting adds to requests while Redis is stopped and wakes again and again, for 8 callers at once
// and with the time that a gateway gives it.
func BenchmarkStopped(b *testing.B) {
	s := redistest.Start(b)
	config := brief(s.Address, Local)
	config.Timeout = 50 * time.Millisecond
	c := open(b, config)
	s.Within(30*time.Second, "Redis counts", func() bool { ok, _, err := take(c, "acme", 1_000_000_000); return ok && err == nil })
	var mu sync.Mutex
	var waits []time.Duration
	for b.Loop() {
		s.Freeze()
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 200 {
					begin := time.Now()
					_, _, err := take(c, "acme", 1_000_000_000)
					wait := time.Since(begin)
					if err != nil {
						b.Error(err)
						return
					}
					mu.Lock()
					waits = append(waits, wait)
					mu.Unlock()
				}
			})
		}
		all.Wait()
		s.Thaw()
		s.Within(30*time.Second, "Redis counts again", func() bool { return c.Status().Mode == Shared })
	}
	slices.Sort(waits)
	for _, q := range []struct {
		unit string
		of   float64
	}{{"p50-ms", 0.5}, {"p99-ms", 0.99}, {"most-ms", 1}} {
		b.ReportMetric(float64(waits[int(q.of*float64(len(waits)-1))])/1e6, q.unit)
	}
}
