package rule

import (
	"strings"
	"testing"
)

// The formats, at their edges.
func TestFormats(t *testing.T) {
	label := strings.Repeat("a", 63)
	for _, c := range []struct {
		is   func(string) bool
		name string
		yes  []string
		no   []string
	}{
		{isEmail, "email",
			[]string{"a@b.cd", "ada@shop.example", "o'neil+tag@a-b.example", "a.b.c@x.y.z", strings.Repeat("a", 64) + "@b.cd", "a@" + label + ".cd", "a@1.2.3.x4"},
			[]string{"", "@", "a@", "@b.cd", "a@b", ".a@b.cd", "a.@b.cd", "a..b@b.cd", "a b@c.de", "a@b@c.de", "a@-b.cd", "a@b-.cd", "a@b..cd", "a@b.cd.", "a@1.2.3.4", "a@[1.2.3.4]",
				strings.Repeat("a", 65) + "@b.cd", "a@" + label + "a.cd", "ä@b.cd", "a@bücher.example", "a\n@b.cd", "<a@b.cd>", "a@" + strings.Repeat(label+".", 4) + "cd"}},
		{isUUID, "uuid",
			[]string{"00000000-0000-0000-0000-000000000000", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"},
			[]string{"", "f81d4fae7dec11d0a76500a0c91e6bf6", "f81d4fae-7dec-11d0-a765-00a0c91e6bf", "f81d4fae-7dec-11d0-a765-00a0c91e6bfg", "f81d4fae-7dec-11d0-a76500a0c91e6bf6-", "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6", " f81d4fae-7dec-11d0-a765-00a0c91e6bf6"}},
		{isAddress, "ip",
			[]string{"192.0.2.1", "0.0.0.0", "::", "::1", "2001:db8::1", "::ffff:192.0.2.1"},
			[]string{"", "192.0.2", "192.0.2.256", "192.0.2.01", "192.0.2.1/32", "fe80::1%eth0", "[::1]", "::1::", " ::1", "2130706433"}},
		{func(s string) bool { _, ok := parseNetwork(s); return ok }, "cidr",
			[]string{"0.0.0.0/0", "10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32", "::/0", "::ffff:10.0.0.0/104"},
			[]string{"", "10.0.0.0", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "fe80::%eth0/10", "::ffff:0:0/95", "2001:db8::1/32"}},
		{isLuhn, "luhn",
			[]string{"18", "00", "4242424242424242", "4242 4242 4242 4242", "4242-4242-4242-4242", "3782 822463 10005", "79927398713"},
			[]string{"", "0", "5", "4242424242424241", "4242  4242 4242 4242", " 4242424242424242", "4242424242424242 ", "4242 - 4242", "424242424242424a", "４２", "-18", "79927398710"}},
		{isIBAN, "iban",
			[]string{"DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432", "FR1420041010050500013M02606", "NO9386011117947", "NO93 8601 1117 947", "MT84MALT011000012345MTLCAST001S", "BR1800360305000010009795493C1"},
			[]string{"", "DE", "DE89", "DE88370400440532013000", "de89370400440532013000", "DE8937040044053201300", "DE893704004405320130000", "XX89370400440532013000", "DE89  370400440532013000", "DE89 37040044 0532 0130 00", "DE89 3704 0044 0532 0130 00 ", "DE89-3704-0044-0532-0130-00", "DEA9370400440532013000", "GB82 WEST 1234 5698 7654 32 1"}},
		{isBase64, "base64",
			[]string{"", "AA==", "AAA=", "AAAA", "aGVsbG8=", "+/+/"},
			[]string{"A", "AA", "AAA", "AB==", "AAB=", "AA=A", "A===", "====", "AAAA====", "AA AA", "AAAA\n", "_-_-", "AA=="[:3]}},
		{func(s string) bool { _, ok := parseTime(s); return ok }, "date",
			[]string{"2026-11-01", "2024-02-29", "2026-11-01T12:00:00Z", "2026-11-01t12:00:00z", "2026-11-01T12:00:00.123456789+23:59", "0000-01-01"},
			[]string{"", "2026-02-29", "2026-13-01", "2026-11-1", "26-11-01", "2026-11-01T12:00:00", "2026-11-01 12:00:00Z", "2026-11-01T24:00:00Z", "2026-11-01T12:00:00,5Z", "2026-11-01T1:00:00Z", "2026-11-01T12:00Z", "20261101", "2026-11-01T12:00:00+1:00"}},
		{func(s string) bool { _, ok := parseDuration(s); return ok }, "duration",
			[]string{"0", "90s", "1h30m", "-5m", "7d", "106751d", "1.5h"},
			[]string{"", "7", "1 day", "d", "1.5d", "106752d", "P1D", "300y", "10000000000h"}},
	} {
		for _, s := range c.yes {
			if !c.is(s) {
				t.Errorf("%s: %q was not taken", c.name, s)
			}
		}
		for _, s := range c.no {
			if c.is(s) {
				t.Errorf("%s: %q was taken", c.name, s)
			}
		}
	}
}

// No text makes a format panic, and none takes long.
func FuzzFormats(f *testing.F) {
	for _, s := range []string{"", "a@b.cd", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "::ffff:10.0.0.0/104", "4242 4242", "DE89 3704 0044 0532 0130 00", "aGVsbG8=", "2026-11-01t12:00:00z", "7d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, is := range []func(string) bool{isEmail, isUUID, isAddress, isLuhn, isIBAN, isBase64} {
			is(s)
		}
		if p, ok := parseNetwork(s); ok && p.Masked() != p {
			t.Errorf("%s is no network", s)
		}
		if at, ok := parseTime(s); ok && (at.Unix() < firstSecond || at.Unix() > lastSecond) {
			t.Errorf("%s is %s", s, at)
		}
		parseDuration(s)
	})
}
