package dpop

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wicketgate/wicketgate/internal/dpop/dpoptest"
	"github.com/wicketgate/wicketgate/internal/duration"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var now = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

const (
	token = "a.token.of-somebody"
	asked = "https://api.example:8443/v1/orders/7"
)

func verifier(t testing.TB, c Config) *Verifier {
	t.Helper()
	v, diags := New(c, NewMemory())
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return v
}

func request(t testing.TB, k *dpoptest.Key) Request {
	return Request{Method: "GET", Address: asked, Token: token, Thumbprint: k.Thumbprint(t), Time: now}
}

func TestAlgorithms(t *testing.T) {
	v := verifier(t, Config{})
	for _, alg := range Algorithms {
		k := dpoptest.New(t, alg)
		proof := k.Proof(t, "GET", asked, token, now)
		if err := v.Verify(proof, request(t, k)); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
		if err := v.Verify(proof, request(t, k)); !errors.Is(err, errReplayed) {
			t.Errorf("%s, again: %v", alg, err)
		}
		dot := strings.LastIndexByte(proof, '.')
		for _, broken := range []string{proof[:dot+1] + "AAAA", proof[:dot+1] + dpoptest.Encode(make([]byte, 64)), proof[:len(proof)-4], proof + "AAAA"} {
			if err := v.Verify(broken, request(t, k)); err == nil {
				t.Errorf("%s: a broken signature was believed", alg)
			}
		}
		for _, other := range Algorithms {
			if other == alg || other[:2] == "Ed" && alg[:2] == "Ed" { // two names of one
				continue
			}
			claimed := k.Proof(t, "GET", asked, token, now, func(header, _ map[string]any) { header["alg"] = other })
			if err := v.Verify(claimed, request(t, k)); err == nil {
				t.Errorf("a signature of %s was believed as one of %s", alg, other)
			}
		}
	}
}

