// Package webform reads the bodies of web forms, application/x-www-form-urlencoded and multipart/form-data, as JSON
// documents of a known shape, and writes them again. A field is a number, a boolean, a list or an object because the
// schema says so, never because it looks like it. What two readers could read differently is refused, and what goes on is
// written anew, in one spelling.
package webform

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/xmlform"
)

// Bounds of a form.
const (
	maxFields = 1000 // fields, those of the same name each for itself
	maxName   = 256  // bytes of a name
	maxNested = 8    // names within each other: address[city] has two
)

// Error says what is wrong with a form. Detail quotes nothing of it, so that it can be shown to a client and written to a
// log.
type Error struct {
	Pointer string // to the member, as a JSON pointer (RFC 6901); "" where it is not known
	Detail  string
	// Shape says that the form is well formed, but not what the schema describes; Twice, that this is so because of a field
	// that takes one value and is there several times; Media, that something in it has a type that is not taken; Large, that
	// something in it is too large.
	Shape, Twice, Media, Large bool
}

func (e *Error) Error() string { return e.Detail }

// ErrTooLarge means that the JSON document would be larger than asked for.
var ErrTooLarge = errors.New("the form's JSON is too large")

func malformed(detail string) *Error { return &Error{Detail: detail} }

func misshapen(way []string, detail string) *Error {
	return &Error{Pointer: jsonspan.Join(way), Detail: detail, Shape: true}
}

// Shape is what the fields of a form are. It is immutable and serves many requests at once.
type Shape struct {
	root *xmlform.Value
}

// anyText is what is not told by name.
var anyText = &xmlform.Value{Text: true}

// NewShape makes the shape of what a self-contained JSON Schema describes; references in it are "#" or begin with "#/".
// The error is xmlform.Mistakes, or the schema is no JSON.
func NewShape(name string, schema []byte) (*Shape, error) {
	root, err := xmlform.Describe(name, schema)
	if err != nil {
		return nil, err
	}
	if !root.Object {
		return nil, xmlform.Mistakes{{Schema: name, Detail: "a form is an object, and this is none"}}
	}
	return &Shape{root}, nil
}

// Member gives what the schema says of a field that it names; nil where it does not.
func (s *Shape) Member(name string) *xmlform.Value { return s.root.Members[name] }

// Members are the fields that the schema names, in their order.
func (s *Shape) Members() []string { return s.root.Names() }

// value is one field as it came.
type value struct {
	text []byte
	json bool // it is JSON, which has been checked
	file *File
}

// entry is what came under a name: values, or entries of names within it.
type entry struct {
	values  []value
	bracket bool // the values were written as name[]
	names   []string
	within  map[string]*entry
}

// fields are a form as it came, in the order in which each name came first.
type fields struct {
	shape *Shape
	top   entry
	count int
}

// add notes a field.
func (f *fields) add(name string, one value) *Error {
	switch {
	case name == "":
		return malformed("a field needs a name")
	case len(name) > maxName || !utf8.ValidString(name) || strings.ContainsFunc(name, control):
		return malformed(fmt.Sprintf("a field's name has at most %d bytes, in UTF-8 and without control characters", maxName))
	case strings.EqualFold(name, "_charset_") && !strings.EqualFold(string(one.text), "utf-8"):
		return malformed("a form is UTF-8, whatever its field _charset_ says")
	}
	way, err := f.way(name)
	if err != nil {
		return err
	}
	if !utf8.Valid(one.text) && one.file == nil {
		return &Error{Pointer: jsonspan.Join(way), Detail: "must be valid UTF-8"}
	}
	if f.count++; f.count > maxFields {
		return malformed(fmt.Sprintf("a form may have %d fields at most", maxFields))
	}
	at, bracket := &f.top, false
	for i, token := range way {
		if i > 0 && i == len(way)-1 && token == "" {
			bracket = true
			break
		}
		if len(at.values) > 0 {
			return mixed(way)
		}
		if at.within[token] == nil {
			if at.within == nil {
				at.within = make(map[string]*entry)
			}
			at.within[token] = &entry{}
			at.names = append(at.names, token)
		}
		at = at.within[token]
	}
	if len(at.within) > 0 || len(at.values) > 0 && at.bracket != bracket {
		return mixed(way)
	}
	at.values, at.bracket = append(at.values, one), bracket
	return nil
}

func control(r rune) bool { return r < ' ' || r == 0x7f }

func mixed(way []string) *Error {
	return misshapen(way[:1], "is written in several ways; write all of it alike")
}

const brackets = "a name has brackets only where the schema has an object or a list there: address[city], tags[], lines[0][sku]"

// way takes a name apart: address[city] lies in address. What the schema names with its brackets is one name.
func (f *fields) way(name string) ([]string, *Error) {
	first, rest, nested := strings.Cut(name, "[")
	if !nested && !strings.Contains(name, "]") || f.shape.root.Members[name] != nil {
		return []string{name}, nil
	}
	at := f.shape.root.Members[first]
	if first == "" || at == nil || strings.Contains(first, "]") {
		return nil, malformed(brackets)
	}
	way := []string{first}
	for more := true; more; {
		token, after, closed := strings.Cut(rest, "]")
		if !closed || strings.Contains(token, "[") || len(way) == maxNested {
			return nil, malformed(brackets)
		}
		way = append(way, token)
		if rest, more = strings.CutPrefix(after, "["); !more && rest != "" || more && token == "" {
			return nil, malformed(brackets)
		}
		if at = inside(at, token); at == nil {
			return nil, misshapen(way[:1], "has no such part in brackets")
		}
	}
	return way, nil
}

// inside is what lies in a value at a name in brackets; nil for nothing that the schema has.
func inside(v *xmlform.Value, token string) *xmlform.Value {
	switch {
	case v.List && (token == "" || index(token)):
		if v.Items != nil {
			return v.Items
		}
		return anyText
	case !v.Object || token == "":
		return nil
	case v.Members[token] != nil:
		return v.Members[token]
	case v.Rest != nil:
		return v.Rest
	}
	return anyText
}

// index says whether a name in brackets is the number of an item.
func index(token string) bool {
	return token != "" && len(token) <= 4 && (token == "0" || token[0] != '0') && strings.Trim(token, "0123456789") == ""
}
