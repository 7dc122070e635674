package shape

// What stands in a keyword of JSON Schema 2020-12.
type holding byte

const (
	_            holding = iota // no schema
	aSchema                     // a schema
	someSchemas                 // a list of schemas
	namedSchemas                // an object whose members are schemas
)

var keywords = map[string]holding{
	"additionalProperties": aSchema, "unevaluatedProperties": aSchema, "propertyNames": aSchema, "items": aSchema,
	"unevaluatedItems": aSchema, "contains": aSchema, "not": aSchema, "if": aSchema, "then": aSchema, "else": aSchema, "contentSchema": aSchema,
	"allOf": someSchemas, "anyOf": someSchemas, "oneOf": someSchemas, "prefixItems": someSchemas,
	"properties": namedSchemas, "patternProperties": namedSchemas, "dependentSchemas": namedSchemas,
}

// identifying are keywords that a self-contained schema does without: all its references are made anew. $schema is
// the root's alone.
var identifying = []string{"$id", "$anchor", "$dynamicAnchor", "$defs", "definitions", "$schema", "$vocabulary"}

// annotations say something for people or tools and refuse nothing. Values in them are examples of the shape.
var annotations = []string{"title", "description", "deprecated", "readOnly", "writeOnly", "$comment", "default", "examples"}

// exemplary are keywords that hold whole values.
var exemplary = []string{"default", "examples", "const", "enum"}
