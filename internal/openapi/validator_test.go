package openapi

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/npmtest"
)

// The validator is none of ours, at versions that do not change below us: npm ci takes what package-lock.json names.
const validator = "testdata/validator"

// validate asks the validator for what is wrong with each of the files.
func validate(t *testing.T, files []string) map[string][]string {
	t.Helper()
	folder := npmtest.Install(t, "openapi", os.DirFS(validator))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var stderr bytes.Buffer
	node := exec.CommandContext(ctx, "node", append([]string{filepath.Join(folder, "validate.mjs")}, files...)...)
	node.Stderr = &stderr
	out, err := node.Output()
	if err != nil {
		t.Fatalf("running the validator: %v\n%s", err, stderr.Bytes())
	}
	var wrong map[string][]string
	if err := json.Unmarshal(out, &wrong); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return wrong
}

// TestValid has a validator that is none of ours look at all descriptions, those of the example shop among them, and at
// broken ones, which it must not take.
func TestValid(t *testing.T) {
	var files []string
	for _, pattern := range []string{"testdata/*.*.json", "../../modules/command/testdata/openapi/*.json"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("no file is %s: %v", pattern, err)
		}
		files = append(files, found...)
	}
	good, err := os.ReadFile("testdata/orders.v1.json")
	if err != nil {
		t.Fatal(err)
	}
	broken := map[string]bool{}
	for _, edit := range [][2]string{
		{`"operationId": "getOrders",`, `"operationID": "getOrders",`},
		{`"#/components/schemas/money"`, `"#/components/schemas/monny"`},
		{`"in": "query"`, `"in": "body"`},
		{`"in": "path",
          "required": true,`, `"in": "path",`},
		{`"type": "integer",
        "maximum"`, `"type": "int",
        "maximum"`},
	} {
		path := filepath.Join(t.TempDir(), "broken.json")
		text := bytes.Replace(good, []byte(edit[0]), []byte(edit[1]), 1)
		if bytes.Equal(text, good) {
			t.Fatalf("there is no %s", edit[0])
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		broken[path] = true
		files = append(files, path)
	}
	wrong := validate(t, files)
	for _, file := range files {
		said, looked := wrong[file]
		switch {
		case !looked:
			t.Errorf("%s was not looked at", file)
		case broken[file] && len(said) == 0:
			t.Errorf("%s is taken for valid", file)
		case !broken[file] && len(said) > 0:
			t.Errorf("%s: %q", file, said)
		}
	}
}
