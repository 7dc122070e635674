package shared

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/limit/redistest"
	"github.com/wicketgate/wicketgate/internal/usage"
)

// deaf is a board that writes, and whose answers do not come back while it is deaf.
type deaf struct {
	usage.Board
	is     atomic.Bool
	writes atomic.Int64
}

func (d *deaf) Write(ctx context.Context, gateway, place string, fields []usage.Field, expires time.Time, keep time.Duration) (bool, error) {
	known, err := d.Board.Write(ctx, gateway, place, fields, expires, keep)
	if len(fields) > 0 {
		d.writes.Add(1)
	}
	if err == nil && d.is.Load() && len(fields) > 0 {
		err = errors.New("nobody heard the answer")
	}
	return known, err
}

// sharer is a gateway's usage, written to a board.
type sharer struct {
	*usage.Keeper
	board *deaf
	log   *lines
}

// lines are those of a log.
type lines struct {
	sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.text.Write(p)
}

// count says how many have a text.
func (l *lines) count(text string) int {
	l.Lock()
	defer l.Unlock()
	return strings.Count(l.text.String(), text)
}

func shares(t *testing.T, redis *redistest.Server, folder string) *sharer {
	t.Helper()
	return sharesBy(t, Config{Prefix: "test", Server: Server{Address: redis.Address}, Timeout: 5 * time.Second}, folder)
}

func sharesBy(t *testing.T, config Config, folder string) *sharer {
	t.Helper()
	c, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	c.Start(nil) // which looks for another server where one is gone
	log := &lines{}
	s := &sharer{usage.NewKeeper(folder, slog.New(slog.NewTextHandler(log, nil))), &deaf{Board: c}, log}
	s.Share(s.board)
	s.Start(nil)
	t.Cleanup(func() {
		s.Close() //nolint:errcheck // it may be closed
		c.Close() //nolint:errcheck // it is only a client
	})
	return s
}

func (s *sharer) calls(consumer string, n int) {
	for range n {
		s.Record(&usage.Call{Key: usage.Key{Consumer: consumer, API: "orders", Version: "v1", Selected: "path"}, Status: 200, Took: time.Millisecond, Ended: time.Now()})
	}
}

