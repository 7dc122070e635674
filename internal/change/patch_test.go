package change_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/change"
)

func compilePatch(t testing.TB, chain []*change.Change, objects map[string]*change.Object) *change.Patch {
	t.Helper()
	p, diags := change.CompilePatch(chain, objects, "order")
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return p
}

// shop is what two versions changed: an order's customer became an object, its state a word, and a line's article a
// number of stock; lines got a currency.
var shop = chain(
	on("order", move("customer_name", "customer.name"), move("customer_email", "customer.email"),
		rename("verified", "status"), enum("status", `true`, `"verified"`, `false`, `"unverified"`)),
	on("order", move("delivery.zip", "zip"), rename("ref", "reference")),
	on("line", rename("article", "sku"), add("currency", `"EUR"`)),
	on("tax", rename("rate", "percent")))

func shopObjects() map[string]*change.Object {
	return objects("order", "lines[*]", "line", "order", "tax", "tax", "order", "taxes[*]", "tax")
}

func TestMerge(t *testing.T) {
	for _, test := range []struct{ name, old, new string }{
		{"nothing", `{}`, `{}`},
		{"what no change touches", `{"note":"a\u0062","n":1.0e+2,"x":{"y":null}}`, `{"note":"a\u0062","n":1.0e+2,"x":{"y":null}}`},
		{"one member", `{"customer_name":"Ada"}`, `{"customer":{"name":"Ada"}}`},
		{"two", `{"customer_email":"x","note":1,"customer_name":"Ada"}`, `{"customer":{"email":"x","name":"Ada"},"note":1}`},
		{"a removal", `{"customer_name":null}`, `{"customer":{"name":null}}`},
		{"a member beside those moved there", `{"customer":{"id":7},"customer_name":"Ada"}`, `{"customer":{"name":"Ada","id":7}}`},
		{"a word for a word", `{"verified":true}`, `{"status":"verified"}`},
		{"no word is a removal", `{"verified":null}`, `{"status":null}`},
		{"out of an object", `{"delivery":{"zip":"10115"}}`, `{"zip":"10115"}`},
		{"out of an object with others", `{"delivery":{"zip":"10115","city":"Berlin"}}`, `{"zip":"10115","delivery":{"city":"Berlin"}}`},
		{"an object, and what has left it", `{"delivery":null}`, `{"delivery":null,"zip":null}`},
		{"an object that is to be there", `{"delivery":{}}`, `{"delivery":{}}`},
		{"a list is sent whole", `{"lines":[{"article":1},{"article":2,"note":null}]}`, `{"lines":[{"sku":1,"currency":"EUR"},{"sku":2,"note":null,"currency":"EUR"}]}`},
		{"no list", `{"lines":null}`, `{"lines":null}`},
		{"a held object", `{"tax":{"rate":null,"x":1}}`, `{"tax":{"percent":null,"x":1}}`},
		{"no held object", `{"tax":null}`, `{"tax":null}`},
		{"names with escapes", `{"\u0072ef":1,"\u0078":2}`, `{"reference":1,"\u0078":2}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := compilePatch(t, shop, shopObjects()).Merge([]byte(test.old))
			if err != nil {
				t.Fatal(err)
			}
			check(t, got)
			if !equal(t, got, []byte(test.new)) {
				t.Errorf("%s became\n%s, want\n%s", test.old, got, test.new)
			}
		})
	}
}

func TestMergeRefused(t *testing.T) {
	for _, test := range []struct{ name, old, pointer, says string }{
		{"no object", `[]`, "", "must be an object"},
		{"null", `null`, "", "must be an object"},
		{"a newer member", `{"status":"verified"}`, "/status", "of a newer one"},
		{"a newer member's removal", `{"reference":null}`, "/reference", "of a newer one"},
		{"a newer member inside", `{"customer":{"name":"Ada"}}`, "/customer/name", "of a newer one"},
		{"an unknown word", `{"verified":"yes"}`, "/verified", "must be one of true, false"},
		{"an object for a word", `{"verified":{}}`, "/verified", "must be one of true, false"},
		{"an object that has more in the newest version", `{"customer":null}`, "/customer", "remove its members one by one"},
		{"something else in its place", `{"customer":5}`, "/customer", "must be an object"},
		{"something else for what has been left", `{"delivery":"x"}`, "/delivery", "must be an object"},
		{"a list for a held object", `{"tax":[]}`, "/tax", "must be an object"},
		{"an object for a list", `{"lines":{}}`, "/lines", "must be a list"},
		{"a newer member in an item", `{"lines":[{},{"currency":"USD"}]}`, "/lines/1/currency", "of a newer one"},
		{"an item that is no object", `{"taxes":[1]}`, "/taxes/0", "must be an object"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := compilePatch(t, shop, shopObjects()).Merge([]byte(test.old))
			refused(t, got, err, test.pointer, test.says)
		})
	}
}

// prices is what another version changed: a total in minor units with its currency in one object, a number in place of
// a text, a value out of an object of its own, one tag where a list had several.
var prices = chain(
	on("order", scale("total", 2, "string"), wrap("total", "amount"), move("currency", "total.currency")),
	on("order", cast("weight", "string", "number"), unwrap("note", "text"), list("tag"), unlist("box"), wrap("gift", "to")))

func TestMergeKinds(t *testing.T) {
	for _, test := range []struct{ old, new string }{
		{`{"total":"12.30"}`, `{"total":{"amount":1230}}`},
		{`{"currency":"EUR","total":"0.05"}`, `{"total":{"amount":5,"currency":"EUR"}}`},
		{`{"total":null}`, `{"total":{"amount":null}}`}, // the currency stays
		{`{"weight":"1.50"}`, `{"weight":1.50}`},
		{`{"weight":null}`, `{"weight":null}`},
		{`{"gift":{"name":null}}`, `{"gift":{"to":{"name":null}}}`},
		{`{"gift":null}`, `{"gift":null}`}, // and the object around it goes too
		{`{"note":{"text":"x"}}`, `{"note":"x"}`},
		{`{"note":null}`, `{"note":null}`},
		{`{"tag":"a","box":["b"]}`, `{"tag":["a"],"box":"b"}`},
		{`{"tag":null,"box":null}`, `{"tag":null,"box":null}`},
	} {
		got, err := compilePatch(t, prices, objects()).Merge([]byte(test.old))
		if err != nil || !equal(t, got, []byte(test.new)) {
			t.Errorf("%s became\n%s, %v, want\n%s", test.old, got, err, test.new)
		}
	}
	for _, test := range []struct{ old, pointer, says string }{
		{`{"total":"12.3"}`, "/total", "with exactly as many decimals"},
		{`{"weight":"heavy"}`, "/weight", "spells a JSON number"},
		{`{"note":{}}`, "/note", "must have its only member"},
		{`{"note":{"text":null}}`, "/note/text", "with the object around it"},
		{`{"note":{"text":"x","by":1}}`, "/note/by", "has but one"},
		{`{"note":"x"}`, "/note", "must be an object"},
		{`{"tag":{"a":1}}`, "/tag", "send a JSON Patch"},
		{`{"box":[{"a":1}]}`, "/box", "send a JSON Patch"},
		{`{"box":[null]}`, "/box", "send a JSON Patch"},
		{`{"box":["a","b"]}`, "/box", "exactly one item"},
	} {
		got, err := compilePatch(t, prices, objects()).Merge([]byte(test.old))
		refused(t, got, err, test.pointer, test.says)
	}
}

func TestJSONPatchKinds(t *testing.T) {
	for _, test := range []struct{ old, new string }{
		{`[{"op":"test","path":"/total","value":"12.30"}]`, `[{"op":"test","path":"/total/amount","value":1230}]`},
		{`[{"op":"replace","path":"/currency","value":"EUR"}]`, `[{"op":"replace","path":"/total/currency","value":"EUR"}]`},
		{`[{"op":"add","path":"/gift","value":{"name":"x"}}]`, `[{"op":"add","path":"/gift","value":{"to":{"name":"x"}}}]`},
		{`[{"op":"replace","path":"/gift/name","value":"x"},{"op":"remove","path":"/gift"}]`, `[{"op":"replace","path":"/gift/to/name","value":"x"},{"op":"remove","path":"/gift"}]`},
		{`[{"op":"add","path":"/note/text","value":"x"},{"op":"add","path":"/note","value":{"text":"y"}}]`, `[{"op":"add","path":"/note","value":"x"},{"op":"add","path":"/note","value":"y"}]`},
		{`[{"op":"add","path":"/tag","value":{"a":1}},{"op":"replace","path":"/box","value":[null]}]`, `[{"op":"add","path":"/tag","value":[{"a":1}]},{"op":"replace","path":"/box","value":null}]`},
	} {
		got, err := compilePatch(t, prices, objects()).JSON([]byte(test.old))
		if err != nil || !equal(t, got, []byte(test.new)) {
			t.Errorf("%s became\n%s, %v, want\n%s", test.old, got, err, test.new)
		}
	}
	for _, test := range []struct{ old, pointer, says string }{
		{`[{"op":"add","path":"/total","value":1}]`, "/0/value", "with exactly as many decimals"},
		{`[{"op":"copy","from":"/gift","path":"/x"}]`, "/0/path", "another kind of value"},
		{`[{"op":"remove","path":"/note/text"}]`, "/0/path", "with the object around it"},
		{`[{"op":"move","from":"/note/text","path":"/x"}]`, "/0/from", "with the object around it"},
		{`[{"op":"add","path":"/note/by","value":1}]`, "/0/path", "has but one"},
		{`[{"op":"add","path":"/box/0","value":1}]`, "/0/path", "as a whole only"},
	} {
		got, err := compilePatch(t, prices, objects()).JSON([]byte(test.old))
		refused(t, got, err, test.pointer, test.says)
	}
}

func refused(t *testing.T, got []byte, err error, pointer, says string) {
	t.Helper()
	var e *change.Error
	if !errors.As(err, &e) {
		t.Fatalf("became %s, %v", got, err)
	}
	if e.Pointer != pointer || !strings.Contains(e.Detail, says) {
		t.Errorf("%s: %s\nwant %s: %s", e.Pointer, e.Detail, pointer, says)
	}
}

func TestJSONPatch(t *testing.T) {
	for _, test := range []struct{ name, old, new string }{
		{"nothing", ` [ ] `, ` [ ] `},
		{"what no change touches", `[ {"op":"add","path":"/note/-","value":{"ref":1.0}, "comment":1} ]`, `[ {"op":"add","path":"/note/-","value":{"ref":1.0}, "comment":1} ]`},
		{"a member", `[{"op":"replace","path":"/ref","value":1.0}]`, `[{"op":"replace","path":"/reference","value":1.0}]`},
		{"below a member", `[{"op":"remove","path":"/ref/a~1b/0"}]`, `[{"op":"remove","path":"/reference/a~1b/0"}]`},
		{"into an object", `[{"op":"add","path":"/customer_name","value":"Ada"},{"op":"remove","path":"/customer_email"}]`,
			`[{"op":"add","path":"/customer/name","value":"Ada"},{"op":"remove","path":"/customer/email"}]`},
		{"beside what moved there", `[{"op":"add","path":"/customer/id","value":7}]`, `[{"op":"add","path":"/customer/id","value":7}]`},
		{"out of an object", `[{"op":"replace","path":"/delivery/zip","value":"1"}]`, `[{"op":"replace","path":"/zip","value":"1"}]`},
		{"a word", `[{"op":"test","path":"/verified","value":true},{"op":"replace","path":"/verified","value":false}]`,
			`[{"op":"test","path":"/status","value":"verified"},{"op":"replace","path":"/status","value":"unverified"}]`},
		{"a move", `[{"op":"move","from":"/customer_name","path":"/delivery/zip"},{"op":"copy","from":"/note","path":"/ref"}]`,
			`[{"op":"move","from":"/customer/name","path":"/zip"},{"op":"copy","from":"/note","path":"/reference"}]`},
		{"a move to where it is", `[{"op":"move","from":"/verified","path":"/verified"}]`, `[{"op":"move","from":"/status","path":"/status"}]`},
		{"an item", `[{"op":"add","path":"/lines/-","value":{"article":1}},{"op":"replace","path":"/taxes/0","value":{"rate":1}}]`,
			`[{"op":"add","path":"/lines/-","value":{"sku":1,"currency":"EUR"}},{"op":"replace","path":"/taxes/0","value":{"percent":1}}]`},
		{"into an item", `[{"op":"test","path":"/taxes/10/rate","value":1},{"op":"remove","path":"/taxes/0/note"}]`,
			`[{"op":"test","path":"/taxes/10/percent","value":1},{"op":"remove","path":"/taxes/0/note"}]`},
		{"an item in another's place", `[{"op":"move","from":"/lines/0","path":"/lines/-"}]`, `[{"op":"move","from":"/lines/0","path":"/lines/-"}]`},
		{"a list", `[{"op":"replace","path":"/taxes","value":[{"rate":1}]},{"op":"test","path":"/taxes","value":[{"rate":1}]},{"op":"remove","path":"/lines"}]`,
			`[{"op":"replace","path":"/taxes","value":[{"percent":1}]},{"op":"test","path":"/taxes","value":[{"percent":1}]},{"op":"remove","path":"/lines"}]`},
		{"a held object", `[{"op":"add","path":"/tax","value":{"rate":1,"x":2}},{"op":"replace","path":"/tax/rate","value":2}]`,
			`[{"op":"add","path":"/tax","value":{"percent":1,"x":2}},{"op":"replace","path":"/tax/percent","value":2}]`},
		{"everything", `[{"op":"replace","path":"","value":{"ref":1,"customer_name":"Ada"}}]`, `[{"op":"replace","path":"","value":{"reference":1,"customer":{"name":"Ada"}}}]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := compilePatch(t, shop, shopObjects()).JSON([]byte(test.old))
			if err != nil {
				t.Fatal(err)
			}
			check(t, got)
			if string(got) != test.new && !equal(t, got, []byte(test.new)) {
				t.Errorf("%s became\n%s, want\n%s", test.old, got, test.new)
			}
		})
	}
}

