// Package socket keeps listening sockets open over changes of configuration, so that no connection is lost with the queue
// of one that is closed.
//
// A server that changes its configuration opens a second socket on its address (SO_REUSEPORT) and then closes the first:
// whoever the kernel has put into the first one's queue, or is about to, is reset. Here a socket stays open, and
// connections are taken from it, for as long as anybody in the process listens on its address.
package socket

import (
	"errors"
	"net"
	"reflect"
	"slices"
	"sync"
)

// most is how many sockets are kept for one address: one for each change of configuration, a file descriptor each. Of
// those beyond, the oldest is closed, with whoever is in its queue.
const most = 64

// Keep gives what accepts connections in the place of listener: those of its socket and of all that were kept on the
// address before it, in turn with everybody else who listens there. Once it is to retire, it leaves connections to others,
// if there are any. Where listener is no TCP socket, Keep gives it as it is.
func Keep(listener net.Listener) (kept net.Listener, retire func()) {
	own := duplicate(listener)
	if own == nil {
		return listener, func() {}
	}
	v := join(listener, own)
	return v, v.retire
}

// join adds a view to those of its listener's address.
func join(listener, own net.Listener) *view {
	key := listener.Addr().Network() + " " + listener.Addr().String()
	kept.Lock()
	defer kept.Unlock()
	a := kept.addresses[key]
	if a == nil {
		a = &address{key: key, accepted: make(chan accepted), done: make(chan struct{})}
		kept.addresses[key] = a
	}
	v := &view{Listener: listener, address: a, retired: make(chan struct{}), closed: make(chan struct{})}
	a.views = append(a.views, v)
	if a.sockets = append(a.sockets, own); len(a.sockets) > most {
		a.sockets[0].Close() //nolint:errcheck // it is read no more
		a.sockets = a.sockets[1:]
	}
	go a.accept(own)
	return v
}

// kept are the addresses with somebody who listens on them, by network and address.
var kept = struct {
	sync.Mutex
	addresses map[string]*address
}{addresses: map[string]*address{}}

// address is one with somebody who listens on it.
type address struct {
	key      string
	sockets  []net.Listener // oldest first; kept guards it
	views    []*view        // who listens; kept guards it
	accepted chan accepted
	done     chan struct{} // closed with the last view
}

type accepted struct {
	conn net.Conn
	err  error
}

// accept hands the connections of a socket to whichever view takes them, until the socket is closed.
func (a *address) accept(socket net.Listener) {
	for {
		conn, err := socket.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		select {
		case a.accepted <- accepted{conn, err}:
		case <-a.done:
			if conn != nil {
				conn.Close() //nolint:errcheck // nobody listens any longer
			}
			return
		}
	}
}

// leave takes a view off, and closes all sockets with the last one.
func (a *address) leave(v *view) {
	kept.Lock()
	defer kept.Unlock()
	a.views = slices.DeleteFunc(a.views, func(other *view) bool { return other == v })
	if len(a.views) > 0 {
		return
	}
	delete(kept.addresses, a.key)
	close(a.done)
	for _, s := range a.sockets {
		s.Close() //nolint:errcheck // it is read no more
	}
}

// view is an address as one configuration has it.
type view struct {
	net.Listener // as the configuration has opened it; nothing is accepted from it
	address      *address
	retired      chan struct{}
	closed       chan struct{}
	once         sync.Once
}

// retire has the view take no more connections, unless no other would.
func (v *view) retire() {
	kept.Lock()
	defer kept.Unlock()
	if v.retires() || !slices.ContainsFunc(v.address.views, func(other *view) bool { return other != v && !other.retires() }) {
		return
	}
	close(v.retired)
}

func (v *view) retires() bool {
	select {
	case <-v.retired:
		return true
	default:
		return false
	}
}

// Accept implements net.Listener.
func (v *view) Accept() (net.Conn, error) {
	select {
	case <-v.closed:
		return nil, v.gone()
	default:
	}
	if v.retires() {
		<-v.closed
		return nil, v.gone()
	}
	select {
	case a := <-v.address.accepted:
		return a.conn, a.err
	case <-v.retired:
		<-v.closed
	case <-v.closed:
	}
	return nil, v.gone()
}

// gone is the error of a listener that is closed.
func (v *view) gone() error {
	return &net.OpError{Op: "accept", Net: v.Addr().Network(), Addr: v.Addr(), Err: net.ErrClosed}
}

// Close implements net.Listener.
func (v *view) Close() error {
	err := v.gone()
	v.once.Do(func() {
		close(v.closed)
		v.address.leave(v)
		err = v.Listener.Close()
	})
	return err
}

// duplicate gives another descriptor of a listener's socket, nil where it cannot be had.
func duplicate(listener net.Listener) net.Listener {
	tcp, ok := underneath(listener).(*net.TCPListener)
	if !ok {
		return nil
	}
	file, err := tcp.File()
	if err != nil {
		return nil
	}
	defer file.Close() //nolint:errcheck // the listener has one of its own
	own, err := net.FileListener(file)
	if err != nil {
		return nil
	}
	return own
}

// underneath is the listener in wrappings that show it to nobody but as an embedded field, as Caddy's do.
func underneath(listener net.Listener) net.Listener {
	for {
		v := reflect.Indirect(reflect.ValueOf(listener))
		if v.Kind() != reflect.Struct {
			return listener
		}
		inner, ok := v.Type().FieldByName("Listener")
		if !ok || !inner.Anonymous || len(inner.Index) != 1 {
			return listener
		}
		next, ok := v.FieldByIndex(inner.Index).Interface().(net.Listener)
		if !ok {
			return listener
		}
		listener = next
	}
}
