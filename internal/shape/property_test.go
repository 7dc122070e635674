package shape_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/schema"
)

type object = map[string]any

// generator makes schemas, changes of them and documents for them. Its schemas have what derived ones have; its changes
// work on what is there.
type generator struct{ *rand.Rand }

func (g generator) pick(of ...string) string { return of[g.IntN(len(of))] }

// schema makes a schema.
func (g generator) schema(depth int) object {
	switch k := g.IntN(8); {
	case k < 3 && depth > 0:
		return g.object(depth)
	case k == 3:
		return object{"enum": []any{"x", "y", "x y"}[:1+g.IntN(3)]}
	case k == 4:
		return object{"type": g.pick("integer", "number", "boolean")}
	case k == 5:
		return object{"type": []any{g.pick("integer", "string"), "null"}}
	case k == 6:
		return object{"type": "array", "items": g.schema(0), "maxItems": 1}
	}
	return object{"type": "string"}
}

func (g generator) object(depth int) object {
	properties, required := object{}, []any{}
	for _, name := range []string{"a", "b", "c", "d", "e"}[g.IntN(2) : 2+g.IntN(4)] {
		properties[name] = g.schema(depth - 1)
		if g.IntN(2) == 0 {
			required = append(required, name)
		}
	}
	s := object{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

// operation makes a change whose newer side is in the schema s.
func (g generator) operation(s object) change.Operation {
	var path []string
	for {
		properties, _ := s["properties"].(object)
		if len(properties) == 0 {
			break
		}
		name := g.pick(slices.Sorted(maps.Keys(properties))...)
		path = append(path, name)
		if s, _ = properties[name].(object); s == nil || g.IntN(3) == 0 {
			break
		}
	}
	at := strings.Join(path, ".")
	up, leaf := "", at
	if i := strings.LastIndexByte(at, '.'); i >= 0 {
		up, leaf = at[:i+1], at[i+1:]
	}
	to := g.pick("a", "b", "c", "d", "e", "f", "g")
	if g.IntN(3) == 0 {
		to += "." + g.pick("a", "b", "f")
	}
	switch g.IntN(12) {
	case 0:
		return rename(up+g.pick("a", "b", "f", "g"), leaf)
	case 1, 2, 3:
		return move(to, at)
	case 4:
		return enum(at, `"old"`, `"x"`, `1`, `"y"`, `true`, `"x y"`)
	case 5:
		return add(at, g.pick(`"x"`, `null`, `1`, `true`, `{}`, `[]`))
	case 6:
		return drop(to, g.pick(`"x"`, `null`, `1`))
	case 7:
		return [...]change.Operation{wrap(strings.TrimSuffix(up, "."), leaf), unwrap(at, "v")}[g.IntN(2)]
	case 8:
		return [...]change.Operation{list(at), unlist(at)}[g.IntN(2)]
	case 9:
		return [...]change.Operation{scale(at, 2, "string"), scale(at, 1, "number"), scale(at, -2, "string"), cast(at, "string", "number"), cast(at, "string", "boolean"), cast(at, "number", "string")}[g.IntN(6)]
	}
	return [...]change.Operation{split(up+"f", " ", leaf, g.pick("a", "b", "c", "d")), join(at, " ", "f", "g")}[g.IntN(2)]
}

// value makes a document that is likely to be valid.
func (g generator) value(s any) any {
	o, _ := s.(object)
	if values, ok := o["enum"].([]any); ok {
		return values[g.IntN(len(values))]
	}
	kind, _ := o["type"].(string)
	if several, ok := o["type"].([]any); ok {
		kind = several[g.IntN(len(several))].(string)
	}
	switch kind {
	case "object":
		v := object{}
		properties, _ := o["properties"].(object)
		required, _ := o["required"].([]any)
		for _, name := range slices.Sorted(maps.Keys(properties)) {
			if slices.Contains(required, any(name)) || g.IntN(2) == 0 {
				v[name] = g.value(properties[name])
			}
		}
		return v
	case "array":
		if least, _ := o["minItems"].(float64); least == 0 && g.IntN(3) == 0 {
			return []any{}
		}
		return []any{g.value(o["items"])}
	case "integer":
		return json.Number(g.pick("0", "7", "-1230", "100"))
	case "number":
		return json.Number(g.pick("0", "1.5", "7", "-12.3"))
	case "boolean":
		return g.IntN(2) == 0
	case "null":
		return nil
	}
	return g.pick("", "x", "x y", "12.30", "-0.05", "7", "true", "x y z")
}

// what a schema that says less in its older form may let through: an operation, and the keywords of the newest schema
// that may be broken for it.
var loose = map[change.Kind][]string{
	change.Cast: {"type", "enum"},
	// Which members need each other is said where they come to stand beside each other, but not everywhere.
	change.Move:  {"required"},
	change.Split: {"enum", "required", "additionalProperties"}, // the parts, whether there are several, and null, which stays where it is
	change.Join:  {"enum", "required"},                         // the text, and that there is one or null
}

// Soundness: what the newest schema accepts is accepted by each older one, once brought down; and what an older one
// accepts and the changes bring up is accepted by the newest, but for what is known to be lost.
func TestSoundness(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(5, 6))}
	kinds := map[change.Kind]int{}
	downs, ups, warned := 0, 0, 0
	for range 1_000 {
		newest := g.object(2)
		text, err := json.Marshal(newest)
		if err != nil {
			t.Fatal(err)
		}
		f := files{"order.json": string(text)}
		var chain []*change.Change
		older, relaxed := newest, false
		objects := map[string]*change.Object{"order": {Name: "order"}}
		var derived []byte
		for range 1 + g.IntN(5) {
			ops := append([]*change.Change{on("order", g.operation(older))}, chain...)
			if change.Validate(ops, objects).HasErrors() {
				continue
			}
			s, diags := f.derive([]string{"order"}, nil, ops)
			if diags.HasErrors() {
				continue
			}
			relaxed = relaxed || len(diags) > 0
			chain, derived, older = ops, s.Schema("order", 0), object{}
			if err := json.Unmarshal(derived, &older); err != nil {
				t.Fatal(err)
			}
		}
		if chain == nil {
			continue
		}
		for _, ch := range chain {
			kinds[ch.Operations[0].Kind]++
		}
		p, diags := change.Compile(chain, objects, []change.Held{{Object: "order"}})
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		above, diags := schema.Parse("newest.json", text)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		below, diags := schema.Parse("older.json", derived)
		if diags.HasErrors() {
			t.Fatalf("%s: %v", derived, diags)
		}
		for range 20 {
			doc, _ := json.Marshal(g.value(newest))
			if down, err := p.Down(doc); err == nil && above.Validate(doc) == nil {
				downs++
				wrong := slices.DeleteFunc(below.Validate(down), func(f schema.Failure) bool { return hollow(down, f.Pointer) })
				if len(wrong) > 0 {
					t.Fatalf("%s\n%s\nbecame%s\n%s\ncame down as %s, which breaks %v", text, derived, describe(chain), doc, down, wrong)
				}
			}
			doc, _ = json.Marshal(g.value(older))
			up, err := p.Up(doc)
			if err != nil || below.Validate(doc) != nil {
				continue
			}
			ups++
			for _, wrong := range above.Validate(up) {
				if relaxed || hollow(up, wrong.Pointer) || slices.ContainsFunc(chain, func(c *change.Change) bool { return slices.Contains(loose[c.Operations[0].Kind], wrong.Keyword) }) {
					warned++
					continue
				}
				t.Fatalf("%s\n%s\nbecame%s\n%s\nwent up as %s, which breaks %v", text, derived, describe(chain), doc, up, wrong)
			}
		}
	}
	t.Logf("%d came down, %d went up, %d of them to be refused there; %v", downs, ups, warned, kinds)
	for _, k := range change.Kinds {
		if kinds[k] < 10 {
			t.Errorf("only %d times %s", kinds[k], k)
		}
	}
}

// hollow says whether there are but empty objects at a place, or around it where nothing is there. One whose members all
// came from elsewhere, or went elsewhere, is not in the other shape, but stays where it was empty.
func hollow(doc []byte, pointer string) bool {
	way := jsonspan.Split(pointer)
	raw, there := jsonspan.Get(doc, way...)
	if !there && len(way) > 0 {
		raw, _ = jsonspan.Get(doc, way[:len(way)-1]...)
	}
	rest := strings.ReplaceAll(string(raw), "{}", "")
	return rest != string(raw) && !strings.ContainsAny(rest, "[],")
}

func describe(chain []*change.Change) string {
	var s strings.Builder
	for _, ch := range chain {
		o := ch.Operations[0]
		fmt.Fprintf(&s, " %s %s %s%s%s%v %s %s %d;", o.Kind, o.Path, o.To, o.Member, o.As, o.Parts, o.Value, o.Pairs, o.Decimals)
	}
	return s.String()
}
