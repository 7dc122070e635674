package proxy

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/wicketgate/wicketgate/internal/provider"
)

// failedFor is how long a failed connection keeps a server out of a group of several: 10 s.
const failedFor = 10 * time.Second

// Server is one of an upstream's.
type Server struct {
	Address string                // where it is dialled, "192.0.2.7:80"
	Healthy func() bool           // what probes say of it
	Breaker *provider.HostBreaker // nil for none

	host     string       // what requests say in their address
	requests atomic.Int64 // under way
	failed   atomic.Int64 // until then it is left out, in nanoseconds since the epoch of Servers
}

// Servers are those of an upstream.
type Servers struct {
	// Patient is for trials, in which no request has to do with another: no server is left out because it has failed.
	Patient bool

	all   []*Server
	epoch time.Time
}

// NewServers takes one or more servers.
func NewServers(secure bool, all ...*Server) *Servers {
	for _, s := range all {
		s.host = hostOf(s.Address, secure)
	}
	return &Servers{all: all, epoch: time.Now()}
}

// All are the servers, in the order in which they were given.
func (s *Servers) All() []*Server { return s.all }

// Available says whether a server is neither unhealthy nor has failed a moment ago.
func (s *Servers) Available(one *Server) bool {
	return one.Healthy() && (len(s.all) == 1 || s.Patient || one.failed.Load() <= int64(time.Since(s.epoch)))
}

// Lease is leave to try a server. A request has one, for one try after another.
type Lease struct {
	servers *Servers
	server  *Server     // nil for none
	done    func(error) // of its breaker; nil for none, and once it has been told
}

// Server is the one that may be tried; nil for none.
func (l *Lease) Server() *Server { return l.server }

// Next ends what l had and gets leave for another try: with the server that has the fewest requests under way, of those that
// are neither unhealthy nor kept out by a breaker; and another one than at the try before, where there is one. It says
// whether there is any.
func (s *Servers) Next(l *Lease) bool {
	last := l.server
	l.End()
	l.servers = s
	if len(s.all) == 1 {
		return s.all[0].Healthy() && l.take(s.all[0])
	}
	var room [16]*Server
	left := room[:0]
	for _, one := range s.all {
		if s.Available(one) && one != last {
			left = append(left, one)
		}
	}
	if len(left) == 0 && last != nil && s.Available(last) {
		left = append(left, last)
	}
	for len(left) > 0 {
		i := fewest(left)
		if l.take(left[i]) {
			return true
		}
		left[i] = left[len(left)-1]
		left = left[:len(left)-1]
	}
	return false
}

// fewest is the place of the server with the fewest requests under way, one of them by chance where there are several.
func fewest(of []*Server) int {
	best, least, alike := 0, of[0].requests.Load(), 1
	for i, one := range of[1:] {
		switch n := one.requests.Load(); {
		case n < least:
			best, least, alike = i+1, n, 1
		case n == least:
			if alike++; rand.IntN(alike) == 0 {
				best = i + 1
			}
		}
	}
	return best
}

func (l *Lease) take(s *Server) bool {
	if s.Breaker != nil {
		done, err := s.Breaker.Allow()
		if err != nil {
			return false
		}
		l.done = done
	}
	s.requests.Add(1)
	l.server = s
	return true
}

// End says that the server is asked no more.
func (l *Lease) End() {
	if l.server != nil {
		l.settle(provider.ErrGone)
		l.server.requests.Add(-1)
		l.server = nil
	}
}

// settle tells the breaker what came of a try, once.
func (l *Lease) settle(err error) {
	if l.done != nil {
		l.done(err)
		l.done = nil
	}
}

// tell tells what came of a try: an error and a status of 500 and above are the server's failures, a caller who leaves or
// breaks off the body is none. A server that gave no answer is left out for a while where there are others.
func (l *Lease) tell(ctx context.Context, res *http.Response, err error) {
	switch {
	case err != nil && (ctx.Err() != nil || callers(err) != nil):
		l.settle(provider.ErrGone)
	case err != nil:
		l.settle(provider.ErrFails)
		l.server.failed.Store(int64(time.Since(l.servers.epoch) + failedFor))
	case res.StatusCode >= 500:
		l.settle(provider.ErrFails)
	default:
		l.settle(nil)
	}
}
