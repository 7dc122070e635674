package apidoc

import (
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/schema"
)

// def is a schema with a name, by which others refer to it.
type def struct {
	name string
	node *node
}

// def gives the schema of a value, which is made when all operations have been read.
func (r *reader) def(n *node, wanted string) *def {
	if d := r.defs[n]; d != nil {
		return d
	}
	name := free(wanted, r.names)
	d := &def{name: name, node: n}
	r.defs[n] = d
	if len(r.defs) > maxSchemas {
		if len(r.defs) == maxSchemas+1 {
			r.wrong(n, "Too many schemas", "A document may use at most %d schemas.", maxSchemas)
		}
		return d
	}
	r.queue = append(r.queue, d)
	return d
}

// free makes a name of letters, digits, _ and - that is not taken, and takes it.
func free(wanted string, taken map[string]bool) string {
	name := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' {
			return c
		}
		return '_'
	}, wanted)
	if name == "" || name[0] == '-' || name[0] >= '0' && name[0] <= '9' {
		name = "_" + name
	}
	name = name[:min(len(name), 56)] // a label has 64 characters, the last of them for a number
	for i, next := 2, name; ; i++ {
		if !taken[next] {
			taken[next] = true
			return next
		}
		next = name + "_" + itoa(i)
	}
}

// referred gives what a schema that is nothing but a reference refers to, and what that is called there.
func (r *reader) referred(n *node) (*node, string) {
	ref := n.get("$ref")
	if ref == nil || ref.kind != text || !r.old && len(n.members) > 1 {
		return n, ""
	}
	to := r.target(ref)
	if to == nil {
		return n, ""
	}
	return to, nameOf(ref.text)
}

// nameOf is the last name of a reference: of a place, or of a file without its ending.
func nameOf(ref string) string {
	file, fragment, _ := strings.Cut(ref, "#")
	if tokens := jsonspan.Split(fragment); len(tokens) > 0 {
		return tokens[len(tokens)-1]
	}
	file = file[strings.LastIndexByte(file, '/')+1:]
	name, _, _ := strings.Cut(file, ".")
	return name
}

// object gives the object of a schema, called by the name it has, or else the one given.
func (r *reader) object(n *node, name string) *Object {
	at := n
	if to, own := r.referred(n); own != "" {
		n, name = to, own
	}
	if r.bodies == nil {
		r.bodies = make(map[*node]*Object)
	}
	if o := r.bodies[n]; o != nil {
		return o
	}
	d := r.def(n, name)
	o := &Object{Name: free(d.name, r.labels), Def: d.name, Range: at.at()}
	r.bodies[n] = o
	r.doc.Objects = append(r.doc.Objects, o)
	return o
}

// schemas makes all schemas that are reached, and finds the objects in each other.
func (r *reader) schemas() {
	out := []byte(`{"$defs":{`)
	for i := 0; i < len(r.queue); i++ { // it grows on the way
		d := r.queue[i]
		r.judge(d)
		w := writer{r: r}
		w.schema(d.node, 0)
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(jsonspan.AppendQuote(out, d.name), ':'), w.out...)
		if t := r.types(d.node, 0); t["object"] {
			r.object(d.node, d.name)
		}
	}
	r.doc.Schemas = append(out, "}}"...)
	for n, o := range r.bodies {
		h := holder{r: r, object: o}
		h.look(n, "", 0)
	}
}

// judge tells what is wrong with a schema by itself, at its place; where its references lead has been told.
func (r *reader) judge(d *def) {
	w := writer{r: r, checking: true}
	w.schema(d.node, 0)
	_, diags := schema.Parse("schema.json", w.out)
	for _, m := range diags {
		n := d.node
		if m.Subject != nil {
			n = w.at(m.Subject.Start.Byte, n)
		}
		if m.Severity == hcl.DiagWarning {
			r.warn(n, m.Summary, "%s", m.Detail)
		} else {
			r.wrong(n, m.Summary, "%s", m.Detail)
		}
	}
}

// maxInline bounds the schema of a parameter, in bytes, with all that it refers to.
const maxInline = 64 << 10

// inline makes a schema that refers to nothing of one that may.
func (r *reader) inline(n *node) []byte {
	w := writer{r: r, inline: true}
	w.schema(n, 0)
	return w.out
}

// writer writes a schema as JSON Schema 2020-12.
type writer struct {
	r        *reader
	out      []byte
	marks    []mark
	checking bool // what is written is looked at by itself, without what it refers to
	inline   bool // what it refers to is written in its place
}

