package limit

import (
	"net/netip"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// DefaultKey counts a consumer by its id and an anonymous caller by its address.
//
// An IPv6 caller usually owns a whole /64 and may send every request from another address of it, so the /64 is what is
// counted. A caller whose address is unknown, as behind a Unix socket, shares one key with all others of that kind.
func DefaultKey(x *exchange.Exchange) (string, error) {
	if x.Consumer != nil {
		return x.Consumer.ID, nil
	}
	// A consumer's id has no control characters, so no id is ever equal to an address.
	addr := x.Origin()
	var key [17]byte
	switch {
	case !addr.IsValid():
		return "\x00", nil
	case addr.Is4():
		a := addr.As4()
		return string(append(key[:1], a[:]...)), nil
	}
	a := addr.As16()
	return string(append(key[:1], a[:8]...)), nil
}

// KeyText is a key as people read it: of DefaultKey's, an address or the /64 of one.
func KeyText(key string) string {
	if key == "" || key[0] != 0 {
		return key
	}
	switch len(key) {
	case 1 + 4:
		return netip.AddrFrom4([4]byte([]byte(key[1:]))).String()
	case 1 + 8:
		var a [16]byte
		copy(a[:], key[1:])
		return netip.PrefixFrom(netip.AddrFrom16(a), 64).String()
	}
	return "an unknown address"
}
