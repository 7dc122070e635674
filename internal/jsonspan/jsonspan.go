// Package jsonspan reads JSON as spans of bytes, without decoding it into maps. Check says once whether a document is
// strict JSON (RFC 8259 within the bounds of RFC 7493, I-JSON); everything else finds its way in a document that Check
// accepted, and opens only what is asked for; by an Index, which Parse makes in the same pass, without looking for it
// again. On a document that Check did not see, the rest of the package may find nothing or too much, but never panics and
// never reads past the end.
package jsonspan

import "strconv"

// Bounds are the limits of a document beyond those of the grammar.
type Bounds struct {
	Depth  int // objects and arrays nested in each other, at most; 0 means DefaultDepth
	Number int // characters of a number, at most; 0 means DefaultNumber

	// Pause, if not nil, is called by Check for each object and array that ends, and for each name that is looked up at the
	// end of a large object: whoever checks a document of many megabytes may step aside for others there.
	Pause func()
}

// What a document may have where nobody says otherwise.
const (
	DefaultDepth  = 64
	DefaultNumber = 100
)

// Error says where a document is not strict JSON, and why. Detail quotes nothing of the document, so that it can be
// shown to a client and written to a log.
type Error struct {
	Offset  int    // in bytes from the start of the document
	Pointer string // the value it lies in, as a JSON pointer (RFC 6901)
	Detail  string // what is wrong
}

func (e *Error) Error() string {
	s := e.Detail + " at byte " + strconv.Itoa(e.Offset)
	if e.Pointer != "" {
		s += " in " + e.Pointer
	}
	return s
}
