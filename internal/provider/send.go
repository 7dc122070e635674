package provider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/wicketgate/wicketgate/internal/patience"
	"github.com/wicketgate/wicketgate/internal/publicnet"
)

// Request is what a service is asked.
type Request struct {
	Method string
	Path   string // escaped, below the address of the service
	Query  string
	Header http.Header
	Body   []byte // nil for none
	Accept string // what is wanted where no header field says it; "" for JSON

	// Keyed says that the request carries a key by which the service tells it from another: it may be sent again.
	Keyed bool

	// Template is the path with names in the place of values, for traces; "" where it is not known.
	Template string

	// Tries counts how often the service was asked, redirections included. Send counts.
	Tries int
}

// Answer is what a service said last.
type Answer struct {
	Status    int
	Header    http.Header
	Body      io.ReadCloser
	Empty     bool   // there is no body
	RequestID string // by which the service knows the request, "" where it tells none

	waits *patience.Patience
}

// Begin says that the answer goes out: from now on each read of its body has the time-out of a try.
func (a *Answer) Begin() { a.waits.EachRead() }

// Kind is why there is no answer.
type Kind uint8

// Why there is no answer.
const (
	Unreachable Kind = iota // no connection, or it broke
	Late                    // there was no time left
	Open                    // the breaker is open
	NoToken                 // the credentials could not be had
	Gone                    // the caller left
	Busy                    // too many requests are under way
)

// Failure is why there is no answer. Its text is for logs and holds no credential.
type Failure struct {
	Kind   Kind
	After  time.Duration // when to ask again, 0 where nobody knows
	cause  error
	dial   bool
	unsent bool // no try can have arrived
}

// Error implements error.
func (f *Failure) Error() string { return f.cause.Error() }

// Unwrap gives what happened.
func (f *Failure) Unwrap() error { return f.cause }

// Unsent says that no try can have arrived: there was no connection, or nothing to send on it.
func (f *Failure) Unsent() bool { return f.unsent }

// leaves says that the try that failed may have arrived.
func (f *Failure) leaves() bool {
	return !f.dial && f.Kind != Open && f.Kind != NoToken && !errors.Is(f.cause, publicnet.ErrNotPublic)
}

// Send asks the service, as often as the configuration says. Its error is a *Failure. Whoever calls closes the answer's
// body, with which the time-out ends.
func (c *Client) Send(ctx context.Context, q *Request) (*Answer, error) {
	c.asked.Add(1)
	c.budget.Sent()
	caller := ctx
	ends := time.Now().Add(c.config.Deadline)
	sent := false
	for try := 1; ; try++ {
		answer, failure := c.attempt(caller, q, ends)
		sent = sent || failure == nil || failure.leaves()
		wait, again := c.again(q, try, answer, failure, time.Until(ends))
		if !again {
			if failure != nil {
				c.failed.Add(1)
				failure.unsent = !sent
				return nil, failure
			}
			return answer, nil
		}
		if answer != nil {
			discard(answer.Body)
		}
		c.retried.Add(1)
		c.config.Report.Retried(c.config.Name)
		if err := c.sleep(caller, wait); err != nil {
			return nil, &Failure{Kind: Gone, cause: err, unsent: !sent}
		}
	}
}

// again says whether a request is sent again, and after which pause.
func (c *Client) again(q *Request, try int, answer *Answer, failure *Failure, left time.Duration) (time.Duration, bool) {
	r := c.config.Retry
	if r == nil || try >= r.Attempts {
		return 0, false
	}
	wait := c.chance(backoff(try+1, r.Max))
	switch {
	case failure != nil && !(failure.dial && c.retryOn["connect"]): // nothing was sent then, so nothing is done twice
		return 0, false
	case answer != nil:
		if !c.retryOn[strconv.Itoa(answer.Status)] || !q.Keyed && !idempotent(q.Method) {
			return 0, false
		}
		if after := retryAfter(answer.Header); after > 0 {
			if after > r.Max {
				return 0, false
			}
			wait = after + wait/4
		}
	}
	return wait, wait < left && c.budget.Take()
}

// idempotent says whether a request with a method may be sent twice (RFC 9110, section 9.2.2).
func idempotent(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

// retryAfter is what an answer says of when to ask again (RFC 9110, section 10.2.3), 0 where it says nothing.
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}

// attempt asks once, if there is a place for it and the breaker lets it, and once more where the token was refused.
func (c *Client) attempt(ctx context.Context, q *Request, ends time.Time) (*Answer, *Failure) {
	leave, err := c.places.take(ctx, min(c.config.DialTimeout, time.Until(ends)))
	if err != nil {
		f, result := &Failure{Kind: Busy, After: time.Second, cause: fmt.Errorf("asking %s: %w", c.base.Host, err)}, "busy"
		if ctx.Err() != nil {
			f.Kind, result = Gone, "gone"
		}
		c.config.Report.Tried(c.config.Name, result)
		return nil, f
	}
	answer, failure := c.allowed(ctx, q, ends)
	if failure != nil {
		leave()
		return nil, failure
	}
	answer.Body = &placed{answer.Body, leave, func() { c.broke(ctx) }}
	return answer, nil
}

// broke counts an answer that broke off as a failure of its host's, whose head was none. It is nobody's where the caller
// has left.
func (c *Client) broke(caller context.Context) {
	if c.breaker == nil || caller.Err() != nil {
		return
	}
	if done, err := c.breaker.Allow(); err == nil {
		done(ErrFails)
	}
}

// allowed asks once, if the breaker lets it.
func (c *Client) allowed(ctx context.Context, q *Request, ends time.Time) (*Answer, *Failure) {
	done := func(error) {}
	if c.breaker != nil {
		var err error
		if done, err = c.breaker.Allow(); err != nil {
			c.config.Report.Tried(c.config.Name, "refused")
			return nil, &Failure{Kind: Open, After: c.config.Breaker.OpenFor, cause: fmt.Errorf("asking %s: %w", c.base.Host, err)}
		}
	}
	answer, failure := c.try(ctx, q, ends)
	var outcome error
	result := "answered"
	switch {
	case failure != nil && failure.Kind == Gone:
		outcome, result = ErrGone, "gone"
	case failure != nil && failure.Kind == Late:
		outcome, result = ErrFails, "timeout"
	case failure != nil && failure.Kind == NoToken: // which says nothing of this host
		outcome, result = ErrGone, "unauthorized"
	case failure != nil:
		outcome, result = ErrFails, "failed"
	case answer.Status >= 500:
		outcome = ErrFails
	}
	done(outcome)
	c.config.Report.Tried(c.config.Name, result)
	return answer, failure
}

// failureOf is why a try gave nothing.
func failureOf(caller context.Context, waits *patience.Patience, err error) *Failure {
	f := &Failure{Kind: Unreachable, cause: err}
	var timeout interface{ Timeout() bool }
	var dialled *net.OpError
	switch {
	case caller.Err() != nil:
		f.Kind = Gone
	case waits.Late():
		f.Kind, f.cause = Late, patience.ErrLate
	case errors.Is(err, publicnet.ErrNotPublic):
	case errors.As(err, &dialled) && dialled.Op == "dial":
		f.dial = true
	case errors.As(err, &timeout) && timeout.Timeout():
		f.Kind = Late
	}
	return f
}
