package pace

import (
	"fmt"
	"testing"
)

// TestAside gets what it asked for, and a panic, in its own goroutine.
func TestAside(t *testing.T) {
	got := 0
	Aside(func() { got = 7 })
	if got != 7 {
		t.Errorf("got %d", got)
	}
	defer func() {
		if r := recover(); fmt.Sprint(r) != "enough" {
			t.Errorf("recovered %v", r)
		}
	}()
	Aside(func() { panic("enough") })
}
