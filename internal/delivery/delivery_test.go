package delivery

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/leaktest"
	"github.com/wicketgate/wicketgate/internal/ledger"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// service is where events go. It notes what it took, and fails as it is told.
type service struct {
	mu    sync.Mutex
	taken []string
	tries map[string]int
	fails func(e *ledger.Event, try int) Result
}

func (s *service) send(_ context.Context, e *ledger.Event) Result {
	s.mu.Lock()
	s.tries[e.ID]++
	try := s.tries[e.ID]
	fails := s.fails
	s.mu.Unlock()
	if fails != nil {
		if r := fails(e, try); !r.Taken() {
			return r
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken = append(s.taken, e.ID)
	return Result{Status: 200}
}

func (s *service) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.taken)
}

// bench is a ledger with a desk.
type bench struct {
	*ledger.Ledger
	*Desk
	t testing.TB
}

func start(t testing.TB, folder string) *bench {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	d := NewDesk(log, NewCounts())
	l := ledger.New(ledger.Config{Folder: folder, Log: log}, d.Serve)
	l.Start()
	t.Cleanup(func() { l.Close() })
	b := &bench{l, d, t}
	b.within("the ledger is open", func() bool { return l.Ready() == nil })
	return b
}

func (b *bench) within(what string, ok func() bool) {
	b.t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("not within 30 s: %s", what)
		}
	}
}

func (b *bench) append(id, key string) {
	b.t.Helper()
	e := &ledger.Event{ID: id, Webhook: "hook", Key: key, Received: time.Now(), Body: []byte("{}")}
	if _, err := b.Append(b.t.Context(), e); err != nil {
		b.t.Fatal(err)
	}
}

// of gives those of a key, whose names begin with it.
func of(all []string, key string) (some []string) {
	for _, id := range all {
		if id[:1] == key {
			some = append(some, id)
		}
	}
	return some
}

// Events of one key come in their order, also when one of them fails at first; those of other keys do not wait for it.
func TestOrder(t *testing.T) {
	b := start(t, t.TempDir())
	s := &service{tries: map[string]int{}}
	release := make(chan struct{})
	s.fails = func(e *ledger.Event, try int) Result {
		if e.ID == "a03" {
			select {
			case <-release:
			default:
				return Result{Status: 500}
			}
		}
		return Result{Status: 200}
	}
	b.Deliver(t, map[string]Target{"hook": {Send: s.send, For: time.Hour}})
	var wantA, wantB []string
	for n := range 40 {
		b.append(fmt.Sprintf("a%02d", n), "a")
		b.append(fmt.Sprintf("b%02d", n), "b")
		wantA, wantB = append(wantA, fmt.Sprintf("a%02d", n)), append(wantB, fmt.Sprintf("b%02d", n))
	}
	b.within("all of b are delivered", func() bool { return len(of(s.all(), "b")) == 40 })
	if got := of(s.all(), "a"); !slices.Equal(got, wantA[:3]) {
		t.Errorf("of a, delivered are %v", got)
	}
	close(release)
	b.within("all of a are delivered", func() bool { return len(of(s.all(), "a")) == 40 })
	if got := of(s.all(), "a"); !slices.Equal(got, wantA) {
		t.Errorf("got %v", got)
	}
	if got := of(s.all(), "b"); !slices.Equal(got, wantB) {
		t.Errorf("got %v", got)
	}
}

// What fails over its whole span is a dead letter, and those behind it go on.
func TestDead(t *testing.T) {
	b := start(t, t.TempDir())
	s := &service{tries: map[string]int{}, fails: func(e *ledger.Event, _ int) Result {
		if e.ID == "a1" {
			return Result{}
		}
		return Result{Status: 204}
	}}
	b.Deliver(t, map[string]Target{"hook": {Send: s.send, For: time.Nanosecond}})
	for _, id := range []string{"a0", "a1", "a2"} {
		b.append(id, "a")
	}
	b.within("the others are delivered", func() bool { return slices.Equal(s.all(), []string{"a0", "a2"}) })
	if c := b.count.Of("hook"); c.Dead != 1 || c.Unreachable != 1 {
		t.Errorf("counted %+v", c)
	}
}

