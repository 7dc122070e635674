package policy

import (
	_ "embed" // the schema of input
	"encoding/json"
	"slices"
	"strings"
	_ "time/tzdata" // the time zones that policies name, on machines that have none, as small containers do

	"github.com/hashicorp/hcl/v2"
	"github.com/open-policy-agent/opa/v1/ast"
)

// InputSchema is the JSON Schema of what policies are given as input. Policies are checked against it when they are
// loaded, so that a misspelt name is a mistake and not a denial.
//
//go:embed input.schema.json
var InputSchema []byte

var inputSchemas = func() *ast.SchemaSet {
	var schema any
	if err := json.Unmarshal(InputSchema, &schema); err != nil {
		panic("input.schema.json: " + err.Error())
	}
	set := ast.NewSchemaSet()
	set.Put(ast.SchemaRootRef, schema)
	return set
}()

// addresses are the functions below net. that policies may call: they compute with addresses and reach no network.
// net.cidr_expand is none of them, for it makes 16 million addresses of a /8.
var addresses = map[string]bool{
	"net.cidr_contains": true, "net.cidr_contains_matches": true, "net.cidr_intersects": true,
	"net.cidr_is_valid": true, "net.cidr_merge": true,
}

// refused says whether policies may not call a built-in function: it reaches into the network or the process's own
// settings, or answers the same question differently each time.
func refused(name string) bool {
	return name == "http.send" || name == "opa.runtime" || strings.HasPrefix(name, "net.") && !addresses[name] || strings.HasPrefix(name, "rand.")
}

// Refusable are the built-in functions that policies may not call unless Options allow them, in order.
func Refusable() []string {
	var names []string
	for _, b := range ast.CapabilitiesForThisVersion().Builtins {
		if refused(b.Name) {
			names = append(names, b.Name)
		}
	}
	slices.Sort(names)
	return names
}

// capabilities are OPA's own without the refused built-in functions, but for those allowed, and without network access for schemas.
func capabilities(allowed ...string) *ast.Capabilities {
	c := ast.CapabilitiesForThisVersion(ast.CapabilitiesRegoVersion(ast.RegoV1))
	c.Builtins = slices.DeleteFunc(c.Builtins, func(b *ast.Builtin) bool {
		return refused(b.Name) && !slices.Contains(allowed, b.Name)
	})
	if c.AllowNet = []string{}; slices.ContainsFunc(allowed, func(name string) bool { return name == "http.send" || strings.HasPrefix(name, "net.") }) {
		c.AllowNet = nil // any host: whom policies may ask is for the network to say
	}
	return c
}

func newCompiler(c *ast.Capabilities, found *folders) *ast.Compiler {
	return ast.NewCompiler().
		WithCapabilities(c).
		WithStrict(true).
		WithSchemas(inputSchemas).
		WithUseTypeCheckAnnotations(true).
		WithDefaultRegoVersion(ast.RegoV1).
		WithPathConflictsCheck(found.hasData).
		SetErrorLimit(0) // none: all mistakes at once
}

// hasData says whether a data file gives a value at a path, where a rule would then stand in its way.
func (f *folders) hasData(path []string) (bool, error) {
	if f.base != nil {
		_, ok := f.base.at(path)
		return ok, nil
	}
	var value any = f.data
	for _, name := range path {
		object, ok := value.(map[string]any)
		if !ok {
			return false, nil
		}
		if value, ok = object[name]; !ok {
			return false, nil
		}
	}
	return true, nil
}

// compile compiles what was found and tells every mistake.
func compile(found *folders) (*ast.Compiler, hcl.Diagnostics) {
	compiler := newCompiler(capabilities(found.allowed...), found)
	compiler.Compile(found.modules)
	if !compiler.Failed() {
		return compiler, found.sources.checkHeaderNames(compiler)
	}
	diags, calls := found.explain(compiler.Errors)
	more := found.hidden(compiler.Errors)
	if calls != 0 {
		// OPA gives up at the first stage that meets an unknown function. Compiled again with them let pass, which can no
		// longer succeed, it finds the other mistakes in the same rules too. Only unknown calls cost it the check of variables.
		again := newCompiler(ast.CapabilitiesForThisVersion(ast.CapabilitiesRegoVersion(ast.RegoV1)), found).
			WithAllowUndefinedFunctionCalls(calls&unknownCalls != 0)
		again.Compile(found.modules)
		beside, _ := found.explain(again.Errors)
		more = append(more, beside...)
	}
	for _, d := range more {
		if !slices.ContainsFunc(diags, func(o *hcl.Diagnostic) bool { return *o.Subject == *d.Subject && o.Detail == d.Detail }) {
			diags = append(diags, d)
		}
	}
	return nil, diags
}

// Kinds of calls that a compiler knows no function for.
const (
	refusedCalls = 1 << iota
	unknownCalls
)

// explain turns the compiler's errors into diagnostics, and says which kinds of unknown functions were among them.
func (f *folders) explain(errs ast.Errors) (diags hcl.Diagnostics, calls int) {
	errs.Sort()
	for _, e := range errs {
		path := ""
		if e.Location.HasFile() {
			path = e.Location.File
		}
		d := f.sources.diagnostic(path, e)
		if name, isCall := strings.CutPrefix(e.Message, "undefined function "); isCall {
			d.Subject = f.sources.narrow(d.Subject, name)
			if refused(name) {
				calls |= refusedCalls
			} else {
				calls |= unknownCalls
				if strings.HasPrefix(name, "data.") && f.broken > 0 {
					continue // it may well be in a file that does not parse, of which enough is said
				}
			}
		}
		// Named in place of another function, a refused one is a variable or a reference without a value to OPA.
		if name := f.sources.text(d.Subject); refused(name) {
			d.Summary, d.Detail = "Function not allowed", name+notAllowed
		}
		diags = append(diags, d)
	}
	return diags, calls
}

const notAllowed = " is not allowed in policies: a decision reaches nothing outside the request and the policies' own data, and gives the same answer to the same question."
