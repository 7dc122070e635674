//go:build unix

package socket

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/wicketgate/wicketgate/internal/leaktest"
)

// open opens a socket that shares its address, in a wrapping like Caddy's.
func open(t *testing.T, address string) net.Listener {
	t.Helper()
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		if control := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) }); control != nil {
			return control
		}
		return err
	}}
	l, err := config.Listen(context.Background(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return wrapped{l, address}
}

type wrapped struct {
	net.Listener
	address string
}

// echo answers each connection with what it sends, until the listener is closed.
func echo(l net.Listener, all *sync.WaitGroup) {
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()   //nolint:errcheck // the client tells
				io.CopyN(c, c, 1) //nolint:errcheck // the client tells
			})
		}
	})
}

// TestKept has callers come on new connections while one socket after the other is opened on the address and the one
// before is closed. No connection may be lost.
func TestKept(t *testing.T) {
	ended := leaktest.Note(t)
	const changes, callers = most - 1, 8
	now, _ := Keep(open(t, "127.0.0.1:0"))
	address := now.Addr().String()
	var servers, clients sync.WaitGroup
	echo(now, &servers)
	var stop atomic.Bool
	var asked, lost atomic.Int64
	for range callers {
		clients.Go(func() {
			for !stop.Load() {
				asked.Add(1)
				if err := ask(address); err != nil {
					lost.Add(1)
					t.Error(err)
					return
				}
			}
		})
	}
	for range changes {
		next, _ := Keep(open(t, address))
		echo(next, &servers)
		for before := asked.Load(); asked.Load() < before+callers; { // both answer for a while
			if err := ask(address); err != nil {
				t.Fatal(err)
			}
		}
		if err := now.Close(); err != nil {
			t.Error(err)
		}
		now = next
	}
	stop.Store(true)
	clients.Wait()
	t.Logf("%d changes during %d connections, %d lost", changes, asked.Load(), lost.Load())

	for range most { // beyond, too, there are no more sockets than that
		next, _ := Keep(open(t, address))
		if err := now.Close(); err != nil {
			t.Error(err)
		}
		now = next
	}
	if a := kept.addresses["tcp "+address]; len(kept.addresses) != 1 || len(a.views) != 1 || len(a.sockets) != most {
		t.Errorf("%d addresses are kept, this one as %+v", len(kept.addresses), a)
	}
	if err := now.Close(); err != nil {
		t.Error(err)
	}
	if err := now.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closing again: %v", err)
	}
	if _, err := now.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accepting then: %v", err)
	}
	servers.Wait()
	if err := ask(address); err == nil {
		t.Error("somebody still listens")
	}
	if len(kept.addresses) != 0 {
		t.Errorf("%d addresses are kept", len(kept.addresses))
	}
	ended()
}

func ask(address string) error {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // only asked
	if _, err := c.Write([]byte{1}); err != nil {
		return err
	}
	_, err = io.ReadFull(c, make([]byte, 1))
	return err
}

// TestRetired has one of two who listen leave connections to the other; the last one goes on taking them.
func TestRetired(t *testing.T) {
	old, retire := Keep(open(t, "127.0.0.1:0"))
	address := old.Addr().String()
	next, last := Keep(open(t, address))
	retire()
	retire() // again changes nothing
	last()   // nor does it for the last
	taken := make(chan error)
	go func() {
		c, err := old.Accept()
		if err == nil {
			c.Close() //nolint:errcheck // it should not have come
		}
		taken <- err
	}()
	for range 20 {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		got, err := next.Accept()
		if err != nil {
			t.Fatal(err)
		}
		c.Close()   //nolint:errcheck // only whose it is matters
		got.Close() //nolint:errcheck // only whose it is matters
	}
	if err := old.Close(); err != nil {
		t.Error(err)
	}
	if err := <-taken; !errors.Is(err, net.ErrClosed) {
		t.Errorf("who has retired took a connection: %v", err)
	}
	if err := next.Close(); err != nil {
		t.Error(err)
	}
}

// TestNotKept gives back what cannot be kept.
func TestNotKept(t *testing.T) {
	file, err := net.Listen("unix", t.TempDir()+"/socket")
	if err != nil {
		t.Fatal(err)
	}
	if same, _ := Keep(file); same != file || len(kept.addresses) != 0 {
		t.Error("a socket of a file is kept")
	}
	if err := file.Close(); err != nil {
		t.Error(err)
	}
}
