package identity

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v3/jws"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// accepted is a token that was verified, and the time in which it is good.
type accepted struct {
	consumer    *exchange.Consumer
	from, until time.Time
	bound       *boundSet // with a key of which it was verified
}

// verify proves a token with the keys of a set, or of a newer one that the issuer has. Of a token that is not valid, the
// client learns no more than whether it is too old or too new.
func (t *Tokens) verify(x *exchange.Exchange, compact string, bound *boundSet) (accepted, *Refusal) {
	o, r := t.open(x, compact, bound)
	if r != nil {
		return accepted{}, r
	}
	c, err := parseClaims(o.payload)
	if err != nil {
		return accepted{}, &Refusal{Detail: invalidToken, Cause: err}
	}
	if r := c.check(&o.header, t.issuer, t.audience, t.leeway, x.Time); r != nil {
		return accepted{}, r
	}
	consumer, r := t.consumer(&c)
	if r != nil {
		return accepted{}, r
	}
	return accepted{consumer: consumer, from: latest(c.notBefore, c.issued).Add(-t.leeway), until: c.expires.Add(t.leeway), bound: o.bound}, nil
}

// opened is a token whose signature is that of its key. What it says was said by its issuer, and nothing is known yet of
// whether it counts.
type opened struct {
	header  token
	payload []byte
	bound   *boundSet // with the key
}

// open proves the signature of a token.
func (t *Tokens) open(x *exchange.Exchange, compact string, bound *boundSet) (opened, *Refusal) {
	invalid := func(err error) (opened, *Refusal) { return opened{}, &Refusal{Detail: invalidToken, Cause: err} }
	parsed, err := parseToken(compact)
	if err != nil {
		return invalid(err)
	}
	if t.access && !parsed.access {
		return invalid(errors.New("it is not an access token of type at+jwt"))
	}
	if !slices.Contains(t.allowed, parsed.alg) {
		return invalid(errors.New("its algorithm is not one that is allowed"))
	}
	key, err := bound.key(&parsed)
	if errors.Is(err, errNoKey) {
		set, failed := t.source.Seek(x.Context, x.Time, bound.set)
		if failed != nil {
			return opened{}, keyless(failed)
		}
		if set != bound.set {
			bound = t.bind(set)
			key, err = bound.key(&parsed)
		}
	}
	if err != nil {
		return invalid(err)
	}
	// The library takes the token apart anew and compares the header's algorithm with that of the key. What it returns
	// is what was signed, and only that is read.
	payload, err := jws.VerifyCompactFast(key.key, []byte(compact), key.jwa)
	if err != nil {
		return invalid(errors.New("its signature is not that of its key"))
	}
	return opened{parsed, payload, bound}, nil
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// consumer says whom the claims of a token are about, if they are all that is demanded of them.
func (t *demands) consumer(c *claims) (*exchange.Consumer, *Refusal) {
	invalid := func(err error) (*exchange.Consumer, *Refusal) {
		return nil, &Refusal{Detail: invalidToken, Cause: err}
	}
	for _, name := range t.required {
		if !has(c.all, name) {
			return invalid(fmt.Errorf("it has no %s", name))
		}
	}
	id, err := t.compute.Consumer(c.all)
	if err != nil {
		return invalid(fmt.Errorf("its consumer cannot be told: %w", err))
	}
	if !validID(id) {
		return invalid(errors.New("its consumer's id is empty or not printable ASCII"))
	}
	name, _ := c.all["name"].(string)
	if name == "" {
		name = id
	}
	scopes, groups := Granted(c.all)
	to := &exchange.Consumer{ID: id, Name: name, Method: t.method, Claims: c.all, Scopes: scopes, Groups: groups, Expires: c.expires}
	for _, of := range [...]struct {
		what    string
		compute func(map[string]any) (string, error)
		to      *string
	}{{"plan", t.compute.Plan, &to.Plan}, {"version", t.compute.Version, &to.Version}} {
		if of.compute == nil {
			continue
		}
		if *of.to, err = of.compute(c.all); err != nil {
			return invalid(fmt.Errorf("its consumer's %s cannot be told: %w", of.what, err))
		}
		if *of.to != "" && !validID(*of.to) {
			return invalid(fmt.Errorf("its consumer's %s is not printable ASCII", of.what))
		}
	}
	if t.compute.Groups != nil {
		if to.Groups, err = t.compute.Groups(c.all); err != nil {
			return invalid(fmt.Errorf("its consumer's groups cannot be told: %w", err))
		}
	}
	for _, s := range t.scopes {
		if !slices.Contains(scopes, s) {
			return nil, &Refusal{Scope: t.scope, Detail: "the token does not grant what this needs", Cause: fmt.Errorf("it does not grant the scope %s", s)}
		}
	}
	return to, nil
}

// has says whether the claims have one of this name that is not null. Where none is called so as a whole, for names may
// have dots themselves, each part names a member of what the one before it does.
func has(claims map[string]any, name string) bool {
	if v, ok := claims[name]; ok {
		return v != nil
	}
	for {
		first, rest, nested := strings.Cut(name, ".")
		v := claims[first]
		if !nested {
			return v != nil
		}
		object, ok := v.(map[string]any)
		if !ok {
			return false
		}
		claims, name = object, rest
	}
}

// errNoKey says that a newer set may have the key.
var errNoKey = errors.New("no key of the set is its key")

// key chooses the key of a token: the one it names, and where it names none the only one there is for its algorithm.
func (b *boundSet) key(parsed *token) (*boundKey, error) {
	var found *boundKey
	for i := range b.keys {
		k := &b.keys[i]
		if parsed.hasKid {
			if k.kid != parsed.kid || k.kid == "" {
				continue
			}
			if k.alg != parsed.alg {
				return nil, errors.New("its algorithm is not that of its key")
			}
			return k, nil
		}
		if k.alg != parsed.alg {
			continue
		}
		if found != nil {
			return nil, errors.New("it names no key, and more than one would fit")
		}
		found = k
	}
	if found == nil {
		return nil, errNoKey
	}
	return found, nil
}
