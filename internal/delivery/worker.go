package delivery

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wicketgate/wicketgate/internal/ledger"
)

// worker delivers the events of one webhook, for as long as this gateway is the one that does.
type worker struct {
	desk    *Desk
	webhook string
	session *ledger.Session
	lease   *ledger.Lease
	slots   chan struct{} // one for each attempt that may be under way
	running sync.WaitGroup

	mu      sync.Mutex
	lanes   map[string]*lane           // by subject of the lane; those with nothing are not there
	waiting int                        // lanes with something parked
	behind  []*lane                    // those that wait for the intake, by the number that it is to reach
	held    int                        // bytes of bodies in memory
	inHand  map[uint64]*ledger.Waiting // events in memory, by number: at most ledger.Window
	nobody  int                        // attempts in a row that found nobody
	closing bool                       // no other attempt is begun
	changed chan struct{}              // closed and made anew when there may be room again
}

func newWorker(d *Desk, webhook string, s *ledger.Session, lease *ledger.Lease) *worker {
	return &worker{desk: d, webhook: webhook, session: s, lease: lease, slots: make(chan struct{}, parallel),
		lanes: map[string]*lane{}, inHand: map[uint64]*ledger.Waiting{}, changed: make(chan struct{})}
}

// work takes events in and has them delivered until ctx ends. Then attempts under way come to their end, within a bound; or
// until another may deliver them, and then they are cut off.
func (w *worker) work(ctx context.Context) {
	attempts, cut := context.WithCancel(w.lease.Context())
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(attempts, cancel)()
	defer func() {
		timer := time.AfterFunc(draining, cut)
		w.mu.Lock()
		w.closing = true
		for _, l := range w.lanes {
			if l.timer != nil && l.timer.Stop() {
				w.running.Done()
			}
		}
		w.mu.Unlock()
		w.running.Wait()
		timer.Stop()
		cut()
	}()
	for ctx.Err() == nil {
		err := w.takeIn(ctx, attempts)
		if ctx.Err() != nil {
			return
		}
		w.desk.log.Error("events cannot be read", slog.String("webhook", w.webhook), slog.Any("error", err))
		select {
		case <-ctx.Done():
		case <-time.After(leastPause):
		}
	}
}

// takeIn reads events and hands them to their lanes.
func (w *worker) takeIn(ctx, attempts context.Context) error {
	if err := w.resume(ctx, attempts); err != nil {
		return err
	}
	intake, err := w.session.Intake(ctx, w.webhook)
	if err != nil {
		return err
	}
	defer intake.Stop()
	w.passed(attempts, intake, 0)
	for {
		if err := w.roomFor(ctx); err != nil {
			return err
		}
		next, err := intake.Next(ctx)
		if err != nil {
			return err
		}
		if next.Event != nil {
			if err := w.take(ctx, attempts, next); err != nil {
				return err
			}
		}
		w.passed(attempts, intake, next.Sequence)
	}
}

// passed lets lanes go on that waited until all events up to a number were taken in.
func (w *worker) passed(attempts context.Context, intake *ledger.Intake, number uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.behind) > 0 && (w.behind[0].later <= number+1 || !intake.Behind()) {
		l := w.behind[0]
		w.behind = w.behind[1:]
		l.behind = false
		w.run(attempts, strings.TrimSuffix(l.at.First, ".0"), l)
	}
}

