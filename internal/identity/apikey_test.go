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

func keyMethod(t testing.TB, c APIKeyConfig, keys ...Key) Method {
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
	x := request("X-API-Key", printed)
	if p := s.Handle(x); p != nil {
		t.Fatal(p)
	}
	c := x.Consumer
	if c.ID != "acme" || c.Name != key.Name || c.Method != "api_key" || c.Version != "v1" || !c.Expires.Equal(expires) ||
		!slices.Equal(c.Scopes, key.Scopes) || !slices.Equal(c.Groups, key.Groups) || c.Claims != nil {
		t.Errorf("%+v", c)
	}
	if len(x.Header) != 1 || x.Header.Get("Accept") == "" {
		t.Errorf("the credential goes on to the upstream: %v", x.Header)
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
	s, diags := New(Config{}, keyMethod(t, APIKeyConfig{Header: "x-partner-key"}, key))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	x := request("X-Partner-Key", printed, "X-API-Key", "not ours")
	if p := s.Handle(x); p != nil {
		t.Fatal(p)
	}
	if x.Consumer.ID != "acme" || x.Header.Get("X-Partner-Key") != "" || x.Header.Get("X-API-Key") != "not ours" {
		t.Errorf("%+v %v", x.Consumer, x.Header)
	}
	for _, name := range []string{"Authorization", "cookie", "x y", ":path", "Host", "content-length", "X_Key", "X-Forwarded-For"} {
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
