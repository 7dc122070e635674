package assertion

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// shared is a storage that several nodes have.
type shared struct {
	mu     sync.Mutex
	values map[string][]byte
	locks  chan struct{} // holds one while the lock is to be had
	stores int
	broken error // what all of it fails with
	frozen error // what Store fails with
}

func newShared() *shared {
	s := &shared{values: map[string][]byte{}, locks: make(chan struct{}, 1)}
	s.locks <- struct{}{}
	return s
}

func (s *shared) Load(_ context.Context, name string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return nil, s.broken
	}
	v, there := s.values[name]
	if !there {
		return nil, fs.ErrNotExist
	}
	return v, nil
}

func (s *shared) Store(_ context.Context, name string, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := errors.Join(s.broken, s.frozen); err != nil {
		return err
	}
	s.stores++
	s.values[name] = value
	return nil
}

func (s *shared) Lock(ctx context.Context, _ string) error {
	select {
	case <-s.locks:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *shared) Unlock(context.Context, string) error {
	s.locks <- struct{}{}
	return nil
}

func (s *shared) fails(broken, frozen error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken, s.frozen = broken, frozen
}

// ids are those of the published keys.
func ids(t *testing.T, k *Keys) []string {
	t.Helper()
	var set struct {
		Keys []map[string]string `json:"keys"`
	}
	text, tag := k.Set()
	if err := json.Unmarshal(text, &set); err != nil || tag == "" {
		t.Fatal(err)
	}
	var all []string
	for _, k := range set.Keys {
		if k["d"] != "" || k["kty"] != "EC" || k["crv"] != "P-256" || k["alg"] != "ES256" || k["use"] != "sig" {
			t.Errorf("published is %v", k)
		}
		all = append(all, k["kid"])
	}
	return all
}

// TestNodes runs two nodes on one storage for a hundred days: they sign with one key, no key signs that was not published
// for a day before, and none goes while a token of its may live.
func TestNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := newShared()
		nodes := []*Keeper{NewKeeper(DefaultRotate), NewKeeper(DefaultRotate)}
		var wg sync.WaitGroup
		for _, n := range nodes {
			wg.Go(func() {
				if err := n.Look(ctx, s, time.Now()); err != nil {
					t.Error(err)
				}
				n.Run(ctx, s, func(err error) { t.Errorf("a look failed: %v", err) })
			})
		}
		synctest.Wait()
		published := map[string]time.Time{} // since when
		signed := map[string]time.Time{}    // until when
		signers := []string{}
		first := time.Now()
		for range 100 * 24 {
			time.Sleep(time.Hour)
			synctest.Wait()
			now := time.Now()
			set := ids(t, nodes[0].Keys())
			if !slices.Equal(set, ids(t, nodes[1].Keys())) {
				t.Fatal("the nodes publish different keys")
			}
			for _, id := range set {
				if _, known := published[id]; !known {
					published[id] = now
				}
			}
			signs := nodes[0].Keys().signer(now).id
			if signs != nodes[1].Keys().signer(now).id {
				t.Fatal("the nodes sign with different keys")
			}
			if !slices.Contains(signers, signs) {
				if signers = append(signers, signs); len(signers) > 1 && now.Sub(published[signs]) < maxAhead-2*time.Hour {
					t.Errorf("a key signs that was published %s before", now.Sub(published[signs]))
				}
			}
			signed[signs] = now
			for id, last := range signed {
				if !slices.Contains(set, id) && now.Sub(last) < keep {
					t.Errorf("a key is gone that signed %s ago", now.Sub(last))
				}
			}
			if len(set) > 2 {
				t.Errorf("%d keys are published", len(set))
			}
		}
		if want := int(time.Since(first)/DefaultRotate) + 1; len(signers) != want {
			t.Errorf("%d keys have signed, want %d", len(signers), want)
		}
		// A node that starts now has the keys that there are.
		before := s.stores
		late := NewKeeper(DefaultRotate)
		if err := late.Look(ctx, s, time.Now()); err != nil || !slices.Equal(ids(t, late.Keys()), ids(t, nodes[0].Keys())) || s.stores != before {
			t.Errorf("a restart has other keys: %v", err)
		}
		cancel()
		wg.Wait()
	})
}

