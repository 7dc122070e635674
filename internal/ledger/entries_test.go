package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

// What the operator sees of events, and does with them.
func TestEntries(t *testing.T) {
	l := open(t, t.TempDir())
	s, err := l.Session()
	if err != nil {
		t.Fatal(err)
	}
	for n := range 5 {
		appended(t, l, event(n))
	}
	other := event(9)
	other.Webhook = "github"
	appended(t, l, other)
	all := taken(t, l, 5)
	how := Ending{Attempts: 3, Reason: "status 500", Time: time.Unix(1700000500, 0)}
	if err := s.Bury(t.Context(), all[0].Event, how); err != nil {
		t.Fatal(err)
	}
	s.Delivered(all[1].Event, Ending{Attempts: 1, Reason: "status 204", Time: how.Time})
	if err := s.Park(t.Context(), s.LaneOf("stripe", "k").First, all[2]); err != nil {
		t.Fatal(err)
	}
	for _, w := range all[:3] {
		if err := w.Done(); err != nil {
			t.Fatal(err)
		}
	}
	refs := func(state State, webhook string, after uint64, limit int) string {
		t.Helper()
		list, err := s.List(t.Context(), state, webhook, after, limit)
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, e := range list.Events {
			text += e.Ref + " " + e.ID + "; "
		}
		return text
	}
	within(t, "what was done with is gone", func() bool { return refs(Pending, "stripe", 0, 10) == "pending/4 msg_3; pending/5 msg_4; " })
	within(t, "what was delivered is kept", func() bool { return refs(Delivered, "", 0, 10) == "delivered/1 msg_1; " })
	for _, c := range []struct {
		state   State
		webhook string
		after   uint64
		limit   int
		want    string
	}{
		{Pending, "", 0, 10, "pending/4 msg_3; pending/5 msg_4; pending/6 msg_9; "},
		{Pending, "", 4, 1, "pending/5 msg_4; "},
		{Pending, "none", 0, 10, ""},
		{Retrying, "", 0, 10, "retrying/1 msg_2; "},
		{Dead, "stripe", 0, 10, "dead/1 msg_0; "},
	} {
		if got := refs(c.state, c.webhook, c.after, c.limit); got != c.want {
			t.Errorf("%s %s after %d: %q, want %q", c.state, c.webhook, c.after, got, c.want)
		}
	}
	if _, err := s.List(t.Context(), "lost", "", 0, 10); !errors.Is(err, ErrRef) {
		t.Errorf("of no state: %v", err)
	}

	e, err := s.Show(t.Context(), "dead/1")
	if err != nil || e.Attempts != 3 || e.Reason != "status 500" || !e.Ended.Equal(how.Time) || !bytes.Equal(e.Body, event(0).Body) || e.Header.Get("Content-Type") != "application/json" {
		t.Errorf("shown: %+v, %v", e, err)
	}
	backlog, err := s.Backlogs(t.Context())
	if err != nil || len(backlog) != 2 || backlog["stripe"].Events != 3 || backlog["stripe"].Dead != 1 || backlog["github"].Events != 1 || backlog["stripe"].Oldest < time.Hour {
		t.Errorf("backlog: %v, %v", fmt.Sprint(backlog["stripe"], backlog["github"]), err)
	}

	for _, c := range []struct {
		do   string
		f    func(ref string) error
		ref  string
		want error
	}{
		{"replaying what waits anyway", func(ref string) error { return s.Replay(t.Context(), ref) }, "pending/4", ErrNotEnded},
		{"replaying what is not there", func(ref string) error { return s.Replay(t.Context(), ref) }, "dead/7", ErrGone},
		{"replaying nothing", func(ref string) error { return s.Replay(t.Context(), ref) }, "dead", ErrRef},
		{"replaying none of a state", func(ref string) error { return s.Replay(t.Context(), ref) }, "seen/1", ErrRef},
		{"replaying a dead letter", func(ref string) error { return s.Replay(t.Context(), ref) }, "dead/1", nil},
		{"replaying what was delivered", func(ref string) error { return s.Replay(t.Context(), ref) }, "delivered/1", nil},
		{"dropping what waits", func(ref string) error { return s.Drop(t.Context(), ref) }, "pending/4", nil},
		{"dropping it again", func(ref string) error { return s.Drop(t.Context(), ref) }, "pending/4", ErrGone},
		{"dropping what is tried again", func(ref string) error { return s.Drop(t.Context(), ref) }, "retrying/1", nil},
	} {
		if err := c.f(c.ref); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.do, err, c.want)
		}
	}
	if got := refs(Pending, "stripe", 0, 10) + refs(Retrying, "", 0, 10) + refs(Dead, "", 0, 10) + refs(Delivered, "", 0, 10); got !=
		"pending/5 msg_4; pending/7 msg_0; pending/8 msg_1; delivered/1 msg_1; " {
		t.Errorf("at last: %s", got)
	}
}

// What waits is counted while events are read, which the client of NATS does not provide for.
func TestCountedWhileRead(t *testing.T) {
	l := open(t, t.TempDir())
	s, err := l.Session()
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for range 20 {
				if _, err := s.Backlogs(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
		all.Go(func() {
			for range 20 {
				if _, err := s.Head(t.Context(), s.LaneOf("stripe", "k").First); err != nil {
					t.Error(err)
				}
				if _, err := s.Lanes(t.Context(), "stripe"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}
