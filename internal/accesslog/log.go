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
	// maxTogether is how many lines are made at once, of maxBatch bytes at most, but for the last. With half as many each takes a
	// sixth more, since the code is far from the processor for the first ones; what more are made of is far itself.
	maxTogether = 64
	// maxReady is how many bytes of lines wake the goroutine that writes before its time: that costs as much as many lines.
	maxReady = 256 << 10
	// maxBatch is how much is written at once, in bytes, but for a line that is longer: a small part of the least size at which
	// Caddy's writer rotates a file.
	maxBatch = 128 << 10
	// maxSpare is how many batches are kept for others, as many as there are until who writes is woken and has written, and maxRoom
	// how many bytes of room for lines each.
	maxSpare, maxRoom = 8, maxBatch
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

// Entry is what a line is made of. Lines are made many at once: each by itself, at its request's end, costs more than twice as
// much, where the code for it is not near the processor, and by another goroutine, from whose processor the data is far, nearly so.
type Entry interface {
	// Append writes the line, and ends it with its only line feed. It is called once, perhaps by another goroutine.
	Append(to []byte) []byte
	// Weight is about how many bytes the line will have.
	Weight() int
}

// Log writes lines behind the requests' backs, many at once. One request in many makes the lines of those before it. Many
// goroutines may use it at once.
type Log struct {
	to     io.WriteCloser
	single bool // each line is written on its own
	meter  Meter

	wake chan struct{} // holds a token when there is something where there was nothing
	much chan struct{} // holds one when there is much to write
	stop chan struct{} // closed to stop
	done chan struct{} // closed when all is written

	mu      sync.Mutex
	filling *batch
	spare   []*batch
	ready   []*batch       // whose lines are made
	made    int            // bytes of them
	weight  int            // of all that is filling, being made, or ready
	making  sync.WaitGroup // requests that make lines
	asleep  bool           // who writes waits for a first line, not for its time
	room    chan struct{}  // closed when there is room again; nil while nobody waits for any
	closed  bool
	closing error // of the writer's end
}

// batch is what lines are made of at once.
type batch struct {
	entries []Entry
	weight  int
	lines   []byte
	count   int // of lines
}

// NewLog makes a log that writes to a writer, and closes it. single says that the writer takes one line at a time, as one that sends
// each as a datagram does.
func NewLog(to io.WriteCloser, single bool, meter Meter) *Log {
	l := &Log{
		to: to, single: single, meter: meter, filling: new(batch), asleep: true,
		wake: make(chan struct{}, 1), much: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
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

// take queues an entry, and makes lines where there are enough. Where there is no room it is not ok, and room is closed when there
// may be some.
func (l *Log) take(e Entry) (room <-chan struct{}, ok bool) {
	weight := e.Weight()
	l.mu.Lock()
	switch {
	case l.closed:
		l.mu.Unlock()
		l.meter.Lost(1, errClosed)
		return nil, true
	case l.weight > 0 && l.weight+weight > maxWaiting:
		if l.room == nil {
			l.room = make(chan struct{})
		}
		room = l.room
		l.mu.Unlock()
		return room, false
	}
	if l.asleep {
		l.asleep = false
		signal(l.wake)
	}
	b := l.filling
	b.entries = append(b.entries, e)
	b.weight += weight
	l.weight += weight
	if len(b.entries) < maxTogether && b.weight < maxBatch {
		l.mu.Unlock()
		return nil, true
	}
	l.another()
	l.making.Add(1)
	l.mu.Unlock()
	defer l.making.Done()
	b.make()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.add(b)
	return nil, true
}

// another has another batch filled. The caller holds mu, and makes the lines of the one before.
func (l *Log) another() {
	if last := len(l.spare) - 1; last >= 0 {
		l.filling, l.spare = l.spare[last], l.spare[:last]
		return
	}
	l.filling = new(batch)
}

// make makes the lines.
func (b *batch) make() {
	for _, e := range b.entries {
		b.lines = e.Append(b.lines)
	}
	b.count = len(b.entries)
	clear(b.entries)
	b.entries = b.entries[:0]
}

// add has the lines of a batch written. The caller holds mu.
func (l *Log) add(b *batch) {
	l.ready = append(l.ready, b)
	l.weight += len(b.lines) - b.weight
	before := l.made
	if l.made += len(b.lines); before < maxReady && l.made >= maxReady {
		signal(l.much)
	}
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

// run is the one goroutine that writes. To wake it costs as much as some dozen lines: where there is much to do it goes by its
// clock, not by lines.
func (l *Log) run() {
	defer close(l.done)
	var room []*batch
	for stopped := false; !stopped; {
		stopped = l.rest()
		ready := l.collect(room)
		for _, b := range ready {
			l.write(b)
		}
		l.keep(ready)
		room = ready[:0]
	}
	l.closing = l.to.Close()
}

// rest waits for lines and their company, and says whether it is the end, at which nobody makes any.
func (l *Log) rest() (stopped bool) {
	l.mu.Lock()
	l.asleep = l.weight == 0
	asleep := l.asleep
	l.mu.Unlock()
	if asleep {
		select {
		case <-l.wake:
		case <-l.stop:
		}
	}
	timer := time.NewTimer(maxDelay)
	defer timer.Stop()
	select {
	case <-l.much:
	case <-timer.C:
	case <-l.stop:
		l.making.Wait()
		return true
	}
	return false
}

// collect takes all batches whose lines are made, and makes those of the one that is not full. Later ones are listed in the room that
// is given.
func (l *Log) collect(room []*batch) (ready []*batch) {
	l.mu.Lock()
	b := l.filling
	l.another()
	l.mu.Unlock()
	b.make()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.add(b)
	ready, l.ready = l.ready, room
	l.weight -= l.made
	l.made = 0
	if l.room != nil {
		close(l.room)
		l.room = nil
	}
	select {
	case <-l.much: // it was of these
	default:
	}
	return ready
}

// keep keeps batches that are written for others, and forgets the list.
func (l *Log) keep(written []*batch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, b := range written {
		if len(l.spare) < maxSpare && cap(b.lines) <= maxRoom {
			b.lines, b.weight = b.lines[:0], 0
			l.spare = append(l.spare, b)
		}
		written[i] = nil
	}
}

// write writes lines, at most a batch of them at once and none in parts. Those of a batch that was not written are lost: who waits
// for a disk that is full would have all others wait, too.
func (l *Log) write(b *batch) {
	lines := b.lines
	if len(lines) <= maxBatch && !l.single {
		l.batch(lines, b.count)
		return
	}
	for len(lines) > 0 {
		end := 0
		if !l.single {
			end = bytes.LastIndexByte(lines[:min(maxBatch, len(lines))], '\n') + 1
		}
		if end == 0 {
			end = bytes.IndexByte(lines, '\n') + 1
		}
		l.batch(lines[:end], bytes.Count(lines[:end], lineFeed))
		lines = lines[end:]
	}
}

var lineFeed = []byte{'\n'}

// batch writes so many lines at once.
func (l *Log) batch(lines []byte, count int) {
	if count == 0 {
		return
	}
	written, err := l.to.Write(lines)
	if err == nil && written < len(lines) {
		err = io.ErrShortWrite
	}
	if err != nil {
		whole := bytes.Count(lines[:min(max(written, 0), len(lines))], lineFeed)
		l.meter.Lost(count-whole, err)
		count = whole
	}
	l.meter.Written(count)
}
