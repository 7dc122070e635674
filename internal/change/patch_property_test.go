package change_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// applyMerge is the algorithm of RFC 7396, section 2.
func applyMerge(target, patch any) any {
	p, ok := patch.(object)
	if !ok {
		return patch
	}
	t, ok := target.(object)
	if !ok {
		t = object{}
	}
	for name, value := range p {
		if value == nil {
			delete(t, name)
		} else {
			t[name] = applyMerge(t[name], value)
		}
	}
	return t
}

// applyJSON does what RFC 6902, section 4, says of one operation.
func applyJSON(root any, op object) (any, error) {
	path := jsonspan.Split(op["path"].(string))
	var value any
	switch op["op"] {
	case "add", "replace", "test":
		value = op["value"]
	case "move", "copy":
		from := jsonspan.Split(op["from"].(string))
		var err error
		if value, err = get(root, from); err != nil {
			return nil, err
		}
		value = plain(encode(value))
		if op["op"] == "move" {
			if root, err = set(root, from, nil, "remove"); err != nil {
				return nil, err
			}
		}
	}
	switch op["op"] {
	case "test":
		there, err := get(root, path)
		if err == nil && !same(there, value) {
			err = errors.New("test failed")
		}
		return root, err
	case "remove", "replace":
		return set(root, path, value, op["op"].(string))
	}
	return set(root, path, value, "add")
}

var errNotThere = errors.New("nothing is there")

func get(v any, path []string) (any, error) {
	for _, name := range path {
		switch at := v.(type) {
		case object:
			inner, ok := at[name]
			if !ok {
				return nil, errNotThere
			}
			v = inner
		case []any:
			n, err := index(name, len(at)-1)
			if err != nil {
				return nil, err
			}
			v = at[n]
		default:
			return nil, errNotThere
		}
	}
	return v, nil
}

func index(name string, most int) (int, error) {
	n, err := strconv.Atoi(name)
	if err != nil || strconv.Itoa(n) != name || n < 0 || n > most {
		return 0, errNotThere
	}
	return n, nil
}

func set(v any, path []string, value any, how string) (any, error) {
	if len(path) == 0 {
		return value, nil
	}
	name, last := path[0], len(path) == 1
	switch at := v.(type) {
	case object:
		inner, there := at[name]
		if !there && !(last && how == "add") {
			return nil, errNotThere
		}
		if last && how == "remove" {
			delete(at, name)
			return at, nil
		}
		inner, err := set(inner, path[1:], value, how)
		at[name] = inner
		return at, err
	case []any:
		if last && how == "add" {
			n := len(at)
			if name != "-" {
				var err error
				if n, err = index(name, len(at)); err != nil {
					return nil, err
				}
			}
			return slices.Insert(slices.Clone(at), n, value), nil
		}
		n, err := index(name, len(at)-1)
		if err != nil {
			return nil, err
		}
		if last && how == "remove" {
			return slices.Delete(slices.Clone(at), n, n+1), nil
		}
		at[n], err = set(at[n], path[1:], value, how)
		return at, err
	}
	return nil, errNotThere
}

// prune takes away all empty objects and what is empty without them: a removal leaves objects that moves have made.
func prune(v any) any {
	switch v := v.(type) {
	case object:
		for name, inner := range v {
			if o, ok := prune(inner).(object); ok && len(o) == 0 {
				delete(v, name)
			}
		}
	case []any:
		for _, inner := range v {
			prune(inner)
		}
	}
	return v
}

// moves says whether some operation may leave an object empty.
func moves(c []*change.Change) bool {
	return slices.ContainsFunc(c, func(ch *change.Change) bool {
		return slices.ContainsFunc(ch.Operations, func(o change.Operation) bool { return o.Kind == change.Move })
	})
}

// pointers gives those that lead to something in v, after the one that leads to v.
func pointers(v any, at string, all []string) []string {
	all = append(all, at)
	switch v := v.(type) {
	case object:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			all = pointers(v[name], at+"/"+jsonspan.Escape(name), all)
		}
	case []any:
		for i, inner := range v {
			all = pointers(inner, at+"/"+strconv.Itoa(i), all)
		}
	}
	return all
}

// tree makes a value with many members that chains touch.
func (g generator) tree(depth int) any {
	if depth == 0 || g.IntN(4) == 0 {
		return plain([]byte(g.pick(`1`, `1`, `2`, `"x"`, `"x"`, `"y"`, `true`, `"1"`, `"1.5"`, `2.5`)))
	}
	if g.IntN(6) == 0 {
		return []any{g.tree(depth - 1), g.tree(depth - 1)}
	}
	o := object{}
	for range 3 {
		o[g.pick("a", "b", "c", "d", "x")] = g.tree(depth - 1)
	}
	return o
}

