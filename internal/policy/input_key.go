package policy

import (
	"encoding/binary"
	"slices"
)

// Tags begin each value in a key, so that no value reads as one of another kind.
const (
	tagNone   = 0 // nothing is there
	tagNull   = 'n'
	tagFalse  = 'f'
	tagTrue   = 't'
	tagNumber = '#'
	tagInt    = 'i'
	tagString = 's'
	tagArray  = 'a'
	tagObject = 'o' // of the members that the cut names, each there or not, without their names
	tagMap    = 'm' // of all members there are, with their names
)

// The parts of a key are told apart by their lengths, so that nothing in a value can pass for the end of it.

func appendText(b []byte, s string) []byte {
	b = binary.AppendUvarint(append(b, tagString), uint64(len(s)))
	return append(b, s...)
}

func appendCount(b []byte, tag byte, n int) []byte {
	return binary.AppendUvarint(append(b, tag), uint64(n)) //nolint:gosec // a count is not negative
}

func appendTexts(b []byte, values []string) []byte {
	b = appendCount(b, tagArray, len(values))
	for _, v := range values {
		b = appendText(b, v)
	}
	return b
}

// begin writes the head of a value of fewer than 128 bytes, and end completes it when the value has been written.
func begin(b []byte, tag byte) ([]byte, int) {
	return append(b, tag, 0), len(b) + 2
}

func end(b []byte, at int) []byte {
	b[at-1] = byte(len(b) - at) //nolint:gosec // see begin
	return b
}

// sortedNames gives the names in a map in order, in room if there is enough of it, so that most maps cost nothing.
func sortedNames[V any](room []string, m map[string]V) []string {
	names := room[:0]
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// roomForNames is how many names of a map are sorted without an allocation.
const roomForNames = 24
