package gateway

import (
	"fmt"
	"strings"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/parameter"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/sanitize"
	"github.com/wicketgate/wicketgate/internal/validate"
)

// sanitize builds the stages that tidy the texts of requests in the newest shape: of the body, and of the query. A path that
// the newest schema does not have is a mistake.
func (b *builder) sanitize(l *lineage, v *catalogue.Version, r *catalogue.Route, terms catalogue.Terms) (stages []pipeline.Stage) {
	var fields []sanitize.Field
	for _, from := range r.Sanitize {
		held := change.Held{Path: from.Path}
		way, ok := held.Steps()
		if !ok { // the table's check has told
			continue
		}
		if r.Accepts != nil && l.ends[l.index(v)] == l.newest() {
			if lacks := b.known(l, r.Accepts, l.newest()).Lacks(way); lacks != "" {
				b.add(mistakeAt(from.Range, "Nothing to sanitize", fmt.Sprintf("%q of the object %q: %s.", from.Path, r.Accepts.Name, strings.TrimSuffix(lacks, "."))))
			}
		}
		fields = append(fields, sanitize.Field{Way: way, Steps: steps(from.Steps)})
	}
	if fields != nil {
		stages = append(stages, validate.NewSanitizing(sanitize.New(fields...), terms.MaxBody))
	}
	var query []sanitize.QueryField
	for _, p := range r.Parameters {
		if p.Sanitize != nil && p.Within(v) {
			query = append(query, sanitize.QueryField{Name: b.spoken(l, v, r, p.Name), Steps: steps(p.Sanitize), Separator: parameter.List(p.List).Separator()})
		}
	}
	if query != nil {
		stages = append(stages, validate.NewSanitizingQuery(sanitize.NewQuery(query...)))
	}
	return stages
}

func steps(names []string) []sanitize.Step {
	var all []sanitize.Step
	for _, name := range names {
		all = append(all, sanitize.Step(name))
	}
	return all
}

// spoken is the name of a query parameter in the version that the upstream speaks.
func (b *builder) spoken(l *lineage, v *catalogue.Version, r *catalogue.Route, name string) string {
	if b.diags.HasErrors() {
		return name
	}
	if q := b.query(l, l.ends[l.index(v)], l.newest(), travelling(r)); q != nil {
		return q.Down(name)
	}
	return name
}
