// Package schema validates JSON documents by JSON Schema 2020-12. Formats are asserted. A schema refers to nothing
// but itself, other files of its folder and the meta-schemas; it is compiled once, when the configuration loads.
package schema

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// The bounds of a schema and of what is told of a document.
const (
	maxFile     = 1 << 20 // bytes of one schema file
	maxFiles    = 100     // files that one schema refers to
	maxFailures = 20      // failures told of one document
	maxQuoted   = 200     // bytes of a name or word quoted in a failure
)

// dialect is the one version of JSON Schema that is read.
const dialect = "https://json-schema.org/draft/2020-12/schema"

// Schema is a compiled schema. It is immutable and serves many requests at once.
type Schema struct {
	program *program
}

// Load compiles the schema in file, which lies in the folder root or below. read reads a file by its path, below root.
// files are all files that were read or looked for, so that they can be watched, even when there are mistakes. A warning names each format that is not checked.
func Load(file, root string, read func(string) ([]byte, error)) (schema *Schema, files []string, diags hcl.Diagnostics) {
	f := folder{root: root, read: read, sources: make(map[string]source)}
	at, err := f.url(file)
	if err != nil {
		return nil, []string{file}, hcl.Diagnostics{{
			Severity: hcl.DiagError,
			Summary:  "Schema outside of its folder",
			Detail:   "A schema lies in the folder of the catalogue or below.",
			Subject:  &hcl.Range{Filename: file, Start: hcl.InitialPos, End: hcl.InitialPos},
		}}
	}
	doc, err := f.Load(at)
	if err != nil {
		return nil, f.files, f.diagnose(at, err)
	}
	s, err := compile(at, doc, &f)
	if err != nil {
		return nil, f.files, f.diagnose(at, err)
	}
	return s, f.files, f.unchecked(at)
}

func compile(at string, doc any, loader jsonschema.URLLoader) (*Schema, error) {
	compiled, scopes, err := resolve(at, doc, loader)
	if err != nil {
		return nil, err
	}
	p, err := build(compiled, scopes)
	if err != nil {
		return nil, err
	}
	return &Schema{program: p}, nil
}

// resolve has the library read a schema and what it refers to, and hold it against the meta-schema.
func resolve(at string, doc any, loader jsonschema.URLLoader) (*jsonschema.Schema, *scopes, error) {
	docs := map[string]any{at: doc}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.UseLoader(recorder{loader, docs})
	if err := c.AddResource(at, doc); err != nil {
		return nil, nil, err
	}
	compiled, err := c.Compile(at)
	return compiled, newScopes(c, docs), err
}

// Validate tells what is wrong with a document, which must be strict JSON (jsonspan.Check): at most 20 failures, in the
// order of their pointers; none for a valid document. A document that takes more steps than its size allows, as a schema
// of many alternatives within each other can have it, is told to be wrong, too.
//
// The document is held against the schema as it is spelt, without decoding it. One that is valid is passed over once.
func (s *Schema) Validate(doc []byte) []Failure { return s.ValidateParsed(doc, nil) }

// ValidateParsed is Validate with the document's index, by which it takes less time. One of another document, or nil, is
// none.
func (s *Schema) ValidateParsed(doc []byte, index *jsonspan.Index) []Failure {
	e := evaluators.Get().(*evaluator)
	defer e.release()
	if index.Of(doc) {
		e.index = index
	}
	if e.run(s.program, doc, nil) {
		return nil
	}
	if !e.broken && !e.spent {
		to := newSink(0)
		if e.run(s.program, doc, to); len(to.first) > 0 {
			return to.failures()
		}
	}
	switch {
	case e.broken:
		return []Failure{{Message: "is not well-formed JSON"}}
	case e.spent:
		return []Failure{{Message: "cannot be validated: it takes too many steps to hold it against the schema"}}
	}
	return []Failure{{Message: "is not valid"}}
}
