package policy

import (
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// recheck is after how many remembered decisions one is evaluated again, to be on the safe side of all the reasoning. An
// evaluation takes some hundred times as long as remembering, so that with fewer in between they would be most of the work.
const recheck = 10_000

// keyRooms are where keys are made. Those that had to grow beyond twice what a key may have are not kept.
var keyRooms = sync.Pool{New: func() any {
	room := make([]byte, 0, 512)
	return &room
}}

// Reporting gives the same policies, whose decisions are counted in counts, and which tell alarm, in a sentence, when a
// remembered decision turns out another. They share what they remember.
func (s *Snapshot) Reporting(counts *Counts, alarm func(text string)) *Snapshot {
	reporting := *s
	reporting.counts, reporting.alarm = counts, alarm
	return &reporting
}

// bypassOf is why a query's decisions are not remembered; negative where they are.
func (s *Snapshot) bypassOf(r *Reach, needs exchange.Needs) Bypass {
	switch {
	case s.cache == nil:
		return BypassOff
	case len(r.impure) > 0:
		return BypassImpure
	case r.input.whole:
		return BypassWholeInput
	case needs.Body != exchange.None:
		return BypassBody
	}
	return -1
}

// Remembers says whether equal requests share a decision; if not, why.
func (q *Query) Remembers() (bool, Bypass) { return q.bypass < 0, q.bypass }

// outcome gives what the policy says of a request, remembered from an equal one where that is possible.
func (q *Query) outcome(x *exchange.Exchange) (found, *problem.Problem) {
	counts := q.snapshot.counts
	bypass, now := q.bypass, q.time(x)
	var o *outcome
	room := keyRooms.Get().(*[]byte)
	defer keyRooms.Put(room)
	key := (*room)[:0]
	if c := q.snapshot.cache; bypass < 0 {
		fits := false
		switch key, fits = q.key(x, now, key); {
		case c.off.Load():
			bypass = BypassOff
		case !fits:
			bypass = BypassTooLarge
		default:
			o = c.get(key)
		}
		if cap(key) <= 2*maxKey {
			*room = key
		}
	}
	if o != nil && counts.hits.Add(1)%recheck != 0 {
		return found{outcome: o, cached: true}, nil
	}
	fresh, p := q.evaluated(x, now)
	if p != nil {
		return found{}, p
	}
	counts.evaluations.Add(1)
	switch {
	case o != nil:
		q.compare(o, fresh.outcome)
		return fresh, nil
	case bypass >= 0:
	case fresh.err != nil:
		bypass = BypassError
	case fresh.result == nil:
		bypass = BypassUndefined
	case fresh.result.StringLength() > maxCachedBytes:
		bypass = BypassTooLarge
	default:
		q.snapshot.cache.put(key, fresh.outcome)
		return fresh, nil
	}
	counts.bypassed[bypass].Add(1)
	return fresh, nil
}

// time is when the query takes a request to be decided: in whole seconds where decisions that ask for it are remembered,
// or no two requests would be equal.
func (q *Query) time(x *exchange.Exchange) time.Time {
	if q.bypass < 0 && q.sees.clock {
		return x.Time.Truncate(time.Second)
	}
	return x.Time
}

// key appends to b all that decides the query about a request, in a form that no two different requests share: which
// query it is, the second where it asks for the time, and what it sees of input. It is not there where that is too large.
func (q *Query) key(x *exchange.Exchange, now time.Time, b []byte) ([]byte, bool) {
	b = binary.LittleEndian.AppendUint32(b, q.id)
	if q.sees.clock {
		b = binary.LittleEndian.AppendUint64(b, uint64(now.Unix()))
	}
	return q.document.key(x, now, b)
}

// compare raises the alarm if a remembered outcome is not what was found now, and remembers nothing from then on: then
// either the analysis or what it knows of a function is wrong, and nobody knows how wrong.
func (q *Query) compare(remembered, now *outcome) {
	if now.err != nil || now.result != nil && ast.Compare(remembered.result, now.result) == 0 {
		return
	}
	s := q.snapshot
	s.counts.disagreements.Add(1)
	s.cache.stop()
	if s.alarm != nil {
		s.alarm(fmt.Sprintf("a remembered decision of %s differs from a new one about an equal request; no more are remembered", q.name))
	}
}
