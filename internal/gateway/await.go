package gateway

import (
	"io"
	"net/http"
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// idleBody is how long a caller may keep a stage waiting for the next piece of a body: 15 s. Whoever sends a byte now and
// then holds memory and a connection for as long as it likes; a body that streams past holds neither.
const idleBody = 15 * time.Second

// awaitBody bounds how long the stages wait for the body of r, unless the operator gave the server a bound of its own
// for whole requests, which the bound for each piece would undo.
func awaitBody(w http.ResponseWriter, r *http.Request, x *exchange.Exchange) {
	server, _ := r.Context().Value(http.ServerContextKey).(*http.Server)
	if x.Body.Stream == nil || server != nil && server.ReadTimeout > 0 {
		return
	}
	x.Body.Stream = &awaited{x.Body.Stream, http.NewResponseController(w), idleBody}
}

// awaited is a body each piece of which must come in time.
type awaited struct {
	io.Reader
	control *http.ResponseController
	idle    time.Duration
}

// Read waits for the next piece. A connection without deadlines, as some tests have, waits for ever.
func (a *awaited) Read(b []byte) (int, error) {
	_ = a.control.SetReadDeadline(time.Now().Add(a.idle))
	n, err := a.Reader.Read(b)
	_ = a.control.SetReadDeadline(time.Time{})
	return n, err
}
