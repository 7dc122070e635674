package limit

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var start = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// taker counts one key against some rates.
func taker(m Counter, key string, rates ...Rate) func(at time.Time) (bool, []State) {
	return func(at time.Time) (bool, []State) {
		states := make([]State, len(rates))
		ok, err := m.Take(context.Background(), at, []Charge{{Limit: NewID("l"), Key: key, Cost: 1, Rates: rates}}, states)
		if err != nil {
			panic(err)
		}
		return ok, states
	}
}

func TestABurstThenOneEveryInterval(t *testing.T) {
	take := taker(NewMemory(0), "acme", NewRate(3, 30*time.Second))
	for _, step := range []struct {
		after time.Duration // since the start
		ok    bool
		want  State
	}{
		{0, true, State{Remaining: 2, Next: 10 * time.Second}},
		{0, true, State{Remaining: 1, Next: 10 * time.Second}},
		{0, true, State{Remaining: 0, Next: 10 * time.Second}},
		{0, false, State{Remaining: 0, Next: 10 * time.Second, Wait: 10 * time.Second, Refused: true}},
		{4 * time.Second, false, State{Remaining: 0, Next: 6 * time.Second, Wait: 6 * time.Second, Refused: true}},
		{10*time.Second - 1, false, State{Remaining: 0, Next: 1, Wait: 1, Refused: true}},
		{10 * time.Second, true, State{Remaining: 0, Next: 10 * time.Second}},
		{35 * time.Second, true, State{Remaining: 1, Next: 5 * time.Second}},
		{time.Hour, true, State{Remaining: 2, Next: 10 * time.Second}},
	} {
		ok, states := take(start.Add(step.after))
		if ok != step.ok || states[0] != step.want {
			t.Errorf("after %v: admitted %v, %+v; want %v, %+v", step.after, ok, states[0], step.ok, step.want)
		}
	}
}

func TestChargedToAllQuotasOrToNone(t *testing.T) {
	m := NewMemory(0)
	second, day := NewRate(1, time.Second), NewRate(3, 24*time.Hour)
	take := taker(m, "acme", second, day)
	if ok, s := take(start); !ok || s[0].Remaining != 0 || s[1].Remaining != 2 {
		t.Fatalf("first: %v %+v", ok, s)
	}
	for range 10 { // refused by the one, and the other is none the poorer
		if ok, s := take(start); ok || s[0].Wait != time.Second || s[1].Wait != 0 || s[1].Remaining != 2 {
			t.Fatalf("refused: %v %+v", ok, s)
		}
	}
	take(start.Add(time.Second))
	if ok, s := take(start.Add(2 * time.Second)); !ok || s[1].Remaining != 0 {
		t.Fatalf("third: %v %+v", ok, s)
	}
	if ok, s := take(start.Add(3 * time.Second)); ok || s[0].Wait != 0 || s[1].Wait == 0 {
		t.Fatalf("fourth: %v %+v", ok, s)
	}
}

func TestSeveralLimitsWithKeysOfTheirOwn(t *testing.T) {
	m := NewMemory(0)
	one, two := NewRate(1, time.Minute), NewRate(2, time.Minute)
	take := func(consumer, address string) bool {
		states := make([]State, 2)
		ok, err := m.Take(context.Background(), start, []Charge{
			{Limit: NewID("consumer"), Key: consumer, Cost: 1, Rates: []Rate{one}},
			{Limit: NewID("address"), Key: address, Cost: 1, Rates: []Rate{two}},
		}, states)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	for i, step := range []struct {
		consumer, address string
		want              bool
	}{
		{"a", "1", true},
		{"a", "2", false}, // a has used its one; address 2 pays nothing for that
		{"b", "1", true},
		{"c", "1", false}, // address 1 has used its two; c pays nothing for that
		{"c", "2", true},
		{"d", "2", true},
		{"2", "a", true}, // the same words in other places are other keys
	} {
		if got := take(step.consumer, step.address); got != step.want {
			t.Errorf("step %d: %v, want %v", i, got, step.want)
		}
	}
}

func TestChangedQuotaKeepsWhatWasUsed(t *testing.T) {
	for _, test := range []struct {
		name     string
		old, new Rate
		used     int
		want     int64 // left after one more request under the new rate, -1 if it is refused
	}{
		{"same", NewRate(10, time.Minute), NewRate(10, time.Minute), 4, 5},
		{"doubled: half used stays half used", NewRate(10, time.Minute), NewRate(20, time.Minute), 5, 9},
		{"halved: half used stays half used", NewRate(20, time.Minute), NewRate(10, time.Minute), 10, 4},
		{"longer window: the debt in time stays", NewRate(60, time.Minute), NewRate(60, time.Hour), 60, 58},
		{"shorter window: never more than a whole bucket", NewRate(60, time.Hour), NewRate(60, time.Minute), 60, -1},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := NewMemory(0)
			for range test.used {
				taker(m, "acme", test.old)(start)
			}
			ok, states := taker(m, "acme", test.new)(start)
			got := states[0].Remaining
			if !ok {
				got = -1
				if states[0].Wait > test.new.Interval {
					t.Errorf("must wait %v, more than the %v one unit takes", states[0].Wait, test.new.Interval)
				}
			}
			if got != test.want {
				t.Errorf("%d left, want %d", got, test.want)
			}
		})
	}
}

