package signature

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"maps"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/bundle"

	"github.com/wicketgate/wicketgate/internal/bundle/bundletest"
)

// TestAgreesWithOPA verifies archives, right and wrong, and has OPA verify them too.
func TestAgreesWithOPA(t *testing.T) {
	key, other := bundletest.NewKey(t), bundletest.NewKey(t)
	plain := bundletest.Files{"a.rego": "package a\n", "data.json": `{"b": {"d": 1, "c": "é"}, "a": []}`, "x/data.yaml": "a: 1\n", ".manifest": `{"revision": "1"}`, "notes.txt": "x"}
	with := func(f bundletest.Files, name, content string) bundletest.Files {
		f = maps.Clone(f)
		f[name] = content
		return f
	}
	without := func(f bundletest.Files, name string) bundletest.Files {
		f = maps.Clone(f)
		delete(f, name)
		return f
	}
	signed := key.Sign(t, plain)
	for _, test := range []struct {
		name    string
		archive []byte
		ok      bool
	}{
		{"signed", signed.Pack(t), true},
		{"spelt in another way", with(signed, "data.json", "{\"a\":[ ],\n\"b\":{\"c\":\"\\u00e9\",\"d\":1}}").Pack(t), true},
		{"unsigned", plain.Pack(t), false},
		{"another's", other.Sign(t, plain).Pack(t), false},
		{"other data", with(signed, "data.json", `{"b": {"d": 2, "c": "é"}, "a": []}`).Pack(t), false},
		{"another number", with(signed, "data.json", `{"b": {"d": 1.0, "c": "é"}, "a": []}`).Pack(t), false},
		{"a member twice", with(signed, "data.json", `{"b": {"d": 2, "c": "é", "d": 3}, "a": []}`).Pack(t), false},
		{"other YAML", with(signed, "x/data.yaml", "a: 2\n").Pack(t), false},
		{"another policy", with(signed, "a.rego", "package a\n\nallow := true\n").Pack(t), false},
		{"another manifest", with(signed, ".manifest", `{"revision": "2"}`).Pack(t), false},
		{"another text", with(signed, "notes.txt", "y").Pack(t), false},
		{"more data", with(signed, "y/data.json", `{}`).Pack(t), false},
		{"more policies", with(signed, "b.rego", "package b\n").Pack(t), false},
		{"less data", without(signed, "data.json").Pack(t), false},
		{"two signatures", with(signed, "x/.signatures.json", signed[".signatures.json"]).Pack(t), false},
		{"signatures that are no JSON", with(signed, ".signatures.json", "{").Pack(t), false},
		{"no archive", []byte("x"), false},
		{"cut off", signed.Pack(t)[:200], false},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := bundle.NewVerificationConfig(map[string]*bundle.KeyConfig{"default": {Key: key.Public, Algorithm: "ES256"}}, "default", "", nil)
			err := Verify(test.archive, 1<<20, config)
			_, opa := bundle.NewCustomReader(bundle.NewTarballLoaderWithBaseURL(bytes.NewReader(test.archive), "")).
				WithBundleVerificationConfig(config).WithLazyLoadingMode(true).Read()
			if (err == nil) != test.ok || (opa == nil) != test.ok {
				t.Errorf("got %v, and OPA says %v", err, opa)
			}
		})
	}
}

// TestTooLarge has a file that is larger than it may be, and signatures that are.
func TestTooLarge(t *testing.T) {
	key := bundletest.NewKey(t)
	config := bundle.NewVerificationConfig(map[string]*bundle.KeyConfig{"default": {Key: key.Public, Algorithm: "ES256"}}, "default", "", nil)
	archive := key.Sign(t, bundletest.Files{"data.json": `{"a": "` + strings.Repeat("x", 1000) + `"}`}).Pack(t)
	if err := Verify(archive, 1000, config); err == nil || !strings.Contains(err.Error(), "data.json has more than 1000 bytes") {
		t.Errorf("got %v", err)
	}
	if err := Verify(archive, 2000, config); err != nil {
		t.Error(err)
	}
	large := bundletest.Files{".signatures.json": strings.Repeat(" ", maxSignatures+1)}.Pack(t)
	if err := Verify(large, 1<<30, config); err == nil || !strings.Contains(err.Error(), "has more than") {
		t.Errorf("got %v", err)
	}
}

// TestTwice has the same file in an archive twice: only one of them can be the one signed.
func TestTwice(t *testing.T) {
	key := bundletest.NewKey(t)
	signed := key.Sign(t, bundletest.Files{"data.json": `{"a": 1}`})
	var out bytes.Buffer
	packed := gzip.NewWriter(&out)
	archive := tar.NewWriter(packed)
	for _, name := range []string{".signatures.json", "data.json", "data.json"} {
		if err := archive.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: int64(len(signed[name]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(signed[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
	config := bundle.NewVerificationConfig(map[string]*bundle.KeyConfig{"default": {Key: key.Public, Algorithm: "ES256"}}, "default", "", nil)
	if err := Verify(out.Bytes(), 1<<20, config); err == nil || !strings.Contains(err.Error(), "not included in bundle signature") {
		t.Errorf("got %v", err)
	}
}
