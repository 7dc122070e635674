package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// Every field of xcaddy's Builder that this version runs.
func TestReadEverything(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"fork/go.mod", "cpu.pprof"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := read(filepath.Join(dir, "xcaddy.json"), []byte(`{
		"caddy_version": "v2.11.9",
		"plugins": [{"module_path": "github.com/acme/dns", "version": "v2.1.0"}, {"module_path": "github.com/acme/store"}],
		"replacements": [{"old": "github.com/acme/store", "new": "./fork"}, {"old": "github.com/a/b", "new": "github.com/c/d@v1.0.0"}],
		"os": "linux", "arch": "arm", "arm": "7", "cgo": true,
		"timeout_get": 60000000000, "timeout_build": 600000000000,
		"race_detector": true, "debug": true, "skip_build": true, "skip_cleanup": true,
		"build_flags": "-ldflags '-X main.a=b'", "mod_flags": "-v", "pgo_profile": "cpu.pprof"
	}`))
	if err != nil {
		t.Fatal(err)
	}
	want := builder{
		CaddyVersion: "v2.11.9",
		Plugins:      []plugin{{"github.com/acme/dns/v2", "v2.1.0"}, {"github.com/acme/store", ""}},
		Replacements: []replacement{{"github.com/acme/store", filepath.Join(dir, "fork")}, {"github.com/a/b", "github.com/c/d@v1.0.0"}},
		OS:           "linux", Arch: "arm", ARM: "7", Cgo: true,
		TimeoutGet: time.Minute, TimeoutBuild: 10 * time.Minute,
		RaceDetector: true, Debug: true, SkipBuild: true, SkipCleanup: true,
		BuildFlags: "-ldflags '-X main.a=b'", ModFlags: "-v", PgoProfile: filepath.Join(dir, "cpu.pprof"),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read\n%+v\nwant\n%+v", got, want)
	}
}

func TestMistakesHaveTheirPlace(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []string // one per mistake, in the file's order
	}{
		{"an unknown field", "{\n  \"plugin\": []\n}",
			[]string{`list.json:2:3: unknown field "plugin" in the file; there are arch, arm, build_flags, caddy_version, cgo, debug,`}},
		{"an unknown field of a plugin", `{"plugins": [{"module_path": "a.b/c", "verison": "v1.0.0"}]}`,
			[]string{`list.json:1:39: unknown field "verison" in plugins[0]; there are module_path, version`}},
		{"several at once, after a wide character", "{\n  \"os\": 7,\n  \"caddy_version\": \"ü\", \"cgo\": \"yes\",\n  \"plugins\": {},\n  \"debug\": null\n}",
			[]string{
				"list.json:2:9: os must be a string",
				"list.json:3:32: cgo must be true or false",
				"list.json:4:14: plugins must be a list",
				"list.json:5:12: debug must be true or false",
			}},
		{"a field given twice", `{"os": "linux", "os": "linux"}`, []string{`list.json:1:17: the field "os" is given twice`}},
		{"a plugin given twice", `{"plugins": [{"module_path": "a.b/c"}, {"module_path": "a.b/c", "version": "v1.0.0"}]}`,
			[]string{"list.json:1:40: plugins[1]: the plugin a.b/c is already in the list"}},
		{"a plugin of no name", `{"plugins": [{"version": "v1.0.0"}]}`, []string{"list.json:1:14: plugins[0]: module_path is missing"}},
		{"a plugin that is no path", `{"plugins": [{"module_path": "a b"}]}`, []string{"list.json:1:14: plugins[0]: malformed import path"}},
		{"a plugin that is no object", `{"plugins": ["a.b/c"]}`, []string{"list.json:1:14: plugins[0] must be an object"}},
		{"a path and a version that disagree", `{"plugins": [{"module_path": "a.b/c/v2", "version": "v3.0.0"}]}`, []string{"list.json:1:14: plugins[0]: "}},
		{"half a replacement", `{"replacements": [{"old": "a.b/c"}]}`, []string{"list.json:1:19: replacements[0]: old and new must both be written"}},
		{"a replacement of no version", `{"replacements": [{"old": "a.b/c", "new": "d.e/f"}]}`, []string{"list.json:1:19: replacements[0]: d.e/f is neither a folder"}},
		{"a folder that is not there", `{"replacements": [{"old": "a.b/c", "new": "./nowhere"}]}`, []string{"list.json:1:19: replacements[0]: "}},
		{"a profile that is not there", `{"pgo_profile": "none.pprof"}`, []string{"list.json:1:17: pgo_profile: "}},
		{"a time in words", `{"timeout_get": "1m"}`, []string{"list.json:1:17: timeout_get must be a whole number of nanoseconds"}},
		{"a time below nothing", `{"timeout_get": -1}`, []string{"list.json:1:17: timeout_get must not be negative"}},
		{"flags no shell could split", `{"build_flags": "-ldflags '-s"}`, []string{"list.json:1:17: build_flags: a quote is not closed"}},
		{"what this version does not run", `{"embed_dir": [{"dir": "site"}]}`, []string{"list.json:1:15: embed_dir is not supported by this version"}},
		{"no object", `[]`, []string{"list.json:1:1: the file must be an object"}},
		{"nothing", "", []string{"list.json:1:1: the file ends too early"}},
		{"cut off", "{\n\"os\": \"linux\",", []string{"list.json:2:15: the file ends too early"}},
		{"no JSON", "{\n  os: 1\n}", []string{"list.json:2:3: invalid character 'o'"}},
		{"a comma too many", "{\n  \"plugins\": [],\n}", []string{"list.json:3:1: invalid character '}'"}},
		{"something after it", "{}\n{}", []string{"list.json:2:1: nothing may follow the object"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := read("list.json", []byte(test.text))
			if err == nil {
				t.Fatal("no mistake found")
			}
			got := strings.Split(err.Error(), "\n")
			if len(got) != len(test.want) {
				t.Fatalf("%d mistakes:\n%v\nwant %d", len(got), err, len(test.want))
			}
			for i := range got {
				if !strings.HasPrefix(got[i], test.want[i]) {
					t.Errorf("mistake %q\nwant     %q", got[i], test.want[i])
				}
			}
		})
	}
}

