package gateway

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/limit"
)

// large writes a catalogue of so many routes in five versions, each of which changed what the routes carry: 20 objects
// with schemas, a rule on every other route. It gives the catalogue's file.
func large(b *testing.B, routes int) string {
	b.Helper()
	const objects = 20
	folder := b.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
		return path
	}
	var out, versions strings.Builder
	out.WriteString(`
upstream "shop" { servers = ["http://127.0.0.1:1"] }
api "shop" {
  base_path = "/api"
  upstream  = upstream.shop
  identify  = [anonymous]
  authorize = public
  versioning {
    path       = true
    header     = "Shop-Version"
    media_type = "application/vnd.shop.{version}+json"
    default    = version.v1
  }
`)
	for i := range objects {
		fmt.Fprintf(&out, "  object \"o%d\" { schema = \"o%d.json\" }\n", i, i)
		write(fmt.Sprintf("o%d.json", i), `{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "required": ["id", "customer"],
  "properties": {"id": {"type": "string", "maxLength": 64}, "customer": {"type": "object", "properties": {"name": {"type": "string"}, "email": {"type": "string"}}},
  "status": {"enum": ["verified", "unverified"]}, "f4": {"type": "string"}, "f5": {"type": "string"}, "qty": {"type": "integer"}}}`)
	}
	for i := range routes {
		switch i % 4 {
		case 0:
			fmt.Fprintf(&out, "  route \"GET /r%d/{id}\" { returns = object.o%d }\n", i, i%objects)
		case 1:
			fmt.Fprintf(&out, "  route \"POST /r%d\" {\n    accepts = object.o%d\n    returns = object.o%[2]d\n    rule \"some\" {\n      when   = body.qty > 0 && body.qty < %d\n      detail = \"qty is wrong\"\n    }\n  }\n", i, i%objects, i+10)
		case 2:
			fmt.Fprintf(&out, "  route \"GET /r%d\" { returns = { \"data[*]\" = object.o%d } }\n", i, i%objects)
		case 3:
			fmt.Fprintf(&out, "  route \"DELETE /r%d/{id}\" {\n    rule \"some\" {\n      when   = path.id != \"%d\"\n      detail = \"not this one\"\n    }\n  }\n", i, i)
		}
	}
	for v := 1; v <= 5; v++ {
		fmt.Fprintf(&versions, "  version \"v%d\" {\n    released = \"202%d-01-01\"\n", v, v)
		for o := range objects {
			if v == 1 {
				break
			}
			fmt.Fprintf(&versions, "    change \"c%d\" {\n      summary = \"Something changed.\"\n      on      = object.o%d\n", o, o)
			switch v {
			case 2:
				versions.WriteString("      move \"customer_name\" { to = \"customer.name\" }\n")
			case 3:
				versions.WriteString("      rename \"verified\" { to = \"status\" }\n      enum \"status\" { pairs = [[true, \"verified\"], [false, \"unverified\"]] }\n")
			default:
				fmt.Fprintf(&versions, "      rename \"e%d\" { to = \"f%d\" }\n", v, v)
			}
			versions.WriteString("    }\n")
		}
		versions.WriteString("  }\n")
	}
	return write("shop.hcl", out.String()+versions.String()+"}\n")
}

// A catalogue of 200 routes in five versions, from its files to a gateway that can serve.
func BenchmarkLoad(b *testing.B) {
	file := large(b, 200)
	for _, c := range []struct {
		name  string
		build bool
	}{{"catalogue", false}, {"gateway", true}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c2, sources, diags := catalogue.Load([]string{file}, nil)
				if diags.HasErrors() {
					b.Fatal(diags)
				}
				if !c.build {
					continue
				}
				_, _, _, diags = Build(Config{Catalogue: c2, Sources: sources, Counter: limit.NewMemory(0),
					Upstream: func(*catalogue.Upstream) (Upstream, error) { return &service{}, nil }})
				if diags.HasErrors() {
					b.Fatal(diags)
				}
			}
		})
	}
}
