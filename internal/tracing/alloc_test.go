//go:build !race

package tracing

import (
	"context"
	"net/http"
	"testing"
)

// TestAheadAllocates bounds what a request costs that is not recorded: the ids of its trace as Caddy's variables have them.
func TestAheadAllocates(t *testing.T) {
	s := newSampler(w3c, true)
	s.bound, s.parent = 0, true
	h := http.Header{}
	if n := testing.AllocsPerRun(100, func() {
		clear(h)
		s.Ahead(context.Background(), h)
	}); n > 2 {
		t.Errorf("%v allocations", n)
	}
}
