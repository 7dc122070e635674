//go:build !race

package accesslog

import "testing"

// TestLineAllocates holds that a line without credentials in it costs no memory where there is room for it.
func TestLineAllocates(t *testing.T) {
	l := shown()
	l.URI = "/orders?page=2"
	room := l.Append(nil, nil)
	if n := testing.AllocsPerRun(100, func() { room = l.Append(room[:0], nil) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
