package policy

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/util"

	"github.com/wicketgate/wicketgate/internal/archive"
	"github.com/wicketgate/wicketgate/internal/exchange"
)

// readTestBase makes one of data files.
func readTestBase(t testing.TB, files map[string]string) (datum, bool) {
	t.Helper()
	var list []archive.File
	for _, name := range util.KeysSorted(files) {
		list = append(list, archive.File{Name: name, Content: []byte(files[name])})
	}
	data, diags := readBase(t.Context(), "gw.tar.gz", list, nil)
	if diags.HasErrors() {
		return datum{}, false
	}
	return *data, true
}

// TestMerge merges random files, and compares what comes of it with what comes of maps.
func TestMerge(t *testing.T) {
	merged := 0
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 7))
		files, want, fits := map[string]string{}, map[string]any{}, true
		for _, folder := range [][]string{nil, {"a"}, {"a", "b"}, {"a", "c"}, {"b"}, {"c", "a", "b"}} {
			if r.IntN(3) == 0 {
				continue
			}
			content := randomObject(r, 3)
			text, err := json.Marshal(content)
			if err != nil {
				t.Fatal(err)
			}
			name := "data.json"
			if r.IntN(4) == 0 {
				name = "data.yaml"
			}
			files[strings.Join(append(slices.Clone(folder), name), "/")] = string(text)
			for _, part := range slices.Backward(folder) {
				content = map[string]any{part: content}
			}
			if clash(want, content, nil) != nil {
				fits = false
				break
			}
			mergeInto(want, content)
		}
		data, ok := readTestBase(t, files)
		if ok != fits {
			t.Fatalf("%v: taken: %v; want %v", files, ok, fits)
		}
		if !ok {
			continue
		}
		merged++
		value, err := ast.InterfaceToValue(want)
		if err != nil {
			t.Fatal(err)
		}
		if got := newTree().datum(data).Value; got.Compare(value) != 0 || got.Hash() != value.Hash() {
			t.Fatalf("%v:\ngot  %v\nwant %v", files, got, value)
		}
		sameReads(t, data, value.(ast.Object), r)
	}
	if merged < 50 {
		t.Errorf("only %d merged", merged)
	}
}

func randomObject(r *rand.Rand, depth int) map[string]any {
	object := map[string]any{}
	for _, name := range []string{"a", "b", "c", "d/é", "0"} {
		switch kind := r.IntN(9); {
		case kind < 2 && depth > 0:
			object[name] = randomObject(r, depth-1)
		case kind == 2:
			object[name] = []any{r.IntN(9), "x", []any{true, nil}, map[string]any{"a": 1.5}}
		case kind == 3:
			object[name] = strings.Repeat("long", 300)
		}
	}
	return object
}

// sameReads reads what there is in data and what is not, as OPA's own store does, whatever of it was made before.
func sameReads(t *testing.T, data datum, value ast.Object, r *rand.Rand) {
	t.Helper()
	theirs := inmem.NewFromASTObject(value)
	txn := storage.NewTransactionOrDie(context.Background(), theirs)
	planned := plan{sizes: map[datum]int{}}
	for range r.IntN(3) {
		p := data
		for range r.IntN(3) {
			if next, _, ok := step(p, []string{"a", "b", "c", "1"}[r.IntN(4)]); ok {
				p = next
			}
		}
		planned.sizes[p] = p.size()
	}
	ours := textStore(data, planned)
	names := []string{"a", "b", "c", "d/é", "0", "2", "-1", "1.0", "x", ""}
	for range 60 {
		var path storage.Path
		for range r.IntN(5) {
			path = append(path, names[r.IntN(len(names))])
		}
		want, wantErr := theirs.Read(context.Background(), txn, path)
		got, err := ours.Read(context.Background(), transaction{}, path)
		if fmt.Sprint(err) != fmt.Sprint(wantErr) || storage.IsNotFound(err) != storage.IsNotFound(wantErr) {
			t.Fatalf("%v: got %v, want %v", path, err, wantErr)
		}
		if err == nil && got.(ast.Value).Compare(want.(ast.Value)) != 0 {
			t.Fatalf("%v: got %v, want %v", path, got, want)
		}
	}
}

