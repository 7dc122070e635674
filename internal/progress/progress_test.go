package progress

import (
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wicketgate/wicketgate/internal/ptytest"
)

// hands is a clock that the test moves.
type hands struct {
	now   time.Time
	ticks chan time.Time
}

func byHand() *hands { return &hands{now: time.Unix(1_700_000_000, 0), ticks: make(chan time.Time)} }

func (h *hands) clock() Clock {
	return Clock{Now: func() time.Time { return h.now }, Ticks: func(time.Duration) (<-chan time.Time, func()) { return h.ticks, func() {} }}
}

// after ticks once it is so long after the beginning. A second tick is taken only after the first was written of.
func (h *hands) after(d time.Duration) {
	for range 2 {
		h.ticks <- h.now.Add(d)
	}
}

func TestTheLineIsWrittenOverAndTakenAway(t *testing.T) {
	defer goleak.VerifyNone(t)
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "1")
	t.Run("", func(t *testing.T) {
		terminal, h := ptytest.Open(t, 60), byHand()
		line := Begin(terminal.File, h.clock(), "loading the catalogue")
		h.after(999 * time.Millisecond)
		if said := terminal.Written(); said != "" {
			t.Errorf("within the first second it says %q", said)
		}
		says := func(want string) {
			t.Helper()
			terminal.Within(t, "the line", func(screen string) bool { return screen == want })
		}
		h.after(time.Second)
		says("loading the catalogue, 1s")
		line.Count("cases", 12, 340)
		h.after(2700 * time.Millisecond)
		says("cases: 12 of 340, 2s")
		line.Count("replaying events", 1200, 0)
		h.after(61 * time.Second)
		says("replaying events: 1200, 1m1s")
		line.Next("writing")
		h.after(62 * time.Second)
		says("writing, 1m2s")
		line.Stop()
		line.Stop()
		says("")
		if _, err := terminal.File.WriteString("done\n"); err != nil {
			t.Fatal(err)
		}
		says("done")
		if said := terminal.Written(); strings.Contains(said, "\x1b") || strings.Count(said, "\n") != 1 {
			t.Errorf("it writes more than one line, or escape sequences: %q", said)
		}
	})
}

func TestALineThatIsDoneEarlySaysNothing(t *testing.T) {
	t.Setenv("TERM", "xterm")
	terminal, h := ptytest.Open(t, 80), byHand()
	line := Begin(terminal.File, h.clock(), "asking the gateway")
	h.after(time.Second / 2)
	line.Stop()
	terminal.File.WriteString("the answer\n")
	terminal.Within(t, "the answer", func(screen string) bool { return screen != "" })
	if said := terminal.Written(); said != "the answer\r\n" {
		t.Errorf("it says %q", said)
	}
}

func TestALineFitsItsTerminal(t *testing.T) {
	t.Setenv("TERM", "xterm")
	terminal, h := ptytest.Open(t, 10), byHand()
	line := Begin(terminal.File, h.clock(), "asking the gateway")
	h.after(time.Second)
	terminal.Within(t, "what there is room for", func(screen string) bool { return screen == "asking th" })
	line.Stop()
	terminal.Within(t, "nothing", func(screen string) bool { return screen == "" && strings.HasSuffix(terminal.Written(), "\r") })
}

// Nothing at all is written where nobody would see it.
func TestNobodyLooks(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	t.Setenv("TERM", "dumb")
	for what, to := range map[string]*os.File{"a pipe": w, "a dumb terminal": ptytest.Open(t, 80).File, "nothing": nil} {
		if what != "a dumb terminal" {
			t.Setenv("TERM", "xterm")
		} else {
			t.Setenv("TERM", "dumb")
		}
		line := Begin(to, byHand().clock(), "asking the gateway")
		if line != nil {
			t.Errorf("%s is told", what)
		}
		line.Next("more")
		line.Count("much", 1, 2)
		line.Stop()
	}
}

func TestTheSystemsClock(t *testing.T) {
	ticks, stop := System().Ticks(time.Millisecond)
	defer stop()
	if began := System().Now(); (<-ticks).IsZero() || began.IsZero() {
		t.Error("it gives no time")
	}
}
