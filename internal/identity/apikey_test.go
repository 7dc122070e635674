package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

var now = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func newKey(t testing.TB, k Key) (printed string, made Key) {
	t.Helper()
	printed, err := NewKey(&k)
	if err != nil {
		t.Fatal(err)
	}
	return printed, k
}

func keyMethod(t testing.TB, c APIKeyConfig, keys ...Key) *APIKeys {
	t.Helper()
	var file strings.Builder
	for i := range keys {
		file.WriteString(keys[i].Line() + "\n")
	}
	set, diags := ParseKeys("partners.keys", []byte(file.String()))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	m, diags := NewAPIKeys(c, set)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return m
}

func request(fields ...string) *exchange.Exchange {
	x := &exchange.Exchange{Time: now, Header: http.Header{"Accept": {"*/*"}}}
	for i := 0; i < len(fields); i += 2 {
		x.Header.Add(fields[i], fields[i+1])
	}
	return x
}

func TestAPIKeyIdentifiesItsConsumer(t *testing.T) {
	expires := now.Add(time.Hour)
	printed, key := newKey(t, Key{
		Consumer: "acme", Name: "Acme's till, \"north\" \\ #1", Expires: expires, Version: "v1",
		Scopes: []string{"orders:read", "orders:write"}, Groups: []string{"partners"},
	})
	s, diags := New(Config{}, keyMethod(t, APIKeyConfig{}, key))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	x := request("X-API-Key", printed, "X-Consumer-Id", "forged")
	if p := s.Handle(x); p != nil {
		t.Fatal(p)
	}
	c := x.Consumer
	if c.ID != "acme" || c.Name != key.Name || c.Method != "api_key" || c.Version != "v1" || !c.Expires.Equal(expires) ||
		!slices.Equal(c.Scopes, key.Scopes) || !slices.Equal(c.Groups, key.Groups) || c.Claims != nil {
		t.Errorf("%+v", c)
	}
	if got := x.Forward["X-Consumer-Id"]; !slices.Equal(got, []string{"acme"}) {
		t.Errorf("the upstream is told %q", got)
	}
	if len(x.Header) != 1 || x.Header.Get("Accept") == "" {
		t.Errorf("the credential or a forged identity goes on to the upstream: %v", x.Header)
	}
}

func TestAPIKeyRefused(t *testing.T) {
	printed, key := newKey(t, Key{Consumer: "acme"})
	other, otherKey := newKey(t, Key{Consumer: "globex"})
	late, lateKey := newKey(t, Key{Consumer: "acme", Expires: now})
	unknown, _ := newKey(t, Key{Consumer: "acme"})
	mix := keyPrefix + key.ID + "_" + other[len(keyPrefix)+keyIDLen+1:keyLen-keyChecksumLen]
	mix += checksum(mix)
	flipped := []byte(printed)
	flipped[20] ^= 1
	s, diags := New(Config{}, keyMethod(t, APIKeyConfig{}, key, otherKey, lateKey))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	for _, test := range []struct {
		name   string
		fields []string
		status int
		detail string
	}{
		{"a valid one", []string{"X-API-Key", printed}, 0, ""},
		{"none", nil, 401, "the request carries no credentials"},
		{"empty", []string{"X-API-Key", ""}, 401, invalidKey},
		{"unknown id", []string{"X-API-Key", unknown}, 401, invalidKey},
		{"one key's id with another's secret", []string{"X-API-Key", mix}, 401, invalidKey},
		{"mistyped", []string{"X-API-Key", string(flipped)}, 401, invalidKey},
		{"cut short", []string{"X-API-Key", printed[:keyLen-1]}, 401, invalidKey},
		{"a blank behind", []string{"X-API-Key", printed + " "}, 401, invalidKey},
		{"upper case", []string{"X-API-Key", strings.ToUpper(printed)}, 401, invalidKey},
		{"the hash of the file", []string{"X-API-Key", hex.EncodeToString(key.Hash[:])}, 401, invalidKey},
		{"a megabyte", []string{"X-API-Key", strings.Repeat("a", 1<<20)}, 401, invalidKey},
		{"expired", []string{"X-API-Key", late}, 401, "the API key has expired"},
		{"twice", []string{"X-API-Key", printed, "X-API-Key", printed}, 400, "the API key was sent more than once"},
		{"two of them", []string{"X-API-Key", printed, "X-API-Key", other}, 400, "the API key was sent more than once"},
		{"as a bearer token, where that is not configured", []string{"Authorization", "Bearer " + printed}, 401, "the request carries no credentials"},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := request(test.fields...)
			p := s.Handle(x)
			if test.status == 0 {
				if p != nil {
					t.Fatal(p)
				}
				return
			}
			if p == nil || p.StatusCode() != test.status || p.Detail != test.detail {
				t.Fatalf("%v, want %d %q", p, test.status, test.detail)
			}
			if x.Consumer != nil || x.Forward != nil {
				t.Errorf("refused, and yet %+v", x.Consumer)
			}
			if got := p.Header["Www-Authenticate"]; !slices.Equal(got, []string{`ApiKey realm="api", header="X-API-Key"`}) {
				t.Errorf("%q", got)
			}
			for _, secret := range []string{printed, other, late} {
				if strings.Contains(fmt.Sprintf("%v %+v", p, p), secret[16:59]) {
					t.Error("the problem holds a secret")
				}
			}
		})
	}
}

