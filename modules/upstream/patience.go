package upstream

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// patience is how long a service is waited for whose answer the stages read. The transport's own time-out ends with the
// header; a body in drips would hold the caller for ever. So what comes before the answer goes out has to come within
// the bound as a whole, and what comes then without a pause of that length.
type patience struct {
	bound  time.Duration
	timer  *time.Timer
	ctx    context.Context
	cancel context.CancelCauseFunc
	begun  bool // the answer goes out
}

// errLate is why a request to the service was given up.
var errLate error = late{}

type late struct{}

func (late) Error() string   { return "the service kept its answer back for too long" }
func (late) Timeout() bool   { return true }
func (late) Temporary() bool { return true }

// wait gives a request that ends when patience does.
func wait(req *http.Request, bound time.Duration) (*http.Request, *patience) {
	p := &patience{bound: bound}
	p.ctx, p.cancel = context.WithCancelCause(req.Context())
	p.timer = time.AfterFunc(bound, func() { p.cancel(errLate) })
	return req.WithContext(p.ctx), p
}

// eachRead has patience for each read of the body from now on.
func (p *patience) eachRead() {
	if p != nil {
		p.timer.Stop()
		p.begun = true
	}
}

// end ends the request.
func (p *patience) end() {
	if p != nil {
		p.timer.Stop()
		p.cancel(nil)
	}
}

// late says that patience has ended.
func (p *patience) late() bool { return p != nil && errors.Is(context.Cause(p.ctx), errLate) }

// patient is a body that is waited for.
type patient struct {
	io.ReadCloser
	*patience
}

// Read implements io.Reader.
func (b *patient) Read(p []byte) (int, error) {
	if b.begun {
		b.timer.Reset(b.bound)
		defer b.timer.Stop()
	}
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF && b.late() { //nolint:errorlint // whatever else may be called so, only this is the end
		err = errLate
	}
	return n, err
}

// Close implements io.Closer.
func (b *patient) Close() error {
	err := b.ReadCloser.Close()
	b.end()
	return err
}
