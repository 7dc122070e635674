package rule

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

func TestInteger(t *testing.T) {
	for _, c := range []struct {
		text string
		want int64
		err  string
	}{
		{`len(body.lines)`, 2, ""},
		{`sum(body.lines, .qty)`, 7, ""},
		{`request.size`, 7000, ""},
		{`int(request.size / 1024) + 1`, 7, ""},
		{`body.total.amount * 1.0`, 1230, ""},
		{`-3`, -3, ""},
		{`body.total.tax`, 0, "Caddyfile:12:8: expected a whole number, got a number"},
		{`1e300`, 0, "Caddyfile:12:8: expected a whole number, got a number"},
		{`body.currency`, 0, "Caddyfile:12:8: expected a whole number, got a string"},
		{`body.absent`, 0, "Caddyfile:12:8: expected a whole number, got null"},
	} {
		p, diags := fromText(c.text, everything, Integer)
		if diags.HasErrors() {
			t.Errorf("%s: %s", c.text, diags)
			continue
		}
		x := request(order)
		x.Body.Received = 7000
		got, err := p.Integer(x)
		if got != c.want || (err != nil) != (c.err != "") || err != nil && err.Error() != c.err {
			t.Errorf("%s: got %d, %v; want %d, %q", c.text, got, err, c.want, c.err)
		}
	}
	for _, text := range []string{`"3"`, `request.method`, `nil`, `[1]`, `1 > 0`} {
		if _, diags := fromText(text, everything, Integer); !diags.HasErrors() || !strings.Contains(diags.Error(), "Expected a whole number.") {
			t.Errorf("%s: got %v", text, diags)
		}
	}
}

func TestKey(t *testing.T) {
	for _, c := range []struct{ text, want, err string }{
		{`consumer.id`, "acme", ""},
		{`claims.level`, "3", ""},
		{`["a", 1, true]`, "1:a1:14:true", ""},
		{`[consumer.id, api.route]`, "4:acme17:POST /orders/{id}", ""},
		{`consumer.scopes`, "12:orders:write", ""},
		{`["ab", "c"]`, "2:ab1:c", ""},
		{`["a", "bc"]`, "1:a2:bc", ""},
		{`[consumer.id, claims.absent]`, "", "Caddyfile:12:8: expected a string, a number or a truth value, got null"},
		{`[consumer.id, ""]`, "", "Caddyfile:12:8: a part of the key is empty"},
		{`[[1]]`, "", "Caddyfile:12:8: expected a string, a number or a truth value, got a list"},
		{`filter([1], false)`, "", "Caddyfile:12:8: the key has no parts"},
		{`claims.absent`, "", "Caddyfile:12:8: expected a string, a number or a truth value, got null"},
	} {
		p, diags := fromText(c.text, everything, Key)
		if diags.HasErrors() {
			t.Errorf("%s: %s", c.text, diags)
			continue
		}
		got, err := p.Key(request(order))
		if got != c.want || (err != nil) != (c.err != "") || err != nil && err.Error() != c.err {
			t.Errorf("%s: got %q, %v; want %q, %q", c.text, got, err, c.want, c.err)
		}
	}
	if _, diags := fromText(`nil`, everything, Key); !diags.HasErrors() {
		t.Error("nothing was taken for a key")
	}
}

// An IPv6 caller has as many addresses as it likes, so a key tells only networks apart.
func TestAddressInAKey(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7":                  "192.0.2.7",
		"::ffff:192.0.2.7":           "192.0.2.7",
		"2001:db8::1":                "2001:db8::/64",
		"2001:db8::ffff:0:0:1":       "2001:db8::/64",
		"2001:db8:0:1::1":            "2001:db8:0:1::/64",
		"2001:db8:0:1:ffff:ffff:0:1": "2001:db8:0:1::/64",
	} {
		x := &exchange.Exchange{Client: netip.MustParseAddr(address)}
		for text, want := range map[string]string{`client.address`: want, `"ip " + client.address`: "ip " + want} {
			p, diags := fromText(text, everything, Key)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			if got, err := p.Key(x); got != want || err != nil {
				t.Errorf("%s of %s: got %q, %v", text, address, got, err)
			}
		}
		p, _ := fromText(`client.address`, everything, String)
		if got, _ := p.String(x); got != address {
			t.Errorf("elsewhere %s is %q", address, got)
		}
	}
}

func TestSizeNeedsTheBody(t *testing.T) {
	for text, want := range map[string]exchange.BodyNeed{
		`request.size`: exchange.Whole, `request.size + len(body.lines)`: exchange.JSON, `len(body.lines) + request.size`: exchange.JSON, `request.id`: exchange.None,
	} {
		p, diags := fromText(text, everything, Any)
		if diags.HasErrors() || p.Needs().Body != want {
			t.Errorf("%s: got %v, %v", text, p.Needs().Body, diags)
		}
	}
}
