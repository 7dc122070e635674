package decisionlog

import (
	"fmt"
	"io"
	"time"
)

// NewLines makes a log that writes each event as a line of JSON. open gives the writer, now and once more for an event
// that comes after the end; the writer may rotate files, since no event is written in parts.
func NewLines(open func() (io.WriteCloser, error), s Settings) (*Log, error) {
	w, err := open()
	if err != nil {
		return nil, fmt.Errorf("opening the decision log: %w", err)
	}
	return newLog(s, &lines{Settings: s, open: open, w: w}), nil
}

// maxBatch bounds what is written at once, in bytes, but for one event more.
const maxBatch = 64 << 10

// lines writes events to a writer.
type lines struct {
	Settings
	open  func() (io.WriteCloser, error)
	w     io.WriteCloser
	buf   []byte // what is held: events that are being written, of which the first may have been written in part
	held  int    // events in buf
	again <-chan time.Time
}

func (l *lines) put(events []*event) (taken int, err error) {
	for _, e := range events {
		if len(l.buf) >= maxBatch {
			if err := l.flush(); err != nil {
				return taken, err
			}
		}
		l.buf = append(append(l.buf, e.buf...), '\n')
		l.held++
		taken++
	}
	return taken, l.flush()
}

func (l *lines) due() <-chan time.Time { return l.again }

func (l *lines) flush() error {
	l.again = nil
	if len(l.buf) == 0 {
		return nil
	}
	n, err := l.w.Write(l.buf)
	l.buf = l.buf[:copy(l.buf, l.buf[min(n, len(l.buf)):])]
	if err == nil && len(l.buf) > 0 {
		err = io.ErrShortWrite
	}
	if err != nil {
		l.again = time.After(retryDelay)
		return err
	}
	l.Meter.Logged(l.held)
	l.held = 0
	if cap(l.buf) > 2*maxBatch {
		l.buf = nil
	}
	return nil
}

func (*lines) room() <-chan struct{} { return nil }

func (l *lines) late(e *event) error {
	w, err := l.open()
	if err != nil {
		return err
	}
	_, err = w.Write(append(e.buf, '\n'))
	if closing := w.Close(); err == nil {
		err = closing
	}
	return err
}

func (*lines) start() {}

func (l *lines) close() {
	if l.held > 0 {
		l.Meter.Lost(l.held, "failed")
	}
	if err := l.w.Close(); err != nil {
		l.Meter.Failed("closing the decision log", err)
	}
}
