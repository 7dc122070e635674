package usage

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// clocked is a keeper of a folder whose clock stands still, and what it logs.
func clocked(t *testing.T, folder string, at time.Time) (*Keeper, *bytes.Buffer) {
	t.Helper()
	log := &bytes.Buffer{}
	k := NewKeeper(folder, slog.New(slog.NewTextHandler(log, nil)))
	k.now = func() time.Time { return at }
	return k, log
}

func count1(t *testing.T, k *Keeper, at time.Time, consumer, version, selected string, n int) {
	t.Helper()
	k.now = func() time.Time { return at }
	for range n {
		c := call(consumer, version, selected, 200)
		c.Ended = at
		k.Record(c)
	}
	if err := k.use(func(*Store) error { return nil }); err != nil {
		t.Fatal(err)
	}
}

func told(rows []Row) (all []string) {
	for _, r := range rows {
		all = append(all, fmt.Sprintf("%s %s by %s: %d, last %s", r.Consumer, r.Version, r.Selected, r.Requests, r.Last.Format("01-02 15:04")))
	}
	return all
}

// TestRollUp counts over months and restarts: hours are kept for a week, days for more than a year.
func TestRollUp(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "usage")
	k, _ := clocked(t, folder, noon)
	count1(t, k, noon.AddDate(0, 0, -401), "gone", "v1", "path", 5)
	count1(t, k, noon.AddDate(0, 0, -40), "acme", "v1", "path", 3)
	count1(t, k, noon.AddDate(0, 0, -8), "acme", "v1", "path", 1)
	count1(t, k, noon.Add(-3*time.Hour), "acme", "v1", "path", 2)
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	k, _ = clocked(t, folder, noon)
	defer k.Close()
	count1(t, k, noon, "acme", "v2", "header", 4)
	count1(t, k, noon, "globex", "v1", "path", 7)
	for _, c := range []struct {
		since time.Duration
		ask   Ask
		by    string
		want  []string
	}{
		{time.Hour, Ask{}, "hour", []string{"globex v1 by path: 7, last 11-01 12:00", "acme v2 by header: 4, last 11-01 12:00"}},
		{24 * time.Hour, Ask{Version: "v1"}, "hour", []string{"globex v1 by path: 7, last 11-01 12:00", "acme v1 by path: 2, last 11-01 09:00"}},
		{KeepHours, Ask{Consumer: "acme"}, "hour", []string{"acme v2 by header: 4, last 11-01 12:00", "acme v1 by path: 2, last 11-01 09:00"}},
		{30 * 24 * time.Hour, Ask{Version: "v1"}, "day", []string{"globex v1 by path: 7, last 11-01 12:00", "acme v1 by path: 3, last 11-01 09:00"}},
		{1000 * 24 * time.Hour, Ask{Version: "v1"}, "day", []string{"globex v1 by path: 7, last 11-01 12:00", "acme v1 by path: 6, last 11-01 09:00"}},
		{time.Hour, Ask{API: "parcels"}, "hour", nil},
	} {
		c.ask.Since = noon.Add(-c.since)
		r, err := k.Report(c.ask, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := told(r.Rows); r.By != c.by || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%+v: by the %s, %q\nwant by the %s, %q", c.ask, r.By, got, c.by, c.want)
		}
	}
}

