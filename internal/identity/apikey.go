package identity

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/textproto"

	"github.com/hashicorp/hcl/v2"
	"golang.org/x/net/http/httpguts"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// APIKeyConfig identifies callers by an API key in a header field.
type APIKeyConfig struct {
	// Header is the field that carries the key. Default: X-API-Key.
	Header string `json:"header,omitempty"`

	// Keys is the path of the key file, which holds hashes only: at most 32 MiB and 100,000 keys.
	Keys string `json:"keys"`
}

const defaultKeyHeader = "X-API-Key"

// APIKeys is the Method of an APIKeyConfig.
type APIKeys struct {
	field string // canonical
	shown string // as configured, for the challenge
	keys  *KeySet
}

// NewAPIKeys makes the method of c with the keys of its file.
func NewAPIKeys(c APIKeyConfig, keys *KeySet) (*APIKeys, hcl.Diagnostics) {
	if c.Header == "" {
		c.Header = defaultKeyHeader
	}
	a := &APIKeys{field: textproto.CanonicalMIMEHeaderKey(c.Header), shown: c.Header, keys: keys}
	if !httpguts.ValidHeaderFieldName(c.Header) || a.field == "Authorization" || a.field == "Cookie" {
		return nil, hcl.Diagnostics{{
			Severity: hcl.DiagError, Summary: "Invalid header field",
			Detail: "An API key has a header field of its own, such as X-API-Key, and it cannot be " + fmt.Sprintf("%q.", c.Header),
		}}
	}
	return a, nil
}

// Fields implements Method.
func (a *APIKeys) Fields() []string { return []string{a.field} }

// Present implements Method.
func (a *APIKeys) Present(x *exchange.Exchange) bool { return len(x.Header[a.field]) > 0 }

// Challenge implements Method. ApiKey is not a registered scheme; it tells people and tools what to send where.
func (a *APIKeys) Challenge(realm string, _ *Refusal) string {
	return challenge("ApiKey", "realm", realm, "header", a.shown)
}

// nobody is compared with where an id is unknown, so that an unknown id takes the time of a known one.
var nobody Key

// Authenticate implements Method. It tells an unknown key from a wrong secret neither by its answer nor by its time.
func (a *APIKeys) Authenticate(x *exchange.Exchange) (*exchange.Consumer, *Refusal) {
	values := x.Header[a.field]
	if len(values) != 1 {
		return nil, &Refusal{Malformed: true, Detail: "the API key was sent more than once"}
	}
	id, secret, ok := splitKey(values[0])
	if !ok {
		return nil, &Refusal{Detail: invalidKey, Cause: errors.New("it is not spelt as a key, or mistyped")}
	}
	key := a.keys.Lookup(id)
	found := key != nil
	if !found {
		key = &nobody
	}
	hash := sha256.Sum256([]byte(secret))
	if subtle.ConstantTimeCompare(hash[:], key.Hash[:]) != 1 || !found {
		return nil, &Refusal{Detail: invalidKey, Cause: fmt.Errorf("no key %s with this secret", id)}
	}
	if !key.Expires.IsZero() && !x.Time.Before(key.Expires) {
		return nil, &Refusal{Detail: "the API key has expired", Cause: fmt.Errorf("key %s of %s expired at %s", id, key.Consumer, key.Expires)}
	}
	return &exchange.Consumer{
		ID: key.Consumer, Name: key.Name, Method: "api_key",
		Scopes: key.Scopes, Groups: key.Groups, Version: key.Version, Plan: key.Plan, Expires: key.Expires,
	}, nil
}

const invalidKey = "the API key is not valid"

var _ Method = (*APIKeys)(nil)
