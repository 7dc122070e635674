package accesslog

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"time"
)

// Bounds of what waits to be written.
const (
	// maxWaiting is how many bytes of lines may wait, 4 MiB, besides as many that are being written: some thousand lines, or a
	// second of a gateway that is as fast as it can be.
	maxWaiting = 4 << 20
	// maxBatch is how much is written at once, in bytes, but for a line that is longer: a small part of the least size at which
	// Caddy's writer rotates a file.
	maxBatch = 64 << 10
	// maxDelay is how long a line waits for others, and so what a process that is killed loses.
	maxDelay = 100 * time.Millisecond
	// maxRoomWait is how long a request waits for room for its line.
	maxRoomWait = 100 * time.Millisecond
	// stopTime is how long the end waits for a writer.
	stopTime = 5 * time.Second
)

// Meter counts what becomes of lines.
type Meter interface {
	Written(lines int)
	// Lost tells of lines that nobody wrote, and why.
	Lost(lines int, why error)
}

// Log writes lines behind the requests' backs, many at once. Many goroutines may use it at once.
type Log struct {
	to     io.WriteCloser
	single bool // each line is written on its own
	meter  Meter

	wake chan struct{} // holds a token when there is something to write where there was nothing
	much chan struct{} // holds one when there is a batch
	stop chan struct{} // closed to stop
	done chan struct{} // closed when all is written

	mu      sync.Mutex
	waiting []byte
	room    chan struct{} // closed when there is room again; nil while nobody waits for any
	closed  bool
	closing error // of the writer's end
}

// NewLog makes a log that writes to a writer, and closes it. single says that the writer takes one line at a time, as one that sends
// each as a datagram does.
func NewLog(to io.WriteCloser, single bool, meter Meter) *Log {
	l := &Log{to: to, single: single, meter: meter, wake: make(chan struct{}, 1), much: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
	go l.run()
	return l
}

// Write takes a line, of which nothing is kept. Where there is no room for it, since what writes is slow, it waits for some, for
// 100 ms at most; then the line is lost, and counted. So is one that comes after the end, of a request that outlived it.
func (l *Log) Write(line []byte) {
	room, ok := l.take(line)
	if ok {
		return
	}
	timer := time.NewTimer(maxRoomWait)
	defer timer.Stop()
	for {
		select {
		case <-room:
		case <-timer.C:
			l.meter.Lost(1, errFull)
			return
		}
		if room, ok = l.take(line); ok {
			return
		}
	}
}

var (
	errFull   = errors.New("the lines that wait for a slow writer are too many")
	errStuck  = errors.New("what writes the log does not end")
	errClosed = errors.New("the log was closed before the request ended")
)

// take queues a line. Where there is no room it is not ok, and room is closed when there may be some.
func (l *Log) take(line []byte) (room <-chan struct{}, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := len(l.waiting)
	switch {
	case l.closed:
		l.meter.Lost(1, errClosed)
		return nil, true
	case before > 0 && before+len(line) > maxWaiting:
		if l.room == nil {
			l.room = make(chan struct{})
		}
		return l.room, false
	}
	l.waiting = append(l.waiting, line...)
	if before == 0 {
		signal(l.wake)
	}
	if before < maxBatch && len(l.waiting) >= maxBatch {
		signal(l.much)
	}
	return nil, true
}

// signal leaves a token for the one goroutine that writes.
func signal(to chan<- struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}

// Close writes what waits, and ends the log.
func (l *Log) Close() error {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.stop)
	}
	l.mu.Unlock()
	timer := time.NewTimer(stopTime)
	defer timer.Stop()
	select {
	case <-l.done:
		return l.closing
	case <-timer.C:
		return errStuck
	}
}

// run is the one goroutine that writes.
func (l *Log) run() {
	defer close(l.done)
	var spare []byte
	for stopped := false; !stopped; {
		select {
		case <-l.wake:
			stopped = l.rest()
		case <-l.stop:
			stopped = true
		}
		l.mu.Lock()
		taken := l.waiting
		l.waiting = spare[:0]
		if l.room != nil {
			close(l.room)
			l.room = nil
		}
		l.mu.Unlock()
		l.write(taken)
		if spare = taken; cap(spare) > 4*maxBatch {
			spare = nil // which it needed for once
		}
	}
	l.closing = l.to.Close()
}

// rest waits for a line's company, and says whether it is the end.
func (l *Log) rest() (stopped bool) {
	select {
	case <-l.much: // there was one already, or it is of lines that are written
	default:
	}
	timer := time.NewTimer(maxDelay)
	defer timer.Stop()
	l.mu.Lock()
	enough := len(l.waiting) >= maxBatch
	l.mu.Unlock()
	if enough {
		return false
	}
	select {
	case <-l.much:
	case <-timer.C:
	case <-l.stop:
		return true
	}
	return false
}

// write writes lines, at most a batch of them at once and none in parts. Those of a batch that was not written are lost: who
// waits for a disk that is full would have all others wait, too.
func (l *Log) write(lines []byte) {
	for len(lines) > 0 {
		n := 1 + bytes.IndexByte(lines, '\n')
		if !l.single && len(lines) > maxBatch {
			if last := bytes.LastIndexByte(lines[:maxBatch], '\n'); last >= 0 {
				n = last + 1
			}
		} else if !l.single {
			n = len(lines)
		}
		count := bytes.Count(lines[:n], []byte{'\n'})
		written, err := l.to.Write(lines[:n])
		if err == nil && written < n {
			err = io.ErrShortWrite
		}
		if err != nil {
			whole := bytes.Count(lines[:min(max(written, 0), n)], []byte{'\n'})
			l.meter.Lost(count-whole, err)
			count = whole
		}
		l.meter.Written(count)
		lines = lines[n:]
	}
}
