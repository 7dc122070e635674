package parameter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/schema"
)

// compile makes one schema of those of all parameters. Each is tried by itself first, so that a mistake in it is told at
// its place.
func (s *Set) compile() hcl.Diagnostics {
	var diags hcl.Diagnostics
	places := make(map[In][]byte)
	for i := range s.list {
		p := &s.list[i]
		if p.Schema == nil {
			continue
		}
		if _, mistakes := schema.Parse("parameter.json", p.Schema); len(mistakes) > 0 {
			for _, d := range mistakes {
				diags = append(diags, &hcl.Diagnostic{Severity: d.Severity, Summary: d.Summary, Subject: p.Range.Ptr(),
					Detail: fmt.Sprintf("The schema of the %s parameter %q: %s", p.In, p.Name, d.Detail)})
			}
			if mistakes.HasErrors() {
				continue
			}
		}
		doc := places[p.In]
		if doc != nil {
			doc = append(doc, ',')
		}
		places[p.In] = append(append(jsonspan.AppendQuote(doc, p.Name), ':'), p.Schema...)
	}
	if diags.HasErrors() || len(places) == 0 {
		return diags
	}
	var members []string
	for in, properties := range places {
		members = append(members, fmt.Sprintf(`%q:{"properties":{%s}}`, in, properties))
	}
	slices.Sort(members)
	whole, mistakes := schema.Parse("parameters.json", []byte(`{"properties":{`+strings.Join(members, ",")+`}}`))
	if mistakes.HasErrors() {
		return append(diags, mistakes...)
	}
	s.schema = whole
	return diags
}
