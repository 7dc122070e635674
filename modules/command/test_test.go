package command

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/leaktest"
)

var (
	durations = regexp.MustCompile(`("seconds": |time=")[0-9.e-]+`)
	uuids     = regexp.MustCompile(`urn:uuid:[0-9a-f-]+`)
)

// steady takes out of a report what differs each time.
func steady(report string) string {
	return uuids.ReplaceAllString(durations.ReplaceAllString(report, "${1}0"), "urn:uuid:…")
}

// TestTests runs tests of which many fail, and reports them in each format.
func TestTests(t *testing.T) {
	t.Chdir("testdata/testing")
	defer leaktest.Note(t)()
	for _, test := range []struct {
		golden string
		with   testOptions
	}{
		{"report.txt", testOptions{format: "text", coverage: true, failUnder: 100}},
		{"report.txt", testOptions{format: "text", coverage: true, failUnder: 100, paths: []string{"."}}},
		{"report.json", testOptions{format: "json", coverage: true}},
		{"report.xml", testOptions{format: "junit", coverage: true}},
		{"one.txt", testOptions{format: "text", run: "^data.notes_test.test_acme$|goo[d]"}},
		{"policies.txt", testOptions{format: "text", paths: []string{"policies"}}},
	} {
		var out, mistakes bytes.Buffer
		test.with.config = "Caddyfile"
		files, err := test.with.once(t.Context(), &out, &mistakes)
		if wanted := !strings.HasPrefix(test.golden, "one"); errors.Is(err, errFailed) != wanted || !wanted && err != nil {
			t.Errorf("%s: got %v\n%s", test.golden, err, mistakes.String())
		}
		got := steady(out.String())
		if test.with.format == "json" && !json.Valid(out.Bytes()) {
			t.Error("no JSON")
		}
		if test.with.format == "junit" && xml.Unmarshal(out.Bytes(), new(any)) != nil {
			t.Error("no XML")
		}
		if *update {
			if err := os.WriteFile(test.golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(test.golden)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s is now\n%s", test.golden, got)
		}
		if len(files) < 3 {
			t.Errorf("%s: only %v would be watched", test.golden, files)
		}
	}
}

// TestExamples runs the tests of the examples, with all of their policies covered.
func TestExamples(t *testing.T) {
	from, _ := quickstart(t)
	t.Setenv("STRIPE_SECRET_KEY", "sk_test_1")
	for _, test := range []struct {
		with testOptions
		want string // of the last line
	}{
		{testOptions{source: from, failUnder: 100}, "0 failed"},
		{testOptions{source: from, failUnder: 100, paths: []string{"examples/shop", "policies"}}, "0 failed"}, // whose schemas are no data
		{testOptions{source: source{config: "examples/versions/Caddyfile"}}, "9 passed, 0 failed"},
		{testOptions{source: source{config: "examples/limits/Caddyfile"}}, "6 passed, 0 failed"},
		{testOptions{source: source{config: "examples/payments/Caddyfile"}}, "10 passed, 0 failed"},
		{testOptions{source: source{config: "examples/webhooks/Caddyfile"}}, "5 passed, 0 failed"},
	} {
		test.with.format = "text"
		var out, mistakes bytes.Buffer
		if _, err := test.with.once(t.Context(), &out, &mistakes); err != nil {
			t.Errorf("got %v\n%s%s", err, mistakes.String(), out.String())
		}
		if !strings.HasSuffix(strings.TrimSpace(out.String()), test.want) || strings.Count(out.String(), "\n") != 1 {
			t.Errorf("got %q", out.String())
		}
	}
}

// TestTestOutput writes the report to a file, and its summary to the terminal.
func TestTestOutput(t *testing.T) {
	file := filepath.Join(t.TempDir(), "report.xml")
	t.Chdir("testdata/testing")
	with := testOptions{source: source{config: "Caddyfile"}, format: "junit", run: "good", output: file}
	var out bytes.Buffer
	if _, err := with.once(t.Context(), &out, &out); err != nil || out.String() != "1 passed, 0 failed\n" {
		t.Errorf("got %v, %q", err, out.String())
	}
	if report, err := os.ReadFile(file); err != nil || !strings.Contains(string(report), `<testcase classname="notes.case.hcl" name="good"`) {
		t.Errorf("got %v, %s", err, report)
	}
}

// write writes files into the present folder.
func write(t *testing.T, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

// notes are the files of a small gateway.
var notes = map[string]string{
	"Caddyfile": "{\n\tadmin off\n\tapi_gateway {\n\t\tcatalogue notes.hcl\n\t}\n}\n",
	"note.json": `{"properties": {"text": {"type": "string"}}}`,
	"notes.hcl": `upstream "notes" { servers = ["http://notes.example"] }
api "notes" {
  upstream  = upstream.notes
  identify  = [anonymous]
  authorize = public
  versioning { path = true }
  object "note" { schema = "note.json" }
  route "GET /notes/{id}" { returns = object.note }
  version "v1" { released = "2025-01-01" }
  version "v2" {
    released = "2026-01-01"
    change "text" {
      summary = "body is called text."
      on      = object.note
      rename "body" { to = "text" }
      example {
        old = { body = "a" }
        new = { text = "b" }
      }
    }
  }
}
`,
	"notes.case.hcl": `case "one" {
  request "GET /v2/notes/1" {}
  expect { status = 204 }
}
`,
}

// TestFailingExample tells an example that does not hold as a test that fails, and the cases that cannot be tried for it.
func TestFailingExample(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, notes)
	with := testOptions{source: source{config: "Caddyfile"}, format: "text"}
	var out, mistakes bytes.Buffer
	if _, err := with.once(t.Context(), &out, &mistakes); !errors.Is(err, errFailed) || mistakes.Len() > 0 {
		t.Errorf("got %v, %s", err, mistakes.String())
	}
	for _, want := range []string{
		"FAILED example notes: v2 text, example 1\n  notes.hcl:16:7: error: Example does not hold\n",
		"FAILED case notes.case.hcl: one\n  notes.case.hcl:1:1: error: There is no gateway\n",
		"\n0 passed, 2 failed\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got\n%s\nwant in it\n%s", out.String(), want)
		}
	}
}