func TestClockThatStepsBack(t *testing.T) {
	take := taker(NewMemory(0), "acme", NewRate(2, time.Minute))
	take(start)
	if ok, s := take(start.Add(-24 * time.Hour)); ok || s[0].Wait > 30*time.Second {
		t.Errorf("a day back: %v, %+v; want a wait of at most one interval", ok, s[0])
	}
}

// TestLate has a request that came before others, and waited for its body or for a processor, not be refused for what they
// used: there is more than enough of it.
func TestLate(t *testing.T) {
	take := taker(NewMemory(0), "acme", NewRate(3, time.Second))
	for i, test := range []struct {
		at   time.Duration
		left int64 // -1 for a refusal
	}{{0, 2}, {10 * time.Second, 2}, {3 * time.Second, 1}, {9999 * time.Millisecond, 0}, {10 * time.Second, -1}, {5 * time.Second, -1}, {11500 * time.Millisecond, 2}} {
		ok, states := take(start.Add(test.at))
		left := states[0].Remaining
		if !ok {
			left = -1
		}
		if left != test.left {
			t.Errorf("request %d: %d are left, want %d", i, left, test.left)
		}
	}
}

// TestLateByItsLock has a request wait for another of its key, and meanwhile others be charged who came later.
func TestLateByItsLock(t *testing.T) {
	m := NewMemory(0)
	rate := NewRate(3, time.Second)
	take := taker(m, "acme", rate)
	take(start)
	key := (&Charge{Limit: NewID("l"), Key: "acme"}).digest()
	slot, _ := m.tables[key.where&m.mask].Load().find(key, true)
	admitted := make(chan bool)
	go func() {
		ok, _ := take(start)
		admitted <- ok
	}()
	waits := func() bool {
		stacks := make([]byte, 1<<20)
		return strings.Contains(string(stacks[:runtime.Stack(stacks, true)]), "limit.(*slot).of")
	}
	for end := time.Now().Add(time.Minute); !waits(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatal("nobody waits")
		}
	}
	later := int64(start.Add(10 * time.Second).Sub(m.epoch))
	m.instant(later)
	slot.tat[0] = later + int64(rate.Interval) // one is used
	slot.mu.Unlock()
	if !<-admitted {
		t.Error("it is refused while two are left")
	}
}

func TestCostOutsideTheContract(t *testing.T) {
	m := NewMemory(0)
	rates := []Rate{NewRate(5, time.Minute)}
	for cost, fails := range map[int64]bool{-1: true, 0: false, 1: false, 4: false, 6: true} {
		_, err := m.Take(context.Background(), start, []Charge{{Limit: NewID("l"), Key: "k", Cost: cost, Rates: rates}}, make([]State, 1))
		if (err != nil) != fails {
			t.Errorf("cost %d: %v", cost, err)
		}
	}
	_, err := m.Take(context.Background(), start, make([]Charge, maxLimits+1), nil)
	if err == nil {
		t.Error("nine charges were taken")
	}
}

func TestFullMemoryForgetsTheLongestIdle(t *testing.T) {
	m := NewMemory(minShard) // as few as are looked at, so the order is exact
	rate := NewRate(1, time.Hour)
	key := func(i int) string { return fmt.Sprint("key-", i) }
	for i := range minShard {
		taker(m, key(i), rate)(start.Add(time.Duration(i) * time.Second))
	}
	at := start.Add(time.Minute)
	if ok, _ := taker(m, key(0), rate)(at); ok { // refused, but not idle: key 1 is now the longest idle
		t.Fatal("key 0 was admitted twice")
	}
	taker(m, "newcomer", rate)(at)
	if m.Keys() != minShard || m.Forgotten() != 1 {
		t.Errorf("%d keys, %d forgotten; want %d, 1", m.Keys(), m.Forgotten(), minShard)
	}
	if ok, _ := taker(m, key(0), rate)(at); ok {
		t.Error("key 0 was forgotten though it was in use")
	}
	if ok, _ := taker(m, key(2), rate)(at); ok {
		t.Error("key 2 was forgotten though key 1 had been idle longer")
	}
	if ok, _ := taker(m, key(1), rate)(at); !ok {
		t.Error("key 1 was remembered though there was no room")
	}
}

