package limit

import (
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
