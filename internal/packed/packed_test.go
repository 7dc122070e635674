package packed

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// same compares a value and all that it is found by with what encoding/json makes of the same text.
func same(t *testing.T, at string, v Value, want any) {
	t.Helper()
	switch want := want.(type) {
	case map[string]any:
		n := 0
		for raw, member := range v.Members() {
			n++
			if again, ok := v.Member(jsonspan.Text(raw)); !ok || again != member {
				t.Fatalf("%s: %s is found elsewhere: %v, %v", at, raw, again, member)
			}
		}
		if n != len(want) || v.Kind() != '{' {
			t.Fatalf("%s: %c with %d members, want %d", at, v.Kind(), n, len(want))
		}
		for name, member := range want {
			found, ok := v.Member(name)
			if !ok {
				t.Fatalf("%s: no member %q", at, name)
			}
			same(t, at+"/"+name, found, member)
			if _, there := want[name+"x"]; !there {
				if _, ok := v.Member(name + "x"); ok {
					t.Fatalf("%s: there is a member %q", at, name+"x")
				}
			}
		}
	case []any:
		n := 0
		for item := range v.Items() {
			if again, ok := v.Item(n); !ok || again != item {
				t.Fatalf("%s: %d is found elsewhere", at, n)
			}
			if n < len(want) {
				same(t, fmt.Sprint(at, "/", n), item, want[n])
			}
			n++
		}
		if n != len(want) || v.Kind() != '[' {
			t.Fatalf("%s: %c with %d items, want %d", at, v.Kind(), n, len(want))
		}
		if _, ok := v.Item(n); ok {
			t.Fatalf("%s: an item behind the last", at)
		}
	default:
		var got any
		if err := json.Unmarshal(v.Raw(), &got); err != nil || got != want {
			t.Fatalf("%s: got %v, %v; want %v", at, got, err, want)
		}
	}
	if raw := v.Raw(); jsonspan.Value(raw, 0) != len(raw) || v.Longest() > len(raw) {
		t.Fatalf("%s: spelt %s", at, raw)
	}
	if _, ok := v.Item(-1); ok {
		t.Fatalf("%s: an item before the first", at)
	}
}

func check(t *testing.T, text []byte) {
	t.Helper()
	var want any
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	d := New(text)
	same(t, "", d.Root(), want)
	for i, c := range d.containers {
		if i > 0 && c.at <= d.containers[i-1].at {
			t.Fatal("the index is out of order")
		}
	}
}

func TestDocument(t *testing.T) {
	long := `"` + strings.Repeat("x", 2*large) + `"`
	for _, text := range []string{
		`null`, ` "x" `, `{}`, ` [ ] `, `{"a":1}`, "[1,\n2 , [3]]",
		`{"a":` + long + `,"b":{"c":` + long + `,"d":[` + long + `,1,` + long + `,[2]]},"\u0062\n":true}`,
		`[` + long + `,[` + long + `],{"a":` + long + `}]`,
		`{"` + strings.Repeat("n", 2*large) + `":1,"\u00e9":2,"é2":3,"":4}`,
	} {
		check(t, []byte(text))
	}
}

// TestRandom looks for every value of documents of all shapes.
func TestRandom(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		check(t, appendRandom(nil, r, 1+r.IntN(6), 1+r.IntN(40)))
	}
	r := rand.New(rand.NewPCG(0, 2))
	check(t, appendRandom(nil, r, 2, 3000))
}

// appendRandom appends a value that is so deep at most, with up to so many members or items on each level.
func appendRandom(b []byte, r *rand.Rand, depth, most int) []byte {
	space := func() {
		for range r.IntN(4) / 2 {
			b = append(b, " \n\t\r"[r.IntN(4)])
		}
	}
	space()
	kind := r.IntN(8)
	if depth == 0 {
		kind = 2 + r.IntN(6)
	}
	switch kind {
	case 0, 1:
		n := r.IntN(most + 1)
		b = append(b, "{["[kind])
		for i := range n {
			if i > 0 {
				b = append(b, ',')
			}
			if kind == 0 {
				space()
				name := fmt.Sprint("member-", i)
				if r.IntN(4) == 0 {
					name = fmt.Sprintf(`\u%04x%d`, 'a'+r.IntN(26), i)
				}
				b = fmt.Appendf(b, `"%s"`, name)
				space()
				b = append(b, ':')
			}
			b = appendRandom(b, r, depth-1, 1+most/2)
		}
		space()
		b = append(b, "}]"[kind])
	case 2:
		b = append(b, "true"...)
	case 3:
		b = append(b, "null"...)
	case 4:
		b = fmt.Appendf(b, "%v", r.NormFloat64())
	case 5:
		b = fmt.Appendf(b, `"%s"`, strings.Repeat(`]}\"\\`, r.IntN(200)))
	default:
		b = fmt.Appendf(b, `"%s"`, strings.Repeat("é", r.IntN(20)))
	}
	space()
	return b
}

func FuzzDocument(f *testing.F) {
	f.Add([]byte(`{"a":{"b":[1,"x",true,null,{}]},"c":-0.0}`))
	f.Add([]byte("[" + strings.Repeat(`{"x":[1,2]},`, 200) + "0]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if jsonspan.Check(text, jsonspan.Bounds{}) != nil {
			t.Skip()
		}
		check(t, text)
	})
}

// users is a document of 50 MB, like the data of a large bundle.
func users() []byte {
	b := []byte(`{"grants": {`)
	for i := 0; len(b) < 50_000_000; i++ {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `"user-%d": {"roles": ["clerk", "role-%d"], "tenant": "tenant-%d", "active": true}`, i, i%97, i%1000)
	}
	return append(b, "}}"...)
}

// BenchmarkNew indexes 50 MB, and says how much larger the index makes them.
func BenchmarkNew(b *testing.B) {
	text := users()
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	slots := 0
	for b.Loop() {
		d := New(text)
		slots = 0
		for _, t := range d.tables {
			slots += len(t)
		}
	}
	b.ReportMetric(float64(4*slots)/float64(len(text)), "index/text")
}

// BenchmarkFind finds a value in 50 MB.
func BenchmarkFind(b *testing.B) {
	d := New(users())
	names := make([]string, 1000)
	for i := range names {
		names[i] = fmt.Sprint("user-", i*577)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i = (i + 1) % len(names) {
		v, _ := d.Root().Member("grants")
		if v, ok := v.Member(names[i]); ok {
			v.Member("active")
		}
	}
}
