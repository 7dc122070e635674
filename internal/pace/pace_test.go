package pace

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestRests works for some milliseconds: it rests after each of them, and not before.
func TestRests(t *testing.T) {
	synctest.Test(t, func(*testing.T) {
		var p Pace
		rested := func(f func()) time.Duration {
			began := time.Now()
			f()
			return time.Since(began)
		}
		if d := rested(p.Rest); d != 0 {
			t.Errorf("it rested for %v before any work", d)
		}
		for range 3 {
			time.Sleep(slice - 1) // work
			if d := rested(p.Rest); d != 0 {
				t.Errorf("it rested for %v too early", d)
			}
			time.Sleep(time.Nanosecond)
			if d := rested(p.Rest); d != rest {
				t.Errorf("it rested for %v", d)
			}
		}
		time.Sleep(slice)
		if d := rested(func() {
			for range every {
				p.Step()
			}
		}); d != rest {
			t.Errorf("after %d steps it rested for %v", every, d)
		}
	})
}

// TestNone has no pace: it never rests.
func TestNone(t *testing.T) {
	synctest.Test(t, func(*testing.T) {
		var p *Pace
		began := time.Now()
		for range 2 * every {
			p.Rest()
			p.Step()
		}
		if d := time.Since(began); d != 0 {
			t.Errorf("it rested for %v", d)
		}
	})
}
