package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwk"
)

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
