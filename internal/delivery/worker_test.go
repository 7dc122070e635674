package delivery

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/ledger"
)

// idle gives a worker that delivers nothing.
func (b *bench) idle() *worker {
	b.t.Helper()
	session, err := b.Session()
	if err != nil {
		b.t.Fatal(err)
	}
	lease, err := session.Lease(b.t.Context(), "hook")
	if err != nil {
		b.t.Fatal(err)
	}
	w := newWorker(b.Desk, "hook", session, lease)
	for range parallel {
		w.slots <- struct{}{}
	}
	b.t.Cleanup(func() {
		w.mu.Lock()
		w.closing = true
		w.mu.Unlock()
		for range parallel {
			<-w.slots
		}
		w.running.Wait()
		lease.Release()
	})
	return w
}

// An intake that is opened anew gives what is in memory a second time. The ledger lets go of what was done with, also if
// that was said before the new intake came to it.
func TestIntakeAnew(t *testing.T) {
	b := start(t, t.TempDir())
	w := b.idle()
	ctx := t.Context()
	// More than an intake has on its way to whoever asks for the next: the new one has not come to the last of them.
	const many = ledger.Window/4 + 50
	for n := range many {
		b.append(fmt.Sprint(n), "")
	}
	var last *ledger.Waiting
	read := func(intake *ledger.Intake) {
		for range many {
			next, err := intake.Next(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if last == nil && next.ID == fmt.Sprint(many-1) {
				last = next
			}
			if err := w.take(ctx, ctx, next); err != nil {
				t.Fatal(err)
			}
		}
	}
	open := func() *ledger.Intake {
		intake, err := w.session.Intake(ctx, "hook")
		if err != nil {
			t.Fatal(err)
		}
		return intake
	}
	first := open()
	read(first)
	first.Stop()
	second := open()
	if err := last.Done(); err != nil {
		t.Fatal(err)
	}
	read(second)
	second.Stop()
	b.append("end", "")
	b.within("the ledger lets go of the last", func() bool {
		intake := open()
		defer intake.Stop()
		var left []string
		for {
			next, err := intake.Next(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if next.ID == "end" {
				return !slices.Contains(left, last.ID)
			}
			left = append(left, next.ID)
		}
	})
}

// What was in memory when a session ended comes before what was parked behind it; also where nothing of it is left.
func TestMemoryFirst(t *testing.T) {
	for _, done := range []int{0, 3, room} {
		t.Run(fmt.Sprint(done), func(t *testing.T) {
			b := start(t, t.TempDir())
			w := b.idle()
			ctx := t.Context()
			var want []string
			for n := range 2 * room {
				id := fmt.Sprintf("a%02d", n)
				b.append(id, "a")
				if n >= done {
					want = append(want, id)
				}
			}
			intake, err := w.session.Intake(ctx, "hook")
			if err != nil {
				t.Fatal(err)
			}
			for n := range 2 * room {
				next, err := intake.Next(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if err := w.take(ctx, ctx, next); err != nil {
					t.Fatal(err)
				}
				if n < done {
					if err := next.Done(); err != nil {
						t.Fatal(err)
					}
				}
			}
			intake.Stop()
			s := &service{tries: map[string]int{}}
			b.Deliver(t, map[string]Target{"hook": {Send: s.send, For: time.Hour}})
			b.within("all are delivered", func() bool { return len(s.all()) >= len(want) })
			if got := s.all(); !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

// Lanes that are in memory already are counted once when what waits is read again.
func TestResumeAnew(t *testing.T) {
	b := start(t, t.TempDir())
	w := b.idle()
	ctx := t.Context()
	for n := range 3 {
		b.append(fmt.Sprint(n), "a")
	}
	intake, err := w.session.Intake(ctx, "hook")
	if err != nil {
		t.Fatal(err)
	}
	defer intake.Stop()
	for range 2 {
		next, err := intake.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.take(ctx, ctx, next); err != nil {
			t.Fatal(err)
		}
	}
	next, err := intake.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.session.Park(ctx, w.session.LaneOf("hook", "a").Later, next); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.resume(ctx, ctx); err != nil {
			t.Fatal(err)
		}
		if w.waiting != 1 {
			t.Errorf("%d lanes wait", w.waiting)
		}
	}
}

// A lane is looked at while an event is on its way into the ledger, and found empty; a moment later the event is there.
// The lane is not empty, then.
func TestParkedMeanwhile(t *testing.T) {
	b := start(t, t.TempDir())
	w := b.idle()
	ctx := t.Context()
	intake, err := w.session.Intake(ctx, "hook")
	if err != nil {
		t.Fatal(err)
	}
	defer intake.Stop()
	at := w.session.LaneOf("hook", "key")
	l := &lane{at: at, parked: true, busy: true}
	w.lanes[strings.TrimSuffix(at.First, ".0")] = l
	w.waiting++
	// underWay says whether an event is being parked, and how many were before the lane is looked at.
	underWay := func() (bool, int) {
		w.mu.Lock()
		defer w.mu.Unlock()
		return l.coming > 0, l.came
	}
	for n := range 100 { // the event may be there before it was seen to be on its way
		b.append(fmt.Sprint(n), "key")
		event, err := intake.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		taken := make(chan error, 1)
		go func() { taken <- w.take(ctx, ctx, event) }()
		for done := false; !done; {
			seen, came := underWay()
			select {
			case err = <-taken:
				done = true
			default:
				if !seen {
					runtime.Gosched()
					continue
				}
				err = <-taken
			}
			if err != nil {
				t.Fatal(err)
			}
			if seen {
				if w.emptied(l, came); !l.parked {
					t.Error("the lane is taken for empty, and the event waits until the ledger is opened anew")
				}
				return
			}
		}
	}
	t.Fatal("no event was seen on its way")
}
