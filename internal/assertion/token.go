package assertion

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/lestrrat-go/jwx/v3/jws"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/rule"
)

// Bounds of tokens.
const (
	DefaultLifetime = time.Minute
	MinLifetime     = 10 * time.Second
	MaxLifetime     = 10 * time.Minute
	MaxAudience     = 16
	MaxClaims       = 32
	maxPayload      = 6 << 10 // bytes of claims
)

// Roots are what the claims of a token are computed from. What differs between a caller's requests is not among them: a
// token tells who calls, and is used for many.
const Roots = rule.Consumer | rule.Claims | rule.Client | rule.API

// Claim is one that an operator adds to a token.
type Claim struct {
	Name  string
	Value *rule.Program // compiled for rule.Any, of Roots
}

// Token is what a route's service is told in a token. It is immutable and serves many requests at once.
type Token struct {
	signer   *Signer
	head     string // the claims that are the same for all callers
	lifetime time.Duration
	claims   []Claim
	own      uint // of optional, those that the operator says otherwise
}

// Config is what a token is made of.
type Config struct {
	Issuer   string   // CheckIssuer
	Audience []string // 1 to MaxAudience
	Lifetime time.Duration
	Claims   []Claim
}

// optional are the claims that tell of the consumer, where there is something to tell.
var optional = []struct {
	name string
	text func(*exchange.Consumer) string   // one of the two
	list func(*exchange.Consumer) []string // one of the two
}{
	{name: "name", text: func(c *exchange.Consumer) string { return c.Name }},
	{name: "method", text: func(c *exchange.Consumer) string { return c.Method }},
	{name: "client_id", text: client},
	{name: "scope", text: func(c *exchange.Consumer) string { return strings.Join(c.Scopes, " ") }}, // RFC 8693, section 4.2
	{name: "groups", list: func(c *exchange.Consumer) []string { return c.Groups }},                 // RFC 9068, section 2.2.3.1
	{name: "plan", text: func(c *exchange.Consumer) string { return c.Plan }},
	{name: "api_version", text: func(c *exchange.Consumer) string { return c.Version }},
}

// client is the OAuth client that the credential was issued to (RFC 9068, section 2.2, or what OpenID Connect calls it).
func client(c *exchange.Consumer) string {
	id, _ := c.Claims["client_id"].(string)
	if id == "" {
		id, _ = c.Claims["azp"].(string)
	}
	return id
}

// registered are the claims that say what a token is and for whom (RFC 7519, section 4.1; RFC 7800; RFC 8693): the
// gateway alone writes them.
var registered = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "cnf", "act", "may_act"}

// CheckClaim says what is wrong with the name of a claim that an operator adds.
func CheckClaim(name string) error {
	const most = 128
	switch {
	case name == "" || len(name) > most || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r > '~' }):
		return fmt.Errorf("a claim's name is 1 to %d characters of printable ASCII", most)
	case slices.Contains(registered, name):
		return fmt.Errorf("the claim %s is the gateway's own to write", name)
	}
	return nil
}

// CheckIssuer says what is wrong with what tokens are issued by: an https address, as RFC 8414, section 2, has it.
func CheckIssuer(issuer string) error {
	u, err := url.Parse(issuer)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
		strings.ContainsAny(issuer, "?#") || len(issuer) > 512 {
		return errors.New("an issuer is an https address without query and fragment, of at most 512 bytes")
	}
	return nil
}

// New makes a token of what it is made of, which has been checked.
func (s *Signer) New(c Config) *Token {
	t := &Token{signer: s, lifetime: c.Lifetime, claims: c.Claims}
	b := append([]byte(`{"iss":`), text(c.Issuer)...)
	b = append(b, `,"aud":`...)
	if len(c.Audience) == 1 {
		b = append(b, text(c.Audience[0])...)
	} else {
		b = appendList(b, c.Audience)
	}
	t.head = string(b)
	for i, o := range optional {
		if slices.ContainsFunc(c.Claims, func(c Claim) bool { return c.Name == o.name }) {
			t.own |= 1 << i
		}
	}
	return t
}

// Why a token is not to be had.
var (
	// ErrNoKey says that there is no key to sign with yet.
	ErrNoKey = errors.New("the gateway has no key to sign with yet")
	// ErrEnded says that the credential has ended, and was only let in because clocks differ.
	ErrEnded = errors.New("the credential has ended")
	// ErrTooLarge says that the claims do not fit into a token.
	ErrTooLarge = fmt.Errorf("the claims of the token have more than %d bytes", maxPayload)
)

// room is where the claims of a token are written, again and again.
var room = sync.Pool{New: func() any { return new([]byte) }}

