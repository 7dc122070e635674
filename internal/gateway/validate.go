package gateway

import (
	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/internal/rule"
	"github.com/wicketgate/wicketgate/internal/validate"
)

// validate builds the two pieces of the validation of a route: what bodies may be, which comes before they are
// changed, and what they must say, which comes after. Either is nil where nothing asks for it: a body that no schema,
// rule, change or policy needs streams past.
func (b *builder) validate(l *lineage, v *catalogue.Version, r *catalogue.Route, terms catalogue.Terms, up *changes, patch *patches, decision *policy.Query) (content, checks pipeline.Stage) {
	to := validate.Checks{MaxBody: terms.MaxBody}
	var request *change.Program
	switch {
	case patch != nil:
		request = patch.patch.Whole()
	case up != nil:
		request = up.request
	}
	if request != nil {
		to.Pointer = request.Pointer
		if r.Accepts != nil {
			to.Missing = l.missing(r.Accepts.Name, l.index(v), request)
		}
	}
	switch end := l.ends[l.index(v)]; {
	case takesPatches(r):
		to.Schema, to.Only = b.patchSchema(l, r.Accepts, end), isMergePatch
	case r.Accepts != nil:
		to.Schema = b.schemaAt(l, r.Accepts, end)
	}
	readsBody := r.Accepts != nil || decision != nil && decision.Needs().Body != exchange.None
	for _, from := range terms.Rules {
		p := b.expression(from.When, rule.Environment{Roots: rule.All, Parameters: parameters(r)}, rule.Bool)
		if p == nil {
			continue
		}
		b.sees(l, v, r, from, p)
		readsBody = readsBody || p.Needs().Body != exchange.None
		to.Rules = append(to.Rules, validate.Rule{Name: from.Name, Program: p, Detail: from.Detail, At: from.At})
	}
	if readsBody {
		c := validate.ContentConfig{MaxBody: terms.MaxBody}
		if r.Accepts != nil {
			c.Required = []string{r.Method}
		}
		if takesPatches(r) {
			c.MediaTypes = []string{mergePatch, jsonPatch}
		}
		content = validate.NewContent(c)
	}
	if to.Schema != nil || len(to.Rules) > 0 {
		checks = validate.New(to)
	}
	return content, checks
}

func parameters(r *catalogue.Route) []string {
	names := []string{} // not nil: the parameters are known, even if there are none
	for _, s := range r.Segments {
		if s.Parameter != "" {
			names = append(names, s.Parameter)
		}
	}
	return names
}
