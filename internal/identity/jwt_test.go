package identity

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"

	"github.com/wicketgate/wicketgate/internal/duration"
)

// issuer is somebody who makes tokens: a key of each kind, named by its algorithm.
type issuer struct {
	private map[string]any
	public  map[string]map[string]any // as JWK members
}

var newIssuerOnce = sync.OnceValue(func() *issuer {
	i := &issuer{private: make(map[string]any), public: make(map[string]map[string]any)}
	must := func(key any, err error) any {
		if err != nil {
			panic(err)
		}
		return key
	}
	rsaKey := must(rsa.GenerateKey(rand.Reader, 2048))
	for _, alg := range []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"} {
		i.private[alg] = rsaKey
	}
	i.private["ES256"] = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	i.private["ES384"] = must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	i.private["ES512"] = must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader))
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	i.private["EdDSA"] = must(ed, err)
	for alg, n := range map[string]int{"HS256": 32, "HS384": 48, "HS512": 64} {
		i.private[alg] = bytes.Repeat([]byte{7}, n)
	}
	for alg, private := range i.private {
		key, err := jwk.PublicKeyOf(private)
		if err != nil {
			panic(err)
		}
		raw, err := json.Marshal(key)
		if err != nil {
			panic(err)
		}
		members := make(map[string]any)
		if err := json.Unmarshal(raw, &members); err != nil {
			panic(err)
		}
		members["kid"], members["alg"] = alg, alg
		i.public[alg] = members
	}
	return i
})

func newIssuer(testing.TB) *issuer { return newIssuerOnce() }

