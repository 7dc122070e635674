package schema

import (
	"bytes"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// orderSchema is a schema as a shop would have one for its orders.
const orderSchema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["currency", "customer", "total", "lines"],
  "additionalProperties": false,
  "properties": {
    "id": {"type": "string", "format": "uuid"},
    "created_at": {"type": "string", "format": "date-time"},
    "currency": {"enum": ["EUR", "USD", "GBP"]},
    "customer": {
      "type": "object",
      "required": ["name", "email"],
      "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 100},
        "email": {"type": "string", "format": "email"},
        "phone": {"type": "string", "maxLength": 30},
        "vat": {"type": ["string", "null"], "pattern": "^[A-Z]{2}[0-9]+$"}
      }
    },
    "status": {"enum": ["new", "verified", "paid", "sent"]},
    "total": {"$ref": "#/$defs/money"},
    "discount": {"type": "number", "minimum": 0, "exclusiveMaximum": 1, "multipleOf": 0.01},
    "express": {"type": "boolean"},
    "shipping": {
      "type": "object",
      "required": ["street", "city", "zip", "country"],
      "properties": {
        "street": {"type": "string", "maxLength": 100},
        "city": {"type": "string", "maxLength": 100},
        "zip": {"type": "string", "maxLength": 12},
        "country": {"type": "string", "minLength": 2, "maxLength": 2}
      }
    },
    "lines": {
      "type": "array",
      "minItems": 1,
      "maxItems": 100,
      "items": {
        "type": "object",
        "required": ["sku", "qty", "price"],
        "properties": {
          "sku": {"type": "string", "pattern": "^[A-Z]{2}-"},
          "qty": {"type": "integer", "minimum": 1, "maximum": 99},
          "price": {"type": "integer", "minimum": 0},
          "title": {"type": "string", "maxLength": 200}
        }
      }
    },
    "payment": {
      "oneOf": [
        {"properties": {"method": {"const": "bank"}, "iban": {"type": "string"}}, "required": ["method", "iban"]},
        {"properties": {"method": {"const": "card"}, "last4": {"type": "string", "minLength": 4, "maxLength": 4}}, "required": ["method", "last4"]}
      ]
    },
    "notes": {"type": "string", "maxLength": 1000},
    "tags": {"type": "array", "uniqueItems": true, "maxItems": 10, "items": {"type": "string", "maxLength": 20}},
    "metadata": {"type": "object", "maxProperties": 10, "additionalProperties": {"type": "string", "maxLength": 100}}
  },
  "$defs": {"money": {"type": "object", "required": ["amount"], "properties": {"amount": {"type": "integer", "minimum": 1}}}}
}`

// order is a valid one of about 1 KB.
const order = `{"id":"0198c1d4-7a53-7b9e-a3f1-0d9f1c2b3a4d","created_at":"2026-03-14T15:09:26.535Z","currency":"EUR",
 "customer":{"name":"Ada Lovelace","email":"ada@example.org","phone":"+44 20 7946 0000","vat":null},
 "status":"verified","total":{"amount":12930},"discount":0.15,"express":false,
 "shipping":{"street":"12 St James's Square","city":"London","zip":"SW1Y 4JH","country":"GB"},
 "lines":[{"sku":"KB-104-UK","qty":1,"price":8900,"title":"Keyboard, mechanical, UK layout"},
 {"sku":"MS-2-BLK","qty":2,"price":1500,"title":"Mouse, two buttons, black"},
 {"sku":"CB-USB-C-1M","qty":3,"price":343,"title":"Cable, USB-C to USB-C, one metre"}],
 "payment":{"method":"card","last4":"4242","captured":true,"attempts":1,"fee":1.0e+2},
 "notes":"Please leave it with the porter if nobody answers the bell; he is there from seven to seven.",
 "tags":["gift","returning","newsletter"],"metadata":{"campaign":"spring-26","source":"web","ab":"B","session":"f81d4fae7dec"}}`

// BenchmarkOrder holds a valid order against its schema: as it is spelt, after it was found to be strict JSON, and as
// the library does, decoded. The last one does both by turns, so that the ratio is of one run.
func BenchmarkOrder(b *testing.B) {
	doc := []byte(order)
	schema := load(b, orderSchema)
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(orderSchema)))
	if err != nil {
		b.Fatal(err)
	}
	library, _, err := resolve(scheme+":///order.json", parsed, remotes("none"))
	if err != nil {
		b.Fatal(err)
	}
	validate := func() {
		if failures := schema.Validate(doc); failures != nil {
			b.Fatal(failures)
		}
	}
	ours := func() {
		if err := jsonspan.Check(doc, jsonspan.Bounds{}); err != nil {
			b.Fatal(err)
		}
		validate()
	}
	theirs := func() {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
		if err != nil {
			b.Fatal(err)
		}
		if err := library.Validate(v); err != nil {
			b.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		run  func()
	}{{"schema", validate}, {"strict JSON and schema", ours}, {"decoding and library", theirs}} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			for b.Loop() {
				c.run()
			}
		})
	}
	b.Run("by turns", func(b *testing.B) {
		var spent [2]time.Duration
		for b.Loop() {
			for k, run := range []func(){ours, theirs} {
				start := time.Now()
				run()
				spent[k] += time.Since(start)
			}
		}
		b.ReportMetric(float64(spent[1])/float64(spent[0]), "times-faster")
	})
}