func TestKeysThatAreFullAgainLeaveNothingBehind(t *testing.T) {
	m := NewMemory(1000)
	rate := NewRate(10, 10*time.Second)
	for i := range 100_000 { // one new caller a second, each recovered a second later
		taker(m, fmt.Sprint(i), rate)(start.Add(time.Duration(i) * time.Second))
	}
	if m.Keys() > 2 || m.Forgotten() != 0 {
		t.Errorf("%d keys kept, %d forgotten; want at most 2, and none", m.Keys(), m.Forgotten())
	}
}

// A new key of a request must not be given the place of the request's other key, which may be recovered and idle longest.
func TestANewKeyDoesNotTakeThePlaceOfItsNeighbour(t *testing.T) {
	m := NewMemory(minShard)
	rate := []Rate{NewRate(1, time.Second)}
	taker(m, "old", rate...)(start)
	at := start.Add(time.Minute)
	charges := []Charge{{Limit: NewID("m"), Key: "new", Cost: 1, Rates: rate}, {Limit: NewID("l"), Key: "old", Cost: 1, Rates: rate}}
	states := make([]State, 2)
	for i, want := range []bool{true, false} {
		ok, err := m.Take(context.Background(), at, charges, states)
		if err != nil || ok != want {
			t.Fatalf("request %d: %v, %v", i, ok, err)
		}
	}
	if states[0].Wait != time.Second || states[1].Wait != time.Second {
		t.Errorf("both must be used up: %+v", states)
	}
}

// Whoever makes up keys pushes out those who do not call, and never himself.
func TestWhoCallsIsNotPushedOut(t *testing.T) {
	m := NewMemory(shardKeys)
	rate := NewRate(10, 24*time.Hour)
	abuser := taker(m, "abuser", rate)
	at := start
	for range rate.Burst {
		abuser(at)
	}
	charges, states := []Charge{{Limit: NewID("l"), Cost: 1, Rates: []Rate{rate}}}, make([]State, 1)
	for i := range 5 * shardKeys {
		at = at.Add(6 * time.Millisecond) // ten thousand new keys a second in 64 shards
		charges[0].Key = strconv.Itoa(i)
		if _, err := m.Take(context.Background(), at, charges, states); err != nil {
			t.Fatal(err)
		}
		if i%20 == 0 {
			if ok, _ := abuser(at); ok {
				t.Fatalf("the abuser was forgotten after %d keys", i)
			}
		}
	}
	if m.Keys() != shardKeys || m.Forgotten() == 0 {
		t.Errorf("%d keys, %d forgotten", m.Keys(), m.Forgotten())
	}
}

// Nor does a request push out one of its own keys for the sake of another, where all came at one instant.
func TestARequestSparesItsOwnKeys(t *testing.T) {
	m := NewMemory(shardKeys)
	rates := []Rate{NewRate(2, 24*time.Hour)}
	taker(m, "caller", rates...)(start)
	for i := range shardKeys - 1 {
		taker(m, strconv.Itoa(i), rates...)(start)
	}
	states := make([]State, 2)
	for i, want := range []bool{true, false} {
		ok, err := m.Take(context.Background(), start, []Charge{
			{Limit: NewID("l"), Key: "caller", Cost: 1, Rates: rates}, {Limit: NewID("m"), Key: strconv.Itoa(i), Cost: 1, Rates: rates},
		}, states)
		if err != nil || ok != want {
			t.Fatalf("request %d: %v, %v", i, ok, err)
		}
	}
}

// A key that holds a place is never forgotten, however many keys come after it; the room for those stays the same.
func TestKeysThatHoldPlacesAreKept(t *testing.T) {
	m := NewMemory(minShard)
	take := func(key string, atOnce int64) ([]Charge, bool) {
		charges := []Charge{{Limit: NewID("l"), Key: key, Cost: 1, Rates: []Rate{NewRate(5, time.Hour)}, AtOnce: atOnce}}
		ok, err := m.Take(context.Background(), start, charges, make([]State, 2))
		if err != nil {
			t.Fatal(err)
		}
		return charges, ok
	}
	rotate := func() {
		for i := range 10 * minShard {
			taker(m, fmt.Sprint("key-", i), NewRate(1, time.Hour))(start)
		}
	}
	var held [][]Charge
	for i := range 2 * minShard {
		charges, ok := take(fmt.Sprint("held-", i), 1)
		if !ok {
			t.Fatal("refused the first")
		}
		held = append(held, charges)
	}
	rotate()
	if m.Keys() != 3*minShard {
		t.Errorf("%d keys, want those held and %d", m.Keys(), minShard)
	}
	for i, charges := range held {
		if _, ok := take(charges[0].Key, 1); ok {
			t.Fatalf("key %d got a second place", i)
		}
		m.Return(context.Background(), charges)
		m.Return(context.Background(), charges) // twice changes nothing
		if _, ok := take(charges[0].Key, 1); !ok {
			t.Fatalf("the place of key %d is not free", i)
		}
	}
	for i, charges := range held {
		m.Return(context.Background(), charges)
		if _, ok := take(charges[0].Key, 2); !ok {
			t.Fatalf("key %d: the place given back is not free", i)
		}
		m.Return(context.Background(), charges)
	}
	if n := m.Held(); n != 0 {
		t.Errorf("%d keys hold places", n)
	}
}

