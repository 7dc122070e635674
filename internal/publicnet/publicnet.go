// Package publicnet keeps connections to third parties on the public network. A name of theirs is somebody else's to
// resolve, and one that resolves to an address of one's own network, or to where a cloud tells its machines' credentials,
// has the gateway ask there. So addresses are looked at once they are known, just before they are dialled.
package publicnet

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// ErrNotPublic says that an address is none of the public network.
var ErrNotPublic = errors.New("the address is not on the public network, and allow_private is not written")

// special are the networks that are not public, as far as netip does not tell them (IANA's registries of special-purpose
// addresses, RFC 6890), and the one address among the public ones at which Azure answers its own machines.
var special = prefixes("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "240.0.0.0/4", "168.63.129.16/32", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fec0::/10")

// Networks that carry the address of IPv4 that a packet goes to in the end.
var (
	translated      = prefixes("64:ff9b::/96")[0] // NAT64: in the last four bytes
	translatedLocal = prefixes("64:ff9b:1::/48")[0]
	sixToFour       = prefixes("2002::/16")[0] // in the four bytes after the prefix
)

func prefixes(all ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(all))
	for i, p := range all {
		list[i] = netip.MustParsePrefix(p)
	}
	return list
}

// Public says whether an address is one of the public network.
func Public(a netip.Addr) bool {
	a = a.WithZone("").Unmap()
	if !a.IsValid() || !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return false
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	if a.Is4() {
		return true
	}
	b := a.As16()
	switch {
	case translated.Contains(a):
		return Public(netip.AddrFrom4([4]byte(b[12:])))
	case translatedLocal.Contains(a):
		return false
	case sixToFour.Contains(a):
		return Public(netip.AddrFrom4([4]byte(b[2:6])))
	case b[0] == 0 && b[1] == 0 && b[2] == 0 && b[3] == 0: // those of IPv4 in older forms, and the unspecified
		return false
	}
	return true
}

// Control is net.Dialer's: it refuses every address that is not public.
func Control(network, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("dialling %s: %w", network, ErrNotPublic)
	}
	a, err := netip.ParseAddr(host)
	if err != nil || !Public(a) {
		return ErrNotPublic
	}
	return nil
}
