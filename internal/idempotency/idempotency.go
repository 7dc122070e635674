// Package idempotency keeps requests from being carried out twice: those that carry an Idempotency-Key
// (draft-ietf-httpapi-idempotency-key-header-07). Before the first request with a key goes on, the ledger is told of it;
// before its answer goes out, the ledger has that, too. A later request with the key gets the answer again.
//
// key.go reads keys; stage.go finds out which request one is, and catches its answer; flight.go is the first request's
// way; record.go is what the ledger has of it; share.go is what one caller may have of the ledger.
package idempotency

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/ledger"
	"github.com/wicketgate/wicketgate/internal/problem"
)

const (
	// MaxRun bounds how long a first request runs, in which its caller may have left: 10 min.
	MaxRun = 10 * time.Minute
	// maxFlights bounds the requests with a key that are under way at once; one more is answered 503.
	maxFlights = 65_536
	// maxUnsent bounds those that are remembered because they were not sent on, although the ledger may have them.
	maxUnsent = 10_000
	// lease is how old a record of another process is, whose request is under way, when that process is taken to have
	// ended: 30 s. It renews it three times as often.
	lease = 30 * time.Second
	// maxLooks is how often what another request just stored is looked at.
	maxLooks = 5
	// retryAfter is how long callers are told to wait for the ledger, in seconds, and again how long for a request that is
	// under way.
	retryAfter, retrySoon = "5", "1"
)

// What came of a request with a key, in metrics and logs.
const (
	Stored      = "stored"      // the first: its answer is kept
	NotKept     = "not_kept"    // the first: it was answered, but the answer is not kept
	Released    = "released"    // the first: it was not carried out; the same request is a new one
	Lost        = "lost"        // the first: whether it was carried out is not known
	Replayed    = "replayed"    // a later one: it got the answer again
	InFlight    = "in_flight"   // a later one: 409, the first is under way
	Mismatch    = "mismatch"    // a later one: 422, another request
	Refused     = "refused"     // a later one: 409, there is no answer to give again
	OverShare   = "over_share"  // 429, the caller has as many keys as one may have
	Unavailable = "unavailable" // 503, for want of the ledger
)

// Store keeps records, as *ledger.Ledger does.
type Store interface {
	// Hold stores a record under a name, in the place of the one with the number after, 0 for none. Of many who ask at
	// once one succeeds and the others get ledger.ErrTaken. It is on the disk then, and goes after the time given.
	Hold(ctx context.Context, name string, after uint64, data []byte, keep time.Duration) (at uint64, err error)
	// Held gives the record of a name, nil for none.
	Held(ctx context.Context, name string) (*ledger.Held, error)
	// Room says how many records there is room for, all together, and how many bytes.
	Room() (records, bytes int64)
	// HeldBy tells of the records of which the name begins with whose and a dot: how large each is, and for how long it stays.
	HeldBy(ctx context.Context, whose string, each func(size int, left time.Duration)) error
	// Let lets go of the record with a number, if it is still there.
	Let(ctx context.Context, at uint64) error
	// Alone says that no other process stores records.
	Alone() bool
}

// Terms are what a route says of keys.
type Terms struct {
	Keep time.Duration // how long answers are kept
	// Repeat says that a request of which nobody knows whether it was carried out is, when it comes again.
	Repeat bool
}

// Keeper keeps answers. It serves many requests at once.
type Keeper struct {
	store Store
	log   *slog.Logger
	owner string // of this keeper's records

	mu      sync.Mutex
	flights map[string]*Flight  // by name
	unsent  map[string]struct{} // nonces
	shares  map[string]*share   // by caller
}

// New makes a keeper.
func New(store Store, log *slog.Logger) *Keeper {
	return &Keeper{store: store, log: log, owner: nonce(), flights: map[string]*Flight{}, unsent: map[string]struct{}{}, shares: map[string]*share{}}
}

func nonce() string {
	var b [12]byte
	rand.Read(b[:]) //nolint:errcheck // never fails
	return hex.EncodeToString(b[:])
}

// Begin says what becomes of a request: the first with its key gets a flight, which is to be ended; a later one the
// answer or the problem that was answered, or a problem that says why it gets none.
func (k *Keeper) Begin(ctx context.Context, x *exchange.Exchange, terms Terms) (*Flight, *exchange.Response, *problem.Problem) {
	f := &Flight{keeper: k, once: x.Once, terms: terms, nonce: nonce(), ctx: context.WithoutCancel(ctx)}
	if prob := k.enter(f); prob != nil {
		return nil, nil, prob
	}
	answer, prob := k.claim(f)
	if prob != nil || answer != nil {
		k.leave(f)
		return nil, answer, prob
	}
	f.renew()
	return f, nil, nil
}

