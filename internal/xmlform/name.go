package xmlform

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// isName says whether s is a name of XML 1.0 without a colon (Namespaces in XML 1.0, NCName).
func isName(s string) bool {
	for i, r := range s {
		if !starts(r) && (i == 0 || !continues(r)) {
			return false
		}
	}
	return s != "" && utf8.ValidString(s)
}

// starts says whether a name may begin with r (XML 1.0, production 4, without the colon).
func starts(r rune) bool {
	switch {
	case r < utf8.RuneSelf:
		return r|0x20 >= 'a' && r|0x20 <= 'z' || r == '_'
	case r <= 0x2FF:
		return r >= 0xC0 && r != 0xD7 && r != 0xF7
	case r <= 0x1FFF:
		return r >= 0x370 && r != 0x37E
	}
	return r >= 0x200C && r <= 0x200D || r >= 0x2070 && r <= 0x218F || r >= 0x2C00 && r <= 0x2FEF || r >= 0x3001 && r <= 0xD7FF ||
		r >= 0xF900 && r <= 0xFDCF || r >= 0xFDF0 && r <= 0xFFFD || r >= 0x10000 && r <= 0xEFFFF
}

// continues says whether r may stand in a name behind its first character though no name begins with it (production 4a).
func continues(r rune) bool {
	return r == '-' || r == '.' || r >= '0' && r <= '9' || r == 0xB7 || r >= 0x300 && r <= 0x36F || r >= 0x203F && r <= 0x2040
}

// noName spells the name that has no characters: JSON knows it, and no name has the noncharacter U+FFFF.
const noName = "_xFFFF_"

// appendName spells any text as a name: a character that no name has where it stands becomes _xHHHH_, its number in
// UTF-16, as ISO/IEC 9075-14 spells names of SQL; so does an underscore that would be taken for the beginning of such.
func appendName(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, noName...)
	}
	for i, r := range s {
		switch {
		case r == '_' && number(s[i:]) >= 0:
			dst = appendEscape(dst, '_')
		case starts(r) || i > 0 && continues(r):
			dst = utf8.AppendRune(dst, r)
		case r > 0xFFFF:
			r -= 0x10000
			dst = appendEscape(appendEscape(dst, 0xD800+r>>10), 0xDC00+r&0x3FF)
		default:
			dst = appendEscape(dst, r)
		}
	}
	return dst
}

func appendEscape(dst []byte, r rune) []byte {
	const hex = "0123456789ABCDEF"
	return append(dst, '_', 'x', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15], '_')
}

// number gives the number of an _xHHHH at the beginning of s, -1 if there is none.
func number(s string) rune {
	if len(s) < 6 || s[0] != '_' || s[1] != 'x' {
		return -1
	}
	n, err := strconv.ParseUint(s[2:6], 16, 16)
	if err != nil {
		return -1
	}
	return rune(n)
}

// nameOf is what appendName spelt. It gives false for a name that appendName does not write.
func nameOf(name string) (string, bool) {
	if name == noName {
		return "", true
	}
	if !strings.Contains(name, "_x") {
		return name, true
	}
	var b strings.Builder
	high := rune(-1)
	for i := 0; i < len(name); {
		r, size := utf8.DecodeRuneInString(name[i:])
		if n := number(name[i:]); n >= 0 && len(name) > i+6 && name[i+6] == '_' {
			r, size = n, 7
		}
		i += size
		switch {
		case r >= 0xD800 && r < 0xDC00:
			high = r
			continue
		case high >= 0:
			r = 0x10000 + (high-0xD800)<<10 + (r - 0xDC00)
			high = -1
		}
		if r >= ' ' && !character(r) {
			return "", false
		}
		b.WriteRune(r)
	}
	s := b.String()
	return s, string(appendName(nil, s)) == name
}
