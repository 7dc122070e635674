package issuer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wicketgate/wicketgate/internal/identity"
)

const (
	iss  = "https://id.acme.example/realms/shop"
	jwks = "https://keys.acme.example/jwks"
)

// key is an Ed25519 key of RFC 8037, appendix A.2, under an id.
func key(kid string) string {
	return `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"` + kid + `"}]}`
}

// network is an issuer as its servers answer, without a network, whose time would not be that of the test.
type network struct {
	mu     sync.Mutex
	asked  map[string]int
	answer func(*http.Request) *http.Response
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	if n.asked == nil {
		n.asked = make(map[string]int)
	}
	n.asked[r.URL.String()]++
	answer := n.answer
	n.mu.Unlock()
	res := answer(r)
	if res == nil {
		return nil, errors.New("connection refused")
	}
	res.Request = r
	return res, nil
}

func (n *network) set(answer func(*http.Request) *http.Response) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.answer = answer
}

func (n *network) times(url string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked[url]
}

func answer(status int, body string, fields ...string) *http.Response {
	h := http.Header{}
	for i := 0; i < len(fields); i += 2 {
		h.Set(fields[i], fields[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

func always(status int, body string, fields ...string) func(*http.Request) *http.Response {
	return func(*http.Request) *http.Response { return answer(status, body, fields...) }
}

func away(*http.Request) *http.Response { return nil }

// memory is a Store.
type memory struct {
	mu   sync.Mutex
	text []byte
	err  error
}

func (m *memory) Load(context.Context) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.text, m.err
}

func (m *memory) Save(_ context.Context, text []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err == nil {
		m.text = text
	}
	return m.err
}

// begin makes a source on a network and starts it; the test's end closes it.
func begin(t *testing.T, n *network, store Store) (*Source, *[]Event) {
	t.Helper()
	s, err := New(Config{Issuer: iss, JWKS: jwks})
	if err != nil {
		t.Fatal(err)
	}
	s.transport = n
	events := &[]Event{}
	s.Start(store, func(e Event) { *events = append(*events, e) })
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	synctest.Wait()
	return s, events
}

// inUse gives the keys in force. Sets are told apart by being others.
func inUse(t *testing.T, s *Source) *identity.JWKS {
	t.Helper()
	set, err := s.Keys(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestRefresh follows the keys of an issuer through its days: fetched at the start, again when they are due, changed, and
// kept through every kind of broken answer until they are too old.
func TestRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{answer: always(200, key("a"))}
		store := &memory{}
		s, events := begin(t, n, store)
		first := inUse(t, s)
		if n.times(jwks) != 1 {
			t.Fatalf("asked %d times", n.times(jwks))
		}
		time.Sleep(defaultTTL)
		synctest.Wait()
		if n.times(jwks) != 2 || inUse(t, s) != first {
			t.Errorf("after %s: asked %d times, or equal keys are other ones", defaultTTL, n.times(jwks))
		}
		n.set(always(200, key("b"), "Cache-Control", "public, max-age=1"))
		time.Sleep(defaultTTL)
		synctest.Wait()
		second := inUse(t, s)
		if second == first {
			t.Fatal("new keys are not in force")
		}
		time.Sleep(leastTTL) // max-age is bounded
		synctest.Wait()
		if n.times(jwks) != 4 {
			t.Errorf("asked %d times", n.times(jwks))
		}
		for _, bad := range []struct {
			name string
			with func(*http.Request) *http.Response
		}{
			{"away", away},
			{"500", always(500, key("c"))},
			{"a redirect to http", always(302, "", "Location", "http://keys.acme.example/jwks")},
			{"a redirect to another", always(302, "", "Location", "https://evil.example/jwks")},
			{"empty", always(200, "")},
			{"no keys", always(200, `{"keys":[]}`)},
			{"no key set", always(200, `{"error":"x"}`)},
			{"half a set", always(200, key("c")[:40])},
			{"a private key", always(200, strings.Replace(key("c"), `"kid"`, `"d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","kid"`, 1))},
			{"a web page", always(200, "<!doctype html>", "Content-Type", "text/html")},
			{"10 MB", func(*http.Request) *http.Response {
				res := answer(200, "")
				res.Body = io.NopCloser(io.MultiReader(strings.NewReader(key("c")), strings.NewReader(strings.Repeat(" ", 10<<20))))
				return res
			}},
			{"101 keys", always(200, strings.Replace(key("c"), "[{", "["+strings.Repeat(`{"kty":"x"},`, 100)+"{", 1))},
			{"a slow drip", func(r *http.Request) *http.Response {
				res := answer(200, "")
				res.Body = io.NopCloser(drip{r.Context()})
				return res
			}},
		} {
			before := n.times(jwks)
			n.set(bad.with)
			for range 10 { // the retries of all, and the end of what drips
				time.Sleep(mostRetry)
			}
			synctest.Wait()
			if inUse(t, s) != second {
				t.Errorf("%s: the last good keys are replaced", bad.name)
			}
			if asked := n.times(jwks) - before; asked == 0 || asked > 20 {
				t.Errorf("%s: asked %d times in 10 minutes", bad.name, asked)
			}
			if s.Status().Error == nil {
				t.Errorf("%s: the status says nothing", bad.name)
			}
		}
		n.set(away)
		time.Sleep(DefaultMaxStale)
		if _, err := s.Keys(time.Now()); !errors.Is(err, identity.ErrStaleKeys) || !s.Status().Stale {
			t.Errorf("keys are good for ever: %v", err)
		}
		n.set(always(200, key("c")))
		time.Sleep(mostRetry)
		synctest.Wait()
		if inUse(t, s) == second || s.Status().Error != nil || s.Status().Stale {
			t.Error("the issuer came back in vain")
		}
		failed := 0
		for _, e := range *events {
			if e.Kind == Failed && !e.Again {
				failed++
			}
		}
		if failed < 10 || failed > 20 {
			t.Errorf("%d failures are told as new ones", failed)
		}
	})
}

// drip gives a blank each second.
type drip struct{ ctx context.Context }

func (d drip) Read(p []byte) (int, error) {
	select {
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	case <-time.After(time.Second):
		p[0] = ' '
		return 1, nil
	}
}

// TestUnknownKeys shows that tokens with invented keys cause one fetch in 30 s, however many come, that all who wait are
// served by one, and that a key that is new is found at once.
func TestUnknownKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{answer: always(200, key("a"))}
		s, _ := begin(t, n, nil)
		first := inUse(t, s)
		n.set(func(*http.Request) *http.Response {
			time.Sleep(time.Second)
			return answer(200, key("b"))
		})
		var all sync.WaitGroup
		for range 10_000 {
			all.Go(func() {
				set, err := s.Seek(t.Context(), time.Now(), first)
				if err != nil || set == first {
					t.Error("who waits does not get the new keys")
				}
			})
		}
		all.Wait()
		if n.times(jwks) != 2 {
			t.Fatalf("asked %d times", n.times(jwks))
		}
		second := inUse(t, s)
		for range 10_000 {
			began := time.Now()
			if set, err := s.Seek(t.Context(), began, second); err != nil || set != second {
				t.Fatal("other keys without a fetch")
			}
			if time.Since(began) > 0 {
				t.Fatal("a request waits although nothing is fetched")
			}
		}
		if n.times(jwks) != 2 {
			t.Fatalf("asked %d times within the cool-down", n.times(jwks))
		}
		time.Sleep(coolDown)
		for range 100 {
			if set, err := s.Seek(t.Context(), time.Now(), second); err != nil || set != second {
				t.Fatal("other keys without others there")
			}
		}
		if n.times(jwks) != 3 {
			t.Errorf("asked %d times after the cool-down", n.times(jwks))
		}
	})
}

