// Package http1 is a client of HTTP/1.1 for a proxy, for requests whose body is in memory. net/http has two goroutines
// for each connection, for what a proxy does not need: an answer that comes while the body of its request still goes out.
// Here the goroutine that has a request writes it, reads its answer, and lays the connection aside. How messages are read
// is net/http's.
package http1

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"sync"
	"time"
)

const (
	// MaxBody is how long a request's body may be: 16 KiB. What is written before anything is read has to find room on
	// its way to a server that does not read it: a server that answers first would wait for the client, and the client
	// for the server.
	MaxBody = 16 << 10
	// maxInformational is how many answers with a status of 1xx may come before the one that counts: 5, as in net/http.
	maxInformational = 5
)

// Transport sends requests to servers, and keeps connections to them for further ones.
type Transport struct {
	// Dial makes a connection to an address, "192.0.2.7:80". It is asked to end it with the context.
	Dial func(ctx context.Context, address string) (net.Conn, error)
	// Timeout is how long a server may take until the header of its answer has come; 0 for as long as it likes.
	Timeout time.Duration
	// MaxHeader bounds the header of an answer, in bytes.
	MaxHeader int64
	// MaxIdle is how many idle connections to one address are kept.
	MaxIdle int
	// IdleFor is how long an idle connection is kept.
	IdleFor time.Duration

	mu     sync.Mutex
	idle   map[string][]*conn // by address, the one used last at the end
	sweep  *time.Timer        // runs while there are any
	closed bool
}

// Informed is told of an answer with a status of 1xx other than 100 and 101.
type Informed func(status int, header textproto.MIMEHeader)

// Takes says whether a request is one that RoundTrip sends: without TLS, with a body that a Body holds or none, and asking
// for no other protocol.
func Takes(r *http.Request) bool {
	if r.URL.Scheme != "http" || r.Method == http.MethodConnect || r.Header["Upgrade"] != nil || r.Header["Expect"] != nil || len(r.Trailer) > 0 {
		return false
	}
	b, ours := r.Body.(*Body)
	return r.Body == nil || r.Body == http.NoBody || ours && b.Len() <= MaxBody
}

var (
	// ErrHeader says that the header of an answer is longer than it may be.
	ErrHeader = errors.New("the header of the answer is too long")
	errMany   = errors.New("too many informational answers")
	errNoHost = errors.New("no host in the request's address")
	// errUnused says that a kept connection had ended before anything of an answer came.
	errUnused = errors.New("the server closed an idle connection")
)

// late is what net/http says, too, of a server that takes too long.
type late struct{}

func (late) Error() string   { return "time-out awaiting the header of the answer" }
func (late) Timeout() bool   { return true }
func (late) Temporary() bool { return true }

// Is has it be a deadline that is exceeded, for errors.Is.
func (late) Is(target error) bool { return target == os.ErrDeadlineExceeded }

// RoundTrip sends a request that Takes says yes to, and gives the answer as http.RoundTripper does; informed, which may be
// nil, hears what comes before it. The request is not changed. An error of a connection that could not be made is Dial's
// own. A new connection is used, once, where a kept one turns out to have ended and nothing can have been done at the other
// end, or the method is idempotent (RFC 9110, section 9.2.2; RFC 9112, section 9.3.1).
func (t *Transport) RoundTrip(r *http.Request, informed Informed) (*http.Response, error) {
	if r.URL.Host == "" {
		return nil, errNoHost
	}
	message, err := render(r)
	if err != nil {
		return nil, err
	}
	defer buffers.Put(message)
	ctx := r.Context()
	for again := false; ; again = true {
		var c *conn
		if !again { // a new one then, so that a server is asked no more than twice
			c = t.take(r.URL.Host)
		}
		if c == nil {
			nc, err := t.Dial(ctx, address(r.URL.Host))
			if err != nil {
				return nil, err
			}
			c = newConn(t, r.URL.Host, nc)
		}
		res, err := c.exchange(r, *message, informed)
		if err == nil {
			return res, nil
		}
		c.Close() //nolint:errcheck // nothing more is wanted of it
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if !errors.Is(err, errUnused) {
			return nil, err
		}
	}
}

func address(host string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	return net.JoinHostPort(host, "80")
}

// exchange sends a message and reads the header of its answer.
func (c *conn) exchange(r *http.Request, message []byte, informed Informed) (*http.Response, error) {
	ctx := r.Context()
	stop := context.AfterFunc(ctx, c.interrupt)
	res, err := c.header(r, message, informed)
	if err != nil {
		stop()
		return nil, err
	}
	if res.StatusCode == http.StatusSwitchingProtocols { // nobody asked: whatever follows is not HTTP
		stop()
		c.Close() //nolint:errcheck // nothing more is wanted of it
		res.Body = http.NoBody
		return res, nil
	}
	b := &body{src: res.Body, c: c, ctx: ctx, stop: stop, keep: !res.Close && !r.Close}
	if res.Body == http.NoBody || r.Method == http.MethodHead {
		b.end(ended)
		res.Body = http.NoBody
		return res, nil
	}
	res.Body = b
	return res, nil
}

func (c *conn) header(r *http.Request, message []byte, informed Informed) (*http.Response, error) {
	var until time.Time
	if t := c.t.Timeout; t > 0 {
		until = time.Now().Add(t)
		if err := c.SetDeadline(until); err != nil {
			return nil, err
		}
	}
	if n, err := c.Write(message); err != nil {
		if c.used && (n == 0 || idempotent(r)) {
			return nil, fmt.Errorf("%w: %w", errUnused, err)
		}
		return nil, err
	}
	c.left = c.t.MaxHeader
	if _, err := c.r.Peek(1); err != nil {
		if c.used && idempotent(r) && !timedOut(err) {
			return nil, fmt.Errorf("%w: %w", errUnused, err)
		}
		return nil, early(err, until)
	}
	for range maxInformational + 1 {
		res, err := http.ReadResponse(c.r, r)
		switch {
		case err != nil && c.left <= 0:
			return nil, ErrHeader
		case err != nil:
			return nil, early(err, until)
		case res.StatusCode >= 200 || res.StatusCode == http.StatusSwitchingProtocols:
			c.left = math.MaxInt64
			if c.t.Timeout > 0 {
				err = c.SetDeadline(time.Time{})
			}
			if err == nil && r.Context().Err() != nil { // the deadline that ended it may have been taken off again
				err = context.Cause(r.Context())
			}
			return res, err
		case res.StatusCode != http.StatusContinue && informed != nil:
			informed(res.StatusCode, textproto.MIMEHeader(res.Header))
		}
	}
	return nil, errMany
}

// early is an error before the end of a header, in the words of whoever waits for one. A line that had not come to its end in
// time is read as a broken one.
func early(err error, until time.Time) error {
	switch {
	case timedOut(err), !until.IsZero() && !time.Now().Before(until):
		return late{}
	case err == io.EOF: //nolint:errorlint // whatever else may be called so, only this is the end
		return io.ErrUnexpectedEOF
	}
	return err
}

func timedOut(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

func idempotent(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return r.Header["Idempotency-Key"] != nil || r.Header["X-Idempotency-Key"] != nil // as net/http has it
}
