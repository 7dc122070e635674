package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/wicketgate/wicketgate/internal/leaktest"
	"github.com/wicketgate/wicketgate/internal/ledger/natstest"
)

func TestMain(m *testing.M) { leaktest.Main(m, natstest.Remove) }

// open opens a ledger in a folder, and closes it with the test.
func open(t testing.TB, folder string, change ...func(*Config)) *Ledger {
	t.Helper()
	c := Config{Folder: folder, Log: slog.New(slog.DiscardHandler)}
	for _, f := range change {
		f(&c)
	}
	l := New(c, nil)
	l.Start()
	t.Cleanup(func() { l.Close() })
	within(t, "the ledger is open", func() bool { return l.Ready() == nil })
	return l
}

func within(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

func event(n int) *Event {
	return &Event{ID: fmt.Sprintf("msg_%d", n), Webhook: "stripe", Kind: "charge.succeeded", Received: time.Unix(1700000000, 0).UTC(),
		Header: http.Header{"Content-Type": {"application/json"}}, Body: fmt.Appendf(nil, `{"n":%d}`, n)}
}

func appended(t testing.TB, l *Ledger, e *Event) {
	t.Helper()
	if known, err := l.Append(t.Context(), e); known || err != nil {
		t.Fatalf("known %v, error %v", known, err)
	}
}

// taken gives the next events, without being done with them.
func taken(t testing.TB, l *Ledger, n int) []*Waiting {
	t.Helper()
	s, err := l.Session()
	if err != nil {
		t.Fatal(err)
	}
	in, err := s.Intake(t.Context(), "stripe")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var all []*Waiting
	for range n {
		w, err := in.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, w)
	}
	return all
}

// What was stored is there after the ledger was closed and opened again, in its order, to the byte; but for what somebody
// was done with.
func TestKeeps(t *testing.T) {
	folder := t.TempDir()
	l := open(t, folder)
	for n := range 20 {
		appended(t, l, event(n))
	}
	if known, err := l.Append(t.Context(), event(3)); !known || err != nil {
		t.Errorf("the same event again: known %v, error %v", known, err)
	}
	for _, w := range taken(t, l, 5) {
		if err := w.Done(); err != nil {
			t.Fatal(err)
		}
	}
	l.Close()
	if _, err := l.Append(t.Context(), event(99)); !errors.Is(err, ErrUnavailable) {
		t.Errorf("stored in a closed ledger: %v", err)
	}
	l = open(t, folder)
	for i, w := range taken(t, l, 15) {
		want := event(i + 5)
		if w.ID != want.ID || !bytes.Equal(w.Body, want.Body) || w.Header.Get("Content-Type") != "application/json" || !w.Received.Equal(want.Received) {
			t.Errorf("got %v %s, want %v %s", w.Event, w.Body, want, want.Body)
		}
	}
}

// An event that a sender has for two webhooks has one name, and is stored for either.
func TestNameElsewhere(t *testing.T) {
	l := open(t, t.TempDir())
	appended(t, l, event(1))
	other := event(1)
	other.Webhook = "billing"
	appended(t, l, other)
}

// Another process cannot open a folder that is open.
func TestOneAtATime(t *testing.T) {
	folder := t.TempDir()
	open(t, folder)
	l := New(Config{Folder: folder, Log: slog.New(slog.DiscardHandler)}, nil)
	l.Start()
	defer l.Close()
	within(t, "it says why it is not open", func() bool { return l.failure.Load() != nil })
	if _, err := l.Append(t.Context(), event(1)); !errors.Is(err, ErrUnavailable) {
		t.Errorf("stored: %v", err)
	}
}

// A ledger that is full refuses, and takes events again when some are delivered.
func TestFull(t *testing.T) {
	l := open(t, t.TempDir(), func(c *Config) { c.MaxBytes = 64 << 10 })
	big := func(n int) *Event {
		e := event(n)
		e.Body = bytes.Repeat([]byte("x"), 8<<10)
		return e
	}
	var err error
	n := 0
	for ; n < 20 && err == nil; n++ {
		_, err = l.Append(t.Context(), big(n))
	}
	if !errors.Is(err, ErrFull) {
		t.Fatalf("after %d events: %v", n, err)
	}
	for _, w := range taken(t, l, 3) {
		if err := w.Done(); err != nil {
			t.Fatal(err)
		}
	}
	within(t, "there is room again", func() bool {
		_, err := l.Append(t.Context(), big(100))
		return err == nil
	})
}

