package shared

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wicketgate/wicketgate/internal/limit"
	"github.com/wicketgate/wicketgate/internal/limit/redistest"
)

// pass has time pass for all counts: what they say is earlier.
var pass = redis.NewScript(`
for _, key in ipairs(redis.call('KEYS', '*:q:*')) do
	local kept, out = redis.call('GET', key), ''
	for i = 1, #kept, 9 do
		local s, n = struct.unpack('<I5I4', kept, i)
		out = out .. struct.pack('<I5I4', s - ARGV[1], n)
	end
	redis.call('SET', key, out, 'KEEPTTL')
end
return 'OK'`)

// TestAgreesWithMemory has both count the same requests: of changing rates, costs and places, with time passing between
// them. Units refill in whole hours and whole hours pass, so that the time that the test itself takes decides nothing.
func TestAgreesWithMemory(t *testing.T) {
	s := redistest.Start(t)
	c, err := New(config(s.Address)) // not started, so that places are free when the test says so
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // it is a test's
	memory := limit.NewMemory(0)
	r := rand.New(rand.NewPCG(5, 8))
	var later time.Duration
	type holder struct{ shared, memory []limit.Charge }
	var inside []holder
	hours := func(n int64) limit.Rate {
		return limit.Rate{Burst: n, Interval: time.Duration(1+r.IntN(10)) * time.Hour}
	}
	names := []string{"a", "b", "c"}
	admitted, refused := 0, 0
	for step := range 2000 {
		if r.IntN(4) == 0 {
			d := time.Duration(r.IntN(30)) * time.Hour
			later += d
			if err := pass.Run(t.Context(), *c.client.Load(), nil, int(d/time.Second)).Err(); err != nil {
				t.Fatal(err)
			}
		}
		if len(inside) > 0 && r.IntN(3) == 0 {
			i := r.IntN(len(inside))
			c.Return(t.Context(), inside[i].shared)
			c.giveBackAll(t.Context())
			memory.Return(t.Context(), inside[i].memory)
			inside = append(inside[:i], inside[i+1:]...)
		}
		var charges []limit.Charge
		n := 0
		for _, at := range r.Perm(3)[:1+r.IntN(3)] {
			charge := limit.Charge{Limit: limit.NewID(names[at]), Key: names[r.IntN(2)], Cost: int64(r.IntN(4))}
			for range at + 1 {
				charge.Rates = append(charge.Rates, hours(3+r.Int64N(40)))
			}
			n += len(charge.Rates)
			if r.IntN(3) == 0 {
				charge.AtOnce = 1 + r.Int64N(5)
				n++
			}
			charges = append(charges, charge)
		}
		other := append([]limit.Charge{}, charges...)
		got, want := make([]limit.State, n), make([]limit.State, n)
		ok, err := c.Take(t.Context(), time.Time{}, charges, got)
		if err != nil {
			t.Fatal(err)
		}
		should, err := memory.Take(t.Context(), time.Now().Add(later), other, want)
		if err != nil {
			t.Fatal(err)
		}
		same := ok == should
		for i := range got {
			near := func(a, b time.Duration) bool { return (a - b).Abs() < 50*time.Minute }
			same = same && got[i].Remaining == want[i].Remaining && got[i].Refused == want[i].Refused && near(got[i].Wait, want[i].Wait) && near(got[i].Next, want[i].Next)
		}
		if !same {
			t.Fatalf("step %d: %+v: Redis says %v %+v, memory says %v %+v", step, charges, ok, got, should, want)
		}
		if ok {
			admitted++
			inside = append(inside, holder{charges, other})
		} else {
			refused++
		}
	}
	t.Logf("%d admitted, %d refused", admitted, refused)
	if admitted < 200 || refused < 200 {
		t.Error("the sequence tells too little")
	}
}

// TestGatewaysCountTogether has three gateways admit as many requests as the quota says, together.
func TestGatewaysCountTogether(t *testing.T) {
	s := redistest.Start(t)
	var admitted, units atomic.Int64
	var all sync.WaitGroup
	for range 3 {
		c := open(t, config(s.Address))
		for range 4 {
			all.Go(func() {
				for i := range 100 {
					charges := []limit.Charge{
						{Limit: limit.NewID("requests/day"), Key: "acme", Cost: 1, Rates: []limit.Rate{limit.NewRate(500, 24*time.Hour)}},
						{Limit: limit.NewID("units/day"), Key: "acme", Cost: 1 + int64(i%3), Rates: []limit.Rate{limit.NewRate(700, 24*time.Hour)}},
					}
					ok, err := c.Take(context.Background(), time.Now(), charges, make([]limit.State, 2))
					if err != nil {
						t.Error(err)
						return
					}
					if ok {
						admitted.Add(1)
						units.Add(charges[1].Cost)
					}
				}
			})
		}
	}
	all.Wait()
	if units.Load() > 700 || units.Load() < 698 || admitted.Load() > 500 {
		t.Errorf("%d requests of %d units were admitted, of 500 and 700", admitted.Load(), units.Load())
	}
}