func TestJSONPatchRefused(t *testing.T) {
	for _, test := range []struct{ name, old, pointer, says string }{
		{"a newer member", `[{"op":"test","path":"/x","value":1},{"op":"add","path":"/reference","value":1}]`, "/1/path", "of a newer one"},
		{"below a newer member", `[{"op":"remove","path":"/status/x"}]`, "/0/path", "of a newer one"},
		{"from a newer member", `[{"op":"copy","from":"/zip","path":"/x"}]`, "/0/from", "of a newer one"},
		{"an object with others in it", `[{"op":"remove","path":"/customer"}]`, "/0/path", "not one value in the newest"},
		{"an object that was left", `[{"op":"replace","path":"/delivery","value":{}}]`, "/0/path", "not one value in the newest"},
		{"a move of it", `[{"op":"move","from":"/delivery","path":"/x"}]`, "/0/from", "not one value in the newest"},
		{"an unknown word", `[{"op":"add","path":"/verified","value":1}]`, "/0/value", "must be one of true, false"},
		{"below a word", `[{"op":"add","path":"/verified/x","value":1}]`, "/0/path", "as a whole only"},
		{"a word elsewhere", `[{"op":"copy","from":"/verified","path":"/note"}]`, "/0/path", "another kind of value"},
		{"something for a word", `[{"op":"move","from":"/note","path":"/verified"}]`, "/0/path", "another kind of value"},
		{"an item elsewhere", `[{"op":"copy","from":"/taxes/0","path":"/note"}]`, "/0/path", "another kind of value"},
		{"no item", `[{"op":"remove","path":"/taxes/01"}]`, "/0/path", "must be a list"},
		{"behind the last item", `[{"op":"replace","path":"/taxes/-","value":{}}]`, "/0/path", "behind the last item"},
		{"in what is behind the last item", `[{"op":"add","path":"/taxes/-/rate","value":1}]`, "/0/path", "behind the last item"},
		{"from behind the last item", `[{"op":"copy","from":"/taxes/-","path":"/taxes/0"}]`, "/0/from", "behind the last item"},
		{"a newer member in an item", `[{"op":"add","path":"/taxes/-","value":{"a":{},"percent":1}}]`, "/0/value/percent", "of a newer one"},
		{"into an item with constants", `[{"op":"add","path":"/lines/0/article","value":1}]`, "/0/path", "carried as a whole"},
		{"a test of an item with constants", `[{"op":"test","path":"/lines/0","value":{}}]`, "/0/value", "cannot be tested"},
		{"a test of such a list", `[{"op":"test","path":"/lines","value":[]}]`, "/0/value", "cannot be tested"},
		{"everything away", `[{"op":"remove","path":""}]`, "/0/path", "the whole document"},
		{"everything elsewhere", `[{"op":"copy","from":"","path":"/x"}]`, "/0/path", "another kind of value"},
		{"everything wrong", `[{"op":"replace","path":"","value":{"lines":[1]}}]`, "/0/value/lines/0", "must be an object"},
		{"no end", "[" + strings.Repeat(`{"op":"remove","path":"/x"},`, 1_000) + `{"op":"remove","path":"/x"}]`, "", "at most 1000"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := compilePatch(t, shop, shopObjects()).JSON([]byte(test.old))
			refused(t, got, err, test.pointer, test.says)
		})
	}
}

