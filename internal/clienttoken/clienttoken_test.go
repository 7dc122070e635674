package clienttoken

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wicketgate/wicketgate/internal/secret"
)

// server is a token endpoint that takes a second to answer.
type server struct {
	asked  atomic.Int64
	mu     sync.Mutex
	answer func(n int64) (status int, body string)
	last   string // what was sent
	auth   string
}

func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	n := s.asked.Add(1)
	form, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.last, s.auth = string(form), r.Header.Get("Authorization")
	s.mu.Unlock()
	select {
	case <-time.After(time.Second):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	status, body := s.answer(n)
	if status == 0 {
		return nil, errors.New(body)
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}, "Location": {"https://elsewhere.example"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func good(n int64) (int, string) {
	return 200, fmt.Sprintf(`{"access_token":"t%d","token_type":"bearer","expires_in":100}`, n)
}

func source(t *testing.T, answer func(int64) (int, string)) (*Source, *server) {
	s := &server{answer: answer}
	c := New(Config{URL: "https://id.example/token?key=SECRET", Client: "gw", Secret: secret.New("SECRET"), Scopes: []string{"a", "b"}, Network: s})
	t.Cleanup(c.Close)
	return c, s
}

// A thousand callers who find no token, or one that has expired, cause one request.
func TestOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := source(t, good)
		for round := int64(1); round <= 2; round++ {
			var waiting sync.WaitGroup
			for range 1000 {
				waiting.Go(func() {
					token, err := c.Get(t.Context())
					if err != nil || token.Reveal() != fmt.Sprintf("t%d", round) {
						t.Errorf("got %v, %v", token, err)
					}
				})
			}
			waiting.Wait()
			if n := s.asked.Load(); n != round {
				t.Errorf("asked %d times, want %d", n, round)
			}
			time.Sleep(101 * time.Second)
		}
		if s.last != "grant_type=client_credentials&scope=a+b" || s.auth == "" {
			t.Errorf("sent %s, %q", s.last, s.auth)
		}
	})
}

// In the last fifth of its life a token is still given, at once, while another is got; until then nobody asks.
func TestRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := source(t, good)
		want := func(after time.Duration, token string, asked int64) {
			t.Helper()
			time.Sleep(after)
			before := time.Now()
			got, err := c.Get(t.Context())
			if err != nil || got.Reveal() != token || time.Since(before) > time.Second {
				t.Errorf("got %v (%q), %v after %s", got, got.value, err, time.Since(before))
			}
			synctest.Wait()
			if n := s.asked.Load(); n != asked {
				t.Errorf("asked %d times, want %d", n, asked)
			}
		}
		want(0, "t1", 1)
		want(78*time.Second, "t1", 1)
		want(1500*time.Millisecond, "t1", 2)
		want(0, "t1", 2) // while it is under way
		want(1100*time.Millisecond, "t2", 2)
	})
}

// The request belongs to no caller: it goes on when the one who began it leaves.
func TestCallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := source(t, good)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if token, err := c.Get(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, %v", token, err)
		}
		if token, err := c.Get(t.Context()); err != nil || token.Reveal() != "t1" || s.asked.Load() != 1 {
			t.Errorf("got %v, %v, asked %d times", token, err, s.asked.Load())
		}
	})
}

// A token that was refused is forgotten once: not the one that has taken its place.
func TestDrop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := source(t, good)
		first, err := c.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c.Drop(first)
		second, err := c.Get(t.Context())
		if err != nil || second.Reveal() != "t2" {
			t.Fatal(second, err)
		}
		c.Drop(first)
		if third, err := c.Get(t.Context()); err != nil || third != second || s.asked.Load() != 2 {
			t.Errorf("got %v, %v, asked %d times", third, err, s.asked.Load())
		}
	})
}

// After a failure nobody asks for 1 s, 2 s and so on up to 60 s; callers are told at once. A success ends that.
func TestPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fails := true
		c, s := source(t, func(n int64) (int, string) {
			if fails {
				return 503, "SECRET"
			}
			return good(n)
		})
		for i, pause := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
			pause *= time.Second
			if _, err := c.Get(t.Context()); err == nil || s.asked.Load() != int64(i+1) {
				t.Fatalf("got %v, asked %d times, want %d", err, s.asked.Load(), i+1)
			}
			time.Sleep(pause - time.Millisecond)
			if _, err := c.Get(t.Context()); err == nil || s.asked.Load() != int64(i+1) {
				t.Fatalf("within the pause: got %v, asked %d times, want %d", err, s.asked.Load(), i+1)
			}
			time.Sleep(time.Millisecond)
		}
		fails = false
		if token, err := c.Get(t.Context()); err != nil {
			t.Error(token, err)
		}
		if c.failed.length != 0 {
			t.Error("the next pause would be long")
		}
	})
}

