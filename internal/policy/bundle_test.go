package policy

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"

	"github.com/wicketgate/wicketgate/internal/archive"
	"github.com/wicketgate/wicketgate/internal/bundle/bundletest"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/packed"
)

// unpack gives the files of a bundle as its archive has them.
func unpack(t testing.TB, f bundletest.Files) []archive.File {
	t.Helper()
	files, err := archive.Read(f.Pack(t), 64<<20)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// readBundle reads a bundle whose signature nobody asks for.
func readBundle(t testing.TB, f bundletest.Files) (*Snapshot, hcl.Diagnostics) {
	t.Helper()
	return ReadBundle(context.Background(), "gw.tar.gz", unpack(t, f), nil, Options{Limit: MaxLimit})
}

// askPlain evaluates a query about a plain request.
func askPlain(t testing.TB, s *Snapshot, query string) (*exchange.Decision, int) {
	t.Helper()
	q, diags := s.Prepare(query, hcl.Range{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	d, p := q.Decide(&exchange.Exchange{Method: http.MethodGet, Time: time.Now()})
	if p != nil {
		return d, p.StatusCode()
	}
	return d, 0
}

func TestBundle(t *testing.T) {
	s, diags := readBundle(t, bundletest.Files{
		".manifest":            `{"revision": "r7", "roots": ["shop", "lib/http"], "rego_version": 1}`,
		"shop/orders.rego":     "package shop.orders\n\nimport data.lib.http\n\nallow if {\n\thttp.safe[input.request.method]\n\tdata.shop.roles.clerk[0] == \"read\\n\"\n\tdata.shop.roles.n == 1.50\n\tdata.shop.open == [true, null, {}]\n}\n",
		"lib/http/http.rego":   "package lib.http\n\nsafe contains \"GET\"\n",
		"shop/t_test.rego":     "package shop.orders_test\n\ntest_x if nothing(1)\n",
		"data.json":            ` {"shop": {"roles": {"clerk": ["read\n"]}}} `,
		"shop/data.yaml":       "open:\n- true\n- null\n- {}\n",
		"shop/roles/data.json": `{"n": 1.5}`,
		"README.md":            "no part of it",
	})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if s.Revision() != "r7" {
		t.Errorf("the revision is %q", s.Revision())
	}
	if d, status := askPlain(t, s, "data.shop.orders"); status != 0 || !d.Allow {
		t.Errorf("denied: %d %+v", status, d)
	}
	if len(s.sources) != 2 {
		t.Errorf("sources of data are kept: %d", len(s.sources))
	}
}

// Each bundle has a mistake, or several; all are told at their places in the archive.
func TestBundleMistakes(t *testing.T) {
	good := "package a\n\nallow if true\n"
	for _, c := range []struct {
		name  string
		files bundletest.Files
		want  string
	}{
		{"two that do not parse, and one that does not compile", bundletest.Files{
			"a.rego": "package a\n\nallow if {\n\tx =\n}\n", "x/b.rego": "package b\n\nallow { input.time }\n", "c.rego": "package c\n\nallow if input.tme\n"},
			"gw.tar.gz:a.rego:5:1 Not valid Rego | gw.tar.gz:x/b.rego:3:1 Rego v0 | gw.tar.gz:c.rego:3:16 No such name in input"},
		{"several that do not compile", bundletest.Files{"a.rego": "package a\n\nallow if http.send({}).x\n\nb if input.tme\n", "x/b.rego": "package b\n\nallow if input.request.headers.Accept\n\nc if opa.runtime().x\n"},
			"gw.tar.gz:a.rego:3:10 Function not allowed | gw.tar.gz:x/b.rego:5:6 Function not allowed | gw.tar.gz:a.rego:5:12 No such name in input"},
		{"data in conflict with a rule", bundletest.Files{"a.rego": good, "data.json": `{"a": {"allow": false}}`},
			"gw.tar.gz:a.rego:3:1 Policy does not compile"},
		{"data given twice", bundletest.Files{"a.rego": good, "data.json": `{"x": {"n": 1}}`, "x/data.json": `{"n": 2}`},
			"gw.tar.gz:x/data.json:1:1 Data given twice"},
		{"data in two notations", bundletest.Files{"a.rego": good, "x/data.json": `{}`, "x/data.yaml": `{}`},
			"gw.tar.gz:x/data.yaml:1:1 Data given twice"},
		{"data without names", bundletest.Files{"a.rego": good, "data.json": `[1]`},
			"gw.tar.gz:data.json:1:1 Data without names"},
		{"two broken data files", bundletest.Files{"a.rego": good, "x/data.json": "{\n  \"n\": 01\n}", "y/data.json": `{"n": 1, "n": 2}`},
			"gw.tar.gz:x/data.json:2:8 Data not well formed | gw.tar.gz:y/data.json:1:10 Data not well formed"},
		{"broken YAML", bundletest.Files{"a.rego": good, "x/data.yml": "a: 1\nb: [\n"},
			"gw.tar.gz:x/data.yml:2:1 Data not well formed"},
		{"deep data", bundletest.Files{"a.rego": good, "x/data.json": strings.Repeat("[", 300) + strings.Repeat("]", 300)},
			"gw.tar.gz:x/data.json:1:257 Data not well formed"},
		{"a policy outside of the roots", bundletest.Files{".manifest": `{"roots": ["b"]}`, "a.rego": good},
			"gw.tar.gz:1:1 Bundle not taken"},
		{"data outside of the roots", bundletest.Files{".manifest": `{"roots": ["a/b", "c"]}`, "b.rego": "package a.b\n\nallow if true\n", "data.json": `{"c": 1, "a": {"b": {"n": 1}, "x": 1}}`},
			"gw.tar.gz:1:1 Data outside of the bundle's roots"},
		{"data in place of a root's folder", bundletest.Files{".manifest": `{"roots": ["a/b"]}`, "b.rego": "package a.b\n\nallow if true\n", "data.json": `{"a": 1}`},
			"gw.tar.gz:1:1 Data outside of the bundle's roots"},
		{"overlapping roots", bundletest.Files{".manifest": `{"roots": ["a", "a/b"]}`, "a.rego": good},
			"gw.tar.gz:1:1 Bundle not taken"},
		{"old Rego", bundletest.Files{".manifest": `{"rego_version": 0}`, "a.rego": "package a\n\nallow { true }\n"},
			"gw.tar.gz:1:1 Old Rego not taken"},
		{"one file of old Rego", bundletest.Files{".manifest": `{"rego_version": 1, "file_rego_versions": {"/b.rego": 0}}`, "a.rego": good, "b.rego": "package b\n\nallow { true }\n"},
			"gw.tar.gz:1:1 Old Rego not taken"},
		{"Wasm", bundletest.Files{".manifest": `{"wasm": [{"entrypoint": "a/allow", "module": "/policy.wasm"}]}`, "a.rego": good, "policy.wasm": "\x00asm"},
			"gw.tar.gz:1:1 Wasm not taken"},
		{"a delta", bundletest.Files{"patch.json": `{"data": [{"op": "upsert", "path": "/a/b", "value": 1}]}`},
			"gw.tar.gz:1:1 Delta bundle not taken"},
		{"no policies", bundletest.Files{"data.json": `{}`}, "gw.tar.gz:1:1 No policies"},
		{"a broken manifest", bundletest.Files{".manifest": `{"roots": 1}`, "a.rego": good}, "gw.tar.gz:1:1 Bundle not taken"},
		{"a policy that depends on itself", bundletest.Files{"a.rego": "package a\n\nallow if allow\n"}, "gw.tar.gz:a.rego:3:1 Rule depends on itself"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, diags := readBundle(t, c.files)
			if s != nil || !diags.HasErrors() {
				t.Fatal("it was taken")
			}
			var told []string
			for _, d := range diags {
				told = append(told, fmt.Sprintf("%s:%d:%d %s", d.Subject.Filename, d.Subject.Start.Line, d.Subject.Start.Column, d.Summary))
			}
			if got := strings.Join(told, " | "); got != c.want {
				t.Errorf("got  %s\nwant %s\n%v", got, c.want, diags)
			}
		})
	}
}

func TestBundleSignatures(t *testing.T) {
	key, other := bundletest.NewKey(t), bundletest.NewKey(t)
	scoped := *key
	scoped.Scope = "write"
	plain := bundletest.Files{"a.rego": "package a\n\nallow if true\n", "data.json": `{"n": 1}`, ".manifest": `{"revision":"1"}`}
	with := func(f bundletest.Files, name, text string) bundletest.Files {
		changed := bundletest.Files{}
		for n, t := range f {
			changed[n] = t
		}
		changed[name] = text
		return changed
	}
	signed := key.Sign(t, plain)
	for _, c := range []struct {
		name  string
		files bundletest.Files
		want  string
	}{
		{"signed", signed, ""},
		{"unsigned", plain, "bundle missing .signatures.json file"},
		{"another's key", other.Sign(t, plain), "failed to verify JWT signature"},
		{"another scope", scoped.Sign(t, plain), "scope mismatch"},
		{"a changed policy", with(signed, "a.rego", "package a\n\nallow if 1 == 1\n"), "digest mismatch"},
		{"changed data", with(signed, "data.json", `{"n": 2}`), "digest mismatch"},
		{"data only spelt otherwise", with(signed, "data.json", ` { "n" : 1 } `), ""},
		{"an added policy", with(signed, "b.rego", "package b\n\nallow if true\n"), "not included in bundle signature"},
		{"a missing file", func() bundletest.Files {
			f := with(signed, "a.rego", plain["a.rego"])
			delete(f, "data.json")
			return f
		}(), "not found in the target bundle"},
		{"an added broken policy", with(signed, "b.rego", "package"), "not included in bundle signature"},
	} {
		verify := bundle.NewVerificationConfig(map[string]*bundle.KeyConfig{"default": {Key: key.Public, Algorithm: "ES256"}}, "default", "", nil)
		s, diags := ReadBundle(t.Context(), "gw.tar.gz", unpack(t, c.files), verify, Options{})
		if (c.want == "") != (s != nil) || c.want != "" && (len(diags) != 1 || !strings.Contains(strings.ToLower(diags[0].Detail), strings.ToLower(c.want))) {
			t.Errorf("%s: got %v, %v; want %q", c.name, s, diags, c.want)
		}
	}
	if s, diags := ReadBundle(t.Context(), "gw.tar.gz", unpack(t, signed), nil, Options{}); s != nil || !strings.Contains(diags.Error(), "erification key not provided") {
		t.Errorf("signed, and no key to check it: got %v, %v", s, diags)
	}
}

// Who comes before the policies is told to come again, whatever is asked; a name that is none is still a mistake.
func TestWaiting(t *testing.T) {
	waiting, diags := Waiting(t.Context(), Options{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	for _, query := range []string{"data.shop.orders", "data.shop.orders.allow"} {
		if d, status := askPlain(t, waiting, query); status != 503 || d != nil {
			t.Errorf("%s: got %d %v", query, status, d)
		}
	}
	if _, diags := waiting.Prepare("shop", hcl.Range{}); !diags.HasErrors() {
		t.Error("what names no policy was prepared")
	}
	if _, diags := Waiting(t.Context(), Options{Limit: -1}); !diags.HasErrors() {
		t.Error("a negative limit was taken")
	}

	s, _ := readBundle(t, bundletest.Files{"a.rego": "package a\n\nallow if true\n"})
	if _, diags := s.Prepare("data.b", hcl.Range{}); !diags.HasErrors() {
		t.Error("a policy that is not there was prepared")
	}
	unconfirmed := s.Unconfirmed()
	if _, status := askPlain(t, unconfirmed, "data.b"); status != 503 {
		t.Errorf("what newer policies may define: got %d", status)
	}
	if d, status := askPlain(t, unconfirmed, "data.a"); status != 0 || !d.Allow {
		t.Errorf("what these define: got %d %v", status, d)
	}
}

// A tree has the very values that OPA makes of the same JSON.
func FuzzTree(f *testing.F) {
	for _, doc := range []string{`{"a":{"b":[1,"x",true,null,{}]},"c":-0.0}`, `"\u00e9\ud83d\ude00\n"`, `[[],[[]],{"":[]}]`, `1e5`, ` 7 `, `{"a":"a","b":"a"}`} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		if archive.Check(doc) != nil {
			return
		}
		made := newTree()
		got := made.datum(datum{value: packed.New(doc).Root()})
		if len(made.items) != 0 || len(made.terms) != 0 {
			t.Fatal("something is left open")
		}
		var value any
		d := json.NewDecoder(strings.NewReader(string(doc)))
		d.UseNumber()
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
		want, err := ast.InterfaceToValue(value)
		if err != nil {
			t.Fatal(err)
		}
		if got.Value.Compare(want) != 0 || got.Value.Hash() != want.Hash() {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}
