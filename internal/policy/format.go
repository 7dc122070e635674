package policy

import (
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"
)

// Format lays out the source of a policy as `opa fmt` does. The error of a source that does not parse is OPA's, with
// line and column.
func Format(src []byte) ([]byte, error) {
	return format.SourceWithOpts("", src, format.Opts{
		RegoVersion:          ast.RegoV1,
		ParserOptions:        &ast.ParserOptions{RegoVersion: ast.RegoV1},
		SkipDefensiveCopying: true,
	})
}
