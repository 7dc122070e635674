package schema

import (
	"strings"
	"testing"
)

var patchedFiles = map[string]string{
	"order.json": `{
  "$id": "https://shop.example/order",
  "type": "object", "required": ["id", "total", "lines"], "minProperties": 3, "additionalProperties": false,
  "properties": {
    "id": {"type": "string", "minLength": 2},
    "state": {"enum": ["open", "paid"]},
    "kind": {"const": "order"},
    "count": {"type": ["integer", "string"], "minimum": 0},
    "total": {"$ref": "#/$defs/money"},
    "customer": {"$ref": "catalogue:///parts/customer.json"},
    "parent": {"$ref": "#"},
    "lines": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/line"}},
    "payment": {"oneOf": [{"type": "object", "required": ["card"], "properties": {"card": {"type": "string"}}}, {"type": "object", "required": ["iban"], "properties": {"iban": {"type": "string"}}}]},
    "closed": {"type": "boolean"},
    "no": false
  },
  "dependentRequired": {"closed": ["state"]},
  "if": {"required": ["closed"]}, "then": {"properties": {"state": {"const": "paid"}}},
  "$defs": {
    "money": {"type": "object", "required": ["amount", "currency"], "properties": {"amount": {"type": "integer"}, "currency": {"$anchor": "currency", "pattern": "^[A-Z]{3}$"}}},
    "line": {"type": "object", "required": ["sku"], "properties": {"sku": {"type": "string"}, "price": {"$ref": "#/$defs/money"}}}
  }
}`,
	"parts/customer.json": `{"type": "object", "required": ["name", "email"], "properties": {"name": {"type": "string"}, "email": {"type": "string", "format": "email"}, "address": {"$ref": "address.json#/$defs/postal"}}}`,
	"parts/address.json":  `{"$defs": {"postal": {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}, "next": {"$ref": "#/$defs/postal"}}}}}`,
}

func TestLoadPatch(t *testing.T) {
	s, diags := LoadPatch("/gw/order.json", "/gw", reader(patchedFiles))
	if diags.HasErrors() {
		t.Fatal(told(diags))
	}
	for _, c := range []struct{ patch, told string }{
		{`{}`, ``},
		{`{"id": "ab"}`, ``},
		{`{"id": null, "state": null, "kind": null, "count": null, "total": null, "customer": null, "lines": null, "payment": null}`, ``},
		{`{"total": {"amount": 5}}`, ``},
		{`{"total": {"amount": null, "currency": null}}`, ``},
		{`{"customer": {"address": {"next": {"next": {"city": null}}}}}`, ``},
		{`{"parent": {"parent": {"total": {"amount": 1}}}}`, ``},
		{`{"parent": null}`, ``},
		{`{"payment": {"note": 1}}`, ``},
		{`{"closed": true}`, ``},
		{`{"lines": [{"sku": "a", "price": {"amount": 1, "currency": "EUR"}}]}`, ``},

		{`null`, ` type: must be of type object`},
		{`[]`, ` type: must be of type object`},
		{`{"id": "a"}`, `/id minLength: must have at least 2 characters`},
		{`{"id": 1}`, `/id type: must be of type null or string`},
		{`{"state": "lost"}`, `/state enum: must be one of "open", "paid", null`},
		{`{"kind": "line"}`, `/kind enum: must be one of "order", null`},
		{`{"count": -1}`, `/count minimum: must be at least 0`},
		{`{"total": {"amount": "1"}}`, `/total/amount type: must be of type null or integer`},
		{`{"total": {"currency": "eur"}}`, `/total/currency pattern: must match the pattern "^[A-Z]{3}$"`},
		{`{"total": 5}`, `/total type: must be of type null or object`},
		{`{"customer": {"email": "ada"}}`, `/customer/email format: must be a valid email`},
		{`{"customer": {"address": {"next": {"city": 1}}}}`, `/customer/address/next/city type: must be of type null or string`},
		{`{"parent": {"x": null}}`, `/parent/x additionalProperties: is not a known member`},
		{`{"unknown": 1}`, `/unknown additionalProperties: is not a known member`},
		{`{"no": null}`, `/no properties: is not allowed`},
		{`{"lines": []}`, `/lines minItems: must have at least 1 item`},
		{`{"lines": [{"price": {"amount": null}}]}`, `/lines/0/price/amount type: must be of type integer; /lines/0/price/currency required: is missing; /lines/0/sku required: is missing`},
		{`{"lines": [null]}`, `/lines/0 type: must be of type object`},
		{`{"payment": {"card": 1}}`, ``}, // it may be a payment by iban
	} {
		var told []string
		for _, f := range s.Validate([]byte(c.patch)) {
			told = append(told, f.Pointer+" "+f.Keyword+": "+f.Message)
		}
		if got := strings.Join(told, "; "); got != c.told {
			t.Errorf("%s\ngot  %s\nwant %s", c.patch, got, c.told)
		}
	}
}

func TestLoadPatchMistakes(t *testing.T) {
	for _, c := range []struct{ schema, told string }{
		{`{"properties": {"a": {"$id": "https://shop.example/a"}}}`, `/gw/order.json:1:1-1: No schema of patches: A part of the schema has an $id of its own; for a route with PATCH, only the file itself may have one.`},
		{`{"$ref": "other.json"}`, `/gw/order.json:1:1-1: No schema of patches: There is no such file in the schema's folder.`},
	} {
		s, diags := LoadPatch("/gw/order.json", "/gw", reader(map[string]string{"order.json": c.schema}))
		if got := told(diags); s != nil || got != c.told {
			t.Errorf("%s\ngot  %s\nwant %s", c.schema, got, c.told)
		}
	}
	// Load has told this one.
	if s, diags := LoadPatch("/elsewhere/order.json", "/gw", reader(nil)); s != nil || diags != nil {
		t.Errorf("%v, %v", s, diags)
	}
}
