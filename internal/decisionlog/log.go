package decisionlog

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Log hands events on to where they are kept. Many goroutines may use it at once.
type Log struct {
	Settings
	queue *queue
	sink  sink
	stop  chan struct{} // closed to stop
	done  chan struct{} // closed when the goroutine has ended

	failing bool // the last write failed, and requests wait for the next; of the one goroutine

	full  atomic.Bool // an event found no room since the queue was last empty
	late  sync.Mutex  // one event at a time after the end
	close sync.Once
}

// sink is where events are kept. But for late, its methods are called by one goroutine.
type sink interface {
	// put takes events, in their order, and says how many. An error says why it took no more for now.
	put(events []*event) (taken int, err error)
	// due is when flush is to be called, nil while nothing is held that would have to wait for it.
	due() <-chan time.Time
	// flush passes on what is held.
	flush() error
	// room says that a put which failed may succeed now; nil if only time can tell.
	room() <-chan struct{}
	// late writes one event at once, beside what the other methods do. It is called by one goroutine at a time.
	late(e *event) error
	// start has what needs a network begin.
	start()
	// close ends everything, within stopTime.
	close()
}

func newLog(s Settings, to sink) *Log {
	if s.retry == 0 {
		s.retry = retryDelay
	}
	l := &Log{Settings: s, queue: newQueue(), sink: to, stop: make(chan struct{}), done: make(chan struct{})}
	go l.run()
	return l
}

// Start lets the log use the network. It may be called again.
func (l *Log) Start() { l.sink.start() }

// append queues an event, which nobody may use afterwards. It says whether the request may go on.
func (l *Log) append(ctx context.Context, e *event) bool {
	wait := maxWait
	if l.Drop {
		wait = 0
	}
	switch l.queue.push(ctx, e, wait) {
	case queued:
		return true
	case closed:
		return l.afterwards(e)
	}
	e.release()
	if !l.full.Swap(true) {
		l.Meter.Failed("keeping decisions", errFull)
	}
	return l.lose(1)
}

// lose counts a decision that is in no log, and says whether its request may go on.
func (l *Log) lose(n int) bool {
	if l.Drop {
		l.Meter.Lost(n, "full")
		return true
	}
	l.Meter.Refused()
	return false
}

// afterwards writes the event of a request that outlived the log, as one may that was under way when Caddy loaded
// another configuration.
func (l *Log) afterwards(e *event) bool {
	l.late.Lock()
	defer l.late.Unlock()
	err := l.sink.late(e)
	e.release()
	if err != nil {
		l.Meter.Failed("writing a decision", err)
		return l.lose(1)
	}
	l.Meter.Logged(1)
	return true
}

// Close writes what is queued and stops, within some seconds.
func (l *Log) Close() {
	l.close.Do(func() {
		l.queue.close()
		close(l.stop)
	})
	<-l.done
}

// run is the one goroutine that writes.
func (l *Log) run() {
	defer close(l.done)
	var taken, pending []*event
	for {
		if len(pending) == 0 {
			taken = l.queue.take(taken)
			pending = taken
		}
		if len(pending) > 0 {
			rest, ok := l.put(pending)
			if pending = rest; !ok && !l.rest() {
				l.end(pending)
				return
			}
			continue
		}
		l.full.Store(false)
		select {
		case <-l.queue.ready:
		case <-l.sink.due():
			l.written(l.sink.flush())
		case <-l.stop:
			l.end(nil)
			return
		}
	}
}

// put writes events and gives those it could not write; not ok if it is to be tried again later.
func (l *Log) put(events []*event) (rest []*event, ok bool) {
	n, err := l.sink.put(events)
	l.written(err)
	l.queue.done(events[:n])
	rest = events[n:]
	if err == nil {
		return rest, true
	}
	if l.Drop {
		l.Meter.Lost(len(rest), "failed")
		l.queue.done(rest)
		rest = nil
	}
	return rest, len(rest) == 0
}

// written notes what a write came to. After one that failed, no request goes on whose decision nobody could write: what
// is queued may be lost as it is, should the machine fail or stop.
func (l *Log) written(err error) {
	if err != nil {
		l.Meter.Failed("writing decisions", err)
	}
	if failed := err != nil && !l.Drop; failed != l.failing {
		l.failing = failed
		l.queue.stall(failed)
	}
}

// rest waits after a failed write, and says whether to go on.
func (l *Log) rest() bool {
	timer := time.NewTimer(l.retry)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.sink.room():
	case <-l.stop:
		return false
	}
	return true
}

// end writes what it can of what is left, and closes the sink.
func (l *Log) end(pending []*event) {
	defer l.sink.close()
	deadline := time.NewTimer(stopTime)
	defer deadline.Stop()
	pending = append(pending, l.queue.take(nil)...)
	for {
		n, err := l.sink.put(pending)
		l.queue.done(pending[:n])
		pending = pending[n:]
		if err == nil {
			err = l.sink.flush()
		}
		if err == nil {
			return
		}
		if !l.Drop {
			select {
			case <-time.After(min(l.retry, stopTime/10)):
				continue
			case <-l.sink.room():
				continue
			case <-deadline.C:
			}
		}
		l.Meter.Failed("stopping", fmt.Errorf("%w: %w", errStopped, err))
		l.Meter.Lost(len(pending), "failed")
		l.queue.done(pending)
		return
	}
}
