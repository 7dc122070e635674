package validate

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/shape"
	"github.com/wicketgate/wicketgate/internal/webform"
	"github.com/wicketgate/wicketgate/internal/xmlform"
)

// The formats of bodies.
const (
	jsonBody      = "json"
	xmlFormat     = "xml"
	formBody      = "form"
	multipartBody = "multipart"
)

// BodyFormats are what a body may be.
func BodyFormats() []string { return []string{jsonBody, xmlFormat, formBody, multipartBody} }

// PartsConfig is what the parts of multipart/form-data may be.
type PartsConfig struct {
	// How many parts a form may have. Default: 100. Bound: 1000.
	Max int `json:"max,omitempty"`
	// The largest part that is no file, in bytes. Default: 64 KiB. The size of the whole bounds it, too.
	MaxPart int64 `json:"max_part,omitempty"`
	// The fields that are files; no other may be. At most 64. Default: none.
	Files []FileConfig `json:"files,omitempty"`
}

// FileConfig is a field that is a file.
type FileConfig struct {
	// The field's name. The schema has a member of that name: a text, which is the file's name, an object of the file's
	// "name", "type" and "size", or a list of them. Where there is no schema, it is a list of names.
	Field string `json:"field"`
	// The media types that are taken, such as "image/png", "image/*" or "*/*". What the content shows and what is said of
	// it must agree.
	Types []string `json:"types"`
	// The largest file, in bytes. Default: the size of the whole.
	Max int64 `json:"max,omitempty"`
}

// The bounds of PartsConfig.
const (
	maxParts = 1000
	maxFiles = 64
)

// Check tells what is wrong without a look at the schema.
func (c *PartsConfig) Check(at hcl.Range) (diags hcl.Diagnostics) {
	if c.Max < 0 || c.Max > maxParts {
		diags = append(diags, mistake(at, "Invalid bound", fmt.Sprintf("A form may have 1 to %d parts.", maxParts)))
	}
	if c.MaxPart < 0 || len(c.Files) > maxFiles {
		diags = append(diags, mistake(at, "Invalid bound", fmt.Sprintf("A part has 1 byte or more, and at most %d fields are files.", maxFiles)))
	}
	var seen []string
	for _, f := range c.Files {
		if f.Field == "" || slices.Contains(seen, f.Field) {
			diags = append(diags, mistake(at, "Unusable file", fmt.Sprintf("Each file has the name of a field of its own, not %q.", f.Field)))
		}
		seen = append(seen, f.Field)
		if len(f.Types) == 0 || f.Max < 0 {
			diags = append(diags, mistake(at, "Unusable file", fmt.Sprintf("The file %q has media types, and 1 byte or more.", f.Field)))
		}
		for _, t := range f.Types {
			if name, sub, ok := strings.Cut(t, "/"); !ok || name == "" || sub == "" || t != strings.ToLower(t) || strings.ContainsAny(t, " ;") || name == "*" && sub != "*" {
				diags = append(diags, mistake(at, "Unusable file", fmt.Sprintf("Expected a media type such as image/png, image/* or */*, not %q.", t)))
			}
		}
	}
	return diags
}

// contained is the text of a schema with what it refers to; nil where it has mistakes, which whoever loads it tells.
func contained(file string, read func(string) ([]byte, error)) []byte {
	text, err := read(file)
	if err != nil {
		return nil
	}
	const name = "body"
	shapes, diags := shape.Derive(map[string]shape.Source{name: {File: file, Doc: text, Read: read}}, nil, nil)
	if diags.HasErrors() {
		return nil
	}
	return shapes.Schema(name, 0)
}

// format has bodies read as what they are. text is their schema with what it refers to, nil for none, and where it has
// mistakes.
func (c Config) format(to *ContentConfig, text []byte, mistaken bool, place func(string) hcl.Range) (diags hcl.Diagnostics) {
	at := place("body")
	if c.Parts != nil && c.Body != multipartBody {
		diags = append(diags, mistake(at, "Nothing in parts", "Parts are those of multipart bodies."))
	}
	if c.Body == "" || c.Body == jsonBody || mistaken {
		return diags
	}
	to.NoJSON = true
	name := strings.TrimSuffix(filepath.Base(c.Schema), filepath.Ext(c.Schema))
	var err error
	switch c.Body {
	case xmlFormat:
		if text == nil {
			return append(diags, mistake(at, "No schema", "XML is read by a schema, which says what its elements are."))
		}
		if to.XML, err = xmlform.NewReader(name, text); err == nil {
			to.XMLWriter, err = xmlform.NewWriter(name, xmlform.Part{Name: name, Schema: text})
		}
	case formBody:
		to.Form, err = c.fields(name, text)
	case multipartBody:
		var parts webform.MultipartConfig
		if p := c.Parts; p != nil {
			diags = append(diags, p.Check(at)...)
			parts.MaxParts, parts.MaxPart = p.Max, p.MaxPart
			for _, f := range p.Files {
				parts.Files = append(parts.Files, webform.FileConfig(f))
			}
		}
		var s *webform.Shape
		if s, err = c.fields(name, text); err == nil {
			to.Multipart, err = webform.NewMultipart(s, parts)
		}
	default:
		return append(diags, mistake(at, "Unknown type of body", fmt.Sprintf("Expected json, xml, form or multipart, not %q.", c.Body)))
	}
	var mistakes xmlform.Mistakes
	if errors.As(err, &mistakes) {
		at.Filename = "api_validate schema"
		if c.Schema != "" {
			at.Filename = c.Schema
		}
		for _, m := range mistakes {
			diags = append(diags, mistake(at, "No "+c.Body+" form", xmlform.Mistakes{m}.Error()+"."))
		}
	} else if err != nil {
		diags = append(diags, mistake(at, "No "+c.Body+" form", err.Error()+"."))
	}
	return diags
}

// fields makes the shape of a form. Where there is no schema, every field is a text, and every file is one of a list.
func (c Config) fields(name string, text []byte) (*webform.Shape, error) {
	if text == nil {
		name, text = "form", []byte(`{"type":"object"}`)
		if c.Parts != nil && len(c.Parts.Files) > 0 {
			text = []byte(`{"type":"object","properties":{`)
			for i, f := range c.Parts.Files {
				if i > 0 {
					text = append(text, ',')
				}
				text = append(jsonspan.AppendQuote(text, f.Field), `:{"type":"array","items":{"type":"string"}}`...)
			}
			text = append(text, "}}"...)
		}
	}
	return webform.NewShape(name, text)
}