// TestLaw sends random arrivals at random rates and checks the law of Quota's comment: any n admitted requests, first to
// last, took at least (n - Burst) intervals; a refused one is admitted after its Wait and not a nanosecond sooner; and
// Next is when Remaining grows.
func TestLaw(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		rate := NewRate(1+r.Int64N(50), time.Duration(1+r.IntN(100))*time.Second)
		m := NewMemory(minShard)
		take := taker(m, "k", rate)
		tat := func() int64 { return kept(m, Charge{Limit: NewID("l"), Key: "k"}).tat[0] }
		peek := func(at time.Time) bool { // what a request would be told, without making it
			return rate.wait(rate.credit(tat(), int64(at.Sub(m.epoch))), 1) == 0
		}
		var admitted []time.Time
		at := start
		for range 400 {
			switch r.IntN(4) {
			case 0:
				at = at.Add(time.Duration(r.Int64N(int64(rate.Interval) * 3)))
			case 1:
				at = at.Add(time.Duration(r.Int64N(int64(rate.Interval)/4 + 1)))
			}
			ok, s := take(at)
			if ok {
				admitted = append(admitted, at)
			} else if peek(at.Add(s[0].Wait-1)) || !peek(at.Add(s[0].Wait)) {
				t.Fatalf("seed %d: a wait of %v is not when the request is admitted", seed, s[0].Wait)
			}
			then := int64(at.Add(s[0].Next).Sub(m.epoch))
			if rate.state(rate.credit(tat(), then)).Remaining != s[0].Remaining+1 || rate.state(rate.credit(tat(), then-1)).Remaining != s[0].Remaining {
				t.Fatalf("seed %d: %v is not when there is one more than %d", seed, s[0].Next, s[0].Remaining)
			}
		}
		for i := range admitted {
			for j := i; j < len(admitted); j++ {
				n, span := int64(j-i+1), admitted[j].Sub(admitted[i])
				if n > rate.Burst+int64(span/rate.Interval) {
					t.Fatalf("seed %d: %d admitted within %v at %+v", seed, n, span, rate)
				}
			}
		}
	}
}

// kept is what the memory knows of a charge's key.
func kept(m *Memory, c Charge) count {
	key := c.digest()
	sl, _ := m.tables[key.where&m.mask].Load().find(key, true)
	if sl == nil {
		return count{}
	}
	defer sl.mu.Unlock()
	return sl.count
}

func TestRateNeverExceedsTheQuota(t *testing.T) {
	for _, test := range []struct {
		requests int64
		window   time.Duration
	}{{1, time.Second}, {7, time.Second}, {1_000_000, time.Second}, {999_999, time.Second}, {3, 24 * time.Hour}, {10_000_000, 366 * 24 * time.Hour}} {
		r := NewRate(test.requests, test.window)
		whole := time.Duration(r.Burst) * r.Interval
		if r.Burst != test.requests || whole < test.window || whole > test.window+test.window/1000 {
			t.Errorf("%d in %v: a bucket of %d refills in %v", test.requests, test.window, r.Burst, whole)
		}
	}
}

// At one instant exactly the quota is admitted, however many ask at once.
func TestConcurrentRequestsGetExactlyTheQuota(t *testing.T) {
	m := NewMemory(0)
	a, b := NewRate(1000, time.Minute), NewRate(700, time.Hour)
	var admitted atomic.Int64
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			states := make([]State, 2)
			charges := []Charge{{Limit: NewID("a"), Key: "k", Cost: 1, Rates: []Rate{a}}, {Limit: NewID("b"), Key: "k", Cost: 1, Rates: []Rate{b}}}
			if g%2 == 1 { // in the opposite order too: no two of them wait for each other for ever
				charges[0], charges[1] = charges[1], charges[0]
			}
			for range 200 {
				if ok, err := m.Take(context.Background(), start, charges, states); err != nil {
					panic(err)
				} else if ok {
					admitted.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if admitted.Load() != 700 {
		t.Errorf("%d admitted, want exactly 700", admitted.Load())
	}
}