// refusing asks as provider does: once, and once more where the first token is refused. It gives whether the service took one.
func refusing(t *testing.T, c *Source, takes func(string) bool) bool {
	t.Helper()
	token, err := c.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if takes(token.Reveal()) {
		return true
	}
	if !c.Drop(token) {
		return false
	}
	if token, err = c.Get(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.Replaced(token, !takes(token.Reveal()))
	return takes(token.Reveal())
}

// A service that refuses every token has one got after 1 s, 2 s and so on up to 60 s, however many callers it refuses. It
// is asked with the one there is meanwhile, and once it takes one that was got for a refused one's sake the pauses end.
func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := source(t, good)
		told := 0
		c.report = func(err error) {
			if errors.Is(err, ErrRefused) {
				told++
			}
		}
		s.answer = func(n int64) (int, string) {
			return 200, fmt.Sprintf(`{"access_token":"t%d","token_type":"bearer","expires_in":86400}`, n)
		}
		nothing := func(string) bool { return false }
		refusing(t, c, nothing)
		asked := int64(2) // the first one, and that in its place
		for _, pause := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
			last := time.Now()
			var waiting sync.WaitGroup
			for range 1000 {
				waiting.Go(func() { refusing(t, c, nothing) })
			}
			waiting.Wait()
			time.Sleep(pause*time.Second - time.Since(last) - time.Millisecond)
			if refusing(t, c, nothing); s.asked.Load() != asked {
				t.Fatalf("within the pause of %s: asked %d times, want %d", pause*time.Second, s.asked.Load(), asked)
			}
			time.Sleep(time.Millisecond)
			if refusing(t, c, nothing); s.asked.Load() != asked+1 {
				t.Fatalf("after the pause of %s: asked %d times, want %d", pause*time.Second, s.asked.Load(), asked+1)
			}
			asked++
		}
		if told != int(asked)-1 {
			t.Errorf("told of %d refused tokens, want %d", told, asked-1)
		}
		time.Sleep(time.Minute)
		next := fmt.Sprintf("t%d", asked+1)
		if !refusing(t, c, func(token string) bool { return token == next }) || c.refused.length != 0 {
			t.Error("the pauses go on, although a token was taken")
		}
	})
}

// A failure in the last fifth keeps the token that there is.
func TestFailureBeside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := source(t, func(n int64) (int, string) {
			if n > 1 {
				return 0, "connection refused"
			}
			return good(n)
		})
		for _, after := range []time.Duration{0, 81 * time.Second, 5 * time.Second} {
			time.Sleep(after)
			if token, err := c.Get(t.Context()); err != nil || token.Reveal() != "t1" {
				t.Errorf("got %v, %v", token, err)
			}
		}
		synctest.Wait()
		time.Sleep(15 * time.Second)
		if token, err := c.Get(t.Context()); err == nil || s.asked.Load() < 2 {
			t.Errorf("got %v, %v, asked %d times", token, err, s.asked.Load())
		}
	})
}

// What is no token is a failure, and what is told of it quotes neither the server nor the secret.
func TestAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
	}{
		"an error":               {401, `{"error":"invalid_client","error_description":"SECRET"}`},
		"an error in HTML":       {500, `<p>SECRET`},
		"a redirection":          {302, ``},
		"no connection":          {0, "dial tcp: connection refused"},
		"no JSON":                {200, `SECRET`},
		"no token":               {200, `{"SECRET":1}`},
		"an empty token":         {200, `{"access_token":""}`},
		"a token with a line":    {200, `{"access_token":"SECRET\r\nX-User: admin"}`},
		"a token with a blank":   {200, `{"access_token":"SEC RET"}`},
		"a token too long":       {200, `{"access_token":"` + strings.Repeat("SECRET", 10_000) + `"}`},
		"a token of a kind":      {200, `{"access_token":"SECRET","token_type":"mac"}`},
		"a token that is over":   {200, `{"access_token":"SECRET","token_type":"bearer","expires_in":1}`},
		"an answer of megabytes": {200, `{"access_token":"` + strings.Repeat("a", 2<<20) + `"}`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := source(t, func(int64) (int, string) { return test.status, test.body })
				token, err := c.Get(t.Context())
				if err == nil || strings.Contains(err.Error(), "SECRET") || strings.Contains(err.Error(), "id.example") || s.asked.Load() != 1 {
					t.Errorf("got %v, %v, asked %d times", token, err, s.asked.Load())
				}
			})
		})
	}
}

// Nothing is left when it ends, and then nobody is asked.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := source(t, good)
		done := make(chan error)
		go func() {
			_, err := c.Get(t.Context())
			done <- err
		}()
		synctest.Wait()
		c.Close()
		if err := <-done; err == nil {
			t.Error("a request goes on")
		}
		if _, err := c.Get(t.Context()); err == nil || s.asked.Load() != 1 {
			t.Errorf("got %v, asked %d times", err, s.asked.Load())
		}
	})
}
