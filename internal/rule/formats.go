package rule

import (
	"encoding/base64"
	"net/netip"
	"strings"
)

// isEmail takes an address as people have them: letters, digits and RFC 5322's other characters of an atom, with dots
// between, before the @, at most 64 (RFC 5321, section 4.5.3.1.1); behind it a host name of two labels or more. Quoted
// names, comments, address literals and letters beyond ASCII are not taken.
func isEmail(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	if !ok || len(s) > 254 || len(local) > 64 || strings.IndexByte(domain, '.') < 0 {
		return false
	}
	for atom := range strings.SplitSeq(local, ".") {
		if atom == "" {
			return false
		}
		for i := range len(atom) {
			if c := atom[i]; !letterOrDigit(c) && strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) < 0 {
				return false
			}
		}
	}
	return isHostName(domain)
}

// isHostName takes host names as RFC 1123, section 2.1, has them, whose last label is no number.
func isHostName(s string) bool {
	if len(s) > 253 {
		return false
	}
	last := ""
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if c := label[i]; !letterOrDigit(c) && c != '-' {
				return false
			}
		}
		last = label
	}
	return strings.Trim(last, "0123456789") != ""
}

func letterOrDigit(c byte) bool { return c-'0' <= 9 || c|0x20-'a' <= 25 }

// isUUID takes the form of RFC 9562, section 4, in letters of either case, whatever its version.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if c-'0' > 9 && c|0x20-'a' > 5 {
			return false
		}
	}
	return true
}

// isAddress takes IPv4 and IPv6 addresses without a zone.
func isAddress(s string) bool { return parseAddress(s).IsValid() }

// parseAddress reads an address, one of IPv4 in the clothes of IPv6 (::ffff:10.0.0.1) as what it is; none is not valid.
func parseAddress(s string) netip.Addr {
	if len(s) > maxFormat {
		return netip.Addr{}
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}
	}
	return a.Unmap()
}

// parseNetwork reads a network whose address has no bit set behind the prefix: 10.0.0.1/8 is no network. One of
// ::ffff:0:0/96 is the IPv4 network that it means.
func parseNetwork(s string) (netip.Prefix, bool) {
	if len(s) > maxFormat {
		return netip.Prefix{}, false
	}
	p, err := netip.ParsePrefix(s)
	if err != nil || p.Masked() != p {
		return netip.Prefix{}, false
	}
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return netip.Prefix{}, false
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p, true
}

// isLuhn takes two digits or more whose check digit is right (ISO/IEC 7812-1, annex B), in groups with single spaces or
// hyphens between as cards have them.
func isLuhn(s string) bool {
	if len(s) > maxFormat {
		return false
	}
	sum, digits, separated := 0, 0, true // as if at an end, where no separator may stand
	for i := len(s) - 1; i >= 0; i-- {
		c := s[i]
		if c == ' ' || c == '-' {
			if separated {
				return false
			}
			separated = true
			continue
		}
		if c-'0' > 9 {
			return false
		}
		d := int(c - '0')
		if digits++; digits%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum, separated = sum+d, false
	}
	return digits >= 2 && !separated && sum%10 == 0
}

// isBase64 takes the alphabet of RFC 4648, section 4, padded, in one line, its unused bits zero. No text is no data, and taken.
func isBase64(s string) bool {
	if s == "" || len(s)%4 != 0 {
		return s == ""
	}
	padding := len(s) - len(strings.TrimRight(s, "="))
	for i := range len(s) - padding {
		if c := s[i]; !letterOrDigit(c) && c != '+' && c != '/' {
			return false
		}
	}
	var last [3]byte
	_, err := base64.StdEncoding.Strict().Decode(last[:], []byte(s[len(s)-4:]))
	return padding <= 2 && err == nil
}

// isIBAN takes an IBAN (ISO 13616) in capitals, as one word or in groups of four: of a country that has them, of its
// length, its remainder by 97 being 1.
func isIBAN(s string) bool {
	if len(s) > maxFormat {
		return false
	}
	var compact [34]byte
	n := 0
	grouped := strings.IndexByte(s, ' ') >= 0
	for i := range len(s) {
		if grouped && i%5 == 4 {
			if s[i] != ' ' || i == len(s)-1 {
				return false
			}
			continue
		}
		c := s[i]
		if n == len(compact) || c-'0' > 9 && c-'A' > 25 {
			return false
		}
		compact[n], n = c, n+1
	}
	if n < 5 || ibanLengths[string(compact[:2])] != n || compact[2]-'0' > 9 || compact[3]-'0' > 9 {
		return false
	}
	rest := 0
	for i := range n {
		c := compact[(i+4)%n]
		if c-'0' <= 9 {
			rest = (rest*10 + int(c-'0')) % 97
		} else {
			rest = (rest*100 + int(c-'A') + 10) % 97
		}
	}
	return rest == 1
}

// ibanLengths are the lengths of IBANs by country, from the registry that SWIFT keeps for ISO 13616.
var ibanLengths = map[string]int{
	"AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29, "BY": 28,
	"CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18,
	"FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HN": 28, "HR": 21, "HU": 28,
	"IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20,
	"LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28,
	"NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24,
	"SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26,
	"UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}
