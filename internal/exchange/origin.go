package exchange

import "net/netip"

// Origin is where a request comes from, as far as it can be told apart from others: the client's address, and of an IPv6
// address the first of its /64, for a caller usually owns all of that. It is the zero Addr where nobody knows, as behind a
// Unix socket.
func (x *Exchange) Origin() netip.Addr {
	addr := x.Client.Unmap()
	if !addr.Is6() {
		return addr
	}
	a := addr.As16()
	clear(a[8:])
	return netip.AddrFrom16(a)
}
