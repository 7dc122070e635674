// Package limittest holds a limit.Counter against its contract, whichever it is.
package limittest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/limit"
)

// Counter runs the contract against the counters that open gives: each is new, with nothing counted. They may have a clock
// of their own, so nothing here depends on an hour's units refilling; and they may give places back a little later.
func Counter(t *testing.T, open func(t *testing.T) limit.Counter) {
	for name, test := range map[string]func(*testing.T, *counter){
		"exactly the quota":                      exactly,
		"all or none":                            allOrNone,
		"other limits and other keys":            apart,
		"costs":                                  costs,
		"charges outside the bounds":             outside,
		"a changed rate":                         changed,
		"places":                                 places,
		"places beside rates":                    beside,
		"many at once":                           many,
		"many places at once":                    manyPlaces,
		"the states of several charges in order": order,
	} {
		t.Run(name, func(t *testing.T) { test(t, &counter{t, open(t)}) })
	}
}

type counter struct {
	t *testing.T
	limit.Counter
}

// hourly is so many units in an hour, of which the shortest test sees none refill.
func hourly(units int64) limit.Rate { return limit.NewRate(units, time.Hour) }

// take charges, and gives the charges with their places and the states.
func (c *counter) take(charges ...limit.Charge) (bool, []limit.State) {
	n := 0
	for _, charge := range charges {
		n += len(charge.Rates)
		if charge.AtOnce > 0 {
			n++
		}
	}
	states := make([]limit.State, n)
	ok, err := c.Take(context.Background(), time.Now(), charges, states)
	if err != nil {
		c.t.Helper()
		c.t.Fatal(err)
	}
	return ok, states
}

// wants takes and says what it expected where it got something else: whether it is admitted, and what remains of each.
func (c *counter) wants(ok bool, remaining []int64, charges ...limit.Charge) []limit.State {
	c.t.Helper()
	got, states := c.take(charges...)
	var left []int64
	for _, s := range states {
		left = append(left, s.Remaining)
	}
	if got != ok || !slices.Equal(left, remaining) {
		c.t.Fatalf("admitted %v, left %v; want %v, %v", got, left, ok, remaining)
	}
	refused := slices.ContainsFunc(states, func(s limit.State) bool { return s.Refused })
	if refused == ok {
		c.t.Fatalf("admitted %v, and refused: %+v", ok, states)
	}
	return states
}

// near says whether d is a wait of want, but for the little time that a test takes.
func near(d, want time.Duration) bool { return d <= want && d > want-30*time.Second }

func exactly(t *testing.T, c *counter) {
	charge := limit.Charge{Limit: limit.NewID("l/q"), Key: "acme", Cost: 1, Rates: []limit.Rate{hourly(3)}}
	for left := int64(2); left >= 0; left-- {
		s := c.wants(true, []int64{left}, charge)[0]
		if !near(s.Next, 20*time.Minute) || s.Wait != 0 {
			t.Errorf("%d left: %+v", left, s)
		}
	}
	for range 3 {
		s := c.wants(false, []int64{0}, charge)[0]
		if !near(s.Next, 20*time.Minute) || s.Wait != s.Next {
			t.Errorf("used up: %+v", s)
		}
	}
}

func allOrNone(t *testing.T, c *counter) {
	two := limit.Charge{Limit: limit.NewID("l/a/b"), Key: "acme", Cost: 1, Rates: []limit.Rate{hourly(1), hourly(5)}}
	c.wants(true, []int64{0, 4}, two)
	s := c.wants(false, []int64{0, 4}, two)
	if !s[0].Refused || s[1].Refused || s[1].Wait != 0 {
		t.Errorf("the first alone refuses: %+v", s)
	}
	other := limit.Charge{Limit: limit.NewID("m/a"), Key: "acme", Cost: 1, Rates: []limit.Rate{hourly(2)}, AtOnce: 2}
	if s := c.wants(false, []int64{0, 4, 2, 2}, two, other); s[2].Refused || s[3].Refused {
		t.Errorf("the first alone refuses: %+v", s)
	}
	c.wants(true, []int64{1, 1}, other) // it paid nothing for that
}

func apart(_ *testing.T, c *counter) {
	charge := func(name, key string) limit.Charge {
		return limit.Charge{Limit: limit.NewID(name), Key: key, Cost: 1, Rates: []limit.Rate{hourly(1)}}
	}
	long := strings.Repeat("k", 100_000)
	all := []limit.Charge{
		charge("l/q", "acme"), charge("m/q", "acme"), charge("l/r", "acme"), charge("l/q", "globex"), charge("l", "q/acme"), charge("l/q/acme", ""),
		charge("l/q", "acme\x00"), charge("l/q", "\xff\xfe"), charge("l/q", "{acme}"), charge("l/q", "a:cme"), charge("l/q:a", "cme"),
		charge("l/q", "a b\r\nc"), charge("l/q", long), charge("l/q", long+"k"),
	}
	for _, one := range all {
		c.wants(true, []int64{0}, one)
	}
	for _, one := range all {
		c.wants(false, []int64{0}, one)
	}
}