// TestNothingToTest fails where there is nothing to run, or what is to be run has mistakes, and says so.
func TestNothingToTest(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, notes)
	write(t, map[string]string{
		"empty/readme.txt":         "nothing",
		"rego/a.rego":              "package a\n\nallow := true\n",
		"rego/a_test.rego":         "package a_test\n\nimport data.a\n\ntest_a if a.allow\n",
		"wrong/a_test.rego":        "package a_test\n\ntest_a if {\n\tx := 1\n\ttrue\n}\n",
		"wrong/b.rego":             "package b\n\nallow if http.send({})\n",
		"broken/a.case.hcl":        "case \"a\" {\n  request = 1\n}\n",
		"elsewhere/cases.case.hcl": notes["notes.case.hcl"],
		"plain/Caddyfile":          "{\n\tadmin off\n}\n",
	})
	for _, test := range []struct {
		name string
		with testOptions
		want string // in the error
		told string // in the mistakes
	}{
		{"no tests", testOptions{paths: []string{"empty"}}, "there is nothing to test: no rule test_*", ""},
		{"no match", testOptions{paths: []string{"rego"}, run: "nothing"}, `no test in rego matches "nothing"`, ""},
		{"no folder", testOptions{paths: []string{"nowhere"}}, "nowhere", ""},
		{"a format", testOptions{format: "yaml"}, "--format is text, json or junit", ""},
		{"an expression", testOptions{run: "("}, "--run: error parsing regexp", ""},
		{"a share", testOptions{failUnder: 101}, "--fail-under", ""},
		{"wrong policies", testOptions{paths: []string{"wrong"}}, "there are mistakes", "http.send is not allowed in policies"},
		{"wrong cases", testOptions{paths: []string{"broken"}}, "there are mistakes", `no attribute "request". Did you mean the block: request`},
		{"no catalogue", testOptions{source: source{config: "plain/Caddyfile"}, paths: []string{"elsewhere"}}, "need a gateway with a catalogue", ""},
		{"no configuration", testOptions{source: source{config: "plain/Caddyfile"}}, "there is nothing to test", ""},
		{"no such configuration", testOptions{source: source{config: "nowhere"}}, "nowhere", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.with.format == "" {
				test.with.format = "text"
			}
			var out, mistakes bytes.Buffer
			_, err := test.with.once(t.Context(), &out, &mistakes)
			if err == nil || !strings.Contains(err.Error(), test.want) || out.Len() > 0 {
				t.Errorf("got %v, %s", err, out.String())
			}
			if !strings.Contains(mistakes.String(), test.told) || test.told == "" && mistakes.Len() > 0 {
				t.Errorf("told %s", mistakes.String())
			}
		})
	}
	if err := os.Remove("Caddyfile"); err != nil {
		t.Fatal(err)
	}
	if _, err := (&testOptions{format: "text"}).once(t.Context(), &bytes.Buffer{}, &bytes.Buffer{}); !errors.Is(err, errNoCaddyfile) {
		t.Errorf("without a Caddyfile: got %v", err)
	}
	var out bytes.Buffer
	with := testOptions{format: "text", paths: []string{"rego"}, failUnder: 100}
	if _, err := with.once(t.Context(), &out, &out); err != nil || out.String() != "2 passed, 0 failed\n" {
		t.Errorf("policies alone: got %v, %s", err, out.String())
	}
}

