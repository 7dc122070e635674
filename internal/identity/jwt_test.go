package identity

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
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
	"github.com/lestrrat-go/jwx/v3/jwt"

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
	m, diags := NewTokens(c, keys, nil)
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
			if x.Header.Get("Authorization") != "" || x.Forward.Get("X-Consumer-Id") != "ada" {
				t.Errorf("to the upstream: %v, %v", x.Header, x.Forward)
			}
		})
	}
}

// TestTokenAttacks are tokens and fields that must not be believed.
func TestTokenAttacks(t *testing.T) {
	i := newIssuer(t)
	good := i.sign(t, "ES256", header("ES256"), claimsWith(nil))
	part := strings.Split(good, ".")
	rsaPublic, err := x509.MarshalPKIXPublicKey(&i.private["RS256"].(*rsa.PrivateKey).PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	hmacWith := func(header string, secret []byte) string {
		input := b64(header) + "." + b64(claimsWith(nil))
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(input))
		return input + "." + b64(string(mac.Sum(nil)))
	}
	mallory, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	malloryJWK, err := jwk.PublicKeyOf(mallory)
	if err != nil {
		t.Fatal(err)
	}
	malloryJSON, err := json.Marshal(malloryJWK)
	if err != nil {
		t.Fatal(err)
	}
	evil := &issuer{private: map[string]any{"ES256": mallory}}
	order := elliptic.P256().Params().N
	ecSignature := func(r, s *big.Int) string {
		raw, err := base64.RawURLEncoding.DecodeString(part[2])
		if err != nil {
			t.Fatal(err)
		}
		if r == nil {
			r = new(big.Int).SetBytes(raw[:32])
		}
		if s == nil {
			s = new(big.Int).SetBytes(raw[32:])
		}
		if r.BitLen() > 256 || s.BitLen() > 256 {
			return part[0] + "." + part[1] + "." + b64(string(append(r.FillBytes(make([]byte, 33)), s.FillBytes(make([]byte, 33))...)))
		}
		return part[0] + "." + part[1] + "." + b64(string(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)))
	}
	s0 := func() *big.Int {
		raw, _ := base64.RawURLEncoding.DecodeString(part[2])
		return new(big.Int).SetBytes(raw[32:])
	}()
	der, err := ecdsa.SignASN1(rand.Reader, i.private["ES256"].(*ecdsa.PrivateKey), func() []byte { d := sha256.Sum256([]byte(part[0] + "." + part[1])); return d[:] }())
	if err != nil {
		t.Fatal(err)
	}
	es := func(header string) string { return i.sign(t, "ES256", header, claimsWith(nil)) }
	with := func(claims string) string { return i.sign(t, "ES256", header("ES256"), claims) }
	// The last character of a P-256 signature carries four bits that mean nothing.
	sloppy := good[:len(good)-1] + string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", good[len(good)-1])|1])

	attacks := map[string]string{
		// none
		"none": b64(`{"alg":"none"}`) + "." + part[1] + ".", "none with a signature": b64(`{"alg":"none","kid":"ES256"}`) + "." + part[1] + "." + part[2],
		"None": b64(`{"alg":"None"}`) + "." + part[1] + ".AA", "nOnE": b64(`{"alg":"nOnE"}`) + "." + part[1] + ".AA", "NONE": b64(`{"alg":"NONE"}`) + "." + part[1] + ".AA",
		"none with a blank": b64(`{"alg":"none "}`) + "." + part[1] + ".AA", "no alg": es(`{"kid":"ES256"}`), "alg null": es(`{"alg":null}`), "alg is a list": es(`{"alg":["ES256"]}`),
		"empty alg": es(`{"alg":"","kid":"ES256"}`), "alg in lower case": es(`{"alg":"es256","kid":"ES256"}`), "ALG": es(`{"ALG":"ES256","kid":"ES256"}`),
		// confused keys
		"RSA public key as an HMAC secret":       hmacWith(`{"alg":"HS256","kid":"RS256"}`, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: rsaPublic})),
		"RSA public key in DER as HMAC secret":   hmacWith(`{"alg":"HS256","kid":"RS256"}`, rsaPublic),
		"RSA modulus as HMAC secret":             hmacWith(`{"alg":"HS256"}`, i.private["RS256"].(*rsa.PrivateKey).N.Bytes()),
		"empty HMAC secret":                      hmacWith(`{"alg":"HS256"}`, nil),
		"another algorithm than the key's":       i.sign(t, "RS512", `{"alg":"RS512","kid":"RS256"}`, claimsWith(nil)),
		"PKCS #1 for a PSS key":                  i.sign(t, "RS256", `{"alg":"PS256","kid":"PS256"}`, claimsWith(nil)),
		"an algorithm of another curve":          i.sign(t, "ES384", `{"alg":"ES384","kid":"ES256"}`, claimsWith(nil)),
		"a header that promises another":         i.sign(t, "RS256", `{"alg":"ES256","kid":"ES256"}`, claimsWith(nil)),
		"a stranger's key":                       evil.sign(t, "ES256", header("ES256"), claimsWith(nil)),
		"kid unknown":                            es(`{"alg":"ES256","kid":"nobody"}`),
		"kid empty":                              es(`{"alg":"ES256","kid":""}`),
		"kid null":                               es(`{"alg":"ES256","kid":null}`),
		"kid is a number":                        es(`{"alg":"ES256","kid":1}`),
		"kid is a path":                          es(`{"alg":"ES256","kid":"../../../../dev/null"}`),
		"kid is SQL":                             es(`{"alg":"ES256","kid":"x' UNION SELECT 'ES256"}`),
		"kid twice":                              es(`{"alg":"ES256","kid":"nobody","kid":"ES256"}`),
		"alg twice":                              es(`{"alg":"none","alg":"ES256","kid":"ES256"}`),
		"alg twice, once escaped":                es(`{"\u0061lg":"none","alg":"ES256","kid":"ES256"}`),
		"jwk":                                    evil.sign(t, "ES256", `{"alg":"ES256","kid":"ES256","jwk":`+string(malloryJSON)+`}`, claimsWith(nil)),
		"jwk, signed by the right key":           es(`{"alg":"ES256","kid":"ES256","jwk":` + string(malloryJSON) + `}`),
		"jku":                                    es(`{"alg":"ES256","kid":"ES256","jku":"https://evil.example/jwks.json"}`),
		"x5u":                                    es(`{"alg":"ES256","kid":"ES256","x5u":"https://evil.example/cert.pem"}`),
		"x5c":                                    es(`{"alg":"ES256","kid":"ES256","x5c":["MIIB"]}`),
		"crit":                                   es(`{"alg":"ES256","kid":"ES256","crit":["exp"],"exp":1}`),
		"crit, empty":                            es(`{"alg":"ES256","kid":"ES256","crit":[]}`),
		"b64":                                    es(`{"alg":"ES256","kid":"ES256","b64":false,"crit":["b64"]}`),
		"b64 that changes nothing":               es(`{"alg":"ES256","kid":"ES256","b64":true}`),
		"zip":                                    es(`{"alg":"ES256","kid":"ES256","zip":"DEF"}`),
		"a logout token":                         es(`{"alg":"ES256","kid":"ES256","typ":"logout+jwt"}`),
		"a DPoP proof":                           es(`{"alg":"ES256","kid":"ES256","typ":"dpop+jwt"}`),
		"typ is a number":                        es(`{"alg":"ES256","kid":"ES256","typ":1}`),
		"the header is a list":                   es(`["alg","ES256"]`),
		"the header is a string":                 es(`"ES256"`),
		"something after the header":             es(header("ES256") + "{}"),
		"a byte order mark":                      es("\xef\xbb\xbf" + header("ES256")),
		"not UTF-8":                              es("{\"alg\":\"ES256\",\"kid\":\"ES256\",\"x\":\"\xff\"}"),
		"a header 200 deep":                      es(`{"alg":"ES256","kid":"ES256","x":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`),
		"ECDH-ES":                                es(`{"alg":"ECDH-ES","kid":"ES256"}`),
		"no kid, and two keys that fit no token": es(`{"alg":"HS256"}`),
		// signatures
		"r = s = 0": ecSignature(big.NewInt(0), big.NewInt(0)), "r = 0": ecSignature(big.NewInt(0), nil), "s = 0": ecSignature(nil, big.NewInt(0)),
		"r = n": ecSignature(order, nil), "s = n": ecSignature(nil, order), "s + n": ecSignature(nil, new(big.Int).Add(s0, order)),
		"r = s = n": ecSignature(order, order), "r = n + 1, s = 1": ecSignature(new(big.Int).Add(order, big.NewInt(1)), big.NewInt(1)),
		"DER instead of r and s": part[0] + "." + part[1] + "." + b64(string(der)), "a byte less": part[0] + "." + part[1] + "." + part[2][:len(part[2])-3],
		"a byte more":          part[0] + "." + part[1] + "." + b64("\x00"+string(func() []byte { b, _ := base64.RawURLEncoding.DecodeString(part[2]); return b }())),
		"other claims":         part[0] + "." + b64(claimsWith(map[string]any{"sub": "root"})) + "." + part[2],
		"other header":         b64(`{"alg":"ES256","kid":"ES256"}`) + "." + part[1] + "." + part[2],
		"no signature":         part[0] + "." + part[1] + ".",
		"no signature, no dot": part[0] + "." + part[1],
		"one more segment":     good + ".AA", "JWE": "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.AA.AA.AA.AA",
		"padding": good + "=", "a sloppy last character": sloppy, "the alphabet of plain base64": strings.NewReplacer("-", "+", "_", "/").Replace(good) + "+",
		"a line feed": part[0] + ".\n" + part[1] + "." + part[2],
		"dots":        strings.Repeat(".", 4000), "a megabyte of dots": strings.Repeat(".", 1<<20), "a dot": ".", "two dots": "..",
		"over 8 KiB": i.sign(t, "ES256", header("ES256"), claimsWith(map[string]any{"x": strings.Repeat("x", 8<<10)})),
		// claims
		"expired": with(claimsWith(map[string]any{"exp": now.Add(-60 * time.Second).Unix()})), "no exp": with(claimsWith(map[string]any{"exp": nil})),
		"exp null": with(strings.Replace(claimsWith(nil), `"exp":`, `"exp":null,"x":`, 1)), "exp is a string": with(claimsWith(map[string]any{"exp": "9999999999"})),
		"exp is true": with(claimsWith(map[string]any{"exp": true})), "exp is 1e300": with(strings.Replace(claimsWith(nil), `"exp":`, `"exp":1e300,"x":`, 1)),
		"exp is 2^63": with(strings.Replace(claimsWith(nil), `"exp":`, `"exp":9223372036854775808,"x":`, 1)), "exp is 2^64 more than long ago": with(strings.Replace(claimsWith(nil), `"exp":`, `"exp":18446744073709551617,"x":`, 1)),
		"exp is negative": with(claimsWith(map[string]any{"exp": -1})), "exp twice": with(strings.Replace(claimsWith(map[string]any{"exp": 1}), `"exp":1`, `"exp":1,"exp":9999999999`, 1)),
		"exp twice, once escaped": with(strings.Replace(claimsWith(map[string]any{"exp": 1}), `"exp":1`, `"exp":1,"\u0065xp":9999999999`, 1)),
		"EXP":                     with(claimsWith(map[string]any{"exp": nil, "EXP": now.Add(time.Hour).Unix()})),
		"not yet":                 with(claimsWith(map[string]any{"nbf": now.Add(61 * time.Second).Unix()})),
		"issued tomorrow":         with(claimsWith(map[string]any{"iat": now.Add(24 * time.Hour).Unix()})),
		"iat is a string":         with(claimsWith(map[string]any{"iat": "now"})),
		"no issuer":               with(claimsWith(map[string]any{"iss": nil})), "another issuer": with(claimsWith(map[string]any{"iss": "https://evil.example"})),
		"issuer with a slash": with(claimsWith(map[string]any{"iss": iss + "/"})), "issuer in upper case": with(claimsWith(map[string]any{"iss": strings.ToUpper(iss)})),
		"issuer is a list": with(claimsWith(map[string]any{"iss": []string{iss}})),
		"no audience":      with(claimsWith(map[string]any{"aud": nil})), "another audience": with(claimsWith(map[string]any{"aud": "billing"})),
		"audience null": with(strings.Replace(claimsWith(nil), `"aud":"orders"`, `"aud":null`, 1)), "audience empty": with(claimsWith(map[string]any{"aud": []string{}})),
		"audience begins like ours": with(claimsWith(map[string]any{"aud": "orders2"})), "ours within a string": with(claimsWith(map[string]any{"aud": "billing orders"})),
		"audience in upper case": with(claimsWith(map[string]any{"aud": "ORDERS"})), "audience of another type": with(claimsWith(map[string]any{"aud": []any{"orders", 1}})),
		"audience is an object": with(claimsWith(map[string]any{"aud": map[string]any{"orders": true}})),
		"no subject":            with(claimsWith(map[string]any{"sub": nil})), "subject empty": with(claimsWith(map[string]any{"sub": ""})), "subject is a number": with(claimsWith(map[string]any{"sub": 1})),
		"a subject that would be a header of its own": with(claimsWith(map[string]any{"sub": "a\r\nX-User: admin"})), "a subject of other letters": with(claimsWith(map[string]any{"sub": "аda"})),
		"a subject of 300 characters": with(claimsWith(map[string]any{"sub": strings.Repeat("a", 300)})),
		"claims twice":                with(claimsWith(nil) + claimsWith(nil)), "claims in a list": with("[" + claimsWith(nil) + "]"), "no claims": with("null"),
		"a nested token":                    with(`"` + good + `"`),
		"an access token without client_id": i.sign(t, "ES256", `{"alg":"ES256","kid":"ES256","typ":"at+jwt"}`, claimsWith(map[string]any{"jti": "1"})),
	}
	m := i.tokens(t, JWTConfig{}, nil)
	s, diags := New(Config{Anonymous: true}, m)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if p := s.Handle(request("Authorization", "Bearer "+good)); p != nil {
		t.Fatal(p)
	}
	for name, attack := range attacks {
		t.Run(name, func(t *testing.T) {
			x := request("Authorization", "Bearer "+attack)
			p := s.Handle(x)
			if p == nil {
				t.Fatalf("believed as %+v", x.Consumer)
			}
			if p.StatusCode() != 401 || x.Consumer != nil || x.Forward != nil {
				t.Errorf("%v, %+v", p, x.Consumer)
			}
			if got := p.Header["Www-Authenticate"]; len(got) != 1 || !strings.HasPrefix(got[0], `Bearer realm="api", error="invalid_token", error_description="the token `) {
				t.Errorf("%q", got)
			}
			if len(part[2]) > 20 && strings.Contains(p.Error(), part[2][:20]) {
				t.Error("the problem shows the signature")
			}
		})
	}
}

