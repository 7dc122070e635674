// Package progress tells whoever waits at a terminal what a command is at, and how far it has come: on one line that is
// written over and over, and taken away at the end. A command that is done within a second tells nothing, and neither
// does one whose line nobody would see: into a file, a pipe, or a terminal that cannot go back in a line.
package progress

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

const (
	// Patience is how long a command may take before it tells what it is at: 1 s.
	Patience = time.Second
	// interval is the time between two writings of the line: 200 ms, often enough to be seen to move.
	interval = 200 * time.Millisecond
	// maxColumns bounds the line where a terminal does not say how wide it is.
	maxColumns = 80
)

// Clock is where the time comes from.
type Clock struct {
	Now func() time.Time
	// Ticks gives the time again and again until stop is called.
	Ticks func(time.Duration) (ticks <-chan time.Time, stop func())
}

// System is the clock of the machine.
func System() Clock {
	return Clock{Now: time.Now, Ticks: func(d time.Duration) (<-chan time.Time, func()) {
		t := time.NewTicker(d)
		return t.C, t.Stop
	}}
}

// Line is the line of one command, or of a part of one. A nil Line is one that nobody would see. Its text is written
// without colours or any other escape sequence, so that NO_COLOR has nothing to forbid.
type Line struct {
	to    *os.File
	began time.Time
	end   chan struct{} // closed by Stop
	ended chan struct{} // closed once nothing is written any more

	mutex    sync.Mutex
	what     string
	done, of int
	shown    int // the columns that are written on; used by one goroutine at a time
}

// Begin tells from now on, until Stop, what a command is at, in ASCII: "asking the gateway". It gives nil where the file
// is no terminal, or one that TERM calls dumb.
func Begin(to *os.File, clock Clock, what string) *Line {
	if to == nil || os.Getenv("TERM") == "dumb" || !term.IsTerminal(int(to.Fd())) {
		return nil
	}
	l := &Line{to: to, began: clock.Now(), what: what, end: make(chan struct{}), ended: make(chan struct{})}
	ticks, stop := clock.Ticks(interval)
	go func() {
		defer close(l.ended)
		defer stop()
		for {
			select {
			case <-l.end:
				l.write("")
				return
			case now := <-ticks:
				if took := now.Sub(l.began); took >= Patience {
					l.write(l.text(took))
				}
			}
		}
	}()
	return l
}

// Next says what the command is at now.
func (l *Line) Next(what string) { l.set(what, 0, 0) }

// Count says what the command is at, how much of it is done, and of how much; 0 for nobody knows.
func (l *Line) Count(what string, done, of int) { l.set(what, done, of) }

func (l *Line) set(what string, done, of int) {
	if l == nil {
		return
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.what, l.done, l.of = what, done, of
}

// Stop takes the line away. It is called before anything else is written to the terminal, and may be called again.
func (l *Line) Stop() {
	if l == nil {
		return
	}
	l.mutex.Lock()
	select {
	case <-l.end:
	default:
		close(l.end)
	}
	l.mutex.Unlock()
	<-l.ended
}

// text is what the line says after a time.
func (l *Line) text(took time.Duration) string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	far := ""
	switch {
	case l.of > 0:
		far = fmt.Sprintf(": %d of %d", l.done, l.of)
	case l.done > 0:
		far = fmt.Sprintf(": %d", l.done)
	}
	return fmt.Sprintf("%s%s, %s", l.what, far, took.Truncate(time.Second))
}

// write puts a text in the place of what the line says. One that filled the last column would begin another line, and
// what is on two lines is not gone over by a return.
func (l *Line) write(text string) {
	columns, _, err := term.GetSize(int(l.to.Fd()))
	if err != nil || columns < 2 {
		columns = maxColumns
	}
	text = text[:min(len(text), columns-1)]
	blank := strings.Repeat(" ", min(max(l.shown-len(text), 0), columns-1-len(text)))
	if text == "" && blank == "" {
		return
	}
	out := "\r" + text + blank
	if text == "" {
		out += "\r"
	}
	l.shown = len(text)
	_, _ = l.to.WriteString(out) // what cannot be told is no reason to fail
}
