// Package proxy carries a request to one of the servers of an upstream, and its answer through the stages back to the
// caller. It does what a reverse proxy does for requests that ask for an answer; those that ask for another protocol are
// handed to one that knows how to change it, which shares the servers, and the way that each try goes, with this.
package proxy

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/provider"
)

// Config is an upstream, as it runs.
type Config struct {
	Name    string
	Secure  bool          // its servers speak TLS
	Timeout time.Duration // for an answer that stages read, as far as they do before it goes out, and then for each read
	Retry   *Retry        // nil for one try
	Retried func()        // is told that a request is sent again, and must not block
}

// Retry says what is sent again. A connection that could not be made is always tried again, for nothing was sent; an answer's
// status only on idempotent methods, where the body is at hand.
type Retry struct {
	Attempts int   // in all
	Statuses []int // of answers
}

// Proxy carries requests to an upstream.
type Proxy struct {
	Config
	servers *Servers
	network Network
	budget  provider.Budget
}

// New makes a proxy. Its servers may be shared.
func New(c Config, servers *Servers, network Network) *Proxy {
	return &Proxy{Config: c, servers: servers, network: network}
}

// ErrUnconnected is in an error that says that there was no connection, so that nothing was sent.
var ErrUnconnected = errors.New("there was no connection")

var errNoServer = errors.New("no server is available")

// exhausted is an answer that calls for another try, after the last.
type exhausted int

func (exhausted) Error() string { return "the service failed at the last try, too" }

// statusClientClosed is what logs say of a caller who went away, as nginx and Caddy have it.
const statusClientClosed = 499

// Forward sends r to a server, and writes what that answers to w. r is changed, and all it says of the request is in x;
// trusted says that its sender is a proxy of ours, whose word counts of where the request came from. A problem is returned
// only while nothing has been written. Where an answer breaks off, Forward panics with http.ErrAbortHandler, by which
// net/http ends the connection.
func (p *Proxy) Forward(w http.ResponseWriter, r *http.Request, x *exchange.Exchange, trusted bool) error {
	p.Begin(x)
	outgoing(r, x, trusted)
	base := r.Header
	var lease Lease
	defer lease.End()
	var before error // of the try before
	for {
		switch {
		case p.servers.Next(&lease):
		case before != nil:
			return gone(before)
		default:
			return problem.New(problem.Unavailable, "").Because(errNoServer)
		}
		r.URL.Host = lease.server.host
		r.Header = base
		res, err := p.Try(r, x, &lease, informing(w))
		if err == nil && x.Refused == nil && !p.repeats(x, res.StatusCode) {
			answer(w, res)
			return nil
		}
		if again, end := p.failed(w, r, x, res, err); !again {
			return end
		}
		before = err
	}
}

// Begin says that a request is sent for the first time.
func (p *Proxy) Begin(x *exchange.Exchange) {
	p.budget.Sent()
	x.Tries = 0
}

// failed says what comes of a try without an answer that goes to the caller: another try, or else an error.
func (p *Proxy) failed(w http.ResponseWriter, r *http.Request, x *exchange.Exchange, res *http.Response, err error) (again bool, _ error) {
	left := p.Retry != nil && x.Tries < p.Retry.Attempts
	switch {
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil:
		w.WriteHeader(statusClientClosed) // for logs: nobody reads it
		return false, nil
	case callers(err) != nil:
		return false, callers(err)
	case err != nil:
		if left && Unconnected(err) {
			return true, nil
		}
		return false, gone(err)
	}
	if p.repeats(x, res.StatusCode) {
		if left && p.budget.Take() {
			res.Body.Close() //nolint:errcheck // nothing more is wanted of it
			return true, nil
		}
		if x.Refused == nil && left { // more tries than the service can bear
			answer(w, res)
			return false, nil
		}
	}
	res.Body.Close() //nolint:errcheck // nothing more is wanted of it
	if x.Refused != nil {
		return false, x.Refused
	}
	return false, exhaustedBy(res.StatusCode)
}

// callers is the problem that a try's error is where the caller broke off the body; nil for any other.
func callers(err error) (prob *problem.Problem) {
	errors.As(err, &prob)
	return prob
}

// repeats says whether an answer calls for another try.
func (p *Proxy) repeats(x *exchange.Exchange, status int) bool {
	return p.Retry != nil && slices.Contains(p.Retry.Statuses, status) && idempotent(x.Method) && Replayable(x)
}

func idempotent(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

// Replayable lets a request be sent again only if its body can be: one that streamed past is gone.
func Replayable(x *exchange.Exchange) bool { return x.Body.Read || x.Body.Length == 0 }

// Affordable says whether another try is within what the service can bear.
func (p *Proxy) Affordable() bool { return p.budget.Take() }

// Unconnected says that nothing was sent, for there was no connection.
func Unconnected(err error) bool {
	var network *net.OpError
	return errors.Is(err, ErrUnconnected) || errors.As(err, &network) && network.Op == "dial"
}

// gone tells the caller what became of a try, without a word of the service's own.
func gone(err error) *problem.Problem {
	var late interface{ Timeout() bool }
	if errors.As(err, &late) && late.Timeout() {
		return problem.New(problem.GatewayTimeout, "").Because(err)
	}
	return problem.New(problem.BadGateway, "").Because(err)
}

// exhaustedBy tells the caller which status the service answered last.
func exhaustedBy(status int) *problem.Problem {
	return Problem(status, exhausted(status))
}

// Problem is what a caller is told of a service that answered a status that calls for another try, after the last.
func Problem(status int, err error) *problem.Problem {
	switch status {
	case http.StatusServiceUnavailable:
		return problem.New(problem.Unavailable, "").Because(err)
	case http.StatusTooManyRequests: // the service's bound, not the caller's quota
		return problem.New(problem.ReducedCapacity, "").WithHeader("Retry-After", "1").Because(err)
	case http.StatusGatewayTimeout:
		return problem.New(problem.GatewayTimeout, "").Because(err)
	}
	return problem.New(problem.BadGateway, "").Because(err)
}
