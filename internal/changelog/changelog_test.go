package changelog

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/change"
)

var update = flag.Bool("update", false, "write the expected files anew")

func raw(s string) json.RawMessage { return json.RawMessage(s) }

// TestWords tells every operation in a line, with what it loses.
func TestWords(t *testing.T) {
	for _, test := range []struct {
		op          change.Operation
		class       Class
		words, loss string
	}{
		{change.Operation{Kind: change.Rename, Path: "a.b", To: "c"}, Iso, "a.b is called c", ""},
		{change.Operation{Kind: change.Move, Path: "a", To: "b.c"}, Iso, "a moved to b.c", ""},
		{change.Operation{Kind: change.Drop, Path: "a", Value: raw("null")}, S, "a is gone; older versions are given null", "what older versions send is lost"},
		{change.Operation{Kind: change.Add, Path: "a", Value: raw(`"x"`)}, R, `a is new; from older versions it is "x"`, "a PUT of an older version resets it"},
		{change.Operation{Kind: change.Enum, Path: "a", Pairs: []change.Pair{{Old: raw("true"), New: raw(`"yes"`)}, {Old: raw("false"), New: raw(`"no"`)}}},
			Iso, `a: true became "yes", false became "no"`, ""},
		{change.Operation{Kind: change.Enum, Path: "a", Pairs: []change.Pair{{Old: raw("1"), New: raw("2")}, {Old: raw("3"), New: raw("2")}}},
			S, "a: 1 became 2, 3 became 2", "what older versions send is lost"},
		{change.Operation{Kind: change.Enum, Path: "a", Pairs: []change.Pair{{Old: raw("1"), New: raw("2")}, {Old: raw("1"), New: raw("3")}}},
			R, "a: 1 became 2, 1 became 3", "a PUT of an older version resets it"},
		{change.Operation{Kind: change.Enum, Path: "a", Pairs: []change.Pair{{Old: raw("1"), New: raw("2")}, {Old: raw("1"), New: raw("3")}, {Old: raw("4"), New: raw("3")}}},
			None, "a: 1 became 2, 1 became 3, 4 became 3", "it is lost both ways"},
		{change.Operation{Kind: change.Wrap, Path: "a", Member: "b"}, Iso, "a became an object with the member b, which is what it was", ""},
		{change.Operation{Kind: change.Unwrap, Path: "a", Member: "b"}, Iso, "a became what its member b was", ""},
		{change.Operation{Kind: change.List, Path: "a"}, Iso, "a became a list, whose one item is what it was", ""},
		{change.Operation{Kind: change.Unlist, Path: "a"}, Iso, "a became what the one item of its list was", ""},
		{change.Operation{Kind: change.Scale, Path: "a", Decimals: 2, As: "string"}, Iso, `a: "1.00" became 100, and so on`, ""},
		{change.Operation{Kind: change.Scale, Path: "a", Decimals: -3, As: "number"}, Iso, "a: 1000 became 1.000, and so on", ""},
		{change.Operation{Kind: change.Cast, Path: "a", From: "string", As: "number"}, Iso, "a was a string and is a number", ""},
		{change.Operation{Kind: change.Split, Path: "a", Parts: []string{"b", "c"}, Separator: " "}, R, `a became b, c, separated at " "`, "a PUT of an older version may separate it elsewhere"},
		{change.Operation{Kind: change.Join, Path: "a", Parts: []string{"b", "c"}, Separator: ", "}, Iso, `b, c became a, joined by ", "`, ""},
	} {
		t.Run(string(test.op.Kind), func(t *testing.T) {
			c := changed(&change.Change{Operations: []change.Operation{test.op}}, true)
			o := c.Operations[0]
			if o.Text != test.words || o.Class != test.class || o.Loss != test.loss || c.Class != o.Class {
				t.Errorf("got %s %q, %q", o.Class, o.Text, o.Loss)
			}
		})
	}
}

// example is an API with everything that a changelog tells.
func example() (*catalogue.API, [][]*change.Change) {
	day := func(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }
	v1 := &catalogue.Version{
		Name: "v1", Released: day(2021), Deprecated: day(2024), Sunset: day(2030).Add(12 * time.Hour), Docs: "https://dev.example/leave",
		Brownouts: []catalogue.Brownout{{From: day(2029), For: 15 * time.Minute}},
	}
	v2 := &catalogue.Version{Name: "v2", Released: day(2022)}
	v3 := &catalogue.Version{Name: "v3", Released: day(2023)}
	v4 := &catalogue.Version{Name: "v4", Released: day(2028), Preview: true}
	a := &catalogue.API{Name: "orders", Versions: []*catalogue.Version{v1, v2, v3, v4}, Routes: []*catalogue.Route{
		{Label: "GET /orders"},
		{Label: "GET /archive", Since: v2},
		{Label: "DELETE /orders/{id}", Until: v2},
		{Label: "GET /trial", Since: v2, Until: v4},
		{Label: "PUT /orders/{id}", Method: "PUT"},
	}}
	return a, [][]*change.Change{nil, {
		{
			Name: "customer", Summary: "Who ordered became an object, <see> *there*.", On: "order",
			Operations: []change.Operation{
				{Kind: change.Move, Path: "customer_name", To: "customer.name"},
				{Kind: change.Drop, Path: "legacy_ref", Value: raw("null"), Accept: "unread since 2024"},
				{Kind: change.Add, Path: "currency", Value: raw(`"EUR"`)},
			},
			Params: []change.Param{{Name: "customer_name", To: "customer.name"}},
		},
		{Name: "sku", Summary: "article is called sku.", On: "line", Operations: []change.Operation{{Kind: change.Rename, Path: "article", To: "sku"}}},
	}, nil, nil}
}

// TestBetween tells what changed from one version to another, in each layout.
func TestBetween(t *testing.T) {
	a, changes := example()
	log := Between(a, changes, a.Versions[0], a.Versions[3])
	encoded, err := json.MarshalIndent(log, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{"log.txt": log.Text(), "log.md": log.Markdown(), "log.json": string(encoded) + "\n"} {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s is now\n%s", name, got)
		}
	}
	back := Between(a, changes, a.Versions[3], a.Versions[0])
	if back.Text() != log.Text() {
		t.Error("it is another with the newer version first")
	}
	if same := Between(a, changes, a.Versions[1], a.Versions[1]); len(same.Steps) != 0 || same.To() != "v2" {
		t.Errorf("from a version to itself: %+v", same)
	}
}

// TestMerged says of PUTs that are merged that they reset nothing.
func TestMerged(t *testing.T) {
	a, changes := example()
	a.Routes[len(a.Routes)-1].Merge = true
	log := Between(a, changes, a.Versions[0], a.Versions[1])
	if o := log.Steps[0].Changes[0].Operations[2]; o.Class != R || o.Loss != "older versions do not see it" {
		t.Errorf("got %+v", o)
	}
	if got := loss(change.Split, R, false); got != "older versions do not see where" {
		t.Errorf("of a split: %s", got)
	}
}
