package decisionlog

import (
	"context"
	"sync"
	"time"
)

// queue holds events between those who decide and the one goroutine that writes. Events that are being written count
// until they are done with.
type queue struct {
	ready chan struct{} // holds a token when events have come since the last look

	mu      sync.Mutex
	waiting []*event
	events  int           // waiting and being written, at most maxQueued
	bytes   int           // of them, at most maxQueuedBytes
	room    chan struct{} // closed when there is room again; nil while nobody waits for any
	stalled bool          // nothing can be written, so nothing is queued besides what is already
	closed  bool
}

func newQueue() *queue { return &queue{ready: make(chan struct{}, 1)} }

// verdict on an event that is to be queued.
type verdict int

const (
	queued verdict = iota
	full
	closed
)

// push queues an event. Where there is no room it waits for some, at most as long as said, and no longer than ctx.
func (q *queue) push(ctx context.Context, e *event, wait time.Duration) verdict {
	q.mu.Lock()
	if v, ok := q.try(e); ok || wait == 0 {
		q.mu.Unlock()
		return v
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	if ctx == nil {
		ctx = context.Background()
	}
	for {
		if q.room == nil {
			q.room = make(chan struct{})
		}
		room := q.room
		q.mu.Unlock()
		select {
		case <-room:
		case <-timer.C:
			return full
		case <-ctx.Done():
			return full
		}
		q.mu.Lock()
		if v, ok := q.try(e); ok {
			q.mu.Unlock()
			return v
		}
	}
}

// try says what becomes of an event now; not ok where that may change. The caller holds the lock.
func (q *queue) try(e *event) (v verdict, ok bool) {
	if q.closed {
		return closed, true
	}
	if q.stalled || q.events >= maxQueued || q.bytes+len(e.buf) > maxQueuedBytes {
		return full, false
	}
	q.waiting = append(q.waiting, e)
	q.events++
	q.bytes += len(e.buf)
	select {
	case q.ready <- struct{}{}:
	default:
	}
	return queued, true
}

// take gives all that waits, in the order it came, and keeps the room of spare for what comes next.
func (q *queue) take(spare []*event) []*event {
	q.mu.Lock()
	defer q.mu.Unlock()
	taken := q.waiting
	q.waiting = spare[:0]
	return taken
}

// stall turns events away, after a wait, until it is told that what is queued can be written again.
func (q *queue) stall(stalled bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stalled = stalled
	if !stalled {
		q.wake()
	}
}

// wake has those look again who wait for room. The caller holds the lock.
func (q *queue) wake() {
	if q.room != nil {
		close(q.room)
		q.room = nil
	}
}

// done lets go of events that were taken and written, or given up.
func (q *queue) done(events []*event) {
	bytes := 0
	for _, e := range events {
		bytes += len(e.buf)
	}
	q.mu.Lock()
	q.events -= len(events)
	q.bytes -= bytes
	q.wake()
	q.mu.Unlock()
	for i, e := range events {
		e.release()
		events[i] = nil
	}
}

// close has every event from now on turned away.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.wake()
}
