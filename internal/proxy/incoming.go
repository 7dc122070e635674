package proxy

import (
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// incoming is the body of a request that is passed on as it comes.
//
// It is not closed before anything of it has been read: net/http closes it where there is no connection, and then it is sent by
// another. A part of one is sent by nobody.
//
// The server never gets a request whose end its caller did not send. HTTP/2 and HTTP/3 say the end beside the length, so that all
// of the length may come, and then a reset, or more: the last byte waits for the end (RFC 9113, section 8.1.1; RFC 9114, section
// 4.1.2).
//
// It knows whether its caller broke it off, which is no failure of the server's: callers could shut others out by a breaker that
// they trip.
type incoming struct {
	io.ReadCloser
	begun bool
	left  int64 // of the length; less than none where that is not said
	ends  bool  // the protocol says the end beside the length

	mu     sync.Mutex
	closed bool
	broke  error
}

func newIncoming(r *http.Request) *incoming {
	return &incoming{ReadCloser: r.Body, left: r.ContentLength, ends: r.ProtoMajor >= 2}
}

var (
	errLonger  = errors.New("the body is longer than Content-Length says")
	errShorter = errors.New("the body is not as long as Content-Length says")
)

// Read implements io.Reader.
func (b *incoming) Read(p []byte) (int, error) {
	b.begun = true
	n, err := b.read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.mu.Lock()
		if !b.closed && b.broke == nil { // what is read of a closed body says nothing of its caller
			b.broke = err
		}
		b.mu.Unlock()
	}
	return n, err
}

func (b *incoming) read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left < 0 {
		return n, err
	}
	switch b.left -= int64(n); {
	case b.left < 0:
		return 0, errLonger
	case b.left > 0 && errors.Is(err, io.EOF): // which quic-go passes over
		return n, errShorter
	case b.left == 0 && n > 0 && err == nil && b.ends:
		err = b.end()
	}
	if b.left == 0 && n > 0 && err != nil && !errors.Is(err, io.EOF) {
		n-- // the server waits for it in vain
	}
	return n, err
}

// end waits for the end of a body of which all of the length has come: io.EOF where it is one.
func (b *incoming) end() error {
	const most = 100 // reads of nothing, as bufio has it
	var more [1]byte
	for range most {
		if n, err := b.ReadCloser.Read(more[:]); n > 0 {
			return errLonger
		} else if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// Close implements io.Closer.
func (b *incoming) Close() error {
	if !b.begun {
		return nil
	}
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	return b.ReadCloser.Close()
}

// brokenOff is what the caller of a request is told who has broken off its body; nil for one who has not.
func brokenOff(r *http.Request) *problem.Problem {
	b, ok := r.Body.(*incoming)
	if !ok {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broke == nil {
		return nil
	}
	return exchange.Broken(b.broke)
}
