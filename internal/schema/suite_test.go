package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// vectors is the folder of the official vectors.
func vectors(t *testing.T) string {
	folder := os.Getenv("WICKETGATE_VECTORS")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "vectors")
	}
	folder = filepath.Join(folder, "json-schema")
	if _, err := os.Stat(folder); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no test vectors: %v", err)
		}
		t.Skipf("no test vectors: %v; set WICKETGATE_VECTORS", err)
	}
	return folder
}

// remotes serves what the suite expects at http://localhost:1234/.
type remotes string

func (r remotes) Load(at string) (any, error) {
	path, ok := strings.CutPrefix(at, "http://localhost:1234/")
	if !ok {
		return nil, errors.New("not a remote of the suite: " + at)
	}
	text, err := os.ReadFile(filepath.Join(string(r), filepath.FromSlash(path)))
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(text))
}

// asserted are the cases of the required part that expect format to be an annotation. We assert formats, as
// security demands, which the standard allows (JSON Schema Validation 2020-12, section 7.2.1).
func asserted(file, test string) bool {
	return file == "format.json" && strings.HasSuffix(test, "is only an annotation by default")
}

func TestOfficialSuite(t *testing.T) {
	folder := vectors(t)
	required, _ := filepath.Glob(filepath.Join(folder, "tests", "draft2020-12", "*.json"))
	if len(required) < 40 {
		t.Fatalf("only %d files", len(required))
	}
	ran := 0
	for _, file := range required {
		n, failed := suite(t, folder, file, asserted)
		for _, f := range failed {
			t.Error(f)
		}
		ran += n
	}
	t.Logf("%d required cases", ran)
}

type group struct {
	Description string
	Schema      json.RawMessage
	Tests       []struct {
		Description string
		Data        json.RawMessage
		Valid       bool
	}
}

// suite runs the cases of a file except those left out. It gives their number and those that fail; words that a
// client could not use fail the test itself.
func suite(t *testing.T, folder, file string, leaveOut func(name, test string) bool) (ran int, failed []string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var groups []group
	if err := json.Unmarshal(text, &groups); err != nil {
		t.Fatal(err)
	}
	name := filepath.Base(file)
	for _, g := range groups {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(g.Schema))
		if err != nil {
			t.Fatal(err)
		}
		s, err := compile(scheme+":///schema.json", doc, remotes(filepath.Join(folder, "remotes")))
		for _, test := range g.Tests {
			if leaveOut != nil && leaveOut(name, test.Description) {
				continue
			}
			ran++
			what := name + ": " + g.Description + ": " + test.Description
			if err != nil {
				failed = append(failed, what+": "+err.Error())
				continue
			}
			failures := bothWays(t, s, test.Data)
			if (len(failures) == 0) != test.Valid {
				failed = append(failed, fmt.Sprintf("%s: want valid %v, got %v", what, test.Valid, failures))
			}
			for _, f := range failures {
				if strings.Contains(f.Message, scheme) || strings.Contains(f.Message, "schema.json") || f.Message == "is not valid" {
					t.Errorf("%s: a client cannot use %+v", what, f)
				}
			}
		}
	}
	return ran, failed
}

// TestOptionalCases holds the optional cases that fail against their list in docs/validation.md, which says why: a change
// either way must be seen.
func TestOptionalCases(t *testing.T) {
	folder := vectors(t)
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "validation.md"))
	if err != nil {
		t.Fatal(err)
	}
	optional := filepath.Join(folder, "tests", "draft2020-12", "optional")
	for _, pattern := range []string{"*.json", "format/*.json"} {
		files, _ := filepath.Glob(filepath.Join(optional, filepath.FromSlash(pattern)))
		for _, file := range files {
			name, _ := filepath.Rel(optional, file)
			name = filepath.ToSlash(name)
			ran, failed := suite(t, folder, file, nil)
			line := fmt.Sprintf("| `%s` | %d of %d |", name, len(failed), ran)
			if listed := strings.Contains(string(page), "| `"+name+"` |"); listed != (len(failed) > 0) || listed && !strings.Contains(string(page), line) {
				t.Errorf("docs/validation.md should have %s\n%s", line, strings.Join(failed, "\n"))
			}
		}
	}
}