// sums are what a gateway tells: how many gateways, and each consumer's requests.
func (s *sharer) sums(t *testing.T) string {
	t.Helper()
	r, err := s.Report(usage.Ask{Since: time.Now().Add(-time.Hour)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	all := []string{fmt.Sprint("of ", r.Gateways)}
	if r.Alone != "" {
		all = []string{"alone"}
	}
	for _, row := range r.Rows {
		all = append(all, fmt.Sprint(row.Consumer, " ", row.Requests))
	}
	slices.Sort(all[1:])
	return strings.Join(all, ", ")
}

// sharers are two gateways that share their usage by one Redis, whatever it is made of.
type sharers struct{ a, b *sharer }

func twoSharers(t *testing.T, config Config) *sharers {
	t.Helper()
	return &sharers{sharesBy(t, config, t.TempDir()), sharesBy(t, config, t.TempDir())}
}

// adds has both count n requests of acme, and waits until each tells of all, before ones included.
func (p *sharers) adds(t *testing.T, redis *redistest.Server, n, before int) {
	t.Helper()
	p.a.calls("acme", n)
	p.b.calls("acme", n)
	want := fmt.Sprint("of 2, acme ", before+2*n)
	redis.Within(60*time.Second, "both tell "+want, func() bool {
		p.a.Start(nil) // they would look in half a minute
		p.b.Start(nil)
		return p.a.sums(t) == want && p.b.sums(t) == want
	})
}

// TestUsageAddsUp has two gateways count, and each tell the sums of both: when answers of Redis are lost, when one ends and
// begins again, when Redis forgets everything, and when it is away.
func TestUsageAddsUp(t *testing.T) {
	redis := redistest.Start(t)
	folder := t.TempDir()
	a, b := shares(t, redis, folder), shares(t, redis, t.TempDir())
	tells := func(s *sharer, want string) {
		t.Helper()
		redis.Within(30*time.Second, "it tells "+want, func() bool {
			a.Start(nil) // both would look in half a minute
			b.Start(nil)
			return s.sums(t) == want
		})
	}
	a.calls("acme", 3)
	b.calls("acme", 2)
	b.calls("globex", 1)
	a.Start(nil)
	tells(b, "of 2, acme 5, globex 1")
	tells(a, "of 2, acme 5, globex 1")

	// What was written is written again, since nobody heard that it was, and counts once.
	a.board.is.Store(true)
	before := a.board.writes.Load()
	a.calls("acme", 10)
	redis.Within(30*time.Second, "it tries again", func() bool { a.Start(nil); return a.board.writes.Load() >= before+3 })
	tells(b, "of 2, acme 15, globex 1")
	if s := a.Shared(); s.Err == nil || s.Gateways != 2 {
		t.Errorf("it says %+v", s)
	}
	if err := a.Close(); err != nil { // as a process that is killed before it could note what it had written
		t.Fatal(err)
	}
	a = shares(t, redis, folder)
	a.calls("acme", 1)
	tells(b, "of 2, acme 16, globex 1")
	tells(a, "of 2, acme 16, globex 1")

	// A gateway that ends shares its last counts first.
	a.calls("initech", 4)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := b.sums(t), "of 2, acme 16, globex 1, initech 4"; got != want {
		t.Errorf("after one ended: %s, want %s", got, want)
	}
	a = shares(t, redis, folder)

	// Nothing stays for longer than it is kept in files.
	for _, key := range strings.Fields(redis.CLI("--raw", "KEYS", "{test}:u*")) {
		left := redis.CLI("PTTL", key)
		if ms, err := time.ParseDuration(left + "ms"); err != nil || ms <= 0 || ms > usage.KeepDays+25*time.Hour || strings.Contains(key, ":hours:") && ms > usage.KeepHours+2*time.Hour {
			t.Errorf("%s is kept for %s", key, left)
		}
	}

	// Redis begins anew, and is told everything again.
	redis.Kill()
	tells(b, "alone, acme 2, globex 1")
	began := time.Now()
	b.calls("globex", 1000)
	if took := time.Since(began); took > time.Second {
		t.Errorf("counting waits for Redis: %v", took)
	}
	redis.Restart()
	tells(a, "of 2, acme 16, globex 1001, initech 4")
	tells(b, "of 2, acme 16, globex 1001, initech 4")

	// However often it was asked meanwhile, the log has a line for each time that it went away, and one for each that it came back.
	redis.Within(10*time.Second, "the log says that usage is shared again", func() bool { return b.log.count("usage is shared again") > 0 })
	if went, came := b.log.count(`level=WARN msg="usage is kept, and not shared"`), b.log.count("usage is shared again"); went != came || went != 1 || b.log.count("ERROR") > 0 {
		t.Errorf("the log says %d times that usage is not shared, and %d times that it is again: %s", went, came, &b.log.text)
	}
}

// TestBoardBounds writes and reads a full batch.
func TestBoardBounds(t *testing.T) {
	redis := redistest.Start(t)
	c, err := New(Config{Prefix: "test", Server: Server{Address: redis.Address}, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // it is only a client
	var fields []usage.Field
	for i := range 500 {
		fields = append(fields, usage.Field{Name: fmt.Append(nil, "field\x00", i), Value: fmt.Append(nil, i)})
	}
	for i, want := range []bool{false, true} {
		known, err := c.Write(t.Context(), "one", "hours:1", fields, time.Now().Add(time.Hour), time.Hour)
		if err != nil || known != want {
			t.Fatalf("the %d. time: %v, %v", i+1, known, err)
		}
	}
	got := 0
	err = c.Read(t.Context(), "one", []string{"hours:1", "hours:2"}, func(place string, f usage.Field) {
		if want := fmt.Sprint("field\x00", string(f.Value)); place != "hours:1" || string(f.Name) != want {
			t.Errorf("%s has %q: %s", place, f.Name, f.Value)
		}
		got++
	})
	all, listed := c.Gateways(t.Context(), 10)
	if err != nil || got != 500 || listed != nil || !slices.Equal(all, []string{"one"}) {
		t.Errorf("%d fields, %v; %q, %v", got, err, all, listed)
	}
}
