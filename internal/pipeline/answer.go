package pipeline

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// read reads what the stages need of an answer's body before they see it.
func read(x *exchange.Exchange, r *exchange.Response, reads exchange.Reads) *problem.Problem {
	if reads.Whole == 0 {
		return begin(x, r)
	}
	b, err := io.ReadAll(io.LimitReader(r.Stream, reads.Whole+1))
	if err != nil {
		return unread("reading the answer", err)
	}
	if int64(len(b)) > reads.Whole {
		return x.Unfit(fmt.Errorf("the answer has more than %d bytes", reads.Whole))
	}
	r.Bytes, r.Read = b, true
	return nil
}

// unread is what is said where a body ends in an error.
func unread(doing string, err error) *problem.Problem {
	kind := problem.BadGateway
	if late := interface{ Timeout() bool }(nil); errors.As(err, &late) && late.Timeout() {
		kind = problem.GatewayTimeout
	}
	return problem.New(kind, "").Because(fmt.Errorf("%s: %w", doing, err))
}

// begin reads a body's first bytes, or all of it where it has no more.
func begin(x *exchange.Exchange, r *exchange.Response) *problem.Problem {
	head := make([]byte, 0, expected(r))
	for idle := 0; len(head) < exchange.Head; {
		if len(head) == cap(head) {
			head = slices.Grow(head, min(len(head), exchange.Head-len(head)))
		}
		n, err := r.Stream.Read(head[len(head):min(cap(head), exchange.Head)])
		head = head[:len(head)+n]
		if err == io.EOF { //nolint:errorlint // whatever else may be called so, only this is the end
			r.Bytes, r.Read = head, true
			return nil
		}
		if idle++; n > 0 {
			idle = 0
		}
		if idle == mostIdle {
			err = io.ErrNoProgress
		}
		if err != nil {
			return unread("reading the answer", err)
		}
	}
	r.Stream = &watched{&begun{bytes.NewReader(head), r.Stream}, "upstream", x}
	return nil
}

// expected is how many bytes are set aside for the beginning of a body at first: as many as it says it has, and one more, which
// its end is seen with; and few where it does not say. Most bodies are much shorter than exchange.Head.
func expected(r *exchange.Response) int {
	if n, err := strconv.ParseUint(r.Header.Get("Content-Length"), 10, 31); err == nil && !r.Replaced {
		return int(min(n+1, exchange.Head)) //nolint:gosec // at most exchange.Head
	}
	return 2 << 10
}

// mostIdle is how often in a row a body may give nothing, as in bufio.
const mostIdle = 100

// begun is a body of which the head has been read.
type begun struct {
	head *bytes.Reader
	io.ReadCloser
}

// Read implements io.Reader.
func (b *begun) Read(p []byte) (int, error) {
	if b.head.Len() > 0 {
		return b.head.Read(p)
	}
	return b.ReadCloser.Read(p)
}

// watched is a body that passes a stage, or comes from the upstream. Where it breaks off, it notes why: the answer has
// begun to go out, so that no problem can take its place.
type watched struct {
	io.ReadCloser
	stage string
	x     *exchange.Exchange
}

// Read implements io.Reader.
func (w *watched) Read(p []byte) (n int, err error) {
	defer func() {
		if r := recover(); r != nil {
			prob := panicked(w.stage, r)
			n, err = 0, prob
			w.note(prob)
		}
	}()
	n, err = w.ReadCloser.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // as in begin
		w.note(unread("passing the answer on", err))
	}
	return n, err
}

func (w *watched) note(prob *problem.Problem) {
	x := w.x
	if x.Broken != nil || x.Context != nil && x.Context.Err() != nil { // a stage before has noted it; or the caller left
		return
	}
	x.Broken, x.Ended = prob, w.stage
}
