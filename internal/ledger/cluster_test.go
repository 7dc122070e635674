package ledger

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/wicketgate/wicketgate/internal/ledger/natstest"
)

// on opens a ledger on servers, and closes it with the test.
func on(t testing.TB, replicas int, servers ...string) *Ledger {
	t.Helper()
	l := New(Config{Servers: servers, Replicas: replicas, MaxBytes: 64 << 20, Log: slog.New(slog.DiscardHandler)}, nil)
	l.Start()
	t.Cleanup(func() { l.Close() })
	return l
}

func opened(t testing.TB, l *Ledger) *Session {
	t.Helper()
	within(t, "the ledger is open", func() bool { return l.Ready() == nil })
	s, err := l.Session()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A ledger whose server is killed takes no events, keeps those it took, and takes events when the server is back.
func TestServerKilled(t *testing.T) {
	server := natstest.Start(t, "")
	l := on(t, 1, server.Address)
	opened(t, l)
	for n := range 5 {
		appended(t, l, event(n))
	}
	server.Kill()
	within(t, "it says that it is not there", func() bool { return errors.Is(l.Ready(), errAway) })
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := l.Append(ctx, event(5)); !errors.Is(err, ErrUnavailable) {
		t.Errorf("stored without a server: %v", err)
	}
	server.Restart()
	opened(t, l)
	appended(t, l, event(5))
	for n, w := range taken(t, l, 6) {
		if w.ID != event(n).ID {
			t.Errorf("got %s, want %s", w.ID, event(n).ID)
		}
	}
}

// A ledger whose servers are not there at first is open once they are.
func TestServerLate(t *testing.T) {
	server := natstest.Start(t, "")
	server.Kill()
	l := on(t, 1, server.Address)
	within(t, "it says why it is not open", func() bool { return l.Ready() != nil && strings.Contains(l.Ready().Error(), "connecting") })
	if _, err := l.Append(t.Context(), event(1)); !errors.Is(err, ErrUnavailable) {
		t.Errorf("stored without a server: %v", err)
	}
	server.Restart()
	opened(t, l)
	appended(t, l, event(1))
}

// The same of a stream on servers.
func TestDeletedStreamOfServers(t *testing.T) {
	l := on(t, 1, natstest.Start(t, "").Address)
	opened(t, l)
	deleted(t, l)
}

// A stream of others that would lose events is refused, and nothing of it changed.
func TestForeignStream(t *testing.T) {
	server := natstest.Start(t, "")
	nc, err := nats.Connect(server.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	want := (&Session{}).planned(Config{Servers: []string{""}, Replicas: 1})[0].config
	// The server removes the folder of all streams behind the last one, perhaps while it makes the next.
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "OTHER", Subjects: []string{"other"}}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		told   string
		change func(*jetstream.StreamConfig)
	}{
		{"retention is Limits, not WorkQueue", func(c *jetstream.StreamConfig) { c.Retention = jetstream.LimitsPolicy }},
		{"discard is DiscardOld, not DiscardNew", func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld }},
		{"storage is Memory, not File", func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage }},
		{"max_msgs is 10, not 0", func(c *jetstream.StreamConfig) { c.MaxMsgs = 10 }},
		{"a limit of age is true, not false", func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour }},
		{"no_ack is true, not false", func(c *jetstream.StreamConfig) { c.NoAck = true }},
		{"subjects is [others.*], not [wicketgate.events.*]", func(c *jetstream.StreamConfig) { c.Subjects = []string{"others.*"} }},
	} {
		config := want
		config.MaxBytes = 1 << 20
		c.change(&config)
		if _, err := js.CreateStream(t.Context(), config); err != nil {
			t.Fatal(c.told, err)
		}
		l := on(t, 1, server.Address)
		within(t, "it says why it is not open", func() bool { return l.failure.Load() != nil })
		if err := l.Ready(); err == nil || !strings.Contains(err.Error(), c.told) {
			t.Errorf("want %s, got: %v", c.told, err)
		}
		if _, err := l.Append(t.Context(), event(1)); !errors.Is(err, ErrUnavailable) {
			t.Errorf("stored: %v", err)
		}
		l.Close()
		if err := js.DeleteStream(t.Context(), config.Name); err != nil {
			t.Fatal(err)
		}
	}
}

// Of two gateways one delivers; the other does once the first lets go of it, or does not say any more that it does. What an
// earlier one says of an event is not heard then.
func TestLease(t *testing.T) {
	server := natstest.Start(t, "")
	first, second := opened(t, on(t, 1, server.Address)), opened(t, on(t, 1, server.Address))
	one, err := first.Lease(t.Context(), "stripe")
	if err != nil || !one.Held() {
		t.Fatalf("held %v, %v", one.Held(), err)
	}
	brief, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if other, err := second.Lease(brief, "stripe"); err == nil {
		t.Fatalf("two have it: %v", other.Held())
	}
	elsewhere, err := second.Lease(t.Context(), "github")
	if err != nil {
		t.Fatal(err)
	}
	elsewhere.Release()
	one.Release()
	if one.Held() || one.Context().Err() == nil {
		t.Error("it is held after it was released")
	}
	other, err := second.Lease(t.Context(), "stripe")
	if err != nil || !other.Held() {
		t.Fatal(err)
	}
	// What is written in its place is another's, and ends it.
	if _, err := first.js.Publish(t.Context(), subjectOf("lease", "stripe"), []byte("another")); err != nil {
		t.Fatal(err)
	}
	within(t, "it is lost", func() bool { return !other.Held() })
	other.Release()
}

// An answer that was lost does not cost a lease: what is written there is its holder's own.
func TestLeaseUnheard(t *testing.T) {
	server := natstest.Start(t, "")
	s := opened(t, on(t, 1, server.Address))
	l, err := s.Lease(t.Context(), "stripe")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Release()
	if _, err := s.js.Publish(t.Context(), l.subject, []byte(l.holder)); err != nil {
		t.Fatal(err)
	}
	was := *l.until.Load()
	within(t, "it is renewed", func() bool { return l.until.Load().After(was) })
	if !l.Held() {
		t.Error("it is lost")
	}
}

// A lease that its holder could not renew is not held, whether or not the process came to notice.
func TestLeaseOver(t *testing.T) {
	held, lose := context.WithCancel(t.Context())
	defer lose()
	l := &Lease{held: held}
	for span, want := range map[time.Duration]bool{time.Minute: true, -time.Nanosecond: false} {
		until := time.Now().Add(span)
		l.until.Store(&until)
		if l.Held() != want {
			t.Errorf("%s before its end: held %v", span, !want)
		}
	}
}

// What an intake before the last says of an event is not heard, so that the event is not lost.
func TestEarlierIntake(t *testing.T) {
	server := natstest.Start(t, "")
	l := on(t, 1, server.Address)
	opened(t, l)
	appended(t, l, event(0))
	early := taken(t, l, 1)[0]
	late := taken(t, l, 1)[0]
	if err := early.Done(); err == nil {
		t.Error("the earlier one was heard")
	}
	if err := late.Done(); err != nil {
		t.Error(err)
	}
}
