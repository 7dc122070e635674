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
	// maxEntries is how much room is kept for what waits, in entries, while nothing does.
	maxEntries = 1 << 10
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

// Entry is what a line is made of once it is written: behind the back of its request, and together with others, it costs a third
// of what it would at the request's end, where neither the code for it nor the data is near the processor.
type Entry interface {
	// Append writes the line, with its end. It is called once, by another goroutine.
	Append(to []byte) []byte
	// Weight is about how many bytes the line will have.
	Weight() int
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
	waiting []Entry
	weight  int           // of all that wait
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

// Write takes what a line is made of. Where there is no room for it, since what writes is slow, it waits for some, for 100 ms at
// most; then the line is lost, and counted. So is one that comes after the end, of a request that outlived it.
func (l *Log) Write(e Entry) {
	room, ok := l.take(e)
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
		if room, ok = l.take(e); ok {
			return
		}
	}
}

var (
	errFull   = errors.New("the lines that wait for a slow writer are too many")
	errStuck  = errors.New("what writes the log does not end")
	errClosed = errors.New("the log was closed before the request ended")
)

// take queues an entry. Where there is no room it is not ok, and room is closed when there may be some.
func (l *Log) take(e Entry) (room <-chan struct{}, ok bool) {
	weight := e.Weight()
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.weight
	switch {
	case l.closed:
		l.meter.Lost(1, errClosed)
		return nil, true
	case len(l.waiting) > 0 && before+weight > maxWaiting:
		if l.room == nil {
			l.room = make(chan struct{})
		}
		return l.room, false
	}
	l.waiting = append(l.waiting, e)
	l.weight += weight
	if len(l.waiting) == 1 {
		signal(l.wake)
	}
	if before < maxBatch && l.weight >= maxBatch {
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
	var spare []Entry
	var lines []byte
	for stopped := false; !stopped; {
		select {
		case <-l.wake:
			stopped = l.rest()
		case <-l.stop:
			stopped = true
		}
		l.mu.Lock()
		taken := l.waiting
		l.waiting, l.weight = spare[:0], 0
		if l.room != nil {
			close(l.room)
			l.room = nil
		}
		l.mu.Unlock()
		if lines = l.write(taken, lines[:0]); cap(lines) > 4*maxBatch {
			lines = nil // which it needed for once
		}
		clear(taken)
		if spare = taken; cap(spare) > maxEntries {
			spare = nil
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
	enough := l.weight >= maxBatch
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

// write writes lines, at most a batch of them at once and none in parts, in the room that is given, which it gives back. Those of
// a batch that was not written are lost: who waits for a disk that is full would have all others wait, too.
func (l *Log) write(entries []Entry, room []byte) []byte {
	count := 0 // of the lines in the room
	for _, e := range entries {
		before := len(room)
		room = e.Append(room)
		if before > 0 && (l.single || len(room) > maxBatch) {
			l.batch(room[:before], count)
			room = room[:copy(room, room[before:])]
			count = 0
		}
		count++
	}
	if count > 0 {
		l.batch(room, count)
	}
	return room
}

// batch writes so many lines at once.
func (l *Log) batch(lines []byte, count int) {
	written, err := l.to.Write(lines)
	if err == nil && written < len(lines) {
		err = io.ErrShortWrite
	}
	if err != nil {
		whole := bytes.Count(lines[:min(max(written, 0), len(lines))], []byte{'\n'})
		l.meter.Lost(count-whole, err)
		count = whole
	}
	l.meter.Written(count)
}
