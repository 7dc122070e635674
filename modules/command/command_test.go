package command

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/wicketgate/wicketgate/examples/shop/backend"
	_ "github.com/wicketgate/wicketgate/modules/accesslog"
	_ "github.com/wicketgate/wicketgate/modules/console"
	_ "github.com/wicketgate/wicketgate/modules/framing"
	_ "github.com/wicketgate/wicketgate/modules/health"
	_ "github.com/wicketgate/wicketgate/modules/ledger"
	_ "github.com/wicketgate/wicketgate/modules/limit"
	_ "github.com/wicketgate/wicketgate/modules/logformat"
	_ "github.com/wicketgate/wicketgate/modules/policy"
	_ "github.com/wicketgate/wicketgate/modules/tracing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestCheck finds all mistakes of a file with twelve and more kinds of them in one go, each at its place.
func TestCheck(t *testing.T) {
	t.Chdir("testdata/mistakes")
	var out bytes.Buffer
	if err := check(&out, "Caddyfile", ""); !errors.Is(err, errMistakes) {
		t.Fatalf("got %v", err)
	}
	if *update {
		if err := os.WriteFile("mistakes.txt", out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("mistakes.txt")
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	if strings.Contains(out.String(), "sk_live") {
		t.Error("a secret is printed")
	}
}

// TestCheckExample looks at the quick start: nothing is wrong with it, and nothing is listened to or asked for.
func TestCheckExample(t *testing.T) {
	t.Chdir("../..")
	t.Setenv("DATA", t.TempDir())
	var out bytes.Buffer
	if err := check(&out, "Caddyfile", ""); err != nil || out.Len() > 0 {
		t.Errorf("got %v\n%s", err, out.String())
	}
}

// TestCheckBench looks at the gateways that are measured, as the load generator renders them: nothing is wrong with them.
func TestCheckBench(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("DATA", t.TempDir())
	render := func(from, to string) {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		rendered := strings.NewReplacer("@H@/run/cert.pem @H@/run/key.pem", "internal", "@H@", dir).Replace(string(text))
		if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, []byte(rendered), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for _, folder := range []string{"conf", "policy"} {
		files, err := filepath.Glob(filepath.Join("../../bench", folder, "*"))
		if err != nil || len(files) == 0 {
			t.Fatalf("found %d files, %v", len(files), err)
		}
		for _, file := range files {
			render(file, filepath.Join(dir, folder, filepath.Base(file)))
		}
	}
	render("../../examples/shop/staff.jwks.json", filepath.Join(dir, "run", "es256.json"))
	data := `{"user_roles": {"user42": ["a"]}, "role_grants": {"a": [{"action": "read", "type": "items"}]}}`
	if err := os.WriteFile(filepath.Join(dir, "run", "data.json"), []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
	caddyfiles, err := filepath.Glob(filepath.Join(dir, "conf", "*.caddyfile"))
	if err != nil || len(caddyfiles) < 3 {
		t.Fatalf("found %q, %v", caddyfiles, err)
	}
	for _, caddyfile := range caddyfiles {
		var out bytes.Buffer
		if err := check(&out, caddyfile, "caddyfile"); err != nil || out.Len() > 0 {
			t.Errorf("%s: got %v\n%s", caddyfile, err, out.String())
		}
	}
}

// TestCheckWarnings tells what is no mistake but worth knowing, here that PUTs of older versions lose what is new.
func TestCheckWarnings(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"Caddyfile":  "{\n\tadmin off\n\tapi_gateway {\n\t\tcatalogue notes.hcl\n\t}\n}\n",
		"notes.json": `{"properties": {"text": {"type": "string"}, "colour": {"type": "string"}}}`,
		"notes.hcl": `upstream "notes" { servers = ["http://notes.example"] }
api "notes" {
  upstream  = upstream.notes
  identify  = [anonymous]
  authorize = public
  versioning { path = true }
  object "note" { schema = "notes.json" }
  route "PUT /notes/{id}" { accepts = object.note }
  version "v1" { released = "2025-01-01" }
  version "v2" {
    released = "2026-01-01"
    change "colours" {
      summary = "Notes have colours."
      on      = object.note
      add "colour" { value = "white" }
    }
  }
}
`,
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := check(&out, "Caddyfile", ""); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.HasPrefix(got, "notes.hcl:15:7: warning: Lost update on PUT /notes/{id}\n") || strings.Count(got, "warning:") != 1 {
		t.Errorf("got %q", got)
	}
}

func TestCheckWithoutCaddyfile(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := check(&bytes.Buffer{}, "", ""); err == nil || !strings.Contains(err.Error(), "--config") {
		t.Errorf("got %v", err)
	}
}

func TestFormat(t *testing.T) {
	dir := t.TempDir()
	files := map[string]struct{ before, after string }{
		"a.hcl":     {"api \"a\" {\nbase_path=\"/\"\n}\n", "api \"a\" {\n  base_path = \"/\"\n}\n"},
		"good.hcl":  {"a = 1\n", "a = 1\n"},
		"p.rego":    {"package p\nallow if   input.x\n", "package p\n\nallow if input.x\n"},
		"notes.txt": {"a=1", "a=1"},
	}
	for name, f := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(f.before), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	listed := filepath.Join(dir, "a.hcl") + "\n" + filepath.Join(dir, "p.rego") + "\n"
	if err := format(&out, []string{dir}, false); err == nil || out.String() != listed {
		t.Errorf("without -w: got %v, %q", err, out.String())
	}
	out.Reset()
	if err := format(&out, []string{dir}, true); err != nil || out.String() != listed {
		t.Errorf("with -w: got %v, %q", err, out.String())
	}
	for name, f := range files {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != f.after {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	out.Reset()
	if err := format(&out, []string{dir}, false); err != nil || out.Len() > 0 {
		t.Errorf("formatted files: got %v, %q", err, out.String())
	}
}

// TestFormatBroken leaves a file that is no HCL, or no Rego, as it is, and says where it breaks.
func TestFormatBroken(t *testing.T) {
	for name, src := range map[string]string{"a.hcl": "api \"a\" {\nbase_path=\n", "p.rego": "package p\nallow if {"} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := format(&bytes.Buffer{}, []string{path}, true); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v", name, err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != src {
			t.Errorf("%s: became %q, %v", name, got, err)
		}
	}
}
