package idempotency

import (
	"context"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/wicketgate/wicketgate/internal/problem"
)

const (
	// fraction is what one caller may have of the ledger's room for records, in their number and in bytes: a quarter. So
	// nobody alone keeps the others from having theirs.
	fraction = 4
	// maxShares bounds the callers whose share is remembered; of one more, the ledger is asked again.
	maxShares = 65_536
	// overhead is what the ledger needs for a record besides it, in bytes, about.
	overhead = 256
	// steps is into how many the time for which a record is kept is divided: when it has gone is known to one of them.
	steps = 16
)

// share is what one caller has of the ledger, as far as the keeper knows: what was there when it first asked, and what it has
// stored since. What other gateways store meanwhile is in their own.
type share struct {
	mu    sync.Mutex
	known bool
	parts map[int64]use // by when they have gone, in seconds
	all   use
}

type use struct{ records, bytes int64 }

// part is what a record takes of a share; its zero value is nothing.
type part struct {
	until int64
	bytes int64
}

// room says whether there is room for a flight's record in its caller's share. One that is there already needs none.
func (k *Keeper) room(f *Flight) *problem.Problem {
	f.share = k.shareOf(f.once.Of)
	over, wait, err := f.share.over(f.ctx, k.store, f.once.Of)
	if err != nil {
		return unavailable(f.once, err)
	}
	if !over {
		return nil
	}
	held, err := k.store.Held(f.ctx, f.once.Name)
	if err != nil {
		return unavailable(f.once, err)
	}
	if held != nil {
		return nil
	}
	f.once.Result = OverShare
	return problem.New(problem.TooManyIdempotencyKeys, "").WithHeader("Retry-After", strconv.FormatInt(int64(math.Ceil(max(wait, time.Second).Seconds())), 10))
}

func (k *Keeper) shareOf(whose string) *share {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.shares[whose]
	if s == nil {
		if len(k.shares) >= maxShares {
			for other := range k.shares { // whichever
				delete(k.shares, other)
				break
			}
		}
		s = &share{parts: map[int64]use{}}
		k.shares[whose] = s
	}
	return s
}

// over says whether the share is used up, and how long until a part of it has gone.
func (s *share) over(ctx context.Context, store Store, whose string) (over bool, wait time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if !s.known {
		clear(s.parts)
		s.all = use{}
		err := store.HeldBy(ctx, whose, func(size int, left time.Duration) { s.add(now, left, size) })
		if err != nil {
			return false, 0, err
		}
		s.known = true
	}
	soonest := int64(math.MaxInt64)
	for until, u := range s.parts {
		if until <= now.Unix() {
			s.all.records, s.all.bytes = s.all.records-u.records, s.all.bytes-u.bytes
			delete(s.parts, until)
		} else {
			soonest = min(soonest, until)
		}
	}
	records, bytes := store.Room()
	if s.all.records < records/fraction && s.all.bytes < bytes/fraction {
		return false, 0, nil
	}
	return true, time.Duration(soonest-now.Unix()) * time.Second, nil
}

// bears says whether there is room for so many bytes more. Of those who ask at once, each may be told so.
func (s *share) bears(store Store, size int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, bytes := store.Room()
	return s.all.bytes+int64(size) <= bytes/fraction
}

// put notes a record that is kept for a time.
func (s *share) put(now time.Time, keep time.Duration, size int) part {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add(now, keep, size)
}

func (s *share) add(now time.Time, keep time.Duration, size int) part {
	step := int64(max(keep/steps, time.Second) / time.Second)
	p := part{until: ((now.Unix()+int64(keep/time.Second))/step + 1) * step, bytes: int64(size) + overhead}
	u := s.parts[p.until]
	s.parts[p.until] = use{u.records + 1, u.bytes + p.bytes}
	s.all.records, s.all.bytes = s.all.records+1, s.all.bytes+p.bytes
	return p
}

// take takes a part out of the share again, unless its time has passed.
func (s *share) take(p *part) {
	if p.until == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if u, ok := s.parts[p.until]; ok {
		if u = (use{u.records - 1, u.bytes - p.bytes}); u.records == 0 {
			delete(s.parts, p.until)
		} else {
			s.parts[p.until] = u
		}
		s.all.records, s.all.bytes = s.all.records-1, s.all.bytes-p.bytes
	}
	*p = part{}
}
