package apidoc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode"
	"unicode/utf16"
)

// asYAML gives a file's text as a reader of YAML takes it. JSON is a part of YAML but for two things: characters beyond 16
// bits that are escaped as two surrogates, and tabs between values. What stands in their place is as long, so that all
// else keeps its place.
func asYAML(src []byte) []byte {
	if first := bytes.TrimLeft(src, " \t\r\n"); len(first) == 0 || first[0] != '{' || !bytes.ContainsAny(src, "\t\\") || !json.Valid(src) {
		return src
	}
	out := bytes.Clone(src)
	for i := 0; i < len(out); i++ {
		switch out[i] {
		case '\t':
			out[i] = ' '
		case '"':
			i = plainString(out, i)
		}
	}
	return out
}

// plainString rewrites the string that begins at b[i], and gives where it ends, with the blanks behind it.
func plainString(b []byte, i int) int {
	to, blanks := i+1, 0
	for from := i + 1; ; {
		switch {
		case b[from] == '"':
			b[to] = '"'
			for k := to + 1; k <= from; k++ {
				b[k] = ' '
			}
			return to + blanks
		case b[from] == '\\':
			// Two halves that are no pair stay as they are, and are told as a mistake.
			if pair := utf16.DecodeRune(escaped(b[from:]), escaped(b[min(from+6, len(b)):])); pair != unicode.ReplacementChar {
				to += copy(b[to:], fmt.Sprintf(`\U%08x`, pair))
				from, blanks = from+12, blanks+2
				continue
			}
			b[to], b[to+1] = b[from], b[from+1]
			from, to = from+2, to+2
		default:
			b[to] = b[from]
			from, to = from+1, to+1
		}
	}
}

// escaped gives the character that \uHHHH at the beginning of b stands for, 0 for nothing such.
func escaped(b []byte) rune {
	var n rune
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0
	}
	if _, err := fmt.Sscanf(string(b[2:6]), "%x", &n); err != nil {
		return 0
	}
	return n
}
