package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// invention makes schemas and documents of a few names and values, so that they meet often.
type invention struct {
	*rand.Rand
	defs    int
	dynamic bool
}

func (r invention) pick(words ...string) string { return words[r.IntN(len(words))] }

func (r invention) name() string { return r.pick("a", "b", "c", "ab", "d/e", "é", "") }

// scalar is a value without others below, in one of several spellings.
func (r invention) scalar() string {
	return r.pick("null", "true", "false", "0", "1", "2", "-1", "1.0", "10e-1", "1.5", "0.3", "-0.0", "3e2", "300", "9007199254740993", "9007199254740992",
		"123456789012345678901234567890", "1e-7", "1e22", `""`, `"a"`, `"b"`, `"ab"`, `"é"`, `"\u0061"`, `"1"`, `"a\nb"`, `"2026-03-01"`, `"2026-02-30"`,
		`"ada@example.org"`, `"https://a.example/b?c=d"`, `"127.0.0.1"`, `"\ud83d\ude00"`)
}

func (r invention) value(depth int) string {
	if depth <= 0 || r.IntN(3) == 0 {
		return r.scalar()
	}
	var parts []string
	if r.IntN(2) == 0 {
		for range r.IntN(5) {
			parts = append(parts, r.value(depth-1))
		}
		return "[" + strings.Join(parts, r.pick(",", " , ")) + "]"
	}
	seen := map[string]bool{}
	for range r.IntN(5) {
		if name := r.name(); !seen[name] {
			seen[name] = true
			spelt := string(jsonspan.AppendQuote(nil, name))
			if name == "a" {
				spelt = r.pick(`"a"`, `"\u0061"`)
			}
			parts = append(parts, spelt+r.pick(":", " : ")+r.value(depth-1))
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// schema is one with some keywords.
func (r invention) schema(depth int) string {
	if depth <= 0 {
		return r.pick("true", "false", "{}", `{"type":"string"}`, `{"type":"number"}`, `{"const":`+r.scalar()+`}`, `{"$ref":"#/$defs/`+itoa(r.IntN(r.defs))+`"}`)
	}
	members := map[string]string{}
	for range 1 + r.IntN(3) {
		keyword, value := r.keyword(depth - 1)
		members[keyword] = value
	}
	return braces(members)
}

// braces makes an object of members spelt as JSON.
func braces(members map[string]string) string {
	var parts []string
	for name, value := range members {
		parts = append(parts, string(jsonspan.AppendQuote(nil, name))+":"+value)
	}
	slices.Sort(parts)
	return "{" + strings.Join(parts, ",") + "}"
}

func (r invention) list(least int, of func() string) string {
	var parts []string
	for range least + r.IntN(3) {
		if part := of(); !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	return "[" + strings.Join(parts, ",") + "]"
}

func (r invention) quoted() string { return string(jsonspan.AppendQuote(nil, r.name())) }

func (r invention) keyword(depth int) (keyword, value string) {
	schema := func() string { return r.schema(depth) }
	schemas := func(name func() string) string {
		members := map[string]string{}
		for range 1 + r.IntN(3) {
			members[name()] = schema()
		}
		return braces(members)
	}
	pattern := func() string { return r.pick("^a", "b$", "^.$", "[^a]", "") }
	switch keyword = r.pick("type", "type", "enum", "const", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
		"minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems", "items", "prefixItems", "contains", "minContains", "maxContains",
		"minProperties", "maxProperties", "required", "properties", "properties", "patternProperties", "additionalProperties", "propertyNames",
		"dependentRequired", "dependentSchemas", "dependencies", "not", "allOf", "anyOf", "oneOf", "if", "then", "else",
		"unevaluatedProperties", "unevaluatedItems", "$ref", "$dynamicRef"); keyword {
	case "type":
		types := func() string {
			return `"` + r.pick("null", "boolean", "number", "integer", "string", "array", "object", "object", "array") + `"`
		}
		if r.IntN(3) == 0 {
			return keyword, r.list(1, types)
		}
		return keyword, types()
	case "enum":
		return keyword, r.list(1, func() string { return r.value(2) })
	case "const":
		return keyword, r.value(2)
	case "format":
		return keyword, `"` + r.pick("date", "date-time", "email", "uuid", "ipv4", "uri", "hostname", "regex", "duration", "no such") + `"`
	case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum":
		return keyword, r.pick("0", "1", "1.0", "-1.5", "9007199254740993", "1e22", "0.3", "1e-7", "300")
	case "multipleOf":
		return keyword, r.pick("1", "0.1", "2", "0.5", "1e-7", "3", "123456789012345678901", "1e2")
	case "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minContains", "maxContains":
		return keyword, r.pick("0", "1", "2", "3.0")
	case "pattern":
		return keyword, `"` + pattern() + `"`
	case "uniqueItems":
		return keyword, r.pick("true", "true", "false")
	case "prefixItems", "allOf", "anyOf", "oneOf":
		return keyword, r.list(1, schema)
	case "required":
		return keyword, r.list(0, r.quoted)
	case "properties", "dependentSchemas":
		return keyword, schemas(r.name)
	case "patternProperties":
		return keyword, schemas(pattern)
	case "dependentRequired":
		return keyword, "{" + r.quoted() + ":" + r.list(0, r.quoted) + "}"
	case "dependencies":
		return keyword, "{" + r.quoted() + ":" + r.pick(r.list(0, r.quoted), schema()) + "}"
	case "$ref":
		return keyword, `"#/$defs/` + itoa(r.IntN(r.defs)) + `"`
	case "$dynamicRef":
		if r.dynamic {
			return keyword, `"#` + r.pick("x", "y") + `"`
		}
		return "title", `"none"`
	}
	return keyword, schema()
}

// file is a whole schema. One that is dynamic has anchors, some of them within resources of their own.
func (r invention) file() string {
	defs := map[string]string{}
	for i := range r.defs {
		part := r.schema(2)
		if r.dynamic {
			anchors := `{"$dynamicAnchor":"x",` + `"$defs":{"y":{"$dynamicAnchor":"y","type":"` + r.pick("string", "object", "number") + `"}},"allOf":[` + part + `]}`
			if i > 0 {
				anchors = `{"$id":"r` + itoa(i) + `",` + anchors[1:]
				anchors = strings.ReplaceAll(anchors, `"#/`, `"/schema.json#/`)
			}
			part = anchors
		}
		defs[itoa(i)] = part
	}
	members := map[string]string{"$defs": braces(defs)}
	for range 1 + r.IntN(4) {
		keyword, value := r.keyword(3)
		members[keyword] = value
	}
	return braces(members)
}

// both holds a document against a schema, by ours and by the library, and demands that they say the same.
func both(t *testing.T, schema, doc string) {
	t.Helper()
	parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(schema))
	if err != nil {
		t.Fatalf("%s: %v", schema, err)
	}
	at := scheme + ":///schema.json"
	compiled, scopes, err := resolve(at, parsed, remotes("none"))
	if err != nil {
		return // of no interest here
	}
	p, err := build(compiled, scopes)
	if err != nil {
		t.Fatalf("%s: %v", schema, err)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(doc))
	if err != nil {
		t.Fatalf("%s: %v", doc, err)
	}
	ours := bothWays(t, &Schema{program: p}, []byte(doc))
	var theirs []Failure
	if err := compiled.Validate(v); err != nil {
		theirs = failures(err, v)
	}
	if slices.ContainsFunc(theirs, func(f Failure) bool { return f.Keyword == "propertyNames" }) {
		// The library does not say where the name stands; see owner.go.
		if (len(ours) == 0) != (len(theirs) == 0) {
			t.Fatalf("schema %s\ndocument %s\n  ours %v\ntheirs %v", schema, doc, ours, theirs)
		}
		return
	}
	if !slices.Equal(ours, theirs) {
		t.Fatalf("schema %s\ndocument %s\n  ours %v\ntheirs %v", schema, doc, ours, theirs)
	}
}

func invent(t *testing.T, seed uint64) {
	r := invention{Rand: rand.New(rand.NewPCG(seed, 12)), defs: 3, dynamic: seed%4 == 0}
	schema := r.file()
	for range 5 {
		both(t, schema, r.value(4))
	}
}

// What ours says of a document is what the library says, word for word.
func TestAsTheLibrary(t *testing.T) {
	for seed := range uint64(150) {
		invent(t, seed)
	}
}

// FuzzAsTheLibrary goes on with it, as long as one likes.
func FuzzAsTheLibrary(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) { invent(t, seed) })
}

// FuzzSchema has both read schemas and documents that the fuzzer makes of the official suite's kind.
func FuzzSchema(f *testing.F) {
	for _, s := range []string{
		`{"type":"object","properties":{"a":{"$ref":"#"}},"additionalProperties":false}`,
		`{"anyOf":[{"properties":{"a":{"const":1.0}}},{"required":["b"]}],"unevaluatedProperties":false}`,
		`{"items":{"type":["integer","null"],"multipleOf":0.01},"uniqueItems":true,"contains":{"minimum":3}}`,
		`{"patternProperties":{"^a":{"format":"date"}},"propertyNames":{"maxLength":3},"dependentRequired":{"a":["b"]}}`,
	} {
		f.Add(s, `{"a":{"a":1},"b":[1,1.0,"x"]}`)
	}
	f.Fuzz(func(t *testing.T, schema, doc string) {
		if len(schema) > 1<<11 || len(doc) > 1<<9 || strings.Contains(schema, "$") || strings.Contains(schema, "u0024") ||
			jsonspan.Check([]byte(schema), jsonspan.Bounds{Depth: 12}) != nil || jsonspan.Check([]byte(doc), jsonspan.Bounds{Depth: 12}) != nil || huge(doc) || huge(schema) {
			return // references may have the library try forms without end
		}
		both(t, schema, doc)
	})
}

// huge says whether a document has numbers that take the library long, or that it cannot read.
func huge(doc string) bool {
	d := json.NewDecoder(strings.NewReader(doc))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err != nil {
			return false
		}
		if n, ok := token.(json.Number); ok && bytes.ContainsAny([]byte(n), "eE") {
			if e := parseDecimal(nil, []byte(n)).exp; e > 30 || e < -30 || len(n) > 20 {
				return true
			}
		}
	}
}