// What an item holds goes up with it, however deep, though the item is no object of the catalogue's.
func TestPatchHeldInItems(t *testing.T) {
	p := compilePatch(t, shop, objects("order", "boxes[*].lines[*]", "line", "order", "rows[*][*].tax", "tax"))
	for _, test := range []struct{ old, new string }{
		{`[{"op":"add","path":"/boxes/-","value":{"lines":[{"article":1}]}}]`, `[{"op":"add","path":"/boxes/-","value":{"lines":[{"sku":1,"currency":"EUR"}]}}]`},
		{`[{"op":"add","path":"/boxes/0/lines/0","value":{"article":1}}]`, `[{"op":"add","path":"/boxes/0/lines/0","value":{"sku":1,"currency":"EUR"}}]`},
		{`[{"op":"replace","path":"/rows/0","value":[{"tax":{"rate":1}}]}]`, `[{"op":"replace","path":"/rows/0","value":[{"tax":{"percent":1}}]}]`},
		{`[{"op":"move","from":"/rows/0/1","path":"/rows/2/-"}]`, `[{"op":"move","from":"/rows/0/1","path":"/rows/2/-"}]`},
		{`[{"op":"replace","path":"/rows/0/1/tax/rate","value":1}]`, `[{"op":"replace","path":"/rows/0/1/tax/percent","value":1}]`},
	} {
		got, err := p.JSON([]byte(test.old))
		if err != nil || !equal(t, got, []byte(test.new)) {
			t.Errorf("%s became\n%s, %v, want\n%s", test.old, got, err, test.new)
		}
	}
	for _, from := range []string{"/boxes/0", "/boxes", "/rows/0", "/rows/0/1", "/rows/0/1/tax"} {
		got, err := p.JSON([]byte(`[{"op":"move","from":"` + from + `","path":"/x"}]`))
		refused(t, got, err, "/0/path", "another kind of value")
	}
}

