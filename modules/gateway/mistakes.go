package gateway

import (
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
)

// LoadError is every mistake of a load, its warnings too. Its text is a line for each, for logs; Sources let a terminal show the lines
// meant.
type LoadError struct {
	Diagnostics hcl.Diagnostics
	Sources     map[string][]byte
}

// Error lists the mistakes.
func (e *LoadError) Error() string {
	var b strings.Builder
	for _, d := range e.Diagnostics {
		if d.Severity != hcl.DiagError {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		b.WriteString(diagnostic.Line(d))
	}
	return b.String()
}
