package policy

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/util"
)

var headersRef = ast.MustParseRef("input.request.headers")

// checkHeaderNames finds header fields that a policy spells with capitals. Input has them in lower case, so such a
// name is always undefined: a rule that denies by it would never deny.
func (s sources) checkHeaderNames(c *ast.Compiler) (diags hcl.Diagnostics) {
	for _, file := range util.KeysSorted(c.Modules) {
		ast.WalkRefs(c.Modules[file], func(ref ast.Ref) bool {
			if len(ref) <= len(headersRef) || !ref.HasPrefix(headersRef) {
				return false
			}
			term := ref[len(headersRef)]
			name, ok := term.Value.(ast.String)
			lower := strings.ToLower(string(name))
			if !ok || lower == string(name) || !term.Location.HasFile() {
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
