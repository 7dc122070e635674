//go:build !race

package policy

import "testing"

// TestRememberedAllocates holds that a decision as before costs no memory, denials included.
func TestRememberedAllocates(t *testing.T) {
	q := realistic(t, realisticPaths(t), DefaultCache)
	requests, _ := realisticRequests()
	for i := range requests {
		x := &requests[i]
		q.Decide(x)
		if n := testing.AllocsPerRun(100, func() { q.Decide(x) }); n != 0 || !x.Decision.Cached {
			t.Errorf("request %d: %v allocations", i, n)
		}
	}
}