func TestAPIKeyInAFieldOfAnotherName(t *testing.T) {
	printed, key := newKey(t, Key{Consumer: "acme"})
	s, diags := New(Config{Forward: "x-caller"}, keyMethod(t, APIKeyConfig{Header: "x-partner-key"}, key))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	x := request("X-Partner-Key", printed, "X-API-Key", "not ours", "X-Caller", "forged")
	if p := s.Handle(x); p != nil {
		t.Fatal(p)
	}
	if x.Forward.Get("X-Caller") != "acme" || x.Header.Get("X-Caller") != "" || x.Header.Get("X-Partner-Key") != "" || x.Header.Get("X-API-Key") != "not ours" {
		t.Errorf("%v %v", x.Forward, x.Header)
	}
	for _, name := range []string{"Authorization", "cookie", "x y", ":path"} {
		if _, diags := NewAPIKeys(APIKeyConfig{Header: name}, &KeySet{}); !diags.HasErrors() {
			t.Errorf("a key in %q was configured", name)
		}
	}
}

func TestPrintedKey(t *testing.T) {
	printed, key := newKey(t, Key{Consumer: "acme"})
	again, _ := newKey(t, Key{Consumer: "acme"})
	if len(printed) != 65 || !strings.HasPrefix(printed, "wg_"+key.ID+"_") || printed == again {
		t.Fatal(printed, again)
	}
	id, secret, ok := splitKey(printed)
	if !ok || id != key.ID || sha256.Sum256([]byte(secret)) != key.Hash {
		t.Fatalf("%q does not read as it was made", printed)
	}
	if strings.Contains(key.Line(), secret) {
		t.Error("the line holds the secret")
	}
	for i := range len(printed) { // whatever one character is changed to, it is seen
		for _, c := range []byte("0Az_- ") {
			if b := []byte(printed); b[i] != c {
				b[i] = c
				if _, _, ok := splitKey(string(b)); ok {
					t.Errorf("%q is accepted, with character %d changed", b, i)
				}
			}
		}
	}
	if _, err := NewKey(&Key{Consumer: "two\nlines"}); err == nil {
		t.Error("a key was made for a consumer that no file can name")
	}
}

