package identity

import (
	"compress/gzip"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws/jwsbb"
)

// vectors is a file of Project Wycheproof.
type vectors struct {
	TestGroups []struct {
		Comment      string          `json:"comment"`
		Public       json.RawMessage `json:"public"` // a key or a set of keys
		Private      json.RawMessage `json:"private"`
		PublicKeyJWK json.RawMessage `json:"publicKeyJwk"`
		KeyJWK       json.RawMessage `json:"keyJwk"`
		PublicKeyDER string          `json:"publicKeyDer"`
		TagSize      int             `json:"tagSize"`
		Tests        []vector        `json:"tests"`
	} `json:"testGroups"`
}

type vector struct {
	ID      int    `json:"tcId"`
	Comment string `json:"comment"`
	JWS     string `json:"jws"`
	Message string `json:"msg"`
	Sig     string `json:"sig"`
	Key     string `json:"key"` // of an HMAC
	Tag     string `json:"tag"`
	Result  string `json:"result"`
}

func readVectors(t *testing.T, name string) (v vectors) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "wycheproof", name+"_test.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(r).Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// otherwise are tokens of which the vectors say something else than what is right here, by file and number.
var otherwise = map[string]map[int]string{
	"json_web_signature": {
		259: noClaims, 264: noClaims, 268: noClaims, 272: noClaims, 320: noClaims, 325: noClaims,
		346: "it is signed by PS384, and its key is for PS256", 350: "it is signed by PS384, and its key is for PS256",
		// Valid, if ES521 were an algorithm: that of the curve P-521 is ES512 (RFC 7518, section 3.1).
		347: "its key is for ES521, which there is not", 351: "its key is for ES521, which there is not",
		// Valid to libraries that pass over what does not belong into base64url.
		372: "a question mark in the header", 373: "a question mark in the payload",
		// Invalid, for padding that these have lost: they are the valid token 357.
		367: "without the padding it is about", 370: "without the padding it is about",
	},
}

// noClaims are tokens that are valid and empty, in which an API can find nobody.
const noClaims = "no payload"

// TestPublishedTokens has every token of the published vectors opened that they call valid, and none that they call
// invalid, whether for its signature, its form or its key.
func TestPublishedTokens(t *testing.T) {
	all := append(slices.Clone(defaultAlgorithms), "HS256", "HS384", "HS512")
	for _, file := range []string{"json_web_signature", "json_web_key"} {
		n := 0
		for _, g := range readVectors(t, file).TestGroups {
			set := keySet(t, g.Public)
			if set == nil {
				set = keySet(t, g.Private)
			}
			allowed := all
			if g.Comment == "jws_mixedSymmetryKeyset" { // where HMAC is not listed by somebody who has such keys
				allowed = defaultAlgorithms
			}
			keys, diags := ParseJWKS("keys.json", set)
			var m *Tokens
			if !diags.HasErrors() {
				m, diags = NewTokens(JWTConfig{Issuer: iss, Audience: []string{aud}, Keys: "keys.json", Algorithms: allowed}, keys, Computed{})
			}
			for _, v := range g.Tests {
				n++
				want := (v.Result == "valid") == (otherwise[file][v.ID] == "")
				why := diags.Error()
				good := !diags.HasErrors()
				if good {
					_, r := m.open(request(), v.JWS, m.bound.Load())
					if good = r == nil; !good {
						why = r.Cause.Error()
					}
				}
				if good != want {
					t.Errorf("%s %d, %s %s: opened %v, want %v: %s", file, v.ID, g.Comment, v.Comment, good, want, why)
				}
			}
		}
		if n < 20 {
			t.Errorf("%s has %d tokens", file, n)
		}
	}
}

// keySet gives a key of the vectors, or a set of them, as a set of public keys; nil for none.
func keySet(t *testing.T, raw json.RawMessage) []byte {
	t.Helper()
	if raw == nil {
		return nil
	}
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := json.Unmarshal(raw, &set); err != nil {
		t.Fatal(err)
	}
	if set.Keys == nil {
		var key map[string]any
		if err := json.Unmarshal(raw, &key); err != nil {
			t.Fatal(err)
		}
		set.Keys = append(set.Keys, key)
	}
	text, err := json.Marshal(map[string]any{"keys": set.Keys})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestPublishedSignatures has the library that opens tokens judge the published signatures of each algorithm, by keys as a
// key set has them: the messages are no tokens, so that no token can carry them.
func TestPublishedSignatures(t *testing.T) {
	files := map[string]string{
		"RS256": "rsa_signature_2048_sha256", "RS384": "rsa_signature_2048_sha384", "RS512": "rsa_signature_2048_sha512",
		"PS256": "rsa_pss_2048_sha256_mgf1_32", "PS384": "rsa_pss_2048_sha384_mgf1_48", "PS512": "rsa_pss_4096_sha512_mgf1_64",
		"ES256": "ecdsa_secp256r1_sha256_p1363", "ES384": "ecdsa_secp384r1_sha384_p1363", "ES512": "ecdsa_secp521r1_sha512_p1363",
		"EdDSA": "ed25519",
		"HS256": "hmac_sha256", "HS384": "hmac_sha384", "HS512": "hmac_sha512",
	}
	if got, want := slices.Sorted(maps.Keys(files)), slices.Sorted(maps.Keys(algorithms)); !slices.Equal(got, want) {
		t.Fatalf("vectors of %v, want %v", got, want)
	}
	for alg, file := range files {
		t.Run(alg, func(t *testing.T) {
			judged := map[string]int{}
			for _, g := range readVectors(t, file).TestGroups {
				var key any
				if algorithms[alg].kty != "oct" {
					key = boundVector(t, alg, g.PublicKeyJWK, g.KeyJWK, g.PublicKeyDER)
				} else if g.TagSize < algorithms[alg].secret*8 {
					continue // no signature is cut here
				}
				for _, v := range g.Tests {
					message, sig := unhex(t, v.Message), unhex(t, v.Sig+v.Tag)
					if v.Key != "" {
						key = unhex(t, v.Key)
					}
					good := jwsbb.Verify(key, alg, message, sig) == nil
					if want := v.Result == "valid"; good != want {
						t.Errorf("%d, %s: good %v, want %v", v.ID, v.Comment, good, want)
					}
					judged[v.Result]++
				}
			}
			if judged["valid"] < 6 || judged["invalid"] < 16 {
				t.Errorf("judged %v", judged)
			}
		})
	}
}

// boundVector is a key of the vectors as tokens are opened with it. Not all groups have it as a JWK.
func boundVector(t *testing.T, alg string, jwk1, jwk2 json.RawMessage, der string) any {
	t.Helper()
	raw := jwk1
	if raw == nil {
		raw = jwk2
	}
	if raw == nil {
		key, err := x509.ParsePKIXPublicKey(unhex(t, der))
		if err != nil {
			t.Fatal(err)
		}
		public, err := jwk.Import(key)
		if err != nil {
			t.Fatal(err)
		}
		if raw, err = json.Marshal(public); err != nil {
			t.Fatal(err)
		}
	}
	keys, diags := ParseJWKS("keys.json", keySet(t, raw))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	bound, diags := keys.bind([]string{alg})
	if diags.HasErrors() || bound[0].alg != alg {
		t.Fatal(diags, bound)
	}
	return bound[0].key
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