// set is a JWKS of the keys named.
func (i *issuer) set(t testing.TB, edit func(jwk map[string]any), algs ...string) []byte {
	t.Helper()
	keys := []map[string]any{}
	for _, alg := range algs {
		k := maps.Clone(i.public[alg])
		if edit != nil {
			edit(k)
		}
		keys = append(keys, k)
	}
	raw, err := json.MarshalIndent(map[string]any{"keys": keys}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

const iss, aud = "https://id.acme.example", "orders"

// tokens is the method for the issuer's asymmetric keys, or for set if given.
func (i *issuer) tokens(t testing.TB, c JWTConfig, set []byte) *Tokens {
	t.Helper()
	if set == nil {
		set = i.set(t, nil, defaultAlgorithms...)
	}
	keys, diags := ParseJWKS("keys.json", set)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if c.Issuer == "" {
		c.Issuer = iss
	}
	if c.Audience == nil {
		c.Audience = []string{aud, "orders-beta"}
	}
	c.Keys = "keys.json"
	m, diags := NewTokens(c, keys, Computed{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return m
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// sign makes a token of a header and a payload, whatever they are, with the issuer's key for alg.
func (i *issuer) sign(t testing.TB, alg, header, payload string) string {
	t.Helper()
	input := b64(header) + "." + b64(payload)
	signer, err := jws.SignerFor(algorithms[alg].jwa)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := signer.Sign(i.private[alg], []byte(input))
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + b64(string(sig))
}

// claimsWith are good claims with changes; a nil value takes a claim away.
func claimsWith(changes map[string]any) string {
	c := map[string]any{
		"iss": iss, "aud": aud, "sub": "ada", "exp": now.Add(time.Hour).Unix(), "iat": now.Unix(), "nbf": now.Unix(),
	}
	for k, v := range changes {
		if v == nil {
			delete(c, k)
		} else {
			c[k] = v
		}
	}
	raw, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func header(alg string) string { return fmt.Sprintf(`{"alg":%q,"kid":%q,"typ":"JWT"}`, alg, alg) }

func TestTokenIdentifiesItsConsumer(t *testing.T) {
	i := newIssuer(t)
	for alg := range algorithms {
		t.Run(alg, func(t *testing.T) {
			m := i.tokens(t, JWTConfig{Algorithms: []string{alg}}, i.set(t, nil, alg))
			token := i.sign(t, alg, header(alg), claimsWith(map[string]any{
				"scope": "orders:read orders:write", "groups": []string{"staff"}, "name": "Ada", "tenant": map[string]any{"id": 7, "rate": 0.5},
			}))
			s, diags := New(Config{}, m)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			x := request("Authorization", "bearer "+token) // the scheme's case does not matter (RFC 9110, section 11.1)
			if p := s.Handle(x); p != nil {
				t.Fatal(p)
			}
			c := x.Consumer
			if c.ID != "ada" || c.Name != "Ada" || c.Method != "jwt" || !c.Expires.Equal(now.Add(time.Hour)) ||
				!slices.Equal(c.Scopes, []string{"orders:read", "orders:write"}) || !slices.Equal(c.Groups, []string{"staff"}) {
				t.Errorf("%+v", c)
			}
			if tenant := c.Claims["tenant"].(map[string]any); tenant["id"] != 7 || tenant["rate"] != 0.5 {
				t.Errorf("numbers: %#v", tenant)
			}
			if x.Header.Get("Authorization") != "" {
				t.Errorf("to the upstream: %v", x.Header)
			}
		})
	}
}

func TestAuthorizationField(t *testing.T) {
	i := newIssuer(t)
	good := i.sign(t, "EdDSA", header("EdDSA"), claimsWith(nil))
	s, diags := New(Config{}, i.tokens(t, JWTConfig{}, nil))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	expired := i.sign(t, "EdDSA", header("EdDSA"), claimsWith(map[string]any{"exp": 1}))
	early := i.sign(t, "EdDSA", header("EdDSA"), claimsWith(map[string]any{"nbf": now.Add(time.Hour).Unix()}))
	for _, test := range []struct {
		name      string
		values    []string
		status    int
		challenge string
	}{
		{"a token", []string{"Bearer " + good}, 0, ""},
		{"blanks", []string{"Bearer   " + good}, 0, ""},
		{"no field", nil, 401, `Bearer realm="api"`},
		{"expired", []string{"Bearer " + expired}, 401, `Bearer realm="api", error="invalid_token", error_description="the token has expired"`},
		{"too early", []string{"Bearer " + early}, 401, `Bearer realm="api", error="invalid_token", error_description="the token is not valid yet"`},
		{"an empty field", []string{""}, 401, `Bearer realm="api", error="invalid_token", error_description="the credentials are not a bearer token"`},
		{"another scheme", []string{"Basic YTpi"}, 401, `Bearer realm="api", error="invalid_token", error_description="the credentials are not a bearer token"`},
		{"the token alone", []string{good}, 401, `Bearer realm="api", error="invalid_token", error_description="the credentials are not a bearer token"`},
		{"the scheme alone", []string{"Bearer"}, 400, `Bearer realm="api", error="invalid_request", error_description="the Authorization field is not one bearer token"`},
		{"two tokens", []string{"Bearer " + good + " " + good}, 400, `Bearer realm="api", error="invalid_request", error_description="the Authorization field is not one bearer token"`},
		{"two tokens in a list", []string{"Bearer " + good + ",Bearer " + good}, 400, `Bearer realm="api", error="invalid_request", error_description="the Authorization field is not one bearer token"`},
		{"the field twice", []string{"Bearer " + good, "Bearer " + good}, 400, `Bearer realm="api", error="invalid_request", error_description="the Authorization field was sent more than once"`},
		{"a token in JSON", []string{`Bearer {"payload":"e30","signatures":[]}`}, 400, `Bearer realm="api", error="invalid_request", error_description="the Authorization field is not one bearer token"`},
		{"a tab", []string{"Bearer\t" + good}, 401, `Bearer realm="api", error="invalid_token", error_description="the credentials are not a bearer token"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := request()
			if test.values != nil {
				x.Header["Authorization"] = test.values
			}
			p := s.Handle(x)
			if test.status == 0 {
				if p != nil {
					t.Fatal(p)
				}
				return
			}
			if p == nil || p.StatusCode() != test.status {
				t.Fatalf("%v, want %d", p, test.status)
			}
			if got := p.Header["Www-Authenticate"]; !slices.Equal(got, []string{test.challenge}) {
				t.Errorf("%q, want %q", got, test.challenge)
			}
		})
	}
}

func TestConsumerFromAnExpression(t *testing.T) {
	i := newIssuer(t)
	keys, diags := ParseJWKS("keys.json", i.set(t, nil, "ES256"))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	for name, test := range map[string]struct {
		consumer func(map[string]any) (string, error)
		want     string
	}{
		"another claim": {func(c map[string]any) (string, error) { return c["client_id"].(string), nil }, "shop"},
		"it fails":      {func(map[string]any) (string, error) { return "shop", errors.New("no such claim") }, ""},
		"it is empty":   {func(map[string]any) (string, error) { return "", nil }, ""},
	} {
		m, diags := NewTokens(JWTConfig{Issuer: iss, Audience: []string{aud}}, keys, Computed{Consumer: test.consumer})
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		c, r := m.Authenticate(request("Authorization", "Bearer "+i.sign(t, "ES256", header("ES256"), claimsWith(map[string]any{"client_id": "shop"}))))
		switch {
		case test.want == "" && (r == nil || c != nil || r.Detail != invalidToken):
			t.Errorf("%s: %+v, %v", name, c, r)
		case test.want != "" && (r != nil || c.ID != test.want):
			t.Errorf("%s: %+v, %v", name, c, r)
		}
	}
}

func TestMistakesInAJWTConfiguration(t *testing.T) {
	i := newIssuer(t)
	all := append(slices.Clone(defaultAlgorithms), "HS256", "HS512")
	keys, diags := ParseJWKS("keys.json", i.set(t, nil, all...))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	short, diags := ParseJWKS("keys.json", []byte(`{"keys":[{"kty":"oct","k":"`+b64(strings.Repeat("k", 31))+`"}]}`))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	for _, test := range []struct {
		name   string
		config JWTConfig
		keys   *JWKS
		want   string
	}{
		{"no issuer", JWTConfig{Audience: []string{aud}}, keys, "Missing issuer"},
		{"no audience", JWTConfig{Issuer: iss}, keys, "Invalid audience"},
		{"an empty audience", JWTConfig{Issuer: iss, Audience: []string{""}}, keys, "Invalid audience"},
		{"none", JWTConfig{Issuer: iss, Audience: []string{aud}, Algorithms: []string{"none"}}, keys, "Unknown algorithm"},
		{"an algorithm in lower case", JWTConfig{Issuer: iss, Audience: []string{aud}, Algorithms: []string{"es256"}}, keys, "Unknown algorithm"},
		{"a leeway of an hour", JWTConfig{Issuer: iss, Audience: []string{aud}, Leeway: duration.Duration(time.Hour)}, keys, "Invalid leeway"},
		{"a leeway below zero", JWTConfig{Issuer: iss, Audience: []string{aud}, Leeway: -1}, keys, "Invalid leeway"},
		{"an HMAC key that is too short", JWTConfig{Issuer: iss, Audience: []string{aud}, Algorithms: []string{"HS256"}}, short, "Key too short"},
		{"HMAC keys that nobody listed", JWTConfig{Issuer: iss, Audience: []string{aud}}, short, "No usable key"},
	} {
		test.config.Keys = "keys.json"
		m, diags := NewTokens(test.config, test.keys, Computed{})
		if m != nil || len(diags) != 1 || diags[0].Summary != test.want {
			t.Errorf("%s: %v, want %s", test.name, diags, test.want)
		}
	}
}

func BenchmarkVerifyES256(b *testing.B) {
	i := newIssuer(b)
	token := i.sign(b, "ES256", header("ES256"), claimsWith(map[string]any{"scope": "orders:read orders:write", "client_id": "shop", "jti": "0123456789"}))
	key := i.private["ES256"].(*ecdsa.PrivateKey)
	b.Run("bare", func(b *testing.B) { // the signature alone, by crypto/ecdsa
		end := strings.LastIndexByte(token, '.')
		raw, err := base64.RawURLEncoding.DecodeString(token[end+1:])
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			digest := sha256.Sum256([]byte(token[:end]))
			if !ecdsa.Verify(&key.PublicKey, digest[:], new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:])) {
				b.Fatal("not verified")
			}
		}
	})
	b.Run("verified", func(b *testing.B) {
		m := i.tokens(b, JWTConfig{}, nil)
		x := request("Authorization", "Bearer "+token)
		b.ReportAllocs()
		for b.Loop() {
			if _, r := m.verify(x, token, m.bound.Load()); r != nil {
				b.Fatal(r)
			}
		}
	})
	b.Run("remembered", func(b *testing.B) {
		m := i.tokens(b, JWTConfig{}, nil)
		x := request("Authorization", "Bearer "+token)
		b.ReportAllocs()
		for b.Loop() {
			if _, r := m.Authenticate(x); r != nil {
				b.Fatal(r)
			}
		}
	})
	b.Run("remembered, by the stage", func(b *testing.B) {
		s, diags := New(Config{}, i.tokens(b, JWTConfig{}, nil))
		if diags.HasErrors() {
			b.Fatal(diags)
		}
		x := request()
		value := []string{"Bearer " + token}
		b.ReportAllocs()
		for b.Loop() {
			x.Header["Authorization"] = value
			if p := s.Handle(x); p != nil {
				b.Fatal(p)
			}
		}
	})
	b.Run("refused before the signature", func(b *testing.B) {
		m := i.tokens(b, JWTConfig{}, nil)
		x := request("Authorization", "Bearer "+i.sign(b, "ES256", `{"alg":"ES256","kid":"nobody"}`, claimsWith(nil)))
		b.ReportAllocs()
		for b.Loop() {
			if _, r := m.Authenticate(x); r == nil {
				b.Fatal("believed")
			}
		}
	})
}
