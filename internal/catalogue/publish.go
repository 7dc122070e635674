package catalogue

import (
	"net/http"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/webhook"
)

// Subscriber is a subscriber block: who is told of events that routes publish.
type Subscriber struct {
	Name    string
	Version string // in whose shape it gets them; "": the newest
	Deliver        // but for Order, which is the route's
	Range   hcl.Range
}

// Publish is a publish block: the events that a route makes of its requests.
type Publish struct {
	To              []*Subscriber
	Kind, ID, Order hcl.Expression // nil where not written
	Range           hcl.Range
}

func (b *builder) subscriber(n *node) *Subscriber {
	s := &Subscriber{Name: n.label, Version: take[string](n, "version"), Range: n.rng}
	s.Deliver = Deliver{To: b.upstreams[take[target](n, "to").name], Path: take[string](n, "path"), Only: texts(n, "only"),
		Sign: b.secrets[take[target](n, "sign").name], For: deliverFor, Range: n.rng}
	if r := n.one("retry"); r != nil {
		s.For = take[time.Duration](r, "for")
	}
	return s
}

func (s *scopedAPI) publish(n *node) *Publish {
	x := n.one("publish")
	if x == nil {
		return nil
	}
	p := &Publish{Kind: kept(x, "kind"), ID: kept(x, "id"), Order: kept(x, "order"), Range: x.rng}
	for _, it := range take[[]item](x, "to") {
		if to := s.subscribers[it.value.(target).name]; to != nil {
			p.To = append(p.To, to)
		}
	}
	return p
}

// checkSubscribers looks whether subscribers can be told apart in the ledger, and their secrets be used.
func (d *decoder) checkSubscribers(c *Catalogue, nodes []*node) {
	for i, n := range nodes {
		s := c.Subscribers[i]
		if w := slices.IndexFunc(c.Webhooks, func(w *Webhook) bool { return w.Name == s.Name }); w >= 0 {
			d.wrong(n.named, "Ambiguous name", "The webhook at %s has the name, and events are kept by names.", at(c.Webhooks[w].Range))
		}
		if s.Sign == nil || s.Sign.Value.Reveal() == "" {
			continue // told where it is named or declared
		}
		if _, err := webhook.NewSigner(s.Sign.Value); err != nil {
			d.wrong(n.place("sign"), "Unusable secret", "%s.", upper(err.Error()))
		}
	}
}

// checkPublish looks whether what a route publishes can be brought to each subscriber's version.
func (d *decoder) checkPublish(a *API, n *node) {
	var names []string
	for _, v := range a.Versions {
		names = append(names, v.Name)
	}
	for _, level := range n.all("route") {
		i := slices.IndexFunc(a.Routes, func(r *Route) bool { return r.Range == level.rng })
		if i < 0 || a.Routes[i].Publish == nil {
			continue
		}
		r := a.Routes[i]
		x := level.one("publish")
		switch {
		case r.Method != http.MethodPost:
			d.wrong(x.named, "Unsuitable route", "Events are handed over with POST.")
		case r.Accepts == nil && !level.mistaken:
			d.wrong(x.named, "Incomplete route", "A route that publishes accepts an object: accepts = object.name.")
		case r.Upstream != nil:
			d.wrong(level.place("upstream"), "Contradictory route", "What a route publishes goes to subscribers, and to no upstream.")
		case r.Merge || len(r.Returns) > 0:
			d.wrong(x.named, "Contradictory route", "A route that publishes answers nothing: leave returns and merge out.")
		}
		for _, v := range a.Versions {
			if end := a.End(v); r.In(v) && end != a.Newest() {
				d.wrong(x.named, "Contradictory route", "Events have the newest version's shape, and the upstream of version %q, at %s, ends the changes there: leave the route to later versions, with since.", end.Name, at(end.Range))
				break
			}
		}
		for _, s := range r.Publish.To {
			if s.Version != "" && !slices.Contains(names, s.Version) {
				d.wrong(x.place("to"), "Unknown version", "The subscriber %q, at %s, gets the version %q, which the API %q does not have.%s", s.Name, at(s.Range), s.Version, a.Name, diagnostic.DidYouMean(s.Version, names))
			}
		}
	}
}
