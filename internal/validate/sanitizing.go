package validate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/rule"
	"github.com/wicketgate/wicketgate/internal/sanitize"
)

// Sanitizing is the piece of the stage that tidies texts, as declared, before anything looks at what the body says.
type Sanitizing struct {
	program *sanitize.Program
	max     int64
}

// NewSanitizing makes the stage. A body has at most limit bytes afterwards too; 0 means exchange.DefaultMaxBody.
func NewSanitizing(p *sanitize.Program, limit int64) *Sanitizing {
	if limit == 0 {
		limit = exchange.DefaultMaxBody
	}
	return &Sanitizing{p, limit}
}

// Name implements pipeline.Stage.
func (*Sanitizing) Name() string { return "validate" }

// Needs implements pipeline.Stage.
func (s *Sanitizing) Needs() exchange.Needs {
	return exchange.Needs{Body: exchange.JSON, MaxBody: s.max}
}

// Handle tidies the body. One that is no JSON, which has been reported, is left as it is.
func (s *Sanitizing) Handle(x *exchange.Exchange) *problem.Problem {
	if len(x.Body.Bytes) == 0 || !x.Body.Valid {
		return nil
	}
	doc, changed := s.program.Apply(x.Body.Bytes)
	switch {
	case !changed:
		return nil
	case int64(len(doc)) > s.max: // normalising may make several characters of one
		return problem.New(problem.ContentTooLarge, "the body is too large once its texts are normalised")
	}
	x.Body.Replace(doc)
	return nil
}

// maxQuery bounds a query, in bytes, as admission does.
const maxQuery = 8 << 10

// SanitizingQuery is the piece of the stage that does the same to values of the query.
type SanitizingQuery struct {
	program *sanitize.Query
}

// NewSanitizingQuery makes the stage.
func NewSanitizingQuery(p *sanitize.Query) SanitizingQuery { return SanitizingQuery{p} }

// Name implements pipeline.Stage.
func (SanitizingQuery) Name() string { return "validate" }

// Needs implements pipeline.Stage.
func (SanitizingQuery) Needs() exchange.Needs { return exchange.Needs{Query: true} }

// Handle tidies the query.
func (s SanitizingQuery) Handle(x *exchange.Exchange) *problem.Problem {
	if x.Query.Raw == "" {
		return nil
	}
	raw, changed := s.program.Apply(x.Query.Raw)
	switch {
	case !changed:
		return nil
	case len(raw) > maxQuery:
		return problem.New(problem.URITooLong, "the query is too long once its values are normalised")
	}
	x.Query.Replace(raw)
	return nil
}

// SanitizeConfig is what is done to the texts at a place of the body.
type SanitizeConfig struct {
	// The place: members' names joined by dots, "[*]" for each item of a list: "customer.email", "lines[*].sku".
	Field string `json:"field"`
	// What is done, in this order: "trim" takes white space off both ends, "strip" control characters out, but for tab and
	// line ends, "lower" makes lower case; "nfc" and "nfkc" are Unicode's normal forms.
	Steps []string `json:"steps"`
}

// SanitizeQueryConfig is what is done to the values of a query parameter.
type SanitizeQueryConfig struct {
	// The parameter's name.
	Name string `json:"name"`
	// What is done, as in sanitize.
	Steps []string `json:"steps"`
}

// maxSanitized bounds the places.
const maxSanitized = 64

// field understands a place.
func (c SanitizeConfig) field() (f sanitize.Field, wrong string) {
	held := change.Held{Path: c.Field}
	way, ok := held.Steps()
	if !ok || len(way) == 0 {
		return f, fmt.Sprintf("Expected members' names joined by dots, with [*] for each item of a list, not %q.", c.Field)
	}
	f.Way = way
	f.Steps, wrong = stepsOf(c.Steps)
	return f, wrong
}

// stepsOf understands what is done.
func stepsOf(names []string) (steps []sanitize.Step, wrong string) {
	for _, name := range names {
		step := sanitize.Step(name)
		if !slices.Contains(sanitize.Steps(), step) || slices.Contains(steps, step) {
			return nil, fmt.Sprintf("Expected trim, nfc, nfkc, lower or strip, each once, not %q.", name)
		}
		steps = append(steps, step)
	}
	if steps == nil {
		return nil, "Say what is done: trim, nfc, nfkc, lower or strip."
	}
	return steps, ""
}

// Check tells what is wrong with a parameter.
func (c SanitizeQueryConfig) Check(at hcl.Range) hcl.Diagnostics {
	if _, wrong := stepsOf(c.Steps); wrong != "" {
		return hcl.Diagnostics{mistake(at, "Cannot be sanitized", wrong)}
	}
	return nil
}

// sanitizingQuery makes the stage of all parameters; nil where there are none.
func (c Config) sanitizingQuery(at hcl.Range) (pipeline.Stage, hcl.Diagnostics) {
	if len(c.SanitizeQuery) == 0 {
		return nil, nil
	}
	if len(c.SanitizeQuery) > maxSanitized {
		return nil, hcl.Diagnostics{mistake(at, "Too much to sanitize", fmt.Sprintf("At most %d parameters are sanitized.", maxSanitized))}
	}
	var fields []sanitize.QueryField
	var diags hcl.Diagnostics
	seen := make(map[string]bool)
	for _, one := range c.SanitizeQuery {
		steps, wrong := stepsOf(one.Steps)
		switch {
		case one.Name == "":
			wrong = "Name the query parameter."
		case wrong == "" && seen[one.Name]:
			wrong = fmt.Sprintf("%q is named twice.", one.Name)
		}
		if wrong != "" {
			diags = append(diags, mistake(at, "Cannot be sanitized", wrong))
		}
		seen[one.Name] = true
		fields = append(fields, sanitize.QueryField{Name: one.Name, Steps: steps})
	}
	if diags.HasErrors() {
		return nil, diags
	}
	return NewSanitizingQuery(sanitize.NewQuery(fields...)), nil
}

// Check tells what is wrong with a place.
func (c SanitizeConfig) Check(at hcl.Range) hcl.Diagnostics {
	if _, wrong := c.field(); wrong != "" {
		return hcl.Diagnostics{mistake(at, "Cannot be sanitized", wrong)}
	}
	return nil
}

// sanitizing makes the stage of all places; nil where there are none.
// What the schema of bodies does not have cannot be sanitized.
func (c Config) sanitizing(at hcl.Range, body *rule.Shape) (*Sanitizing, hcl.Diagnostics) {
	if len(c.Sanitize) == 0 {
		return nil, nil
	}
	if len(c.Sanitize) > maxSanitized {
		return nil, hcl.Diagnostics{mistake(at, "Too much to sanitize", fmt.Sprintf("At most %d places are sanitized.", maxSanitized))}
	}
	var fields []sanitize.Field
	var diags hcl.Diagnostics
	var seen []string
	for _, one := range c.Sanitize {
		f, wrong := one.field()
		if wrong == "" && slices.Contains(seen, one.Field) {
			wrong = fmt.Sprintf("%q is named twice.", one.Field)
		}
		if lacks := body.Lacks(f.Way); wrong == "" && lacks != "" {
			wrong = fmt.Sprintf("%q: %s.", one.Field, strings.TrimSuffix(lacks, "."))
		}
		if wrong != "" {
			diags = append(diags, mistake(at, "Cannot be sanitized", wrong))
		}
		seen = append(seen, one.Field)
		fields = append(fields, f)
	}
	if diags.HasErrors() {
		return nil, diags
	}
	return NewSanitizing(sanitize.New(fields...), c.Max), nil
}