// A restart in the middle loses nothing and keeps the order: what waits in memory, what is parked, and what came behind.
func TestRestart(t *testing.T) {
	folder := t.TempDir()
	s := &service{tries: map[string]int{}, fails: func(*ledger.Event, int) Result { return Result{Status: 503} }}
	b := start(t, folder)
	b.Deliver(t, map[string]Target{"hook": {Send: s.send, For: time.Hour}})
	var want []string
	for n := range 30 {
		b.append(fmt.Sprintf("a%02d", n), "a")
		want = append(want, fmt.Sprintf("a%02d", n))
	}
	b.within("the first failed", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.tries["a00"] > 0 })
	b.Ledger.Close()
	s.mu.Lock()
	s.fails = nil
	s.mu.Unlock()
	b = start(t, folder)
	b.Deliver(t, map[string]Target{"hook": {Send: s.send, For: time.Hour}})
	b.within("all are delivered", func() bool { return len(s.all()) >= 30 })
	if got := s.all(); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

// An attempt under way when the ledger closes comes to its end, and no other is begun: what it delivered does not come again.
func TestDrain(t *testing.T) {
	folder := t.TempDir()
	began, release := make(chan struct{}), make(chan struct{})
	s := &service{tries: map[string]int{}, fails: func(e *ledger.Event, _ int) Result {
		if e.ID == "a0" {
			close(began)
			<-release
		}
		return Result{Status: 200}
	}}
	b := start(t, folder)
	b.Deliver(t, map[string]Target{"hook": {Send: s.send, For: time.Hour}})
	b.append("a0", "a")
	<-began
	b.append("a1", "a")
	b.mu.Lock()
	w := b.working["hook"]
	b.mu.Unlock()
	closed := make(chan error)
	go func() { closed <- b.Ledger.Close() }()
	b.within("the ledger closes", func() bool { w.mu.Lock(); defer w.mu.Unlock(); return w.closing })
	select {
	case <-closed:
		t.Error("it is closed with an attempt under way")
	default:
	}
	close(release)
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	if got := s.all(); !slices.Equal(got, []string{"a0"}) {
		t.Errorf("delivered before it was closed: %v", got)
	}
	s.mu.Lock()
	s.fails = nil
	s.mu.Unlock()
	b = start(t, folder)
	b.Deliver(t, map[string]Target{"hook": {Send: s.send, For: time.Hour}})
	b.within("the other is delivered", func() bool { return len(s.all()) > 1 })
	if got := s.all(); !slices.Equal(got, []string{"a0", "a1"}) {
		t.Errorf("delivered: %v", got)
	}
}

// Events without a key go side by side: one that hangs holds up nobody.
func TestNoKey(t *testing.T) {
	b := start(t, t.TempDir())
	hang := make(chan struct{})
	s := &service{tries: map[string]int{}, fails: func(e *ledger.Event, _ int) Result {
		if e.ID == "a00" {
			<-hang
		}
		return Result{Status: 200}
	}}
	b.Deliver(t, map[string]Target{"hook": {Send: s.send, For: time.Hour}})
	for n := range 20 {
		b.append(fmt.Sprintf("a%02d", n), "")
	}
	b.within("the others are delivered", func() bool { return len(s.all()) == 19 })
	close(hang)
	b.within("all are delivered", func() bool { return len(s.all()) == 20 })
}

// Whoever took a webhook over keeps it when the one before it leaves.
func TestTakenOver(t *testing.T) {
	b := start(t, t.TempDir())
	s := &service{tries: map[string]int{}}
	never := func(context.Context, *ledger.Event) Result { t.Error("the old target is asked"); return Result{} }
	b.Deliver("old", map[string]Target{"hook": {Send: never, For: time.Hour}})
	b.Deliver("new", map[string]Target{"hook": {Send: s.send, For: time.Hour}})
	b.Leave("old")
	b.append("a", "")
	b.within("it is delivered", func() bool { return len(s.all()) == 1 })
}

func TestBackoff(t *testing.T) {
	for attempts, most := range map[int]time.Duration{0: time.Second, 1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 50: mostPause} {
		for range 100 {
			if got := backoff(attempts); got < most/2 || got > most {
				t.Errorf("after %d attempts a pause of %s", attempts, got)
			}
		}
	}
}
