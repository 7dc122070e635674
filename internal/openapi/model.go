package openapi

import (
	"bytes"
	"encoding/json"
)

// The parts of a document, by the names that OpenAPI 3.1 gives them. Maps are written in the order of their keys, an
// ordered in its own, so that a document is the same whenever it is written.

type document struct {
	OpenAPI      string            `json:"openapi"`
	Info         info              `json:"info"`
	ExternalDocs *externalDocs     `json:"externalDocs,omitempty"`
	Servers      []server          `json:"servers"`
	Paths        ordered[pathItem] `json:"paths"`
	Components   components        `json:"components"`
}

type info struct {
	Title       string `json:"title"`
	Version     string `json:"version"`
	Description string `json:"description,omitempty"`
}

type externalDocs struct {
	Description string `json:"description,omitempty"`
	URL         string `json:"url"`
}

type server struct {
	URL string `json:"url"`
}

type components struct {
	Schemas         map[string]json.RawMessage `json:"schemas,omitempty"`
	Responses       map[string]*response       `json:"responses,omitempty"`
	Parameters      map[string]*parameter      `json:"parameters,omitempty"`
	Headers         map[string]*header         `json:"headers,omitempty"`
	SecuritySchemes map[string]*securityScheme `json:"securitySchemes,omitempty"`
}

// pathItem has the operations of a path by their methods in lower case.
type pathItem struct {
	Parameters []*parameter
	Operations ordered[*operation]
}

func (p pathItem) MarshalJSON() ([]byte, error) {
	var all ordered[any]
	if len(p.Parameters) > 0 {
		all.add("parameters", p.Parameters)
	}
	for _, o := range p.Operations {
		all.add(o.name, o.value)
	}
	return all.MarshalJSON()
}

type operation struct {
	OperationID string                `json:"operationId"`
	Tags        []string              `json:"tags,omitempty"`
	Summary     string                `json:"summary"`
	Description string                `json:"description,omitempty"`
	Deprecated  bool                  `json:"deprecated,omitempty"`
	Parameters  []*parameter          `json:"parameters,omitempty"`
	RequestBody *requestBody          `json:"requestBody,omitempty"`
	Responses   map[string]*response  `json:"responses"`
	Security    []map[string][]string `json:"security"`
}

type parameter struct {
	Ref         string          `json:"$ref,omitempty"`
	Name        string          `json:"name,omitempty"`
	In          string          `json:"in,omitempty"`
	Description string          `json:"description,omitempty"`
	Required    bool            `json:"required,omitempty"`
	Empty       bool            `json:"allowEmptyValue,omitempty"`
	Style       string          `json:"style,omitempty"`
	Explode     *bool           `json:"explode,omitempty"`
	Schema      json.RawMessage `json:"schema,omitempty"`
}

type requestBody struct {
	Required bool               `json:"required,omitempty"`
	Content  ordered[mediaType] `json:"content"`
}

type mediaType struct {
	Schema   json.RawMessage     `json:"schema,omitempty"`
	Encoding map[string]encoding `json:"encoding,omitempty"`
}

// encoding is how a field of a form is sent.
type encoding struct {
	ContentType string `json:"contentType"`
}

type response struct {
	Ref         string             `json:"$ref,omitempty"`
	Description string             `json:"description,omitempty"`
	Headers     map[string]*header `json:"headers,omitempty"`
	Content     ordered[mediaType] `json:"content,omitempty"`
}

type header struct {
	Ref         string          `json:"$ref,omitempty"`
	Description string          `json:"description,omitempty"`
	Required    bool            `json:"required,omitempty"`
	Schema      json.RawMessage `json:"schema,omitempty"`
}

type securityScheme struct {
	Type         string `json:"type"`
	Description  string `json:"description,omitempty"`
	Name         string `json:"name,omitempty"`
	In           string `json:"in,omitempty"`
	Scheme       string `json:"scheme,omitempty"`
	BearerFormat string `json:"bearerFormat,omitempty"`
}

// ordered is an object whose members keep their order.
type ordered[T any] []entry[T]

type entry[T any] struct {
	name  string
	value T
}

func (o *ordered[T]) add(name string, value T) { *o = append(*o, entry[T]{name, value}) }

// MarshalJSON writes the members.
func (o ordered[T]) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, e := range o {
		if i > 0 {
			out.WriteByte(',')
		}
		for j, v := range []any{e.name, e.value} {
			if j > 0 {
				out.WriteByte(':')
			}
			if err := encode(&out, v); err != nil {
				return nil, err
			}
		}
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// encode writes v as it is meant to be read: nobody takes a description for HTML.
func encode(out *bytes.Buffer, v any) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	out.Truncate(out.Len() - 1) // the line end that Encode adds
	return nil
}