func costs(t *testing.T, c *counter) {
	charge := func(cost int64) limit.Charge {
		return limit.Charge{Limit: limit.NewID("l/q"), Key: "acme", Cost: cost, Rates: []limit.Rate{hourly(10)}}
	}
	c.wants(true, []int64{10}, charge(0))
	c.wants(true, []int64{3}, charge(7))
	if s := c.wants(false, []int64{3}, charge(5))[0]; !near(s.Wait, 12*time.Minute) || !near(s.Next, 6*time.Minute) {
		t.Errorf("two units short: %+v", s)
	}
	c.wants(true, []int64{0}, charge(3))
	c.wants(true, []int64{0}, charge(0)) // nothing fits into an empty bucket

	big := limit.Charge{Limit: limit.NewID("big/q"), Key: "acme", Cost: 60_000_000, Rates: []limit.Rate{limit.NewRate(60_000_000, time.Minute)}}
	if ok, s := c.take(big); !ok || s[0].Remaining > 0 {
		t.Errorf("a whole large bucket: %v, %+v", ok, s)
	}
	year := limit.Charge{Limit: limit.NewID("year/q"), Key: "acme", Cost: 1, Rates: []limit.Rate{limit.NewRate(1, 366*24*time.Hour)}}
	c.wants(true, []int64{0}, year)
	if s := c.wants(false, []int64{0}, year)[0]; !near(s.Wait, 366*24*time.Hour) {
		t.Errorf("a year: %+v", s)
	}

	together := []limit.Charge{charge(0), {Limit: limit.NewID("other/q"), Key: "acme", Cost: 4, Rates: []limit.Rate{hourly(4)}}}
	c.wants(true, []int64{0, 0}, together...) // each charge has a cost of its own
}

func outside(t *testing.T, c *counter) {
	five := []limit.Rate{hourly(5)}
	for name, charges := range map[string][]limit.Charge{
		"a cost below nothing":            {{Limit: limit.NewID("l"), Key: "k", Cost: -1, Rates: five}},
		"a cost above the bucket":         {{Limit: limit.NewID("l"), Key: "k", Cost: 6, Rates: five}},
		"above the smaller of two":        {{Limit: limit.NewID("l"), Key: "k", Cost: 5, Rates: []limit.Rate{hourly(9), hourly(4)}}},
		"five rates":                      {{Limit: limit.NewID("l"), Key: "k", Cost: 1, Rates: []limit.Rate{hourly(9), hourly(9), hourly(9), hourly(9), hourly(9)}}},
		"fewer places than none":          {{Limit: limit.NewID("l"), Key: "k", Cost: 1, Rates: five, AtOnce: -1}},
		"more places than can be counted": {{Limit: limit.NewID("l"), Key: "k", Cost: 1, Rates: five, AtOnce: 1_000_001}},
		"nine charges":                    make([]limit.Charge, 9),
	} {
		if ok, err := c.Take(context.Background(), time.Now(), charges, make([]limit.State, 16)); err == nil {
			t.Errorf("%s: admitted %v", name, ok)
		}
	}
	c.wants(true, []int64{4}, limit.Charge{Limit: limit.NewID("l"), Key: "k", Cost: 1, Rates: five}) // nothing was used up
}

func changed(t *testing.T, c *counter) {
	charge := func(r limit.Rate) limit.Charge {
		return limit.Charge{Limit: limit.NewID("l/q"), Key: "acme", Cost: 1, Rates: []limit.Rate{r}}
	}
	for range 5 {
		c.take(charge(hourly(10)))
	}
	c.wants(true, []int64{9}, charge(hourly(20))) // half used stays half used
	// What is used up of a longer window is never more than a whole bucket of a shorter one.
	minute := limit.NewRate(1, time.Minute)
	if s := c.wants(false, []int64{0}, charge(minute))[0]; !near(s.Wait, time.Minute) {
		t.Errorf("a shorter window: %+v", s)
	}
}

// held is a charge without rates.
func held(key string, atOnce int64) []limit.Charge {
	return []limit.Charge{{Limit: limit.NewID("l"), Key: key, AtOnce: atOnce}}
}

