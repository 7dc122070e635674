package jsonspan

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Text is what the string raw, quotes included, spells.
func Text(raw []byte) string {
	if len(raw) >= 2 && bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	return string(AppendText(nil, raw))
}

// AppendText appends what the string raw, quotes included, spells to dst.
func AppendText(dst, raw []byte) []byte {
	if len(raw) < 2 {
		return dst
	}
	raw = raw[1 : len(raw)-1]
	for len(raw) > 0 {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 || i+1 >= len(raw) {
			return append(dst, raw...)
		}
		dst = append(dst, raw[:i]...)
		raw = raw[i:]
		n := 2
		switch ch := raw[1]; ch {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r := hex4(raw)
			if r < 0 {
				return append(dst, raw...)
			}
			n = 6
			if utf16.IsSurrogate(r) {
				if r = utf16.DecodeRune(r, hex4(raw[6:])); r != utf8.RuneError {
					n = 12
				}
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, ch)
		}
		raw = raw[n:]
	}
	return dst
}

// AppendQuote appends text as a JSON string to dst, escaping only what must be.
func AppendQuote[T string | []byte](dst []byte, text T) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(text); i++ {
		switch ch := text[i]; {
		case ch == '"', ch == '\\':
			dst = append(dst, '\\', ch)
		case ch < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hex[ch>>4], hex[ch&15])
		default:
			dst = append(dst, ch)
		}
	}
	return append(dst, '"')
}

// AppendScalar appends to dst a spelling of the string, number, boolean or null raw that any two have in common
// exactly if their values are equal: 1e2 is 100, 1.50 is 1.5, -0 is 0, "\u0061" is "a". Numbers are compared as
// decimals and never rounded.
func AppendScalar(dst, raw []byte) []byte {
	switch {
	case len(raw) == 0:
		return dst
	case raw[0] == '"':
		return AppendText(append(dst, '"'), raw)
	case raw[0] != '-' && raw[0]-'0' > 9:
		return append(dst, raw...)
	}
	mark := len(dst)
	if raw[0] == '-' {
		dst, raw = append(dst, '-'), raw[1:]
	}
	first := len(dst)
	exponent, fraction := 0, false
	for i, ch := range raw {
		if ch|0x20 == 'e' {
			exponent += power(raw[i+1:])
			break
		}
		if ch == '.' {
			fraction = true
			continue
		}
		if fraction {
			exponent--
		}
		if ch != '0' || len(dst) > first {
			dst = append(dst, ch)
		}
	}
	for len(dst) > first && dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
		exponent++
	}
	if len(dst) == first {
		return append(dst[:mark], '0')
	}
	return strconv.AppendInt(append(dst, 'e'), int64(exponent), 10)
}

// power reads the exponent of a number. Only a zero has one beyond nine figures that Check accepts, not counting the zeros
// that it may begin with.
func power(raw []byte) int {
	negative := len(raw) > 0 && raw[0] == '-'
	n := 0
	for _, ch := range raw {
		if ch-'0' <= 9 {
			n = min(10*n+int(ch-'0'), 1_000_000_000)
		}
	}
	if negative {
		return -n
	}
	return n
}
