// Package xmlform gives JSON documents of a known shape an XML form, and reads it back. The shape is a JSON Schema
// 2020-12: numbers, booleans and lists are such because the schema says so, never because they look like it.
//
// An object is an element whose children are its members. A list is one element per item, with the name of the member;
// the elements stand together. OpenAPI 3.1's keyword xml is obeyed: name, attribute, and wrapped, which puts an element
// around the items; a namespace or prefix is a mistake. Null is an empty element with xsi:nil="true". A list without
// items leaves no element behind: it is read as empty where the schema requires the list, else as absent, unless it is
// wrapped. What has no type in the schema is read as a string.
//
// What is read is a strict part of XML 1.0: UTF-8, one root, no DOCTYPE, no processing instructions, no entities but
// the five that XML has itself, and no names in namespaces but those of XML Schema instances.
//
// Foreign documents, of which no schema tells, are read by another form (foreign.go), in which nothing is known but what
// stands there.
package xmlform

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Bounds of documents and of the schemas that tell their shape.
const (
	maxDepth      = 64      // elements in each other
	maxElements   = 100_000 // elements of one document
	maxAttributes = 32      // attributes of one element
	maxBindings   = 16      // namespaces declared where an element stands
	maxNodes      = 10_000  // shapes that differ, in one schema
	maxTerms      = 1_000   // schemas that say together what one shape is
	maxMistakes   = 20      // mistakes told of one schema

	foreignAttributes = 128 // attributes of one element of a foreign document
	foreignBindings   = 64  // namespaces declared where one stands
)

// instance is the namespace of xsi:nil; schemas that of XML Schema itself, which many tools declare and never use.
const (
	instance = "http://www.w3.org/2001/XMLSchema-instance"
	schemas  = "http://www.w3.org/2001/XMLSchema"
)

// Error says what is wrong with an XML document. Detail quotes nothing of it but names that the schema has, so that it
// can be shown to a client and written to a log.
type Error struct {
	Line, Column int    // of the first character at fault, both from 1; columns count characters
	Pointer      string // of the value, as a JSON pointer (RFC 6901) into the JSON form
	Detail       string
	// Shape says that the document is well formed, but not what the schema describes.
	Shape bool

	offset int
	way    []string // from the innermost name to the outermost
	over   bool     // the limit, not the document, is at fault
}

func (e *Error) Error() string {
	return e.Detail + " at line " + strconv.Itoa(e.Line) + ", column " + strconv.Itoa(e.Column)
}

// ErrTooLarge means that the other form of a document would be larger than asked for.
var ErrTooLarge = errors.New("the document's other form is too large")

// Mistake is something in a schema that has no XML form.
type Mistake struct {
	Schema  string // its name
	Pointer string // into the schema, as a JSON pointer
	Detail  string
}

// Mistakes are all that was found in a schema.
type Mistakes []Mistake

func (m Mistakes) Error() string {
	var b strings.Builder
	for i, one := range m {
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%s %s: %s", one.Schema, place(one.Pointer), one.Detail)
	}
	return b.String()
}

func place(pointer string) string {
	if pointer == "" {
		return "at the top"
	}
	return "at " + pointer
}
