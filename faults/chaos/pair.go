package chaos

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// pair are a client's connection and that to the server.
type pair struct {
	proxy          *Proxy
	client, server *net.TCPConn
	once           sync.Once
	mute           atomic.Bool   // the client is told nothing any more
	ended          chan struct{} // closed with both
}

func (c *pair) end(linger int) {
	c.once.Do(func() {
		close(c.ended)
		for _, one := range []*net.TCPConn{c.client, c.server} {
			if one != nil {
				one.SetLinger(linger) //nolint:errcheck // it may be broken
				one.Close()           //nolint:errcheck // it is not used any more
			}
		}
	})
}

func (c *pair) close() { c.end(-1) }

// reset breaks both off, so that what is under way is lost (RFC 9293, section 3.5.2).
func (c *pair) reset() { c.end(0) }

// copy passes on what one end says, until it ends or the connection does. answers says whether that is the server.
func (c *pair) copy(to, from *net.TCPConn, answers bool) {
	buffer := make([]byte, piece)
	var during <-chan struct{} // the fault that passed was counted in
	passed := 0
	for {
		n, err := from.Read(buffer)
		for said := buffer[:n]; len(said) > 0; {
			fault, changed := c.proxy.now()
			if changed == nil {
				return
			}
			if changed != during {
				during, passed = changed, 0
			}
			var on bool
			if said, on = c.one(to, said, fault, changed, answers, &passed); !on {
				return
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			c.over(to)
			return
		case err != nil:
			c.reset()
			return
		}
	}
}

// over tells an end that the other has no more to say, once that is passed on.
func (c *pair) over(to *net.TCPConn) {
	for {
		fault, changed := c.proxy.now()
		switch {
		case changed == nil:
			return
		case fault.Kind == BlackHole:
			if !c.wait(nil, changed) {
				return
			}
		default:
			if to.CloseWrite() != nil {
				c.close()
			}
			return
		}
	}
}

// one passes on some of what was said, or what the fault makes of it. It gives what is left, and whether the connection is.
func (c *pair) one(to *net.TCPConn, said []byte, fault Fault, changed <-chan struct{}, answers bool, passed *int) (rest []byte, on bool) {
	some := said
	switch kind := fault.Kind; {
	case kind == Refuse:
		c.reset()
		return nil, false
	case kind == BlackHole:
		return said, c.wait(nil, changed)
	case answers && c.mute.Load():
		return nil, true
	case !answers || kind == None:
	case kind == Delay:
		if !c.wait(time.After(fault.Delay), nil) {
			return nil, false
		}
	case kind == Drip:
		if !c.wait(time.After(fault.Delay), changed) {
			return nil, false
		}
		if now, _ := c.proxy.now(); now != fault {
			return said, true
		}
		some = said[:1]
	default:
		if left := fault.After - *passed; left > 0 {
			some = said[:min(left, len(said))]
			break
		}
		return c.spoil(to, said, kind)
	}
	*passed += len(some)
	if _, err := to.Write(some); err != nil {
		c.close()
		return nil, false
	}
	return said[len(some):], true
}

// spoil does the rest of a fault.
func (c *pair) spoil(to *net.TCPConn, said []byte, kind Kind) (rest []byte, on bool) {
	switch kind {
	case Garbage:
		if _, err := to.Write(noise(len(said))); err != nil {
			c.close()
			return nil, false
		}
		return nil, true
	case HalfClose:
		c.mute.Store(true)
		to.CloseWrite() //nolint:errcheck // it may be broken
		return nil, true
	default:
		c.reset()
		return nil, false
	}
}

// wait waits for one of the two, and says whether the connection is still there.
func (c *pair) wait(until <-chan time.Time, changed <-chan struct{}) bool {
	select {
	case <-until:
	case <-changed:
	case <-c.ended:
		return false
	}
	return true
}
