package accesslog

import "unicode/utf8"

// plain are the bytes that stand in a string of JSON for themselves, without a look at their neighbours.
var plain = func() (is [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		is[c] = c != '"' && c != '\\'
	}
	return is
}()

// harmless are those of them without which a text has no credential: a parameter of a query has "=", and an API key "_".
var harmless = func() [256]bool {
	is := plain
	is['='], is['_'] = false, false
	return is
}()

// allOf says whether a text has no other bytes, as most have.
func allOf(bytes *[256]bool, s string) bool {
	for i := range len(s) {
		if !bytes[s[i]] {
			return false
		}
	}
	return true
}

const digits = "0123456789abcdef"

// escaped writes the inside of a string. What is no UTF-8 becomes U+FFFD.
func escaped(to []byte, s string) []byte {
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if plain[c] {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || size != 1 {
				i += size
				continue
			}
		}
		to = append(to, s[done:i]...)
		i++
		done = i
		switch {
		case c >= utf8.RuneSelf:
			to = append(to, `\ufffd`...)
		case c == '"' || c == '\\':
			to = append(to, '\\', c)
		case c == '\n':
			to = append(to, `\n`...)
		case c == '\r':
			to = append(to, `\r`...)
		case c == '\t':
			to = append(to, `\t`...)
		default:
			to = append(to, `\u00`...)
			to = append(to, digits[c>>4], digits[c&15])
		}
	}
	return append(to, s[done:]...)
}
