package delivery

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/wicketgate/wicketgate/internal/ledger"
)

// lane is what there is of one key: at most one event of it is on its way. The worker's lock guards it, but for attempts
// and pause, which belong to whoever goes through it.
type lane struct {
	at      ledger.Lane
	queue   []*ledger.Waiting // in memory, at most room
	parked  bool              // there may be something in the ledger, behind the queue
	later   uint64            // number of the first event in at.Later, 0 for none
	coming  int               // events that are being parked by whoever takes events in
	came    int               // how many were, and no longer are
	resumed bool              // parked by an earlier session
	behind  bool              // what comes before at.Later has not all been taken in yet
	busy    bool              // somebody goes through it
	timer   *time.Timer       // for the next attempt; nil where none waits
	failed  string            // ID of the event that waits for it, "" for none
	tried   Tried             // and what came of those before

	attempts int           // of the first event
	pause    time.Duration // that the service asked for
}

// run has a lane's events delivered, unless somebody is at it or it pauses. The caller holds w.mu.
func (w *worker) run(ctx context.Context, base string, l *lane) {
	if l.busy || l.timer != nil || w.closing {
		return
	}
	l.busy = true
	w.running.Go(func() { w.goThrough(ctx, base, l) })
}

// step is what follows an event of a lane.
type step uint8

const (
	next  step = iota // the event after it
	pause             // nothing, for a while
	leave             // nothing: the lane is empty, or whoever fills it begins anew
)

// goThrough delivers what the lane has, the oldest first, until it has nothing more or an event fails.
func (w *worker) goThrough(ctx context.Context, base string, l *lane) {
	w.slots <- struct{}{} // those who have one end within the bound of an attempt
	defer func() { <-w.slots }()
	for {
		w.mu.Lock()
		if w.closing {
			l.busy = false
			w.mu.Unlock()
			return
		}
		var first *ledger.Waiting
		if len(l.queue) > 0 {
			first = l.queue[0]
		} else if !l.parked {
			l.busy = false
			delete(w.lanes, base)
			w.mu.Unlock()
			return
		}
		came := l.came
		w.mu.Unlock()
		var follows step
		if first != nil {
			follows = w.fromMemory(ctx, l, first)
		} else {
			follows = w.fromLedger(ctx, l, came)
		}
		switch follows {
		case pause:
			w.pauses(ctx, base, l)
			return
		case leave:
			return
		}
	}
}

// fromMemory delivers an event of the queue. Where that fails, it and those behind it are parked.
func (w *worker) fromMemory(ctx context.Context, l *lane, first *ledger.Waiting) step {
	if w.attempt(ctx, l, first.Event) {
		w.drop(l, first, w.done(first))
		return next
	}
	w.mu.Lock()
	if w.closing || !w.lease.Held() {
		l.busy = false
		w.mu.Unlock()
		return leave
	}
	if !l.parked { // what is taken in from now on is parked behind these
		l.parked = true
		w.waiting++
	}
	w.mu.Unlock()
	for {
		w.mu.Lock()
		if len(l.queue) == 0 {
			w.mu.Unlock()
			return pause
		}
		first = l.queue[0]
		w.mu.Unlock()
		if err := w.putAside(ctx, l.at.First, first); err != nil { // it stays in memory, and is tried again from there
			w.desk.log.Error("an event cannot be parked", slog.String("id", first.ID), slog.Any("error", err))
			return pause
		}
		w.drop(l, first, w.done(first))
	}
}

// done has the ledger let go of an event. If it cannot, the next intake gives the event again, and the ledger is told then.
func (w *worker) done(first *ledger.Waiting) bool {
	err := first.Done()
	if err != nil {
		w.desk.log.Warn("an event stays in the ledger for now", slog.String("id", first.ID), slog.Any("error", err))
	}
	return err == nil
}

// drop takes the first event off the queue. One that the ledger still has is not forgotten.
func (w *worker) drop(l *lane, first *ledger.Waiting, done bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l.queue = l.queue[1:]
	if done {
		delete(w.inHand, first.Sequence)
	}
	full := w.held >= maxHeld
	if w.held -= len(first.Body); full {
		w.stir()
	}
}