// largeData is the data of a bundle that is kept as text.
func largeData() string {
	var b strings.Builder
	b.WriteString(`{"open": true, "tenants": {`)
	for i := range 4 {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, `"tenant-%d": {"members": {`, i)
		for k := range 1000 * (i % 2) {
			fmt.Fprintf(&b, `"m-%d": {"role": "r"}, `, k)
		}
		b.WriteString(`"ada": {"role": "owner"}}}`)
	}
	b.WriteString(`}, "list": [`)
	for i := range 2000 {
		fmt.Fprintf(&b, `{"id": %d}, `, i)
	}
	b.WriteString(`{"id": "last"}], "users": {`)
	for i := range 17000 {
		fmt.Fprintf(&b, `"user-%d": {"roles": ["clerk", "role-%d"], "active": true, "level": %d}, `, i, i%10, i)
	}
	b.WriteString(`"ada": {"roles": ["admin"], "active": true, "level": 3}}}`)
	return b.String()
}

// TestLargeData has policies read data in all ways. What takes long to make is made before they are in force, and nothing
// else; the answers are those that OPA gives with a store of its own.
func TestLargeData(t *testing.T) {
	data := largeData()
	for _, c := range []struct {
		rule  string
		text  bool   // whether the data is kept as text
		reads string // what policies are found to read of data
	}{
		{`allow if data.users[input.request.method].active`, true, "data.users[_].active"},
		{`allow if data.users.ada.active`, true, "data.users.ada.active"},
		{`allow if "admin" in data.users.ada.roles`, true, "data.users.ada.roles"},
		{`allow if { some role in data.users[input.request.host].roles; role == "admin" }`, true, "data.users[_].roles"},
		{`allow if { user := data.users[input.request.host]; user.level == 3 }`, true, "data.users[_]"},
		{`allow if { x := "ada"; data.users[x].level < 4 }`, true, "data.users.ada.level"},
		{`allow if data.list[7].id == 7`, true, "data.list.7.id"},
		{`allow if data.list[count(input.request.method)].id == 3`, true, "data.list[_].id"},
		{`allow if { some item in data.list; item.id == "last" }`, true, "data.list"},
		{`allow if not data.users[input.request.method]`, true, "data.users[_]"},
		{`allow if count(data.tenants["tenant-1"].members) > 3`, true, "data.tenants.tenant-1.members"},
		{`allow if { t := input.request.host; some m in data.tenants[sprintf("tenant-%d", [count(t)])].members; m.role == "owner" }`, true, "data.tenants[_].members"},
		{`allow if { some t; data.tenants[t].members.ada.role == "owner" }`, true, "data.tenants"},
		{`allow if { users := data.users; users[input.request.host].active }`, false, "data.users"},
		{`allow if object.get(data.users, [input.request.host, "active"], false)`, false, "data.users"},
		{`allow if { some name; data.users[name].level == 17 }`, false, "data.users"},
		{`allow if { every u in data.users { u.active } }`, false, "data.users"},
		{`allow if { n := count([u | u := data.users[_]]); n > 5 }`, false, "data.users"},
		{"allow if f(data.users)\n\nf(u) := u.ada.active", false, "data.users"},
		{"allow if f(\"ada\")\n\nf(name) := data.users[name].active", true, "data.users[_].active"},
		{"allow if \"ada\" in names\n\nnames contains n if data.users[n].level == 3", false, "data.a.names, data.users"},
		{"allow if count(known) == 0\n\nknown contains 1 if data.users[input.request.host].active", true, "data.a.known, data.users[_].active"},
		// OPA's index of rules looks for the last name in all that has the first.
		{"allow if count(known) == 1\n\nknown contains 1 if data.users[input.request.host]", false, "data.a.known, data.users"},
		{"allow if count(known) == 1\n\nknown contains 1 if data.tenants[\"tenant-0\"].members[input.request.host]", true, "data.a.known, data.tenants"},
		{`allow if data.open with data.users as {}`, true, "data.open"},
		{`allow if data.users.eve.active with data.users as {"eve": {"active": true}}`, true, "data.users.eve.active"},
		{`allow if data.users.ada.active with data.users.eve as data.users.ada`, true, "data.users.ada"},
	} {
		src := "package a\n\n" + c.rule + "\n"
		s, diags := ReadBundle(t.Context(), "gw.tar.gz", []archive.File{{Name: "a.rego", Content: []byte(src)}, {Name: "data.json", Content: []byte(data)}}, nil, Options{Limit: MaxLimit, Cache: -1})
		if diags.HasErrors() {
			t.Fatalf("%s: %v", c.rule, diags)
		}
		allows := func(s *Snapshot) bool {
			q, diags := s.Prepare("data.a", here)
			if diags.HasErrors() {
				t.Fatalf("%s: %v", c.rule, diags)
			}
			d, p := q.Decide(&exchange.Exchange{Method: "GET", Host: "ada", Time: time.Now()})
			if d == nil || p != nil && p.Cause != nil {
				t.Fatalf("%s: %v", c.rule, p)
			}
			return d.Allow
		}
		got := allows(s)
		if reads := foresee(s.compiler).String(); reads != c.reads {
			t.Errorf("%s: reads %s; want %s", c.rule, reads, c.reads)
		}
		kept, text := s.store.(*store)
		if text != c.text {
			t.Errorf("%s: kept as text: %v", c.rule, text)
		}
		if text {
			for i := range kept.remembered {
				if m := kept.remembered[i].Load(); m != nil && m.size > little {
					t.Errorf("%s: %d bytes were made while a request waited", c.rule, m.size)
				}
			}
			theirs := *s
			theirs.store = inmem.NewFromASTObject(newTree().datum(kept.root).Value.(ast.Object))
			theirs.txn = storage.NewTransactionOrDie(t.Context(), theirs.store)
			if want := allows(&theirs); got != want {
				t.Errorf("%s: got %v, want %v", c.rule, got, want)
			}
		} else if !got {
			t.Errorf("%s: denied", c.rule)
		}
	}
}

