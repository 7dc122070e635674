package identity

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/textproto"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/admit"
	"github.com/wicketgate/wicketgate/internal/exchange"
)

// APIKeyConfig identifies callers by an API key.
type APIKeyConfig struct {
	// Header is the field that carries the key: letters, digits and hyphens, none that HTTP or the gateway uses itself.
	// Default: X-API-Key.
	Header string `json:"header,omitempty"`

	// Bearer lets callers send the key as a bearer token too: Authorization: Bearer wg_…. Beside other ways to identify
	// that read this field, a token of a key's form is taken for a key and every other is left to them. Default: off.
	Bearer bool `json:"bearer,omitempty"`

	// Query names a parameter of the query in which callers may send the key too, 1 to 64 letters, digits and
	// ._~-. An address is written down in many places, so this is for callers who cannot send a header field.
	// The parameter is taken off before the request goes on. Default: none.
	Query string `json:"query,omitempty"`

	// Keys is the path of the key file, which holds hashes only: at most 256 MiB and 1,000,000 keys.
	Keys string `json:"keys"`
}

const defaultKeyHeader = "X-API-Key"

// APIKeys is the Method of an APIKeyConfig.
type APIKeys struct {
	field     string   // canonical
	shown     string   // as configured, for the challenge
	bearer    bool     // the key may come in Authorization too
	fields    []string // all of them
	parameter string   // "" for none
	keys      *KeySet
}

var parameterName = regexp.MustCompile(`^[A-Za-z0-9._~-]{1,64}$`)

// NewAPIKeys makes the method of c with the keys of its file.
func NewAPIKeys(c APIKeyConfig, keys *KeySet) (Method, hcl.Diagnostics) {
	if c.Header == "" {
		c.Header = defaultKeyHeader
	}
	a := &APIKeys{
		field: textproto.CanonicalMIMEHeaderKey(c.Header), shown: c.Header,
		bearer: c.Bearer, parameter: c.Query, keys: keys,
	}
	a.fields = []string{a.field}
	if a.bearer {
		a.fields = append(a.fields, authorization)
	}
	var diags hcl.Diagnostics
	if !admit.Free(c.Header) {
		diags = append(diags, &hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "Invalid header field",
			Detail: "An API key has a header field of its own, such as X-API-Key, and it cannot be " + fmt.Sprintf("%q.", c.Header),
		})
	}
	if c.Query != "" && !parameterName.MatchString(c.Query) {
		diags = append(diags, &hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "Invalid query parameter",
			Detail: "The name of a query parameter is 1 to 64 letters, digits and ._~-.",
		})
	}
	if diags.HasErrors() {
		return nil, diags
	}
	if a.bearer {
		return &bearerKeys{a}, nil
	}
	return a, nil
}

// Fields implements Method.
func (a *APIKeys) Fields() []string { return a.fields }

// Parameters implements Method.
func (a *APIKeys) Parameters() []string {
	if a.parameter == "" {
		return nil
	}
	return []string{a.parameter}
}

// Present implements Method. What stands in Authorization is a credential, whatever its scheme.
func (a *APIKeys) Present(x *exchange.Exchange) bool {
	return len(x.Header[a.field]) > 0 || a.bearer && len(x.Header[authorization]) > 0 ||
		a.parameter != "" && x.Query.Values()[a.parameter] != nil
}

// bearerKeys are API keys that may come in Authorization, which others may read too.
type bearerKeys struct{ *APIKeys }

// Likely implements Sharing: what has the form of a key is one, mistyped or not. So no other way to identify asks some
// server about it.
func (b *bearerKeys) Likely(x *exchange.Exchange) Likelihood {
	if token, ok := bearer(x); !ok || !keyShaped(token) {
		return Unlikely
	}
	return Certain
}

// bearer is the bearer token that a request carries in Authorization, once.
func bearer(x *exchange.Exchange) (token string, ok bool) {
	values := x.Header[authorization]
	if len(values) != 1 {
		return "", false
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	token = strings.TrimLeft(token, " ")
	return token, strings.EqualFold(scheme, "Bearer") && token != ""
}

// Challenge implements Method. ApiKey is not a registered scheme; it tells people and tools what to send where.
func (a *APIKeys) Challenge(space Space, r *Refusal) string {
	text := challenge("ApiKey", "realm", space.Realm, "header", a.shown, "query", a.parameter)
	switch {
	case !a.bearer:
		return text
	case r == nil:
		return text + ", " + challenge("Bearer", "realm", space.Realm)
	}
	return text + ", " + challenge("Bearer", "realm", space.Realm, "error", r.code(), "error_description", r.Detail)
}

// sent is the key that the request carries, in one place once.
func (a *APIKeys) sent(x *exchange.Exchange) (printed string, r *Refusal) {
	values := x.Header[a.field]
	if a.parameter != "" {
		if more := x.Query.Values()[a.parameter]; len(values) > 0 && len(more) > 0 {
			return "", &Refusal{Malformed: true, Detail: twoCredentials}
		} else if len(more) > 0 {
			values = more
		}
	}
	if a.bearer && len(x.Header[authorization]) > 0 {
		token, ok := bearer(x)
		switch {
		case len(values) > 0:
			return "", &Refusal{Malformed: true, Detail: twoCredentials}
		case !ok:
			return "", &Refusal{Detail: "the Authorization field is not one bearer token"}
		}
		return token, nil
	}
	if len(values) != 1 {
		return "", &Refusal{Malformed: true, Detail: "the API key was sent more than once"}
	}
	return values[0], nil
}

// nobody is compared with where an id is unknown, so that an unknown id takes the time of a known one.
var nobody Key

// Authenticate implements Method. It tells an unknown key from a wrong secret neither by its answer nor by its time.
func (a *APIKeys) Authenticate(x *exchange.Exchange) (*exchange.Consumer, *Refusal) {
	printed, r := a.sent(x)
	if r != nil {
		return nil, r
	}
	id, secret, ok := splitKey(printed)
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

var (
	_ Method  = (*APIKeys)(nil)
	_ Sharing = (*bearerKeys)(nil)
)