// The form is checked even where there is nothing to carry.
func TestJSONPatchForm(t *testing.T) {
	for _, test := range []struct{ old, pointer, says string }{
		{`{}`, "", "list of operations"},
		{`[1]`, "/0", "is an object"},
		{`[{}]`, "/0/op", "must be one of"},
		{`[{"op":"merge","path":""}]`, "/0/op", "must be one of"},
		{`[{"op":1,"path":""}]`, "/0/op", "must be a string"},
		{`[{"op":"remove"}]`, "/0/path", "is missing"},
		{`[{"op":"remove","path":1}]`, "/0/path", "must be a string"},
		{`[{"op":"remove","path":"x"}]`, "/0/path", "JSON pointer"},
		{`[{"op":"remove","path":"/x~2"}]`, "/0/path", "JSON pointer"},
		{`[{"op":"remove","path":"/x~"}]`, "/0/path", "JSON pointer"},
		{`[{"op":"add","path":"/x"}]`, "/0/value", "is missing"},
		{`[{"op":"copy","path":"/x"}]`, "/0/from", "is missing"},
		{`[{"op":"remove","path":"/x"},{"op":"move","path":"/x","from":"y"}]`, "/1/from", "JSON pointer"},
		{`[{"op":"move","path":"/x/y","from":"/x"}]`, "/0/path", "must not lie in"},
	} {
		for _, p := range []*change.Patch{compilePatch(t, nil, objects()), compilePatch(t, shop, shopObjects())} {
			got, err := p.JSON([]byte(test.old))
			var e *change.FormError
			if !errors.As(err, &e) {
				t.Errorf("%s became %s, %v", test.old, got, err)
				continue
			}
			if e.Pointer != test.pointer || !strings.Contains(e.Detail, test.says) {
				t.Errorf("%s: %v\nwant %s: %s", test.old, e, test.pointer, test.says)
			}
		}
	}
}

