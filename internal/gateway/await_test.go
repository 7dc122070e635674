package gateway

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// connected is a response writer whose connection has deadlines, as a server's has.
type connected struct {
	http.ResponseWriter
	net.Conn
}

func (c connected) Write(b []byte) (int, error) { return c.ResponseWriter.Write(b) }

// TestAwaitedWhole sends a body in drips, each of them in time, of which nobody waits for the end.
func TestAwaitedWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := net.Pipe()
		done := make(chan struct{})
		defer func() {
			server.Close() //nolint:errcheck // of no interest
			<-done
		}()
		began := time.Now()
		body := &awaited{Reader: server, control: http.NewResponseController(connected{httptest.NewRecorder(), server}), idle: idleBody, until: began.Add(30 * time.Second)}
		go func() {
			defer close(done)
			for {
				if _, err := io.WriteString(client, "."); err != nil {
					return
				}
				time.Sleep(4 * time.Second)
			}
		}()
		if got, err := io.ReadAll(body); string(got) != "........" || !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != 30*time.Second {
			t.Errorf("got %q, %v after %s", got, err, time.Since(began))
		}
	})
}

// TestAwaited sends a body that comes slowly but steadily for as long as it takes, and one that stops coming.
func TestAwaited(t *testing.T) {
	for _, test := range []struct {
		name  string
		stops bool
	}{{"steady", false}, {"stops", true}} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, client := net.Pipe()
				defer server.Close() //nolint:errcheck // of no interest
				body := &awaited{Reader: server, control: http.NewResponseController(connected{httptest.NewRecorder(), server}), idle: idleBody}
				go func() {
					for range 3 {
						time.Sleep(idleBody - time.Second)
						io.WriteString(client, "piece ") //nolint:errcheck // shown by what is read
					}
					if !test.stops {
						client.Close() //nolint:errcheck // of no interest
					}
				}()
				began := time.Now()
				got, err := io.ReadAll(body)
				if string(got) != "piece piece piece " || errors.Is(err, os.ErrDeadlineExceeded) != test.stops {
					t.Errorf("got %q, %v", got, err)
				}
				if took := time.Since(began); test.stops && took != 3*(idleBody-time.Second)+idleBody {
					t.Errorf("it was awaited for %s", took)
				}
			})
		})
	}
}