// TestTrouble has the storage fail in all its ways, at first and later.
func TestTrouble(t *testing.T) {
	now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	down := errors.New("connection refused")
	s := newShared()
	k := NewKeeper(DefaultRotate)
	s.fails(down, nil)
	if err := k.Look(t.Context(), s, now); !errors.Is(err, down) || k.Keys() != nil {
		t.Fatalf("without a storage: %v", err)
	}
	s.fails(nil, down)
	if err := k.Look(t.Context(), s, now); !errors.Is(err, down) || k.Keys() != nil {
		t.Fatalf("with a storage that takes nothing: %v", err)
	}
	if got := k.Status(now); got.Keys != 0 || got.Error == "" || got.Failing == nil || !got.Failing.Equal(now) {
		t.Errorf("the status is %+v", got)
	}
	s.fails(nil, nil)
	if err := k.Look(t.Context(), s, now); err != nil {
		t.Fatal(err)
	}
	first := k.Keys()
	if got := k.Status(now); got.Keys != 1 || got.Error != "" || got.Failing != nil || got.Signs != first.signer(now).id {
		t.Errorf("the status is %+v", got)
	}

	s.fails(down, nil)
	now = now.Add(DefaultRotate)
	if err := k.Look(t.Context(), s, now); !errors.Is(err, down) || k.Keys() != first || first.signer(now).private == nil {
		t.Errorf("the storage went away, and with it the keys: %v", err)
	}
	s.fails(nil, down)
	if err := k.Look(t.Context(), s, now); !errors.Is(err, down) || k.Keys() != first {
		t.Errorf("the next key cannot be stored: %v", err)
	}
	// What nobody could rotate for a while signs on until the next one has been published for long enough.
	s.fails(nil, nil)
	if err := k.Look(t.Context(), s, now); err != nil || len(ids(t, k.Keys())) != 2 || k.Keys().signer(now).id != first.signer(now).id ||
		k.Keys().signer(now.Add(maxAhead)).id == first.signer(now).id {
		t.Errorf("overdue: %v", err)
	}
	second := k.Keys()

	// Taken away, the record is stored again as it was; broken, it is left alone.
	good := s.values[stored]
	delete(s.values, stored)
	if err := k.Look(t.Context(), s, now); err != nil || k.Keys() != second || string(s.values[stored]) != string(good) {
		t.Errorf("a record that was taken away: %v", err)
	}
	for _, broken := range []string{"", "{}", "[]", `{"keys":[]}`, `{"keys":[{"from":"2026-12-01T00:00:00Z","private":"c2VjcmV0"}]}`, string(good[:len(good)-2]), string(good) + "x",
		strings.Repeat(" ", maxRecord) + string(good), `{"keys":[` + strings.Repeat(`{},`, maxKeys) + `{}]}`} {
		s.values[stored] = []byte(broken)
		err := k.Look(t.Context(), s, now)
		if err == nil || k.Keys() != second || string(s.values[stored]) != broken {
			t.Errorf("%.40q: %v", broken, err)
		} else if strings.Contains(err.Error(), "c2VjcmV0") || strings.Contains(err.Error(), "secret") {
			t.Errorf("the error quotes the record: %v", err)
		}
		if err := NewKeeper(DefaultRotate).Look(t.Context(), s, now); err == nil {
			t.Errorf("%.40q: a node starts with it", broken)
		}
	}

	// A lock that nobody lets go of is waited for, and not for ever.
	s.values = map[string][]byte{}
	<-s.locks
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := NewKeeper(DefaultRotate).Look(ctx, s, now); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a lock that is held: %v", err)
	}
}

// TestDue looks at when keys are made and given up, for the shortest time and the longest.
func TestDue(t *testing.T) {
	for _, rotate := range []time.Duration{MinRotate, DefaultRotate, MaxRotate} {
		now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
		r, made, err := record{}.due(now, rotate)
		if err != nil || !made || len(r.Keys) != 1 || !r.Keys[0].From.Equal(now) {
			t.Fatalf("%s: at first: %v", rotate, err)
		}
		if ahead(rotate) < MaxAge+every {
			t.Errorf("%s: a key is published for %s before it signs", rotate, ahead(rotate))
		}
		if _, due, _ := r.due(now.Add(rotate-ahead(rotate)-1), rotate); due {
			t.Errorf("%s: too early", rotate)
		}
		next, due, _ := r.due(now.Add(rotate-ahead(rotate)), rotate)
		if !due || len(next.Keys) != 2 || !next.Keys[1].From.Equal(now.Add(rotate)) {
			t.Errorf("%s: not in time", rotate)
		}
		if _, due, _ := next.due(now.Add(rotate+min(keep, rotate-ahead(rotate)-1)), rotate); due && rotate > 2*keep {
			t.Errorf("%s: given up while its tokens live", rotate)
		}
		if last, due, _ := next.due(now.Add(rotate+keep+time.Second), rotate); !due || !last.Keys[0].From.Equal(now.Add(rotate)) {
			t.Errorf("%s: never given up", rotate)
		}
	}
}

// What prints of a key, in a log or a panic, is its id.
func TestKeysPrintNothing(t *testing.T) {
	r, _, err := record{}.due(time.Now(), DefaultRotate)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := r.ready()
	if err != nil {
		t.Fatal(err)
	}
	k := keys.keys[0]
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(format, k); got != k.id {
			t.Errorf("%s prints %s", format, got)
		}
	}
}

// TestStatusWaitsForNothing asks for the status while a look waits for a lock that nobody lets go.
func TestStatusWaitsForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShared()
		k := NewKeeper(DefaultRotate)
		if err := k.Look(t.Context(), s, time.Now()); err != nil {
			t.Fatal(err)
		}
		<-s.locks // another node has it
		time.Sleep(DefaultRotate)
		began := time.Now()
		done := make(chan error)
		go func() { done <- k.Look(t.Context(), s, time.Now()) }()
		synctest.Wait()
		if got := k.Status(time.Now()); got.Signs == "" || got.Looked == nil || got.Failing != nil || time.Since(began) > 0 {
			t.Errorf("after %s: %+v", time.Since(began), got)
		}
		if err := <-done; err == nil || time.Since(began) != patience {
			t.Errorf("the look ended after %s: %v", time.Since(began), err)
		}
		if got := k.Status(time.Now()); got.Failing == nil || got.Error == "" {
			t.Errorf("then: %+v", got)
		}
	})
}
