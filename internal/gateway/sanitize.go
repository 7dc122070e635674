package gateway

import (
	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/sanitize"
	"github.com/wicketgate/wicketgate/internal/validate"
)

// sanitize builds the stage that tidies the texts of requests in the newest shape; nil where nothing is to be done.
func (b *builder) sanitize(r *catalogue.Route, terms catalogue.Terms) pipeline.Stage {
	var fields []sanitize.Field
	for _, from := range r.Sanitize {
		held := change.Held{Path: from.Path}
		way, ok := held.Steps()
		if !ok { // the table's check has told
			continue
		}
		f := sanitize.Field{Way: way}
		for _, step := range from.Steps {
			f.Steps = append(f.Steps, sanitize.Step(step))
		}
		fields = append(fields, f)
	}
	if fields == nil {
		return nil
	}
	return validate.NewSanitizing(sanitize.New(fields...), terms.MaxBody)
}
