package limit

import (
	"net/netip"
	"testing"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// A key is shown as what is counted: a consumer, an address, or all addresses of a network.
func TestKeyText(t *testing.T) {
	for _, test := range []struct {
		x    exchange.Exchange
		want string
	}{
		{exchange.Exchange{Consumer: &exchange.Consumer{ID: "acme"}}, "acme"},
		{exchange.Exchange{Client: netip.MustParseAddr("192.0.2.7")}, "192.0.2.7"},
		{exchange.Exchange{Client: netip.MustParseAddr("2001:db8:1:2:3::4")}, "2001:db8:1:2::/64"},
		{exchange.Exchange{}, "an unknown address"},
	} {
		key, err := DefaultKey(&test.x)
		if err != nil {
			t.Fatal(err)
		}
		if got := KeyText(key); got != test.want {
			t.Errorf("%q is shown as %q, want %q", key, got, test.want)
		}
	}
}