// TestPatience bounds what a request waits for an issuer that does not answer.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := func(r *http.Request) *http.Response { <-r.Context().Done(); return nil }
		s, _ := begin(t, &network{answer: hangs}, nil)
		began := time.Now()
		if _, err := s.Seek(t.Context(), began, nil); !errors.Is(err, identity.ErrNoKeys) || time.Since(began) != patience {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		gone, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		began = time.Now()
		if _, err := s.Seek(gone, began, nil); err == nil || time.Since(began) != time.Millisecond {
			t.Errorf("a caller who left is waited for: %v", err)
		}
	})
}

// TestNotStarted shows that a source that was not started, as of a configuration that is only checked, asks nobody.
func TestNotStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{answer: always(200, key("a"))}
		s, err := New(Config{Issuer: iss, JWKS: jwks})
		if err != nil {
			t.Fatal(err)
		}
		s.transport = n
		if _, err := s.Seek(t.Context(), time.Now(), nil); !errors.Is(err, identity.ErrNoKeys) {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		s.Start(nil, nil)
		time.Sleep(time.Hour)
		if n.times(jwks) != 0 {
			t.Error("it asked")
		}
	})
}

// TestKept starts while the issuer is away: the keys kept from before are in force as long as they would have been.
func TestKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{answer: always(200, key("a"))}
		store := &memory{}
		s, _ := begin(t, n, store)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		n.set(away)
		time.Sleep(DefaultMaxStale - time.Hour)
		again, _ := begin(t, n, store)
		inUse(t, again)
		if st := again.Status(); !st.Kept || st.JWKS != jwks || st.Error == nil {
			t.Errorf("the status is %+v", st)
		}
		time.Sleep(time.Hour)
		if _, err := again.Keys(time.Now()); !errors.Is(err, identity.ErrStaleKeys) {
			t.Errorf("a restart makes keys young again: %v", err)
		}
		n.set(always(200, key("a")))
		time.Sleep(mostRetry)
		synctest.Wait()
		if inUse(t, again); again.Status().Kept {
			t.Error("confirmed keys are still said to be kept ones")
		}
		for _, broken := range []string{"", "{}", `{"keys":"e30="}`, `{"confirmed":"2999-01-01T00:00:00Z","keys":""}`, "x"} {
			n.set(away)
			store := &memory{text: []byte(broken)}
			s, events := begin(t, n, store)
			if _, err := s.Keys(time.Now()); !errors.Is(err, identity.ErrNoKeys) {
				t.Errorf("%q: %v", broken, err)
			}
			if len(*events) == 0 || (*events)[0].Kind != NotKept {
				t.Errorf("%q: nobody is told: %v", broken, *events)
			}
		}
		failing := &memory{err: errors.New("disk full")}
		n.set(always(200, key("a")))
		s, events := begin(t, n, failing)
		inUse(t, s)
		if e := (*events)[len(*events)-1]; e.Kind != NotKept || !strings.Contains(e.Err.Error(), "disk full") {
			t.Errorf("nobody is told: %v", *events)
		}
	})
}

