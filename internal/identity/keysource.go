package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/duration"
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

// Bounds of how long fetched keys are good that nobody confirms.
const (
	LeastMaxStale = 5 * time.Minute
	MostMaxStale  = 30 * 24 * time.Hour
)

// MaxAuthorities bounds a file of authorities, in bytes.
const MaxAuthorities = 256 << 10

// CheckKeys tells what is wrong with where c has keys from.
func CheckKeys(c JWTConfig) (diags hcl.Diagnostics) {
	wrong := func(summary, detail string) {
		diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail})
	}
	hmac := slices.ContainsFunc(c.Algorithms, func(a string) bool { return algorithms[a].secret > 0 })
	switch {
	case c.Keys != "" && c.JWKS != "":
		wrong("Two key sets", "The keys are those of a file or those of an address, not both.")
	case c.Keys != "" && (c.CAFile != "" || c.MaxStale != 0):
		wrong("Nothing is fetched", "Authorities and the age of keys are about keys that are fetched, and these are in a file.")
	case c.Keys == "" && hmac:
		wrong("A secret cannot be fetched", "Who can read the key of an HMAC can make tokens: with HS256, HS384 and HS512 the keys are in a file.")
	}
	if c.MaxStale != 0 && (time.Duration(c.MaxStale) < LeastMaxStale || time.Duration(c.MaxStale) > MostMaxStale) {
		wrong("Invalid age of keys", fmt.Sprintf("Keys that are not confirmed may be good for %s to %s.", duration.Duration(LeastMaxStale), duration.Duration(MostMaxStale)))
	}
	return diags
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
