package idempotency

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/ledger"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// Flight is the first request with a key, while it is under way.
type Flight struct {
	keeper *Keeper
	once   *exchange.Once
	terms  Terms
	nonce  string
	share  *share
	ctx    context.Context // the request's, which the caller cannot end

	mu    sync.Mutex // guards the rest
	at    uint64     // the number of its record
	part  part       // what that takes of the caller's share
	ended bool
	timer *time.Timer // renews the record; nil where nobody else looks at it
}

// hold stores what is known of the request by now.
func (f *Flight) hold(after uint64, r *record, keep time.Duration) error {
	r.Print = f.once.Print[:]
	data, err := r.encode()
	if err != nil {
		return err
	}
	at, err := f.keeper.store.Hold(f.ctx, f.once.Name, after, data, keep)
	if err == nil {
		f.at = at
		f.share.take(&f.part)
		f.part = f.share.put(time.Now(), keep, len(data))
	}
	return err
}

// renew tells other processes from time to time that this one has not ended.
func (f *Flight) renew() {
	if f.keeper.store.Alone() {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.timer = time.AfterFunc(lease/3, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.ended {
			return
		}
		err := f.hold(f.at, &record{State: pending, Owner: f.keeper.owner, Nonce: f.nonce}, max(f.terms.Keep, MaxRun+lease))
		if err != nil {
			f.keeper.log.Warn("the record of a request under way is not renewed", slog.Any("error", err))
		}
		f.timer.Reset(lease / 3)
	})
}

// unmoved are the statuses by which a service says that it has done nothing for now: the same request may do later. A 401
// is about the gateway's credentials as often as the caller's.
var unmoved = map[int]bool{
	http.StatusUnauthorized: true, http.StatusRequestTimeout: true, http.StatusConflict: true, http.StatusTooEarly: true, http.StatusTooManyRequests: true,
	http.StatusServiceUnavailable: true,
}

// Answered ends the flight of a request that is answered with what came back, before any of that goes out. kept is false
// of an answer that will not be given again.
func (f *Flight) Answered(x *exchange.Exchange) (kept bool) {
	switch {
	case unmoved[x.Said]:
		f.end(Released, nil)
		return false
	case x.Once.Answer == nil:
		f.end(Lost, nil)
		return false
	}
	return f.keep(x, nil)
}

// Failed ends the flight of a request that is answered with a problem.
func (f *Flight) Failed(x *exchange.Exchange, p *problem.Problem) {
	switch {
	case !x.Sent, unmoved[x.Said]:
		f.end(Released, nil)
	case x.Once.Answer != nil: // what became a problem on its way back
		f.keep(x, nil)
	case x.Said >= 300:
		f.keep(x, p)
	default: // no answer came, or no whole one
		f.end(Lost, nil)
	}
}

// keep stores the answer, or p in its place.
func (f *Flight) keep(x *exchange.Exchange, p *problem.Problem) bool {
	r := &record{State: answered}
	switch a := x.Once.Answer; {
	case p != nil:
		r.Problem = tell(p)
		if r.Problem.Instance == "" { // as whoever writes it will name it
			r.Problem.Instance = "urn:uuid:" + x.ID
		}
	case x.Once.Over:
		r = &record{State: unkept, Status: a.Status}
	default:
		r.Status, r.Header, r.Body, r.body = a.Status, a.Header, a.Read, a.Bytes
	}
	if r.State == answered && !f.share.bears(f.keeper.store, len(r.body)) {
		r = &record{State: unkept, Status: r.Status}
	}
	if r.State == unkept {
		return f.end(NotKept, r)
	}
	return f.end(Stored, r)
}

// Close ends a flight that nobody has ended: its answer broke off, or something panicked.
func (f *Flight) Close() { f.end(Lost, nil) }

// end notes what came of the request, once. It says whether an answer is kept.
func (f *Flight) end(result string, r *record) (kept bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return false
	}
	f.ended = true
	if f.timer != nil {
		f.timer.Stop()
	}
	defer f.keeper.leave(f) // once the ledger knows
	var err error
	switch {
	case result == Released || result == Lost && f.terms.Repeat:
		err = f.keeper.store.Let(f.ctx, f.at)
		switch {
		case err == nil:
			f.share.take(&f.part)
		case result == Released:
			f.keeper.remember(f.nonce)
		}
	case result == Lost:
		err = f.hold(f.at, &record{State: lost}, f.terms.Keep)
	default:
		result, err = f.store(result, r)
	}
	if err != nil {
		f.keeper.log.Error("what came of a request with an idempotency key is not stored", slog.String("result", result), slog.Any("error", err))
	}
	f.once.Result = result
	return result == Stored
}

// store stores an answer. Where there is no room for it there is for a note of it, which is shorter than the record that
// it takes the place of.
func (f *Flight) store(result string, r *record) (string, error) {
	err := f.hold(f.at, r, f.terms.Keep)
	if err == nil {
		return result, nil
	}
	if errors.Is(err, ledger.ErrFull) || errors.Is(err, ledger.ErrTooLarge) {
		err = errors.Join(err, f.hold(f.at, &record{State: unkept}, f.terms.Keep))
	}
	return NotKept, err
}
