package console

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wicketgate/wicketgate/internal/explain"
	"github.com/wicketgate/wicketgate/internal/usage"
)

// Each latency is in a bucket whose middle is not far from it.
func TestBuckets(t *testing.T) {
	last := -1
	for us := int64(0); us < 60_000_000; us += 1 + us/7 {
		b := bucketOf(time.Duration(us) * time.Microsecond)
		if b < last || b >= buckets {
			t.Fatalf("%d µs is in bucket %d, and what is less in %d", us, b, last)
		}
		last = b
		if off := middleOf(b)*1000 - float64(us); us >= 4 && (off > float64(us)/4+1 || -off > float64(us)/4+1) {
			t.Fatalf("%d µs is in bucket %d, whose middle is %g ms", us, b, middleOf(b))
		}
	}
	if b := bucketOf(time.Hour); b != buckets-1 {
		t.Errorf("an hour is in bucket %d", b)
	}
}

// Traffic is told second by second to whoever watches, and its past to who comes later.
func TestTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(slog.New(slog.DiscardHandler))
		l.Traffic.Know([]Key{{"orders", "v1"}, {"orders", "v2"}})
		l.Traffic.Start()
		defer l.Traffic.Close()
		frames, leave, ok := l.Traffic.View()
		if !ok {
			t.Fatal("nobody may watch")
		}
		defer leave()
		call := func(version string, status int, took time.Duration) {
			l.Traffic.Record(&Call{Key: Key{"orders", version}, Status: status, Took: took})
		}
		for range 90 {
			call("v1", 200, time.Millisecond)
		}
		for range 9 {
			call("v1", 404, 100*time.Millisecond)
		}
		call("v2", 502, time.Second)
		call("v9", 200, time.Millisecond) // of no version that is known
		time.Sleep(1001 * time.Millisecond)
		text := <-frames
		var told struct {
			Total []float64
			Of    []struct {
				I int
				S []float64
			}
		}
		if err := json.Unmarshal(text, &told); err != nil {
			t.Fatal(err)
		}
		if want := []float64{101, 9, 1}; !slices.Equal(told.Total[:3], want) {
			t.Errorf("in all %v, want %v", told.Total, want)
		}
		if len(told.Of) != 3 || told.Of[0].I != 0 || told.Of[0].S[0] != 99 || told.Of[0].S[1] != 9 || told.Of[1].S[2] != 1 || told.Of[2].I != 2 {
			t.Errorf("of each: %s", text)
		}
		if p50, p95 := told.Of[0].S[3], told.Of[0].S[4]; p50 < .8 || p50 > 1.2 || p95 < 80 || p95 > 120 {
			t.Errorf("p50 %g ms, p95 %g ms", p50, p95)
		}
		if h := l.Traffic.History(nil); h.Of[0].Minutes[59].Requests != 99 {
			t.Errorf("by the minute, before ten seconds have gone: %v", h.Of)
		}
		time.Sleep(10 * time.Second)
		h := l.Traffic.History(&Key{"orders", "v1"})
		if n := len(h.Seconds); n != fine || h.Seconds[n-11].Requests != 99 || h.Seconds[n-1].Requests != 0 {
			t.Errorf("the seconds of v1: %v", h.Seconds)
		}
		if n := len(h.TenSecond); n != coarse || h.TenSecond[n-1].Requests != 99 {
			t.Errorf("the last ten seconds of v1: %v", h.TenSecond[n-1])
		}
		if len(h.Of) != 4 || h.Of[0].Minutes[59].Requests != 99 || h.Of[1].Minutes[59].Failed != 1 {
			t.Errorf("by the minute: %v", h.Of)
		}
		l.Traffic.Know([]Key{{"orders", "v2"}, {"orders", "v3"}}) // v1 is gone, and what v2 came to stays
		if h = l.Traffic.History(nil); h.Of[0].Version != "v2" || h.Of[0].Minutes == nil || h.Of[1].Minutes != nil || h.Generation == 0 {
			t.Errorf("another catalogue: %v", h.Of)
		}
	})
}

// A slow viewer gets the newest, and no more may watch than may.
func TestViewers(t *testing.T) {
	l := New(slog.New(slog.DiscardHandler))
	var last <-chan []byte
	for range MaxViewers {
		frames, _, ok := l.Traffic.View()
		if !ok {
			t.Fatal("too few may watch")
		}
		last = frames
	}
	if _, _, ok := l.Traffic.View(); ok {
		t.Error("too many may watch")
	}
	for i := range 5 {
		l.Traffic.tick(time.Unix(int64(i), 0))
	}
	if text := string(<-last); !strings.Contains(text, `"at":4`) {
		t.Errorf("told last: %s", text)
	}
	l.Traffic.Close()
	if _, open := <-last; open {
		t.Error("it is told on")
	}
}

// As many versions as there are, what is kept is bounded.
func TestManyVersions(t *testing.T) {
	l := New(slog.New(slog.DiscardHandler))
	var keys []Key
	for i := range 1000 {
		keys = append(keys, Key{fmt.Sprint("api", i), "v1"})
	}
	l.Traffic.Know(keys)
	for _, k := range keys {
		l.Traffic.Record(&Call{Key: k, Status: 200})
	}
	l.Traffic.tick(time.Unix(1, 0))
	h := l.Traffic.History(&Key{API: Others})
	if len(h.Of) != maxKeys+3 || h.Seconds[fine-1].Requests != uint32(len(keys)-maxKeys) {
		t.Errorf("%d are told apart, and %d count together", len(h.Of), h.Seconds[fine-1].Requests)
	}
}

