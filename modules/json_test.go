package modules_test

import (
	"archive/zip"
	"io"
	"path"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// The documents of the JSONTestSuite over HTTPS: what is strict JSON reaches the service, byte for byte, and nothing
// else does. Whatever is sent, the answer is never a 5xx.
func TestJSONTestSuite(t *testing.T) {
	g, s, _ := alone(t, map[string]string{"any.json": `{"$defs": {"any": {
		"items": {"$ref": "#/$defs/any"}, "additionalProperties": {"$ref": "#/$defs/any"}, "propertyNames": {"maxLength": 100},
		"type": ["null", "boolean", "number", "string", "array", "object"], "not": {"const": "no such"}
	}}, "$ref": "#/$defs/any"}`}, "", `
	api_validate {
		schema {DIR}/any.json
	}
	{PROXY}`)
	archive, err := zip.OpenReader("../internal/jsonspan/testdata/suite/test_parsing.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	passed, refused := 0, 0
	for _, file := range archive.File {
		name := strings.TrimSuffix(path.Base(file.Name), ".json")
		if name == path.Base(file.Name) {
			continue
		}
		f, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		doc, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		before, _, _, _ := s.saw()
		answer := g.Do("POST", "/", string(doc), "Content-Type: application/json")
		after, _, _, body := s.saw()
		switch strict := jsonspan.Check(doc, jsonspan.Bounds{}) == nil; {
		case strict && (answer.Status != 200 || after != before+1 || body != string(doc)):
			t.Errorf("%s: got %d %s; the service saw %q", name, answer.Status, answer.Body, body)
		case !strict && (answer.Status != 400 || after != before):
			t.Errorf("%s: got %d %s", name, answer.Status, answer.Body)
		case strict:
			passed++
		default:
			refused++
		}
	}
	if passed < 85 || refused < 220 {
		t.Errorf("%d passed and %d were refused", passed, refused)
	}
}
