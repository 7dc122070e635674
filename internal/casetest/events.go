package casetest

import (
	"context"
	"time"

	"github.com/wicketgate/wicketgate/internal/ledger"
	"github.com/wicketgate/wicketgate/internal/webhook"
)

// events are what a case's webhooks and publish blocks keep, for as long as its steps say that time passes.
type events struct {
	names map[string]time.Time // until when a name is known, by webhook and name
	new   []*ledger.Event      // that are yet to be delivered
}

func newEvents() *events { return &events{names: map[string]time.Time{}} }

// know says whether a name is known by now, and if not has it known for a time.
func (e *events) know(name string, now time.Time, keep time.Duration) (known bool, err error) {
	if now.Before(e.names[name]) {
		return true, nil
	}
	if len(e.names) >= maxKeys {
		return false, ledger.ErrFull
	}
	e.names[name] = now.Add(keep)
	return false, nil
}

// Append implements webhook.Store.
func (Rig) Append(ctx context.Context, e *ledger.Event) (known bool, err error) {
	s := sendingOf(ctx)
	if s == nil {
		return false, errOutside
	}
	known, err = s.events.know("stored "+e.Webhook+" "+e.ID, s.now, ledger.Duplicates)
	if !known && err == nil {
		s.events.new = append(s.events.new, e)
	}
	return known, err
}

// Seen implements webhook.Store.
func (Rig) Seen(ctx context.Context, webhook, name string) (bool, error) {
	s := sendingOf(ctx)
	if s == nil {
		return false, errOutside
	}
	return s.now.Before(s.events.names["seen "+webhook+" "+name]), nil
}

// Remember implements webhook.Store.
func (Rig) Remember(ctx context.Context, webhook, name string, keep time.Duration) error {
	s := sendingOf(ctx)
	if s == nil {
		return errOutside
	}
	_, err := s.events.know("seen "+webhook+" "+name, s.now, keep)
	return err
}

// Signed takes a case's word for who signed a call to a webhook, where the case gives it.
func (Rig) Signed(ctx context.Context) bool {
	s := sendingOf(ctx)
	if s == nil || !s.signed {
		return false
	}
	s.asked = true
	return true
}

// deliver makes one attempt to deliver what a request had kept, one event after the other.
func (s *sending) deliver(ctx context.Context, g Gateway) {
	for _, e := range s.events.new {
		g.Deliver(ctx, e)
	}
	s.events.new = nil
}

// Interface guards
var _ webhook.Store = Rig{}
