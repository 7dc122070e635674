package shape

import (
	"bytes"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// unit is a schema that stands on its own: an object's, or a part of one that references lead to.
type unit struct {
	name   string // in $defs
	object string // the object whose changes it is carried through; "" where it always stays in the newest shape
	where  string // tells it from others of the object in diagnostics: where it stands; "" for the object's own
	inline bool   // it stands in its holder's schema, with no name
	root   *node  // while schemas are derived, in the version that has been reached
	at     []*node
}

// reached, as a version's index, is the version that has been reached while schemas are derived.
const reached = -1

// in gives the schema in the version of an index.
func (u *unit) in(version int) *node {
	if version != reached && u.at != nil {
		return u.at[version]
	}
	return u.root
}

// bundler reads schemas from their files. What a reference leads to is read once, as a unit.
type bundler struct {
	d     *deriver
	files map[string]*file
	units map[target]*unit
	names map[string]bool // taken in $defs
}

// file is a schema file.
type file struct {
	path string
	root string   // the folder that references are resolved in
	base *url.URL // what they are resolved against: its place in that folder, or its $id
	id   string   // the root's absolute $id; "" for none
	text []byte
	read func(string) ([]byte, error)
}

// target is what a reference leads to.
type target struct{ path, pointer string }

// open opens a file by its place in the folder root; nil where it cannot, which whoever compiles the schema tells.
func (b *bundler) open(root, rel string, text []byte, read func(string) ([]byte, error)) *file {
	path := filepath.Join(root, rel)
	if f, done := b.files[path]; done {
		return f
	}
	b.files[path] = nil
	if text == nil {
		var err error
		if read != nil {
			text, err = read(path)
		}
		if err != nil || text == nil {
			return nil
		}
	}
	f := &file{path: path, root: root, text: text, read: read, base: &url.URL{Path: "/" + filepath.ToSlash(rel)}}
	if err := jsonspan.Check(text, jsonspan.Bounds{}); err != nil {
		b.d.diags = append(b.d.diags, f.mistake(nil, "Broken schema file", err.Error()+"."))
		return nil
	}
	if raw, ok := jsonspan.Get(text, "$id"); ok && raw[0] == '"' {
		if id, err := url.Parse(jsonspan.Text(raw)); err == nil {
			id.Fragment = ""
			if f.base = f.base.ResolveReference(id); id.IsAbs() {
				f.id = f.base.String()
			}
		}
	}
	b.files[path] = f
	return f
}

// called is what the schema at a place of the file is called: by the last name of the place, else by the file's.
func (f *file) called(pointer string) string {
	if tokens := jsonspan.Split(pointer); len(tokens) > 0 {
		return tokens[len(tokens)-1]
	}
	return strings.TrimSuffix(filepath.Base(f.path), filepath.Ext(f.path))
}

// mistake tells of something at raw, a part of the file's text.
func (f *file) mistake(raw []byte, summary, detail string) *hcl.Diagnostic {
	from := 0
	if raw != nil {
		from = cap(f.text) - cap(raw)
	}
	position := func(offset int) hcl.Pos {
		before := f.text[:offset]
		start := bytes.LastIndexByte(before, '\n') + 1
		return hcl.Pos{Line: bytes.Count(before, []byte("\n")) + 1, Column: utf8.RuneCount(before[start:]) + 1, Byte: offset}
	}
	at := hcl.Range{Filename: f.path, Start: position(from), End: position(from + len(raw))}
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: &at}
}

// unit reads what a reference leads to; nil where there is nothing, which whoever compiles the schema tells.
func (b *bundler) unit(f *file, pointer, name string) *unit {
	at := target{f.path, pointer}
	if u, done := b.units[at]; done {
		return u
	}
	raw, ok := jsonspan.Get(f.text, jsonspan.Split(pointer)...)
	if !ok {
		return nil
	}
	u := &unit{}
	b.units[at] = u // before what it refers to, which may be itself
	u.name = b.name(name)
	u.root = b.schema(f, raw)
	return u
}

