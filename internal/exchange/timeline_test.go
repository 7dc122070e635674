package exchange

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// TestTimeline takes more laps than there is room for: together they take as long as it took.
func TestTimeline(t *testing.T) {
	synctest.Test(t, func(*testing.T) {
		var line Timeline
		line.Begin()
		for i := range MaxLaps + 3 {
			time.Sleep(time.Duration(i) * time.Millisecond)
			line.Lap(strconv.Itoa(i), i%2 == 1)
			line.Lap(strconv.Itoa(i), i%2 == 1) // goes on
		}
		laps := line.Laps()
		if len(laps) != MaxLaps {
			t.Fatalf("%d laps", len(laps))
		}
		total := time.Duration(0)
		for i, l := range laps {
			if want := time.Duration(i) * time.Millisecond; i < MaxLaps-1 && (l.Took != want || l.Name != strconv.Itoa(i) || l.Back != (i%2 == 1)) {
				t.Errorf("lap %d: %+v", i, l)
			}
			total += l.Took
		}
		if total != line.Elapsed() || total != (MaxLaps+2)*(MaxLaps+3)/2*time.Millisecond {
			t.Errorf("%v in all, %v by the laps", line.Elapsed(), total)
		}
	})
}

// TestNoTimeline takes laps of a clock that nobody started.
func TestNoTimeline(t *testing.T) {
	var line Timeline
	line.Lap("a", false)
	if len(line.Laps()) != 0 || line.Elapsed() != 0 {
		t.Errorf("%+v", line)
	}
}
