package introspection

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"
	"go.uber.org/goleak"

	"github.com/wicketgate/wicketgate/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var now = time.Now().Truncate(time.Second)

// server answers what a test says, over HTTPS.
type server struct {
	*httptest.Server
	asked  atomic.Int64
	answer atomic.Pointer[http.HandlerFunc]
}

func newServer(t testing.TB, answer http.HandlerFunc) *server {
	s := &server{}
	s.answer.Store(&answer)
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		(*s.answer.Load())(w, r)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func says(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json;charset=UTF-8")
		io.WriteString(w, body) //nolint:errcheck // the client may be gone
	}
}

func (s *server) config() Config {
	return Config{
		URL: s.URL + "/introspect", Client: "gateway", Secret: secret.New("s3cret"), Timeout: 10 * time.Second,
		CA: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}),
	}
}

func newClient(t testing.TB, c Config) *Client {
	t.Helper()
	i, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := i.Close(); err != nil {
			t.Error(err)
		}
	})
	return i
}

func TestAnswers(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		active bool
		err    string // "" for an answer
	}{
		{"active", says(`{"active":true,"sub":"ada","exp":` + fmt.Sprint(now.Unix()+60) + `}`), true, ""},
		{"active, and no more", says(`{"active":true}`), true, ""},
		{"inactive", says(`{"active":false}`), false, ""},
		{"inactive, and tells", says(`{"active":false,"sub":"ada"}`), false, ""},
		{"active is text", says(`{"active":"true"}`), false, "does not say whether"},
		{"active is 1", says(`{"active":1}`), false, "does not say whether"},
		{"active is null", says(`{"active":null}`), false, "does not say whether"},
		{"Active", says(`{"Active":true}`), false, "does not say whether"},
		{"nothing", says(`{}`), false, "does not say whether"},
		{"a list", says(`[true]`), false, "not an object"},
		{"true", says(`true`), false, "not an object"},
		{"no body", says(``), false, "not strict JSON"},
		{"active twice", says(`{"active":false,"active":true}`), false, "not strict JSON"},
		{"more behind it", says(`{"active":true}{}`), false, "not strict JSON"},
		{"deep", says(`{"active":true,"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`), false, "not strict JSON"},
		{"exp is text", says(`{"active":true,"exp":"tomorrow"}`), false, "exp that is not a date"},
		{"exp is huge", says(`{"active":true,"exp":1e30}`), false, "exp that is not a date"},
		{"64 KiB", says(`{"active":true,"x":"` + strings.Repeat("x", maxAnswer-23) + `"}`), true, ""},
		{"a byte more", says(`{"active":true,"x":"` + strings.Repeat("x", maxAnswer-21) + `"}`), false, "more than 65536 bytes"},
		{"10 MB", says(`{"active":true,"x":"` + strings.Repeat("x", 10<<20) + `"}`), false, "more than 65536 bytes"},
		{"HTML", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, `{"active":true}`)
		}, false, "does not answer JSON"},
		{"a signed answer", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/token-introspection+jwt")
			io.WriteString(w, `{"active":true}`)
		}, false, "does not answer JSON"},
		{"401", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"active":true}`, http.StatusUnauthorized)
		}, false, "answers 401"},
		{"500", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"active":true}`, http.StatusInternalServerError)
		}, false, "answers 500"},
		{"201", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(201); io.WriteString(w, `{"active":true}`) }, false, "answers 201"},
		{"elsewhere", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/other", http.StatusTemporaryRedirect)
		}, false, "answers 307"},
		{"compressed", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Encoding", "gzip")
			io.WriteString(w, "\x1f\x8b\x08\x00")
		}, false, "not strict JSON"},
		{"broken off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, `{"active":true`)
			panic(http.ErrAbortHandler)
		}, false, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t, test.answer)
			i := newClient(t, s.config())
			a, err := i.Introspect(t.Context(), "opaque", somewhere, now)
			if test.name == "broken off" {
				if err == nil {
					t.Errorf("%+v", a)
				}
				return
			}
			if test.err == "" && (err != nil || a.Active != test.active) || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
				t.Errorf("%+v, %v; want %s", a, err, test.err)
			}
			if status := i.Status(); status.Failing != (err != nil) || status.Asked != 1 {
				t.Errorf("%+v", status)
			}
		})
	}
}