// TestValuesRemembered reads more than is remembered, from many goroutines at once: what is read is right, and what is
// remembered stays within its bound.
func TestValuesRemembered(t *testing.T) {
	const n = 3000
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"n%d": [%d, "%s"], `, i, i, strings.Repeat("x", 4000))
	}
	data, ok := readTestBase(t, map[string]string{"data.json": "{" + strings.TrimSuffix(b.String(), ", ") + "}"})
	if !ok {
		t.Fatal("not taken")
	}
	s := textStore(data, plan{})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range n {
				value, err := s.Read(context.Background(), transaction{}, storage.Path{fmt.Sprint("n", i)})
				if array, ok := value.(*ast.Array); err != nil || !ok || array.Elem(0).Value.Compare(ast.InternedTerm(i).Value) != 0 {
					t.Errorf("%d: got %v, %v", i, value, err)
				}
			}
		})
	}
	all.Wait()
	size := int64(0)
	for i := range s.remembered {
		if m := s.remembered[i].Load(); m != nil {
			size += int64(m.size)
		}
	}
	if size != s.text.Load() || size > maxRemembered || size < maxRemembered/2 {
		t.Errorf("%d bytes are remembered, counted as %d", size, s.text.Load())
	}
	again, _ := s.Read(context.Background(), transaction{}, storage.Path{"n0"})
	if once, _ := s.Read(context.Background(), transaction{}, storage.Path{"n0"}); again != once {
		t.Error("a value was made twice")
	}
}

// BenchmarkRead reads a value of 50 MB of data: one that is made anew each time, and one that is remembered.
func BenchmarkRead(b *testing.B) {
	var text strings.Builder
	text.WriteString(`{"users": {"x": 1`)
	for i := range 300_000 {
		fmt.Fprintf(&text, `, "user-%d": {"roles": ["clerk", "role-%d"], "tenant": "tenant-%d", "limit": %d, "email": "user-%d@example.org", "active": true}`, i, i%97, i%1000, i*7, i)
	}
	data, _ := readTestBase(b, map[string]string{"data.json": text.String() + "}}"})
	s := textStore(data, plan{})
	for name, n := range map[string]int{"remembered": 100, "made": 300_000} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			path := storage.Path{"users", "", "roles"}
			for i := 0; b.Loop(); i = (i + 577) % n {
				path[1] = fmt.Sprint("user-", i)
				if _, err := s.Read(context.Background(), transaction{}, path); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
