package jsonspan

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// hasEscapes is what an index notes of a string that has escapes.
const hasEscapes = 1

// control marks the bytes of w that need a closer look inside a string: quotes, backslashes, control bytes and all
// that is not ASCII. The lowest mark is true. What a subtraction marks falsely in one byte is not ASCII, and so marked
// anyway, or lies above a true mark.
func control(w uint64) uint64 {
	return (((w ^ ones*'"') - ones) | ((w ^ ones*'\\') - ones) | (w - ones*0x20) | w) & highs
}

// short gives how many bytes the string has whose opening quote is b[i], and the eight bytes behind that, if the string
// ends among them and needs no closer look; otherwise -1.
func short(b []byte, i int) (w uint64, size int) {
	if len(b)-i <= 8 {
		return 0, -1
	}
	w = binary.LittleEndian.Uint64(b[i+1:])
	m := control(w)
	if at := bits.TrailingZeros64(m) & 56; m != 0 && byte(w>>at) == '"' {
		return w, at >> 3
	}
	return 0, -1
}

// checkString gives the end of the string whose opening quote is b[i] and whether it has escapes, or where and what is
// wrong with it.
func checkString(b []byte, i int) (end int, escaped uint32, detail string) {
	rest := b[i+1:]
	for {
		for len(rest) >= 8 {
			m := control(binary.LittleEndian.Uint64(rest))
			if m == 0 {
				rest = rest[8:]
				continue
			}
			if rest = rest[bits.TrailingZeros64(m)>>3:]; rest[0] == '"' { // as most strings end
				return len(b) - len(rest) + 1, escaped, ""
			}
			break
		}
		i = len(b) - len(rest)
		if len(rest) == 0 {
			return i, escaped, "a string is not closed"
		}
		n := 1
		switch ch := rest[0]; {
		case ch == '"':
			return i + 1, escaped, ""
		case ch == '\\':
			escaped = hasEscapes
			if n, detail = checkEscape(rest); detail != "" {
				return i, escaped, detail
			}
		case ch < 0x20:
			return i, escaped, "a control byte in a string must be written as an escape"
		case ch >= utf8.RuneSelf:
			var r rune
			if r, n = utf8.DecodeRune(rest); r == utf8.RuneError && n <= 1 {
				return i, escaped, "the bytes are not UTF-8"
			} else if noncharacter(r) {
				return i, escaped, noncharacters
			}
		}
		rest = rest[n:]
	}
}

const noncharacters = "a string may not contain a Unicode noncharacter"

func noncharacter(r rune) bool { return r&0xFFFE == 0xFFFE || r >= 0xFDD0 && r <= 0xFDEF }

// checkEscape gives the length of the escape that b begins with; two escapes that make a surrogate pair are one.
func checkEscape(b []byte) (n int, detail string) {
	const unknown, alone = "an escape in a string is not one of JSON's", "a surrogate stands alone in a string"
	if len(b) < 2 {
		return 0, "a string is not closed"
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, ""
	case 'u':
	default:
		return 0, unknown
	}
	r := hex4(b)
	switch {
	case r < 0:
		return 0, unknown
	case r >= 0xDC00 && r <= 0xDFFF:
		return 0, alone
	case r >= 0xD800 && r <= 0xDBFF:
		low := hex4(b[6:])
		if low < 0xDC00 || low > 0xDFFF {
			return 0, alone
		}
		r = 0x10000 + (r-0xD800)<<10 + (low - 0xDC00)
		n = 6
	}
	if noncharacter(r) {
		return 0, noncharacters
	}
	return n + 6, ""
}

// hex4 gives the code unit of the \uXXXX that b begins with, -1 if it does not.
func hex4(b []byte) rune {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	var r rune
	for _, ch := range b[2:6] {
		switch {
		case ch >= '0' && ch <= '9':
			ch -= '0'
		case ch >= 'a' && ch <= 'f':
			ch -= 'a' - 10
		case ch >= 'A' && ch <= 'F':
			ch -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(ch)
	}
	return r
}
