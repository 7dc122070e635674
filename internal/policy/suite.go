package policy

import (
	"context"

	"github.com/hashicorp/hcl/v2"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
)

// Suite is policies and their data with the tests beside them, *_test.rego, read by the rules of Load.
type Suite struct{ found *folders }

// LoadSuite reads policies, data and tests from paths and compiles them once, so that all mistakes are told, as Load
// tells them. The built-in functions allowed are those of Options.
func LoadSuite(ctx context.Context, paths []string, allowed ...string) (*Suite, hcl.Diagnostics) {
	found, diags := readFolders(ctx, paths, true)
	found.allowed = allowed
	_, more := compile(found)
	return &Suite{found}, append(diags, more...)
}

// Modules are the policies and the tests, by the names of their files. They are not compiled.
func (s *Suite) Modules() map[string]*ast.Module { return s.found.modules }

// Sources are the texts of what was read, by the names of the files.
func (s *Suite) Sources() map[string][]byte { return s.found.sources }

// Compiler gives a compiler that holds policies to the rules of Load, and shows a tester what is in the expressions of
// tests.
func (s *Suite) Compiler() *ast.Compiler {
	return newCompiler(capabilities(s.found.allowed...), s.found).WithRewriteTestRules(true).WithEnablePrintStatements(true)
}

// Store gives a store of the data.
func (s *Suite) Store(ctx context.Context) (storage.Store, error) { return s.found.store(ctx) }

// Range is a place in a policy or test.
func (s *Suite) Range(loc *ast.Location) hcl.Range { return s.found.sources.rangeOf(loc) }