// The server is slow, does not answer at all, or is not there, or is somebody else: nobody knows, within the time.
func TestAway(t *testing.T) {
	ended := make(chan struct{})
	drip := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"active":true,"x":"`)
		http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
		case <-ended:
		}
	}
	s := newServer(t, drip)
	defer close(ended)
	c := s.config()
	c.Timeout = 100 * time.Millisecond
	i := newClient(t, c)
	began := time.Now()
	if a, err := i.Introspect(t.Context(), "opaque", somewhere, now); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a slow drip: %+v, %v", a, err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := i.Introspect(ctx, "opaque", somewhere, now); !errors.Is(err, context.Canceled) {
		t.Errorf("the caller is gone: %v", err)
	}

	strangers := newServer(t, says(`{"active":true}`))
	c = strangers.config()
	c.CA = nil
	if a, err := newClient(t, c).Introspect(t.Context(), "opaque", somewhere, now); err == nil {
		t.Errorf("a server with a certificate of nobody's: %+v", a)
	}
	gone := newServer(t, says(`{"active":true}`))
	c = gone.config()
	gone.Close()
	if a, err := newClient(t, c).Introspect(t.Context(), "opaque", somewhere, now); err == nil || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "opaque") {
		t.Errorf("a server that is not there: %+v, %v", a, err)
	}
}

// How long an answer holds.
func TestRemembered(t *testing.T) {
	for _, test := range []struct {
		name   string
		cache  time.Duration
		answer string
		holds  time.Duration
	}{
		{"a minute", 0, `{"active":true}`, time.Minute},
		{"as written", 10 * time.Second, `{"active":true}`, 10 * time.Second},
		{"not at all", -1, `{"active":true}`, 0},
		{"until the token ends", 0, fmt.Sprintf(`{"active":true,"exp":%d}`, now.Unix()+7), 7 * time.Second},
		{"not longer than is written", 0, fmt.Sprintf(`{"active":true,"exp":%d}`, now.Unix()+600), time.Minute},
		{"not after its end", 0, fmt.Sprintf(`{"active":true,"exp":%d}`, now.Unix()), 0},
		{"inactive", 0, `{"active":false}`, 5 * time.Second},
		{"inactive, as written", time.Second, `{"active":false}`, time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t, says(test.answer))
			c := s.config()
			c.Cache = test.cache
			i := newClient(t, c)
			asks := func(after time.Duration) bool {
				before := s.asked.Load()
				if _, err := i.Introspect(t.Context(), "opaque", somewhere, now.Add(after)); err != nil {
					t.Fatal(err)
				}
				return s.asked.Load() != before
			}
			if !asks(0) {
				t.Error("it did not ask")
			}
			if test.holds == 0 {
				if !asks(0) {
					t.Error("it remembers")
				}
				return
			}
			if asks(0) || asks(test.holds-time.Nanosecond) {
				t.Error("it asks again too early")
			}
			if !asks(test.holds) {
				t.Error("it remembers for too long")
			}
		})
	}
}

func TestFailuresAreNotRemembered(t *testing.T) {
	s := newServer(t, says(`broken`))
	i := newClient(t, s.config())
	if _, err := i.Introspect(t.Context(), "opaque", somewhere, now); err == nil {
		t.Fatal("it was understood")
	}
	mended := says(`{"active":true}`)
	s.answer.Store(&mended)
	if a, err := i.Introspect(t.Context(), "opaque", somewhere, now); err != nil || !a.Active {
		t.Fatal(a, err)
	}
	if status := i.Status(); status.Failing || status.Failed != 1 || status.Asked != 2 {
		t.Errorf("%+v", status)
	}
}

// Many who send one token at a time have it asked for once.
func TestOneQuestion(t *testing.T) {
	waiting := make(chan struct{})
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		<-waiting
		says(`{"active":true}`)(w, r)
	})
	i := newClient(t, s.config())
	var all sync.WaitGroup
	first, leave := context.WithCancel(t.Context())
	for n := range 50 {
		ctx := t.Context()
		if n == 0 {
			ctx = first
		}
		all.Go(func() {
			if a, err := i.Introspect(ctx, "opaque", somewhere, now); n != 0 && (err != nil || !a.Active) {
				t.Error(a, err)
			}
		})
	}
	leave() // whoever asked first may go away
	close(waiting)
	all.Wait()
	if n := s.asked.Load(); n != 1 {
		t.Errorf("it asked %d times", n)
	}
}

