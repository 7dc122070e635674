//go:build !race

// The race detector makes sync.Pool forget, so allocations are counted without it.

package validate

import "testing"

// A valid order is to cost 20 allocations at most, those of reading it among them.
func TestOrderAllocatesLittle(t *testing.T) {
	_, _, take := orderStages(t)
	if n := testing.AllocsPerRun(100, take); n > 20 {
		t.Errorf("%v allocations", n)
	}
}
