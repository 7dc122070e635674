package openapi

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/catalogue"
)

var update = flag.Bool("update", false, "write the expected files anew")

var today = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)

// The schemas of the objects as callers see them: each with what it refers to in its $defs.
const (
	line  = `{"title": "A line", "type": "object", "properties": {"sku": {"type": "string"}, "price": {"$ref": "#/$defs/money"}}}`
	money = `{"type": "integer", "maximum": 1000000000000000000000, "description": "<minor units>"}`
)

var shapes = map[string]string{
	"order": `{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
		"properties": {"id": {"type": "string"}, "total": {"$ref": "#/$defs/money"}, "parent": {"$ref": "#"}, "first": {"$ref": "#/properties/id"},
			"lines": {"type": "array", "items": {"$ref": "#/$defs/line"}}, "note": {"$ref": "#/$defs/free%20text"}},
		"required": ["total"], "$defs": {"line": ` + line + `, "money": ` + money + `, "free text": {"type": "string"}}}`,
	"line": line[:len(line)-1] + `, "$defs": {"money": ` + money + `}}`,
}

func load(t testing.TB) *catalogue.Catalogue {
	t.Helper()
	c, _, diags := catalogue.Load([]string{"testdata/shop.hcl"}, nil)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return c
}

// each describes every version of every API of the test's catalogue.
func each(t testing.TB, do func(name string, c Config)) {
	for _, a := range load(t).APIs {
		c := Config{API: a, Schema: func(o string) []byte { return []byte(shapes[o]) }, Now: today}
		for _, c.Version = range a.Versions {
			do(a.Name+"."+c.Version.Name, c)
		}
		if c.Version == nil {
			do(a.Name, c)
		}
	}
}

func write(t testing.TB, c Config) []byte {
	t.Helper()
	text, err := Write(c)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestWrite describes an API, version by version; the expected files are what its callers read.
func TestWrite(t *testing.T) {
	each(t, func(name string, c Config) {
		t.Run(name, func(t *testing.T) {
			got, path := write(t, c), filepath.Join("testdata", name+".json")
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("got\n%s", got)
			}
			if again := write(t, c); !bytes.Equal(got, again) {
				t.Error("written again, it is another")
			}
		})
	})
}

// TestOperationIDs holds that operations have names of their own, which stay when other routes come and go.
func TestOperationIDs(t *testing.T) {
	labels := []string{"GET /orders", "GET /orders/{id}", "PUT /orders/{id}", "GET /", "GET /a.b~c/{from_to}", "GET /orders-archive", "GET /orders/archive"}
	want := []string{"getOrders", "getOrdersById", "putOrdersById", "get", "getABCByFromTo", "getOrdersArchive-d0ca47e2", "getOrdersArchive-aafe3d87"}
	var routes []*catalogue.Route
	for _, l := range labels {
		routes = append(routes, route(l))
	}
	if got := operationIDs(routes); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	slices.Reverse(routes)
	slices.Reverse(want)
	if got := operationIDs(routes); !slices.Equal(got, want) {
		t.Errorf("in another order they are %q", got)
	}
}

func route(label string) *catalogue.Route {
	method, path, _ := strings.Cut(label, " ")
	r := &catalogue.Route{Label: label, Method: method, Path: path}
	for s := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		switch {
		case strings.HasPrefix(s, "{"):
			r.Segments = append(r.Segments, catalogue.Segment{Parameter: strings.Trim(s, "{}")})
		case s != "":
			r.Segments = append(r.Segments, catalogue.Segment{Literal: s})
		}
	}
	return r
}

// TestDeprecated says of a version that it is deprecated from its day on, not before.
func TestDeprecated(t *testing.T) {
	each(t, func(name string, c Config) {
		if name != "orders.v1" {
			return
		}
		for now, want := range map[time.Time]bool{c.Version.Deprecated.Add(-time.Second): false, c.Version.Deprecated: true} {
			c.Now = now
			if got := bytes.Contains(write(t, c), []byte(`"deprecated": true`)); got != want {
				t.Errorf("at %s: deprecated is %v", now, got)
			}
		}
	})
}

// TestDefinitions keeps apart what objects call alike and is not the same, and joins what is.
func TestDefinitions(t *testing.T) {
	const same = `{"$defs":{"m":{"type":"string"},"u":{"$ref":"#/$defs/m"}},"properties":{"x":{"$ref":"#/$defs/u"}}}`
	for _, test := range []struct {
		name, a, b string
		want       string // the components, and where a's member x leads
	}{
		{"the same", same, same, "Problem a b m u: #/components/schemas/u"},
		{"another spelling", same, strings.ReplaceAll(same, ":", " : "), "Problem a b m u: #/components/schemas/u"},
		{"one differs, and who refers to it", same, strings.ReplaceAll(same, "string", "number"), "Problem a a.m a.u b b.m b.u: #/components/schemas/a.u"},
		{"the object itself", `{"$defs":{"b":{"type":"null"}},"properties":{"x":{"$ref":"#/$defs/b"}}}`, `{"type":"null"}`, "Problem a b: #/components/schemas/b"},
		{"an object's namesake", `{"$defs":{"b":{"type":"null"}},"properties":{"x":{"$ref":"#/$defs/b"}}}`, `{"type":"string"}`, "Problem a a.b b: #/components/schemas/a.b"},
		{"itself", `{"$defs":{"m":{"items":{"$ref":"#"}}},"properties":{"x":{"$ref":"#/$defs/m"}}}`, `{"$defs":{"m":{"items":{"$ref":"#"}}}}`, "Problem a a.m b b.m: #/components/schemas/a.m"},
		{"a constant and a member that look like references", `{"$defs":{"m":true},"const":{"$ref":"#/$defs/m"},"properties":{"$ref":{"$ref":"#/$defs/m"},"x":{"$ref":"#/$defs/m"}}}`, `{"const":{"$ref":"#"}}`, "Problem a b m: #/components/schemas/m"},
		{"one that holds itself", `{"$defs":{"b":{"items":{"$ref":"#/$defs/b"}}},"properties":{"x":{"$ref":"#/$defs/b"}}}`, `{"items":{"$ref":"#"}}`, "Problem a b: #/components/schemas/b"},
		{"true and false", `{"$defs":{"m":true},"properties":{"x":{"$ref":"#/$defs/m"}}}`, `false`, "Problem a b m: #/components/schemas/m"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := &writer{Config: Config{
				API:    &catalogue.API{Objects: []*catalogue.Object{{Name: "a"}, {Name: "b"}}},
				Schema: func(o string) []byte { return []byte(map[string]string{"a": test.a, "b": test.b}[o]) },
			}}
			if err := w.describeObjects(); err != nil {
				t.Fatal(err)
			}
			keys := []string{}
			for _, name := range []string{"Problem", "a", "a.b", "a.m", "a.u", "b", "b.m", "b.u", "m", "u"} {
				if w.schemas[name] != nil {
					keys = append(keys, name)
				}
			}
			var a struct {
				Properties map[string]map[string]string
				Const      json.RawMessage
			}
			if err := json.Unmarshal(w.schemas["a"], &a); err != nil {
				t.Fatal(err)
			}
			if a.Const != nil && string(a.Const) != `{"$ref":"#/$defs/m"}` {
				t.Errorf("the constant became %s", a.Const)
			}
			got := strings.Join(keys, " ") + ": " + a.Properties["x"]["$ref"]
			if got != test.want || len(keys) != len(w.schemas) {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// BenchmarkWrite is what the first request for a version's description costs.
func BenchmarkWrite(b *testing.B) {
	each(b, func(name string, c Config) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				write(b, c)
			}
		})
	})
}
