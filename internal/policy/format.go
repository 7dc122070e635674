package policy

import (
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"
)

// Format lays out the source of a policy as `opa fmt` does; one in Rego v0 becomes v1 by it. The error of a source that
// does not parse is OPA's, with line and column.
func Format(src []byte) ([]byte, error) {
	out, err := formatted(src, ast.RegoV1)
	if err != nil && isV0(src) {
		return formatted(src, ast.RegoV0)
	}
	return out, err
}

func formatted(src []byte, from ast.RegoVersion) ([]byte, error) {
	return format.SourceWithOpts("", src, format.Opts{
		RegoVersion:          ast.RegoV1,
		ParserOptions:        &ast.ParserOptions{RegoVersion: from},
		SkipDefensiveCopying: true,
	})
}

// isV0 says whether a source that is no policy in Rego v1 is one in v0, in which rules had no `if` and sets no `contains`.
func isV0(src []byte) bool {
	_, err := ast.ParseModuleWithOpts("", string(src), ast.ParserOptions{RegoVersion: ast.RegoV0})
	return err == nil
}