func TestBounds(t *testing.T) {
	i := newClient(t, Config{URL: "https://id.example/introspect", Client: "gateway", Secret: secret.New("x")})
	i.mu.Lock()
	good := i.hash("good")
	i.remember(good, &Answer{Active: true, size: 1}, now)
	for n := range maxRemembered + 10 {
		i.remember(i.hash(fmt.Sprint(n)), &Answer{}, now)
	}
	if i.recall(good, now) == nil || i.inactive.used.Len() != maxRemembered || len(i.inactive.byKey) != maxRemembered {
		t.Error("tokens of strangers put out a good one, or are remembered without bound")
	}
	if i.recall(i.hash("9"), now) != nil || i.recall(i.hash("10"), now) == nil {
		t.Error("the longest unused is not the first to be forgotten")
	}
	for n := range 2*maxBytes/maxAnswer + 1 {
		i.remember(i.hash(fmt.Sprint("large", n)), &Answer{Active: true, size: maxAnswer}, now)
	}
	if i.active.bytes > maxBytes || i.active.used.Len() != maxBytes/maxAnswer {
		t.Errorf("%d bytes are remembered of %d answers", i.active.bytes, i.active.used.Len())
	}
	for n := range maxAsking {
		i.asking[i.hash(fmt.Sprint("asking", n))] = &question{}
	}
	i.mu.Unlock()
	if _, err := i.Introspect(t.Context(), "one more", somewhere, now); !errors.Is(err, errBusy) {
		t.Errorf("one more: %v", err)
	}
}

// somewhere is where callers are.
var somewhere = netip.MustParseAddr("192.0.2.7")

// TestFlood has one address send tokens that nobody knows, to a server that is slow: others are still asked for.
func TestFlood(t *testing.T) {
	held := make(chan struct{})
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("token") != "good" {
			<-held
		}
		says(`{"active":true}`)(w, r)
	})
	c := s.config()
	c.Timeout = maxTimeout
	i := newClient(t, c)
	var wg sync.WaitGroup
	var busy atomic.Int64
	for n := range 2 * maxFrom {
		wg.Go(func() {
			if _, err := i.Introspect(t.Context(), fmt.Sprint("unknown", n), somewhere, now); errors.Is(err, errBusy) {
				busy.Add(1)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	for end := time.Now().Add(20 * time.Second); busy.Load() < maxFrom && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if n := busy.Load(); n != maxFrom {
		t.Errorf("%d questions of one address were refused, want %d", n, maxFrom)
	}
	i.mu.Lock()
	under, from := len(i.asking), i.from[somewhere]
	i.mu.Unlock()
	if under != maxFrom || from != maxFrom {
		t.Errorf("%d questions are under way, %d of the address", under, from)
	}
	if a, err := i.Introspect(t.Context(), "good", netip.MustParseAddr("2001:db8::"), now); err != nil || !a.Active {
		t.Errorf("another address: %v", err)
	}
	close(held)
	wg.Wait()
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.from) != 0 || len(i.asking) != 0 {
		t.Errorf("%d addresses and %d questions are left", len(i.from), len(i.asking))
	}
}

// How the client proves who it is.
func TestProof(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	ecPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	key, err := jwk.Import(rsaKey)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(key.Set("kid", "k1"), key.Set("alg", "PS256")); err != nil {
		t.Fatal(err)
	}
	rsaJWK, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	signed := func(alg jwa.SignatureAlgorithm, public any, kid, audience string) func(*testing.T, *http.Request) {
		return func(t *testing.T, r *http.Request) {
			assertion := r.Form.Get("client_assertion")
			token, err := jwt.Parse([]byte(assertion), jwt.WithKey(alg, public), jwt.WithIssuer("gate:way"), jwt.WithSubject("gate:way"), jwt.WithAudience(audience))
			if err != nil || r.Form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" || r.Form.Get("client_id") != "gate:way" {
				t.Errorf("%v: %v", r.Form, err)
				return
			}
			message, err := jws.Parse([]byte(assertion))
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := message.Signatures()[0].ProtectedHeaders().KeyID(); got != kid {
				t.Errorf("the key is called %q, want %q", got, kid)
			}
			if exp, ok := token.Expiration(); !ok || time.Until(exp) > assertionLife {
				t.Errorf("it ends %v", exp)
			}
		}
	}
	for _, test := range []struct {
		name   string
		change func(*Config)
		saw    func(*testing.T, *http.Request)
	}{
		{"a secret", func(*Config) {}, func(t *testing.T, r *http.Request) {
			if user, password, ok := r.BasicAuth(); !ok || user != "gate%3Away" || password != "s3c%3Aret%2F%25+%26" || r.Form.Has("client_secret") {
				t.Errorf("%q %q %v", user, password, r.Form)
			}
		}},
		{"a secret in the form", func(c *Config) { c.Post = true }, func(t *testing.T, r *http.Request) {
			if r.Form.Get("client_id") != "gate:way" || r.Form.Get("client_secret") != "s3c:ret/% &" || r.Header.Get("Authorization") != "" {
				t.Errorf("%v", r.Form)
			}
		}},
		{"a key", func(c *Config) { c.Secret, c.Key = secret.Text{}, ecPEM }, nil},
		{"a key, for an issuer", func(c *Config) { c.Secret, c.Key, c.Audience = secret.Text{}, ecPEM, "https://id.example" }, signed(jwa.ES256(), ec.Public(), "", "https://id.example")},
		{"a JWK", func(c *Config) { c.Secret, c.Key, c.Audience = secret.Text{}, rsaJWK, "https://id.example" }, signed(jwa.PS256(), rsaKey.Public(), "k1", "https://id.example")},
	} {
		t.Run(test.name, func(t *testing.T) {
			var c Config
			s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
				if err := r.ParseForm(); err != nil || r.Method != http.MethodPost || r.Form.Get("token") != "o.p+a=que" || r.Form.Get("token_type_hint") != "access_token" || r.URL.RawQuery != "" {
					t.Errorf("%s %s %v, %v", r.Method, r.URL, r.Form, err)
				}
				saw := test.saw
				if saw == nil {
					saw = signed(jwa.ES256(), ec.Public(), "", c.URL)
				}
				saw(t, r)
				says(`{"active":true}`)(w, r)
			})
			c = s.config()
			c.Client, c.Secret = "gate:way", secret.New("s3c:ret/% &")
			test.change(&c)
			if a, err := newClient(t, c).Introspect(t.Context(), "o.p+a=que", somewhere, now); err != nil || !a.Active {
				t.Error(a, err)
			}
		})
	}
}

