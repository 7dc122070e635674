package casetest

import (
	"bytes"
	"context"
	"math"
	"time"

	"github.com/wicketgate/wicketgate/internal/idempotency"
	"github.com/wicketgate/wicketgate/internal/ledger"
)

// answers are what a case keeps by callers' idempotency keys, for as long as its steps say that time passes.
type answers struct {
	last uint64
	all  map[string]keptAnswer
}

type keptAnswer struct {
	ledger.Held
	ends time.Time
}

// of gives the record of a name at a time.
func (a *answers) of(name string, now time.Time) *ledger.Held {
	if k, ok := a.all[name]; ok && now.Before(k.ends) {
		return &ledger.Held{Data: bytes.Clone(k.Data), At: k.At, Time: k.Time}
	}
	return nil
}

// Hold implements idempotency.Store.
func (Rig) Hold(ctx context.Context, name string, after uint64, data []byte, keep time.Duration) (uint64, error) {
	s := sendingOf(ctx)
	if s == nil {
		return 0, errOutside
	}
	found := uint64(0)
	if held := s.kept.of(name, s.now); held != nil {
		found = held.At
	}
	if found != after {
		return 0, ledger.ErrTaken
	}
	if found == 0 && len(s.kept.all) >= maxKeys {
		return 0, ledger.ErrFull
	}
	s.kept.last++
	s.kept.all[name] = keptAnswer{ledger.Held{Data: data, At: s.kept.last, Time: s.now}, s.now.Add(keep)}
	return s.kept.last, nil
}

// Held implements idempotency.Store.
func (Rig) Held(ctx context.Context, name string) (*ledger.Held, error) {
	s := sendingOf(ctx)
	if s == nil {
		return nil, errOutside
	}
	return s.kept.of(name, s.now), nil
}

// Let implements idempotency.Store.
func (Rig) Let(ctx context.Context, at uint64) error {
	s := sendingOf(ctx)
	if s == nil {
		return errOutside
	}
	for name, k := range s.kept.all {
		if k.At == at {
			delete(s.kept.all, name)
		}
	}
	return nil
}

// Room implements idempotency.Store.
func (Rig) Room() (records, bytes int64) { return math.MaxInt64, math.MaxInt64 }

// HeldBy implements idempotency.Store.
func (Rig) HeldBy(context.Context, string, func(int, time.Duration)) error { return nil }

// Alone implements idempotency.Store.
func (Rig) Alone() bool { return true }

// Interface guards
var _ idempotency.Store = Rig{}