func TestKeyFile(t *testing.T) {
	hash := strings.Repeat("0123456789abcdef", 4)
	line := func(id, rest string) string { return id + " sha256:" + hash + " " + rest }
	file := "# partners\n\n   \t\r\n" +
		line("aaaaaaaaaaaa", "consumer=acme") + "\r\n" +
		"\t" + line("bbbbbbbbbbbb", `name="a # \"b\" \\ c" consumer="two words"  scopes=a:b,c groups=g expires=2027-01-01T00:00:00+01:00 version=2026-11-01`)
	set, diags := ParseKeys("partners.keys", []byte(file))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	a, b := set.Lookup("aaaaaaaaaaaa"), set.Lookup("bbbbbbbbbbbb")
	if set.Len() != 2 || a == nil || a.Consumer != "acme" || a.Name != "acme" || !a.Expires.IsZero() || hex.EncodeToString(a.Hash[:]) != hash {
		t.Errorf("%+v", a)
	}
	if b == nil || b.Name != `a # "b" \ c` || b.Consumer != "two words" || !slices.Equal(b.Scopes, []string{"a:b", "c"}) ||
		!slices.Equal(b.Groups, []string{"g"}) || b.Version != "2026-11-01" || !b.Expires.Equal(time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", b)
	}
	if set, diags := ParseKeys("empty", nil); diags.HasErrors() || set.Len() != 0 {
		t.Error("an empty file is a set without keys")
	}
}