// TestAttacks are proofs that must not be believed.
func TestAttacks(t *testing.T) {
	k, mallory, rsa := dpoptest.New(t, "ES256"), dpoptest.New(t, "ES256"), dpoptest.New(t, "RS256")
	type change = func(header, claims map[string]any)
	claims := func(name string, value any) change {
		return func(_, claims map[string]any) { claims[name] = value }
	}
	without := func(name string) change {
		return func(_, claims map[string]any) { delete(claims, name) }
	}
	header := func(name string, value any) change {
		return func(header, _ map[string]any) { header[name] = value }
	}
	jwk := func(name string, value any) change {
		return func(header, _ map[string]any) {
			key := maps.Clone(k.JWK)
			key[name] = value
			header["jwk"] = key
		}
	}
	hash := sha256.Sum256([]byte("another.token"))
	attacks := map[string]change{
		"another method": claims("htm", "POST"), "the method in lower case": claims("htm", "get"), "no method": without("htm"), "the method is a list": claims("htm", []string{"GET"}),
		"another path": claims("htu", "https://api.example:8443/v1/orders/8"), "another host": claims("htu", "https://evil.example:8443/v1/orders/7"),
		"another port": claims("htu", "https://api.example/v1/orders/7"), "another scheme": claims("htu", "http://api.example:8443/v1/orders/7"),
		"a path in another case": claims("htu", "https://api.example:8443/v1/Orders/7"), "a path only": claims("htu", "/v1/orders/7"),
		"dot segments": claims("htu", "https://api.example:8443/v1/orders/../orders/7"), "an encoded slash": claims("htu", "https://api.example:8443/v1%2forders/7"),
		"somebody's host": claims("htu", "https://api.example:8443@evil.example/v1/orders/7"), "an empty htu": claims("htu", ""), "no htu": without("htu"),
		"htu is opaque": claims("htu", "https:api.example"), "htu is none": claims("htu", "https://[::1/"), "a longer path": claims("htu", asked+"/lines"),
		"too old": claims("iat", now.Unix()-61), "too new": claims("iat", now.Unix()+61), "no iat": without("iat"), "iat is text": claims("iat", "1793534400"),
		"iat is 0": claims("iat", 0), "iat is negative": claims("iat", -1), "iat is huge": claims("iat", 1e300), "iat is null": claims("iat", nil),
		"another token": claims("ath", dpoptest.Encode(hash[:])), "no token": without("ath"), "an empty token": claims("ath", ""), "the token itself": claims("ath", token),
		"no jti": without("jti"), "an empty jti": claims("jti", ""), "jti is a number": claims("jti", 7), "a long jti": claims("jti", strings.Repeat("j", maxID+1)),
		"a long nonce": claims("nonce", strings.Repeat("n", maxNonce+1)), "nonce is a number": claims("nonce", 1),
		"typ is JWT": header("typ", "JWT"), "typ in upper case": header("typ", "DPOP+JWT"), "typ is a list": header("typ", []string{"dpop+jwt"}), "no typ": header("typ", nil),
		"none": header("alg", "none"), "nOnE": header("alg", "nOnE"), "no alg": header("alg", ""), "HS256": header("alg", "HS256"), "ES384": header("alg", "ES384"), "RS256": header("alg", "RS256"),
		"alg is a list": header("alg", []string{"ES256"}), "crit": header("crit", []string{"exp"}), "b64": header("b64", false),
		"no key": header("jwk", nil), "key is text": header("jwk", "key"), "somebody else's key": header("jwk", mallory.JWK), "an RSA key": header("jwk", rsa.JWK),
		"a private key": jwk("d", "AAAA"), "a key with p": jwk("p", "AAAA"), "a secret": header("jwk", map[string]any{"kty": "oct", "k": "AAAA"}),
		"x is padded": jwk("x", k.JWK["x"].(string)+"="), "x is short": jwk("x", "AAAA"), "x is 0": jwk("x", dpoptest.Encode(make([]byte, 32))), "x is a number": jwk("x", 1),
		"another curve": jwk("crv", "P-384"), "an unknown curve": jwk("crv", "secp256k1"), "another kind": jwk("kty", "OKP"), "an unknown kind": jwk("kty", "AKP"),
		"a key for encryption": jwk("use", "enc"), "a key for another algorithm": jwk("alg", "ES384"), "X25519": header("jwk", map[string]any{"kty": "OKP", "crv": "X25519", "x": dpoptest.Encode(make([]byte, 32))}),
		"a long one": claims("x", strings.Repeat("x", maxProof)),
	}
	v := verifier(t, Config{})
	for name, change := range attacks {
		if err := v.Verify(k.Proof(t, "GET", asked, token, now, change), request(t, k)); err == nil {
			t.Errorf("%s: it was believed", name)
		}
	}

	// Of another key, whole: it proves something, but not that the token is its.
	if err := v.Verify(mallory.Proof(t, "GET", asked, token, now), request(t, k)); !errors.Is(err, ErrKey) {
		t.Errorf("another key: %v", err)
	}
	// A MAC with the public key as its secret.
	public, err := json.Marshal(k.JWK)
	if err != nil {
		t.Fatal(err)
	}
	good := k.Proof(t, "GET", asked, token, now, header("alg", "HS256"))
	signed := good[:strings.LastIndexByte(good, '.')]
	mac := hmac.New(sha256.New, public)
	mac.Write([]byte(signed))
	if err := v.Verify(signed+"."+dpoptest.Encode(mac.Sum(nil)), request(t, k)); err == nil {
		t.Error("a MAC was believed")
	}
	// What is there twice may be read in two ways.
	key := string(public)
	for name, parts := range map[string][2]string{
		"alg twice":   {`{"typ":"dpop+jwt","alg":"none","alg":"ES256","jwk":` + key + `}`, `{}`},
		"two objects": {`{"typ":"dpop+jwt","alg":"ES256","jwk":` + key + `}{}`, `{}`},
		"no object":   {`[]`, `{}`}, "no claims": {`{"typ":"dpop+jwt","alg":"ES256","jwk":` + key + `}`, `[]`},
		"htm twice": {`{"typ":"dpop+jwt","alg":"ES256","jwk":` + key + `}`, `{"jti":"1","htm":"GET","htm":"GET","htu":"` + asked + `","iat":1,"ath":"x"}`},
	} {
		if err := v.Verify(k.Sign(t, parts[0], parts[1]), request(t, k)); err == nil {
			t.Errorf("%s: it was believed", name)
		}
	}
	for _, text := range []string{"", ".", "..", "...", "a.b.c", strings.Repeat(".", 1<<20), strings.Repeat("e30.", 5)} {
		if err := v.Verify(text, request(t, k)); err == nil {
			t.Errorf("%.20q was believed", text)
		}
	}
	if n := v.memory.Proofs(); n != 0 {
		t.Errorf("%d proofs are remembered that nobody believed", n)
	}
}

