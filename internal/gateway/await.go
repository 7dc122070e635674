package gateway

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// idleBody is how long a caller may keep a stage waiting for the next piece of a body: 15 s. Whoever sends a byte now and
// then holds memory and a connection for as long as it likes; a body that streams past holds neither.
const idleBody = 15 * time.Second

// refusedBody is how long the server may wait for the body of a request that is refused without it: 1 s, for nobody
// reads it.
const refusedBody = time.Second

// AwaitBody bounds how long the stages wait for the body of r: for each piece, and for all of it where whole is not 0. It
// does not where the operator gave the server a bound of its own for whole requests, which the bound for each piece would
// undo.
func AwaitBody(w http.ResponseWriter, r *http.Request, x *exchange.Exchange, whole time.Duration) {
	server, _ := r.Context().Value(http.ServerContextKey).(*http.Server)
	if x.Body.Stream == nil || server != nil && server.ReadTimeout > 0 {
		return
	}
	body := &awaited{Reader: x.Body.Stream, control: http.NewResponseController(w), idle: idleBody}
	if whole > 0 {
		body.until = time.Now().Add(whole)
	}
	x.Body.Stream = body
}

// awaited is a body each piece of which must come in time, and perhaps the last one, too.
type awaited struct {
	io.Reader
	control *http.ResponseController
	idle    time.Duration
	until   time.Time // the zero time for no end
}

// Read waits for the next piece. Every connection of Go's servers and of Caddy's HTTP/3 has deadlines; only a response
// writer that another module wrapped and does not unwrap hides them, and then the server's own bounds must do.
func (a *awaited) Read(b []byte) (int, error) {
	end := time.Now().Add(a.idle)
	if !a.until.IsZero() && a.until.Before(end) {
		end = a.until
	}
	_ = a.control.SetReadDeadline(end)
	n, err := a.Reader.Read(b)
	if err == nil || errors.Is(err, io.EOF) {
		_ = a.control.SetReadDeadline(time.Time{})
	}
	return n, err // after a failure the deadline stays, so that nobody waits for the rest either
}

// hurry bounds how long the server waits for what is left of a refused request's body. Over HTTP/1.1 Go's server reads
// up to 256 KiB of it before it sends the answer, and a caller who keeps it back would be waited for without end.
func hurry(w http.ResponseWriter, x *exchange.Exchange) {
	if x.Body.Stream != nil && !x.Body.Read {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(refusedBody))
	}
}
