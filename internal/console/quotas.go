package console

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wicketgate/wicketgate/internal/limit"
)

const (
	// near is the share of a quota from which on it is near its end: 0.8.
	near = 0.8
	// maxNear bounds those that are kept: 2,000. Where there are more, those that came first are shown, and how many more.
	maxNear = 2000
	// shown is how many are shown: the 200 that are nearest to their end.
	shown = 200
	// busy is how long requests under way are remembered, of which nobody says when they end.
	busy = time.Minute
)

// Quotas are those that are near their end, by whom they are used.
type Quotas struct {
	mu     sync.Mutex
	all    map[counted]*used // by the limit, the quota, and who is shown as counted; bound: maxNear
	seed   maphash.Seed
	more   uint64    // requests of others, for which there was no room
	pruned time.Time // when it was last looked for those that are not near any more
}

type counted struct{ limit, quota, key string }

// Counted is who is counted.
type Counted struct {
	Key    string
	Secret bool // the key may be a credential
}

// text is how it is shown: in the place of what may be a credential, what tells it from others for as long as the process
// runs.
func (c Counted) text(seed maphash.Seed) string {
	if c.Secret {
		return fmt.Sprintf("key %08x", uint32(maphash.String(seed, c.Key)))
	}
	return cut(limit.KeyText(c.Key))
}

type used struct {
	share  float64
	at     time.Time
	window time.Duration
}

// NewQuotas makes one that knows of none.
func NewQuotas() *Quotas { return &Quotas{all: make(map[counted]*used), seed: maphash.MakeSeed()} }

// Used says how much of a quota somebody has used. window is the quota's, 0 of requests under way at once.
func (q *Quotas) Used(limit, quota string, by Counted, window time.Duration, share float64, now time.Time) {
	if share < near {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	key := counted{limit, quota, by.text(q.seed)}
	to := q.all[key]
	if to == nil {
		if len(q.all) >= maxNear && now.Sub(q.pruned) > time.Second {
			q.prune(now)
		}
		if len(q.all) >= maxNear {
			q.more++
			return
		}
		to = &used{}
		q.all[key] = to
	}
	*to = used{share, now, window}
}

// now is the share as it is by now: a quota fills again evenly over its window.
func (u *used) now(at time.Time) float64 {
	gone := at.Sub(u.at)
	if u.window == 0 {
		if gone > busy {
			return 0
		}
		return u.share
	}
	return u.share - gone.Seconds()/u.window.Seconds()
}

// Near is a quota that is near its end.
type Near struct {
	Limit string    `json:"limit"`
	Quota string    `json:"quota"`
	Key   string    `json:"key"` // who is counted
	Share float64   `json:"share"`
	At    time.Time `json:"at"` // of the last request
	// Clear is when the quota is no longer near its end if no more requests come; nil for places.
	Clear *time.Time `json:"clear,omitempty"`
}

// Nears are those near their end, and how many more there are.
type Nears struct {
	Quotas []Near `json:"quotas"`
	More   uint64 `json:"more,omitempty"` // how many others there are, or requests of those nobody kept
}

// prune forgets those that are not near their end any more. The caller holds q.mu.
func (q *Quotas) prune(at time.Time) {
	q.pruned = at
	for k, u := range q.all {
		if u.now(at) < near {
			delete(q.all, k)
		}
	}
}

// Near gives them, the nearest first.
func (q *Quotas) Near(at time.Time) Nears {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.prune(at)
	all := Nears{Quotas: []Near{}}
	for k, u := range q.all {
		share := u.now(at)
		n := Near{Limit: k.limit, Quota: k.quota, Key: k.key, Share: share, At: u.at}
		if u.window > 0 {
			clear := at.Add(time.Duration((share - near) * float64(u.window)))
			n.Clear = &clear
		}
		all.Quotas = append(all.Quotas, n)
	}
	if len(q.all) < maxNear {
		q.more = 0
	}
	all.More = q.more
	slices.SortFunc(all.Quotas, func(a, b Near) int {
		return cmp.Or(cmp.Compare(b.Share, a.Share), strings.Compare(a.Limit, b.Limit), strings.Compare(a.Quota, b.Quota), strings.Compare(a.Key, b.Key))
	})
	if n := len(all.Quotas); n > shown {
		all.More += uint64(n - shown)
		all.Quotas = all.Quotas[:shown]
	}
	return all
}
