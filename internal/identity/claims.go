package identity

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/wicketgate/wicketgate/internal/compact"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// claims are what a token says, typed as RFC 7519 and RFC 9068 say, the rest as JSON has it: an int where a number is
// spelt as one, else a float64.
type claims struct {
	all       map[string]any
	issuer    string
	audience  []string
	expires   time.Time
	notBefore time.Time // zero if the token does not say
	issued    time.Time // zero if the token does not say
}

// parseClaims reads a token's payload: a strict JSON object, no name twice and nothing after it.
func parseClaims(raw []byte) (claims, error) {
	if err := jsonspan.Check(raw, compact.Bounds); err != nil {
		return claims{}, fmt.Errorf("its claims are not strict JSON: %w", err)
	}
	value, err := jsonspan.Decode(raw)
	if err != nil {
		return claims{}, fmt.Errorf("its claims are not strict JSON: %w", err)
	}
	all, ok := value.(map[string]any)
	if !ok {
		return claims{}, errors.New("its claims are not an object")
	}
	return claimsOf(all)
}

// claimsOf reads the claims whose types are known.
func claimsOf(all map[string]any) (claims, error) {
	c := claims{all: all}
	for _, name := range [...]string{"iss", "sub", "jti", "client_id"} {
		if v, ok := all[name]; ok {
			if _, ok := v.(string); !ok {
				return claims{}, fmt.Errorf("its %s is not a string", name)
			}
		}
	}
	c.issuer, _ = all["iss"].(string)
	for _, date := range [...]struct {
		name string
		at   *time.Time
	}{{"exp", &c.expires}, {"nbf", &c.notBefore}, {"iat", &c.issued}} {
		if v, ok := all[date.name]; ok {
			if *date.at, ok = numericDate(v); !ok {
				return claims{}, fmt.Errorf("its %s is not a date", date.name)
			}
		}
	}
	switch aud := all["aud"].(type) {
	case nil:
		if _, ok := all["aud"]; ok {
			return claims{}, errAudience
		}
	case string:
		c.audience = []string{aud}
	case []any:
		for _, v := range aud {
			s, ok := v.(string)
			if !ok {
				return claims{}, errAudience
			}
			c.audience = append(c.audience, s)
		}
	default:
		return claims{}, errAudience
	}
	return c, nil
}

var errAudience = errors.New("its aud is neither a string nor a list of strings")

// maxDate is the end of the year 9999: no date after it is one that anybody meant.
const maxDate = 253402300799

// numericDate is a NumericDate (RFC 7519, section 2): seconds since 1970, perhaps with a fraction.
func numericDate(v any) (time.Time, bool) {
	switch n := v.(type) {
	case int:
		return time.Unix(int64(n), 0), n >= 0 && n <= maxDate
	case float64:
		if !(n >= 0 && n <= maxDate) {
			return time.Time{}, false
		}
		whole, fraction := math.Modf(n)
		return time.Unix(int64(whole), int64(fraction*1e9)), true
	}
	return time.Time{}, false
}

// accessClaims are those that an access token of RFC 9068 must have (section 2.2).
var accessClaims = []string{"iss", "exp", "aud", "sub", "client_id", "iat", "jti"}

// check says what is wrong with the claims at now, from what the configuration wants of them.
func (c *claims) check(t *token, issuer string, audience []string, leeway time.Duration, now time.Time) *Refusal {
	invalid := func(format string, args ...any) *Refusal {
		return &Refusal{Detail: invalidToken, Cause: fmt.Errorf(format, args...)}
	}
	if _, ok := c.all["exp"]; !ok {
		return invalid("it has no exp")
	}
	if c.issuer != issuer {
		return invalid("its issuer is not the one configured")
	}
	if !slices.ContainsFunc(c.audience, func(a string) bool { return slices.Contains(audience, a) }) {
		return invalid("its audience is none of those configured")
	}
	if t.access {
		for _, name := range accessClaims {
			if _, ok := c.all[name]; !ok {
				return invalid("it is an access token without %s", name)
			}
		}
	}
	switch {
	case !now.Before(c.expires.Add(leeway)):
		return &Refusal{Detail: "the token has expired", Cause: fmt.Errorf("it expired at %s", c.expires)}
	case now.Before(c.notBefore.Add(-leeway)):
		return &Refusal{Detail: "the token is not valid yet", Cause: fmt.Errorf("it is valid from %s", c.notBefore)}
	case now.Before(c.issued.Add(-leeway)):
		return invalid("it says it was issued later than now, at %s", c.issued)
	}
	return nil
}

// Granted gives the scopes and groups that the claims of a token give its bearer.
func Granted(all map[string]any) (scopes, groups []string) {
	c := claims{all: all}
	return c.scopes(), c.strings("groups")
}

// scopes are the scope claim (RFC 8693, section 4.2: one string divided by blanks), or scp, as some issuers call it, a
// string or a list.
func (c *claims) scopes() []string {
	if s, ok := c.all["scope"].(string); ok {
		return strings.Fields(s)
	}
	if s, ok := c.all["scp"].(string); ok {
		return strings.Fields(s)
	}
	return c.strings("scp")
}

// strings are the strings of a list claim, nil if it is not a list.
func (c *claims) strings(name string) []string {
	list, _ := c.all[name].([]any)
	var out []string
	for _, v := range list {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}