// fromLedger delivers the first event that waits in the ledger. came is how many had been parked before it was asked for.
func (w *worker) fromLedger(ctx context.Context, l *lane, came int) step {
	w.mu.Lock()
	behind := l.behind // if so, something may come into at.First after it was looked at
	w.mu.Unlock()
	head, err := w.session.Head(ctx, l.at.First)
	if err == nil && head == nil {
		if behind {
			return w.awaits(l)
		}
		head, err = w.session.Head(ctx, l.at.Later)
	}
	if err != nil {
		w.desk.log.Error("events that wait cannot be read", slog.String("webhook", w.webhook), slog.Any("error", err))
		l.attempts++
		return pause
	}
	if head == nil {
		return w.emptied(l, came)
	}
	if !w.attempt(ctx, l, head.Event) {
		return pause
	}
	if err := w.session.Unpark(ctx, head); err != nil {
		w.desk.log.Warn("an event stays in the ledger and comes again", slog.String("id", head.ID), slog.Any("error", err))
		l.attempts++
		return pause
	}
	return next
}

// awaits has the lane wait until what comes before at.Later was taken in.
func (w *worker) awaits(l *lane) step {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !l.behind { // just now
		return next
	}
	l.busy = false
	return leave
}

// emptied notes that nothing is parked, unless something was just now, or has been since the ledger was asked.
func (w *worker) emptied(l *lane, came int) step {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case l.coming > 0: // whoever parks it begins anew
		l.busy = false
		return leave
	case l.came != came:
		return next
	}
	l.parked, l.later, l.resumed, l.attempts = false, 0, false, 0
	w.waiting--
	w.stir()
	return next
}

// attempt tries to deliver an event, and says whether it is over with: delivered, or a dead letter.
func (w *worker) attempt(ctx context.Context, l *lane, e *ledger.Event) bool {
	target, ok := w.desk.target(w.webhook)
	if !ok || ctx.Err() != nil || !w.lease.Held() {
		return false
	}
	r := target.Send(ctx, e)
	if (ctx.Err() != nil || !w.lease.Held()) && !r.Taken() { // cut off: that says nothing of the service
		return false
	}
	l.attempts++
	w.reached(r)
	w.desk.count.attempt(w.webhook, r)
	how := ledger.Ending{Attempts: l.attempts, Reason: r.reason(), Time: time.Now()}
	if r.Taken() {
		w.fails(l, "", Tried{})
		w.session.Delivered(e, how)
		l.attempts, l.pause = 0, 0
		return true
	}
	l.pause = r.RetryAfter
	about := []any{slog.String("webhook", w.webhook), slog.String("id", e.ID), slog.Int("attempts", l.attempts), slog.String("reason", how.Reason)}
	if time.Since(e.Received) < target.For {
		w.desk.log.Warn("an event was not delivered and is tried again", about...)
		w.fails(l, e.ID, Tried{how.Attempts, how.Reason})
		return false
	}
	if err := w.session.Bury(ctx, e, how); err != nil {
		w.desk.log.Error("a dead letter cannot be stored", slog.String("id", e.ID), slog.Any("error", err))
		return false
	}
	w.fails(l, "", Tried{})
	w.desk.log.Error("an event is a dead letter: it was not delivered in time", about...)
	w.desk.count.died(w.webhook)
	l.attempts, l.pause = 0, 0
	return true
}

// fails notes which event of a lane waits for another attempt.
func (w *worker) fails(l *lane, id string, how Tried) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l.failed, l.tried = id, how
}

// pauses has the lane go on after a while.
func (w *worker) pauses(ctx context.Context, base string, l *lane) {
	wait := max(backoff(l.attempts), min(l.pause, mostPause))
	w.mu.Lock()
	defer w.mu.Unlock()
	l.busy = false
	if w.closing {
		return
	}
	w.running.Add(1)
	l.timer = time.AfterFunc(wait, func() {
		defer w.running.Done()
		w.mu.Lock()
		l.timer = nil
		w.run(ctx, base, l)
		w.mu.Unlock()
	})
}

// backoff is the pause before the next attempt: twice the one before, up to a bound, and of that a random part from one
// half on, so that many do not come at once.
func backoff(attempts int) time.Duration {
	most := mostPause
	if attempts < 20 {
		most = min(leastPause<<max(attempts-1, 0), mostPause)
	}
	return most/2 + rand.N(most/2+1)
}
