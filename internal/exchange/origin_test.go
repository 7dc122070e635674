package exchange

import (
	"net/netip"
	"testing"
)

func TestOrigin(t *testing.T) {
	for client, want := range map[string]string{
		"192.0.2.7":            "192.0.2.7",
		"::ffff:192.0.2.7":     "192.0.2.7",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::",
		"2001:db8:1:2::":       "2001:db8:1:2::",
		"fe80::1%eth0":         "fe80::",
	} {
		if got := (&Exchange{Client: netip.MustParseAddr(client)}).Origin().String(); got != want {
			t.Errorf("%s: got %s, want %s", client, got, want)
		}
	}
	if (&Exchange{}).Origin().IsValid() {
		t.Error("nobody has an address")
	}
}
