package decisionlog

import (
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/open-policy-agent/opa/v1/ast"
)

// errTooLarge ends the writing of a value that makes its event too large.
var errTooLarge = errors.New("the event is too large")

// value writes a value as JSON, but for what m leaves out: objects in the order of their keys, sets as arrays in their
// order, numbers as they are written. It is an error for the event to become too large.
func (e *event) value(v ast.Value, m *mask) error {
	switch v := v.(type) {
	case ast.Null:
		e.buf = append(e.buf, "null"...)
	case ast.Boolean:
		e.buf = strconv.AppendBool(e.buf, bool(v))
	case ast.Number:
		e.buf = appendNumber(e.buf, string(v))
	case ast.String:
		e.buf = appendString(e.buf, string(v))
	case ast.Object:
		return e.members(v, m)
	case *ast.Array:
		return e.elements(v, m)
	case ast.Set:
		return e.elements(v.Sorted(), m)
	default: // no value of a decision; as Rego spells it
		e.buf = appendString(e.buf, v.String())
	}
	if len(e.buf) > maxEvent {
		return errTooLarge
	}
	return nil
}

func (e *event) members(v ast.Object, m *mask) error {
	outer, first := e.at, e.first
	e.at, e.first = m, true
	e.buf = append(e.buf, '{')
	err := v.Iter(e.member) // not a closure, which would be an allocation
	e.buf = append(e.buf, '}')
	e.at, e.first = outer, first
	return err
}

// writeMember writes one member of the object that is being written.
func (e *event) writeMember(key, value *ast.Term) error {
	name, ok := key.Value.(ast.String)
	if !ok {
		name = ast.String(nameOf(key))
	}
	m := e.at
	below := m.below(string(name))
	length := len(e.path)
	if m != nil {
		e.step(string(name))
	}
	var err error
	if below.erases(value.Value) {
		e.erase()
	} else {
		if !e.first {
			e.buf = append(e.buf, ',')
		}
		e.first = false
		e.buf = appendString(e.buf, string(name))
		e.buf = append(e.buf, ':')
		err = e.value(value.Value, below)
	}
	e.path = e.path[:length]
	return err
}

func (e *event) elements(v *ast.Array, m *mask) error {
	e.buf = append(e.buf, '[')
	first := true
	for i := range v.Len() {
		element := v.Elem(i).Value
		var below *mask
		length := len(e.path)
		if m != nil {
			index := strconv.Itoa(i)
			below = m.below(index)
			e.step(index)
		}
		if below.erases(element) {
			e.erase()
		} else {
			if !first {
				e.buf = append(e.buf, ',')
			}
			first = false
			if err := e.value(element, below); err != nil {
				return err
			}
		}
		e.path = e.path[:length]
	}
	e.buf = append(e.buf, ']')
	return nil
}

// step goes a name down. The path is a pointer as OPA's logs write it, percent-encoded.
func (e *event) step(name string) {
	e.path = append(e.path, '/')
	e.path = append(e.path, url.PathEscape(name)...)
}

// erase notes that what stands at the path is left out. More than a person reads is not listed one by one.
func (e *event) erase() {
	if len(e.erased) < maxErased {
		e.erased = append(e.erased, string(e.path))
	}
}

// maxErased bounds the places that an event lists as left out; further ones are left out all the same.
const maxErased = 100

// nameOf makes a member's name of a key that is no string: the JSON of it, as OPA does.
func nameOf(key *ast.Term) string {
	if v, err := ast.JSON(key.Value); err == nil {
		if text, err := json.Marshal(v); err == nil {
			return string(text)
		}
	}
	return key.String()
}

// appendNumber writes a number as it is; what JSON does not take for one, as the string it is: to_number makes numbers
// of texts such as 0x10.
func appendNumber(b []byte, n string) []byte {
	if isNumber(n) {
		return append(b, n...)
	}
	return appendString(b, n)
}

// isNumber says whether text is a number of JSON (RFC 8259, section 6).
func isNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole := digits(s)
	if whole == 0 || whole > 1 && s[0] == '0' {
		return false
	}
	s = s[whole:]
	if fraction, ok := strings.CutPrefix(s, "."); ok {
		n := digits(fraction)
		if n == 0 {
			return false
		}
		s = fraction[n:]
	}
	if s == "" {
		return true
	}
	if s[0] != 'e' && s[0] != 'E' {
		return false
	}
	s = s[1:]
	if s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	return s != "" && digits(s) == len(s)
}

// digits counts the digits that text begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}

const hexadecimal = "0123456789abcdef"

// appendString writes text as a string of JSON. What is no UTF-8 becomes U+FFFD, as encoding/json writes it.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || n != 1 {
				i += n
				continue
			}
		}
		b = append(b, s[start:i]...)
		switch {
		case c >= utf8.RuneSelf:
			b = append(b, "\ufffd"...)
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\r':
			b = append(b, '\\', 'r')
		case c == '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexadecimal[c>>4], hexadecimal[c&15])
		}
		i++
		start = i
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}
