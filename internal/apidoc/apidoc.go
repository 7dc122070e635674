// Package apidoc reads OpenAPI documents, 3.0 and 3.1, in YAML or JSON: what operations there are, what they take and
// give, and who may call them. It keeps the place of everything it reads, tells every mistake at once, and says of all
// that it cannot make anything of that it does so. Schemas of 3.0 become JSON Schema 2020-12; those of 3.1 are that.
//
// It reads the YAML itself rather than with a library for OpenAPI: those stop at the first mistake or know no places, and
// keep schemas in types of their own, which lose the spelling of numbers and every keyword that they do not know.
package apidoc

import (
	"encoding/json"

	"github.com/hashicorp/hcl/v2"
)

// The bounds of a document.
const (
	maxFile       = 16 << 20 // bytes of one file
	maxFiles      = 100      // files that a document is made of
	maxValues     = 2 << 20  // values of all files, those that aliases repeat counted each time
	maxDepth      = 128      // values within each other
	maxOperations = 2000
	maxSchemas    = 4000 // that have a name
	maxJumps      = 32   // references that lead to another
	maxMistakes   = 500
)

// Document is an OpenAPI document as a catalogue uses it.
type Document struct {
	Title       string
	Description string
	Version     string // info.version
	VersionAt   hcl.Range
	BasePath    string // the path of the first server, "" for none
	BasePathAt  hcl.Range
	Operations  []*Operation // in written order
	Objects     []*Object    // those that operations reach
	Schemas     []byte       // the schemas by name: {"$defs": {…}}
	Schemes     map[string]*Scheme
	Security    *Security // of operations that do not say; nil where nothing is written
}

// Operation is what may be done at a path.
type Operation struct {
	Method      string // "GET"
	Path        string // "/orders/{id}", parameters by names that a route may give them
	ID          string
	Summary     string
	Description string
	Tags        []string
	Deprecated  bool
	Parameters  []*Parameter
	Body        *Body // nil for none, and where it is none that is understood
	Answers     []Answer
	Security    *Security // nil where nothing is written
	Range       hcl.Range
}

// Parameter is a parameter of the path, the query or the header.
type Parameter struct {
	In          string
	Name        string
	Description string
	Required    bool
	Empty       bool
	Types       []string // of the value, or of a list's items
	List        string   // "repeat", "comma", "space", "pipe"; "" for one value
	Open        bool     // an object whose members stand in the query as name[member]
	Schema      json.RawMessage
	Range       hcl.Range
}

// Body is what an operation takes.
type Body struct {
	Object   string
	Required bool
	Formats  []string // "json", "xml", "form", "multipart", in this order
	Files    []File   // of multipart: the fields that are files
	Range    hcl.Range
}

// File is a field of a form that is a file.
type File struct {
	Field string
	Types []string // media types, "image/*", "*/*"
	Range hcl.Range
}

// Answer is what an operation answers as JSON.
type Answer struct {
	Status      string // "200", "2XX", "default"
	Description string
	Object      string // "" where no JSON is described
	Range       hcl.Range
}

// Object is a schema that an operation reaches.
type Object struct {
	Name  string // usable as a label in the catalogue
	Def   string // its name in Document.Schemas
	Holds []Hold
	Range hcl.Range
}

// Hold is where another object lies in one.
type Hold struct {
	Path   string // "lines[*]"
	Object string
	Range  hcl.Range
}

// Security is who may call: one of the ways.
type Security struct {
	Ways      []Way
	Anonymous bool
	Several   *hcl.Range // a way that takes several schemes at once, which no request can have here; nil for none
	Range     hcl.Range
}

// Way is a security scheme and the scopes that it must have granted.
type Way struct {
	Scheme string
	Scopes []string
	Range  hcl.Range
}

// Scheme is a security scheme.
type Scheme struct {
	Type  string // "apiKey", "http", "oauth2", "openIdConnect", "mutualTLS"
	In    string // of apiKey: "header", "query", "cookie"
	Field string // of apiKey: the name
	HTTP  string // of http: "bearer", "basic", in lower case
	Range hcl.Range
}

// Read reads the document in a file that lies in the folder root or below, with what it refers to there; nothing is
// fetched from elsewhere. files are all that were read or looked for, sources their contents by path. The document is nil
// where nothing could be made of it.
func Read(path, root string, read func(path string) ([]byte, error)) (doc *Document, files []string, sources map[string][]byte, diags hcl.Diagnostics) {
	r := &reader{root: root, read: read, files: make(map[string]*file), told: make(map[string]*tally), names: make(map[string]bool),
		defs: make(map[*node]*def), labels: make(map[string]bool), doc: &Document{Schemes: make(map[string]*Scheme)}}
	main := r.open(path, nil)
	if main != nil && main.top != nil {
		r.document(main.top)
	}
	doc = r.doc
	if main == nil || main.top == nil {
		doc = nil
	}
	sources = make(map[string][]byte)
	for _, f := range r.files {
		if f != nil && f.text != nil {
			sources[f.path] = f.text
		}
	}
	return doc, r.order, sources, r.finish()
}
