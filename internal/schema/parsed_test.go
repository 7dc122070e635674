package schema

import (
	"slices"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// bothWays holds a document against a schema as it is spelt and by its index, and demands that both say the same.
func bothWays(t *testing.T, s *Schema, doc []byte) []Failure {
	t.Helper()
	spelt := s.Validate(doc)
	index, err := jsonspan.Parse(doc, jsonspan.Bounds{Depth: 1_000, Number: 1_000})
	if err != nil || index == nil {
		return spelt
	}
	defer index.Release()
	if parsed := s.ValidateParsed(doc, index); !slices.Equal(parsed, spelt) {
		t.Fatalf("%s\n as it is spelt: %v\n  by its index: %v", doc, spelt, parsed)
	}
	return spelt
}

// The index of another document, or one of the same text elsewhere, is not used.
func TestIndexOfAnotherDocument(t *testing.T) {
	s := load(t, `{"properties":{"a":{"type":"string"}}}`)
	good := []byte(`{"a":"b"}`)
	index, err := jsonspan.Parse(good, jsonspan.Bounds{})
	if err != nil {
		t.Fatal(err)
	}
	if failures := s.ValidateParsed([]byte(`{"a":123}`), index); len(failures) != 1 {
		t.Errorf("got %v", failures)
	}
	if failures := s.ValidateParsed(good, index); failures != nil {
		t.Errorf("got %v", failures)
	}
}

// What takes too many steps as it is spelt does so by its index, too.
func TestHostileParsed(t *testing.T) {
	s := load(t, `{"anyOf":[{"properties":{"a":{"$ref":"#"}},"required":["b"]},{"properties":{"a":{"$ref":"#"}},"required":["c"]}]}`)
	doc := []byte(deep("1"))
	index, err := jsonspan.Parse(doc, jsonspan.Bounds{})
	if err != nil {
		t.Fatal(err)
	}
	failures := s.ValidateParsed(doc, index)
	if len(failures) != 1 || !strings.HasPrefix(failures[0].Message, tooMuch) {
		t.Errorf("got %v", failures)
	}
}
