//go:build !race

// The race detector makes sync.Pool forget, so allocations are counted without it.

package schema

import "testing"

func TestValidateAllocatesNothing(t *testing.T) {
	text, doc := orderOf(t)
	s := load(t, text)
	if n := testing.AllocsPerRun(100, func() {
		if failures := s.Validate(doc); failures != nil {
			t.Fatal(failures)
		}
	}); n >= 1 {
		t.Errorf("%v allocations", n)
	}
}
