package framing

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"
)

const (
	// preface begins a connection of HTTP/2 (RFC 9113, section 3.4).
	preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	// lingers is how long a connection is read that has been refused, and most how much: what is unread when it is closed
	// makes the kernel reset it, and the answer may be lost with it (RFC 9112, section 9.6). The time is net/http's.
	lingers = 500 * time.Millisecond
	most    = 256 << 10
	// poison is what net/http gets in the place of a message that is refused: in any state it is in, it takes it for no
	// request, no field, no chunk and no trailer. It has no CR, which could complete what came before.
	poison = "\x00\n\x00\n\x00\n\x00\n\x00\n\x00\n\x00\n\x00\n\x00\n\x00\n\x00\n\x00\n\x00\n\x00\n\x00\n\x00\n"
)

// What becomes of a connection.
const (
	fresh       uint32 = iota // no head has come to its end yet
	watched                   // some have
	unwatched                 // it does not speak HTTP/1.1, or no longer
	bodyRefused               // within a body: the handler's read fails, and it answers
	headRefused               // before a request: net/http does, once it comes to it
	headRead                  // it has come to it: what is written next is its answer
	headAnswered
	ended // a handler has taken over what is refused
)

// conn is a connection that is watched. net/http reads it from one goroutine at a time.
type conn struct {
	net.Conn
	refused func(Reason, net.Addr)

	state   atomic.Uint32
	lingers atomic.Bool // before it is closed

	scanner scanner
	why     Reason
	fed     int  // bytes of the poison
	begun   int  // bytes of HTTP/2's preface; -1 where it does not begin so
	aside   bool // is there a byte that is not looked at yet
	first   [1]byte
}

// watch gives conn as net/http may read it.
func watch(inner net.Conn, refused func(Reason, net.Addr)) net.Conn {
	c := &conn{Conn: inner, refused: refused}
	switch inner := inner.(type) {
	case *tls.Conn:
		c.begun = -1 // the handshake has said that it is HTTP/1.1
		return secured{c, inner}
	case connectionStater:
		return secured{c, inner}
	case io.ReaderFrom:
		return sending{c, inner}
	}
	return c
}

// secured is one over TLS. Caddy asks it for the state of that.
type secured struct {
	*conn
	connectionStater
}

type connectionStater interface {
	ConnectionState() tls.ConnectionState
}

// sending is one that the kernel can send files on.
type sending struct {
	*conn
	io.ReaderFrom
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	switch c.state.Load() {
	case fresh, watched:
	case unwatched:
		return c.Conn.Read(p)
	case ended:
		return 0, io.EOF
	default:
		return c.feed(p)
	}
	n, err := c.Conn.Read(p)
	if n == 0 {
		return n, err
	}
	if len(p) == 1 && c.scanner.between() && c.state.Load() == watched {
		// net/http reads a byte ahead while a handler runs. If that takes over the connection to speak another protocol, the
		// byte may be the first of it: it is looked at when net/http reads on. By itself it ends no head.
		if !c.aside {
			c.aside, c.first[0] = true, p[0]
			return n, err
		}
	}
	harmless, why := c.look(p[:n])
	if why == plain {
		if c.scanner.requests > 0 && c.state.Load() == fresh {
			c.state.Store(watched)
		}
		return n, err
	}
	c.refuse(why)
	if harmless == 0 {
		return c.feed(p)
	}
	return harmless, nil
}

// look looks at what has been read.
func (c *conn) look(b []byte) (int, Reason) {
	if c.aside {
		c.aside = false
		if _, why := c.scanner.scan(c.first[:]); why != plain {
			return 0, why
		}
	}
	if c.begun >= 0 && c.scanner.requests == 0 {
		n := min(len(preface)-c.begun, len(b))
		if string(b[:n]) == preface[c.begun:c.begun+n] {
			if c.begun += n; c.begun == len(preface) {
				c.state.Store(unwatched)
			}
			return len(b), plain
		}
		begun := c.begun
		c.begun = -1
		if _, why := c.scanner.scan([]byte(preface[:begun])); why != plain {
			return 0, why
		}
	}
	return c.scanner.scan(b)
}

// refuse has net/http read nothing more.
func (c *conn) refuse(why Reason) {
	c.why = why
	if s := c.scanner.state; s == requestLine || s == fields {
		c.state.Store(headRefused)
	} else {
		c.state.Store(bodyRefused)
	}
	if c.refused != nil {
		c.refused(why, c.RemoteAddr())
	}
}

// feed gives the poison. Of its first byte net/http may think that it belongs to the next request, while the one before is
// served. When it asks for more, that one is answered.
func (c *conn) feed(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if c.fed == 0 {
		p = p[:1]
	} else if c.state.Load() == headRefused {
		c.state.Store(headRead)
	}
	n := copy(p, poison[c.fed:])
	if c.fed += n; n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// Write implements net.Conn. In the place of what net/http answers to what is no request, it writes why.
func (c *conn) Write(p []byte) (int, error) {
	switch c.state.Load() {
	case bodyRefused:
		c.lingers.Store(true)
	case headRead:
		c.state.Store(headAnswered)
		c.lingers.Store(true)
		if _, err := c.Conn.Write(c.why.answer(time.Now())); err != nil {
			return 0, err
		}
		return len(p), nil
	}
	return c.Conn.Write(p)
}

// SetDeadline implements net.Conn. net/http takes both deadlines off, and sets both in no other place, when a handler takes
// over the connection: from then on it speaks another protocol.
func (c *conn) SetDeadline(t time.Time) error {
	if t.IsZero() {
		c.state.CompareAndSwap(watched, unwatched)
		c.state.CompareAndSwap(headRefused, ended) // bytes came before they could be of the other protocol
	}
	return c.Conn.SetDeadline(t)
}

// CloseWrite says that nothing more will be written.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// Close implements net.Conn.
func (c *conn) Close() error {
	if c.lingers.CompareAndSwap(true, false) {
		c.linger()
	}
	return c.Conn.Close()
}

// linger waits until the caller has closed the connection, too, or for a moment.
func (c *conn) linger() {
	if c.CloseWrite() != nil || c.Conn.SetReadDeadline(time.Now().Add(lingers)) != nil {
		return
	}
	var b [4 << 10]byte
	for read := 0; read < most; {
		n, err := c.Conn.Read(b[:])
		if err != nil {
			return
		}
		read += n
	}
}
