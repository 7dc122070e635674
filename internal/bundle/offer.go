package bundle

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/open-policy-agent/opa/v1/download"

	"github.com/wicketgate/wicketgate/internal/policy"
)

// Member is a gateway that takes its policies from a feed.
type Member struct {
	feed   *Feed
	take   func(*policy.Snapshot) error
	report func(Event)
	has    *policies
	not    *policies // those that take refused last
}

// Join gives a feed a member, and has it look for bundles. New policies are offered by take, which swaps them in or
// says why not, in which case they are offered again later: what they do not fit may change. report is told what
// happens; it must be quick, and must not ask the feed. Of several members, as there are while one configuration takes the place of another, the last one counts.
func (f *Feed) Join(has *policy.Snapshot, take func(*policy.Snapshot) error, report func(Event)) (*Member, error) {
	m := &Member{feed: f, take: take, report: report}
	f.mu.Lock()
	if f.good.snapshot == has {
		m.has = f.good
	}
	f.members = append(f.members, m)
	f.mu.Unlock()
	if err := f.start(); err != nil {
		m.Leave()
		return nil, err
	}
	f.deliver() // what has come since, and what the gateway before this one refused
	return m, nil
}

// Leave ends a membership: nothing is offered from then on. Without members, a feed rests.
func (m *Member) Leave() {
	f := m.feed
	f.mu.Lock()
	f.members = slices.DeleteFunc(f.members, func(other *Member) bool { return other == m })
	f.mu.Unlock()
	f.rest()
	f.offering.Lock()
	f.offering.Unlock() //nolint:staticcheck // an offer may be under way, and has to end first
}

// Snapshot is the policies in force, or those that answer 503.
func (f *Feed) Snapshot() *policy.Snapshot {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.good.snapshot
}

// deliver offers the last member what it does not have.
func (f *Feed) deliver() {
	f.offering.Lock()
	defer f.offering.Unlock()
	f.mu.Lock()
	if len(f.members) == 0 {
		f.mu.Unlock()
		return
	}
	m, offered := f.members[len(f.members)-1], f.good
	if f.offer != nil {
		offered = f.offer
	}
	f.mu.Unlock()
	if m.has == offered {
		return
	}
	err := m.offered(offered.snapshot)
	f.mu.Lock()
	if err != nil {
		again := m.not == offered
		m.not = offered
		if b := f.status.Broken; again && b != nil && b.Kind == Broken { // of what the server has now
			f.mu.Unlock()
			return
		}
		f.fail(Event{Kind: Refused, Revision: offered.snapshot.Revision(), Err: err})
		f.mu.Unlock()
		return
	}
	m.has = offered
	if f.offer != offered {
		if b := f.status.Broken; b != nil && b.Kind == Refused { // what they did not fit has changed
			f.status.Broken = nil
		}
		f.mu.Unlock()
		return
	}
	now := time.Now()
	f.good, f.offer = offered, nil
	f.status.activated(offered, now)
	archive, etag := offered.archive, offered.etag
	offered.archive = nil
	f.tell(Event{Kind: Activated, Revision: offered.snapshot.Revision(), ETag: etag, Bytes: len(archive), Took: f.status.took})
	f.mu.Unlock()
	if err := f.kept.write(archive, etag); err != nil {
		f.mu.Lock()
		f.tell(Event{Kind: NotKept, Err: err})
		f.mu.Unlock()
	}
}

// offered is take; a panic, as may be in preparing a query, is a mistake of the bundle's.
func (m *Member) offered(s *policy.Snapshot) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the gateway gave up: %v", r)
		}
	}()
	return m.take(s)
}

// failed notes that the server gave no bundle.
func (f *Feed) failed(err error) {
	err = plain(err)
	var (
		status  download.HTTPError
		damaged *archiveError
	)
	event := Event{Kind: Unreachable, Err: err}
	switch {
	case errors.As(err, &status):
		event.Err = fmt.Errorf("the server answered %d %s", f.client.answered(), http.StatusText(f.client.answered()))
	case errors.As(err, &damaged):
		event = Event{Kind: Broken, Err: fmt.Errorf("%s: %w", f.name, damaged)}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail(event)
}

// fail notes a mistake, and tells it. The caller holds f.mu.
func (f *Feed) fail(e Event) {
	e.Again = f.status.failed(e, time.Now())
	f.tell(e)
}

// tell tells the last member what happened. The caller holds f.mu.
func (f *Feed) tell(e Event) {
	e.Failing = f.status.Unreachable != nil || f.status.Broken != nil
	if len(f.members) > 0 {
		f.members[len(f.members)-1].report(e)
	}
}
