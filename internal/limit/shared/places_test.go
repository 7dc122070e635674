package shared

import (
	"context"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/limit"
	"github.com/wicketgate/wicketgate/internal/limit/redistest"
)

func charge(key string, cost, of int64) []limit.Charge {
	return []limit.Charge{{Limit: limit.NewID("l/day"), Key: key, Cost: cost, Rates: []limit.Rate{limit.NewRate(of, 24*time.Hour)}}}
}

func states() []limit.State { return make([]limit.State, 1) }

func atOnce(key string, n int64) []limit.Charge {
	return []limit.Charge{{Limit: limit.NewID("l"), Key: key, AtOnce: n}}
}

// TestLeases has one gateway crash and another hold a place for long: the crashed one's places come back, and the other
// keeps its own.
func TestLeases(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	short := config(s.Address)
	short.lease = 300 * time.Millisecond
	crashing, err := New(short) // and never started, so that it renews nothing
	if err != nil {
		t.Fatal(err)
	}
	defer crashing.Close() //nolint:errcheck // it crashed
	short.lease = 3 * time.Second
	living := open(t, short)
	held, lost := atOnce("acme", 2), atOnce("acme", 2)
	for c, charges := range map[*Counter][]limit.Charge{living: held, crashing: lost} {
		if ok, err := c.Take(t.Context(), time.Now(), charges, states()); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	var last []limit.Charge
	s.Within(10*time.Second, "the crashed one's place is free", func() bool {
		last = atOnce("acme", 2)
		ok, err := living.Take(t.Context(), time.Now(), last, states())
		return ok && err == nil
	})
	for end := time.Now().Add(4 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) { // longer than a lease
		if ok, err := living.Take(t.Context(), time.Now(), atOnce("acme", 2), states()); ok || err != nil {
			t.Fatal("a place in use was given away", ok, err)
		}
	}
	living.Return(t.Context(), held)
	living.Return(t.Context(), last)
	s.Within(10*time.Second, "nothing is left", func() bool { return s.CLI("EXISTS", living.key(places, &held[0])) == "0" })
}

// TestPlacesOverAnOutage has Redis forget the places of requests that are under way, which it is told again.
func TestPlacesOverAnOutage(t *testing.T) {
	s := redistest.Start(t)
	c := brief(s.Address, Local)
	c.Nodes = 1
	counter := open(t, c)
	early, during := atOnce("acme", 2), atOnce("acme", 2)
	s.Within(10*time.Second, "it counts", func() bool {
		ok, err := counter.Take(t.Context(), time.Now(), early, states())
		return ok && err == nil && early[0].Place&ours != 0
	})
	s.Kill()
	s.Within(10*time.Second, "Redis is away", func() bool {
		ok, err := counter.Take(t.Context(), time.Now(), during, states())
		return ok && err == nil && counter.Status().Mode == Local
	})
	if during[0].Place == 0 || during[0].Place&ours != 0 {
		t.Errorf("the place is %x", during[0].Place)
	}
	counter.Return(t.Context(), during)
	s.Restart()
	s.Within(10*time.Second, "Redis knows of the early one", func() bool { return s.CLI("ZCARD", counter.key(places, &early[0])) == "1" })
	counter.Return(context.Background(), early)
	s.Within(10*time.Second, "Redis knows that it is over", func() bool { return s.CLI("EXISTS", counter.key(places, &early[0])) == "0" })
}

// TestWaitingToBeGivenBack bounds what waits while Redis is away.
func TestWaitingToBeGivenBack(t *testing.T) {
	c, err := New(config("127.0.0.1:1"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // it never connected
	for n := range uint64(mostBack + 10) {
		c.held[n] = "key"
		c.giveBack(n)
	}
	if len(c.back) != mostBack || len(c.held) != 0 {
		t.Errorf("%d wait, %d are held", len(c.back), len(c.held))
	}
	some := c.returned(batch)
	c.again(some)
	if len(some) != batch || len(c.back) != mostBack {
		t.Errorf("%d wait", len(c.back))
	}
}
