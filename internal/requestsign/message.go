package requestsign

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/dunglas/httpsfv"
)

// label names the signature among those of a message.
const label = "sig1"

// minRSA is the least length of an RSA key, in bits (RFC 9421 leaves it to others; RFC 8725 has the same).
const minRSA = 2048

var errKey = errors.New("signing requests: the key is not a private key in PEM (PKCS #8) for this algorithm") // what was wrong may quote it

// algorithm gives how a signature base is signed (RFC 9421, section 3.3).
func algorithm(c Config) (func([]byte) ([]byte, error), error) {
	if c.Algorithm == "hmac-sha256" {
		secret := []byte(c.Key.Reveal())
		return func(base []byte) ([]byte, error) {
			mac := hmac.New(sha256.New, secret)
			mac.Write(base) //nolint:errcheck // it never fails
			return mac.Sum(nil), nil
		}, nil
	}
	block, _ := pem.Decode([]byte(c.Key.Reveal()))
	if block == nil {
		return nil, errKey
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errKey
	}
	switch key := key.(type) {
	case ed25519.PrivateKey:
		if c.Algorithm == "ed25519" {
			return func(base []byte) ([]byte, error) { return ed25519.Sign(key, base), nil }, nil
		}
	case *ecdsa.PrivateKey:
		if c.Algorithm == "ecdsa-p256-sha256" && key.Curve == elliptic.P256() {
			return func(base []byte) ([]byte, error) { return signP256(key, base) }, nil
		}
	case *rsa.PrivateKey:
		if c.Algorithm == "rsa-pss-sha512" && key.N.BitLen() >= minRSA {
			return func(base []byte) ([]byte, error) {
				sum := sha512.Sum512(base)
				return rsa.SignPSS(rand.Reader, key, crypto.SHA512, sum[:], &rsa.PSSOptions{SaltLength: 64, Hash: crypto.SHA512})
			}, nil
		}
	}
	return nil, errKey
}

// signP256 gives r and s, each in 32 bytes (RFC 9421, section 3.3.4).
func signP256(key *ecdsa.PrivateKey, base []byte) ([]byte, error) {
	sum := sha256.Sum256(base)
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		return nil, err
	}
	out := make([]byte, 64)
	r.FillBytes(out[:32])
	s.FillBytes(out[32:])
	return out, nil
}

// message signs a request as RFC 9421 has it.
func (s *Signer) message(req *http.Request, body []byte, now time.Time) error {
	if len(body) > 0 {
		for _, c := range s.config.Components {
			if c == "content-digest" {
				if err := digest(req.Header, body); err != nil {
					return err
				}
			}
		}
	}
	var base strings.Builder
	covered := httpsfv.InnerList{Params: httpsfv.NewParams()}
	for _, name := range s.config.Components {
		value, there := component(req, name)
		if !there {
			continue
		}
		covered.Items = append(covered.Items, httpsfv.NewItem(name))
		base.WriteString(`"` + name + `": ` + value + "\n")
	}
	covered.Params.Add("created", now.Unix())
	if s.config.Expires > 0 {
		covered.Params.Add("expires", now.Add(s.config.Expires).Unix())
	}
	if s.config.KeyID != "" {
		covered.Params.Add("keyid", s.config.KeyID)
	}
	// An inner list alone is a list of one (RFC 8941, section 4.1.1).
	parameters, err := httpsfv.Marshal(httpsfv.List{covered})
	if err != nil {
		return errors.New("signing a request: its components cannot be written")
	}
	base.WriteString(`"@signature-params": ` + parameters)
	signature, err := s.sign([]byte(base.String()))
	if err != nil {
		return errors.New("signing a request: the key cannot sign")
	}
	out := httpsfv.NewDictionary()
	out.Add(label, httpsfv.NewItem(signature))
	text, err := httpsfv.Marshal(out)
	if err != nil {
		return errors.New("signing a request: the signature cannot be written")
	}
	req.Header["Signature-Input"] = []string{label + "=" + parameters}
	req.Header["Signature"] = []string{text}
	return nil
}

// digest says what the body's is (RFC 9530).
func digest(h http.Header, body []byte) error {
	sum := sha256.Sum256(body)
	d := httpsfv.NewDictionary()
	d.Add("sha-256", httpsfv.NewItem(sum[:]))
	text, err := httpsfv.Marshal(d)
	if err != nil {
		return errors.New("signing a request: the digest cannot be written")
	}
	h["Content-Digest"] = []string{text}
	return nil
}

// component gives the value of a component of a request, and whether it has one (RFC 9421, section 2).
func component(req *http.Request, name string) (string, bool) {
	switch name {
	case "@method":
		return req.Method, true
	case "@scheme":
		return req.URL.Scheme, true
	case "@authority":
		return authority(req), true
	case "@path":
		return pathOf(req), true
	case "@query":
		return "?" + req.URL.RawQuery, true
	case "@target-uri":
		uri := req.URL.Scheme + "://" + authority(req) + pathOf(req)
		if req.URL.RawQuery != "" {
			uri += "?" + req.URL.RawQuery
		}
		return uri, true
	}
	lines := req.Header[http.CanonicalHeaderKey(name)]
	if len(lines) == 0 {
		return "", false
	}
	trimmed := make([]string, len(lines))
	for i, l := range lines {
		trimmed[i] = strings.TrimSpace(l)
	}
	return strings.Join(trimmed, ", "), true
}

// authority is the host in lower case, without the port that its scheme has by itself (RFC 9421, section 2.2.3).
func authority(req *http.Request) string {
	host := strings.ToLower(req.Host)
	if name, port, err := net.SplitHostPort(host); err == nil && (req.URL.Scheme == "https" && port == "443" || req.URL.Scheme == "http" && port == "80") {
		if strings.Contains(name, ":") {
			return "[" + name + "]"
		}
		return name
	}
	return host
}