// For gives the token that tells of a consumer's request. It never outlives the credential. One that was signed for an
// equal caller is given again for the first half of its life, so that services get none that ends at once.
func (t *Token) For(x *exchange.Exchange) (string, error) {
	keys := t.signer.source.Keys()
	if keys == nil {
		return "", ErrNoKey
	}
	k := keys.signer(x.Time)
	ends := x.Time.Add(t.lifetime)
	bound := !x.Consumer.Expires.IsZero() && x.Consumer.Expires.Before(ends)
	if bound {
		ends = x.Consumer.Expires
	}
	if !ends.Truncate(time.Second).After(x.Time) {
		return "", ErrEnded
	}
	buffer := room.Get().(*[]byte)
	defer room.Put(buffer)
	// All that a token says but for its times, and what decides those, is what it is remembered under.
	b := append((*buffer)[:0], k.id...)
	b = append(strconv.AppendInt(append(b, ' '), int64(t.lifetime), 10), ' ')
	if !x.Consumer.Expires.IsZero() {
		b = strconv.AppendInt(b, x.Consumer.Expires.UnixNano(), 10)
	}
	b = append(b, ' ')
	from := len(b)
	b, err := t.append(b, x)
	*buffer = b
	if err != nil {
		return "", err
	}
	if len(b)-from > maxPayload {
		return "", ErrTooLarge
	}
	if signed := t.signer.memory.get(b, x.Time); signed != "" {
		return signed, nil
	}
	payload := appendTimes(append(make([]byte, 0, len(b)-from+96), b[from:]...), x.Time, ends)
	signed, err := sign(k, payload)
	if err != nil {
		return "", err
	}
	use := x.Time.Add(t.lifetime / 2)
	if bound { // another one would end no later
		use = ends.Truncate(time.Second)
	}
	t.signer.memory.put(b, signed, x.Time, use)
	return signed, nil
}

// append writes the claims but for those of time, without the brace at the end.
func (t *Token) append(b []byte, x *exchange.Exchange) ([]byte, error) {
	b = append(append(b, t.head...), `,"sub":`...)
	b = appendText(b, x.Consumer.ID)
	for i := range optional {
		o := &optional[i]
		if t.own&(1<<i) != 0 {
			continue
		}
		if o.list != nil {
			if list := o.list(x.Consumer); len(list) > 0 {
				b = appendList(appendName(b, o.name), list)
			}
		} else if s := o.text(x.Consumer); s != "" {
			b = appendText(appendName(b, o.name), s)
		}
	}
	for i := range t.claims {
		value, err := t.claims[i].Value.Value(x)
		if value == nil && err == nil || errors.Is(err, rule.ErrAbsent) {
			continue
		}
		if err == nil {
			b = appendName(b, t.claims[i].Name)
			b, err = appendValue(b, value)
		}
		if err != nil {
			return b, fmt.Errorf("computing the claim %s for the service: %w", t.claims[i].Name, err)
		}
	}
	return b, nil
}

func appendTimes(b []byte, from, until time.Time) []byte {
	b = strconv.AppendInt(append(b, `,"iat":`...), from.Unix(), 10)
	b = strconv.AppendInt(append(b, `,"exp":`...), until.Unix(), 10)
	var id [16]byte
	rand.Read(id[:]) //nolint:errcheck // it never fails
	b = base64.RawURLEncoding.AppendEncode(append(b, `,"jti":"`...), id[:])
	return append(b, `"}`...)
}

func appendName(b []byte, name string) []byte {
	return append(appendText(append(b, ','), name), ':')
}

func appendList(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, s)
	}
	return append(b, ']')
}

func appendValue(b []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case string:
		return appendText(b, v), nil
	case []string:
		return appendList(b, v), nil
	}
	raw, err := json.Marshal(value)
	return append(b, raw...), err
}

// appendText writes a string as JSON.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return append(b, text(s)...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

func text(s string) []byte {
	raw, _ := json.Marshal(s) // of a string it never fails
	return raw
}

// sign makes a token (RFC 7515, section 7.1).
func sign(k *key, payload []byte) (string, error) {
	h := jws.NewHeaders()
	if err := errors.Join(h.Set(jws.TypeKey, "JWT"), h.Set(jws.KeyIDKey, k.id)); err != nil {
		return "", fmt.Errorf("signing a token: %w", err)
	}
	signed, err := jws.Sign(payload, jws.WithKey(k.alg, k.private, jws.WithProtectedHeaders(h)))
	if err != nil {
		return "", fmt.Errorf("signing a token: %w", err)
	}
	return string(signed), nil
}
