package identity

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// KeySource is where the keys of an issuer come from: a file, which is read once, or an address, which is asked again and
// again. It serves many requests at once. Sets are immutable: another set is another pointer.
type KeySource interface {
	// Keys gives the set that is in force at an instant, and waits for nothing. Its error is, or wraps, ErrNoKeys or
	// ErrStaleKeys.
	Keys(now time.Time) (*JWKS, error)

	// Seek gives a set for a token that last has no key for, nil where there was none: it waits until the source has
	// looked whether there is a newer one, which it does only so often, whatever tokens come. Where there is none it
	// gives last again, or the error of Keys.
	Seek(ctx context.Context, now time.Time, last *JWKS) (*JWKS, error)
}

// What keeps a KeySource from giving keys.
var (
	// ErrNoKeys says that there have never been any: the issuer has been away since the gateway started, and nothing
	// was kept from before.
	ErrNoKeys = errors.New("there are no keys of the issuer yet")

	// ErrStaleKeys says that the issuer has not confirmed its keys for so long that they may be withdrawn by now.
	ErrStaleKeys = errors.New("the issuer has not confirmed its keys for too long")
)

// Keys implements KeySource for a file.
func (s *JWKS) Keys(time.Time) (*JWKS, error) { return s, nil }

// Seek implements KeySource: a file that changes is loaded as another set.
func (s *JWKS) Seek(context.Context, time.Time, *JWKS) (*JWKS, error) { return s, nil }

// boundSet is a set whose keys have one algorithm each, of those that one method allows.
type boundSet struct {
	set  *JWKS
	keys []boundKey
}

func bind(set *JWKS, allowed []string) (*boundSet, hcl.Diagnostics) {
	keys, diags := set.bind(allowed)
	if diags.HasErrors() {
		return nil, diags
	}
	return &boundSet{set: set, keys: keys}, nil
}

// keys gives the keys in force, and waits for the first ones of all, but not for the sake of what is no token.
func (t *Tokens) keys(x *exchange.Exchange, compact string) (*boundSet, *Refusal) {
	set, err := t.source.Keys(x.Time)
	if err != nil {
		if _, err := parseToken(compact); err != nil {
			return nil, &Refusal{Detail: invalidToken, Cause: err}
		}
		if set, err = t.source.Seek(x.Context, x.Time, nil); err != nil {
			return nil, keyless(err)
		}
	}
	return t.bind(set), nil
}

// bind gives a set with its algorithms settled. A set of which no key is allowed has none: no token is good.
func (t *Tokens) bind(set *JWKS) *boundSet {
	if b := t.bound.Load(); b != nil && b.set == set {
		return b
	}
	b, diags := bind(set, t.allowed)
	if diags.HasErrors() {
		b = &boundSet{set: set}
	}
	t.bound.Store(b)
	return b
}

// keyless is the refusal of a token whose keys cannot be had. Without any keys ever, nobody knows; keys that are too old
// are those of nobody.
func keyless(err error) *Refusal {
	if errors.Is(err, ErrStaleKeys) {
		return &Refusal{Detail: invalidToken, Cause: err}
	}
	return &Refusal{Unavailable: true, Detail: "the token cannot be verified at the moment", Cause: err}
}