// The bounds of an open ledger change without it being closed.
func TestConfigure(t *testing.T) {
	l := open(t, t.TempDir(), func(c *Config) { c.MaxBytes = 64 << 10 })
	before, err := l.Session()
	if err != nil {
		t.Fatal(err)
	}
	big := func(n int) *Event {
		e := event(n)
		e.Body = bytes.Repeat([]byte("x"), 8<<10)
		return e
	}
	n := 0
	for ; err == nil; n++ {
		_, err = l.Append(t.Context(), big(n))
	}
	if !errors.Is(err, ErrFull) {
		t.Fatalf("after %d events: %v", n, err)
	}
	l.Configure(Config{MaxBytes: 128 << 10})
	within(t, "there is more room", func() bool {
		_, err := l.Append(t.Context(), big(100))
		return err == nil
	})
	l.Configure(Config{MaxBytes: 1 << 10})
	within(t, "there is no room", func() bool {
		n++
		_, err := l.Append(t.Context(), event(100+n))
		return errors.Is(err, ErrFull)
	})
	after, err := l.Session()
	if err != nil || before != after {
		t.Errorf("it was opened anew: %v", err)
	}
	if first := taken(t, l, 1)[0]; first.ID != "msg_0" {
		t.Errorf("what was there is %s", first.ID)
	}
}

// A stream that somebody deletes under a running ledger: what is to be stored in it then is refused, and soon taken again.
func TestDeletedStream(t *testing.T) { deleted(t, open(t, t.TempDir())) }

// deleted deletes one stream of a ledger after the other.
func deleted(t *testing.T, l *Ledger) {
	t.Helper()
	var n atomic.Int64
	session := func(f func(*Session) error) error {
		s, err := l.Session()
		if err != nil {
			return errors.Join(ErrUnavailable, err)
		}
		return f(s)
	}
	another := func() *Waiting { return &Waiting{Event: event(int(n.Add(1))), Sequence: uint64(n.Add(1))} }
	for _, one := range []struct {
		stream string
		stores func() error
	}{
		{"EVENTS", func() error { _, err := l.Append(t.Context(), another().Event); return err }},
		{"SEEN", func() error { return l.Remember(t.Context(), "stripe", another().ID, time.Hour) }},
		{"HELD", func() error {
			_, err := l.Hold(t.Context(), strings.ReplaceAll(another().ID, "_", ""), 0, nil, time.Hour)
			return err
		}},
		{"PARKED", func() error {
			return session(func(s *Session) error { return s.Park(t.Context(), s.LaneOf("stripe", "a").First, another()) })
		}},
		{"DEAD", func() error {
			return session(func(s *Session) error { return s.Bury(t.Context(), another().Event, Ending{}) })
		}},
	} {
		within(t, "something is stored in "+one.stream, func() bool { return one.stores() == nil })
		if err := session(func(s *Session) error { return s.js.DeleteStream(t.Context(), streamName(one.stream)) }); err != nil {
			t.Fatal(err)
		}
		if err := one.stores(); !errors.Is(err, ErrUnavailable) {
			t.Fatalf("stored without the stream %s: %v", one.stream, err)
		}
		within(t, "something is stored in "+one.stream+" again", func() bool { return one.stores() == nil })
	}
}

// Names are remembered for as long as was asked.
func TestRemember(t *testing.T) {
	l := open(t, t.TempDir())
	if err := l.Remember(t.Context(), "stripe", "msg_1", time.Hour); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"msg_1": true, "msg_2": false} {
		if got, err := l.Seen(t.Context(), "stripe", name); got != want || err != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// Started and ended again and again, nothing is left behind: TestMain looks.
// TestLanes has several workers count what waits at once, as those of several webhooks do.
func TestLanes(t *testing.T) {
	l := open(t, t.TempDir())
	s, err := l.Session()
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if waiting, err := s.Lanes(t.Context(), "stripe"); err != nil || len(waiting) > 0 {
				t.Errorf("%v wait, %v", waiting, err)
			}
		})
	}
	all.Wait()
}

