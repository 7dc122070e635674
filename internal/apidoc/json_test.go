package apidoc

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestJSON reads documents in JSON that are no YAML by the letter: with tabs, and with characters in two escapes. Mistakes
// behind them keep their place.
func TestJSON(t *testing.T) {
	const src = "{\n\t\"openapi\": \"3.1.0\",\n\t\"info\": {\"title\": \"A \\ud83d\\ude00 \\\"x\\\"\",\t\"version\": \"1\", \"titel\": \"\"},\n\t\"paths\": {}\n}\n"
	path := filepath.Join(t.TempDir(), "a.json")
	if err := os.WriteFile(path, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	doc, _, _, diags := Read(path, filepath.Dir(path), os.ReadFile)
	if doc == nil || doc.Title != "A \U0001f600 \"x\"" {
		t.Fatalf("%+v %v", doc, diags)
	}
	if len(diags) != 1 || diags[0].Subject.Start.Line != 3 || src[diags[0].Subject.Start.Byte:diags[0].Subject.End.Byte] != `"titel"` {
		t.Errorf("%v", diags)
	}
}

// FuzzJSON reads whatever JSON there is as YAML, and finds the same in it.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{`{"a":"\ud83d\ude00b\u00e4","\ud83d\ude00":1}`, "{\t\"a\"\t:\t[1,\t2]}", `{"a":"\\ud83d\\ude00\"\t"}`, `{"a":"\ud83d"}`, `{"a":"\ud8aa\ud800"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		if len(src) == 0 || src[0] != '{' || !json.Valid(src) {
			return
		}
		out := asYAML(src)
		if len(out) != len(src) {
			t.Fatalf("%q becomes %q", src, out)
		}
		var was any
		if json.Unmarshal(src, &was) != nil {
			return
		}
		var is yaml.Node
		if yaml.Unmarshal(out, &is) != nil { // other differences are told as mistakes
			return
		}
		if got := inYAML(&is, nil); !reflect.DeepEqual(got, inJSON(src)) {
			t.Fatalf("%q becomes %q", src, out)
		}
	})
}

// inJSON gives the strings in JSON in their order, inYAML those between quotes in YAML.
func inJSON(src []byte) (all []string) {
	d := json.NewDecoder(bytes.NewReader(src))
	for {
		token, err := d.Token()
		if err != nil {
			return all
		}
		if s, ok := token.(string); ok {
			all = append(all, s)
		}
	}
}

func inYAML(n *yaml.Node, all []string) []string {
	if n.Kind == yaml.ScalarNode && n.Style&yaml.DoubleQuotedStyle != 0 {
		all = append(all, n.Value)
	}
	for _, inner := range n.Content {
		all = inYAML(inner, all)
	}
	return all
}