func TestTokensThatAreBelieved(t *testing.T) {
	i := newIssuer(t)
	m := i.tokens(t, JWTConfig{}, nil)
	for name, token := range map[string]string{
		"one audience of several":        i.sign(t, "ES256", header("ES256"), claimsWith(map[string]any{"aud": []string{"billing", "orders"}})),
		"the second of ours":             i.sign(t, "ES256", header("ES256"), claimsWith(map[string]any{"aud": "orders-beta"})),
		"expired within the leeway":      i.sign(t, "ES256", header("ES256"), claimsWith(map[string]any{"exp": now.Add(-59 * time.Second).Unix()})),
		"from a clock 60 s fast":         i.sign(t, "ES256", header("ES256"), claimsWith(map[string]any{"nbf": now.Add(time.Minute).Unix(), "iat": now.Add(time.Minute).Unix()})),
		"a date with a fraction":         i.sign(t, "ES256", header("ES256"), claimsWith(map[string]any{"exp": float64(now.Add(time.Hour).Unix()) + 0.5})),
		"no iat, no nbf":                 i.sign(t, "ES256", header("ES256"), claimsWith(map[string]any{"iat": nil, "nbf": nil})),
		"no kid, and one key that fits":  i.sign(t, "ES256", `{"alg":"ES256"}`, claimsWith(nil)),
		"typ in full":                    i.sign(t, "ES256", `{"alg":"ES256","typ":"application/JWT"}`, claimsWith(nil)),
		"an access token":                i.sign(t, "ES256", `{"alg":"ES256","kid":"ES256","typ":"at+JWT"}`, claimsWith(map[string]any{"jti": "1", "client_id": "shop"})),
		"header members nobody knows":    i.sign(t, "ES256", `{"alg":"ES256","kid":"ES256","x5t":"AA","acme":{"a":[1]}}`, claimsWith(nil)),
		"blanks in the header":           i.sign(t, "ES256", " {\n\"alg\" : \"ES256\" }\n", claimsWith(nil)),
		"the name of a member, escaped":  i.sign(t, "ES256", `{"\u0061lg":"ES256","kid":"ES256"}`, claimsWith(nil)),
		"a subject with a bar and an at": i.sign(t, "ES256", header("ES256"), claimsWith(map[string]any{"sub": "auth0|ada@acme.example"})),
	} {
		t.Run(name, func(t *testing.T) {
			c, r := m.Authenticate(request("Authorization", "Bearer "+token))
			if r != nil {
				t.Fatal(r)
			}
			if c.ID == "" || c.Claims["sub"] != c.ID {
				t.Errorf("%+v", c)
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
		m, diags := NewTokens(JWTConfig{Issuer: iss, Audience: []string{aud}}, keys, test.consumer)
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
		m, diags := NewTokens(test.config, test.keys, nil)
		if m != nil || len(diags) != 1 || diags[0].Summary != test.want {
			t.Errorf("%s: %v, want %s", test.name, diags, test.want)
		}
	}
}

// Whatever a token says, reading it does not panic; and what the strict reading accepts, the library reads too, and as the
// same.
func FuzzToken(f *testing.F) {
	f.Add(header("ES256"), claimsWith(nil), "sig")
	f.Add(`{"alg":"ES256","crit":["b64"]}`, claimsWith(map[string]any{"aud": []string{"a", "b"}, "exp": 1.5}), "")
	f.Add(`{"\u0061lg":"RS256","x":{"y":[1,2,null,true]}}`, `{"a":1e5,"b":"\ud83d\ude00","c":{"d":[]},"sub":"x"}`, "\x00")
	f.Fuzz(func(t *testing.T, header, payload, signature string) {
		compact := b64(header) + "." + b64(payload) + "." + b64(signature)
		_, _ = parseToken(header + "." + payload + "." + signature) // as raw as it comes
		parsed, err := parseToken(compact)
		if err != nil {
			return
		}
		message, err := jws.Parse([]byte(compact))
		if err != nil {
			t.Fatalf("the library does not read %q: %v", compact, err)
		}
		protected := message.Signatures()[0].ProtectedHeaders()
		if alg, _ := protected.Algorithm(); alg.String() != parsed.alg {
			t.Fatalf("alg %q and %q", alg, parsed.alg)
		}
		if kid, ok := protected.KeyID(); ok != parsed.hasKid || kid != parsed.kid {
			t.Fatalf("kid %q and %q", kid, parsed.kid)
		}
		c, err := parseClaims([]byte(payload))
		if err != nil {
			return
		}
		theirs, err := jwt.ParseInsecure([]byte(compact))
		if err != nil {
			t.Fatalf("the library does not read the claims %q: %v", payload, err)
		}
		if names := theirs.Keys(); len(names) != len(c.all) {
			t.Fatalf("%d claims and %d", len(names), len(c.all))
		}
		for name, value := range c.all {
			if !theirs.Has(name) {
				t.Fatalf("the library knows no claim %q", name)
			}
			if s, ok := value.(string); ok && name != "aud" {
				var their string
				if err := theirs.Get(name, &their); err != nil || their != s {
					t.Fatalf("%q is %q and %q (%v)", name, s, their, err)
				}
			}
		}
		if theirAud, _ := theirs.Audience(); !slices.Equal(theirAud, c.audience) {
			t.Fatalf("aud %q and %q", theirAud, c.audience)
		}
		if exp, ok := theirs.Expiration(); ok && exp.Unix() != c.expires.Unix() {
			t.Fatalf("exp %v and %v", exp, c.expires)
		}
	})
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

func BenchmarkTokenES256(b *testing.B) {
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
	b.Run("stage", func(b *testing.B) {
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
