package apidoc

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/wicketgate/wicketgate/internal/form"
)

// formatNames are the formats of requests' bodies, in the order in which their schemas are taken: a route has one.
var formatNames = []string{"json", "form", "multipart", "xml"}

// formatOf gives the format of a media type, "" for none that is looked at.
func formatOf(kind string) string {
	switch {
	case form.IsJSON(kind), kind == "*/*", kind == "application/*":
		return "json"
	case kind == "application/x-www-form-urlencoded":
		return "form"
	case kind == "multipart/form-data":
		return "multipart"
	case kind == "application/xml", kind == "text/xml":
		return "xml"
	}
	return ""
}

// formats finds the formats in which a body is taken, and its schema; nil where nothing of it is looked at.
func (r *reader) formats(b *Body, at, content *node) *node {
	if content == nil || content.kind != mapping {
		return nil
	}
	media := make(map[string]*node) // by format: the media type's object
	others, schemaless := "", false
	for _, m := range content.members {
		kind := strings.ToLower(strings.TrimSpace(strings.Split(m.name, ";")[0]))
		value := r.follow(m.value)
		name := formatOf(kind)
		switch {
		case value == nil:
		case name == "":
			others = kind
		case value.get("schema") == nil:
			schemaless = true
		case media[name] == nil || kind == "application/json":
			media[name] = value
		}
	}
	var schema *node
	for _, name := range formatNames {
		value := media[name]
		switch {
		case value == nil:
		case schema == nil:
			schema = value.get("schema")
			b.Formats = append(b.Formats, name)
		case r.alike(schema, value.get("schema")):
			b.Formats = append(b.Formats, name)
		default:
			r.warn(value.get("schema"), "Not used", "Another format of the body has another schema; a route takes one object, so %s is not taken: write a route of its own.", called[name])
		}
	}
	switch {
	case schema == nil && others != "":
		r.warn(at, "Not used", "The bodies of requests are let pass as they are: %s is not looked at.", others)
	case schema == nil && schemaless:
		r.warn(at, "Not used", "The bodies of requests are let pass as they are: nothing is said of what is in them.")
	case others != "":
		r.warn(at, "Not used", "Of bodies of requests, %s besides is not taken.", others)
	}
	if slices.Contains(b.Formats, "multipart") {
		r.fileFields(b, schema, media["multipart"].get("encoding"), 0)
	}
	return schema
}

// called are formats as documents name them.
var called = map[string]string{"json": "JSON", "form": "application/x-www-form-urlencoded", "multipart": "multipart/form-data", "xml": "XML"}

// alike says whether two schemas are the same: one place, or the same words.
func (r *reader) alike(a, b *node) bool {
	a, b = r.follow(a), r.follow(b)
	return a == b || a != nil && b != nil && a.size == b.size && bytes.Equal(a.json(nil), b.json(nil))
}

// mediaPattern is a media type that a file may be of.
var mediaPattern = regexp.MustCompile(`^(\*/\*|[a-z]+/(\*|[a-z0-9][a-z0-9.+_-]{0,126}))$`)

// fileFields finds the members of a form's schema that are files: binary texts, and lists of them.
func (r *reader) fileFields(b *Body, schema, encoding *node, depth int) {
	n := r.quietly(schema)
	if n == nil || depth > maxWay {
		return
	}
	if properties := n.get("properties"); properties != nil {
		for _, m := range properties.members {
			value := r.quietly(m.value)
			if items := value.get("items"); items != nil && r.types(value, 0)["array"] {
				value = r.quietly(items)
			}
			said := encoding.get(m.name).str("contentType")
			if !binary(value, said) || slices.ContainsFunc(b.Files, func(f File) bool { return f.Field == m.name }) {
				continue
			}
			f := File{Field: m.name, Range: m.key.at()}
			if said == "" && value.str("contentEncoding") == "" {
				said = value.str("contentMediaType")
			}
			for kind := range strings.SplitSeq(strings.ToLower(said), ",") {
				kind, _, _ = strings.Cut(kind, ";")
				if kind = strings.TrimSpace(kind); kind != "application/octet-stream" && mediaPattern.MatchString(kind) && !slices.Contains(f.Types, kind) {
					f.Types = append(f.Types, kind)
				}
			}
			if f.Types == nil {
				f.Types = []string{"*/*"}
			}
			b.Files = append(b.Files, f)
		}
	}
	for _, part := range itemsOf(n.get("allOf")) {
		r.fileFields(b, part, encoding, depth+1)
	}
}

func itemsOf(n *node) []*node {
	if n == nil {
		return nil
	}
	return n.items
}

// binary says whether a schema describes a file (OpenAPI 3.0.4, section 4.7.14.2, and 3.1.1, section 4.8.14.4).
func binary(n *node, said string) bool {
	switch {
	case n == nil || n.kind != mapping:
		return false
	case n.str("format") == "binary":
		return true
	case n.str("contentEncoding") != "":
		return false
	case n.str("contentMediaType") != "":
		return !form.IsJSON(strings.ToLower(n.str("contentMediaType"))) && n.str("contentMediaType") != "text/plain"
	}
	kind, _, _ := strings.Cut(strings.ToLower(said), "/")
	return kind == "image" || kind == "audio" || kind == "video" || said == "application/octet-stream"
}