// TestOtherPolicies takes policies from a folder where those configured come from a server, which is not asked.
func TestOtherPolicies(t *testing.T) {
	testdata, err := filepath.Abs("testdata/testing")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	t.Setenv("XDG_DATA_HOME", t.TempDir()) // where bundles are kept
	write(t, map[string]string{"Caddyfile": "{\n\tadmin off\n\tapi_gateway {\n\t\tcatalogue " + testdata + "/notes.hcl\n\t\tpolicies bundle https://bundles.example/notes.tar.gz\n\t}\n}\n"})
	with := testOptions{source: source{config: "Caddyfile"}, format: "text", run: "test_acme|good", policies: []string{filepath.Join(testdata, "policies")}}
	var out, mistakes bytes.Buffer
	if _, err := with.once(t.Context(), &out, &mistakes); err != nil || out.String() != "2 passed, 0 failed\n" {
		t.Errorf("got %v, %s%s", err, mistakes.String(), out.String())
	}
	with.policies = nil
	out.Reset()
	if _, err := with.once(t.Context(), &out, &mistakes); !errors.Is(err, errFailed) || !strings.Contains(out.String(), "there are no policies yet") || !strings.HasSuffix(out.String(), "\n0 passed, 1 failed\n") {
		t.Errorf("without them: got %v, %s%s", err, mistakes.String(), out.String())
	}
}

// TestNothingIsWritten runs cases of a gateway that logs its decisions, and asks for the coverage of policies that have no
// tests.
func TestNothingIsWritten(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, notes)
	write(t, map[string]string{
		"Caddyfile":       "{\n\tadmin off\n\tapi_gateway {\n\t\tcatalogue notes.hcl\n\t\tpolicies policies\n\t\tdecision_log log/decisions.log\n\t}\n}\n",
		"policies/a.rego": "package a\n\nallow if input.request.method == \"GET\"\n",
		"notes.hcl":       strings.NewReplacer("= public", "= policy.a", `"b"`, `"a"`).Replace(notes["notes.hcl"]),
	})
	for _, test := range []struct {
		with testOptions
		want string
	}{
		{testOptions{}, "2 passed, 0 failed\n"},
		{testOptions{failUnder: 50, paths: []string{"notes.case.hcl"}}, "1 passed, 0 failed\n"},
		{testOptions{failUnder: 50}, "2 passed, 1 failed\n"},
		{testOptions{failUnder: 50, paths: []string{"policies"}}, "0 passed, 1 failed\n"},
	} {
		test.with.config, test.with.format = "Caddyfile", "text"
		var out, mistakes bytes.Buffer
		_, err := test.with.once(t.Context(), &out, &mistakes)
		if err != nil && !errors.Is(err, errFailed) || !strings.HasSuffix(out.String(), test.want) {
			t.Errorf("got %v, %s%s, want %s", err, mistakes.String(), out.String(), test.want)
		}
		if _, err := os.Stat("log"); err == nil {
			t.Error("a decision was logged")
		}
	}
}

// console is a terminal that the test can read while it is written to.
type console struct {
	mu   sync.Mutex
	text strings.Builder
}

func (c *console) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.Write(b)
}

// has waits until the text has been written.
func (c *console) has(t *testing.T, text string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		c.mu.Lock()
		found := strings.Contains(c.text.String(), text)
		c.mu.Unlock()
		if found {
			return
		}
	}
	t.Fatalf("%q was not written within 20 s, but\n%s", text, c.text.String())
}

// TestWatch runs the tests again when a file changes: of the cases, of the catalogue, and one that is new.
func TestWatch(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, notes)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	with := testOptions{source: source{config: "Caddyfile"}, format: "text"}
	var out console
	done := make(chan error, 1)
	go func() { done <- with.keepRunning(ctx, &out, &out, 10*time.Millisecond) }()
	out.has(t, "0 passed, 2 failed\nWaiting")
	write(t, map[string]string{"notes.hcl": strings.Replace(notes["notes.hcl"], `"b"`, `"a"`, 1)})
	out.has(t, "2 passed, 0 failed\nWaiting")
	write(t, map[string]string{"more.case.hcl": strings.Replace(notes["notes.case.hcl"], "204", "404", 1)})
	out.has(t, "2 passed, 1 failed\nWaiting")
	write(t, map[string]string{"more.case.hcl": "case {"})
	out.has(t, "there are mistakes\nWaiting")
	write(t, map[string]string{"more.case.hcl": strings.Replace(notes["notes.case.hcl"], "one", "two", 1)})
	out.has(t, "3 passed, 0 failed\nWaiting")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
