package provider

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

// defaultConcurrent is how many requests may be under way at once where nothing else is said: as many as connections are kept.
const defaultConcurrent = 256

var errBusy = errors.New("as many requests are under way as may be")

// places bound the requests that are under way at once, and those that wait for one of them to end: as many again. A service
// that has become slow would otherwise have every caller of the gateway's, with the bodies of them all, wait for it.
type places struct {
	taken chan struct{} // one of each that is under way
	known chan struct{} // and of each that waits
}

func newPlaces(n int) *places {
	return &places{taken: make(chan struct{}, n), known: make(chan struct{}, 2*n)}
}

// take waits for a place, as long as patience lasts. leave gives it back, once.
func (p *places) take(ctx context.Context, patience time.Duration) (leave func(), err error) {
	select {
	case p.known <- struct{}{}:
	default:
		return nil, errBusy
	}
	select {
	case p.taken <- struct{}{}:
	default:
		timer := time.NewTimer(patience)
		defer timer.Stop()
		select {
		case p.taken <- struct{}{}:
		case <-timer.C:
			err = errBusy
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		if err != nil {
			<-p.known
			return nil, err
		}
	}
	return sync.OnceFunc(func() {
		<-p.taken
		<-p.known
	}), nil
}

// placed is the body of an answer, with the end of which its request is over.
type placed struct {
	io.ReadCloser
	leave func()
	broke func() // told of a body that did not come whole, once
}

// Read implements io.Reader.
func (b *placed) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF && b.broke != nil { //nolint:errorlint // whatever else may be called so, only this is the end
		b.broke()
		b.broke = nil
	}
	return n, err
}

// Close implements io.Closer.
func (b *placed) Close() error {
	defer b.leave()
	return b.ReadCloser.Close()
}
