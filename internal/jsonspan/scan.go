package jsonspan

import (
	"encoding/binary"
	"math/bits"
)

// Space gives the first position from i on that is not white space, len(b) if there is none.
func Space(b []byte, i int) int {
	for i < len(b) && b[i] <= ' ' && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// Constants that treat a word as eight bytes.
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// zeros has the high bit of each byte of w that is zero. Bytes above the lowest such byte may be marked falsely.
func zeros(w uint64) uint64 { return (w - ones) & ^w & highs }

// String gives the end of the string that begins at b[i], which must be its opening quote, and says whether it has
// escapes. The end is -1 where the string is not closed.
func String(b []byte, i int) (end int, escaped bool) {
	i++
	for {
		for i+8 <= len(b) {
			w := binary.LittleEndian.Uint64(b[i:])
			if m := zeros(w^ones*'"') | zeros(w^ones*'\\'); m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				break
			}
			i += 8
		}
		for i < len(b) && b[i] != '"' && b[i] != '\\' {
			i++
		}
		if i >= len(b) {
			return -1, escaped
		}
		if b[i] == '"' {
			return i + 1, escaped
		}
		escaped = true
		i += 2
	}
}

// Classes of bytes, for Value.
const (
	plain   = iota
	opens   // { [
	closes  // } ]
	quote   // "
	divides // white space and comma
)

var class = func() (t [256]uint8) {
	t['{'], t['['] = opens, opens
	t['}'], t[']'] = closes, closes
	t['"'] = quote
	t[' '], t['\n'], t['\t'], t['\r'], t[','] = divides, divides, divides, divides, divides
	return t
}()

// Value gives the end of the value that begins at b[i], -1 where there is none.
func Value(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch class[b[i]] {
	case quote:
		end, _ := String(b, i)
		return end
	case opens:
		return container(b, i)
	case plain:
		if b[i] == ':' {
			return -1
		}
		for i < len(b) && class[b[i]] == plain {
			i++
		}
		return i
	}
	return -1
}

// container gives the end of the object or array that begins at b[i], -1 where it is not closed. It is where most of
// a large message is passed over, so short strings, most of them names, are passed without a call.
func container(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch class[b[i]] {
		case opens:
			depth++
		case closes:
			if depth--; depth == 0 {
				return i + 1
			}
		case quote:
			if i+9 <= len(b) {
				w := binary.LittleEndian.Uint64(b[i+1:])
				if m := zeros(w^ones*'"') | zeros(w^ones*'\\'); m != 0 {
					if k := i + 1 + bits.TrailingZeros64(m)>>3; b[k] == '"' {
						i = k + 1
						continue
					}
				}
			}
			if i, _ = String(b, i); i < 0 {
				return -1
			}
			continue
		}
		i++
	}
	return -1
}
