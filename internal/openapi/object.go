package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// piece is a schema that becomes a component: an object's own, or one of its $defs.
type piece struct {
	object string
	def    string // "" for the object's own
	text   []byte // without $schema and $defs
}

// describeObjects makes components of the schemas of all objects. An object's $defs that say the same in all objects
// become one component; the object that has the name of one of them, where it says the same, is that component.
func (w *writer) describeObjects() error {
	w.schemas = map[string]json.RawMessage{problemSchema: problemShape}
	w.objects = map[string]string{}
	var pieces []piece
	for _, o := range w.API.Objects {
		text := w.Schema(o.Name)
		if text == nil {
			return fmt.Errorf("the object %q has no schema", o.Name)
		}
		pieces = append(pieces, cut(o.Name, text)...)
	}
	names := w.name(pieces)
	for i, p := range pieces {
		name := names[i]
		if p.def == "" {
			w.objects[p.object] = name
		}
		if w.schemas[name] == nil {
			w.schemas[name] = refer(p.text, func(ref string) string { return point(ref, p.object, pieces, names) })
		}
	}
	return nil
}

// cut takes the $defs off a self-contained schema. What refers to the schema itself names it, from then on, as others
// do.
func cut(object string, text []byte) []piece {
	pieces := []piece{{object: object}}
	var own ordered[json.RawMessage]
	for name, value := range jsonspan.Members(text) {
		switch key := jsonspan.Text(name); key {
		case "$schema":
		case "$defs":
			for def, schema := range jsonspan.Members(value) {
				pieces = append(pieces, piece{object, jsonspan.Text(def), schema})
			}
		default:
			own.add(key, value)
		}
	}
	pieces[0].text = text // true or false
	if i := jsonspan.Space(text, 0); i < len(text) && text[i] == '{' {
		pieces[0].text = marshal(own)
	}
	for i := range pieces {
		pieces[i].text = refer(pieces[i].text, func(ref string) string {
			if rest, ok := strings.CutPrefix(ref, "#"); ok && (rest == "" || rest[0] == '/') && !strings.HasPrefix(rest, "/$defs/") {
				return "#/$defs/" + object + rest
			}
			return ref
		})
	}
	return pieces
}

// name gives each piece its component's name. Pieces share a name where they are the same, what they refer to
// included.
func (w *writer) name(pieces []piece) []string {
	label := func(p piece) string {
		if p.def != "" {
			return p.def
		}
		return p.object
	}
	differs := map[string]bool{} // by label: there are pieces of that label that are not the same
	texts := map[string][]byte{}
	for _, p := range pieces {
		if other, ok := texts[label(p)]; ok && !bytes.Equal(other, p.text) {
			differs[label(p)] = true
		}
		texts[label(p)] = p.text
	}
	for again := true; again; { // whoever refers to what differs, differs
		again = false
		for _, p := range pieces {
			if p.def == "" || differs[p.def] {
				continue
			}
			refer(p.text, func(ref string) string {
				if def, _ := target(ref); differs[def] {
					differs[p.def], again = true, true
				}
				return ref
			})
		}
	}
	names := make([]string, len(pieces))
	given := map[string]string{} // by what is one component: its name
	for i, p := range pieces {
		want, same := label(p), label(p)
		if p.def != "" && differs[p.def] {
			want, same = p.object+"."+p.def, p.object+"\x00"+p.def
		}
		if given[same] == "" {
			given[same] = free(want, func(name string) bool {
				return name == problemSchema || name == patchSchema || slices.Contains(names, name)
			})
		}
		names[i] = given[same]
	}
	return names
}

// free makes a component's key of a name: letters, digits, dots, hyphens and underscores, and no key that is taken.
func free(name string, taken func(string) bool) string {
	key := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune(".-_", r) {
			return r
		}
		return '_'
	}, name)
	for n, next := 2, key; ; n++ {
		if !taken(next) {
			return next
		}
		next = fmt.Sprintf("%s-%d", key, n)
	}
}

// target takes a reference to one of the $defs apart: into its name and the rest of the pointer. The name of another
// reference is "".
func target(ref string) (def, rest string) {
	inner, ok := strings.CutPrefix(ref, "#/$defs/")
	if !ok {
		return "", ""
	}
	def, rest, ok = strings.Cut(inner, "/")
	if ok {
		rest = "/" + rest
	}
	if decoded, err := url.PathUnescape(def); err == nil {
		def = decoded
	}
	return jsonspan.Unescape(def), rest
}

// point turns a reference of an object's schema into one of the document. What is none to a place of the schema, an
// anchor, stays.
func point(ref, object string, pieces []piece, names []string) string {
	def, rest := target(ref)
	if def == "" {
		return ref
	}
	for i, p := range pieces {
		if p.object == object && (p.def == def || p.def == "" && object == def) {
			return "#/components/schemas/" + names[i] + rest
		}
	}
	return ref
}

// The keywords of JSON Schema 2020-12 below which there are schemas: one, a list of them, or some by name.
var (
	oneSchema   = []string{"items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames", "unevaluatedItems", "unevaluatedProperties", "contentSchema"}
	manySchemas = []string{"allOf", "anyOf", "oneOf", "prefixItems"}
	namedSchema = []string{"properties", "patternProperties", "dependentSchemas", "$defs"}
)

// refer gives a schema with its references as to has them, in the order and the spelling it came in, but for white
// space.
func refer(text []byte, to func(ref string) string) json.RawMessage {
	if i := jsonspan.Space(text, 0); i >= len(text) || text[i] != '{' {
		return compact(text)
	}
	var out ordered[json.RawMessage]
	for name, value := range jsonspan.Members(text) {
		key := jsonspan.Text(name)
		switch {
		case key == "$ref" && value[0] == '"':
			out.add(key, marshal(to(jsonspan.Text(value))))
		case slices.Contains(oneSchema, key):
			out.add(key, refer(value, to))
		case slices.Contains(manySchemas, key):
			var all []json.RawMessage
			for item := range jsonspan.Items(value) {
				all = append(all, refer(item, to))
			}
			out.add(key, marshal(all))
		case slices.Contains(namedSchema, key):
			var all ordered[json.RawMessage]
			for name, schema := range jsonspan.Members(value) {
				all.add(jsonspan.Text(name), refer(schema, to))
			}
			out.add(key, marshal(all))
		default:
			out.add(key, compact(value))
		}
	}
	return marshal(out)
}

func compact(text []byte) json.RawMessage {
	var out bytes.Buffer
	if err := json.Compact(&out, text); err != nil {
		return text // it was loaded as strict JSON
	}
	return out.Bytes()
}

// marshal encodes what can be encoded: texts, and schemas that were loaded as strict JSON.
func marshal(v any) json.RawMessage {
	var out bytes.Buffer
	if err := encode(&out, v); err != nil {
		panic(fmt.Errorf("encoding a part of a description: %w", err))
	}
	return out.Bytes()
}
