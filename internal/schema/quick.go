package schema

import (
	"regexp/syntax"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// format is a format that strings are held to. The library decides; what quick knows to be right is not asked again,
// for the library takes strings, and splits most of them.
type format struct {
	name  string
	quick func([]byte) bool // nil for none; says true only where the library does
	valid func(any) error
}

func newFormat(of *jsonschema.Format) *format {
	if of.Name == "regex" {
		return &format{name: of.Name, valid: isExpression}
	}
	return &format{name: of.Name, quick: quick[of.Name], valid: of.Validate}
}

// isExpression reads a regular expression without compiling it: a few bytes of a client's can make a program of many
// megabytes.
func isExpression(v any) error {
	s, ok := v.(string)
	if !ok {
		return nil
	}
	_, err := syntax.Parse(s, syntax.Perl)
	return err
}

// formatted says whether content is of a format.
func (e *evaluator) formatted(f *format, content []byte) bool {
	if f.quick != nil && f.quick(content) {
		return true
	}
	return e.spend(1+len(content)>>1) && f.valid(string(content)) == nil
}

// quick knows the spellings that most messages have.
var quick = map[string]func([]byte) bool{
	"uuid": quickUUID, "date": quickDate, "date-time": quickDateTime, "email": quickEmail, "hostname": quickHostname,
	"ipv4": quickIPv4, "uri": quickURI, "uri-reference": quickURI, "iri": quickURI, "iri-reference": quickURI,
}

func quickUUID(s []byte) bool {
	if len(s) != 36 {
		return false
	}
	for i, ch := range s {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if ch != '-' {
				return false
			}
		} else if !isHex(ch) {
			return false
		}
	}
	return true
}

func isHex(ch byte) bool { return ch-'0' <= 9 || ch|0x20 >= 'a' && ch|0x20 <= 'f' }

// shaped says whether s has digits where shape has 0, and else what shape has.
func shaped(s []byte, shape string) bool {
	if len(s) < len(shape) {
		return false
	}
	for i := range len(shape) {
		if shape[i] == '0' && s[i]-'0' > 9 || shape[i] != '0' && s[i] != shape[i] {
			return false
		}
	}
	return true
}

func two(s []byte) int { return int(s[0]-'0')*10 + int(s[1]-'0') }

func quickDate(s []byte) bool {
	if len(s) != len("2006-01-02") || !shaped(s, "0000-00-00") {
		return false
	}
	month, day := two(s[5:]), two(s[8:])
	return month >= 1 && month <= 12 && day >= 1 && day <= 28
}

func quickDateTime(s []byte) bool {
	if !shaped(s, "0000-00-00T00:00:00") || !quickDate(s[:10]) || two(s[11:]) > 23 || two(s[14:]) > 59 || two(s[17:]) > 59 {
		return false
	}
	s = s[19:]
	if len(s) > 1 && s[0] == '.' {
		n := 1
		for n < len(s) && s[n]-'0' <= 9 {
			n++
		}
		if n == 1 {
			return false
		}
		s = s[n:]
	}
	if len(s) == 1 {
		return s[0] == 'Z'
	}
	return len(s) == 6 && (s[0] == '+' || s[0] == '-') && shaped(s[1:], "00:00") && two(s[1:]) <= 23 && two(s[4:]) <= 59
}

func isAlphanumeric(ch byte) bool { return ch-'0' <= 9 || ch|0x20 >= 'a' && ch|0x20 <= 'z' }

func quickHostname(s []byte) bool {
	if len(s) == 0 || len(s) > 253 {
		return false
	}
	label := 0
	for i, ch := range s {
		switch {
		case isAlphanumeric(ch):
			label++
		case ch == '-' && label > 0 && i+1 < len(s) && s[i+1] != '.':
			label++
		case ch == '.' && label > 0 && i+1 < len(s):
			label = 0
			continue
		default:
			return false
		}
		if label > 63 {
			return false
		}
	}
	return true
}

func quickEmail(s []byte) bool {
	if len(s) > 254 {
		return false
	}
	for i, ch := range s {
		switch {
		case isAlphanumeric(ch) || ch == '_' || ch == '-' || ch == '+':
		case ch == '.' && i > 0 && s[i-1] != '.' && i+1 < len(s) && s[i+1] != '@':
		case ch == '@' && i > 0 && i <= 64:
			return quickHostname(s[i+1:])
		default:
			return false
		}
		if i+1 == len(s) {
			return false
		}
	}
	return false
}

func quickIPv4(s []byte) bool {
	n, value, groups := 0, 0, 1
	for i, ch := range s {
		switch {
		case ch-'0' <= 9 && (n == 0 || value > 0):
			n++
			if value = 10*value + int(ch-'0'); value > 255 {
				return false
			}
		case ch == '.' && n > 0 && i+1 < len(s):
			n, value = 0, 0
			groups++
		default:
			return false
		}
	}
	return n > 0 && groups == 4
}

// quickURI knows https and http with a name, and a path and a query of the plainest characters.
func quickURI(s []byte) bool {
	const https, http = "https://", "http://"
	switch {
	case len(s) > len(https) && string(s[:len(https)]) == https:
		s = s[len(https):]
	case len(s) > len(http) && string(s[:len(http)]) == http:
		s = s[len(http):]
	default:
		return false
	}
	i := 0
	for i < len(s) && (isAlphanumeric(s[i]) || s[i] == '-' || s[i] == '.') {
		i++
	}
	if i == 0 || i < len(s) && s[i] != '/' {
		return false
	}
	for _, ch := range s[i:] {
		if !isAlphanumeric(ch) && ch != '-' && ch != '.' && ch != '_' && ch != '~' && ch != '/' && ch != '?' && ch != '=' && ch != '&' {
			return false
		}
	}
	return true
}
