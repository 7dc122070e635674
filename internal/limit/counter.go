package limit

import (
	"context"
	"time"
)

// Charge is what one limit asks of a Counter: to count one key against the limit's rates.
type Charge struct {
	Limit string // which limit: its name and its quotas' names. Another Limit is another count.
	Key   string // who is counted, of any length and any bytes
	Rates []Rate // of the limit's quotas, at most 4, in the order that Limit names them
}

// Counter keeps what every key has used. Memory is one; a store that several gateways share is another.
type Counter interface {
	// Take charges cost units to every rate of every charge, or to none of them if one has not got that much left;
	// ok says which. No two charges have the same Limit and Key, there are at most 8, and cost is at least 1 and at
	// most the smallest Burst.
	//
	// It fills states, which has room for one State per rate, in order: where the key stands afterwards.
	//
	// It is safe for concurrent use, and atomic: of requests that come at one instant exactly as many are admitted
	// as the tightest rate has left. now is the instant of the request; a Counter with a clock of its own may prefer
	// that one. An error means that nothing can be said about the quotas, and the request is not let through: a
	// Counter with a mode for hard times applies it itself and returns no error.
	Take(ctx context.Context, now time.Time, cost int64, charges []Charge, states []State) (ok bool, err error)
}
