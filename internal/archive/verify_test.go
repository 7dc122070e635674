package archive

import (
	"bytes"
	"maps"
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
			files, err := Read(test.archive, 1<<20)
			if err == nil {
				err = Verify(files, config)
			}
			_, opa := bundle.NewCustomReader(bundle.NewTarballLoaderWithBaseURL(bytes.NewReader(test.archive), "")).
				WithBundleVerificationConfig(config).WithLazyLoadingMode(true).Read()
			if (err == nil) != test.ok || (opa == nil) != test.ok {
				t.Errorf("got %v, and OPA says %v", err, opa)
			}
		})
	}
}
