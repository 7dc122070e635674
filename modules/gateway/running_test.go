package gateway

import (
	"errors"
	"slices"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/wicketgate/wicketgate/internal/status"
)

// clock is a Running that notes what becomes of it.
type clock struct{ starts, closes int }

func (c *clock) Start(caddy.Context) { c.starts++ }
func (c *clock) Close() error        { c.closes++; return nil }
func (c *clock) Status() status.Part { return status.Introspection{Asked: int64(c.starts)} }

// other is a Running of another kind.
type other struct{ clock }

// TestRunning follows what runs beside requests through loads of files and reloads of Caddy: whoever asks for the same
// shares one, it starts once an app serves, and ends when the last load that asked for it is replaced.
func TestRunning(t *testing.T) {
	made := 0
	take := func(l *Load, key string) *clock {
		t.Helper()
		c, err := Run(l, key, func() (*clock, error) { made++; return &clock{}, nil })
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first := &App{logger: zap.NewNop()}
	l := &Load{app: first}
	a := take(l, "a")
	if take(l, "a") != a || made != 1 {
		t.Fatal("two parts of a load do not share one")
	}
	first.replaceRuns(l.runs)
	more := &Load{app: first} // a handler's part comes later
	b := take(more, "b")
	if take(more, "a") != a {
		t.Fatal("a later part does not share it")
	}
	first.addRuns(more.runs)
	if a.starts+b.starts != 0 {
		t.Fatal("something runs before the app serves")
	}
	first.startRuns()
	if a.starts != 1 || b.starts != 1 {
		t.Fatalf("started %d and %d times", a.starts, b.starts)
	}
	if got := first.runsStatus(); !slices.Equal(got, []status.Part{status.Introspection{Asked: 1}, status.Introspection{Asked: 1}}) {
		t.Errorf("the status is %v", got)
	}

	broken := &Load{app: first}
	take(broken, "a")
	c := take(broken, "c")
	broken.undo()
	if c.closes != 1 || c.starts != 0 || a.closes != 0 {
		t.Error("a load with a mistake leaves something running, or ends what is in force")
	}

	swapped := &Load{app: first} // b is not asked for any more
	take(swapped, "a")
	d := take(swapped, "d")
	first.replaceRuns(swapped.runs)
	if b.closes != 1 || a.closes != 0 || a.starts != 1 || d.starts != 1 {
		t.Errorf("after a load: a %+v, b %+v, d %+v", a, b, d)
	}

	second := &App{logger: zap.NewNop()} // Caddy reloads
	l = &Load{app: second}
	if take(l, "a") != a {
		t.Fatal("a reload of Caddy begins anew")
	}
	second.replaceRuns(l.runs)
	second.startRuns()
	first.closeRuns()
	if a.closes != 0 || a.starts != 2 || d.closes != 1 {
		t.Errorf("after a reload: a %+v, d %+v", a, d)
	}
	second.closeRuns()
	if a.closes != 1 {
		t.Error("what nobody uses runs on")
	}

	l = &Load{app: second}
	defer l.undo()
	if take(l, "a") == a {
		t.Error("what was closed is given away again")
	}
	if _, err := Run(l, "a", func() (*other, error) { return &other{}, nil }); err == nil {
		t.Error("one key names two kinds")
	}
	if _, err := Run(l, "e", func() (*clock, error) { return nil, errors.New("no") }); err == nil {
		t.Error("what cannot be made is given")
	}
	if e := take(l, "e"); e == nil {
		t.Error("what could not be made cannot be made later")
	}
}
