package chaos

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/leaktest"
)

// serve is a server that says again what it is told, a line each, and "goodbye" when nothing more comes.
func serve(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() }) //nolint:errcheck // nothing is asked of it any more
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close() //nolint:errcheck // it may be broken
				in := bufio.NewReader(c)
				for {
					line, err := in.ReadString('\n')
					if err == io.EOF {
						io.WriteString(c, "goodbye\n") //nolint:errcheck // whoever was there may be gone
					}
					if err != nil {
						return
					}
					if _, err := io.WriteString(c, line); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

// caller is a client, with patience.
type caller struct {
	*net.TCPConn
	t  *testing.T
	in *bufio.Reader
}

func (p *Proxy) call(t *testing.T) *caller {
	t.Helper()
	c, err := net.Dial("tcp", p.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() }) //nolint:errcheck // it may be closed
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return &caller{c.(*net.TCPConn), t, bufio.NewReader(c)}
}

func (c *caller) say(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

// hears reads a line, and what ended it.
func (c *caller) hears() (string, error) { return c.in.ReadString('\n') }

func (c *caller) want(text string) {
	c.t.Helper()
	if got, err := c.hears(); got != text || err != nil {
		c.t.Errorf("heard %q, %v, and want %q", got, err, text)
	}
}

func start(t *testing.T) *Proxy {
	t.Helper()
	p, err := Start(serve(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Close()
		if n := p.Open(); n > 0 {
			t.Errorf("%d connections are open", n)
		}
	})
	return p
}

func TestMain(m *testing.M) { leaktest.Main(m) }

func (p *Proxy) set(t *testing.T, f Fault) {
	t.Helper()
	if err := p.Set(f); err != nil {
		t.Fatal(err)
	}
}

// TestFaults has each fault come over a connection that works, and over a new one.
func TestFaults(t *testing.T) {
	reset := func(t *testing.T, c *caller) {
		t.Helper()
		if got, err := c.hears(); got != "" || !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("heard %q, %v", got, err)
		}
	}
	for name, test := range map[string]struct {
		fault Fault
		sees  func(*testing.T, *caller)
	}{
		"none":  {Fault{}, func(_ *testing.T, c *caller) { c.want("hello\n") }},
		"drip":  {Fault{Kind: Drip, Delay: time.Millisecond}, func(_ *testing.T, c *caller) { c.want("hello\n") }},
		"reset": {Fault{Kind: Reset}, reset},
		"reset in the middle": {Fault{Kind: Reset, After: 3}, func(t *testing.T, c *caller) {
			got, err := c.hears() // what came before may be lost with the connection
			if !strings.HasPrefix("hel", got) || !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("heard %q, %v", got, err)
			}
		}},
		"half-close": {Fault{Kind: HalfClose}, func(t *testing.T, c *caller) {
			if got, err := c.hears(); got != "" || err != io.EOF {
				t.Errorf("heard %q, %v", got, err)
			}
			c.say("is anybody there?\n")
		}},
		"half-close in the middle": {Fault{Kind: HalfClose, After: 3}, func(t *testing.T, c *caller) {
			if got, err := c.hears(); got != "hel" || err != io.EOF {
				t.Errorf("heard %q, %v", got, err)
			}
		}},
		"garbage": {Fault{Kind: Garbage}, func(t *testing.T, c *caller) {
			got := make([]byte, len("hello\n"))
			if _, err := io.ReadFull(c.in, got); err != nil || string(got) == "hello\n" {
				t.Errorf("heard %q, %v", got, err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t)
			old := p.call(t)
			old.say("before\n")
			old.want("before\n")
			p.set(t, test.fault)
			for _, c := range []*caller{old, p.call(t)} {
				c.say("hello\n")
				test.sees(t, c)
			}
			p.set(t, Fault{})
			c := p.call(t)
			c.say("after\n")
			c.want("after\n")
			if n := p.Accepted(); n != 3 {
				t.Errorf("%d connections were taken", n)
			}
		})
	}
}

func TestDelay(t *testing.T) {
	p := start(t)
	p.set(t, Fault{Kind: Delay, Delay: 20 * time.Millisecond})
	c := p.call(t)
	began := time.Now()
	c.say("hello\n")
	c.want("hello\n")
	if took := time.Since(began); took < 20*time.Millisecond {
		t.Errorf("it took %v", took)
	}
}

// TestBlackHole has nothing come, in either direction and on no connection, until it is over: then everything does.
func TestBlackHole(t *testing.T) {
	p := start(t)
	old := p.call(t)
	old.say("before\n")
	old.want("before\n")
	p.set(t, Fault{Kind: BlackHole})
	both := []*caller{old, p.call(t)}
	for _, c := range both {
		c.say("hello\n")
		if err := c.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if got, err := c.hears(); got != "" || err == nil || !err.(net.Error).Timeout() {
			t.Errorf("heard %q, %v", got, err)
		}
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
	}
	p.set(t, Fault{})
	for _, c := range both {
		if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		c.want("hello\n")
		c.want("goodbye\n")
		if _, err := c.hears(); err != io.EOF {
			t.Errorf("it ended with %v", err)
		}
	}
}

func TestRefuse(t *testing.T) {
	p := start(t)
	old := p.call(t)
	old.say("before\n")
	old.want("before\n")
	p.set(t, Fault{Kind: Refuse})
	if got, err := old.hears(); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("heard %q, %v", got, err)
	}
	if _, err := net.Dial("tcp", p.Address()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a new connection: %v", err)
	}
	p.set(t, Fault{})
	c := p.call(t)
	c.say("after\n")
	c.want("after\n")
}

// TestServerAway has a server that is not there: whoever connects is cut off.
func TestServerAway(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close() //nolint:errcheck // it only found a free port
	p, err := Start(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c, err := net.Dial("tcp", p.Address())
	if err != nil {
		return // cut off so early
	}
	defer c.Close() //nolint:errcheck // it was cut off
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 1)); err == nil {
		t.Errorf("heard %d bytes", n)
	}
}

// TestMuch passes on more than fits anywhere, while the other end speaks, too.
func TestMuch(t *testing.T) {
	p := start(t)
	c := p.call(t)
	line := strings.Repeat("x", 64<<10) + "\n"
	const lines = 64
	go func() {
		for range lines {
			io.WriteString(c, line) //nolint:errcheck // then it does not come back
		}
		c.CloseWrite() //nolint:errcheck // then what is read does not end
	}()
	for range lines {
		if got, err := c.hears(); got != line {
			t.Fatalf("%d bytes came, %v", len(got), err)
		}
	}
	c.want("goodbye\n")
}

func TestClosed(t *testing.T) {
	p := start(t)
	c := p.call(t)
	c.say("before\n")
	c.want("before\n")
	p.set(t, Fault{Kind: BlackHole})
	c.say("hello\n")
	p.Close()
	p.Close()
	if got, err := c.hears(); err == nil {
		t.Errorf("heard %q", got)
	}
	if err := p.Set(Fault{}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a closed proxy: %v", err)
	}
}
