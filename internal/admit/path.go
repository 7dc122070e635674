package admit

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// plain holds the bytes that stand for themselves in a segment: pchar of RFC 3986, section 3.3, without the percent
// sign and without the semicolon, which some servers take for the start of a parameter and drop.
var plain = func() (t [256]bool) {
	for _, c := range "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,=:@" {
		t[c] = true
	}
	return t
}()

// Path brings an escaped path into its one canonical form: split on the literal slash, each segment decoded once
// and encoded anew, no slash at the end. The canonical form is a fixed point, and cleaning its decoded form changes
// nothing, so that nobody downstream can see another path in it. What could be read in two ways is a 400.
//
// The segments are appended to into[:0], which may be nil. A path of plain ASCII costs no other allocation.
func Path(escaped string, into []string) (exchange.Path, *problem.Problem) {
	if escaped == "" || escaped == "/" {
		return exchange.Path{Escaped: "/"}, nil
	}
	if escaped[0] != '/' {
		return exchange.Path{}, ambiguous("the path does not start with a slash")
	}
	if escaped[len(escaped)-1] == '/' {
		escaped = escaped[:len(escaped)-1]
	}
	slashes, dirty := 0, false
	for i := 0; i < len(escaped); i++ {
		if escaped[i] == '/' {
			slashes++
		} else if !plain[escaped[i]] {
			dirty = true
		}
	}
	segments := into[:0]
	if cap(segments) < slashes {
		segments = make([]string, 0, slashes)
	}
	for rest := escaped[1:]; ; {
		segment, more, found := strings.Cut(rest, "/")
		if dirty {
			var p *problem.Problem
			if segment, p = decode(segment); p != nil {
				return exchange.Path{}, p
			}
		}
		if segment == "" {
			return exchange.Path{}, ambiguous("the path has an empty segment")
		}
		if segment[0] == '.' || segment[0] == ' ' {
			// Three dots, and dots with spaces, are as good as two to some file systems.
			if strings.Trim(segment, ". ") == "" {
				return exchange.Path{}, ambiguous("the path has a dot segment")
			}
		}
		segments = append(segments, segment)
		if !found {
			break
		}
		rest = more
	}
	if dirty {
		escaped = encode(segments)
	}
	return exchange.Path{Escaped: escaped, Segments: segments}, nil
}

// decode decodes a segment once and refuses what a second reader could take for something else.
func decode(segment string) (string, *problem.Problem) {
	simple := true
	for i := 0; i < len(segment); i++ {
		if !plain[segment[i]] {
			simple = false
			break
		}
	}
	if simple {
		return segment, nil
	}
	b := make([]byte, 0, len(segment))
	for i := 0; i < len(segment); i++ {
		c := segment[i]
		switch c {
		case '%':
			if !escape(segment[i:]) {
				return "", ambiguous("the path has a percent sign without two hexadecimal digits")
			}
			c = unhex(segment[i+1])<<4 | unhex(segment[i+2])
			i += 2
		case ' ', '#', '?':
			return "", ambiguous("the path has a byte that has to be encoded")
		}
		switch c {
		case '/', '\\':
			return "", ambiguous("the path has an encoded slash or a backslash")
		case ';':
			return "", ambiguous("the path has a semicolon")
		}
		b = append(b, c)
	}
	if !utf8.Valid(b) {
		return "", ambiguous("the path is not UTF-8")
	}
	decoded := string(b)
	for i, r := range decoded {
		if unicode.IsControl(r) {
			return "", ambiguous("the path has a control character")
		}
		if r == '%' && escape(decoded[i:]) {
			return "", ambiguous("the path is encoded twice")
		}
	}
	return decoded, nil
}

func encode(segments []string) string {
	var b strings.Builder
	n := 0
	for _, s := range segments {
		n += len(s) + 1
	}
	b.Grow(n + 16)
	for _, s := range segments {
		b.WriteByte('/')
		for i := 0; i < len(s); i++ {
			if c := s[i]; plain[c] {
				b.WriteByte(c)
			} else {
				b.WriteByte('%')
				b.WriteByte(digits[c>>4])
				b.WriteByte(digits[c&15])
			}
		}
	}
	return b.String()
}

const digits = "0123456789ABCDEF"

// escape says whether s starts with a percent sign and two hexadecimal digits.
func escape(s string) bool {
	return len(s) > 2 && s[0] == '%' && isHex(s[1]) && isHex(s[2])
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	}
	return c - '0'
}

func ambiguous(detail string) *problem.Problem {
	return problem.New(problem.AmbiguousPath, detail)
}
