package assertion

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/rule"
)

var now = time.Date(2026, 12, 1, 12, 0, 0, 500, time.UTC)

func block(t testing.TB, kind string, key any) string {
	t.Helper()
	var der []byte
	var err error
	switch kind {
	case "PUBLIC KEY":
		der, err = x509.MarshalPKIXPublicKey(key)
	case "EC PRIVATE KEY":
		der, err = x509.MarshalECPrivateKey(key.(*ecdsa.PrivateKey))
	case "RSA PRIVATE KEY":
		der = x509.MarshalPKCS1PrivateKey(key.(*rsa.PrivateKey))
	default:
		der, err = x509.MarshalPKCS8PrivateKey(key)
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func ec(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func signer(t testing.TB) *Signer {
	t.Helper()
	f, diags := ParseFile("gw.pem", []byte(block(t, "PRIVATE KEY", ec(t, elliptic.P256()))))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return NewSigner(f)
}

func claims(t testing.TB, all ...string) (to []Claim) {
	t.Helper()
	for i := 0; i < len(all); i += 2 {
		p, diags := rule.CompileText(all[i+1], hcl.Range{}, rule.Environment{Roots: Roots}, rule.Any)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		to = append(to, Claim{all[i], p})
	}
	return to
}

func ada() *exchange.Exchange {
	return &exchange.Exchange{Time: now, API: "orders", Client: netip.MustParseAddr("192.0.2.7"), Consumer: &exchange.Consumer{
		ID: "ada", Name: "Ada \"Žižek\"", Method: "jwt", Scopes: []string{"read", "write"}, Groups: []string{"staff"}, Plan: "gold", Version: "v1",
		Claims: map[string]any{"client_id": "shop", "tenant": "t1", "org": map[string]any{"id": "o1"}, "level": 3},
	}}
}

// verify is what a service does with a token, by the published keys alone.
func verify(t testing.TB, s *Signer, token string, at time.Time) map[string]any {
	t.Helper()
	text, _ := s.Keys().Set()
	set, err := jwk.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jwt.Parse([]byte(token), jwt.WithKeySet(set), jwt.WithIssuer("https://gw.example"), jwt.WithAudience("orders"),
		jwt.WithClock(jwt.ClockFunc(func() time.Time { return at })))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{}
	for _, name := range parsed.Keys() {
		var v any
		if err := parsed.Get(name, &v); err != nil {
			t.Fatal(err)
		}
		got[name] = v
	}
	return got
}

func TestToken(t *testing.T) {
	s := signer(t)
	token := s.New(Config{Issuer: "https://gw.example", Audience: []string{"orders"}, Lifetime: time.Minute, Claims: claims(t,
		"tenant", "claims.tenant", "none", "claims.none", "nowhere", "claims.none.id", "roles", "consumer.groups", "level", "claims.level", "org", "claims.org", "name", "'A'", "via", "client.address")})
	signed, err := token.For(ada())
	if err != nil {
		t.Fatal(err)
	}
	got := verify(t, s, signed, now)
	jti, _ := got["jti"].(string)
	delete(got, "jti")
	want := map[string]any{
		"iss": "https://gw.example", "aud": []string{"orders"}, "sub": "ada", "iat": now.Truncate(time.Second), "exp": now.Truncate(time.Second).Add(time.Minute),
		"name": "A", "method": "jwt", "client_id": "shop", "scope": "read write", "groups": []any{"staff"}, "plan": "gold", "api_version": "v1",
		"tenant": "t1", "roles": []any{"staff"}, "level": 3.0, "org": map[string]any{"id": "o1"}, "via": "192.0.2.7",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || len(jti) != 22 {
		t.Errorf("got  %v\nwant %v\njti %q", got, want, jti)
	}
	key := &exchange.Exchange{Time: now, Consumer: &exchange.Consumer{ID: "acme", Name: "Acme", Method: "api_key"}}
	if signed, err = token.For(key); err != nil {
		t.Fatal(err)
	}
	got = verify(t, s, signed, now)
	if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, []string{"aud", "exp", "iat", "iss", "jti", "method", "name", "roles", "sub", "via"}) {
		t.Errorf("of a key without more: %v", names)
	}
}

// TestTokenEnds looks at when tokens end: never after the credential.
func TestTokenEnds(t *testing.T) {
	s := signer(t)
	for _, test := range []struct {
		lifetime, credential time.Duration // the latter from now on; 0 for never
		want                 time.Duration // from the second on; 0 for none
	}{
		{time.Minute, 0, time.Minute},
		{10 * time.Second, time.Hour, 10 * time.Second},
		{time.Minute, 30 * time.Second, 30 * time.Second},
		{time.Minute, 1500 * time.Millisecond, time.Second},
		{time.Minute, 100 * time.Millisecond, 0},
		{time.Minute, -time.Second, 0},
	} {
		token := s.New(Config{Issuer: "https://gw.example", Audience: []string{"orders"}, Lifetime: test.lifetime})
		x := ada()
		if test.credential != 0 {
			x.Consumer.Expires = now.Add(test.credential)
		}
		signed, err := token.For(x)
		if test.want == 0 {
			if !errors.Is(err, ErrEnded) {
				t.Errorf("%+v: %v", test, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := verify(t, s, signed, now)["exp"].(time.Time); !got.Equal(now.Truncate(time.Second).Add(test.want)) {
			t.Errorf("%+v: it ends at %s", test, got)
		}
	}
}

// TestTokenRemembered asks again: what differs in anything has another token, and what does not the same one for the first
// half of its life.
func TestTokenRemembered(t *testing.T) {
	s := signer(t)
	config := Config{Issuer: "https://gw.example", Audience: []string{"orders"}, Lifetime: time.Minute, Claims: claims(t, "tenant", "claims.tenant")}
	token := s.New(config)
	first, err := token.For(ada())
	if err != nil {
		t.Fatal(err)
	}
	same := func(name string, want bool, with *Token, change func(*exchange.Exchange)) {
		t.Helper()
		x := ada()
		change(x)
		got, err := with.For(x)
		if err != nil || (got == first) != want {
			t.Errorf("%s: the same token %t, %v", name, got == first, err)
		}
	}
	same("at once", true, token, func(*exchange.Exchange) {})
	same("nearly half a life later", true, token, func(x *exchange.Exchange) { x.Time = now.Add(30*time.Second - 1) })
	same("a route with the same token", true, s.New(config), func(*exchange.Exchange) {})
	same("earlier", false, token, func(x *exchange.Exchange) { x.Time = now.Add(-time.Second) })
	first, _ = token.For(ada())
	for name, change := range map[string]func(*exchange.Consumer){
		"id": func(c *exchange.Consumer) { c.ID = "bob" }, "name": func(c *exchange.Consumer) { c.Name = "Bob" }, "method": func(c *exchange.Consumer) { c.Method = "api_key" },
		"scopes": func(c *exchange.Consumer) { c.Scopes = c.Scopes[:1] }, "groups": func(c *exchange.Consumer) { c.Groups = nil }, "plan": func(c *exchange.Consumer) { c.Plan = "" },
		"version": func(c *exchange.Consumer) { c.Version = "v2" }, "claims": func(c *exchange.Consumer) { c.Claims["tenant"] = "t2" }, "client": func(c *exchange.Consumer) { c.Claims["client_id"] = "x" },
		"the end of the credential": func(c *exchange.Consumer) { c.Expires = now.Add(time.Hour) },
	} {
		same(name, false, token, func(x *exchange.Exchange) { change(x.Consumer) })
	}
	for name, change := range map[string]func(*Config){
		"issuer": func(c *Config) { c.Issuer += "/x" }, "audience": func(c *Config) { c.Audience = []string{"orders", "other"} },
		"lifetime": func(c *Config) { c.Lifetime /= 2 }, "no claims": func(c *Config) { c.Claims = nil },
	} {
		other := config
		change(&other)
		same(name, false, s.New(other), func(*exchange.Exchange) {})
	}
	same("half a life later", false, token, func(x *exchange.Exchange) { x.Time = now.Add(30 * time.Second) })
}

func TestTokenRefused(t *testing.T) {
	if _, err := NewSigner(NewKeeper(DefaultRotate)).New(Config{Lifetime: time.Minute}).For(ada()); !errors.Is(err, ErrNoKey) {
		t.Errorf("without keys: %v", err)
	}
	s := signer(t)
	x := ada()
	x.Consumer.Claims["long"] = strings.Repeat("x", maxPayload)
	if _, err := s.New(Config{Lifetime: time.Minute, Claims: claims(t, "long", "claims.long")}).For(x); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	if _, err := s.New(Config{Lifetime: time.Minute, Claims: claims(t, "x", "claims.tenant + 1")}).For(x); err == nil || !strings.Contains(err.Error(), "computing the claim x") {
		t.Errorf("no value: %v", err)
	}
	for _, name := range []string{"iss", "sub", "exp", "jti", "cnf", "", "a\n", strings.Repeat("a", 129)} {
		if CheckClaim(name) == nil {
			t.Errorf("the claim %q is allowed", name)
		}
	}
	for _, issuer := range []string{"", "gw", "http://gw.example", "https://", "https://gw.example?a", "https://gw.example#", "https://u:p@gw.example"} {
		if CheckIssuer(issuer) == nil {
			t.Errorf("the issuer %q is allowed", issuer)
		}
	}
	if err := CheckIssuer("https://gw.example/orders"); err != nil {
		t.Error(err)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	s := signer(t)
	for i := range 40_000 {
		s.memory.put(fmt.Appendf(nil, "%d", i), strings.Repeat("x", 800), now, now.Add(time.Minute))
	}
	total, entries := 0, 0
	for i := range s.memory.shards {
		total, entries = total+s.memory.shards[i].bytes, entries+len(s.memory.shards[i].tokens)
	}
	if total > shards*maxBytes || entries < 10_000 {
		t.Errorf("%d tokens in %d bytes", entries, total)
	}
}

// TestManyAtOnce has many callers ask at the same time, for the race detector to watch.
func TestManyAtOnce(t *testing.T) {
	s := signer(t)
	token := s.New(Config{Issuer: "https://gw.example", Audience: []string{"orders"}, Lifetime: time.Minute})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 50 {
				x := ada()
				x.Consumer.ID = fmt.Sprint(i*j%7, "-")
				if _, err := token.For(x); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestFile(t *testing.T) {
	rsa2048, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p256 := ec(t, elliptic.P256())
	for name, text := range map[string]string{
		"ES256": block(t, "PRIVATE KEY", p256), "ES384": block(t, "EC PRIVATE KEY", ec(t, elliptic.P384())), "ES512": block(t, "PRIVATE KEY", ec(t, elliptic.P521())),
		"EdDSA": block(t, "PRIVATE KEY", ed), "RS256": "# ours\n" + block(t, "RSA PRIVATE KEY", rsa2048),
		"ES256, and the next": block(t, "PRIVATE KEY", p256) + block(t, "PRIVATE KEY", ed) + block(t, "PUBLIC KEY", rsa2048.Public()),
	} {
		f, diags := ParseFile("gw.pem", []byte(text))
		if diags.HasErrors() {
			t.Fatalf("%s: %v", name, diags)
		}
		s := NewSigner(f)
		signed, err := s.New(Config{Issuer: "https://gw.example", Audience: []string{"orders"}, Lifetime: time.Minute}).For(ada())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		verify(t, s, signed, now)
		published, _ := s.Keys().Set()
		alg, _, _ := strings.Cut(name, ",")
		if k := s.Keys().keys[0]; k.alg.String() != alg || strings.Contains(string(published), `"d"`) {
			t.Errorf("%s: signs with %s, published is %s", name, k.alg, published)
		}
		if got := f.Status(now); got.Source != "file" || got.Keys != strings.Count(text, "-----BEGIN") {
			t.Errorf("%s: the status is %+v", name, got)
		}
	}
	public, private := block(t, "PUBLIC KEY", p256.Public()), block(t, "PRIVATE KEY", p256)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	for _, test := range []struct{ name, text, want string }{
		{"empty", "", "1: No key"},
		{"no key", "hello\n", "1: No key"},
		{"a public key first", public, "1: Unsuitable key"},
		{"twice", private + "\n" + public, "7: Duplicate key"},
		{"half", private[:len(private)-20], "1: Broken key"},
		{"a certificate", private + string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})), "6: Unsuitable key"},
		{"rubbish inside", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("secret")})), "1: Unsuitable key"},
		{"too many", private + strings.Join([]string{block(t, "PRIVATE KEY", ed), block(t, "PUBLIC KEY", rsa2048.Public()), block(t, "PRIVATE KEY", ec(t, elliptic.P256())), block(t, "PRIVATE KEY", ec(t, elliptic.P256()))}, ""), "Too many keys"},
		{"too large", strings.Repeat("#", MaxKeyFile+1), "1: Key file too large"},
	} {
		_, diags := ParseFile("gw.pem", []byte(test.text))
		if len(diags) != 1 || !strings.Contains(fmt.Sprintf("%d: %s", diags[0].Subject.Start.Line, diags[0].Summary), test.want) || strings.Contains(diags[0].Detail, "secret") {
			t.Errorf("%s: %v, want %s", test.name, diags, test.want)
		}
	}
	if err == nil {
		if _, diags := ParseFile("gw.pem", []byte(block(t, "PRIVATE KEY", weak))); len(diags) != 1 || !strings.Contains(diags[0].Detail, "2048 bits") {
			t.Errorf("a weak key: %v", diags)
		}
	}
}

func FuzzParseFile(f *testing.F) {
	f.Add(block(f, "PRIVATE KEY", ec(f, elliptic.P256())))
	f.Add("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n")
	f.Fuzz(func(t *testing.T, text string) {
		file, diags := ParseFile("gw.pem", []byte(text))
		if (file == nil) != diags.HasErrors() {
			t.Error(diags)
		}
		if file != nil && file.Keys().signer(now).private == nil {
			t.Error("nothing signs")
		}
	})
}

func BenchmarkToken(b *testing.B) {
	s := signer(b)
	token := s.New(Config{Issuer: "https://gw.example", Audience: []string{"orders"}, Lifetime: time.Minute, Claims: claims(b, "tenant", "claims.tenant")})
	b.Run("remembered", func(b *testing.B) {
		b.ReportAllocs()
		x := ada()
		for b.Loop() {
			if _, err := token.For(x); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("signed", func(b *testing.B) {
		b.ReportAllocs()
		x := ada()
		for b.Loop() {
			x.Time = x.Time.Add(time.Minute)
			if _, err := token.For(x); err != nil {
				b.Fatal(err)
			}
		}
	})
}