// FuzzNumbers holds decimals against the library's rational numbers.
func FuzzNumbers(f *testing.F) {
	f.Add("1.50", "0.5")
	f.Add("-1e3", "7")
	f.Fuzz(func(t *testing.T, a, b string) {
		if !jsonspan.IsNumber([]byte(a), 100) || !jsonspan.IsNumber([]byte(b), 100) || huge(a) || huge(b) {
			return
		}
		for _, keyword := range []string{"minimum", "exclusiveMaximum", "const"} {
			both(t, fmt.Sprintf(`{"%s":%s}`, keyword, b), a)
		}
		both(t, `{"type":"integer"}`, a)
		both(t, fmt.Sprintf(`{"multipleOf":%s}`, b), a) // one that is not positive is refused before
		both(t, `{"uniqueItems":true}`, "["+a+","+b+"]")
	})
}

// FuzzQuick demands that what is taken for a format at a glance is of it.
func FuzzQuick(f *testing.F) {
	for _, s := range []string{
		"2026-02-28", "2026-03-14T15:09:26.535Z", "0198c1d4-7a53-7b9e-a3f1-0d9f1c2b3a4d", "ada.lovelace+x@mail.example.org", "a-b.example",
		"127.0.0.1", "255.255.255.255", "https://shop.example/a/b?c=d&e=f", "01.2.3.4", "a..b@c", "a@b-.c", "2026-13-01", "2026-01-01T24:00:00+01:00", "http://a./", "a@b.",
	} {
		f.Add(s)
	}
	known := map[string]*jsonschema.Schema{}
	for name := range quick {
		c := jsonschema.NewCompiler()
		c.AssertFormat()
		if err := c.AddResource("f:///", map[string]any{"format": name}); err != nil {
			f.Fatal(err)
		}
		known[name] = c.MustCompile("f:///")
	}
	f.Fuzz(func(t *testing.T, s string) {
		for name, is := range quick {
			if is([]byte(s)) && known[name].Validate(s) != nil {
				t.Errorf("%q is no %s", s, name)
			}
		}
	})
}