// The last refusals of each version are kept, a few of a second, within their bounds.
func TestRefused(t *testing.T) {
	r := NewRefused()
	now := time.Unix(1000, 0)
	kept := 0
	refuse := func(api string, at time.Time, body []byte) {
		if r.Wants(Key{API: api}, at) {
			kept++
			r.Keep(&Refusal{ID: fmt.Sprint(api, kept), API: api, At: at, Detail: strings.Repeat("x", 5000), Method: "POST", URL: "https://localhost/", Consumer: "acme"},
				[]explain.Field{{Name: "A", Value: "b"}, {Name: "B", Value: strings.Repeat("x", maxKeptHeader)}}, body)
		}
	}
	for i := range 100 {
		refuse("orders", now, make([]byte, i))
	}
	if kept != perSecond {
		t.Errorf("%d of a second are kept, want %d", kept, perSecond)
	}
	for i := range 100 {
		refuse("orders", now.Add(time.Duration(i)*time.Second), make([]byte, MaxKeptBody+1))
	}
	refuse("users", now, []byte("{}"))
	all := r.List(nil, 1000)
	if len(all) != perKey+1 || r.Count() != 201 || !slices.IsSortedFunc(all, func(a, b *Refusal) int { return b.At.Compare(a.At) }) {
		t.Fatalf("%d are kept of %d", len(all), r.Count())
	}
	one := all[0]
	if len(one.Detail) > maxKeptText+4 || !one.Partial || len(one.header) != 1 || one.body != nil {
		t.Errorf("kept %d bytes of text, %v", len(one.Detail), one.header)
	}
	found := r.Find(all[perKey].ID)
	if found == nil || found.API != "users" {
		t.Fatalf("found %v", found)
	}
	if q := found.Question(); string(q.Body) != "{}" || q.As.Consumer != "acme" || len(q.Header) != 1 {
		t.Errorf("asked %+v", q)
	}
	for i := range 1000 {
		refuse(fmt.Sprint("more", i), now, nil)
	}
	if n := len(r.rings); n != maxRings {
		t.Errorf("of %d versions something is kept", n)
	}
}

// A quota is near its end until it has filled again.
func TestQuotas(t *testing.T) {
	q := NewQuotas()
	now := time.Unix(1000, 0)
	q.Used("per_consumer", "daily", Counted{Key: "acme"}, 24*time.Hour, .9, now)
	q.Used("per_consumer", "burst", Counted{Key: "acme"}, 10*time.Second, 1, now)
	q.Used("per_consumer", "burst", Counted{Key: "globex"}, 10*time.Second, .5, now)
	q.Used("uploads", "concurrent", Counted{Key: "globex"}, 0, 1, now)
	names := func(at time.Time) (all []string) {
		for _, n := range q.Near(at).Quotas {
			all = append(all, n.Key+" "+n.Quota)
		}
		return all
	}
	if got, want := names(now), []string{"acme burst", "globex concurrent", "acme daily"}; !slices.Equal(got, want) {
		t.Errorf("near: %q, want %q", got, want)
	}
	if got, want := names(now.Add(3*time.Second)), []string{"globex concurrent", "acme daily"}; !slices.Equal(got, want) {
		t.Errorf("after 3 s: %q, want %q", got, want)
	}
	if got := names(now.Add(3 * time.Hour)); got != nil {
		t.Errorf("after 3 h: %q", got)
	}
	for i := range 3 * maxNear {
		q.Used("l", "q", Counted{Key: fmt.Sprint(i)}, time.Hour, 1, now)
	}
	if all := q.Near(now); len(q.all) != maxNear || len(all.Quotas) != shown || all.More != 3*maxNear-shown {
		t.Errorf("kept %d, shown %d, and %d more", len(q.all), len(all.Quotas), all.More)
	}
	q.Used("l", "q", Counted{Key: "late"}, time.Hour, 1, now.Add(2*time.Hour)) // those before are not near any more
	if got, want := names(now.Add(2*time.Hour)), []string{"late q"}; !slices.Equal(got, want) {
		t.Errorf("later: %q, want %q", got, want)
	}
}

// Callers are added up by version, and those asked for are shown, up to a bound.
func TestCallers(t *testing.T) {
	r := &usage.Report{By: "day", More: 3}
	at := time.Unix(1000, 0)
	for i := range 700 {
		r.Rows = append(r.Rows, usage.Row{API: "orders", Version: "v1", Selected: []string{"path", "header"}[i%2], Consumer: fmt.Sprint("consumer-", i/2), Requests: 1, Last: at})
	}
	c := CallersOf(r, "")
	if len(c.Rows) != maxCallers || c.More != 203 || len(c.Versions) != 1 || c.Versions[0].Callers != 350 || c.Versions[0].Requests != 700 || !c.Versions[0].Last.Equal(at) {
		t.Errorf("%d rows, %d more, %+v", len(c.Rows), c.More, c.Versions)
	}
	if c = CallersOf(r, "MER-34"); len(c.Rows) != 22 {
		t.Errorf("%d rows have the name", len(c.Rows))
	}
}

// What somebody has just asked is not looked up again.
func TestUsage(t *testing.T) {
	var u Usage
	asked := 0
	ask := func(usage.Ask) (*usage.Report, error) { asked++; return &usage.Report{}, nil }
	now := time.Unix(1000, 0)
	for i := range 100 {
		if _, err := u.Report(usage.Ask{API: fmt.Sprint(i % 2)}, time.Hour, now, ask); err != nil {
			t.Fatal(err)
		}
	}
	if asked != 2 {
		t.Errorf("looked up %d times", asked)
	}
	for i := range 100 {
		u.Report(usage.Ask{API: fmt.Sprint(i)}, time.Hour, now.Add(hold), ask)
	}
	if len(u.held) > maxAsked {
		t.Errorf("%d answers are held", len(u.held))
	}
}