// TestKeys looks at what is left in Redis: names that no caller chose, and nothing for ever.
func TestKeys(t *testing.T) {
	s := redistest.Start(t)
	c := open(t, config(s.Address))
	hostile := "acme\r\nFLUSHALL {other} * " + strings.Repeat("k", 1<<20)
	charges := []limit.Charge{{Limit: limit.NewID("l/second/hour"), Key: hostile, Cost: 2, Rates: []limit.Rate{limit.NewRate(10, time.Second), limit.NewRate(10, time.Hour)}, AtOnce: 2}}
	if ok, err := c.Take(t.Context(), time.Now(), charges, make([]limit.State, 3)); !ok || err != nil {
		t.Fatal(ok, err)
	}
	client := *c.client.Load()
	var keys []string
	s.Within(30*time.Second, "two keys of the limit, and one of the gateway, which tells of itself meanwhile", func() bool {
		var err error
		keys, err = client.Keys(t.Context(), "*").Result()
		return err == nil && len(keys) == 3
	})
	for _, key := range keys {
		ttl, err := client.PTTL(t.Context(), key).Result()
		most := map[string]time.Duration{"{wicketgate}:q:": 12*time.Minute + time.Second, "{wicketgate}:p:": lease + time.Second, "{wicketgate}:ga": lease + time.Second}[key[:15]]
		if err != nil || ttl > most || ttl < most-20*time.Second || len(key) > 40 {
			t.Errorf("%q lives for %s: %v", key, ttl, err)
		}
	}
	if size, err := client.StrLen(t.Context(), c.key(counts, &charges[0])).Result(); err != nil || size != 18 {
		t.Errorf("two counts take %d bytes: %v", size, err)
	}
}

// TestForgottenScript is Redis not knowing the script any more, which costs one more round trip and nothing else.
func TestForgottenScript(t *testing.T) {
	s := redistest.Start(t)
	c := open(t, config(s.Address))
	for range 3 {
		if ok, _, err := take(c, "acme", 100); !ok || err != nil {
			t.Fatal(ok, err)
		}
		s.CLI("SCRIPT", "FLUSH")
	}
}

// take is one request of a key's quota of so many in a day.
func take(c *Counter, key string, of int64) (ok bool, left int64, err error) {
	states := make([]limit.State, 1)
	ok, err = c.Take(context.Background(), time.Now(), []limit.Charge{
		{Limit: limit.NewID("l/day"), Key: key, Cost: 1, Rates: []limit.Rate{limit.NewRate(of, 24*time.Hour)}},
	}, states)
	return ok, states[0].Remaining, err
}

// BenchmarkTake is a round trip to a Redis on the same machine: of one limit with three quotas, and of two with a place.
func BenchmarkTake(b *testing.B) {
	rates := []limit.Rate{limit.NewRate(1_000_000, time.Second), limit.NewRate(1_000_000_000, time.Hour), limit.NewRate(10_000_000_000, 24*time.Hour)}
	for name, charges := range map[string][]limit.Charge{
		"three quotas":     {{Limit: limit.NewID("l"), Key: "acme", Cost: 1, Rates: rates}},
		"two and a place":  {{Limit: limit.NewID("l"), Key: "acme", Cost: 1, Rates: rates[:1]}, {Limit: limit.NewID("m"), Key: "acme", Cost: 1, Rates: rates[1:2], AtOnce: 1_000_000}},
		"eight limits":     eight(rates[1:2]),
		"an idle one each": {{Limit: limit.NewID("l"), Key: "acme", Rates: rates}},
	} {
		b.Run(name, func(b *testing.B) {
			s := redistest.Start(b)
			c := open(b, config(s.Address))
			states := make([]limit.State, 16)
			b.ReportAllocs()
			for b.Loop() {
				if ok, err := c.Take(context.Background(), time.Time{}, charges, states); !ok || err != nil {
					b.Fatal(ok, err)
				}
				c.Return(context.Background(), charges)
			}
		})
	}
}

func eight(rates []limit.Rate) (all []limit.Charge) {
	for _, name := range strings.Split("abcdefgh", "") {
		all = append(all, limit.Charge{Limit: limit.NewID(name), Key: "acme", Cost: 1, Rates: rates})
	}
	return all
}
