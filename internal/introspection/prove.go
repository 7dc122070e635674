package introspection

import (
	"crypto/rand"
	"crypto/tls"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"
)

// prover makes what proves to the server who asks, on each request.
func prover(c Config, config *tls.Config) (func(*http.Request, url.Values) error, error) {
	ways := 0
	for _, given := range []bool{c.Secret.Reveal() != "", len(c.Key) > 0, len(c.Certificate) > 0} {
		if given {
			ways++
		}
	}
	if ways != 1 {
		return nil, errors.New("a client proves who it is in one way: by a secret, a key or a certificate")
	}
	switch {
	case len(c.Key) > 0:
		return asserting(c)
	case len(c.Certificate) > 0:
		pair, err := tls.X509KeyPair(c.Certificate, c.CertificateKey)
		if err != nil {
			return nil, errors.New("the client's certificate and its key do not belong together, or are not in PEM")
		}
		// Also to a server that says it trusts other authorities: to one that knows the certificate itself, they do not
		// matter.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
		return func(_ *http.Request, form url.Values) error {
			form.Set("client_id", c.Client)
			return nil
		}, nil
	case c.Post:
		return func(_ *http.Request, form url.Values) error {
			form.Set("client_id", c.Client)
			form.Set("client_secret", c.Secret.Reveal())
			return nil
		}, nil
	}
	return func(r *http.Request, _ url.Values) error {
		// Both are encoded as in a form first, so that a colon in the id is none (RFC 6749, section 2.3.1).
		r.SetBasicAuth(url.QueryEscape(c.Client), url.QueryEscape(c.Secret.Reveal()))
		return nil
	}, nil
}

// assertionLife is how long an assertion lasts; it is used at once.
const assertionLife = time.Minute

// asserting makes assertions signed with the client's key (RFC 7523, section 2.2).
func asserting(c Config) (func(*http.Request, url.Values) error, error) {
	key, err := jwk.ParseKey(c.Key, jwk.WithPEM(true))
	if err != nil {
		if key, err = jwk.ParseKey(c.Key); err != nil {
			return nil, errors.New("the client's key is neither a private key in PEM nor a JWK") // the error may quote it
		}
	}
	if private, err := jwk.IsPrivateKey(key); err != nil || !private {
		return nil, errors.New("the client's key is not a private one")
	}
	alg, err := algorithmOf(key)
	if err != nil {
		return nil, err
	}
	audience := c.Audience
	if audience == "" {
		audience = c.URL
	}
	headers := jws.NewHeaders()
	if kid, ok := key.KeyID(); ok {
		if err := headers.Set(jws.KeyIDKey, kid); err != nil {
			return nil, errors.New("the client's key has an id that cannot be used")
		}
	}
	prove := func(_ *http.Request, form url.Values) error {
		now := time.Now()
		token, err := jwt.NewBuilder().Issuer(c.Client).Subject(c.Client).Audience([]string{audience}).
			JwtID(rand.Text()).IssuedAt(now).Expiration(now.Add(assertionLife)).Build()
		if err != nil {
			return errors.New("the client's assertion cannot be made")
		}
		token.Options().Enable(jwt.FlattenAudience) // some servers take a list for more than one audience
		signed, err := jwt.Sign(token, jwt.WithKey(alg, key, jws.WithProtectedHeaders(headers)))
		if err != nil {
			return errors.New("the client's assertion cannot be signed")
		}
		form.Set("client_id", c.Client)
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", string(signed))
		return nil
	}
	return prove, prove(nil, url.Values{}) // what cannot sign now never will
}

// algorithmOf is the algorithm that a key names, or the usual one of its kind.
func algorithmOf(key jwk.Key) (jwa.SignatureAlgorithm, error) {
	if named, ok := key.Algorithm(); ok {
		if alg, ok := jwa.LookupSignatureAlgorithm(named.String()); ok && !alg.IsSymmetric() && alg != jwa.NoSignature() {
			return alg, nil
		}
		return alg0, errors.New("the client's key is for an algorithm that cannot sign assertions")
	}
	switch key.KeyType() {
	case jwa.RSA():
		return jwa.RS256(), nil
	case jwa.OKP():
		return jwa.EdDSA(), nil
	case jwa.EC():
		if ec, ok := key.(jwk.ECDSAPrivateKey); ok {
			crv, _ := ec.Crv()
			switch crv {
			case jwa.P256():
				return jwa.ES256(), nil
			case jwa.P384():
				return jwa.ES384(), nil
			case jwa.P521():
				return jwa.ES512(), nil
			}
		}
	}
	return alg0, errors.New("the client's key is of a kind that cannot sign assertions")
}

var alg0 = jwa.EmptySignatureAlgorithm()
