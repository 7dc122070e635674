package http1

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"syscall"
	"time"
)

// conn is a connection: of one request, or idle.
type conn struct {
	net.Conn
	t     *Transport
	host  string
	raw   syscall.RawConn // nil where there is none
	r     *bufio.Reader
	left  int64 // of what may be read
	used  bool  // for a request before
	since time.Time
	alive bool // what the last look found
	look  func(fd uintptr) bool
}

func newConn(t *Transport, host string, nc net.Conn) *conn {
	c := &conn{Conn: nc, t: t, host: host}
	c.r = bufio.NewReader(c)
	if s, ok := nc.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			c.raw = raw
			c.look = func(fd uintptr) bool {
				c.alive = quiet(fd)
				return true
			}
		}
	}
	return c
}

// Read implements io.Reader: no more than may come.
func (c *conn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, ErrHeader
	}
	if int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.Conn.Read(p)
	c.left -= int64(n)
	return n, err
}

// past is a time that is over.
var past = time.Unix(1, 0)

// interrupt ends what the connection waits for.
func (c *conn) interrupt() { c.SetDeadline(past) } //nolint:errcheck // it is closed, then

// fresh says that the server has neither closed an idle connection nor sent anything on it, which nobody asked for.
func (c *conn) fresh() bool {
	if c.r.Buffered() > 0 {
		return false
	}
	if c.raw == nil {
		return true
	}
	c.alive = false
	return c.raw.Read(c.look) == nil && c.alive
}

// take gives an idle connection, nil if there is none.
func (t *Transport) take(host string) *conn {
	for {
		t.mu.Lock()
		all := t.idle[host]
		if len(all) == 0 {
			t.mu.Unlock()
			return nil
		}
		c := all[len(all)-1]
		all[len(all)-1] = nil
		t.idle[host] = all[:len(all)-1]
		t.mu.Unlock()
		if c.fresh() {
			c.used = true
			return c
		}
		c.Close() //nolint:errcheck // the server has
	}
}

// put lays a connection aside.
func (t *Transport) put(c *conn) {
	c.since = time.Now()
	t.mu.Lock()
	if t.closed || len(t.idle[c.host]) >= t.MaxIdle {
		t.mu.Unlock()
		c.Close() //nolint:errcheck // nothing more is wanted of it
		return
	}
	if t.idle == nil {
		t.idle = make(map[string][]*conn)
	}
	t.idle[c.host] = append(t.idle[c.host], c)
	if t.sweep == nil {
		t.sweep = time.AfterFunc(t.IdleFor/4, t.clean)
	}
	t.mu.Unlock()
}

// clean closes what has been idle for too long, or the server has closed.
func (t *Transport) clean() {
	oldest := time.Now().Add(-t.IdleFor)
	var over []*conn
	left := 0
	t.mu.Lock()
	for host, all := range t.idle {
		t.idle[host] = slices.DeleteFunc(all, func(c *conn) bool {
			if c.since.After(oldest) && c.fresh() {
				return false
			}
			over = append(over, c)
			return true
		})
		left += len(t.idle[host])
	}
	t.sweep = nil
	if left > 0 && !t.closed {
		t.sweep = time.AfterFunc(t.IdleFor/4, t.clean)
	}
	t.mu.Unlock()
	for _, c := range over {
		c.Close() //nolint:errcheck // nothing more is wanted of it
	}
}

// Close closes idle connections, and those of requests under way when these end.
func (t *Transport) Close() {
	t.mu.Lock()
	t.closed = true
	idle := t.idle
	t.idle = nil
	if t.sweep != nil {
		t.sweep.Stop()
	}
	t.mu.Unlock()
	for _, all := range idle {
		for _, c := range all {
			c.Close() //nolint:errcheck // nothing more is wanted of it
		}
	}
}

// body is what follows a header. At its end the connection is laid aside; closed before, it is closed, too.
type body struct {
	src  io.ReadCloser
	c    *conn
	ctx  context.Context
	stop func() bool
	keep bool
	over atomic.Int32 // one of the following
}

const (
	open = iota
	ended
	closed
)

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	switch b.over.Load() {
	case ended:
		return 0, io.EOF
	case closed:
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := b.src.Read(p)
	switch {
	case err == io.EOF: //nolint:errorlint // whatever else may be called so, only this is the end
		b.end(ended)
	case err != nil:
		b.end(closed)
		if b.ctx.Err() != nil {
			err = context.Cause(b.ctx)
		}
	}
	return n, err
}

// Close implements io.Closer.
func (b *body) Close() error {
	b.end(closed)
	return nil
}

// end gives the connection back, once.
func (b *body) end(as int32) {
	if !b.over.CompareAndSwap(open, as) {
		return
	}
	if b.stop() && as == ended && b.keep { // what interrupts does so no more, and had not begun
		b.c.t.put(b.c)
		return
	}
	b.c.Close() //nolint:errcheck // nothing more is wanted of it
}
