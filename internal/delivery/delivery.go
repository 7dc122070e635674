// Package delivery takes events from the ledger to the services they are for: at least once, those of one key one after
// the other and of different keys side by side, again and again over a span with growing pauses, and then no more. An
// event that cannot be delivered holds up those of its own key and no others.
package delivery

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/wicketgate/wicketgate/internal/ledger"
)

// Bounds and defaults.
const (
	// parallel is how many events of a webhook are on their way at one time: 64.
	parallel = 64
	// maxLanes bounds the keys of a webhook whose events wait for another attempt: with 10,000 of them no more events
	// are taken in until one is done with.
	maxLanes = 10_000
	// room is how many events of a key wait in memory behind one that is on its way: 8.
	room = 8
	// maxHeld bounds the bodies in memory, of one webhook: 64 MiB.
	maxHeld = 64 << 20
	// unreachable is after how many attempts in a row that found nobody no more events are taken in: 16.
	unreachable = 16
	// leastPause and mostPause bound the pause between two attempts, the first and the longest: 1 s and 10 min.
	leastPause = time.Second
	mostPause  = 10 * time.Minute
	// draining is how long attempts under way may take to their end when the ledger closes: 10 s.
	draining = 10 * time.Second
)

// Target is where the events of a webhook go.
type Target struct {
	// Send makes one attempt.
	Send func(ctx context.Context, e *ledger.Event) Result
	// For is the span in which an event is delivered again and again, from when it came.
	For time.Duration
}

// Result is what came of an attempt.
type Result struct {
	// Status is the service's answer, 0 where there was none.
	Status int
	// RetryAfter is how long the service asks to wait, 0 where it does not.
	RetryAfter time.Duration
	// Reason says, without a word of the service's, what went wrong.
	Reason string
}

// Taken says whether the service took the event: any status of 200 to 299.
func (r Result) Taken() bool { return r.Status >= 200 && r.Status < 300 }

// Desk delivers the events of a ledger. Who owns a webhook's target may change while it works.
type Desk struct {
	log   *slog.Logger
	count *Counts

	mu      sync.Mutex
	targets map[string]owned
	session *ledger.Session
	ctx     context.Context // of the session
	workers map[string]context.CancelFunc
	working map[string]*worker // those that deliver by now
	ending  sync.WaitGroup
}

// owned is a target, and whose it is.
type owned struct {
	Target
	owner any
}

// NewDesk makes a desk, whose Serve is for ledger.New.
func NewDesk(log *slog.Logger, count *Counts) *Desk {
	return &Desk{log: log, count: count, targets: map[string]owned{}, workers: map[string]context.CancelFunc{}, working: map[string]*worker{}}
}

// Deliver sets an owner's targets, by the names of their webhooks, in the place of those it had. A name that another
// owner had is from now on this one's.
func (d *Desk) Deliver(owner any, targets map[string]Target) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, o := range d.targets {
		if _, stays := targets[name]; o.owner == owner && !stays {
			delete(d.targets, name)
			d.end(name)
		}
	}
	for name, t := range targets {
		d.targets[name] = owned{t, owner}
		d.begin(name)
	}
}

// Leave takes an owner's targets away, as far as they are still its.
func (d *Desk) Leave(owner any) { d.Deliver(owner, nil) }

// begin has a webhook's events delivered, if the ledger is open and they are not already. The caller holds d.mu.
func (d *Desk) begin(name string) {
	if d.session == nil || d.workers[name] != nil {
		return
	}
	ctx, cancel := context.WithCancel(d.ctx)
	d.workers[name] = cancel
	session := d.session
	d.ending.Go(func() { d.work(ctx, name, session) })
}

// work has the events of a webhook delivered whenever it is this gateway that does, until ctx ends.
func (d *Desk) work(ctx context.Context, name string, s *ledger.Session) {
	for ctx.Err() == nil {
		lease, err := s.Lease(ctx, name)
		if err == nil {
			w := newWorker(d, name, s, lease)
			d.works(name, w, true)
			w.work(ctx)
			d.works(name, w, false)
			lease.Release()
			continue
		}
		if ctx.Err() != nil {
			return
		}
		d.log.Error("it is not known who delivers events", slog.String("webhook", name), slog.Any("error", err))
		select {
		case <-ctx.Done():
		case <-time.After(leastPause):
		}
	}
}

// works notes that a worker delivers the events of a webhook, or no longer.
func (d *Desk) works(name string, w *worker, does bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if does {
		d.working[name] = w
	} else if d.working[name] == w {
		delete(d.working, name)
	}
}

// Webhooks are the names of those that have a target, in no order.
func (d *Desk) Webhooks() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	names := make([]string, 0, len(d.targets))
	for name := range d.targets {
		names = append(names, name)
	}
	return names
}

// Tried is what came of the attempts at an event that waits for another one.
type Tried struct {
	Attempts int
	Reason   string // of the last one
}

// Tried tells of a webhook's events that wait for another attempt of this gateway's, by their IDs: of at most one for each of its
// lanes, since it last began.
func (d *Desk) Tried(webhook string) map[string]Tried {
	d.mu.Lock()
	w := d.working[webhook]
	d.mu.Unlock()
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make(map[string]Tried, w.waiting)
	for _, l := range w.lanes {
		if l.failed != "" {
			all[l.failed] = l.tried
		}
	}
	return all
}

// end has no more of a webhook's events delivered. The caller holds d.mu.
func (d *Desk) end(name string) {
	if cancel := d.workers[name]; cancel != nil {
		cancel()
		delete(d.workers, name)
	}
}

// target gives where a webhook's events go by now.
func (d *Desk) target(name string) (Target, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	o, ok := d.targets[name]
	return o.Target, ok
}

// Serve delivers while a session lasts. It is what ledger.New is given.
func (d *Desk) Serve(ctx context.Context, s *ledger.Session) {
	d.mu.Lock()
	d.session, d.ctx = s, ctx
	for name := range d.targets {
		d.begin(name)
	}
	d.mu.Unlock()
	<-ctx.Done()
	d.mu.Lock()
	d.session = nil
	for name := range d.workers {
		d.end(name)
	}
	d.mu.Unlock()
	d.ending.Wait()
}

// reason is what is kept of a result.
func (r Result) reason() string {
	if r.Reason != "" {
		return r.Reason
	}
	return fmt.Sprintf("status %d", r.Status)
}
