package status

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/usage"
)

// TestEventsPage holds the page against what events tell, and what they tell against secrets.
func TestEventsPage(t *testing.T) {
	text, err := os.ReadFile("../../docs/status.md")
	if err != nil {
		t.Fatal(err)
	}
	_, page, _ := strings.Cut(string(text), "## Events")
	page, _, _ = strings.Cut(page, "## Fields")
	hide := func(text string) string { return strings.ReplaceAll(text, "key-17", "REDACTED") }
	var none *Load
	failed := none.Succeeded(3, nil, noon).Failed(hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Wrong", Detail: "It is key-17 of https://a:b@c/?d=e.",
		Subject: &hcl.Range{Filename: "a.hcl", Start: hcl.Pos{Line: 1, Column: 3}}}}, noon)
	for _, e := range []Event{
		FailedLoad(failed, hide), LoadTaken(failed, true), Breaker("upstream", "orders", "127.0.0.1:1", "closed", "open"), Breaker("integration", "payments", "api.example", "closed", "open"),
		FailedBundle("https://b.example/gw.tar.gz", "unreachable", "r7", errors.New("get https://b.example/gw.tar.gz?token=s3cret: key-17"), hide),
		NewBundle("https://b.example/gw.tar.gz", "r8", `"etag"`), Sunset("orders", "v1", noon),
	} {
		row := ""
		for line := range strings.Lines(page) {
			if strings.HasPrefix(line, "| `"+e.Name+"` |") {
				row = line
			}
		}
		for name := range e.Data {
			if !strings.Contains(row, "`"+name+"`") {
				t.Errorf("%s tells %q, and the page says %q", e.Name, name, row)
			}
		}
		if said := fmt.Sprint(e.Data); strings.Contains(said, "key-17") || strings.Contains(said, "s3cret") || strings.Contains(said, "a:b@") {
			t.Errorf("%s tells %s", e.Name, said)
		}
	}
}

// TestWatchSunsets has sunsets pass while versions come and go.
func TestWatchSunsets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		at := func(name string, in time.Duration) usage.Version {
			return usage.Version{API: "orders", Version: name, Sunset: began.Add(in)}
		}
		all := []usage.Version{at("v0", -time.Hour), at("v1", 90*time.Second), at("v2", time.Hour), {API: "orders", Version: "v3"}}
		var crossed []string
		wake := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			s := Sunsets{
				Versions: func() ([]usage.Version, bool) { return all, true },
				Crossed: func(v usage.Version) {
					crossed = append(crossed, fmt.Sprint(v.Version, " after ", time.Since(began)))
				},
				Kept: func(context.Context) (Ahead, error) { return nil, nil },
				Keep: func(context.Context, Ahead) error { return nil },
			}
			s.Watch(ctx, wake)
		}()
		synctest.Wait()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		all = append(all, at("v4", 10*time.Minute+time.Second)) // a load
		wake <- struct{}{}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		cancel()
		<-done
		if want := []string{"v1 after 1m30s", "v4 after 10m1s", "v2 after 1h0m0s"}; !slices.Equal(crossed, want) {
			t.Errorf("%q, want %q", crossed, want)
		}
	})
}

// away says whether the storage is.
type away struct{ atomic.Bool }

func (a *away) err() error {
	if a.Load() {
		return errors.New("the storage is away")
	}
	return nil
}

// TestSunsetsWhileDown has sunsets pass while the process is down, and what is kept of them away for a while.
func TestSunsetsWhileDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		at := func(name string, in time.Duration) usage.Version {
			return usage.Version{API: "orders", Version: name, Sunset: began.Add(in)}
		}
		all := []usage.Version{at("v0", -time.Hour), at("v1", time.Hour), at("v2", 3*time.Hour), at("v3", 5*time.Hour)}
		var kept Ahead // nothing, at the first start
		var gone away
		var told []string
		s := &Sunsets{
			Versions: func() ([]usage.Version, bool) { return all, true },
			Crossed:  func(v usage.Version) { told = append(told, v.Version) },
			Kept:     func(context.Context) (Ahead, error) { return maps.Clone(kept), gone.err() },
			Keep: func(_ context.Context, now Ahead) error {
				if gone.err() == nil {
					kept = maps.Clone(now)
				}
				return gone.err()
			},
		}
		// run has a process run for a time, and gives what it tells.
		run := func(long time.Duration) string {
			told = nil
			ctx, cancel := context.WithTimeout(t.Context(), long)
			defer cancel()
			s.Watch(ctx, nil)
			return strings.Join(told, " ")
		}
		is := func(what, got, want string) {
			t.Helper()
			if got != want {
				t.Errorf("%s: told of %q, want %q", what, got, want)
			}
		}
		is("the first start", run(10*time.Minute), "")
		time.Sleep(2 * time.Hour)
		is("v1 ended while it was down", run(10*time.Minute), "v1")
		is("a start more", run(10*time.Minute), "")
		time.Sleep(time.Hour)
		all = append(all, at("v4", time.Hour)) // which had ended when anybody heard of it
		gone.Store(true)
		is("v2 ended, and nobody knows that nobody was told", run(10*time.Minute), "")
		is("v3 ends while the storage is away", run(2*time.Hour), "v3")
		go func() {
			time.Sleep(5 * time.Minute)
			gone.Store(false)
		}()
		is("the storage is back, which could not keep that v3 was told of", run(10*time.Minute), "v2 v3")
		is("a start more", run(10*time.Minute), "")
	})
}

// A sunset that was told of is not told of again once the storage is back that says it is ahead.
func TestSunsetToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v1 := usage.Version{API: "orders", Version: "v1", Sunset: time.Now().Add(time.Hour)}
		var gone away
		gone.Store(true)
		told := 0
		s := &Sunsets{
			Versions: func() ([]usage.Version, bool) { return []usage.Version{v1}, true },
			Crossed:  func(usage.Version) { told++ },
			Kept:     func(context.Context) (Ahead, error) { return Ahead{{"orders", "v1"}: true}, gone.err() },
			Keep:     func(context.Context, Ahead) error { return gone.err() },
		}
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Hour)
		defer cancel()
		go func() {
			time.Sleep(2 * time.Hour)
			gone.Store(false)
		}()
		s.Watch(ctx, nil)
		if told != 1 {
			t.Errorf("told %d times", told)
		}
	})
}
