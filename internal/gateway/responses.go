package gateway

import (
	"fmt"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/drift"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/validate"
)

// responses builds the stage that holds what the service of a route answers against schemas, in the shape that the service
// speaks; nil where nobody asks for it, or there is nothing to hold it against.
func (b *builder) responses(l *lineage, v *catalogue.Version, r *catalogue.Route, terms catalogue.Terms) pipeline.Stage {
	if terms.Responses != catalogue.ResponsesReported && terms.Responses != catalogue.ResponsesEnforced {
		return nil
	}
	end := l.ends[l.index(v)]
	c := validate.AnswersConfig{Enforce: terms.Responses == catalogue.ResponsesEnforced}
	add := func(status string, from []catalogue.Place) {
		form := validate.AnswerForm{Statuses: []string{status}}
		for _, p := range places(from) {
			steps, ok := p.Steps()
			if !ok {
				b.fault(p.Range, "Malformed path", fmt.Sprintf("%q leads to nothing in an answer.", p.Path))
				continue
			}
			if s := b.schemaAt(l, l.object(p.Object), end); s != nil {
				form.Parts = append(form.Parts, validate.AnswerPart{Steps: steps, Schema: s})
			}
		}
		if form.Parts != nil {
			c.Forms = append(c.Forms, form)
		}
	}
	add("2xx", r.Returns)
	for _, a := range r.Answers {
		add(a.Status, a.Returns)
	}
	if c.Forms == nil {
		return nil
	}
	key := drift.Key{API: l.api.Name, Route: r.Label, Enforced: c.Enforce}
	if len(l.api.Versions) > 0 {
		key.Shape = l.api.Versions[end].Name
	}
	b.drifting = append(b.drifting, key)
	c.Drift = b.Drift.Route(key)
	return validate.NewAnswers(c)
}

// object is the object of a name; nil for none.
func (l *lineage) object(name string) *catalogue.Object {
	for _, o := range l.api.Objects {
		if o.Name == name {
			return o
		}
	}
	return nil
}
