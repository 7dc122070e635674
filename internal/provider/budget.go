package provider

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	share   = 5  // of so many requests one may be sent again: 20 %
	reserve = 10 // requests that may be sent again besides, after a quiet time
	full    = reserve * share
	firstly = 100 * time.Millisecond // the first pause before a try, at most
)

// Budget keeps what is sent again within a share of what is sent, so that a service that fails does not get more to do
// than when it works. It counts fifths of a try.
type Budget struct {
	mu    sync.Mutex
	spent int // of full
}

// Sent says that a request is sent for the first time.
func (b *Budget) Sent() {
	b.mu.Lock()
	b.spent = max(0, b.spent-1)
	b.mu.Unlock()
}

// Take says whether one may be sent again.
func (b *Budget) Take() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.spent+share > full {
		return false
	}
	b.spent += share
	return true
}

// backoff is the longest pause before a try, counted from 2.
func backoff(try int, most time.Duration) time.Duration {
	return min(firstly<<min(try-2, 16), most)
}

// jitter is a pause of a random length of up to d, so that callers who failed together do not come back together.
func jitter(d time.Duration) time.Duration { return rand.N(d + 1) }

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
