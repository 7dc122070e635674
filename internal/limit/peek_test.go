package limit

import (
	"testing"
	"time"
)

// TestPeek asks what a counter would say of charges, and finds that it says so, and that nothing was charged before.
func TestPeek(t *testing.T) {
	m := NewMemory(10)
	now := time.Unix(1_700_000_000, 0)
	charges := func(cost int64) []Charge {
		return []Charge{
			{Limit: NewID("a"), Key: "k", Cost: cost, Rates: []Rate{NewRate(10, time.Minute), NewRate(100, time.Hour)}},
			{Limit: NewID("b"), Key: "k", Cost: 1, Rates: []Rate{NewRate(5, time.Minute)}, AtOnce: 2},
		}
	}
	for range 3 {
		for _, cost := range []int64{4, 4, 4} {
			var peeked, took [4]State
			for range 2 {
				ok, err := Peek{m}.Take(t.Context(), now, charges(cost), peeked[:])
				if err != nil {
					t.Fatal(err)
				}
				if peeked[3] != (State{Unknown: true}) {
					t.Errorf("of places got %+v", peeked[3])
				}
				if !ok && peeked[0].Wait == 0 && peeked[2].Wait == 0 {
					t.Errorf("refused without a time to wait: %+v", peeked)
				}
			}
			all := charges(cost)
			ok, err := m.Take(t.Context(), now, all, took[:])
			if err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				if peeked[i].Remaining != took[i].Remaining || peeked[i].Refused != took[i].Refused || (peeked[i].Wait-took[i].Wait).Abs() > time.Nanosecond*100 {
					t.Errorf("quota %d: foretold %+v, got %+v (admitted: %v)", i, peeked[i], took[i], ok)
				}
			}
			m.Return(t.Context(), all)
		}
		now = now.Add(40 * time.Second)
	}
	if _, err := (Peek{m}).Take(t.Context(), now, charges(11), make([]State, 4)); err == nil {
		t.Error("a cost above every quota is no mistake")
	}
}