func TestEnding(t *testing.T) {
	k, _ := clocked(t, t.TempDir(), noon)
	defer k.Close()
	sunset := noon.AddDate(0, 3, 0)
	versions := []Version{
		{API: "orders", Version: "v1", Sunset: sunset, Changes: []string{"customer-object"}},
		{API: "orders", Version: "v0", Sunset: noon.AddDate(0, -3, 0)},
		{API: "parcels", Version: "v1", Sunset: sunset},
	}
	count1(t, k, noon.AddDate(0, 0, -15), "long ago", "v1", "path", 5)
	count1(t, k, noon.AddDate(0, 0, -13), "acme", "v1", "path", 3)
	count1(t, k, noon.AddDate(0, 0, -1), "acme", "v1", "header", 2)
	count1(t, k, noon.AddDate(0, 0, -2), "globex", "v1", "pin", 1)
	count1(t, k, noon.AddDate(0, 0, -20), "globex", "v0", "path", 1)
	k.now = func() time.Time { return noon }
	got, err := k.Ending(versions)
	if err != nil {
		t.Fatal(err)
	}
	want := []Ending{{API: "orders", Version: "v1", Sunset: &sunset, Changes: []string{"customer-object"}, Callers: 2,
		Consumers: []string{"acme", "globex"}, Requests: 6, Last: noon.AddDate(0, 0, -1)}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

// A period has room for so many keys; what comes then is counted as of others, and what is there goes on.
func TestStoreBounds(t *testing.T) {
	k, _ := clocked(t, t.TempDir(), noon)
	defer k.Close()
	count1(t, k, noon, "first", "v1", "path", 1)
	k.store.limit = 3
	for i := range 5 {
		count1(t, k, noon, fmt.Sprint("consumer-", i), "v1", "path", 1)
	}
	count1(t, k, noon, "first", "v1", "path", 1)
	k.store.full = func(int64) bool { return true }
	count1(t, k, noon.Add(48*time.Hour), "late", "v1", "path", 1)
	r, err := k.Report(Ask{Since: noon.AddDate(0, 0, -30)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"(other) v1 by path: 4, last 11-03 12:00", "first v1 by path: 2, last 11-01 12:00",
		"consumer-0 v1 by path: 1, last 11-01 12:00", "consumer-1 v1 by path: 1, last 11-01 12:00"}
	if got := told(r.Rows); !reflect.DeepEqual(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}

// While another process has the file, what is counted waits.
func TestFileIsHeld(t *testing.T) {
	folder := t.TempDir()
	first, _ := clocked(t, folder, noon)
	count1(t, first, noon, "acme", "v1", "path", 1)
	second, log := clocked(t, folder, noon)
	defer second.Close()
	second.Record(call("globex", "v1", "path", 200))
	if _, err := second.Report(Ask{}, nil); err == nil || second.Failing() == nil || !strings.Contains(log.String(), "usage is counted, and not kept") {
		t.Errorf("two have the file: %v, %s", err, log)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := second.Report(Ask{Since: noon.Add(-time.Hour)}, nil)
	if err != nil || len(r.Rows) != 2 || second.Failing() != nil {
		t.Errorf("%+v, %v", r, err)
	}
}

// A broken file is put aside, wherever it is broken.
func TestFileIsBroken(t *testing.T) {
	for name, harm := range map[string]func([]byte) []byte{
		"empty text":       func([]byte) []byte { return []byte("this is no database, and has been one never") },
		"cut off":          func(b []byte) []byte { return b[:len(b)/2] },
		"its head":         func(b []byte) []byte { return append(bytes.Repeat([]byte{7}, 8192), b[8192:]...) },
		"all but its head": func(b []byte) []byte { return append(bytes.Clone(b[:8192]), bytes.Repeat([]byte{7}, len(b)-8192)...) },
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			k, _ := clocked(t, folder, noon)
			for i := range 1000 {
				k.Record(call(fmt.Sprint("consumer-", i), "v1", "path", 200))
			}
			count1(t, k, noon, "acme", "v1", "path", 1)
			if err := k.Close(); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(folder, "usage.db")
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, harm(text), 0o600); err != nil {
				t.Fatal(err)
			}
			k, log := clocked(t, folder, noon)
			defer k.Close()
			k.Record(call("globex", "v1", "path", 200))
			if _, err := k.Report(Ask{}, nil); err != nil { // it was opened, and is broken further inside
				_, err = k.Report(Ask{}, nil)
				if err != nil {
					t.Fatal(err)
				}
			}
			r, err := k.Report(Ask{Since: noon.Add(-time.Hour)}, nil)
			if err != nil || len(r.Rows) != 1 || r.Rows[0].Consumer != "globex" {
				t.Errorf("%+v, %v: %s", r, err, log)
			}
			if _, err := os.Stat(path + broken); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestStart has the file opened, and written when it ends.
func TestStart(t *testing.T) {
	folder := t.TempDir()
	k := NewKeeper(folder, slog.New(slog.DiscardHandler))
	opened := make(chan bool)
	k.Record(call("acme", "v1", "path", 200)) // before the start
	k.Start(func() { opened <- true })
	<-opened
	k.Start(func() { opened <- true }) // of another app
	<-opened
	k.Record(call("acme", "v1", "path", 200))
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	again := NewKeeper(folder, slog.New(slog.DiscardHandler))
	defer again.Close()
	r, err := again.Report(Ask{Since: time.Now().Add(-time.Hour)}, nil)
	if err != nil || len(r.Rows) != 1 || r.Rows[0].Requests != 2 {
		t.Errorf("%+v, %v", r, err)
	}
	if err := NewKeeper(folder, nil).Close(); err != nil {
		t.Errorf("one that never started: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encodeKey(periodOf(noon, time.Hour), Key{"acme", "orders", "v1", "path"}), encodeSums(&Sums{Requests: 1, Last: noon}))
	f.Add([]byte("12345678\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), []byte{0x80})
	f.Fuzz(func(t *testing.T, name, value []byte) {
		if k, ok := decodeKey(name); ok {
			again, ok := decodeKey(encodeKey([8]byte(name[:8]), k))
			if !ok || again != k {
				t.Errorf("%+v became %+v", k, again)
			}
		}
		if s, ok := decodeSums(value); ok {
			if again, ok := decodeSums(encodeSums(&s)); !ok || again.Requests != s.Requests || again.Took != s.Took {
				t.Errorf("%+v became %+v", s, again)
			}
		}
	})
}
