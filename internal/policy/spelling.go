package policy

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/util"
)

// headerRefs are the places in input that have header fields by name.
var headerRefs = []ast.Ref{
	ast.MustParseRef("input.request.headers"),
	ast.MustParseRef("input.attributes.request.http.headers"),
}

// checkHeaderNames finds header fields that a policy spells with capitals. Input has them in lower case, so such a
// name is always undefined: a rule that denies by it would never deny.
func (s sources) checkHeaderNames(c *ast.Compiler) (diags hcl.Diagnostics) {
	for _, file := range util.KeysSorted(c.Modules) {
		ast.WalkRefs(c.Modules[file], func(ref ast.Ref) bool {
			term := headerName(ref)
			if term == nil || !term.Location.HasFile() {
				return false
			}
			name, ok := term.Value.(ast.String)
			lower := strings.ToLower(string(name))
			if !ok || lower == string(name) {
				return false
			}
			subject := s.rangeOf(term.Location)
			diags = append(diags, &hcl.Diagnostic{
				Severity: hcl.DiagError, Subject: &subject,
				Summary: "Header field never found",
				Detail:  fmt.Sprintf("Header fields are in input under their names in lower case. Did you mean %q?", lower),
			})
			return false
		})
	}
	return diags
}

// headerName is the part of a reference that names a header field, nil where it names none.
func headerName(ref ast.Ref) *ast.Term {
	for _, headers := range headerRefs {
		if len(ref) > len(headers) && ref.HasPrefix(headers) {
			return ref[len(headers)]
		}
	}
	return nil
}
