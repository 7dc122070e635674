// Package fieldtest has the HTTP working group's tests of structured fields (RFC 9651), for tests of the fields that the
// gateway reads and writes.
package fieldtest

import (
	"embed"
	"encoding/json"
	"testing"
)

//go:embed testdata/*.json
var files embed.FS

// Case is a field, or a value that is to be written as one.
type Case struct {
	Name     string
	Raw      []string // lines of the field
	Type     string   `json:"header_type"` // item, list or dictionary
	Expected json.RawMessage
	MustFail bool `json:"must_fail"` // it is no such field, or cannot be one
	CanFail  bool `json:"can_fail"`  // it may be taken for none
}

// Cases gives those of a file of testdata.
func Cases(t testing.TB, name string) []Case {
	t.Helper()
	text, err := files.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var all []Case
	if err := json.Unmarshal(text, &all); err != nil || len(all) == 0 {
		t.Fatalf("%s: %d cases, %v", name, len(all), err)
	}
	return all
}

// String is the value that an item is expected to have, if that is a String.
func (c Case) String() (value string, ok bool) {
	var item []json.RawMessage
	if json.Unmarshal(c.Expected, &item) != nil || len(item) != 2 {
		return "", false
	}
	return value, json.Unmarshal(item[0], &value) == nil
}
