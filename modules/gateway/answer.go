package gateway

import (
	"fmt"
	"io"
	"net/http"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// served is a request and its answer, in one piece of memory.
type served struct {
	exchange.Exchange
	answer answering
}

// answering notes what an answer comes to on its way out.
type answering struct {
	http.ResponseWriter
	status int   // 0 as long as there is none
	bytes  int64 // of its content
}

// WriteHeader implements http.ResponseWriter.
func (a *answering) WriteHeader(status int) {
	if a.status < http.StatusOK && (a.status == 0 || status != a.status) { // what is not final may be followed by more
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (a *answering) Write(b []byte) (int, error) {
	if a.status < http.StatusOK {
		a.status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(b)
	a.bytes += int64(n)
	return n, err //nolint:wrapcheck // as it came
}

// ReadFrom implements io.ReaderFrom, by which the kernel may send a file itself.
func (a *answering) ReadFrom(r io.Reader) (int64, error) {
	if a.status < http.StatusOK {
		a.status = http.StatusOK
	}
	n, err := io.Copy(a.ResponseWriter, r) // asks the writer behind whether it reads
	a.bytes += n
	if err != nil {
		return n, fmt.Errorf("sending the answer: %w", err)
	}
	return n, nil
}

// Unwrap gives the writer behind, for http.ResponseController.
func (a *answering) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Push implements http.Pusher, where the server does.
func (a *answering) Push(target string, opts *http.PushOptions) error {
	if p, ok := a.ResponseWriter.(http.Pusher); ok {
		return p.Push(target, opts) //nolint:wrapcheck // as it came
	}
	return http.ErrNotSupported
}

// Interface guards
var (
	_ http.Pusher   = (*answering)(nil)
	_ io.ReaderFrom = (*answering)(nil)
)