// mark says what was written from a byte on.
type mark struct {
	from int
	node *node
}

func (w *writer) mark(n *node) {
	if w.checking {
		w.marks = append(w.marks, mark{len(w.out), n})
	}
}

// at gives what was written at a byte.
func (w *writer) at(offset int, otherwise *node) *node {
	i := sort.Search(len(w.marks), func(i int) bool { return w.marks[i].from > offset })
	if i == 0 {
		return otherwise
	}
	return w.marks[i-1].node
}

// The keywords below which there are schemas: one, a list of them, or some by name.
var (
	oneSchema   = []string{"items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames", "unevaluatedItems", "unevaluatedProperties", "contentSchema"}
	manySchemas = []string{"allOf", "anyOf", "oneOf", "prefixItems"}
	namedSchema = []string{"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"}
)

// schema writes one.
func (w *writer) schema(n *node, depth int) {
	w.mark(n)
	switch {
	case n.kind == boolean:
		w.out = append(w.out, n.text...)
		return
	case n.kind != mapping:
		if w.checking || w.inline {
			w.r.wrong(n, "Unsuitable schema", "A schema has members.")
		}
		w.out = append(w.out, "true"...)
		return
	}
	ref := n.get("$ref")
	switch {
	case ref == nil || ref.kind != text:
	case w.inline:
		to := w.r.target(ref)
		if len(w.out) > maxInline || depth >= maxJumps {
			w.r.wrong(n, "Schema too large", "The schema of a parameter may have at most %d KiB, and not refer to itself.", maxInline>>10)
			to = nil
		}
		if to == nil {
			w.out = append(w.out, "true"...)
			return
		}
		w.schema(to, depth+1)
		return
	case w.r.old: // whatever stands beside is not read
		for _, m := range n.members {
			if w.checking && !slices.Contains([]string{"$ref", "description", "summary", "title", "example"}, m.name) && !strings.HasPrefix(m.name, "x-") {
				w.r.warn(m.key, "Not used", "In OpenAPI 3.0, what stands beside $ref is not read; put the reference into allOf.")
			}
		}
	}
	nullable := w.r.old && n.yes("nullable") && n.get("type") == nil && (ref == nil || ref.kind != text)
	if nullable { // of whatever the other keywords say
		w.out = append(w.out, `{"anyOf":[{"type":"null"},`...)
	}
	w.out = append(w.out, '{')
	start := len(w.out)
	for _, m := range n.members {
		if w.r.old && ref != nil && ref.kind == text && m.name != "$ref" {
			continue
		}
		before := len(w.out)
		if before > start {
			w.out = append(w.out, ',')
		}
		w.mark(m.key)
		if !w.member(n, m, depth) {
			w.out = w.out[:before]
		}
	}
	w.out = append(w.out, '}')
	if nullable {
		w.out = append(w.out, "]}"...)
	}
}

// raw writes a keyword and its value as they are.
func (w *writer) raw(name string, value *node) bool {
	w.key(name)
	w.mark(value)
	w.out = value.json(w.out)
	return true
}

func (w *writer) key(name string) { w.out = append(jsonspan.AppendQuote(w.out, name), ':') }

// member writes a keyword; it gives false where there is nothing to write.
func (w *writer) member(n *node, m member, depth int) bool {
	name, v := m.name, m.value
	switch {
	case name == "$ref" && v.kind == text:
		return w.reference(v)
	case slices.Contains(oneSchema, name) && (v.kind == mapping || v.kind == boolean):
		w.key(name)
		w.schema(v, depth+1)
		return true
	case slices.Contains(manySchemas, name) && v.kind == list:
		w.key(name)
		w.out = append(w.out, '[')
		for i, item := range v.items {
			if i > 0 {
				w.out = append(w.out, ',')
			}
			w.schema(item, depth+1)
		}
		w.out = append(w.out, ']')
		return true
	case slices.Contains(namedSchema, name) && v.kind == mapping:
		w.key(name)
		w.out = append(w.out, '{')
		for i, inner := range v.members {
			if i > 0 {
				w.out = append(w.out, ',')
			}
			w.key(inner.name)
			w.schema(inner.value, depth+1)
		}
		w.out = append(w.out, '}')
		return true
	case strings.HasPrefix(name, "x-"):
		return false
	case name == "type" && w.r.old && n.yes("nullable") && v.kind == text:
		w.key(name)
		w.out = append(append(append(w.out, '['), v.json(nil)...), `,"null"]`...)
		return true
	case name == "enum" && w.r.old && n.yes("nullable") && v.kind == list && !slices.ContainsFunc(v.items, func(i *node) bool { return i.kind == null }):
		w.key(name)
		all := v.json(nil)
		w.out = append(append(w.out, all[:len(all)-1]...), `,null]`...)
		return true
	}
	return w.keyword(n, name, v)
}

