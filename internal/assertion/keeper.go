package assertion

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"
)

// Storage is what the nodes of a gateway share. Its methods are those of certmagic's.
type Storage interface {
	// Load gives what is stored under a name; the error is fs.ErrNotExist where nothing is.
	Load(ctx context.Context, name string) ([]byte, error)
	// Store stores it, all or nothing.
	Store(ctx context.Context, name string, value []byte) error
	// Lock waits until nobody else has the lock of this name.
	Lock(ctx context.Context, name string) error
	// Unlock lets it go.
	Unlock(ctx context.Context, name string) error
}

const (
	stored = "api_gateway/signing_keys.json" // the name of the record
	locked = "api_gateway_signing_keys"      // the name of its lock

	// every is how often the storage is looked at: a minute.
	every = time.Minute
	// patience bounds one look: 15 s.
	patience = 15 * time.Second
)

// Keeper is a Source of keys that the gateway makes itself and replaces in time. What it has stays in force while the
// storage is in trouble.
type Keeper struct {
	rotate time.Duration
	keys   atomic.Pointer[Keys]

	mu     sync.Mutex // one look at a time; guards the two below
	last   []byte     // the record in force, as it is stored; nil before there is one
	record record     // the same

	standing atomic.Pointer[standing] // nil before the first look has ended
}

// standing is how looks go. It is never changed once stored, so that nobody waits for a look to know it.
type standing struct {
	failed  error     // why the last look failed
	failing time.Time // since when they do
	looked  time.Time // when one last did not
}

// NewKeeper makes a keeper of keys that sign for a while each, from MinRotate to MaxRotate. It has none before Look.
func NewKeeper(rotate time.Duration) *Keeper { return &Keeper{rotate: rotate} }

// Keys implements Source.
func (k *Keeper) Keys() *Keys { return k.keys.Load() }

// Run looks into the storage from time to time, until ctx ends: for keys that other nodes made, and whether one is to be
// made. report is told of every look that failed, and of nil after the first that did not.
func (k *Keeper) Run(ctx context.Context, storage Storage, report func(error)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	failing := k.trouble() != nil
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := k.Look(ctx, storage, time.Now())
		if ctx.Err() != nil {
			return
		}
		if err != nil || failing {
			report(err)
		}
		failing = err != nil
	}
}

func (k *Keeper) trouble() error { return k.stands().failed }

func (k *Keeper) stands() standing {
	if s := k.standing.Load(); s != nil {
		return *s
	}
	return standing{}
}

// Look takes over the keys in the storage. It makes the first one, and the next where that is due.
func (k *Keeper) Look(ctx context.Context, storage Storage, now time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	s := k.stands()
	s.failed = k.look(ctx, storage, now)
	switch {
	case s.failed == nil:
		s.looked, s.failing = now, time.Time{}
	case s.failing.IsZero():
		s.failing = now
	}
	k.standing.Store(&s)
	return s.failed
}

func (k *Keeper) look(ctx context.Context, storage Storage, now time.Time) error {
	_, due, err := k.load(ctx, storage, now)
	if err != nil || !due {
		return err
	}
	if err := storage.Lock(ctx, locked); err != nil {
		return fmt.Errorf("locking the signing keys: %w", err)
	}
	err = k.replace(ctx, storage, now)
	if unlocking := storage.Unlock(context.WithoutCancel(ctx), locked); unlocking != nil {
		return errors.Join(err, fmt.Errorf("unlocking the signing keys: %w", unlocking))
	}
	return err
}

// replace does what is due, with the lock held: another node may have done it meanwhile.
func (k *Keeper) replace(ctx context.Context, storage Storage, now time.Time) error {
	next, due, err := k.load(ctx, storage, now)
	if err != nil || !due {
		return err
	}
	text, err := next.encode()
	if err != nil {
		return fmt.Errorf("writing the signing keys: %w", err)
	}
	if err := storage.Store(ctx, stored, text); err != nil {
		return fmt.Errorf("storing the signing keys: %w", err)
	}
	return k.take(text)
}

// load puts the keys in the storage in force, and gives what the record is to be now and whether it is to be stored. Where
// somebody took the record away, the one in force is stored again: other keys would leave services with tokens that no
// node publishes the key of.
func (k *Keeper) load(ctx context.Context, storage Storage, now time.Time) (next record, due bool, err error) {
	text, err := storage.Load(ctx, stored)
	gone := errors.Is(err, fs.ErrNotExist)
	switch {
	case gone && k.last == nil:
		return record{}.due(now, k.rotate)
	case gone:
		text = k.last
	case err != nil:
		return record{}, false, fmt.Errorf("loading the signing keys: %w", err)
	}
	if err := k.take(text); err != nil {
		return record{}, false, err
	}
	next, due, err = k.record.due(now, k.rotate)
	return next, due || gone, err
}

// take puts the keys of a record in force, unless they are.
func (k *Keeper) take(text []byte) error {
	if k.last != nil && bytes.Equal(text, k.last) {
		return nil
	}
	r, err := decode(text)
	if err != nil {
		return err
	}
	keys, err := r.ready()
	if err != nil {
		return err
	}
	k.last, k.record = text, r
	k.keys.Store(keys)
	return nil
}

// Status is how the keys are.
type Status struct {
	// Where they lie: storage or file.
	Source string `json:"source"`
	// The id of the key that signs.
	Signs string `json:"signs,omitempty"`
	// Since when it does.
	Since *time.Time `json:"since,omitempty"`
	// When the next one takes over, if there is one.
	Next *time.Time `json:"next,omitempty"`
	// How many are published.
	Keys int `json:"keys"`
	// When the storage was last looked at.
	Looked *time.Time `json:"looked,omitempty"`
	// Since when the storage is in trouble.
	Failing *time.Time `json:"failing,omitempty"`
	// What the trouble is.
	Error string `json:"error,omitempty"`
}

// Status says how the keys are at a time. It waits for nothing.
func (k *Keeper) Status(now time.Time) Status {
	s, stands := status("storage", k.Keys(), now), k.stands()
	if !stands.looked.IsZero() {
		s.Looked = &stands.looked
	}
	if stands.failed != nil {
		s.Failing, s.Error = &stands.failing, stands.failed.Error()
	}
	return s
}

// Status says how the keys are.
func (f *File) Status(now time.Time) Status { return status("file", f.keys, now) }

func status(source string, keys *Keys, now time.Time) Status {
	s := Status{Source: source}
	if keys == nil {
		return s
	}
	signs := keys.signer(now)
	s.Signs, s.Keys = signs.id, len(keys.keys)
	if !signs.from.IsZero() {
		s.Since = &signs.from
	}
	for _, other := range keys.keys {
		if s.Next == nil && other.from.After(now) {
			s.Next = &other.from
		}
	}
	return s
}