func TestStartStop(t *testing.T) {
	folder := t.TempDir()
	for range 5 {
		l := open(t, folder)
		l.Close()
	}
	l := New(Config{Folder: folder, Log: slog.New(slog.DiscardHandler)}, nil)
	l.Start()
	l.Close() // while it opens
}

// Closed in the middle of making any of its streams, it leaves nothing behind either.
func TestStopWhileOpening(t *testing.T) {
	for _, stream := range []string{"EVENTS", "PARKED", "DEAD", "DELIVERED", "SEEN"} {
		for range 4 {
			folder := t.TempDir()
			l := New(Config{Folder: folder, Log: slog.New(slog.DiscardHandler)}, nil)
			l.Start()
			within(t, "the stream is being made", func() bool {
				_, err := os.Stat(filepath.Join(folder, "jetstream", "$G", "streams", streamName(stream)))
				return err == nil
			})
			l.Close()
		}
	}
}

func FuzzDecode(f *testing.F) {
	data, err := event(1).encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte{1, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := decode(data)
		if err != nil {
			return
		}
		again, err := e.encode()
		if err != nil {
			t.Fatal(err)
		}
		if other, err := decode(again); err != nil || !bytes.Equal(other.Body, e.Body) {
			t.Errorf("%v: %v", other, err)
		}
	})
}

// BenchmarkAppend stores events of 2 KB, each synced, from one caller and from many.
func BenchmarkAppend(b *testing.B) {
	for name, parallel := range map[string]int{"one": 1, "many": 64} {
		b.Run(name, func(b *testing.B) {
			l := open(b, b.TempDir())
			body := bytes.Repeat([]byte("x"), 2<<10)
			work := make(chan int)
			b.ReportAllocs()
			b.ResetTimer()
			done := make(chan struct{})
			for range parallel {
				go func() {
					defer func() { done <- struct{}{} }()
					for n := range work {
						e := event(n)
						e.Body = body
						if _, err := l.Append(b.Context(), e); err != nil {
							b.Error(err)
						}
					}
				}()
			}
			for n := range b.N {
				work <- n
			}
			close(work)
			for range parallel {
				<-done
			}
		})
	}
}

// What the client of NATS drops of an intake, because its room is taken by messages that are no events, comes from an
// intake that is opened anew.
func TestDropped(t *testing.T) {
	l := open(t, t.TempDir())
	s, err := l.Session()
	if err != nil {
		t.Fatal(err)
	}
	asked, err := s.nc.SubscribeSync("$JS.API.CONSUMER.MSG.NEXT.>")
	if err != nil {
		t.Fatal(err)
	}
	in, err := s.Intake(t.Context(), "stripe")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { in.Stop() }()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	appended(t, l, event(0))
	w, err := in.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Done(); err != nil {
		t.Fatal(err)
	}
	request, err := asked.NextMsgWithContext(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for range Window { // a stalled reader's room fills by itself, if slowly
		if err := s.nc.PublishMsg(&nats.Msg{Subject: request.Reply, Header: nats.Header{"Status": {"100"}, "Description": {"Idle Heartbeat"}}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.nc.Flush(); err != nil {
		t.Fatal(err)
	}
	const many = 20
	for n := 1; n <= many; n++ {
		appended(t, l, event(n))
	}
	for took, anew := 0, 0; took < many; {
		w, err := in.Next(ctx)
		if errors.Is(err, errDropped) && anew < 3 {
			anew++
			in.Stop()
			if in, err = s.Intake(t.Context(), "stripe"); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("after %d events: %v", took, err)
		}
		if w.ID == "msg_0" { // the word that it is done with was still on its way
			continue
		}
		if took++; w.ID != event(took).ID {
			t.Fatalf("got %s, want %s", w.ID, event(took).ID)
		}
	}
}
