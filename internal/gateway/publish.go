package gateway

import (
	"errors"
	"net/http"
	"slices"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/ledger"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/rule"
	"github.com/wicketgate/wicketgate/internal/webhook"
)

// publisher makes events of a route's requests. It stands where others have an upstream: what reaches it has been through
// all stages, and is in the newest version's shape.
type publisher struct {
	maxBody         int64
	kind, id, order *rule.Program // nil for none
	to              []subscriber
	store           webhook.Store
}

// subscriber is who gets the events, and in which shape.
type subscriber struct {
	name string
	only []string
	down *change.Program // nil: as it is
}

// publisher builds what a route publishes.
func (b *builder) publisher(l *lineage, r *catalogue.Route, maxBody int64) *publisher {
	p := &publisher{maxBody: maxBody, store: b.Store}
	env := rule.Environment{Roots: webhook.Roots}
	if r.Publish.Kind != nil {
		p.kind = b.expression(r.Publish.Kind, env, rule.String)
	}
	if r.Publish.ID != nil {
		p.id = b.expression(r.Publish.ID, env, rule.Key)
	}
	if r.Publish.Order != nil {
		p.order = b.expression(r.Publish.Order, env, rule.Key)
	}
	for _, s := range r.Publish.To {
		one := subscriber{name: s.Name, only: s.Only}
		i := slices.IndexFunc(l.api.Versions, func(v *catalogue.Version) bool { return v.Name == s.Version })
		if i >= 0 && r.Accepts != nil {
			one.down = b.program(l, i, l.newest(), []change.Held{{Object: r.Accepts.Name, Range: r.Range}})
		}
		p.to = append(p.to, one)
	}
	return p
}

// Forward implements Upstream: it stores the event for each subscriber and answers 202. Where one cannot be stored the
// answer is a problem, whoever got it before: the same request again, with an id, tells them nothing twice.
func (p *publisher) Forward(w http.ResponseWriter, _ *http.Request, x *exchange.Exchange) error {
	x.Ended = "publish"
	if prob := p.publish(x); prob != nil {
		return prob
	}
	x.Ended = ""
	x.PutAnswer(w.Header())
	w.Header()["Content-Length"] = []string{"0"}
	w.WriteHeader(http.StatusAccepted)
	return nil
}

func (p *publisher) publish(x *exchange.Exchange) *problem.Problem {
	if prob := x.Body.ReadAll(p.maxBody); prob != nil {
		return prob
	}
	if p.store == nil { // of a gateway that only tests ask
		return unstored(ledger.ErrUnavailable)
	}
	event, id, prob := p.event(x)
	if prob != nil {
		return prob
	}
	var all []*ledger.Event // before the first is stored: what cannot be told to one is told to nobody
	for _, s := range p.to {
		if !webhook.Wants(s.only, event.Kind) {
			continue
		}
		one := *event
		one.Webhook, one.ID = s.name, webhook.Named(s.name, id)
		if !s.down.Empty() {
			var err error
			if one.Body, err = s.down.Down(event.Body); err != nil {
				return invalid(err)
			}
		}
		all = append(all, &one)
	}
	for _, e := range all {
		if _, err := webhook.Append(p.store, x, e); errors.Is(err, ledger.ErrTooLarge) {
			return problem.New(problem.ContentTooLarge, "the event is larger than the ledger takes").Because(err)
		} else if err != nil {
			return unstored(err)
		}
	}
	return nil
}

// event makes what all subscribers are told, and its name.
func (p *publisher) event(x *exchange.Exchange) (e *ledger.Event, id string, prob *problem.Problem) {
	e = &ledger.Event{Received: x.Time, Body: x.Body.Bytes, Header: http.Header{"Content-Type": {"application/json"}}}
	id = x.ID
	compute := func(to *string, with *rule.Program, f func(*rule.Program) (string, error)) {
		if with == nil || prob != nil {
			return
		}
		text, err := f(with)
		if err != nil {
			prob = problem.New(problem.InvalidContent, "the event lacks what names, orders or sorts it").Because(err)
			return
		}
		*to = text
	}
	key := func(p *rule.Program) (string, error) { return p.Key(x) }
	compute(&e.Kind, p.kind, func(p *rule.Program) (string, error) { return p.String(x) })
	compute(&e.Key, p.order, key)
	compute(&id, p.id, key)
	return e, id, prob
}

func unstored(err error) *problem.Problem {
	return problem.New(problem.ReducedCapacity, "the event could not be stored").WithHeader("Retry-After", webhook.RetryAfter).Because(err)
}
