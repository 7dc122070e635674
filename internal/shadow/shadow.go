// Package shadow tries policies out: beside the live query of a request a candidate is evaluated, off the request's path,
// and where both say something different, that is counted and told. Nothing of it reaches the request.
//
// shadow.go has the queue and those who work on it, comparison.go one query and its candidate, difference.go finds what
// two answers differ in, tally.go counts, report.go says whether a candidate can take over.
package shadow

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// Bounds of what waits to be evaluated. What does not fit is dropped and counted: a shadow never holds up a request, nor
// fills the memory.
const (
	maxWaiting = 1024    // decisions
	maxBodies  = 4 << 20 // bytes of their bodies together, whose values take some ten times as much
)

// Config says who is told of what a Shadow finds. Both are called one at a time for each worker.
type Config struct {
	// Workers evaluate candidates; 1 by default, at most 16.
	Workers int

	// Counted is told of each decision: of which query, what became of it, what the answers differ in, and the codes of
	// the reasons. Nil tells nobody.
	Counted func(query string, became Result, rules, reasons []string)

	// Found is told of differences and failures, at most maxFound in a second. Nil tells nobody.
	Found func(*Difference)

	// Now is the clock; time.Now by default.
	Now func() time.Time
}

// maxWorkers bounds Config.Workers.
const maxWorkers = 16

// maxFound is how many differences are told in a second: a candidate that is wrong about everything must not fill the
// log.
const maxFound = 10

// Shadow evaluates candidates beside live policies. Many goroutines may use it at once.
type Shadow struct {
	config Config
	queue  chan *trial // bound: maxWaiting
	bodies atomic.Int64

	ctx     context.Context
	cancel  context.CancelFunc
	working sync.WaitGroup
	start   sync.Once
	mu      sync.RWMutex // guards closed and inForce
	closed  bool
	inForce map[key]*Comparison

	telling sync.Mutex // guards the three below
	second  int64
	told    int
	untold  uint64
}

// New makes a Shadow, which works from the first decision on until it is closed.
func New(c Config) *Shadow {
	if c.Workers <= 0 {
		c.Workers = 1
	}
	c.Workers = min(c.Workers, maxWorkers)
	if c.Now == nil {
		c.Now = time.Now
	}
	s := &Shadow{config: c, queue: make(chan *trial, maxWaiting), inForce: map[key]*Comparison{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Close ends the work and waits for its end. What still waits is dropped.
func (s *Shadow) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.working.Wait()
}

// trial is a candidate's decision to come.
type trial struct {
	of     *Comparison
	input  ast.Value
	at     time.Time
	size   int64 // of the body that the input holds
	live   *exchange.Verdict
	result ast.Value // the live answer; nil where it does not count
	about  about
}

// about says which decision is meant.
type about struct{ id, api, route, caller string }

// enqueue has a candidate evaluated, if there is room.
func (s *Shadow) enqueue(t *trial) bool {
	s.mu.RLock() // so that no work begins while Close waits for its end
	defer s.mu.RUnlock()
	if s.closed {
		return false
	}
	s.start.Do(func() {
		for range s.config.Workers {
			s.working.Go(s.work)
		}
	})
	if s.bodies.Add(t.size) > maxBodies && t.size > 0 {
		s.bodies.Add(-t.size)
		return false
	}
	select {
	case s.queue <- t:
		return true
	default:
		s.bodies.Add(-t.size)
		return false
	}
}

func (s *Shadow) work() {
	for {
		select {
		case <-s.ctx.Done():
			return
		case t := <-s.queue:
			t.run(s.ctx)
			s.bodies.Add(-t.size)
		}
	}
}

// find tells of a difference, or remembers that it was not told.
func (s *Shadow) find(d *Difference) {
	if s.config.Found == nil {
		return
	}
	s.telling.Lock()
	if now := s.config.Now().Unix(); now != s.second {
		s.second, s.told = now, 0
	}
	if s.told++; s.told > maxFound {
		s.untold++
		s.telling.Unlock()
		return
	}
	d.Untold, s.untold = s.untold, 0
	s.telling.Unlock()
	s.config.Found(d)
}
