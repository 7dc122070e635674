// Package schema validates JSON documents by JSON Schema 2020-12. Formats are asserted. A schema refers to nothing
// but itself, other files of its folder and the meta-schemas; it is compiled once, when the configuration loads.
package schema

import (
	"bytes"

	"github.com/hashicorp/hcl/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"
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
	compiled *jsonschema.Schema
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
	compiled, err := compile(at, doc, &f)
	if err != nil {
		return nil, f.files, f.diagnose(at, err)
	}
	return &Schema{compiled: compiled}, f.files, f.unchecked(at)
}

func compile(at string, doc any, loader jsonschema.URLLoader) (*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.UseLoader(loader)
	if err := c.AddResource(at, doc); err != nil {
		return nil, err
	}
	return c.Compile(at)
}

// Validate tells what is wrong with a document, which must be strict JSON (jsonspan.Check): at most 20 failures, in the
// order of their pointers; none for a valid document.
func (s *Schema) Validate(doc []byte) []Failure {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		return []Failure{{Message: "is not well-formed JSON"}}
	}
	if err := s.compiled.Validate(v); err != nil {
		return failures(err, v)
	}
	return nil
}
