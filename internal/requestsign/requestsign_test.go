package requestsign

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/secret"
)

const hello = `{"hello": "world"}`

// request is test-request of RFC 9421, appendix B.2.
func request(t *testing.T) *http.Request {
	t.Helper()
	req, err := http.NewRequest("POST", "https://example.com/foo?param=Value&Pet=dog", strings.NewReader(hello))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range [][2]string{{"Date", "Tue, 20 Apr 2021 02:07:55 GMT"}, {"Content-Type", "application/json"}, {"Content-Length", "18"}} {
		req.Header.Set(f[0], f[1])
	}
	return req
}

var created = time.Unix(1618884473, 0)

// The examples of RFC 9421, appendices B.2.5 and B.2.6, whose signatures are the same each time.
func TestMessageExamples(t *testing.T) {
	shared, err := base64.StdEncoding.DecodeString("uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name             string
		config           Config
		input, signature string
	}{
		{"B.2.5", Config{Algorithm: "hmac-sha256", KeyID: "test-shared-secret", Key: secret.New(string(shared)), Components: []string{"date", "@authority", "content-type"}},
			`sig1=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"`,
			`sig1=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:`},
		{"B.2.6", Config{Algorithm: "ed25519", KeyID: "test-key-ed25519", Components: []string{"date", "@method", "@path", "@authority", "content-type", "content-length"},
			Key: secret.New("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n-----END PRIVATE KEY-----\n")},
			`sig1=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"`,
			`sig1=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:`},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.config.Kind = "message"
			s, err := New(test.config)
			if err != nil {
				t.Fatal(err)
			}
			req := request(t)
			if err := s.Sign(req, []byte(hello), created); err != nil {
				t.Fatal(err)
			}
			if got := req.Header.Get("Signature-Input"); got != test.input {
				t.Errorf("got  %s\nwant %s", got, test.input)
			}
			if got := req.Header.Get("Signature"); got != test.signature {
				t.Errorf("got  %s\nwant %s", got, test.signature)
			}
		})
	}
}

// keyIn writes a private key in PEM.
func keyIn(t *testing.T, key any) secret.Text {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return secret.New(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
}

// Signatures that are another each time are verified, over the base that RFC 9421, section 2.5, describes.
func TestMessage(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	// The digest of the example's body is that of RFC 9530, appendix B.
	base := strings.Join([]string{
		`"@method": POST`,
		`"@target-uri": https://example.com/foo?param=Value&Pet=dog`,
		`"@scheme": https`,
		`"@query": ?param=Value&Pet=dog`,
		`"content-digest": sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:`,
		`"@signature-params": ("@method" "@target-uri" "@scheme" "@query" "content-digest");created=1618884473;expires=1618884533`,
	}, "\n")
	for name, test := range map[string]struct {
		key      any
		verifies func(signature []byte) bool
	}{
		"ecdsa-p256-sha256": {ec, func(b []byte) bool {
			sum := sha256.Sum256([]byte(base))
			return len(b) == 64 && ecdsa.Verify(&ec.PublicKey, sum[:], new(big.Int).SetBytes(b[:32]), new(big.Int).SetBytes(b[32:]))
		}},
		"rsa-pss-sha512": {rs, func(b []byte) bool {
			sum := sha512.Sum512([]byte(base))
			return rsa.VerifyPSS(&rs.PublicKey, crypto.SHA512, sum[:], b, &rsa.PSSOptions{SaltLength: 64}) == nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := New(Config{Kind: "message", Algorithm: name, Key: keyIn(t, test.key), Expires: time.Minute,
				Components: []string{"@method", "@target-uri", "@scheme", "@query", "content-digest", "x-absent"}})
			if err != nil {
				t.Fatal(err)
			}
			req := request(t)
			req.Host = "EXAMPLE.com:443"
			if err := s.Sign(req, []byte(hello), created); err != nil {
				t.Fatal(err)
			}
			text := strings.TrimSuffix(strings.TrimPrefix(req.Header.Get("Signature"), "sig1=:"), ":")
			b, err := base64.StdEncoding.DecodeString(text)
			if err != nil || !test.verifies(b) {
				t.Errorf("%v: the signature of %v does not verify", err, req.Header)
			}
		})
	}
}

// The ways in which services have keyed hashes.
func TestHMAC(t *testing.T) {
	for _, test := range []struct {
		name   string
		config Config
		field  string
		want   string
	}{
		// GitHub's example, for "Hello, World!" and "It's a Secret to Everybody".
		{"over the body", Config{Header: "X-Hub-Signature-256", Prefix: "sha256=", Over: []string{"body"}, Key: secret.New("It's a Secret to Everybody")},
			"X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
		{"over everything", Config{Header: "X-Sig", Encoding: "base64", Hash: "sha512", Separator: "\n", Timestamp: "X-Time", Key: secret.New("key"),
			Over: []string{"timestamp", "method", "host", "path", "query", "body"}}, "X-Time", "1618884473"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.config.Kind = "hmac"
			s, err := New(test.config)
			if err != nil {
				t.Fatal(err)
			}
			req := request(t)
			if err := s.Sign(req, []byte("Hello, World!"), created); err != nil {
				t.Fatal(err)
			}
			if got := req.Header.Get(test.field); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// A key that does not fit is told without a word of it.
func TestKeys(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Skip("this machine makes no key so small")
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]Config{
		"none":              {Kind: "hmac"},
		"no PEM":            {Kind: "message", Algorithm: "ed25519", Key: secret.New("SECRET")},
		"no key":            {Kind: "message", Algorithm: "ed25519", Key: secret.New("-----BEGIN PRIVATE KEY-----\nU0VDUkVU\n-----END PRIVATE KEY-----\n")},
		"another kind":      {Kind: "message", Algorithm: "ed25519", Key: keyIn(t, p384)},
		"another curve":     {Kind: "message", Algorithm: "ecdsa-p256-sha256", Key: keyIn(t, p384)},
		"an RSA of 1024":    {Kind: "message", Algorithm: "rsa-pss-sha512", Key: keyIn(t, small)},
		"no such way":       {Kind: "jws", Key: secret.New("SECRET")},
		"no such algorithm": {Kind: "message", Algorithm: "none", Key: keyIn(t, p384)},
	} {
		if s, err := New(c); err == nil || strings.Contains(fmt.Sprint(s, err), "SECRET") {
			t.Errorf("%s: got %v, %v", name, s, err)
		}
	}
}