// enter has a flight be the only one of its name in this process.
func (k *Keeper) enter(f *Flight) *problem.Problem {
	k.mu.Lock()
	defer k.mu.Unlock()
	if first := k.flights[f.once.Name]; first != nil {
		if first.once.Print != f.once.Print {
			return mismatch(f.once)
		}
		return underWay(f.once)
	}
	if len(k.flights) >= maxFlights {
		f.once.Result = Unavailable
		return problem.New(problem.ReducedCapacity, "too many requests with an idempotency key are under way").WithHeader("Retry-After", retryAfter)
	}
	k.flights[f.once.Name] = f
	return nil
}

func (k *Keeper) leave(f *Flight) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.flights, f.once.Name)
}

// claim tells the ledger of a flight, unless it knows of another.
func (k *Keeper) claim(f *Flight) (*exchange.Response, *problem.Problem) {
	if prob := k.room(f); prob != nil {
		return nil, prob
	}
	after := uint64(0)
	for range maxLooks {
		err := f.hold(after, &record{State: pending, Owner: k.owner, Nonce: f.nonce}, max(f.terms.Keep, MaxRun+lease))
		if err == nil {
			return nil, nil
		}
		if !errors.Is(err, ledger.ErrTaken) {
			k.remember(f.nonce) // it may be there all the same
			return nil, unavailable(f.once, err)
		}
		held, err := k.store.Held(f.ctx, f.once.Name)
		if err != nil {
			return nil, unavailable(f.once, err)
		}
		if held == nil { // no longer
			after = 0
			continue
		}
		r, err := decode(held.Data)
		if err != nil {
			return nil, refused(f.once, problem.IdempotencyUnknown, err)
		}
		if string(r.Print) != string(f.once.Print[:]) {
			return nil, mismatch(f.once)
		}
		again, answer, prob := k.judge(f, r, held)
		if !again {
			return answer, prob
		}
		after = held.At
	}
	return nil, underWay(f.once)
}

// judge says what a record of the same request means for a flight: whether it may take its place, what is answered again,
// or a problem.
func (k *Keeper) judge(f *Flight, r *record, held *ledger.Held) (again bool, answer *exchange.Response, prob *problem.Problem) {
	switch {
	case r.State == answered && r.Problem != nil:
		f.once.Result = Replayed
		return false, nil, r.Problem.problem()
	case r.State == answered:
		f.once.Result = Replayed
		return false, r.answer(), nil
	case r.State == unkept:
		return false, nil, refused(f.once, problem.IdempotencyNotKept, nil)
	case r.State == pending && k.forgets(r):
		return true, nil, nil
	case r.State == pending && r.Owner != k.owner && !k.store.Alone() && time.Since(held.Time) < lease:
		return false, nil, underWay(f.once)
	case f.terms.Repeat:
		return true, nil, nil
	}
	return false, nil, refused(f.once, problem.IdempotencyUnknown, nil)
}

// remember notes that a request was not sent on, whatever the ledger has of it.
func (k *Keeper) remember(nonce string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.unsent) < maxUnsent { // of one more it will not be known
		k.unsent[nonce] = struct{}{}
	}
}

// forgets says whether a record is of a request that was not sent on, and forgets it.
func (k *Keeper) forgets(r *record) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, ok := k.unsent[r.Nonce]
	delete(k.unsent, r.Nonce)
	return ok
}

func mismatch(o *exchange.Once) *problem.Problem {
	o.Result = Mismatch
	return problem.New(problem.IdempotencyKeyReused, "")
}

func underWay(o *exchange.Once) *problem.Problem {
	o.Result = InFlight
	return problem.New(problem.IdempotencyInFlight, "").WithHeader("Retry-After", retrySoon)
}

func refused(o *exchange.Once, kind *problem.Type, err error) *problem.Problem {
	o.Result = Refused
	return problem.New(kind, "").Because(err)
}

func unavailable(o *exchange.Once, err error) *problem.Problem {
	o.Result = Unavailable
	return problem.New(problem.ReducedCapacity, "it cannot be seen to now that the request is carried out only once").
		WithHeader("Retry-After", retryAfter).Because(fmt.Errorf("keeping an idempotency key: %w", err))
}