// TestDiscovery finds the keys by the issuer's metadata.
func TestDiscovery(t *testing.T) {
	openid := iss + "/.well-known/openid-configuration"
	oauth := "https://id.acme.example/.well-known/oauth-authorization-server/realms/shop"
	metadata := func(issuer, keys string) string {
		return fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q,"other":1}`, issuer, keys)
	}
	good := metadata(iss, jwks)
	for _, test := range []struct {
		name    string
		answers map[string]*http.Response
		want    string // in the error, "" for keys
	}{
		{"OpenID Connect", map[string]*http.Response{openid: answer(200, good)}, ""},
		{"OAuth", map[string]*http.Response{oauth: answer(200, good)}, ""},
		{"neither", nil, "the server answers 404"},
		{"an error is no absence", map[string]*http.Response{openid: answer(503, ""), oauth: answer(200, good)}, "the server answers 503"},
		{"of another issuer", map[string]*http.Response{openid: answer(200, metadata("https://id.acme.example", jwks))}, "of another issuer"},
		{"of the issuer with a slash", map[string]*http.Response{openid: answer(200, metadata(iss+"/", jwks))}, "of another issuer"},
		{"keys over http", map[string]*http.Response{openid: answer(200, metadata(iss, "http://keys.acme.example/jwks"))}, "it is not https"},
		{"no keys", map[string]*http.Response{openid: answer(200, `{"issuer":"`+iss+`"}`)}, "it is not an address"},
		{"an issuer twice", map[string]*http.Response{openid: answer(200, `{"issuer":"x",`+good[1:])}, "not strict JSON"},
		{"too large", map[string]*http.Response{openid: answer(200, good+strings.Repeat(" ", maxMetadata))}, "more than"},
		{"a page", map[string]*http.Response{openid: answer(200, "<html>")}, "not strict JSON"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, err := New(Config{Issuer: iss})
				if err != nil {
					t.Fatal(err)
				}
				s.transport = &network{answer: func(r *http.Request) *http.Response {
					if r.URL.String() == jwks {
						return answer(200, key("a"))
					}
					if res := test.answers[r.URL.String()]; res != nil {
						return res
					}
					return answer(404, "")
				}}
				s.Start(nil, nil)
				synctest.Wait()
				_, err = s.Keys(time.Now())
				failure := ""
				if f := s.Status().Error; f != nil {
					failure = f.Detail
				}
				if (err == nil) != (test.want == "") || !strings.Contains(failure, test.want) {
					t.Errorf("%v, %q, want %q", err, failure, test.want)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestAPanicIsAFailure: the process lives on, and so do the keys there are.
func TestAPanicIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{answer: always(200, key("a"))}
		s, _ := begin(t, n, nil)
		set := inUse(t, s)
		n.mu.Lock()
		n.answer = func(*http.Request) *http.Response { panic("a library gives up") }
		n.mu.Unlock()
		time.Sleep(2 * defaultTTL)
		synctest.Wait()
		if inUse(t, s) != set || s.Status().Error == nil {
			t.Errorf("the keys or the status are others: %+v", s.Status())
		}
	})
}

// TestAddresses are configurations that no source is made of.
func TestAddresses(t *testing.T) {
	for _, c := range []Config{
		{Issuer: "http://id.acme.example"}, {Issuer: "acme"}, {Issuer: ""}, {Issuer: "https://"},
		{Issuer: "acme", JWKS: "http://id.acme.example/jwks"}, {Issuer: "acme", JWKS: "keys.json"},
		{Issuer: "acme", JWKS: "https://user:secret@id.acme.example/jwks"}, {Issuer: "acme", JWKS: "https://id.acme.example/#x"},
	} {
		_, err := New(c)
		if err == nil {
			t.Errorf("%+v is taken", c)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error tells a secret: %v", err)
		}
	}
	if _, err := New(Config{Issuer: "acme", JWKS: jwks}); err != nil { // an issuer need be no address
		t.Error(err)
	}
}

func TestTTL(t *testing.T) {
	for field, want := range map[string]time.Duration{
		"": defaultTTL, "max-age=900": 15 * time.Minute, "public, MAX-AGE=900, must-revalidate": 15 * time.Minute, `max-age="900"`: 15 * time.Minute,
		"max-age=0": leastTTL, "max-age=31536000": mostTTL, "max-age=99999999999999": defaultTTL, "max-age=-1": defaultTTL, "max-age": defaultTTL,
		"no-store": leastTTL, "no-cache, max-age=900": leastTTL,
	} {
		if got := ttl(http.Header{"Cache-Control": {field}}); got != want {
			t.Errorf("%q: %s, want %s", field, got, want)
		}
	}
}
