package introspection

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/wicketgate/wicketgate/internal/secret"
)

// A client that is closed waits for the questions under way, while requests that began before ask more.
func TestAskedWhileClosed(t *testing.T) {
	failed := errors.New("nobody is asked")
	for range 50 {
		i, err := New(Config{URL: "https://id.example/introspect", Client: "gateway", Secret: secret.New("x")})
		if err != nil {
			t.Fatal(err)
		}
		i.prove = func(*http.Request, url.Values) error { return failed }
		var all sync.WaitGroup
		for n := range 4 {
			all.Go(func() {
				for k := range 20 {
					if _, err := i.Introspect(t.Context(), strconv.Itoa(100*n+k), somewhere, now); !errors.Is(err, failed) {
						t.Errorf("asked while it is closed: %v", err)
					}
				}
			})
		}
		if err := i.Close(); err != nil {
			t.Error(err)
		}
		all.Wait()
	}
}

// What panics while a token is asked for is no answer, and the process lives.
func TestAPanicIsNoAnswer(t *testing.T) {
	i := newClient(t, Config{URL: "https://id.example/introspect", Client: "gateway", Secret: secret.New("x")})
	i.prove = func(*http.Request, url.Values) error { panic("s3cret") }
	a, err := i.Introspect(t.Context(), "opaque", somewhere, now)
	if a != nil || err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got %+v, %v", a, err)
	}
	if s := i.Status(); !s.Failing || s.Failed != 1 {
		t.Errorf("the status is %+v", s)
	}
}
