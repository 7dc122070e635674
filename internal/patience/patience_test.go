package patience

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// slow is a body of which each byte takes a while, as long as the request lasts.
type slow struct {
	ctx   context.Context
	after []time.Duration
	ends  bool // as if it were whole, when the request is given up
}

func (s *slow) Read(b []byte) (int, error) {
	if len(s.after) == 0 {
		return 0, io.EOF
	}
	select {
	case <-time.After(s.after[0]):
	case <-s.ctx.Done():
		if s.ends {
			return 0, io.EOF
		}
		return 0, s.ctx.Err()
	}
	s.after = s.after[1:]
	b[0] = 'x'
	return 1, nil
}

func (*slow) Close() error { return nil }

// Before an answer goes out, all that is read of it has the time-out together; then each read has it.
func TestPatience(t *testing.T) {
	const bound = 5 * time.Second
	for _, test := range []struct {
		name  string
		begun bool
		after []time.Duration
		pause time.Duration // of the caller, between reads
		ends  bool
		late  bool
	}{
		{"in time", false, []time.Duration{2 * time.Second, 2 * time.Second}, 0, true, false},
		{"in drips", false, []time.Duration{2 * time.Second, 2 * time.Second, 2 * time.Second}, 0, false, true},
		{"in drips, ended as if whole", false, []time.Duration{2 * time.Second, 2 * time.Second, 2 * time.Second}, 0, true, true},
		{"in drips, on their way out", true, []time.Duration{2 * time.Second, 4 * time.Second, 4 * time.Second}, 0, false, false},
		{"with a pause, on their way out", true, []time.Duration{2 * time.Second, 6 * time.Second}, 0, false, true},
		{"to a caller who takes long", true, []time.Duration{2 * time.Second, 2 * time.Second}, time.Hour, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				req, waits := Wait((&http.Request{}).WithContext(t.Context()), bound)
				body := &Body{&slow{req.Context(), test.after, test.ends}, waits}
				if test.begun {
					waits.EachRead()
				}
				var err error
				for b := make([]byte, 10); err == nil; {
					_, err = body.Read(b)
					time.Sleep(test.pause)
				}
				late := interface{ Timeout() bool }(nil)
				if got := errors.As(err, &late) && late.Timeout(); got != test.late || !got && err != io.EOF {
					t.Errorf("got %v", err)
				}
				if err := body.Close(); err != nil || req.Context().Err() == nil {
					t.Errorf("closed with %v, and the request goes on", err)
				}
			})
		})
	}
}
