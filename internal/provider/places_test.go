package provider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A service that keeps its answers back has no more requests under way than may be, and no more waiting than that: others
// are refused at once, and those that wait no later than they would give up connecting. What has ended makes place.
func TestPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, w := client(t, Config{Concurrent: 3, DialTimeout: 2 * time.Second, Timeout: time.Minute, Deadline: time.Minute}, func(_ int, r *http.Request) (*http.Response, error) {
			select {
			case <-time.After(5 * time.Second):
				return said(200), nil
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		})
		began := time.Now()
		var mu sync.Mutex
		var came []string
		send := func(ctx context.Context) {
			a, err := c.Send(ctx, get())
			got := ""
			if err != nil {
				got = outcome(nil, err)
			} else {
				io.Copy(io.Discard, a.Body)
				time.Sleep(time.Second) // the answer goes to a slow caller
				got = outcome(a, nil)
			}
			mu.Lock()
			came = append(came, fmt.Sprintf("%s after %s", got, time.Since(began)))
			mu.Unlock()
		}
		leaves, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for i := range 10 {
			ctx := t.Context()
			if i == 3 {
				ctx = leaves
			}
			go send(ctx)
			synctest.Wait()
		}
		if n := c.Status().UnderWay; n != 3 || len(w.asked) != 3 {
			t.Errorf("%d under way, asked %d times", n, len(w.asked))
		}
		time.Sleep(5500 * time.Millisecond) // answered, but not to the end
		go send(t.Context())
		time.Sleep(10 * time.Second)
		synctest.Wait()
		slices.Sort(came)
		if want := "[200 after 12s 200 after 6s 200 after 6s 200 after 6s busy after 0s busy after 0s busy after 0s busy after 0s busy after 2s busy after 2s gone after 1s]"; fmt.Sprint(came) != want {
			t.Errorf("got %v\nwant %s", came, want)
		}
		if n := c.Status().UnderWay; n != 0 || len(c.places.known) != 0 {
			t.Errorf("%d under way, %d known at the end", n, len(c.places.known))
		}
	})
}

// broken is a body that breaks off.
type broken struct{ io.Reader }

func (b broken) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (broken) Close() error { return nil }

// An answer that breaks off is a failure of the host's, once, and none where its caller has left.
func TestBrokenBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := client(t, Config{Breaker: &Breaker{Failures: 2, Within: time.Minute, OpenFor: time.Minute}}, func(int, *http.Request) (*http.Response, error) {
			res := said(200)
			res.Body = broken{strings.NewReader("{}")}
			return res, nil
		})
		read := func(ctx context.Context, state string) {
			t.Helper()
			ctx, leave := context.WithCancel(ctx)
			a, err := c.Send(ctx, get())
			if err != nil {
				t.Fatal(err)
			}
			if state == "left" {
				leave()
				state = "closed"
			}
			for range 2 {
				if _, err := io.ReadAll(a.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("read with %v", err)
				}
			}
			a.Body.Close()
			leave()
			if got := c.Status().Breaker; got != state {
				t.Errorf("the breaker is %s, want %s", got, state)
			}
		}
		read(t.Context(), "left")
		read(t.Context(), "left")
		read(t.Context(), "closed")
		read(t.Context(), "open")
	})
}
