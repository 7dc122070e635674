package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
)

var update = flag.Bool("update", false, "write the plans anew")

// place reads line:column at the start of a mistake.
func place(mistake string) (line, column int, ok bool) {
	parts := strings.SplitN(mistake, ":", 3)
	if len(parts) != 3 {
		return 0, 0, false
	}
	line, err := strconv.Atoi(parts[0])
	if err != nil {
		return 0, 0, false
	}
	column, err = strconv.Atoi(parts[1])
	return line, column, err == nil
}

// testCheckout is a checkout of a few requirements, so that the plans stay short.
func testCheckout(t *testing.T) checkout {
	t.Helper()
	mod, err := modfile.Parse("go.mod", []byte(`module github.com/wicketgate/wicketgate

go 1.26.0

require (
	github.com/acme/store v1.2.0
	github.com/caddyserver/caddy/v2 v2.11.9
)

require github.com/some/library v0.3.0 // indirect
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	return checkout{dir: "/checkout", mod: mod}
}

// String writes a plan as the goldens have it.
func (p plan) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "-- main.go --\n%s-- go.mod --\n%s-- links --\n", p.main, p.mod)
	for _, link := range slices.Sorted(maps.Keys(p.links)) {
		fmt.Fprintf(&out, "%s -> %s\n", link, p.links[link])
	}
	fmt.Fprintf(&out, "-- env --\n%s\n-- commands --\n", strings.Join(p.env, "\n"))
	for _, args := range append(slices.Clone(p.gets), p.tidy, p.build) {
		fmt.Fprintf(&out, "go %q\n", args)
	}
	for _, loose := range p.loose {
		fmt.Fprintf(&out, "-- loose --\n%s\n", loose)
	}
	return out.String()
}

func TestPlans(t *testing.T) {
	gateway := plugin{Path: "github.com/wicketgate/wicketgate"}
	for _, test := range []struct {
		name string
		b    builder
	}{
		{"this_repository", builder{CaddyVersion: "v2.11.9", Plugins: []plugin{gateway}}},
		{"more_plugins", builder{CaddyVersion: "v2.11.9", Plugins: []plugin{
			gateway,
			{"github.com/acme/dns/v2", "v2.1.0"}, // to be downloaded
			{"github.com/acme/store/redis", "v1.2.0"}, // settled by the checkout's go.mod
			{"github.com/acme/newest", ""},            // whatever is newest
		}}},
		{"replaced_plugins", builder{
			Plugins: []plugin{gateway, {"github.com/acme/dns/v2", "v2.1.0"}, {"github.com/acme/log/v3/json", ""}},
			Replacements: []replacement{
				{"github.com/acme/dns/v2@v2.1.0", "/forks/dns"},
				{"github.com/acme/log/v3", "/forks/log"},
				{"github.com/some/library", "github.com/other/library@v0.4.0"},
			},
		}},
		{"a_released_gateway", builder{CaddyVersion: "v2.12.0", Plugins: []plugin{{gateway.Path, "v0.1.0"}}}},
		{"a_fork_of_the_gateway", builder{Plugins: []plugin{gateway}, Replacements: []replacement{{gateway.Path, "/forks/gateway"}}}},
		{"flags", builder{Plugins: []plugin{gateway, {"github.com/acme/dns", "v1.0.0"}},
			OS: "linux", Arch: "arm", ARM: "7", PgoProfile: "/cpu.pprof", RaceDetector: true,
			BuildFlags: "-trimpath -ldflags '-X main.a=b'", ModFlags: "-v"}},
		{"debug", builder{Plugins: []plugin{gateway}, Debug: true, Cgo: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := test.b.plan(testCheckout(t))
			if err != nil {
				t.Fatal(err)
			}
			name := filepath.Join("testdata", test.name+".golden")
			if *update {
				if err := os.WriteFile(name, []byte(p.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if p.String() != string(want) {
				t.Errorf("the plan is\n%s\nand %s has\n%s", p, name, want)
			}
		})
	}
}

func TestPlansThatCannotBe(t *testing.T) {
	noCaddy := testCheckout(t)
	if err := noCaddy.mod.DropRequire(caddyPath); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		b    builder
		from checkout
		want string
	}{
		{"a checkout of something else", builder{}, noCaddy, "run this in a checkout of the gateway"},
		{"a branch in place of a version", builder{
			Plugins:      []plugin{{"github.com/acme/dns", "main"}},
			Replacements: []replacement{{"github.com/acme/dns@main", "/forks/dns"}},
		}, testCheckout(t), "github.com/acme/dns@main"},
		{"a module in two folders", builder{
			Plugins:      []plugin{{"github.com/acme/dns", ""}},
			Replacements: []replacement{{"github.com/acme/dns", "/forks/a"}, {"github.com/acme/dns@v1.0.0", "/forks/b"}},
		}, testCheckout(t), "twice"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := test.b.plan(test.from); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

func TestWith(t *testing.T) {
	fork := t.TempDir()
	if err := os.WriteFile(filepath.Join(fork, "go.mod"), []byte("module a.b/c\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Dir(fork))
	relative := "./" + filepath.Base(fork)
	for _, test := range []struct {
		with        string
		plugin      plugin
		replacement replacement
		err         string
	}{
		{with: "a.b/c", plugin: plugin{"a.b/c", ""}},
		{with: "a.b/c/", plugin: plugin{"a.b/c", ""}},
		{with: "a.b/c@v1.2.3", plugin: plugin{"a.b/c", "v1.2.3"}},
		{with: "a.b/c@v2.2.3", plugin: plugin{"a.b/c/v2", "v2.2.3"}},
		{with: "a.b/c@main", plugin: plugin{"a.b/c", "main"}},
		{with: "a.b/c=" + relative, plugin: plugin{"a.b/c", ""}, replacement: replacement{"a.b/c", fork}},
		{with: "a.b/c@v1.2.3=" + fork, plugin: plugin{"a.b/c", "v1.2.3"}, replacement: replacement{"a.b/c@v1.2.3", fork}},
		{with: "", err: "module_path is missing"},
		{with: "=.", err: "module_path is missing"},
		{with: "x.y/z", err: "already in the list"},
		{with: "a.b/c/v2@v3.0.0", err: "v3.0.0"},
		{with: "a.b/c=./nowhere", err: "is no folder of a Go module"},
	} {
		b := builder{Plugins: []plugin{{Path: "x.y/z"}}}
		err := b.with(test.with)
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("-with %s: error %v, want %q", test.with, err, test.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("-with %s: %v", test.with, err)
			continue
		}
		if got := b.Plugins[1]; got != test.plugin {
			t.Errorf("-with %s adds %v, want %v", test.with, got, test.plugin)
		}
		if test.replacement != (replacement{}) && (len(b.Replacements) != 1 || b.Replacements[0] != test.replacement) {
			t.Errorf("-with %s replaces %v, want %v", test.with, b.Replacements, test.replacement)
		}
	}
}