// admitted takes until a place is free, for those given back may be so a little later.
func (c *counter) admitted(charges []limit.Charge) {
	c.t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if ok, _ := c.take(charges...); ok {
			return
		}
	}
	c.t.Fatal("no place is free though one was given back")
}

func places(t *testing.T, c *counter) {
	first, second, third, other := held("acme", 2), held("acme", 2), held("acme", 2), held("globex", 2)
	c.wants(true, []int64{1}, first...)
	c.wants(true, []int64{0}, second...)
	if s := c.wants(false, []int64{0}, third...)[0]; s.Wait != 0 || s.Next != 0 {
		t.Errorf("nobody knows when a place is free: %+v", s)
	}
	c.wants(true, []int64{1}, other...)
	if first[0].Place == 0 || second[0].Place == 0 || third[0].Place != 0 {
		t.Errorf("places: %v, %v, %v", first, second, third)
	}
	c.Return(context.Background(), third) // without a place: nothing is given back
	c.wants(false, []int64{0}, held("acme", 2)...)

	gone, leave := context.WithCancel(context.Background())
	leave()
	c.Return(gone, first) // that the caller has left changes nothing
	c.admitted(third)
	c.wants(false, []int64{0}, held("acme", 2)...)
	c.wants(false, []int64{0}, held("acme", 1)...) // fewer places than are in use
	c.wants(true, []int64{0}, held("acme", 3)...)
	c.wants(true, []int64{0}, other...)
}

func beside(_ *testing.T, c *counter) {
	both := func() []limit.Charge {
		return []limit.Charge{{Limit: limit.NewID("l/q"), Key: "acme", Cost: 1, Rates: []limit.Rate{hourly(3)}, AtOnce: 2}}
	}
	first, second, third := both(), both(), both()
	c.wants(true, []int64{2, 1}, first...)
	c.wants(true, []int64{1, 0}, second...)
	c.wants(false, []int64{1, 0}, third...) // and nothing was used up
	c.Return(context.Background(), first)
	c.admitted(third)
	c.Return(context.Background(), second)
	c.Return(context.Background(), third)
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if _, states := c.take(both()...); states[1].Remaining == 2 {
			break
		}
	}
	c.wants(false, []int64{0, 2}, both()...) // what is given back are places, not units; and no place was taken
}

func many(t *testing.T, c *counter) {
	var admitted atomic.Int64
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for range 50 {
				charges := []limit.Charge{
					{Limit: limit.NewID("a/q"), Key: "k", Cost: 1, Rates: []limit.Rate{limit.NewRate(300, 24*time.Hour)}},
					{Limit: limit.NewID("b/q"), Key: "k", Cost: 2, Rates: []limit.Rate{limit.NewRate(241, 24*time.Hour)}},
				}
				if g%2 == 1 { // in the opposite order too: no two of them wait for each other for ever
					slices.Reverse(charges)
				}
				ok, err := c.Take(context.Background(), time.Now(), charges, make([]limit.State, 2))
				if err != nil {
					t.Error(err)
					return
				}
				if ok {
					admitted.Add(1)
				}
			}
		})
	}
	all.Wait()
	if admitted.Load() != 120 {
		t.Errorf("%d admitted, want exactly 120", admitted.Load())
	}
}

func manyPlaces(t *testing.T, c *counter) {
	const most = 3
	var inside, admitted atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				charges := held("acme", most)
				ok, err := c.Take(context.Background(), time.Now(), charges, make([]limit.State, 1))
				if err != nil {
					t.Error(err)
					return
				}
				if !ok {
					continue
				}
				admitted.Add(1)
				if n := inside.Add(1); n > most {
					t.Errorf("%d at once", n)
				}
				inside.Add(-1)
				c.Return(context.Background(), charges)
			}
		})
	}
	all.Wait()
	if admitted.Load() < most {
		t.Errorf("%d admitted", admitted.Load())
	}
	for range most {
		c.admitted(held("acme", most)) // all were given back
	}
	c.wants(false, []int64{0}, held("acme", most)...)
}

func order(_ *testing.T, c *counter) {
	charges := func() []limit.Charge {
		return []limit.Charge{
			{Limit: limit.NewID("a/q"), Key: "k", Cost: 1, Rates: []limit.Rate{hourly(10), hourly(20)}, AtOnce: 5},
			{Limit: limit.NewID("b"), Key: "k", AtOnce: 7},
			{Limit: limit.NewID("c/q"), Key: "k", Cost: 2, Rates: []limit.Rate{hourly(30), hourly(40), hourly(50), hourly(60)}},
		}
	}
	c.wants(true, []int64{9, 19, 4, 6, 28, 38, 48, 58}, charges()...)
	c.wants(true, []int64{8, 18, 3, 5, 26, 36, 46, 56}, charges()...)
}