// name makes a name that is free in $defs and needs no escape in a reference.
func (b *bundler) name(wanted string) string {
	wanted = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r) {
			return r
		}
		return '_'
	}, wanted)
	if wanted == "" {
		wanted = "schema"
	}
	name := wanted
	for i := 2; b.names[name]; i++ {
		name = fmt.Sprintf("%s_%d", wanted, i)
	}
	b.names[name] = true
	return name
}

// schema reads a schema, with what it refers to.
func (b *bundler) schema(f *file, raw []byte) *node {
	if raw[0] != '{' {
		return data(raw)
	}
	if !b.d.step() {
		return anything
	}
	var names []string
	var parts []*node
	for quoted, value := range jsonspan.Members(raw) {
		name := jsonspan.Text(quoted)
		var part *node
		switch {
		case name == "$ref":
			part = b.reference(f, value)
		case name == "$dynamicRef":
			b.d.diags = append(b.d.diags, f.mistake(value, "Not supported", "Schemas of objects are followed through their versions, and $dynamicRef is not supported by this version. Write $ref."))
			continue
		case name == "$id" && cap(raw) != cap(f.text):
			b.d.diags = append(b.d.diags, f.mistake(value, "Not supported", "An $id below the root of a file is not supported by this version. Name the part by its place: \"#/$defs/name\"."))
			continue
		case slices.Contains(identifying, name):
			continue
		case keywords[name] == aSchema:
			part = b.schema(f, value)
		case keywords[name] == someSchemas && value[0] == '[':
			var items []*node
			for item := range jsonspan.Items(value) {
				items = append(items, b.schema(f, item))
			}
			part = list(items...)
		case keywords[name] == namedSchemas && value[0] == '{':
			part = empty
			for member, v := range jsonspan.Members(value) {
				part = newNode('{', append(part.names, jsonspan.Text(member)), append(part.parts, b.schema(f, v)))
			}
		default:
			part = data(value)
		}
		names, parts = append(names, name), append(parts, part)
	}
	return newNode('{', names, parts)
}

// reference reads the value of a $ref and what it leads to.
func (b *bundler) reference(f *file, raw []byte) *node {
	ref, err := url.Parse(jsonspan.Text(raw))
	if raw[0] != '"' || err != nil {
		return data(raw)
	}
	to := f.base.ResolveReference(ref)
	fragment := to.Fragment
	to.Fragment, to.RawFragment = "", ""
	into := f
	switch {
	case to.Host == "json-schema.org": // every validator knows the meta-schemas
		return data(raw)
	case ref.Path == "" && ref.Host == "", to.String() == f.id && f.id != "":
	case to.IsAbs():
		into = nil
	default:
		into = b.open(f.root, filepath.FromSlash(strings.TrimPrefix(to.Path, "/")), nil, f.read)
	}
	if into == nil {
		return data(raw)
	}
	name := into.called("")
	if fragment != "" && fragment[0] != '/' {
		way := anchor(into.text, nil, fragment)
		if way == nil {
			return data(raw)
		}
		name, fragment = fragment, jsonspan.Join(way)
	} else if tokens := jsonspan.Split(fragment); len(tokens) > 0 {
		name = tokens[len(tokens)-1]
	}
	if u := b.unit(into, fragment, name); u != nil {
		return &node{to: u, size: 1}
	}
	return data(raw)
}

// anchor gives the way to the schema with an anchor; nil where there is none but at the root, where it is not nil but
// empty.
func anchor(raw []byte, way []string, name string) []string {
	for _, keyword := range []string{"$anchor", "$dynamicAnchor"} {
		if value, ok := jsonspan.Get(raw, keyword); ok && raw[0] == '{' && jsonspan.Is(value, name) {
			return append([]string{}, way...)
		}
	}
	for member, value := range jsonspan.Members(raw) {
		if found := anchor(value, append(slices.Clip(way), jsonspan.Text(member)), name); found != nil {
			return found
		}
	}
	i := 0
	for value := range jsonspan.Items(raw) {
		if found := anchor(value, append(slices.Clip(way), fmt.Sprint(i)), name); found != nil {
			return found
		}
		i++
	}
	return nil
}
