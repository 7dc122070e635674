package identity

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v3/jwk"
)

func TestMistakesInAKeySet(t *testing.T) {
	i := newIssuer(t)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	private := func(key any) map[string]any {
		k, err := jwk.Import(key)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(k)
		if err != nil {
			t.Fatal(err)
		}
		m := make(map[string]any)
		if err := json.Unmarshal(raw, &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	of := func(keys ...map[string]any) string {
		raw, err := json.MarshalIndent(map[string]any{"keys": keys}, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	change := func(alg string, changes map[string]any) map[string]any {
		k := maps.Clone(i.public[alg])
		maps.Copy(k, changes)
		return k
	}
	for _, test := range []struct {
		name string
		set  string
		want []string // line:column summary: of the detail
	}{
		{"nothing", "", []string{"1:1 Invalid key set"}},
		{"a list", "[]", []string{"1:1 Invalid key set"}},
		{"a key without a set", of()[:0] + `{"kty":"oct","k":"AA"}`, []string{"1:1 Invalid key set"}},
		{"a name twice", "{\"keys\":[],\n \"keys\":[]}", []string{"2:2 Invalid key set"}},
		{"something after it", `{"keys":[]} x`, []string{"1:13 Invalid key set"}},
		{"no keys", `{"keys":[]}`, []string{"1:1 Empty key set"}},
		{"keys for encryption only", of(change("RS256", map[string]any{"use": "enc"})), []string{"1:1 Empty key set"}},
		{"keys to sign with only", of(change("RS256", map[string]any{"key_ops": []string{"sign"}})), []string{"1:1 Empty key set"}},
		{"keys of an unknown kind only", `{"keys":[{"kty":"AKP"},{"kty":"EC","crv":"secp256k1","x":"","y":""},{"kty":"OKP","crv":"X25519","x":""}]}`, []string{"1:1 Empty key set"}},
		{"a private RSA key", of(private(i.private["RS256"])), []string{"3:5 Invalid key"}},
		{"a private EC key", of(i.public["ES256"], private(i.private["ES256"])), []string{"11:5 Invalid key"}},
		{"a private Ed25519 key", of(private(i.private["EdDSA"])), []string{"3:5 Invalid key"}},
		{"RSA of 1024 bits", of(change("RS256", map[string]any{"n": base64.RawURLEncoding.EncodeToString(weak.N.Bytes())})), []string{"3:5 Invalid key"}},
		{"alg of another kind", of(change("ES256", map[string]any{"alg": "RS256"})), []string{"3:5 Invalid key"}},
		{"alg of another curve", of(change("ES256", map[string]any{"alg": "ES384"})), []string{"3:5 Invalid key"}},
		{"HMAC for an RSA key", of(change("RS256", map[string]any{"alg": "HS256"})), []string{"3:5 Invalid key"}},
		{"a point that is not on its curve", of(change("ES256", map[string]any{"x": i.public["ES256"]["y"]})), []string{"3:5 Invalid key"}},
		{"a kid that is a number", of(change("ES256", map[string]any{"kid": 7})), []string{"3:5 Invalid key"}},
		{"two keys of one kid", of(i.public["ES256"], change("RS256", map[string]any{"kid": "ES256"})), []string{"11:5 Duplicate key id"}},
		{"a key that is a string", `{"keys":["x"]}`, []string{"1:10 Invalid key"}},
		{"too large", `{"keys":[], "x":"` + strings.Repeat("x", MaxKeySet) + `"}`, []string{"1:1 Key set too large"}},
		{"101 keys", `{"keys":[` + strings.Repeat(`{"kty":"x"},`, 100) + `{"kty":"x"}]}`, []string{"1:1 Too many keys"}},
		{"every mistake at once", `{"keys":[1, 2]}`, []string{"1:10 Invalid key", "1:13 Invalid key"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			set, diags := ParseJWKS("keys.json", []byte(test.set))
			if set != nil {
				t.Error("a set was made of a mistake")
			}
			var got []string
			for _, d := range diags {
				got = append(got, fmt.Sprintf("%d:%d %s", d.Subject.Start.Line, d.Subject.Start.Column, d.Summary))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("%q, want %q: %v", got, test.want, diags)
			}
		})
	}
}

func TestKeysWithoutAlgorithm(t *testing.T) {
	i := newIssuer(t)
	set := i.set(t, func(k map[string]any) { delete(k, "alg"); k["kid"] = k["kty"] }, "RS256", "ES256", "EdDSA")
	for _, test := range []struct {
		allowed []string
		alg     string
		kid     string
		want    bool
	}{
		{nil, "RS256", "RSA", true},
		{nil, "RS512", "RSA", false}, // one key, one algorithm
		{nil, "PS256", "RSA", false},
		{[]string{"PS256", "RS256"}, "PS256", "RSA", true},
		{[]string{"PS256", "RS256"}, "RS256", "RSA", false},
		{nil, "ES256", "EC", true},
		{nil, "EdDSA", "OKP", true},
		{[]string{"ES256"}, "EdDSA", "OKP", false},
		{[]string{"ES256"}, "RS256", "RSA", false},
	} {
		m := i.tokens(t, JWTConfig{Algorithms: test.allowed}, set)
		token := i.sign(t, test.alg, fmt.Sprintf(`{"alg":%q,"kid":%q}`, test.alg, test.kid), claimsWith(nil))
		if _, r := m.Authenticate(request("Authorization", "Bearer "+token)); (r == nil) != test.want {
			t.Errorf("%s, allowed %v: %v", test.alg, test.allowed, r)
		}
	}
}

func TestTokenWithoutKidAndTwoKeys(t *testing.T) {
	i := newIssuer(t)
	n := 0
	set := i.set(t, func(k map[string]any) { n++; k["kid"] = fmt.Sprint(n) }, "ES256", "ES256")
	m := i.tokens(t, JWTConfig{}, set)
	if _, r := m.Authenticate(request("Authorization", "Bearer "+i.sign(t, "ES256", `{"alg":"ES256"}`, claimsWith(nil)))); r == nil {
		t.Error("a token that names no key was believed though two fit")
	}
	if _, r := m.Authenticate(request("Authorization", "Bearer "+i.sign(t, "ES256", `{"alg":"ES256","kid":"2"}`, claimsWith(nil)))); r != nil {
		t.Error(r)
	}
}

func TestHMACOnlyWhereListed(t *testing.T) {
	i := newIssuer(t)
	both := i.set(t, nil, "HS256", "ES256")
	token := i.sign(t, "HS256", header("HS256"), claimsWith(nil))
	if _, r := i.tokens(t, JWTConfig{}, both).Authenticate(request("Authorization", "Bearer "+token)); r == nil {
		t.Error("HMAC was believed though nobody listed it")
	}
	if _, r := i.tokens(t, JWTConfig{Algorithms: []string{"ES256", "HS256"}}, both).Authenticate(request("Authorization", "Bearer "+token)); r != nil {
		t.Error(r)
	}
}

func FuzzParseJWKS(f *testing.F) {
	f.Add(newIssuer(f).set(f, nil, defaultAlgorithms...))
	f.Add([]byte(`{"keys":[{"kty":"oct","k":"AAAA","kid":"a"}]}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		set, diags := ParseJWKS("f", src)
		if (set == nil) != diags.HasErrors() {
			t.Fatal("a set with mistakes, or none without")
		}
		for _, d := range diags {
			if d.Subject.Start.Byte > len(src) || d.Subject.End.Byte > len(src) {
				t.Fatal("a place outside the file")
			}
		}
	})
}