// keyword writes one whose value is no schema.
func (w *writer) keyword(n *node, name string, v *node) bool {
	switch name {
	case "nullable":
		if !w.r.old {
			w.told(v, "Not used", `In OpenAPI 3.1, nullable says nothing: write type: [string, "null"].`)
		}
		return false
	case "exclusiveMinimum", "exclusiveMaximum":
		if w.r.old && v.kind == boolean {
			return false // the bound beside it has become that
		}
	case "minimum", "maximum":
		exclusive := "exclusive" + strings.ToUpper(name[:1]) + name[1:]
		if e := n.get(exclusive); w.r.old && e != nil && e.kind == boolean && e.text == "true" {
			return w.raw(exclusive, v)
		}
	case "example":
		if n.get("examples") != nil {
			return false
		}
		w.key("examples")
		w.out = append(v.json(append(w.out, '[')), ']')
		return true
	case "format":
		return w.format(n, v)
	case "pattern":
		if _, err := regexp.Compile(v.text); err != nil && v.kind == text {
			w.told(v, "Not checked", "This pattern is no regular expression of Go's syntax (RE2), which knows no look-ahead and no back-references; values are not held to it.")
			return false
		}
	case "required":
		return w.required(n, v)
	case "discriminator":
		w.told(v, "Not used", "A discriminator tells tools which schema is meant; values are held to the schemas of oneOf and anyOf themselves.")
		return false
	case "$schema":
		return false
	case "$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor", "$vocabulary":
		w.told(v, "Not checked", "%s is not supported in documents by this version; refer to places: #/components/schemas/name.", name)
		return false
	}
	return w.raw(name, v)
}

// told warns, once for each place.
func (w *writer) told(n *node, summary, detail string, args ...any) {
	if w.checking || w.inline {
		w.r.warn(n, summary, detail, args...)
	}
}

// required leaves out the members that one direction does not have: one schema is for requests and for answers.
func (w *writer) required(n, v *node) bool {
	if v.kind != list {
		return w.raw("required", v)
	}
	w.key("required")
	w.out = append(w.out, '[')
	first := true
	properties := n.get("properties")
	for _, item := range v.items {
		if p := w.r.quietly(properties.get(item.text)); p.yes("readOnly") || p.yes("writeOnly") {
			continue
		}
		if !first {
			w.out = append(w.out, ',')
		}
		first = false
		w.mark(item)
		w.out = item.json(w.out)
	}
	w.out = append(w.out, ']')
	return true
}

// quietly follows a reference whose mistakes are told elsewhere.
func (r *reader) quietly(n *node) *node {
	if n.get("$ref") == nil {
		return n
	}
	before := len(r.diags)
	to := r.follow(n)
	r.diags = r.diags[:before]
	return to
}

// bounds are those of OpenAPI's formats of whole numbers.
var bounds = map[string][2]string{
	"int32": {"-2147483648", "2147483647"},
	"int64": {"-9223372036854775808", "9223372036854775807"},
}

// plain are formats that say how a value is kept or shown, and nothing of what it may be.
var plain = []string{"float", "double", "password", "binary", "byte", "decimal", "html", "markdown", "commonmark"}

// format writes a format in the words of JSON Schema.
func (w *writer) format(n, v *node) bool {
	if b, ok := bounds[v.text]; ok {
		written := false
		for i, name := range []string{"minimum", "maximum"} {
			if n.get(name) != nil || n.get("exclusiveM"+name[1:]) != nil && n.get("exclusiveM"+name[1:]).kind == number {
				continue
			}
			if written {
				w.out = append(w.out, ',')
			}
			w.key(name)
			w.out = append(w.out, b[i]...)
			written = true
		}
		return written
	}
	if slices.Contains(plain, v.text) {
		return false
	}
	return w.raw("format", v)
}

// reference writes what a schema refers to.
func (w *writer) reference(ref *node) bool {
	if w.checking {
		return false
	}
	to := w.r.target(ref)
	if to == nil {
		return false
	}
	w.key("$ref")
	w.out = jsonspan.AppendQuote(w.out, "#/$defs/"+w.r.def(to, nameOf(ref.text)).name)
	return true
}
