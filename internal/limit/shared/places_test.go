package shared

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

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

// age has time pass for all places: their leases end so much earlier.
var age = redis.NewScript(`
for _, key in ipairs(redis.call('KEYS', '*:p:*')) do
	for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do
		redis.call('ZINCRBY', key, -ARGV[1], member)
	end
end
return 'OK'`)

// TestLeases has one gateway crash and another hold a place for long: the crashed one's places come back, and the other
// keeps its own. Neither is started, so that what they renew, and when, the test says.
func TestLeases(t *testing.T) {
	s := redistest.Start(t)
	var gateways [2]*Counter
	for i := range gateways {
		c, err := New(config(s.Address))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close() //nolint:errcheck // it is a test's
		gateways[i] = c
	}
	living, crashing := gateways[0], gateways[1]
	pass := func(d time.Duration) {
		if err := age.Run(t.Context(), *living.client.Load(), nil, d.Milliseconds()).Err(); err != nil {
			t.Fatal(err)
		}
	}
	wants := func(c *Counter, charges []limit.Charge, want bool) {
		t.Helper()
		if ok, err := c.Take(t.Context(), time.Now(), charges, states()); ok != want || err != nil {
			t.Fatal(ok, err)
		}
	}
	held, last := atOnce("acme", 2), atOnce("acme", 2)
	wants(living, held, true)
	wants(crashing, atOnce("acme", 2), true)
	for range 2 { // more than a lease, but the living one renews its place
		wants(living, atOnce("acme", 2), false)
		pass(lease * 2 / 3)
		if !living.renew(t.Context()) {
			t.Fatal(living.Status().Err)
		}
	}
	wants(living, last, true)
	wants(living, atOnce("acme", 2), false)
	living.Return(t.Context(), held)
	living.Return(t.Context(), last)
	living.giveBackAll(t.Context())
	if n := s.CLI("EXISTS", living.key(places, &held[0])); n != "0" {
		t.Error("something is left")
	}
}

// TestRenewing has a gateway renew the lease of a place by itself, again and again.
func TestRenewing(t *testing.T) {
	s := redistest.Start(t)
	short := config(s.Address)
	short.lease = 300 * time.Millisecond
	c := open(t, short)
	held := atOnce("acme", 1)
	if ok, err := c.Take(t.Context(), time.Now(), held, states()); !ok || err != nil {
		t.Fatal(ok, err)
	}
	key, member := c.key(places, &held[0]), c.member(uint64(held[0].Place&^ours))
	ends := s.CLI("ZSCORE", key, member)
	for range 3 {
		s.Within(30*time.Second, "the lease is renewed", func() bool { return s.CLI("ZSCORE", key, member) > ends })
		ends = s.CLI("ZSCORE", key, member)
	}
	c.Return(t.Context(), held)
	s.Within(30*time.Second, "nothing is left", func() bool { return s.CLI("EXISTS", key) == "0" })
}

// TestPlacesOverAnOutage has Redis forget the places of requests that are under way, which it is told again.
func TestPlacesOverAnOutage(t *testing.T) {
	s := redistest.Start(t)
	c := brief(s.Address, Local)
	c.Nodes = 1
	counter := open(t, c)
	early, during := atOnce("acme", 2), atOnce("acme", 2)
	s.Within(30*time.Second, "it counts", func() bool {
		ok, err := counter.Take(t.Context(), time.Now(), early, states())
		if early[0].Place&ours != 0 {
			return ok && err == nil
		}
		counter.Return(t.Context(), early) // a slow machine lost Redis already
		return false
	})
	s.Kill()
	s.Within(30*time.Second, "Redis is away", func() bool {
		ok, err := counter.Take(t.Context(), time.Now(), during, states())
		return ok && err == nil && counter.Status().Mode == Local
	})
	if during[0].Place == 0 || during[0].Place&ours != 0 {
		t.Errorf("the place is %x", during[0].Place)
	}
	counter.Return(t.Context(), during)
	s.Restart()
	s.Within(30*time.Second, "Redis knows of the early one", func() bool { return s.CLI("ZCARD", counter.key(places, &early[0])) == "1" })
	counter.Return(context.Background(), early)
	s.Within(30*time.Second, "Redis knows that it is over", func() bool { return s.CLI("EXISTS", counter.key(places, &early[0])) == "0" })
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
