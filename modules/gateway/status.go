package gateway

import (
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/internal/status"
)

// Status is what the gateway says of itself, within its bounds and without secrets.
func (a *App) Status() *status.Status {
	now := time.Now()
	simple, _ := caddy.Version()
	s := status.New(simple, now)
	s.Load = *a.status.Load()
	facts := a.facts()
	s.Health = facts.Health()
	s.Builtins = a.allowed()
	s.Policies = policiesOf(a.policies)
	if source, _ := a.trying(); source != nil {
		s.Candidate = policiesOf(source)
	}
	if snapshot := a.given.Load(); snapshot != nil {
		s.Decisions = snapshot.Views()
		if s.Policies != nil && s.Policies.Revision == "" {
			s.Policies.Revision = snapshot.Revision()
		}
	}
	s.Counters = &status.Counters{Engine: "memory"}
	if live, ok := a.counters.(LiveCounterSource); ok {
		s.Counters = live.Status()
	}
	s.Add(a.runsStatus()...)
	if e := a.events(); e != nil {
		s.Backlog(backlogOf(e))
	}
	if a.gateway != nil {
		a.gateway.tell(s, now)
	}
	return s.Bounded(Concealed().Text)
}

// policiesOf says where policies come from, nil for nowhere.
func policiesOf(source PolicySource) *status.Policies {
	switch source := source.(type) {
	case nil:
		return nil
	case LivePolicySource:
		return source.Status()
	case PolicyFolder:
		return &status.Policies{Source: "folder", Paths: source.Folders()}
	}
	return &status.Policies{Source: "file"}
}

// tell tells what the catalogue in force serves.
func (c *catalogued) tell(s *status.Status, now time.Time) {
	g := c.hold()
	defer g.release()
	s.Catalogue = &status.Catalogue{Files: g.catalogue.Files, APIs: len(g.catalogue.APIs), Webhooks: len(g.catalogue.Webhooks)}
	s.Versions = status.Ending(g.leaving(), now)
}

// backlogOf tells what waits of each webhook of a ledger, as metrics told it at most a moment ago.
func backlogOf(e *events) (all []status.Webhook) {
	if e.Ready() != nil {
		return nil
	}
	waiting := theMetrics.events.backlogs()
	for _, name := range slices.Sorted(slices.Values(e.desk.Webhooks())) {
		one := status.Webhook{Name: name}
		if b := waiting[name]; b != nil {
			one.Waiting, one.Oldest, one.Dead = b.Events, int64(b.Oldest/time.Second), b.Dead
		}
		all = append(all, one)
	}
	return all
}

// facts are what health depends on. It is cheap: strangers may ask again and again.
func (a *App) facts() status.Facts {
	f := status.Facts{Started: a.started.Load(), Policies: true, Draining: caddy.Exiting()}
	if a.policies != nil {
		f.Policies = decides(a.given.Load())
	}
	if e := a.events(); e != nil {
		f.Ledger = e.Ready()
	}
	return f
}

// Healthy says whether this node is to be sent requests; ending is whether the listener at hand is about to close.
func (a *App) Healthy(ending bool) bool {
	f := a.facts()
	f.Draining = f.Draining || ending
	return f.Ready()
}

func decides(s *policy.Snapshot) bool { return s != nil && !s.Waits() }
