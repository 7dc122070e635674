package framing

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"
)

// grace is how long handshakes may go on when the listener is closed. net/http gives connections as long that have not
// sent anything yet when it shuts down.
const grace = 5 * time.Second

// Listen gives the connections of inner as net/http may read them, and tells refused what is wrong with those that are
// refused. TLS handshakes are done before, within the time that timeout gives, 0 for as long as it takes: what is agreed on
// for HTTP/2, which says by itself where a message ends, goes to net/http as it is, and so at no cost.
func Listen(inner net.Listener, timeout func() time.Duration, refused func(Reason, net.Addr)) net.Listener {
	ctx, cancel := context.WithCancel(context.Background())
	return &listener{
		Listener: inner, timeout: timeout, refused: refused,
		ready: make(chan accepted), closed: make(chan struct{}), ended: make(chan struct{}), ctx: ctx, cancel: cancel,
	}
}

type listener struct {
	net.Listener
	timeout func() time.Duration
	refused func(Reason, net.Addr)

	begin, close sync.Once
	ready        chan accepted
	closed       chan struct{}
	ended        chan struct{}   // closed when there is nothing more to accept
	ctx          context.Context // of handshakes
	cancel       func()
	handshakes   sync.WaitGroup
}

type accepted struct {
	conn net.Conn
	err  error
}

// Accept implements net.Listener. After Close it goes on to give those whose handshake was under way, for a moment: net/http,
// when it shuts down, waits for this to end.
func (l *listener) Accept() (net.Conn, error) {
	l.begin.Do(func() { go l.accept() })
	select {
	case a := <-l.ready:
		return a.conn, a.err
	case <-l.ended:
		return nil, &net.OpError{Op: "accept", Net: l.Addr().Network(), Addr: l.Addr(), Err: net.ErrClosed}
	}
}

// accept takes connections until there are no more.
func (l *listener) accept() {
	defer close(l.ended)
	defer l.handshakes.Wait()
	for {
		c, err := l.Listener.Accept()
		switch over := l.over(); {
		case err != nil && (over || errors.Is(err, net.ErrClosed)):
			return
		case err != nil:
			l.give(nil, err)
		default:
			if t, ok := c.(*tls.Conn); ok {
				l.handshakes.Go(func() { l.handshake(t) })
			} else {
				l.give(watch(c, l.refused), nil)
			}
		}
	}
}

// over says whether the listener is closed.
func (l *listener) over() bool {
	select {
	case <-l.closed:
		return true
	default:
		return false
	}
}

// give hands on a connection, if anybody takes it.
func (l *listener) give(c net.Conn, err error) {
	select {
	case l.ready <- accepted{c, err}:
	case <-l.ctx.Done():
		if c != nil {
			c.Close() //nolint:errcheck // nobody takes it
		}
	}
}

// handshake does what net/http would do with a connection. One that fails goes to net/http all the same, which finds that it
// has failed, and tells the log and the caller as it always does.
func (l *listener) handshake(c *tls.Conn) {
	limit := l.timeout()
	if limit > 0 {
		c.SetDeadline(time.Now().Add(limit)) //nolint:errcheck // the handshake tells
	}
	if err := c.HandshakeContext(l.ctx); err != nil {
		l.give(c, nil)
		return
	}
	if limit > 0 {
		c.SetDeadline(time.Time{}) //nolint:errcheck // the next read tells
	}
	switch c.ConnectionState().NegotiatedProtocol {
	case "", "http/1.1", "http/1.0":
		l.give(watch(c, l.refused), nil)
	default:
		l.give(c, nil)
	}
}

// Close implements net.Listener.
func (l *listener) Close() error {
	err := net.ErrClosed
	l.close.Do(func() {
		close(l.closed)
		err = l.Listener.Close()
		l.begin.Do(func() { close(l.ended) }) // nobody has asked for connections, and nobody will
		go func() {
			late := time.NewTimer(grace)
			defer late.Stop()
			select {
			case <-late.C:
			case <-l.ended:
			}
			l.cancel()
		}()
	})
	return err
}