// Addresses that are spelt in different ways and mean the same.
func TestAddress(t *testing.T) {
	k := dpoptest.New(t, "ES256")
	v := verifier(t, Config{})
	for _, test := range []struct {
		named, asked string
		same         bool
	}{
		{"https://api.example/orders", "https://api.example/orders", true},
		{"https://API.example./orders", "https://api.example/orders", true},
		{"HTTPS://api.example:443/orders", "https://api.example/orders", true},
		{"https://api.example/orders?id=1#x", "https://api.example/orders?id=2", true},
		{"https://api.example/orders/", "https://api.example/orders", true},
		{"https://api.example/%6frders", "https://api.example/orders", true},
		{"https://api.example/caf%c3%a9", "https://api.example/caf%C3%A9", true},
		{"https://api.example", "https://api.example/", true},
		{"http://api.example:80", "http://api.example/", true},
		{"https://[::1]:8443/x", "https://[0:0::1]:8443/x", true},
		{"https://api.example:80/", "https://api.example/", false},
		{"https://api.example/orders//", "https://api.example/orders", false},
		{"https://api.example/%2e%2e/orders", "https://api.example/orders", false},
	} {
		r := request(t, k)
		r.Address = test.asked
		if err := v.Verify(k.Proof(t, "GET", test.named, token, now), r); (err == nil) != test.same {
			t.Errorf("%s for %s: %v", test.named, test.asked, err)
		}
	}
}

