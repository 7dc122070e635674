package exchange

import "time"

// Lap is a part of a request's time: what a stage took on the way up or back, the upstream, or what the caller took to
// send the body or to read the answer.
type Lap struct {
	Name string // of a stage, or "body", "upstream" or "answer"
	Back bool   // on the way back
	Took time.Duration
}

// MaxLaps is how many laps are told apart: as many as the stages of a route have on the way up and back, and more than
// that for what goes up twice. The last takes what has no room.
const MaxLaps = 20

// Timeline is how a request's time went by, from Begin on. Its zero value keeps nothing, and costs nothing.
type Timeline struct {
	began time.Time
	last  time.Duration
	laps  [MaxLaps]Lap
	n     int
}

// Begin starts the clock, which is the system's: how long things take is not a matter of when they are.
func (t *Timeline) Begin() { t.began = time.Now() }

// Began is when the clock was started; zero where it was not.
func (t *Timeline) Began() time.Time { return t.began }

// Lap says that what went by since the lap before, or since Begin, was spent on a name.
func (t *Timeline) Lap(name string, back bool) {
	if t.began.IsZero() {
		return
	}
	now := time.Since(t.began)
	if n := t.n; n == MaxLaps || n > 0 && t.laps[n-1].Name == name && t.laps[n-1].Back == back {
		t.laps[n-1].Took += now - t.last // it goes on
	} else {
		t.laps[n] = Lap{name, back, now - t.last}
		t.n++
	}
	t.last = now
}

// Laps are those so far, in their order, all of which together took Elapsed.
func (t *Timeline) Laps() []Lap { return t.laps[:t.n] }

// Shares are how long those who answer were waited for, in all tries and with the pauses between them, and what the stages
// took by themselves, both ways. What is left of Elapsed, the caller took.
func (t *Timeline) Shares() (upstream, own time.Duration) {
	for i := range t.Laps() {
		switch l := &t.laps[i]; {
		case l.Name == "body", l.Name == "answer":
		case l.Name == "upstream" && !l.Back:
			upstream += l.Took
		default:
			own += l.Took
		}
	}
	return upstream, own
}

// Elapsed is the time from Begin to the last lap.
func (t *Timeline) Elapsed() time.Duration { return t.last }