func TestMistakesInAKeyFile(t *testing.T) {
	hash := "sha256:" + strings.Repeat("0123456789abcdef", 4)
	printed, _ := newKey(t, Key{Consumer: "acme"})
	good := "aaaaaaaaaaaa " + hash + " consumer=acme"
	for _, test := range []struct {
		name string
		file string
		want []string // line:column summary
	}{
		{"a short id", "aaa " + hash + " consumer=a", []string{"1:1 Invalid key id"}},
		{"an id with a dash", "\n  aaaaaa-aaaaa " + hash + " consumer=a", []string{"2:3 Invalid key id"}},
		{"a duplicate", good + "\n" + good, []string{"2:1 Duplicate key id"}},
		{"the key itself", printed, []string{"1:1 A key in plain text"}},
		{"no hash", "aaaaaaaaaaaa consumer=a", []string{"1:14 Invalid hash", "1:1 Missing consumer"}},
		{"a hash of another length", "aaaaaaaaaaaa sha256:00 consumer=a", []string{"1:14 Invalid hash"}},
		{"a hash in upper case", "aaaaaaaaaaaa " + strings.ToUpper(hash) + " consumer=a", []string{"1:14 Invalid hash"}},
		{"only an id", "aaaaaaaaaaaa", []string{"1:13 Invalid hash", "1:1 Missing consumer"}},
		{"no consumer", "aaaaaaaaaaaa " + hash + " version=v1", []string{"1:1 Missing consumer"}},
		{"an empty consumer", "aaaaaaaaaaaa " + hash + " consumer=", []string{"1:86 Invalid field", "1:1 Missing consumer"}},
		{"a consumer with a control character", "aaaaaaaaaaaa " + hash + " consumer=\"a\x01\"", []string{"1:86 Invalid consumer"}},
		{"a consumer of other letters", "aaaaaaaaaaaa " + hash + " consumer=ä", []string{"1:86 Invalid consumer"}},
		{"a misspelt field", good + " expire=2027-01-01T00:00:00Z", []string{"1:100 Unknown field"}},
		{"a field twice", good + " consumer=acme", []string{"1:100 Duplicate field"}},
		{"a date without time", good + " expires=2027-01-01", []string{"1:100 Invalid expires"}},
		{"an open quote", good + ` name="Acme`, []string{"1:100 Invalid field"}},
		{"an unknown escape", good + ` name="Ac\me"`, []string{"1:100 Invalid field"}},
		{"something behind a quote", good + ` name="Acme"x`, []string{"1:100 Invalid field"}},
		{"a comment behind", good + " # note", []string{"1:100 Invalid field", "1:102 Invalid field"}},
		{"an empty scope", good + " scopes=a,,b", []string{"1:100 Invalid scopes"}},
		{"a scope twice", good + " scopes=a,a", []string{"1:100 Invalid scopes"}},
		{"not UTF-8", "aaaaaaaaaaaa " + hash + " name=\xff", []string{"1:1 Not UTF-8"}},
		{"a line of 5,000 bytes", "# ok\n" + good + strings.Repeat(" ", 5000), []string{"2:1 Line too long"}},
		{"columns are characters", good + " name=\"ü\" x", []string{"1:109 Invalid field"}},
		{"every mistake at once", "x\n" + good + "\ny z\n", []string{"1:1 Invalid key id", "1:2 Invalid hash", "1:1 Missing consumer", "3:1 Invalid key id", "3:3 Invalid hash", "3:1 Missing consumer"}},
		{"too large", strings.Repeat("#", MaxKeyFile+1), []string{"1:1 Key file too large"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			set, diags := ParseKeys("partners.keys", []byte(test.file))
			if set != nil {
				t.Error("a set was made of a mistake")
			}
			var got []string
			for _, d := range diags {
				if d.Subject == nil || d.Subject.Filename != "partners.keys" || d.Detail == "" {
					t.Fatalf("%+v", d)
				}
				got = append(got, fmt.Sprintf("%d:%d %s", d.Subject.Start.Line, d.Subject.Start.Column, d.Summary))
				if strings.Contains(d.Error(), printed[16:59]) {
					t.Error("the diagnostic shows the secret")
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
	if _, diags := ParseKeys("f", []byte(strings.Repeat("x\n", 1000))); len(diags) > maxMistakes+3 {
		t.Errorf("%d mistakes are told", len(diags))
	}
}

func TestAHundredThousandKeys(t *testing.T) {
	var file strings.Builder
	for i := range maxKeys {
		fmt.Fprintf(&file, "%012d %s%064x consumer=consumer-%d scopes=orders:read,orders:write\n", i, hashPrefix, i, i)
	}
	set, diags := ParseKeys("f", []byte(file.String()))
	if diags.HasErrors() || set.Len() != maxKeys {
		t.Fatal(diags)
	}
	file.WriteString("zzzzzzzzzzzz " + hashPrefix + strings.Repeat("0", 64) + " consumer=a\n")
	if _, diags := ParseKeys("f", []byte(file.String())); len(diags) != 1 || diags[0].Summary != "Too many keys" {
		t.Error(diags)
	}
}

// Whatever a file says, reading it does not panic; and what it was read as is written and read as the same again.
func FuzzParseKeys(f *testing.F) {
	f.Add("# c\n\naaaaaaaaaaaa sha256:" + strings.Repeat("0", 64) + " consumer=a name=\"b \\\" c\" scopes=a,b expires=2027-01-01T00:00:00Z\r\n")
	f.Add("aaaaaaaaaaaa consumer=\xff")
	f.Fuzz(func(t *testing.T, file string) {
		set, diags := ParseKeys("f", []byte(file))
		if (set == nil) != diags.HasErrors() {
			t.Fatal("a set with mistakes, or none without")
		}
		if set == nil {
			return
		}
		for _, k := range set.keys {
			again, diags := ParseKeys("f", []byte(k.Line()))
			if diags.HasErrors() {
				t.Fatalf("%s: %v", k.Line(), diags)
			}
			if got := again.Lookup(k.ID); got == nil || got.Line() != k.Line() {
				t.Fatalf("%s was read as %+v", k.Line(), got)
			}
		}
	})
}

func FuzzSplitKey(f *testing.F) {
	printed, _ := newKey(f, Key{Consumer: "acme"})
	f.Add(printed)
	f.Add("wg__")
	f.Fuzz(func(t *testing.T, s string) {
		id, secret, ok := splitKey(s)
		if !ok {
			return
		}
		if body := keyPrefix + id + "_" + secret; body+checksum(body) != s {
			t.Fatalf("%q was read as %q and %q", s, id, secret)
		}
	})
}

func TestStage(t *testing.T) {
	printed, key := newKey(t, Key{Consumer: "acme"})
	keys := keyMethod(t, APIKeyConfig{}, key)
	tokens := newIssuer(t).tokens(t, JWTConfig{}, nil)
	for _, test := range []struct {
		name      string
		config    Config
		fields    []string
		status    int
		consumer  string
		challenge []string
	}{
		{name: "nobody", status: 401, challenge: []string{`ApiKey realm="api", header="X-API-Key"`, `Bearer realm="api"`}},
		{name: "nobody, in a realm", config: Config{Realm: "orders of acme"}, status: 401,
			challenge: []string{`ApiKey realm="orders of acme", header="X-API-Key"`, `Bearer realm="orders of acme"`}},
		{name: "nobody, and anonymous is written", config: Config{Anonymous: true}},
		{name: "a wrong key, and anonymous is written", config: Config{Anonymous: true}, fields: []string{"X-API-Key", "x"}, status: 401},
		{name: "a wrong token, and anonymous is written", config: Config{Anonymous: true}, fields: []string{"Authorization", "Bearer x"}, status: 401},
		{name: "another scheme, and anonymous is written", config: Config{Anonymous: true}, fields: []string{"Authorization", "Basic YTpi"}, status: 401},
		{name: "a key and a token", fields: []string{"X-API-Key", printed, "Authorization", "Bearer x"}, status: 400},
		{name: "a key and another scheme", fields: []string{"X-API-Key", printed, "Authorization", "Basic YTpi"}, status: 400},
		{name: "a key", fields: []string{"X-API-Key", printed}, consumer: "acme"},
		{name: "a wrong token", fields: []string{"Authorization", "Bearer x"}, status: 401,
			challenge: []string{`ApiKey realm="api", header="X-API-Key"`, `Bearer realm="api", error="invalid_token", error_description="the token is not valid"`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, diags := New(test.config, keys, tokens)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			x := request(append(test.fields, "X-Consumer-Id", "forged")...)
			p := s.Handle(x)
			if p == nil {
				if test.status != 0 {
					t.Fatalf("admitted as %+v", x.Consumer)
				}
				if (x.Consumer == nil) != (test.consumer == "") || x.Consumer != nil && x.Consumer.ID != test.consumer {
					t.Errorf("%+v", x.Consumer)
				}
				if len(x.Header) != 1 {
					t.Errorf("to the upstream: %v", x.Header)
				}
				return
			}
			if p.StatusCode() != test.status || p.Type != problem.Unauthorized && p.Type != problem.BadRequest {
				t.Fatalf("%v, want %d", p, test.status)
			}
			if got := p.Header["Www-Authenticate"]; test.challenge != nil && !slices.Equal(got, test.challenge) {
				t.Errorf("%q, want %q", got, test.challenge)
			}
		})
	}
}

func TestStageMistakes(t *testing.T) {
	_, key := newKey(t, Key{Consumer: "acme"})
	keys := keyMethod(t, APIKeyConfig{}, key)
	for _, test := range []struct {
		name    string
		config  Config
		methods []Method
		want    string
	}{
		{"no methods", Config{}, nil, "Wrong number of ways to identify"},
		{"one field twice", Config{}, []Method{keys, keys}, "Two credentials in one field"},
		{"the credential's field for the consumer", Config{Forward: "x-api-key"}, []Method{keys}, "Credential and consumer in one field"},
		{"a quote in the realm", Config{Realm: `a"b`}, []Method{keys}, "Invalid realm"},
		{"no header field", Config{Forward: "a b"}, []Method{keys}, "Invalid header field"},
	} {
		s, diags := New(test.config, test.methods...)
		if s != nil || len(diags) == 0 || diags[0].Summary != test.want {
			t.Errorf("%s: %v, want %s", test.name, diags, test.want)
		}
	}
}

func BenchmarkAPIKey(b *testing.B) {
	printed, key := newKey(b, Key{Consumer: "acme"})
	s, diags := New(Config{}, keyMethod(b, APIKeyConfig{}, key))
	if diags.HasErrors() {
		b.Fatal(diags)
	}
	x := request()
	value := []string{printed}
	b.ReportAllocs()
	for b.Loop() {
		x.Header["X-Api-Key"] = value
		if p := s.Handle(x); p != nil {
			b.Fatal(p)
		}
	}
}
