package gateway

import (
	"os"
	"path/filepath"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/internal/rule"
	"github.com/wicketgate/wicketgate/internal/schema"
	"github.com/wicketgate/wicketgate/internal/validate"
)

// validate builds the two pieces of the validation of a route: what bodies may be, which comes before they are
// changed, and what they must say, which comes after. Either is nil where nothing asks for it: a body that no schema,
// rule, change or policy needs streams past.
func (b *builder) validate(r *catalogue.Route, terms catalogue.Terms, up *changes, decision *policy.Query) (content, checks pipeline.Stage) {
	to := validate.Checks{MaxBody: terms.MaxBody}
	if up != nil {
		to.Pointer = up.request.Pointer
	}
	if r.Accepts != nil {
		to.Schema = b.schema(r.Accepts)
	}
	readsBody := r.Accepts != nil || decision != nil && decision.Needs().Body != exchange.None
	for _, from := range terms.Rules {
		p := b.expression(from.When, rule.Environment{Roots: rule.All, Parameters: parameters(r)}, rule.Bool)
		if p == nil {
			continue
		}
		readsBody = readsBody || p.Needs().Body != exchange.None
		to.Rules = append(to.Rules, validate.Rule{Name: from.Name, Program: p, Detail: from.Detail, At: from.At})
	}
	if readsBody {
		c := validate.ContentConfig{MaxBody: terms.MaxBody}
		if r.Accepts != nil {
			c.Required = []string{r.Method}
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

// schema loads the schema of an object; nil where it has none, and after a mistake.
func (b *builder) schema(o *catalogue.Object) *schema.Schema {
	file := o.Schema.Path
	if file == "" {
		return nil
	}
	if s, done := b.schemas[file]; done {
		return s
	}
	s, files, diags := schema.Load(file, filepath.Dir(file), func(name string) ([]byte, error) {
		src, err := os.ReadFile(name)
		if err == nil {
			b.sources[name] = src
		}
		return src, err
	})
	b.files = append(b.files, files...)
	b.add(diags)
	b.schemas[file] = s
	return s
}
