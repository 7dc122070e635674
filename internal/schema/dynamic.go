package schema

import (
	"net/url"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// scope is a schema resource: a file, or a part of one that has an $id of its own.
type scope struct {
	anchors map[string]*node // by $dynamicAnchor
}

// dynamic is a $dynamicRef to a $dynamicAnchor: it leads to the anchor of that name in the outermost of the resources
// that were gone through on the way to it.
type dynamic struct {
	anchor     string
	first      *node   // where it leads if none of them has such an anchor
	candidates []*node // wherever it may lead
}

// resolve finds where a reference leads to from here.
func (e *evaluator) resolve(d *dynamic) *node {
	for _, s := range e.scopes {
		if n, ok := s.anchors[d.anchor]; ok {
			return n
		}
	}
	return d.first
}

// scopes finds the resource that a schema is part of. The library knows, but does not say.
type scopes struct {
	compiler *jsonschema.Compiler
	docs     map[string]any // the files, by their URL
	used     bool           // some reference is dynamic
	files    map[string]*file
}

// file is what is known of one file.
type file struct {
	walked    map[string]bool   // the pointers to its schemas
	resources map[string]*scope // by the pointers to the schemas that begin them
	anchors   []anchor
}

// anchor is a $dynamicAnchor.
type anchor struct {
	name, pointer string
}

func newScopes(c *jsonschema.Compiler, docs map[string]any) *scopes {
	return &scopes{compiler: c, docs: docs, files: make(map[string]*file)}
}

// metaSchemas is where the files of the meta-schema lie. Each is one resource with the anchor "meta".
const metaSchemas = "https://json-schema.org/draft/2020-12/"

// dynamic gives what a $dynamicRef does; nil if it does what $ref does, as it leads to no $dynamicAnchor.
func (b *builder) dynamic(n *node, r *jsonschema.DynamicRef) *dynamic {
	if r.Anchor == "" || r.Ref.DynamicAnchor != r.Anchor {
		n.all = append(n.all, b.node(r.Ref))
		return nil
	}
	b.scopes.used = true
	return &dynamic{anchor: r.Anchor, first: b.node(r.Ref)}
}

// scope finds the resources of all schemas, with the anchors in them, and what these lead to.
func (b *builder) scope() {
	filled := len(b.order)
	for i := 0; i < len(b.order) && b.err == nil; i++ {
		n := b.order[i]
		if i >= filled {
			b.fill(n)
		}
		n.scope = b.scopeOf(n.of)
	}
	for _, n := range b.order {
		if n.dynamic == nil {
			continue
		}
		n.dynamic.candidates = []*node{n.dynamic.first}
		for _, f := range b.scopes.files {
			for _, s := range f.resources {
				if to, ok := s.anchors[n.dynamic.anchor]; ok {
					n.dynamic.candidates = append(n.dynamic.candidates, to)
				}
			}
		}
	}
}

func (b *builder) scopeOf(s *jsonschema.Schema) *scope {
	at, pointer := split(s.Location)
	f := b.scopes.files[at]
	if f == nil {
		f = &file{walked: make(map[string]bool), resources: map[string]*scope{"": {anchors: make(map[string]*node)}}}
		b.scopes.files[at] = f
		if strings.HasPrefix(at, metaSchemas) {
			f.anchors = []anchor{{"meta", ""}}
		} else {
			f.walk(b.scopes.docs[at], "")
		}
		b.lead(at, f)
	}
	if !f.walked[pointer] && b.scopes.docs[at] != nil {
		// A reference led to a place that is no schema by itself, below an unknown keyword.
		f.walk(at1(b.scopes.docs[at], jsonspan.Split(pointer)), pointer)
		b.lead(at, f)
	}
	return f.resource(pointer)
}

// at1 is the part of a decoded document at a pointer.
func at1(doc any, tokens []string) any {
	for _, token := range tokens {
		switch v := doc.(type) {
		case map[string]any:
			doc = v[token]
		case []any:
			i := index(token, len(v))
			if i < 0 {
				return nil
			}
			doc = v[i]
		default:
			return nil
		}
	}
	return doc
}

func index(token string, n int) int {
	for i := range n {
		if itoa(i) == token {
			return i
		}
	}
	return -1
}

// resource gives the innermost resource around a pointer.
func (f *file) resource(pointer string) *scope {
	for {
		if s, ok := f.resources[pointer]; ok {
			return s
		}
		pointer = pointer[:strings.LastIndexByte(pointer, '/')]
	}
}

// lead finds what the anchors found last lead to.
func (b *builder) lead(at string, f *file) {
	for _, a := range f.anchors {
		fragment := url.URL{Fragment: a.pointer}
		to, err := b.scopes.compiler.Compile(at + "#" + fragment.EscapedFragment())
		if err != nil {
			b.err = err
			return
		}
		f.resource(a.pointer).anchors[a.name] = b.node(to)
	}
	f.anchors = nil
}

// Keywords whose value is a schema, or a list of schemas, and those that have one for each of their members.
var (
	withSchema = []string{
		"additionalProperties", "unevaluatedProperties", "propertyNames", "items", "additionalItems", "unevaluatedItems", "contains",
		"not", "if", "then", "else", "contentSchema", "allOf", "anyOf", "oneOf", "prefixItems",
	}
	withSchemas = []string{"$defs", "definitions", "properties", "patternProperties", "dependentSchemas", "dependencies"}
)

// walk finds the resources and anchors in the schema at pointer.
func (f *file) walk(doc any, pointer string) {
	o, ok := doc.(map[string]any)
	if f.walked[pointer] = true; !ok {
		return
	}
	if id, ok := o["$id"].(string); ok && pointer != "" {
		if id, _, _ = strings.Cut(id, "#"); id != "" {
			f.resources[pointer] = &scope{anchors: make(map[string]*node)}
		}
	}
	if name, ok := o["$dynamicAnchor"].(string); ok {
		f.anchors = append(f.anchors, anchor{name, pointer})
	}
	for _, keyword := range withSchema {
		switch v := o[keyword].(type) {
		case map[string]any:
			f.walk(v, pointer+"/"+keyword)
		case []any:
			for i, item := range v {
				f.walk(item, pointer+"/"+keyword+"/"+itoa(i))
			}
		}
	}
	for _, keyword := range withSchemas {
		if all, ok := o[keyword].(map[string]any); ok {
			for name, member := range all {
				f.walk(member, pointer+"/"+keyword+"/"+jsonspan.Escape(name))
			}
		}
	}
}

// recorder remembers the files that the library asks for.
type recorder struct {
	jsonschema.URLLoader
	docs map[string]any
}

// Load implements jsonschema.URLLoader.
func (r recorder) Load(at string) (any, error) {
	doc, err := r.URLLoader.Load(at)
	if err == nil {
		r.docs[at] = doc
	}
	return doc, err
}
