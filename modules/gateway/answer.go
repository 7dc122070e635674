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
	answer *Answering
	own    Answering // room for it
}

// to gives what the answer goes through on its way to w: w itself where that notes it already, as the access log's does.
func (s *served) to(w http.ResponseWriter) http.ResponseWriter {
	if by, ok := w.(interface{ noting() *Answering }); ok {
		s.answer = by.noting()
		return w
	}
	s.own.ResponseWriter = w
	s.answer = &s.own
	return s.answer
}

// Answering notes what an answer comes to on its way out.
type Answering struct {
	http.ResponseWriter
	Status int   // 0 as long as there is none
	Bytes  int64 // of its content
}

// noting is the same of whatever has it within.
func (a *Answering) noting() *Answering { return a }

// WriteHeader implements http.ResponseWriter.
func (a *Answering) WriteHeader(status int) {
	if a.Status < http.StatusOK && (a.Status == 0 || status != a.Status) { // what is not final may be followed by more
		a.Status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (a *Answering) Write(b []byte) (int, error) {
	if a.Status < http.StatusOK {
		a.Status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(b)
	a.Bytes += int64(n)
	return n, err //nolint:wrapcheck // as it came
}

// ReadFrom implements io.ReaderFrom, by which the kernel may send a file itself.
func (a *Answering) ReadFrom(r io.Reader) (int64, error) {
	if a.Status < http.StatusOK {
		a.Status = http.StatusOK
	}
	n, err := io.Copy(a.ResponseWriter, r) // asks the writer behind whether it reads
	a.Bytes += n
	if err != nil {
		return n, fmt.Errorf("sending the answer: %w", err)
	}
	return n, nil
}

// Unwrap gives the writer behind, for http.ResponseController.
func (a *Answering) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Push implements http.Pusher, where the server does.
func (a *Answering) Push(target string, opts *http.PushOptions) error {
	if p, ok := a.ResponseWriter.(http.Pusher); ok {
		return p.Push(target, opts) //nolint:wrapcheck // as it came
	}
	return http.ErrNotSupported
}

// Interface guards
var (
	_ http.Pusher   = (*Answering)(nil)
	_ io.ReaderFrom = (*Answering)(nil)
)
