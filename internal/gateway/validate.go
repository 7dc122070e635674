package gateway

import (
	"strings"

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
// rule, change, limit or policy needs streams past.
func (b *builder) validate(l *lineage, v *catalogue.Version, r *catalogue.Route, terms catalogue.Terms, up *changes, patch *patches, decision *policy.Query, limitsRead bool) (content, checks pipeline.Stage) {
	set, declared := b.parametersOf(l, v, r, terms)
	to := validate.Checks{MaxBody: terms.MaxBody, Parameters: set}
	if terms.Reports() {
		to.Report = b.Report
	}
	var request *change.Program
	switch {
	case patch != nil:
		request = patch.patch.Whole()
	case up != nil:
		request = up.request
	}
	if request != nil {
		to.Pointer, to.Converted = request.Pointer, request.Converted
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
	var policyReads exchange.BodyNeed
	if decision != nil {
		policyReads = decision.Needs().Body
	}
	readsBody := r.Accepts != nil || policyReads == exchange.JSON || limitsRead
	env := rule.Environment{Roots: rule.All, Parameters: parameters(r), Declared: declared, Closed: terms.Unknown == catalogue.Refuse}
	for _, from := range terms.Rules {
		env.Body = b.bodyOf(l, v, r, from)
		p := b.expression(from.When, env, rule.Bool)
		if p == nil {
			continue
		}
		b.sees(l, v, r, from, p)
		quotes := b.quotes(from, env)
		readsBody = readsBody || p.Needs().Body == exchange.JSON || quotes != nil && quotes.Needs().Body == exchange.JSON
		to.Rules = append(to.Rules, validate.Rule{Name: from.Name, Program: p, Detail: from.Detail, Quotes: quotes, At: from.At})
	}
	var stage *validate.Stage
	if to.Parameters != nil || to.Schema != nil || len(to.Rules) > 0 {
		stage = validate.New(to)
		checks = stage
	}
	if readsBody || policyReads != exchange.None {
		c := validate.ContentConfig{MaxBody: terms.MaxBody, Compressed: terms.Compressed, Any: !readsBody && (request == nil || request.Empty())}
		if policyReads == exchange.None && !limitsRead && (request == nil || request.Empty()) { // else a body that is none is of no use
			c.Report = to.Report
		}
		if r.Accepts != nil && !r.Optional {
			c.Required = []string{r.Method}
		}
		l.formsOf(r, v).taking(&c, r, terms)
		if takesPatches(r) {
			c.MediaTypes = []string{mergePatch, jsonPatch}
		} else if !c.NoJSON {
			c.Offered = offered(l.api, v, c.XML != nil)
		}
		c.Indexed = stage != nil && stage.Indexed() && (request == nil || request.Empty()) // else there is another body behind
		content = validate.NewContent(c)
	}
	return content, checks
}

// offered are a version's own media types, which were taken for plain ones by the time a body is looked at.
func offered(from *catalogue.API, v *catalogue.Version, xml bool) []string {
	if v == nil || from.Versioning == nil || from.Versioning.MediaType == "" {
		return nil
	}
	own := strings.Replace(from.Versioning.MediaType, "{version}", v.Name, 1)
	all := []string{own}
	if plain, ok := strings.CutSuffix(own, "+json"); ok && xml {
		all = append(all, plain+"+xml")
	}
	return all
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
