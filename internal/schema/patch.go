package schema

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// LoadPatch compiles what a merge patch (RFC 7396) of documents by the schema in file must be valid by. Whatever makes a
// valid document of a valid one is valid; but a valid patch may still make a document that is not, for that depends on
// the document: no member is required, null is right in place of each, of several alternatives any will do, and what
// depends on more than one member is not asked for. Items of lists, which a patch gives whole, are checked in full.
//
// Load tells the mistakes of the schema itself.
func LoadPatch(file, root string, read func(string) ([]byte, error)) (*Schema, hcl.Diagnostics) {
	f := &patchFolder{folder{root: root, read: read, sources: make(map[string]source)}}
	at, err := f.url(file)
	if err != nil {
		return nil, nil
	}
	whole := map[string]any{"type": "object", "$ref": patchScheme + strings.TrimPrefix(at, scheme)}
	s, err := compile(patchScheme+":///", whole, f)
	if err == nil {
		return s, nil
	}
	var load *jsonschema.LoadURLError
	if errors.As(err, &load) {
		err = load.Err
	}
	detail := f.why(err)
	if errors.Is(err, errNamed) {
		detail = sentence(errNamed.Error())
	}
	return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "No schema of patches", Detail: detail,
		Subject: &hcl.Range{Filename: file, Start: hcl.InitialPos, End: hcl.InitialPos}}}
}

// patchScheme names what is made of the folder's files for patches.
const patchScheme = scheme + "-patch"

var errNamed = errors.New("a part of the schema has an $id of its own; for a route with PATCH, only the file itself may have one")

// patchFolder loads files both as they are and made for patches.
type patchFolder struct{ folder }

// Load implements jsonschema.URLLoader.
func (f *patchFolder) Load(at string) (any, error) {
	rest, patch := strings.CutPrefix(at, patchScheme+":")
	if patch {
		at = scheme + ":" + rest
	}
	s, ok := f.sources[at]
	if !ok {
		if _, err := f.folder.Load(at); err != nil {
			return nil, err
		}
		s = f.sources[at]
	}
	if !patch {
		return s.doc, nil
	}
	r := relaxing{file: at, base: at}
	if o, ok := s.doc.(map[string]any); ok {
		if id, ok := o["$id"].(string); ok {
			r.base = r.resolve(id)
		}
	}
	doc := r.schema(s.doc, "")
	return doc, r.err
}

// relaxing makes a schema of patches of the schema in one file.
type relaxing struct {
	file string // its address
	base string // what its references are relative to
	err  error
}

func (r *relaxing) resolve(reference string) string {
	base, err := url.Parse(r.base)
	if err != nil {
		return reference
	}
	to, err := base.Parse(reference)
	if err != nil {
		return reference
	}
	return to.String()
}

// schema makes a schema of patches of the one at pointer.
func (r *relaxing) schema(v any, pointer string) any {
	from, ok := v.(map[string]any)
	if !ok {
		return v
	}
	to := make(map[string]any, len(from))
	var also []any // schemas that must hold too, where a keyword is taken
	for keyword, value := range from {
		at := pointer + "/" + jsonspan.Escape(keyword)
		switch keyword {
		case "$id":
			if pointer != "" {
				r.err = errNamed
			}
		case "required", "minProperties", "maxProperties", "dependentRequired", "dependentSchemas", "dependencies",
			"if", "then", "else", "not", "unevaluatedProperties", "$dynamicRef":
		case "$ref":
			to[keyword] = r.reference(value)
		case "items", "prefixItems", "contains", "unevaluatedItems", "propertyNames":
			to[keyword] = r.strict(value, at)
		case "properties", "patternProperties", "$defs", "definitions":
			to[keyword] = r.each(value, at)
		case "allOf":
			if all, ok := r.each(value, at).([]any); ok {
				also = append(also, all...)
			}
		case "anyOf", "oneOf":
			also = append(also, map[string]any{"anyOf": r.each(value, at)})
		case "type":
			to[keyword] = withNull(value)
		case "enum":
			if values, ok := value.([]any); ok && !slices.ContainsFunc(values, isObject) {
				to[keyword] = append(slices.Clone(values), nil)
			}
		case "const":
			if !isObject(value) {
				also = append(also, map[string]any{"enum": []any{value, nil}})
			}
		default:
			to[keyword] = r.schema(value, at)
		}
	}
	if also != nil {
		to["allOf"] = also
	}
	return to
}

// each makes schemas of patches of a list of schemas, or of the members of an object.
func (r *relaxing) each(v any, pointer string) any {
	switch v := v.(type) {
	case map[string]any:
		to := make(map[string]any, len(v))
		for name, value := range v {
			to[name] = r.schema(value, pointer+"/"+jsonspan.Escape(name))
		}
		return to
	case []any:
		to := make([]any, len(v))
		for i, value := range v {
			to[i] = r.schema(value, pointer+"/"+itoa(i))
		}
		return to
	}
	return v
}

// strict refers to a schema as it is.
func (r *relaxing) strict(v any, pointer string) any {
	switch v := v.(type) {
	case map[string]any:
		fragment := url.URL{Fragment: pointer}
		return map[string]any{"$ref": r.file + fragment.String()}
	case []any:
		to := make([]any, len(v))
		for i, value := range v {
			to[i] = r.strict(value, pointer+"/"+itoa(i))
		}
		return to
	}
	return v
}

// reference leads to the schema of patches of what it led to.
func (r *relaxing) reference(v any) any {
	text, ok := v.(string)
	if !ok {
		return v
	}
	to, fragment, _ := strings.Cut(r.resolve(text), "#")
	if own, _, _ := strings.Cut(r.base, "#"); to == own || to == r.file {
		return "#" + fragment
	}
	if rest, ok := strings.CutPrefix(to, scheme+":"); ok {
		to = patchScheme + ":" + rest
	}
	return to + "#" + fragment
}

func isObject(v any) bool {
	_, ok := v.(map[string]any)
	return ok
}

// withNull lets null be of a type too.
func withNull(v any) any {
	types, ok := v.([]any)
	if !ok {
		types = []any{v}
	}
	if slices.Contains(types, any("null")) {
		return v
	}
	return append(slices.Clone(types), "null")
}

var _ jsonschema.URLLoader = (*patchFolder)(nil)
