// Package identity is who calls: it finds the credential of a request, proves it, and says which consumer it belongs to.
package identity

import (
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/forward"
)

// Config says how the callers of a route may identify themselves.
type Config struct {
	// Methods are the ways to identify oneself, in the order in which challenges are listed, 1 to 8. A request
	// carries the credential of one of them; two are answered 400.
	Methods []MethodConfig `json:"methods"`

	// Anonymous lets requests without any credential pass, with no consumer. A wrong credential is a 401 all the
	// same. Default: off.
	Anonymous bool `json:"anonymous,omitempty"`

	// Realm is what the challenges of a 401 call the protected space (RFC 9110, section 11.5). Default: "api".
	Realm string `json:"realm,omitempty"`

	// Metadata publishes, at /.well-known/oauth-protected-resource, where clients get tokens (RFC 9728), and has
	// challenges say so. Default: off.
	Metadata *MetadataConfig `json:"metadata,omitempty"`

	// Forward is what the service is told of who calls, all of it. Default: the consumer's id, in X-Consumer-Id.
	Forward *forward.Config `json:"forward,omitempty"`
}

// MethodConfig is one way to identify oneself; exactly one of its fields is set.
type MethodConfig struct {
	// APIKey is an API key. Default: none.
	APIKey *APIKeyConfig `json:"api_key,omitempty"`

	// JWT is a bearer token. Default: none.
	JWT *JWTConfig `json:"jwt,omitempty"`

	// Introspection is a token that its issuer is asked about. Default: none.
	Introspection *IntrospectionConfig `json:"introspection,omitempty"`

	// Certificate is the client certificate of the connection. Default: none.
	Certificate *CertificateConfig `json:"certificate,omitempty"`
}

// Ways is how many of the fields are set.
func (c MethodConfig) Ways() int {
	n := 0
	for _, set := range [...]bool{c.APIKey != nil, c.JWT != nil, c.Introspection != nil, c.Certificate != nil} {
		if set {
			n++
		}
	}
	return n
}

// Method is one way to identify oneself. Its value is immutable after load and serves many requests at once.
type Method interface {
	// Fields are the header fields that carry the credential, in canonical form. They are taken off the request
	// before it goes on, whether the credential was used or not.
	Fields() []string

	// Parameters are the parameters of the query that carry the credential. They are taken off as Fields are.
	Parameters() []string

	// Present says whether the request carries a credential of this kind, valid or not.
	Present(x *exchange.Exchange) bool

	// Authenticate proves the credential of a request that carries one. It reads the exchange and changes nothing.
	Authenticate(x *exchange.Exchange) (*exchange.Consumer, *Refusal)

	// Challenge is the method's value of WWW-Authenticate: scheme and parameters (RFC 9110, section 11.6.1). r is
	// why this method refused the request, nil where it did not.
	Challenge(space Space, r *Refusal) string
}

// Space is what challenges say of the space that they protect. Its texts can stand in a quoted string as they are.
type Space struct {
	// Realm is what the space is called.
	Realm string

	// Metadata is the address of the document about the protected resource (RFC 9728, section 5.1), for the challenges
	// of methods that take tokens; "" where there is none.
	Metadata string
}

// Sharing is a Method whose fields others may read too: the tokens of several issuers, and opaque ones, all come in
// Authorization.
type Sharing interface {
	Method

	// Likely says how much the credential looks like one of this method, of a request for which Present is true. It
	// verifies nothing: it only says which method is to, and the others are not asked.
	Likely(x *exchange.Exchange) Likelihood
}

// Likelihood says how much a credential looks like one of a method.
type Likelihood uint8

// Likelihoods, in their order.
const (
	Unlikely Likelihood = iota // it has the form of something else
	Possible                   // nothing speaks against it
	Certain                    // it has a form that only credentials of this method have
)

// Ambient is a Method whose credential belongs to the connection and not to the request: a client certificate. It
// decides only where no other method finds a credential.
type Ambient interface {
	Method

	// Ambient does nothing.
	Ambient()
}

// Refusal is why a credential was not accepted. The client is told no more than whether to mend the request, to get a
// new credential, or to give up.
type Refusal struct {
	// Malformed says that the request is at fault and not the credential: a 400 rather than a 401.
	Malformed bool

	// Scope says that the credential is good and was not granted all of these scopes, divided by blanks: a 403 rather
	// than a 401 (RFC 6750, section 3.1).
	Scope string

	// Unavailable says that the credential could not be judged, so that the request fits no other answer than a 503.
	Unavailable bool

	// Code is the error that the challenge of a token tells (RFC 6750, section 3.1; RFC 9449, section 7.1). Default:
	// invalid_request where Malformed, insufficient_scope where Scope is set, else invalid_token.
	Code string

	// Scheme is the one that a token was sent with, whose challenge tells the error. Default: Bearer.
	Scheme string

	// Nonce is the one that the next proof is to hold (RFC 9449, section 9); "" for none.
	Nonce string

	// Detail is for the client: a constant, of characters that a quoted string may hold without escapes.
	Detail string

	// Cause is for the log alone. It never holds a credential or a part of one that is secret.
	Cause error
}

// code is the error of a token's challenge.
func (r *Refusal) code() string {
	switch {
	case r.Code != "":
		return r.Code
	case r.Malformed:
		return "invalid_request"
	case r.Scope != "":
		return "insufficient_scope"
	}
	return "invalid_token"
}

func (r *Refusal) Error() string {
	if r.Cause == nil {
		return r.Detail
	}
	return r.Detail + ": " + r.Cause.Error()
}

// maxConsumerID is how long a consumer's id may be, in bytes.
const maxConsumerID = 256

// validID says whether s may name a consumer: printable ASCII without a space at either end. So an id can stand in a
// header field, a log and a counter's key as it is, and no two ids look alike.
func validID(s string) bool {
	if s == "" || len(s) > maxConsumerID || s[0] == ' ' || s[len(s)-1] == ' ' {
		return false
	}
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}