// resource makes one in the caller's form, half of them from the newest, and gives the newest form; nil if it cannot.
func (g generator) resource(p *change.Program) (x, y []byte) {
	o, ok := g.tree(3).(object)
	if !ok || g.IntN(4) == 0 {
		return g.fit(p.Up, g.document(4))
	}
	x = encode(o)
	if g.IntN(2) == 0 {
		if down, err := p.Down(x); err == nil {
			x = down
		}
	}
	return g.fit(p.Up, x)
}

// jsonPatch makes a patch for x, most of whose operations can be done.
func (g generator) jsonPatch(x []byte) []byte {
	var patch []byte
	for i := range 1 + g.IntN(3) {
		there := pointers(plain(x), "", nil)
		pointer := func(adds bool) string {
			p := there[g.IntN(len(there))]
			if p == "" && g.IntN(20) > 0 {
				p = there[len(there)-1]
			}
			if p == "" && g.IntN(20) > 0 || g.IntN(10) == 0 || adds && g.IntN(2) == 0 {
				p += "/" + g.pick("a", "b", "c", "d", "x", "0", "1", "-")
			}
			return p
		}
		op := object{"op": g.pick("add", "add", "remove", "replace", "replace", "move", "copy", "test")}
		switch op["op"] {
		case "remove", "test", "replace":
			op["path"] = pointer(false)
		default:
			op["path"] = pointer(true)
		}
		switch op["op"] {
		case "add", "replace", "test":
			var b bytes.Buffer
			g.value(&b, 2)
			op["value"] = plain(b.Bytes())
			if value, err := get(plain(x), jsonspan.Split(op["path"].(string))); err == nil && op["op"] == "test" {
				op["value"] = value
			}
		case "move", "copy":
			op["from"] = pointer(false)
			for strings.HasPrefix(op["path"].(string), op["from"].(string)+"/") {
				op["path"] = pointer(true)
			}
		}
		if after, err := applyAll(x, encode([]any{op})); err == nil {
			x = after
		}
		if i > 0 {
			patch = append(patch, ',')
		}
		patch = append(patch, encode(op)...)
	}
	return []byte("[" + string(patch) + "]")
}

func encode(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}

// carriable are the kinds of operations that patches may be carried through.
var carriable = []change.Kind{change.Enum, change.Wrap, change.Unwrap, change.List, change.Unlist, change.Scale, change.Cast, change.Rename, change.Move}

// patched is a chain that patches can be carried through, with what is needed for the properties.
type patched struct {
	chain   []*change.Change
	up      *change.Program
	patch   *change.Patch
	pruning bool
}

func (g generator) patched(t testing.TB) patched {
	for {
		_, _, o := g.places()
		c := g.chainOf(o, carriable)
		if g.IntN(2) == 0 {
			c = append(c, on("line", g.operation(keepR)))
		}
		if change.Validate(c, o).HasErrors() {
			continue
		}
		p, diags := change.CompilePatch(c, o, "order")
		if !diags.HasErrors() {
			return patched{c, compile(t, c, o, ""), p, moves(c)}
		}
	}
}

// holds says whether two results are the same, but for objects that a move has left empty.
func (p patched) holds(was, wanted []byte) bool {
	a, b := plain(was), plain(wanted)
	return same(a, b) || p.pruning && same(prune(a), prune(b))
}

// A merge patch that goes up does to the newest form of a resource what it does to the caller's, and no more:
// up(apply(p, x)) = apply(up(p), up(x)).
func TestMergeProperty(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(5, 6))}
	held, refused, touched := 0, 0, 0
	for range rounds(600) {
		p := g.patched(t)
		for range 40 {
			x, y := g.resource(p.up)
			if x == nil || bytes.Contains(x, []byte("null")) {
				continue // a merge patch knows no null (RFC 7396, section 1)
			}
			patch := g.document(3)
			if o, ok := g.tree(3).(object); ok {
				patch = bytes.ReplaceAll(encode(o), []byte(`:"x"`), []byte(`:null`))
			}
			if fit, _ := g.fit(p.patch.Merge, patch); fit != nil && g.IntN(4) > 0 {
				patch = fit
			}
			after := encode(applyMerge(plain(x), plain(patch)))
			want, wantErr := p.up.Up(after)
			carried, err := p.patch.Merge(patch)
			if err != nil {
				var e *change.Error
				if !errors.As(err, &e) {
					t.Fatal(err)
				}
				if _, ok := jsonspan.Get(patch, jsonspan.Split(e.Pointer)...); !ok {
					t.Fatalf("%s\n%s: %v leads to nothing", describe(p.chain), patch, e)
				}
				if wantErr == nil {
					refused++
				}
				continue
			}
			check(t, carried)
			if wantErr != nil {
				continue
			}
			got := encode(applyMerge(plain(y), plain(carried)))
			if !p.holds(got, want) {
				t.Fatalf("%s\n%s patched by %s is %s,\nwhich goes up as %s,\nbut %s patched by %s is\n%s", describe(p.chain), x, patch, after, want, y, carried, got)
			}
			held++
			if !equal(t, carried, patch) {
				touched++
			}
		}
	}
	t.Logf("%d held, %d of them changed; %d were refused", held, touched, refused)
	if held < rounds(4_000) || touched < rounds(600) || refused > held/5 {
		t.Errorf("%d held, %d of them changed; %d were refused", held, touched, refused)
	}
}

