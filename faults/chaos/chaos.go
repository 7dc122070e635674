// Package chaos is a TCP proxy that fails as networks and servers do, from one moment to the next: it passes
// connections on to a server, late, in drops, or not at all, breaks them off, or answers with noise. What it does wrong is
// changed while connections last, and they feel it, too.
package chaos

import (
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Fault is what goes wrong. The zero value is none.
type Fault struct {
	// Kind is what happens to what the server says. What the client says is passed on, if not in a BlackHole.
	Kind Kind
	// Delay is how late each piece is passed on by Delay, and the time between two bytes by Drip.
	Delay time.Duration
	// After is how many bytes of each connection are passed on before Reset, HalfClose and Garbage begin, counted from
	// when the fault was set or, where that is later, the connection made.
	After int
}

// Kind is a kind of fault.
type Kind int

const (
	// None passes everything on.
	None Kind = iota
	// Delay passes on what the server says, but late.
	Delay
	// Drip passes on a byte at a time.
	Drip
	// Garbage says something else in the place of what the server says.
	Garbage
	// HalfClose ends what the server says, and goes on to listen.
	HalfClose
	// Reset breaks connections off, in place of the server's first byte.
	Reset
	// BlackHole keeps connections and takes new ones, and passes nothing on in either direction until it ends; what is under way
	// then comes after all.
	BlackHole
	// Refuse breaks off all connections and takes no new ones: nobody listens.
	Refuse
)

// piece is how much is passed on at once at most.
const piece = 32 << 10

// Proxy is one. Its methods may be called by several goroutines at once.
type Proxy struct {
	address, server string
	accepted        atomic.Int64
	passing         sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	listener net.Listener // nil while connections are refused
	fault    Fault
	changed  chan struct{} // closed when the fault changes
	open     map[*pair]struct{}
}

// Start listens on a port of loopback for connections to the server, until Close.
func Start(server string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{address: l.Addr().String(), server: server, changed: make(chan struct{}), open: map[*pair]struct{}{}}
	p.serve(l)
	return p, nil
}

// Address is where it listens.
func (p *Proxy) Address() string { return p.address }

// Port is the port where it listens.
func (p *Proxy) Port() string {
	_, port, _ := net.SplitHostPort(p.address) //nolint:errcheck // it is a listener's
	return port
}

// Accepted is how many connections it has taken.
func (p *Proxy) Accepted() int64 { return p.accepted.Load() }

// Open is how many connections last.
func (p *Proxy) Open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.open)
}

// Set has it do something else wrong from now on. An error says that it cannot listen again after Refuse.
func (p *Proxy) Set(f Fault) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return net.ErrClosed
	}
	p.fault = f
	close(p.changed)
	p.changed = make(chan struct{})
	if f.Kind == Refuse {
		p.refuse()
		return nil
	}
	if p.listener != nil {
		return nil
	}
	l, err := net.Listen("tcp", p.address)
	if err != nil {
		return err
	}
	p.serve(l)
	return nil
}

// Close breaks off everything.
func (p *Proxy) Close() {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.changed)
		p.refuse()
	}
	p.mu.Unlock()
	p.passing.Wait()
}

// refuse takes no connections any more, and breaks off those that are open.
func (p *Proxy) refuse() {
	if p.listener != nil {
		p.listener.Close() //nolint:errcheck // it is not used any more
		p.listener = nil
	}
	for c := range p.open {
		c.reset()
	}
}

func (p *Proxy) serve(l net.Listener) {
	p.listener = l
	p.passing.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.accepted.Add(1)
			p.passing.Go(func() { p.pass(c.(*net.TCPConn)) })
		}
	})
}

// now is what goes wrong, and what says that it changes; nil where the proxy is closed.
func (p *Proxy) now() (Fault, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return p.fault, nil
	}
	return p.fault, p.changed
}

// pass passes on one connection.
func (p *Proxy) pass(client *net.TCPConn) {
	c := &pair{proxy: p, client: client, ended: make(chan struct{})}
	upstream, err := net.Dial("tcp", p.server)
	if err != nil {
		c.reset()
		return
	}
	c.server = upstream.(*net.TCPConn)
	p.mu.Lock()
	if refused := p.closed || p.fault.Kind == Refuse; refused {
		p.mu.Unlock()
		c.reset()
		return
	}
	p.open[c] = struct{}{}
	p.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { c.copy(c.server, c.client, false) })
	both.Go(func() { c.copy(c.client, c.server, true) })
	both.Wait()
	p.mu.Lock()
	delete(p.open, c)
	p.mu.Unlock()
	c.close()
}

// noise is what Garbage says: bytes of which a few may look like something.
func noise(n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(rand.Uint32())
	}
	return out
}
