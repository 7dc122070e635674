package catalogue

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
)

// TestCases reads a case that says all there is to say.
func TestCases(t *testing.T) {
	got, diags := LoadCases([]string{"testdata/cases/deeper"})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if len(got.Cases) != 1 || got.Cases[0].Name != "the whole language" || len(got.Cases[0].Steps) != 2 {
		t.Fatalf("got %+v", got.Cases)
	}
	places, reads := got.Cases[0].Steps[0], got.Cases[0].Steps[1]
	noon, december := time.Date(2026, 11, 1, 11, 0, 0, 0, time.UTC), time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		what      string
		got, want any
	}{
		{"name", places.Name, "places"},
		{"the case's time", places.At, noon},
		{"the step's time", reads.At, december},
		{"the case's caller", []any{places.As.Consumer, places.As.Identity, places.As.Name, places.As.Version}, []any{"ada", "staff", "Ada", "v1"}},
		{"claims", string(places.As.Claims), `{"sub":"ada","roles":["manager"]}`},
		{"no scopes", places.As.Scopes != nil && len(places.As.Scopes) == 0, true},
		{"the claims' groups", places.As.Groups == nil, true},
		{"the step's caller", reads.As.Consumer, "acme"},
		{"request", []any{places.Request.Method, places.Request.Target, places.Request.Host, places.Request.Times}, []any{"POST", "/orders?dry=1", "shop.example:8443", 3}},
		{"address", places.Request.Address, netip.MustParseAddr("2001:db8::1")},
		{"the address by default", reads.Request.Address, netip.MustParseAddr("192.0.2.1")},
		{"fields", []any{places.Request.Headers[0].Name, places.Request.Headers[0].Values}, []any{"Accept", []string{"application/json", "text/plain"}}},
		{"body", string(places.Request.Body.Bytes), `{"id":"acme-1001","total":12.30}`},
		{"answers", []any{places.Upstream[0].Down, places.Upstream[1].Status, places.Upstream[1].Body.JSON, len(places.Upstream[1].Body.Bytes)}, []any{true, 201, false, 0}},
		{"no expectation", places.Expect == nil, true},
		{"status", *reads.Expect.Status, int64(200)},
		{"verdict", *reads.Expect.Allow, false},
		{"nothing of the problem", reads.Expect.Problem == nil, true},
		{"reasons", reads.Expect.Reasons, []json.RawMessage{json.RawMessage(`"a"`), json.RawMessage(`{"code":1}`)}},
		{"no such field", []any{reads.Expect.Headers[0].Name, len(reads.Expect.Headers[0].Values)}, []any{"Location", 0}},
		{"forwarded", []any{reads.Expect.Upstream[0].Method, reads.Expect.Upstream[0].Target, string(reads.Expect.Upstream[0].Body.Bytes)}, []any{"GET", "/orders", "[1]"}},
		{"a place", reads.Expect.At("allow").Start.Line, 35},
		{"the place of what is not written", reads.Expect.At("stage"), reads.Expect.Range},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s: got %v, want %v", c.what, c.got, c.want)
		}
	}
}

// TestCaseMistakes tells all mistakes of a file of cases at once, each at its place.
func TestCaseMistakes(t *testing.T) {
	got, diags := LoadCases([]string{"testdata/cases/mistakes.case.hcl"})
	if !diags.HasErrors() {
		t.Fatal("no mistake was found")
	}
	golden(t, "testdata/cases/mistakes.txt", render(t, diags, got.Sources))
}

// TestFindCases finds the cases below folders but not in hidden ones, and does not take them for a catalogue.
func TestFindCases(t *testing.T) {
	files, watched, diags := findCases([]string{"testdata/cases", "testdata/cases/deeper/good.case.hcl"})
	if want := []string{"testdata/cases/deeper/good.case.hcl", "testdata/cases/mistakes.case.hcl"}; !slices.Equal(files, want) || diags.HasErrors() {
		t.Errorf("found %v, want %v; %v", files, want, diags)
	}
	if want := []string{"testdata/cases", "testdata/cases/deeper"}; !slices.Equal(watched, want) {
		t.Errorf("watched %v, want %v", watched, want)
	}
	if _, diags := LoadCases([]string{"testdata/nowhere"}); !diags.HasErrors() {
		t.Error("a folder that is not there is no mistake")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"a.hcl": `api "a" {`, "a.case.hcl": `case "a" {`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, sources, _ := Load([]string{dir, filepath.Join(dir, "*.hcl")}, nil)
	for _, path := range c.Files {
		if strings.HasSuffix(path, caseEnding) || sources[filepath.Join(dir, "a.case.hcl")] != nil {
			t.Errorf("%s is part of the catalogue", path)
		}
	}
	if folders := c.Folders(); !slices.Equal(folders, []string{dir}) {
		t.Errorf("cases are looked for in %v", folders)
	}
}

func FuzzLoadCases(f *testing.F) {
	for _, path := range []string{"testdata/cases/mistakes.case.hcl", "testdata/cases/deeper/good.case.hcl"} {
		src, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		path := filepath.Join(t.TempDir(), "a.case.hcl")
		if err := os.WriteFile(path, src, 0o600); err != nil {
			t.Fatal(err)
		}
		c, diags := LoadCases([]string{path})
		for _, d := range diags {
			if d.Severity != hcl.DiagError || d.Subject == nil || d.Subject.Filename != path {
				t.Errorf("a mistake without its place: %v", d)
			}
		}
		if diags.HasErrors() {
			return
		}
		for _, test := range c.Cases {
			for _, s := range test.Steps {
				if s.Request.Method == "" || s.Request.Target == "" || s.Request.Times < 1 || !s.Request.Address.IsValid() {
					t.Errorf("%s: a request without its parts: %+v", test.Name, s.Request)
				}
			}
		}
	})
}
