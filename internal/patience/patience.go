// Package patience bounds how long a service is waited for whose answer is looked at.
package patience

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// Patience is how long a service is waited for whose answer the stages read. The transport's own time-out ends with the
// header; a body in drips would hold the caller for ever. So what comes before the answer goes out has to come within
// the bound as a whole, and what comes then without a pause of that length.
type Patience struct {
	bound  time.Duration
	timer  *time.Timer
	ctx    context.Context
	cancel context.CancelCauseFunc
	begun  bool // the answer goes out
}

// ErrLate is why a request to the service was given up.
var ErrLate error = late{}

type late struct{}

func (late) Error() string   { return "the service kept its answer back for too long" }
func (late) Timeout() bool   { return true }
func (late) Temporary() bool { return true }

// Wait gives a request that ends when patience does.
func Wait(req *http.Request, bound time.Duration) (*http.Request, *Patience) {
	p := &Patience{bound: bound}
	p.ctx, p.cancel = context.WithCancelCause(req.Context())
	p.timer = time.AfterFunc(bound, func() { p.cancel(ErrLate) })
	return req.WithContext(p.ctx), p
}

// EachRead has patience for each read of the body from now on.
func (p *Patience) EachRead() {
	if p != nil {
		p.timer.Stop()
		p.begun = true
	}
}

// End ends the request.
func (p *Patience) End() {
	if p != nil {
		p.timer.Stop()
		p.cancel(nil)
	}
}

// Late says that patience has ended.
func (p *Patience) Late() bool { return p != nil && errors.Is(context.Cause(p.ctx), ErrLate) }

// Body is a body that is waited for.
type Body struct {
	io.ReadCloser
	*Patience
}

// Read implements io.Reader.
func (b *Body) Read(p []byte) (int, error) {
	if b.begun {
		b.timer.Reset(b.bound)
		defer b.timer.Stop()
	}
	n, err := b.ReadCloser.Read(p)
	if err != nil && b.Late() { // at the end, too: a service that sees its request given up may end its answer as if it were whole
		err = ErrLate
	}
	return n, err
}

// Close implements io.Closer.
func (b *Body) Close() error {
	err := b.ReadCloser.Close()
	b.End()
	return err
}