// The repository's own list has no mistake.
func TestTheRepositorysList(t *testing.T) {
	b, err := readFile("../../xcaddy.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Plugins) == 0 || b.Plugins[0] != (plugin{Path: "github.com/wicketgate/wicketgate"}) {
		t.Errorf("plugins %v", b.Plugins)
	}
}

func TestWords(t *testing.T) {
	for _, test := range []struct {
		in   string
		want []string
		err  string
	}{
		{in: ""},
		{in: " \t ", want: nil},
		{in: "-v  -race", want: []string{"-v", "-race"}},
		{in: `-ldflags '-X main.a=b c'`, want: []string{"-ldflags", "-X main.a=b c"}},
		{in: `-ldflags="-s -w" -v`, want: []string{"-ldflags=-s -w", "-v"}},
		{in: `'' ""`, want: []string{"", ""}},
		{in: `a\ b "c\"d\e" 'f\'`, want: []string{"a b", `c"d\e`, `f\`}},
		{in: `'a`, err: "a quote is not closed"},
		{in: `"a`, err: "a quote is not closed"},
		{in: `a\`, err: `a \ stands at the end`},
	} {
		got, err := words(test.in)
		if test.err != "" {
			if err == nil || err.Error() != test.err {
				t.Errorf("words(%q): error %v, want %s", test.in, err, test.err)
			}
		} else if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("words(%q) = %q, %v, want %q", test.in, got, err, test.want)
		}
	}
}

// Whatever the bytes, reading ends, and every mistake has a place inside the text.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"caddy_version": "v2.11.9", "plugins": [{"module_path": "a.b/c", "version": "v1.0.0"}]}`))
	f.Add([]byte("{\n  \"plugins\": [{}, 1, null],\n  \"build_flags\": \"'\"\n"))
	f.Add([]byte(`{"os": {"a": [}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		_, err := read("list.json", text)
		if err == nil {
			return
		}
		lines := strings.Count(string(text), "\n") + 1
		for mistake := range strings.SplitSeq(err.Error(), "\nlist.json:") {
			line, column, ok := place(strings.TrimPrefix(mistake, "list.json:"))
			if !ok || line < 1 || line > lines || column < 1 {
				t.Errorf("mistake %q has no place in the text's %d lines", mistake, lines)
			}
		}
	})
}
