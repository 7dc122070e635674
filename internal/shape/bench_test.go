package shape_test

import (
	"fmt"
	"testing"

	"github.com/wicketgate/wicketgate/internal/change"
)

// BenchmarkDerive derives the schemas of 200 objects in 5 versions, each version changing each object.
func BenchmarkDerive(b *testing.B) {
	f := files{}
	var names, holds []string
	versions := make([][]*change.Change, 4)
	for i := range 200 {
		name := fmt.Sprintf("order%d", i)
		names = append(names, name)
		f[name+".json"] = `{"title":"Order","type":"object","properties":{
			"id":{"type":"string"},"created":{"type":"string","format":"date-time"},
			"customer":{"type":"object","properties":{"name":{"type":"string","minLength":1},"email":{"type":"string","format":"email"}},"required":["name","email"],"additionalProperties":false},
			"status":{"enum":["verified","unverified"]},"currency":{"type":"string","pattern":"^[A-Z]{3}$"},
			"total":{"type":"object","properties":{"amount":{"type":"integer"}},"required":["amount"],"additionalProperties":false},
			"channel":{"type":"string","maxLength":20},
			"lines":{"type":"array","minItems":1,"maxItems":100,"items":{"$ref":"` + fmt.Sprintf("order%d.json", (i+1)%200) + `"}}},
			"required":["customer","currency","total","lines"],"additionalProperties":false}`
		holds = append(holds, fmt.Sprintf("%s lines[*] order%d", name, (i+1)%200))
		versions[0] = append(versions[0], on(name, move("customer_name", "customer.name"), move("customer_email", "customer.email")))
		versions[1] = append(versions[1], on(name, rename("verified", "status"), enum("status", `true`, `"verified"`, `false`, `"unverified"`)))
		versions[2] = append(versions[2], on(name, scale("total", 2, "string"), wrap("total", "amount")))
		versions[3] = append(versions[3], on(name, add("channel", `"web"`)))
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, diags := f.derive(names, holds, versions...); len(diags) > 0 {
			b.Fatal(diags)
		}
	}
}

// BenchmarkSchema writes the schema of an object that refers to 200 others.
func BenchmarkSchema(b *testing.B) {
	f := files{}
	var names, holds []string
	for i := range 200 {
		name := fmt.Sprintf("order%d", i)
		names, holds = append(names, name), append(holds, fmt.Sprintf("%s next order%d", name, (i+1)%200))
		f[name+".json"] = fmt.Sprintf(`{"type":"object","properties":{"a":{"type":"string"},"next":{"$ref":"order%d.json"}}}`, (i+1)%200)
	}
	s, diags := f.derive(names, holds, []*change.Change{on("order7", rename("b", "a"))})
	if len(diags) > 0 {
		b.Fatal(diags)
	}
	b.ReportAllocs()
	for b.Loop() {
		if len(s.Schema("order0", 0)) < 10_000 {
			b.Fatal("too short")
		}
	}
}