func TestMistakes(t *testing.T) {
	good := Config{URL: "https://id.example/introspect", Client: "gateway", Secret: secret.New("s3cret")}
	public, err := json.Marshal(map[string]any{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"http":            {func(c *Config) { c.URL = "http://id.example/introspect" }, "https"},
		"a user":          {func(c *Config) { c.URL = "https://a:b@id.example/introspect" }, "without a user"},
		"no address":      {func(c *Config) { c.URL = "" }, "https"},
		"no client":       {func(c *Config) { c.Client = "" }, "has no id"},
		"no proof":        {func(c *Config) { c.Secret = secret.Text{} }, "in one way"},
		"two proofs":      {func(c *Config) { c.Key = []byte("x") }, "in one way"},
		"no key":          {func(c *Config) { c.Secret, c.Key = secret.Text{}, []byte("s3cret key") }, "neither a private key"},
		"a public key":    {func(c *Config) { c.Secret, c.Key = secret.Text{}, public }, "not a private one"},
		"a shared key":    {func(c *Config) { c.Secret, c.Key = secret.Text{}, []byte(`{"kty":"oct","k":"c2VjcmV0","alg":"HS256"}`) }, "not a private one"},
		"no certificate":  {func(c *Config) { c.Secret, c.Certificate = secret.Text{}, []byte("x") }, "do not belong together"},
		"no authorities":  {func(c *Config) { c.CA = []byte("x") }, "no certificate"},
		"a short timeout": {func(c *Config) { c.Timeout = time.Millisecond }, "may take"},
		"a long memory":   {func(c *Config) { c.Cache = 2 * time.Hour }, "1h"},
	} {
		c := good
		test.change(&c)
		_, err := New(c)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
		if name != "no client" && c.ID() == good.ID() {
			t.Errorf("%s: two clients have one name", name)
		}
	}
	if strings.Contains(fmt.Sprintf("%v %+v", good, good), "s3cret") {
		t.Error("a configuration shows its secret")
	}
}

// Whatever the server answers, reading it does not panic, and only the boolean true is one.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{`{"active":true}`, `{"active":false}`, `{"active":true,"exp":1.5}`, `{"active":"true"}`, `{`, ``} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, err := read(raw)
		if err != nil || !a.Active {
			return
		}
		var all map[string]any
		if err := json.Unmarshal(raw, &all); err != nil || all["active"] != true {
			t.Fatalf("%q was read as active: %v", raw, err)
		}
	})
}

func BenchmarkRemembered(b *testing.B) {
	i := newClient(b, Config{URL: "https://id.example/introspect", Client: "gateway", Secret: secret.New("x")})
	i.remember(i.hash("opaque"), &Answer{Active: true}, now)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := i.Introspect(b.Context(), "opaque", somewhere, now); err != nil {
			b.Fatal(err)
		}
	}
}
