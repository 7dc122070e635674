package accesslog

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"

	"github.com/wicketgate/wicketgate/modules/gateway"
)

// answer is what is answered. Caddy's own recorder can hold answers back besides, which is memory that each request pays for. It is
// in no pool: a handler that writes after its request has ended must not write into somebody else's answer, nor the
// gateway tell somebody else's line of an error's route.
type answer struct {
	gateway.Answering
	gateway.Access
	read, sent atomic.Int64 // bytes of a connection that was taken over
}

// Hijack implements http.Hijacker. What goes over the connection then counts as content, as it does in Caddy's log.
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, both, err := http.NewResponseController(a.ResponseWriter).Hijack() //nolint:bodyclose // there is none
	if err != nil {
		return nil, nil, fmt.Errorf("taking the connection over: %w", err)
	}
	counts := &taken{conn, a}
	both.Writer.Reset(counts) // nothing is in it: see http.Hijacker
	before := both.Reader.Buffered()
	if before == 0 {
		both.Reader.Reset(counts)
		return counts, both, nil
	}
	held, err := both.Reader.Peek(before)
	if err != nil {
		conn.Close() //nolint:errcheck // nobody has used it
		return nil, nil, fmt.Errorf("taking the connection over: %w", err)
	}
	a.read.Add(int64(before))
	both.Reader.Reset(io.MultiReader(bytes.NewReader(bytes.Clone(held)), counts))
	if _, err := both.Reader.Peek(before); err != nil { // for those who ask how much is there
		conn.Close() //nolint:errcheck // nobody has used it
		return nil, nil, fmt.Errorf("taking the connection over: %w", err)
	}
	return counts, both, nil
}

// taken is a connection that was taken over. One goroutine may read while another writes, and either when the request has ended.
type taken struct {
	net.Conn
	of *answer
}

// Read implements io.Reader.
func (t *taken) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	t.of.read.Add(int64(n))
	return n, err //nolint:wrapcheck // as it came
}

// Write implements io.Writer.
func (t *taken) Write(b []byte) (int, error) {
	n, err := t.Conn.Write(b)
	t.of.sent.Add(int64(n))
	return n, err //nolint:wrapcheck // as it came
}

// Interface guards
var (
	_ http.Hijacker = (*answer)(nil)
	_ http.Pusher   = (*answer)(nil)
)