// resume makes the lanes in which events wait since an earlier session. Before the second part of such a lane come events
// that were in that session's memory, and are to be taken in once more: until then it waits.
func (w *worker) resume(ctx, attempts context.Context) error {
	subjects, err := w.session.Lanes(ctx, w.webhook)
	if err != nil {
		return err
	}
	for subject := range subjects {
		base := subject[:strings.LastIndexByte(subject, '.')]
		w.mu.Lock()
		l := w.lanes[base]
		if l == nil {
			l = &lane{at: ledger.Lane{First: base + ".0", Later: base + ".1"}, behind: true}
			w.lanes[base] = l
		}
		if !l.parked {
			l.parked = true
			w.waiting++
		}
		l.resumed = true
		w.mu.Unlock()
		if strings.HasSuffix(subject, ".1") {
			head, err := w.session.Head(ctx, subject)
			if err != nil {
				return err
			}
			if head != nil {
				w.mu.Lock()
				l.later = head.Sequence
				w.mu.Unlock()
			}
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.behind = nil
	for base, l := range w.lanes {
		if l.behind {
			w.behind = append(w.behind, l)
		}
		if l.parked {
			w.run(attempts, base, l)
		}
	}
	slices.SortFunc(w.behind, func(a, b *lane) int { return cmp.Compare(a.later, b.later) })
	return nil
}

// roomFor waits until another event may be taken in.
func (w *worker) roomFor(ctx context.Context) error {
	for {
		w.mu.Lock()
		waiting := w.waiting - len(w.behind) // what waits for the intake must not hold it up
		full := waiting >= maxLanes || w.held >= maxHeld || w.nobody >= unreachable && waiting > 0
		changed := w.changed
		w.mu.Unlock()
		if !full {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// stir lets whoever waits for room look again. The caller holds w.mu.
func (w *worker) stir() {
	close(w.changed)
	w.changed = make(chan struct{})
}

// take hands an event to its lane: into memory where it can soon be delivered, else into the ledger behind those that
// wait.
func (w *worker) take(ctx, attempts context.Context, next *ledger.Waiting) error {
	key := next.Key
	if key == "" {
		key = "\x00" + next.ID // nothing else is in its lane but itself
	}
	at := w.session.LaneOf(w.webhook, key)
	base := strings.TrimSuffix(at.First, ".0")
	w.mu.Lock()
	if had := w.inHand[next.Sequence]; had != nil { // given a second time, after the intake was opened anew
		w.mu.Unlock()
		done, err := had.Again(next)
		if done {
			w.mu.Lock()
			delete(w.inHand, next.Sequence)
			w.mu.Unlock()
		}
		return err
	}
	l := w.lanes[base]
	if l == nil {
		l = &lane{at: at}
		w.lanes[base] = l
	}
	if !l.parked && len(l.queue) < room {
		l.queue = append(l.queue, next)
		w.inHand[next.Sequence] = next
		w.held += len(next.Body)
		w.run(attempts, base, l)
		w.mu.Unlock()
		return nil
	}
	// Behind what is in memory, which may have to be parked itself, come those of the second subject.
	subject := at.First
	if l.later != 0 && next.Sequence >= l.later || l.later == 0 && len(l.queue) > 0 {
		subject = at.Later
		if l.later == 0 {
			l.later = next.Sequence
		}
	}
	resumed := l.resumed
	if !l.parked {
		l.parked = true
		w.waiting++
	}
	l.coming++
	w.mu.Unlock()
	err := w.park(ctx, subject, next, resumed)
	w.mu.Lock()
	l.coming--
	l.came++
	w.run(attempts, base, l)
	w.mu.Unlock()
	return err
}

// park has an event wait in the ledger. In a lane of an earlier session it may wait there already.
func (w *worker) park(ctx context.Context, subject string, next *ledger.Waiting, resumed bool) error {
	if resumed {
		last, err := w.session.Last(ctx, subject)
		if err != nil {
			return err
		}
		if next.Sequence <= last {
			return next.Done()
		}
	}
	if err := w.putAside(ctx, subject, next); err != nil {
		return err
	}
	return next.Done()
}

// errLost says that another gateway may deliver the events by now.
var errLost = errors.New("another gateway delivers these events")

// putAside parks an event, unless that is another gateway's to do.
func (w *worker) putAside(ctx context.Context, subject string, next *ledger.Waiting) error {
	if !w.lease.Held() {
		return errLost
	}
	return w.session.Park(ctx, subject, next)
}

// reached notes whether an attempt found somebody.
func (w *worker) reached(r Result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	was := w.nobody
	if r.Status != 0 {
		w.nobody = 0
	} else {
		w.nobody++
	}
	if was >= unreachable && w.nobody == 0 {
		w.stir()
	}
}
