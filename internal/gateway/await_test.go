package gateway

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"
)

// TestAwaited sends a body that comes slowly but steadily, and one that stops coming.
func TestAwaited(t *testing.T) {
	read := make(chan error, 1)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(&awaited{r.Body, http.NewResponseController(w), 200 * time.Millisecond})
		read <- err
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	for _, test := range []struct {
		name  string
		stops bool
	}{{"steady", false}, {"stops", true}} {
		t.Run(test.name, func(t *testing.T) {
			body, write := io.Pipe()
			req, err := http.NewRequest("POST", s.URL, body)
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				for range 6 {
					io.WriteString(write, "piece") //nolint:errcheck // the server may have gone
					time.Sleep(50 * time.Millisecond)
				}
				if !test.stops {
					write.Close() //nolint:errcheck // returns none
				}
			}()
			go func() {
				if res, err := s.Client().Do(req); err == nil {
					res.Body.Close() //nolint:errcheck // of no interest
				}
			}()
			err = <-read
			write.Close() //nolint:errcheck // returns none
			if got := errors.Is(err, os.ErrDeadlineExceeded); got != test.stops {
				t.Errorf("got %v", err)
			}
		})
	}
}