// The same of a JSON Patch, wherever the service can do what it says.
func TestJSONPatchProperty(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(7, 8))}
	held, refused, touched, undone := 0, 0, 0, 0
	for range rounds(600) {
		p := g.patched(t)
		for range 40 {
			x, y := g.resource(p.up)
			if x == nil {
				continue
			}
			patch := g.jsonPatch(x)
			after, applyErr := applyAll(x, patch)
			if applyErr != nil && g.IntN(20) > 0 {
				continue
			}
			carried, err := p.patch.JSON(patch)
			var want []byte
			if applyErr == nil {
				if want, applyErr = p.up.Up(after); applyErr != nil {
					want = nil
				}
			}
			if err != nil {
				var e *change.Error
				if !errors.As(err, &e) {
					t.Fatal(err)
				}
				if _, ok := jsonspan.Get(patch, jsonspan.Split(e.Pointer)...); !ok {
					t.Fatalf("%s\n%s: %v leads to nothing", describe(p.chain), patch, e)
				}
				if want != nil {
					refused++
				}
				continue
			}
			check(t, carried)
			if want == nil {
				continue
			}
			got, err := applyAll(y, carried)
			if err != nil {
				undone++
				continue
			}
			if !p.holds(got, want) {
				t.Fatalf("%s\n%s patched by %s is %s,\nwhich goes up as %s,\nbut %s patched by %s is\n%s", describe(p.chain), x, patch, after, want, y, carried, got)
			}
			held++
			if !equal(t, carried, patch) {
				touched++
			}
		}
	}
	t.Logf("%d held, %d of them changed; %d were refused, %d could not be done", held, touched, refused, undone)
	if held < rounds(4_000) || touched < rounds(600) || refused > held/5 || undone > held/100 {
		t.Errorf("%d held, %d of them changed; %d were refused, %d could not be done", held, touched, refused, undone)
	}
}

func applyAll(doc, patch []byte) ([]byte, error) {
	root := plain(doc)
	for _, op := range plain(patch).([]any) {
		var err error
		if root, err = applyJSON(root, op.(object)); err != nil {
			return nil, err
		}
	}
	return encode(root), nil
}

// FuzzPatch carries whatever bytes there are over chains made from a seed. Nothing panics; what is strict JSON stays so.
func FuzzPatch(f *testing.F) {
	for i, doc := range []string{`{}`, `{"a":{"b":null},"c":[{"a":1}]}`, `{"d":{"a":{},"b":"x"},"\u0061":2}`, `{"a":{"b":{}}`, `null`,
		`[{"op":"add","path":"/a/b","value":{"c":1}}]`, `[{"op":"move","from":"/c/0/a","path":"/d/-"},{"op":"test","path":"","value":{}}]`,
		`[{"op":"copy","from":"/~01","path":"/a~1"}`, `[{"op":"remove","path":"/b/0/a"},{"op":"replace","path":"/\u0061","value":1.0e+2}]`} {
		f.Add(uint64(i), []byte(doc))
	}
	f.Fuzz(func(t *testing.T, seed uint64, doc []byte) {
		p := generator{rand.New(rand.NewPCG(seed, 2))}.patched(t)
		strict := jsonspan.Check(doc, jsonspan.Bounds{}) == nil
		if out, err := p.patch.Merge(doc); err == nil && strict {
			checkDeep(t, out)
		}
		if out, err := p.patch.JSON(doc); err == nil && strict {
			checkDeep(t, out)
		}
	})
}

func BenchmarkMerge(b *testing.B) {
	p := compilePatch(b, shop, shopObjects())
	doc := []byte(`{"note":"leave it at the door","customer_name":"Ada Lovelace","verified":true,"delivery":{"zip":"10115"},"express":null}`)
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Merge(doc); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJSONPatch(b *testing.B) {
	p := compilePatch(b, shop, shopObjects())
	doc := []byte(`[{"op":"test","path":"/verified","value":true},{"op":"replace","path":"/customer_name","value":"Ada Lovelace"},{"op":"remove","path":"/express"}]`)
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.JSON(doc); err != nil {
			b.Fatal(err)
		}
	}
}