func TestCompilePatch(t *testing.T) {
	for _, test := range []struct {
		name  string
		chain []*change.Change
		holds []string
		line  int // of the first mistake, 0 for none
		says  string
	}{
		{"nothing", nil, nil, 0, ""},
		{"what can be carried", chain(on("order", rename("a", "b"), move("c", "d.e"), enum("b", `1`, `2`))), nil, 0, ""},
		{"a constant", chain(on("order", rename("a", "b"), add("c", `1`))), nil, 14, "must neither be set to the constant nor be lost"},
		{"a constant restored", chain(on("order", drop("a", `1`))), nil, 13, "has no place for the value"},
		{"null for a word", chain(on("order", enum("a", `1`, `null`))), nil, 15, "takes for a removal"},
		{"a word for null", chain(on("order", enum("a", `null`, `1`))), nil, 0, ""},
		{"of another object", chain(on("line", add("c", `1`))), nil, 0, ""},
		{"in a held object", chain(on("line", add("c", `1`))), []string{"order", "first", "line"}, 14, `PATCH of object "order"`},
		{"in an object's held object", chain(on("tax", add("c", `1`))), []string{"order", "first", "line", "line", "tax", "tax"}, 14, `PATCH of object "order"`},
		{"in a list", chain(on("line", add("c", `1`))), []string{"order", "lines[*]", "line"}, 0, ""},
		{"parts", chain(on("order", split("a", " ", "b", "c"))), nil, 19, "depend on each other"},
		{"parts joined", chain(on("order", join("a", " ", "b", "c"))), nil, 19, "depend on each other"},
		{"a list of what was brought together", chain(on("order", move("a", "b.c"), list("b"))), nil, 16, "have brought members into"},
		{"a list of what was made", chain(on("order", wrap("a", "b"), list("a"))), nil, 16, "have made the object"},
		{"out of what was brought together", chain(on("order", move("a", "b.c"), unwrap("b", "c"))), nil, 16, "work on the object that it takes"},
		{"out of what was wrapped", chain(on("order", wrap("a", "b"), unwrap("a", "b"))), nil, 0, ""},
		{"out of what was renamed inside", chain(on("order", rename("a.b", "c"), unwrap("a", "c"))), nil, 0, ""},
		{"an object that holds itself", chain(on("tax", rename("a", "b"))), []string{"order", "tax", "tax", "tax", "of", "tax"}, 11, "holds itself in a member"},
		{"an object that holds itself in a list", chain(on("tax", rename("a", "b"))), []string{"order", "tax", "tax", "tax", "of[*]", "tax"}, 0, ""},
		{"an object that holds itself unchanged", chain(on("order", rename("a", "b"))), []string{"order", "tax", "tax", "tax", "of", "tax"}, 0, ""},
		{"a mistake", chain(on("order", rename("a", "a"))), nil, 11, "has this name already"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, diags := change.CompilePatch(test.chain, objects(test.holds...), "order")
			if test.line == 0 {
				if diags.HasErrors() || p == nil {
					t.Fatal(diags)
				}
				return
			}
			if !diags.HasErrors() || p != nil {
				t.Fatal("no mistake found")
			}
			d := diags[0]
			if d.Subject == nil || d.Subject.Start.Line != test.line || !strings.Contains(d.Detail, test.says) {
				t.Errorf("got %v: %s\nwant line %d, %s", d.Subject, d.Detail, test.line, test.says)
			}
		})
	}
}
