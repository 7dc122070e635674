package issuer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Store keeps the last good keys of one source over restarts. What comes from it is believed, for whoever can write there
// can write the server's certificates too.
type Store interface {
	// Load gives what was saved last, nil if nothing was.
	Load(ctx context.Context) ([]byte, error)
	// Save keeps it, whole or not at all.
	Save(ctx context.Context, text []byte) error
}

// storeTimeout bounds what a store may take.
const storeTimeout = 5 * time.Second

// kept is what lies in a Store.
type kept struct {
	Confirmed time.Time `json:"confirmed"`
	From      string    `json:"from"`
	Keys      []byte    `json:"keys"` // as they came
}

// recall takes up what was kept, if it is still good.
func (s *Source) recall() {
	s.mu.Lock()
	store := s.store
	s.mu.Unlock()
	if store == nil {
		return
	}
	ctx, cancel := context.WithTimeout(s.ctx, storeTimeout)
	defer cancel()
	text, err := store.Load(ctx)
	if text == nil && err == nil {
		return
	}
	k, err := read(text, err)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.tell(Event{Kind: NotKept, Err: fmt.Errorf("reading the keys that were kept: %w", err)})
		return
	}
	if at := k.confirmed; s.now.Load() == nil && !at.After(time.Now()) {
		s.put(k.keys, at)
		s.status.JWKS, s.status.Kept = k.from, true
	}
}

// remembered is what was kept, read.
type remembered struct {
	keys
	from      string
	confirmed time.Time
}

func read(text []byte, err error) (*remembered, error) {
	if err != nil {
		return nil, err
	}
	var k kept
	if err := json.Unmarshal(text, &k); err != nil {
		return nil, errors.New("it is not what was kept")
	}
	set, err := parse(k.From, k.Keys)
	if err != nil {
		return nil, err
	}
	return &remembered{keys: keys{set, k.Keys}, from: k.From, confirmed: k.Confirmed}, nil
}

// keep has the store keep keys beside what goes on. The caller holds s.mu.
func (s *Source) keep(got *fetched, at time.Time) {
	store := s.store
	if store == nil {
		return
	}
	text, err := json.Marshal(kept{Confirmed: at, From: got.from, Keys: got.text})
	if err != nil {
		return
	}
	s.working.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), storeTimeout)
		defer cancel()
		if err := store.Save(ctx, text); err != nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.tell(Event{Kind: NotKept, Err: fmt.Errorf("keeping the keys: %w", err)})
		}
	})
}