func TestReplay(t *testing.T) {
	k := dpoptest.New(t, "ES256")
	v := verifier(t, Config{})
	at := func(d time.Duration) Request {
		r := request(t, k)
		r.Time = now.Add(d)
		return r
	}
	early := k.Proof(t, "GET", asked, token, now.Add(60*time.Second)) // the client's clock is fast
	if err := v.Verify(early, at(0)); err != nil {
		t.Fatal(err)
	}
	for _, d := range []time.Duration{0, time.Second, 60 * time.Second, 119 * time.Second, 120 * time.Second, 120*time.Second + 1, 121 * time.Second, time.Hour} {
		if err := v.Verify(early, at(d)); err == nil {
			t.Errorf("sent again after %s, it was believed", d)
		}
	}
	if n := v.memory.Proofs(); n != 1 {
		t.Errorf("%d proofs are remembered", n) // nothing was noted since, so nothing was forgotten
	}
	if err := v.Verify(k.Proof(t, "GET", asked, token, now.Add(time.Hour)), at(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if n := v.memory.Proofs(); n != 1 {
		t.Errorf("%d proofs are remembered, and one has ended", n)
	}
	// A request that waited for an hour still has its own time. What is forgotten by now is not believed for its sake.
	if err := v.Verify(early, at(0)); err == nil {
		t.Error("a forgotten proof was believed")
	}
	// The same jti of another key is another proof.
	other := dpoptest.New(t, "ES256")
	same := func(_, claims map[string]any) { claims["jti"] = "same" }
	r := at(time.Hour)
	if err := v.Verify(k.Proof(t, "GET", asked, token, r.Time, same), r); err != nil {
		t.Error(err)
	}
	r.Thumbprint = other.Thumbprint(t)
	if err := v.Verify(other.Proof(t, "GET", asked, token, r.Time, same), r); err != nil {
		t.Error(err)
	}
}

// TestWiderWindow sends proofs again after a load with a wider window, in which those that were forgotten before would be
// good once more.
func TestWiderWindow(t *testing.T) {
	k := dpoptest.New(t, "ES256")
	memory := NewMemory()
	within := func(window time.Duration) *Verifier {
		v, diags := New(Config{Window: duration.Duration(window)}, memory)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		return v
	}
	narrow := within(time.Minute)
	verify := func(v *Verifier, proof string, after time.Duration) error {
		r := request(t, k)
		r.Time = now.Add(after)
		return v.Verify(proof, r)
	}
	made := func(after time.Duration) string { return k.Proof(t, "GET", asked, token, now.Add(after)) }
	first, late := made(0), made(-30*time.Second)
	if err := verify(narrow, first, 0); err != nil {
		t.Fatal(err)
	}
	second := made(62 * time.Second)
	if err := verify(narrow, second, 62*time.Second); err != nil { // the first is forgotten
		t.Fatal(err)
	}
	wide := within(5 * time.Minute)
	for _, step := range []struct {
		what  string
		proof string
		after time.Duration
		good  bool
	}{
		{"one that was forgotten", first, 63 * time.Second, false},
		{"one as old that nobody has sent", late, 63 * time.Second, false}, // which nobody knows
		{"one that is remembered", second, 63 * time.Second, false},
		{"a younger one of a clock that is slow", made(5 * time.Second), 64 * time.Second, true},
		{"a new one", made(64 * time.Second), 64 * time.Second, true},
		{"another, by which others would be forgotten", made(200 * time.Second), 200 * time.Second, true},
		{"the one that is remembered, as late as can be", second, 62*time.Second + 5*time.Minute, false},
	} {
		if err := verify(wide, step.proof, step.after); (err == nil) != step.good {
			t.Errorf("%s: %v", step.what, err)
		}
	}
	third := made(400 * time.Second)
	if err := verify(narrow, third, 400*time.Second); err != nil {
		t.Fatal(err)
	}
	if err := verify(wide, third, 640*time.Second); err == nil {
		t.Error("a proof that came by the narrow window was believed again by the wide one")
	}
}

// Where the first proof of all is judged by a wide window, or nothing has been forgotten, none is too old for it.
func TestFirstWindow(t *testing.T) {
	m := NewMemory()
	if err := m.once("a", "1", now.Add(-4*time.Minute), 5*time.Minute, now); err != nil {
		t.Error(err)
	}
	m = NewMemory()
	if err := m.once("a", "1", now, time.Minute, now); err != nil {
		t.Error(err)
	}
	if err := m.once("a", "2", now.Add(-4*time.Minute), 5*time.Minute, now); err != nil {
		t.Error(err)
	}
}

// Where no more fits in, nothing is forgotten.
func TestFull(t *testing.T) {
	m := NewMemory()
	m.proofs, m.ofKey = 5, 3
	take := func(key, id string, at time.Duration) error {
		return m.once(key, id, now.Add(at), time.Minute, now.Add(at))
	}
	for _, step := range []struct {
		key, id string
		at      time.Duration
		want    error
	}{
		{"a", "1", 0, nil}, {"a", "2", time.Second, nil}, {"a", "3", 2 * time.Second, nil},
		{"a", "4", 3 * time.Second, ErrFull}, {"a", "1", 3 * time.Second, errReplayed},
		{"b", "1", 3 * time.Second, nil}, {"c", "1", 3 * time.Second, nil}, {"d", "1", 3 * time.Second, ErrFull},
		{"a", "1", 60 * time.Second, errReplayed},
		{"a", "4", 61 * time.Second, nil}, // the first of a has ended
		{"d", "1", 61 * time.Second, ErrFull},
		{"d", "1", 62 * time.Second, nil},
		{"d", "1", time.Hour, nil},
	} {
		if err := take(step.key, step.id, step.at); !errors.Is(err, step.want) {
			t.Errorf("%+v: %v", step, err)
		}
	}
	if m.Proofs() != 1 || len(m.of) != 1 || len(m.due) != 1 {
		t.Errorf("%d proofs, %d keys and %d seconds are remembered", m.Proofs(), len(m.of), len(m.due))
	}
}

func TestNonce(t *testing.T) {
	k := dpoptest.New(t, "ES256")
	v := verifier(t, Config{Nonce: true})
	with := func(nonce string, at time.Time) error {
		r := request(t, k)
		r.Time = at
		return v.Verify(k.Proof(t, "GET", asked, token, at, func(_, claims map[string]any) {
			if nonce != "" {
				claims["nonce"] = nonce
			}
		}), r)
	}
	nonce := v.Nonce(now)
	if err := with("", now); !errors.Is(err, ErrNonce) {
		t.Errorf("none: %v", err)
	}
	if err := with("made-up", now); !errors.Is(err, ErrNonce) {
		t.Errorf("made up: %v", err)
	}
	if err := with(nonce, now); err != nil {
		t.Error(err)
	}
	if err := with(nonce, now.Add(nonceSpan)); err != nil {
		t.Error(err)
	}
	if err := with(nonce, now.Add(2*nonceSpan)); !errors.Is(err, ErrNonce) {
		t.Errorf("an old one: %v", err)
	}
	if err := with(verifier(t, Config{}).Nonce(now), now); !errors.Is(err, ErrNonce) {
		t.Errorf("another gateway's: %v", err)
	}
	if v.Nonce(now) == v.Nonce(now.Add(nonceSpan)) {
		t.Error("the nonce does not change")
	}
}

func TestConfig(t *testing.T) {
	for _, test := range []struct {
		config Config
		want   string
	}{
		{Config{Algorithms: []string{"ES256", "HS256"}}, "Unknown algorithm"},
		{Config{Algorithms: []string{"none"}}, "Unknown algorithm"},
		{Config{Window: duration.Duration(time.Second)}, "Invalid window"},
		{Config{Window: duration.Duration(time.Hour)}, "Invalid window"},
		{Config{Window: duration.Duration(-time.Minute)}, "Invalid window"},
	} {
		if _, diags := New(test.config, NewMemory()); len(diags) != 1 || diags[0].Summary != test.want {
			t.Errorf("%+v: %v", test.config, diags)
		}
	}
	k := dpoptest.New(t, "ES384")
	v := verifier(t, Config{Algorithms: []string{"ES256"}, Window: duration.Duration(5 * time.Second)})
	if err := v.Verify(k.Proof(t, "GET", asked, token, now), request(t, k)); err == nil {
		t.Error("an algorithm that is not allowed was believed")
	}
	k = dpoptest.New(t, "ES256")
	if err := v.Verify(k.Proof(t, "GET", asked, token, now.Add(-6*time.Second)), request(t, k)); err == nil {
		t.Error("a proof from before the window was believed")
	}
}

// Whatever is sent as a proof, reading it does not panic, and what is read as a key has the thumbprint of what it was
// spelt as.
func FuzzProof(f *testing.F) {
	k := dpoptest.New(f, "ES256")
	r := request(f, k)
	f.Add(k.Proof(f, "GET", asked, token, now))
	f.Add(dpoptest.New(f, "EdDSA").Proof(f, "GET", asked, token, now))
	f.Add(dpoptest.New(f, "RS256").Proof(f, "GET", asked, token, now))
	f.Add("a.b.c")
	v := verifier(f, Config{})
	f.Fuzz(func(t *testing.T, sent string) {
		p, err := parse(sent)
		if err != nil {
			return
		}
		if p.key == nil || len(p.key.thumbprint) != 43 || p.id == "" || p.issued.IsZero() {
			t.Fatalf("%q was read as %+v", sent, p)
		}
		_, _ = parseAddress(p.address)
		_ = v.Verify(sent, r)
	})
}

func BenchmarkVerify(b *testing.B) {
	k := dpoptest.New(b, "ES256")
	v := verifier(b, Config{})
	proof, r := k.Proof(b, "GET", asked, token, now), request(b, k)
	b.ReportAllocs()
	for b.Loop() {
		clear(v.memory.sent)
		clear(v.memory.of)
		clear(v.memory.due)
		if err := v.Verify(proof, r); err != nil {
			b.Fatal(err)
		}
	}
}
