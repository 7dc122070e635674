package leaktest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
)

func TestMain(m *testing.M) { Main(m) }

// teller is a test that only tells whether it failed.
type teller struct {
	testing.TB
	failed bool
}

func (t *teller) Helper()      {}
func (t *teller) Error(...any) { t.failed = true }

// TestLingeringConnection has a server refuse a body that it does not read: it is done with the connection half a second
// later, and nothing is left behind.
func TestLingeringConnection(t *testing.T) {
	check := Note(t)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	endless := io.MultiReader(strings.NewReader(strings.Repeat("x", 1<<20)), iotest.ErrReader(io.ErrUnexpectedEOF))
	res, err := s.Client().Post(s.URL, "text/plain", endless)
	if err == nil {
		res.Body.Close() //nolint:errcheck // it is empty
	}
	s.CloseClientConnections()
	s.Close()
	check()
}

// TestLeft leaves a goroutine running, and has no patience.
func TestLeft(t *testing.T) {
	told := &teller{TB: t}
	check := note(told, 0)
	end := make(chan struct{})
	started := make(chan struct{})
	go func() { close(started); <-end }()
	<-started
	check()
	close(end)
	if !told.failed {
		t.Error("a goroutine that was left was not told")
	}
}
