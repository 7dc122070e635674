package change_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/change"
)

// Each row goes up from old to new, and down again.
func TestKindsBothWays(t *testing.T) {
	minor := []change.Operation{scale("total", 2, "string"), wrap("total", "amount")}
	for _, test := range []struct {
		name     string
		ops      []change.Operation
		holds    []string
		line     []change.Operation // a change of line, the newest
		old, new string
		back     string // what comes down, where that is not old
	}{
		{name: "the design's own", ops: minor, old: `{"total": "12.30" ,"x":1.0}`, new: `{"total": {"amount":1230} ,"x":1.0}`},
		{name: "nothing there", ops: minor, old: `{}`, new: `{}`},

		{name: "wrap anything", ops: []change.Operation{wrap("a", "v")}, old: `{"a":[1, {"v":2}]}`, new: `{"a":{"v":[1, {"v":2}]}}`},
		{name: "wrap null", ops: []change.Operation{wrap("a", "v")}, old: `{"a":null}`, new: `{"a":{"v":null}}`},
		{name: "wrap twice", ops: []change.Operation{wrap("a", "v"), wrap("a", "w")}, old: `{"a":1}`, new: `{"a":{"w":{"v":1}}}`},
		{name: "wrap inside", ops: []change.Operation{wrap("a", "v"), wrap("a.v", "w")}, old: `{"a":1}`, new: `{"a":{"v":{"w":1}}}`},
		{name: "unwrap", ops: []change.Operation{unwrap("a", "v")}, old: `{"a": { "\u0076" : 1.50 } }`, new: `{"a": 1.50 }`, back: `{"a": {"v":1.50} }`},
		{name: "unwrap a wrap's", ops: []change.Operation{wrap("a", "v"), unwrap("a", "v")}, old: `{"a": [ 1 ] }`, new: `{"a": [ 1 ] }`},
		{name: "unwrap an object that was changed", ops: []change.Operation{rename("a.b", "v"), unwrap("a", "v")}, old: `{"a":{"b":{"x":1}}}`, new: `{"a":{"x":1}}`},
		{name: "more beside what is wrapped", ops: []change.Operation{wrap("a", "v"), move("c", "a.c"), add("a.k", `"EUR"`)}, old: `{"a":1,"c":2}`, new: `{"a":{"v":1,"c":2,"k":"EUR"}}`},
		{name: "out of what is wrapped", ops: []change.Operation{wrap("a", "v"), move("a.v", "b")}, old: `{"a":1}`, new: `{"b":1}`},
		{name: "into what is unwrapped", ops: []change.Operation{unwrap("a", "v"), move("b", "a.b")}, old: `{"a":{"v":{"x":1}},"b":2}`, new: `{"a":{"x":1,"b":2}}`},

		{name: "list", ops: []change.Operation{list("a")}, old: `{"a": {"b": 1} }`, new: `{"a": [{"b": 1}] }`},
		{name: "list twice", ops: []change.Operation{list("a"), list("a")}, old: `{"a":1}`, new: `{"a":[[1]]}`},
		{name: "list of null", ops: []change.Operation{list("a")}, old: `{"a":null}`, new: `{"a":[null]}`},
		{name: "unlist", ops: []change.Operation{unlist("a")}, old: `{"a": [ "x,]" ] }`, new: `{"a": "x,]" }`, back: `{"a": ["x,]"] }`},
		{name: "unlist a list's", ops: []change.Operation{list("a"), unlist("a")}, old: `{"a": 1}`, new: `{"a": 1}`},
		{name: "in what was unlisted", ops: []change.Operation{unlist("a"), rename("a.b", "c"), wrap("a", "w"), list("a")}, old: `{"a":[{"b":1}]}`, new: `{"a":[{"w":{"c":1}}]}`},

		{name: "scale, small", ops: []change.Operation{scale("a", 3, "string")}, old: `{"a":"0.007"}`, new: `{"a":7}`},
		{name: "scale, negative", ops: []change.Operation{scale("a", 2, "string")}, old: `{"a":"-0.05"}`, new: `{"a":-5}`},
		{name: "scale, zero", ops: []change.Operation{scale("a", 2, "string")}, old: `{"a":"0.00"}`, new: `{"a":0}`},
		{name: "scale, escaped", ops: []change.Operation{scale("a", 1, "string")}, old: `{"a":"\u0031.5"}`, new: `{"a":15}`, back: `{"a":"1.5"}`},
		{name: "scale, beyond 64 bits and any float", ops: []change.Operation{scale("a", 2, "string")},
			old: `{"a":"123456789012345678901234567890123456789.01"}`, new: `{"a":12345678901234567890123456789012345678901}`},
		{name: "scale, longer than a number may be", ops: []change.Operation{scale("a", 2, "string")},
			old: `{"a":"15` + strings.Repeat("0", 120) + `.00"}`, new: `{"a":15e122}`},
		{name: "scale to the left", ops: []change.Operation{scale("a", -2, "string")}, old: `{"a":1230}`, new: `{"a":"12.30"}`},
		{name: "scale to the left, an integer with an exponent", ops: []change.Operation{scale("a", -2, "string")}, old: `{"a":1.230e3}`, new: `{"a":"12.30"}`, back: `{"a":1230}`},
		{name: "scale null", ops: minor[:1], old: `{"total":null}`, new: `{"total":null}`},
		{name: "scale a number", ops: []change.Operation{scale("a", 2, "number")}, old: `{"a":12.30}`, new: `{"a":1230}`},
		{name: "scale a number without decimals", ops: []change.Operation{scale("a", 2, "number")}, old: `{"a":12}`, new: `{"a":1200}`, back: `{"a":12.00}`},
		{name: "scale a number with an exponent", ops: []change.Operation{scale("a", 2, "number")}, old: `{"a":1.23E+1}`, new: `{"a":1230}`, back: `{"a":12.30}`},
		{name: "scale a number with zeros", ops: []change.Operation{scale("a", 2, "number")}, old: `{"a":0.1000}`, new: `{"a":10}`, back: `{"a":0.10}`},
		{name: "scale a large number", ops: []change.Operation{scale("a", 2, "number")}, old: `{"a":1e300}`, new: `{"a":1e302}`, back: `{"a":1e300}`},
		{name: "scale minus zero", ops: []change.Operation{scale("a", 2, "number")}, old: `{"a":-0}`, new: `{"a":0}`, back: `{"a":0.00}`},
		{name: "scale twice", ops: []change.Operation{scale("a", 2, "number"), scale("a", -1, "number")}, old: `{"a":12.3}`, new: `{"a":123.0}`, back: `{"a":12.30}`},

		{name: "cast to a number", ops: []change.Operation{cast("a", "string", "number")}, old: `{"a": "1.50E+2" }`, new: `{"a": 1.50E+2 }`},
		{name: "cast, escaped", ops: []change.Operation{cast("a", "string", "number")}, old: `{"a":"\u0031"}`, new: `{"a":1}`, back: `{"a":"1"}`},
		{name: "cast to a string", ops: []change.Operation{cast("a", "number", "string")}, old: `{"a":-0.0e-0}`, new: `{"a":"-0.0e-0"}`},
		{name: "cast there and back", ops: []change.Operation{cast("a", "number", "string"), cast("a", "string", "number")}, old: `{"a":1.0}`, new: `{"a":1.0}`},
		{name: "cast a boolean", ops: []change.Operation{cast("a", "boolean", "string"), cast("b", "string", "boolean")}, old: `{"a":true,"b":"false"}`, new: `{"a":"true","b":false}`},
		{name: "cast null", ops: []change.Operation{cast("a", "boolean", "string"), cast("b", "string", "number")}, old: `{"a":null,"b":null}`, new: `{"a":null,"b":null}`},
		{name: "cast what is scaled", ops: []change.Operation{cast("a", "string", "number"), scale("a", 2, "number"), cast("a", "number", "string")}, old: `{"a":"12.30"}`, new: `{"a":"1230"}`},
		{name: "cast what is translated", ops: []change.Operation{cast("a", "string", "number"), enum("a", `1e1`, `"ten"`)}, old: `{"a":"1e1"}`, new: `{"a":"ten"}`},

		{name: "split", ops: []change.Operation{split("name", " ", "first", "last")}, old: `{"x":1, "name" : "Ada Lovelace" ,"y":2}`, new: `{"x":1, "first" : "Ada" ,"last":"Lovelace","y":2}`,
			back: `{"x":1, "name" : "Ada Lovelace" ,"y":2}`},
		{name: "split, the last has the rest", ops: []change.Operation{split("n", "--", "a", "b")}, old: `{"n":"x---y--z"}`, new: `{"a":"x","b":"-y--z"}`},
		{name: "split, fewer", ops: []change.Operation{split("n", " ", "a", "b", "c")}, old: `{"n":"x y"}`, new: `{"a":"x","b":"y"}`},
		{name: "split, one", ops: []change.Operation{split("n", " ", "a", "b")}, old: `{"n":"\u0078"}`, new: `{"a":"\u0078"}`},
		{name: "split, nothing", ops: []change.Operation{split("n", " ", "a", "b")}, old: `{"n":""}`, new: `{"a":""}`},
		{name: "split, empty parts", ops: []change.Operation{split("n", " ", "a", "b", "c")}, old: `{"n":"  "}`, new: `{"a":"","b":"","c":""}`},
		{name: "split, escapes", ops: []change.Operation{split("n", "\n", "a", "b")}, old: `{"n":"\u0022\n\\"}`, new: `{"a":"\"","b":"\\"}`, back: `{"n":"\"\u000a\\"}`},
		{name: "split, deep inside", ops: []change.Operation{split("o.n", " ", "a", "b")}, old: `{"o":{"n":"x y"}}`, new: `{"o":{"a":"x","b":"y"}}`},
		{name: "split null", ops: []change.Operation{split("n", " ", "a", "b")}, old: `{"n":null}`, new: `{"n":null}`},
		{name: "split and scale", ops: []change.Operation{split("price", " ", "amount", "currency"), scale("amount", 2, ""), enum("currency", `"€"`, `"EUR"`)}, old: `{"price":"12.30 €"}`, new: `{"amount":1230,"currency":"EUR"}`},
		{name: "split again", ops: []change.Operation{split("n", " ", "a", "b"), split("b", "-", "c", "d")}, old: `{"n":"x y-z"}`, new: `{"a":"x","c":"y","d":"z"}`},

		{name: "join", ops: []change.Operation{join("name", " ", "first", "last")}, old: `{"last":"Lovelace","x":1,"first":"Ada"}`, new: `{"x":1,"name":"Ada Lovelace"}`,
			back: `{"x":1,"first":"Ada","last":"Lovelace"}`},
		{name: "join, the last may have the separator", ops: []change.Operation{join("n", " ", "a", "b")}, old: `{"a":"x","b":"y z"}`, new: `{"n":"x y z"}`},
		{name: "join, only the first", ops: []change.Operation{join("n", " ", "a", "b")}, old: `{"a":"\u0078"}`, new: `{"n":"\u0078"}`},
		{name: "join with null", ops: []change.Operation{join("n", " ", "a", "b")}, old: `{"a":"x","b":null}`, new: `{"n":"x","b":null}`},
		{name: "join null", ops: []change.Operation{join("n", " ", "a", "b")}, old: `{"a":null,"b":null}`, new: `{"a":null,"b":null}`},
		{name: "join nothing, but null is there", ops: []change.Operation{join("n", " ", "a", "b")}, old: `{"n":null}`, new: `{"n":null}`},
		{name: "join what was split", ops: []change.Operation{split("n", " ", "a", "b"), join("m", "-", "a", "b")}, old: `{"n":"x y"}`, new: `{"m":"x-y"}`},

		{name: "what is held is wrapped", ops: []change.Operation{wrap("c", "x")}, holds: []string{"order", "c.x", "line"}, line: []change.Operation{rename("a", "b")},
			old: `{"c":{"a":1}}`, new: `{"c":{"x":{"b":1}}}`},
		{name: "what is held is unwrapped", ops: []change.Operation{unwrap("c", "x")}, holds: []string{"order", "c", "line"}, line: []change.Operation{rename("a", "b")},
			old: `{"c":{"x":{"a":1}}}`, new: `{"c":{"b":1}}`},
		{name: "what is held is listed", ops: []change.Operation{list("c"), rename("c", "d")}, holds: []string{"order", "d[*]", "line"}, line: []change.Operation{rename("a", "b")},
			old: `{"c":{"a":1}}`, new: `{"d":[{"b":1}]}`},
		{name: "what is held is unlisted", ops: []change.Operation{unlist("c")}, holds: []string{"order", "c", "line"}, line: []change.Operation{rename("a", "b")},
			old: `{"c":[{"a":1}]}`, new: `{"c":{"b":1}}`},
		{name: "a list that is held is wrapped and listed", ops: []change.Operation{wrap("c", "x"), list("c")}, holds: []string{"order", "c[*].x[*]", "line"}, line: []change.Operation{scale("a", 1, "")},
			old: `{"c":[{"a":"0.1"},{"a":"0.2"}]}`, new: `{"c":[{"x":[{"a":1},{"a":2}]}]}`},
		{name: "a wrapper that is held", ops: []change.Operation{wrap("c", "x")}, holds: []string{"order", "c", "line"}, line: []change.Operation{rename("x", "y")},
			old: `{"c":1}`, new: `{"c":{"y":1}}`},
		{name: "values of many items", ops: []change.Operation{rename("l", "lines")}, holds: []string{"order", "lines[*]", "line"}, line: []change.Operation{scale("p", 2, ""), cast("q", "number", "string"), split("n", " ", "a", "b")},
			old: `{"l":[{"p":"1.00","q":1},{"n":"x y"},{"p":"2.00"},{"q":2.0,"n":"long long"}]}`, new: `{"lines":[{"p":100,"q":"1"},{"a":"x","b":"y"},{"p":200},{"q":"2.0","a":"long","b":"long"}]}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := compile(t, chain(on("order", test.ops...), on("line", test.line...)), objects(test.holds...), "")
			up, err := p.Up([]byte(test.old))
			if err != nil {
				t.Fatal(err)
			}
			if string(up) != test.new {
				t.Errorf("up:   %s\nwant: %s", up, test.new)
			}
			down, err := p.Down(up)
			if err != nil {
				t.Fatal(err)
			}
			if test.back == "" {
				test.back = test.old
			}
			if string(down) != test.back {
				t.Errorf("down: %s\nwant: %s", down, test.back)
			}
		})
	}
}

// In responses a text is made of whatever parts there are.
func TestPartsInResponses(t *testing.T) {
	for _, test := range []struct {
		op       change.Operation
		new, old string
	}{
		{split("n", " ", "a", "b"), `{"a":"Mary Ann","b":"Smith"}`, `{"n":"Mary Ann Smith"}`},
		{split("n", " ", "a", "b"), `{"b":"Smith","x":1}`, `{"n":"Smith","x":1}`},
		{split("n", " ", "a", "b"), `{"a":null,"b":"Smith"}`, `{"n":"Smith"}`},
		{split("n", " ", "a", "b"), `{"a":"Mary","b":null}`, `{"n":"Mary"}`},
		{split("n", " ", "a", "b"), `{"x":1,"a":null,"b":null}`, `{"x":1,"n":null}`},
		{split("n", " ", "a", "b"), `{"b":"y","n":7,"a":"x"}`, `{"n":"x y"}`},
		{join("n", " ", "a", "b"), `{"a":1,"n":"x y","b":2}`, `{"a":"x","b":"y"}`},
	} {
		got, err := compile(t, chain(on("order", test.op)), objects(), "").Down([]byte(test.new))
		if err != nil || string(got) != test.old {
			t.Errorf("%s %s of %s: got %s, %v, want %s", test.op.Kind, test.op.Path, test.new, got, err, test.old)
		}
	}
}

func TestGuardsOfKinds(t *testing.T) {
	const (
		newer   = "is not a member of this version but of a newer one"
		only    = `must be an object with the member "v" and no other`
		one     = "must be a list of exactly one item"
		two     = `must be a number in a string, with exactly as many decimals as in "12.00"`
		integer = "must be an integer"
		most    = "must be a number with no more decimals than 2"
		spells  = "must be a string that spells a JSON number"
		large   = "is too large a number, or has too many digits, to be one in the other version"
		unknown = "has a value that this version does not know"
	)
	ops := func(all ...change.Operation) []change.Operation { return all }
	scaled, left, number := ops(scale("a", 2, "string")), ops(scale("a", -2, "string")), ops(scale("a", 2, "number"))
	casted, names, joined := ops(cast("a", "string", "number")), ops(split("n", " ", "a", "b")), ops(join("n", "--", "a", "b", "c"))
	for _, test := range []struct {
		ops             []change.Operation
		old, new        string // goes up, or comes down
		pointer, detail string
	}{
		{ops: ops(unwrap("a", "v")), old: `{"a":{"v":1,"w":2}}`, pointer: "/a", detail: only},
		{ops: ops(unwrap("a", "v")), old: `{"a":{"x":0,"v":1}}`, pointer: "/a", detail: only},
		{ops: ops(unwrap("a", "v")), old: `{"a":{"w":2}}`, pointer: "/a", detail: only},
		{ops: ops(unwrap("a", "v")), old: `{"a":{}}`, pointer: "/a", detail: only},
		{ops: ops(unwrap("a", "v")), old: `{"a":null}`, pointer: "/a", detail: only},
		{ops: ops(unwrap("a", "v")), old: `{"a":[1]}`, pointer: "/a", detail: only},
		{ops: ops(wrap("a", "v")), new: `{"a":7}`, pointer: "/a", detail: only},
		{ops: ops(wrap("a", "v")), new: `{"a":{"v":1,"v2":1}}`, pointer: "/a", detail: only},
		{ops: ops(unlist("a")), old: `{"a":[]}`, pointer: "/a", detail: one},
		{ops: ops(unlist("a")), old: `{"a":[1,2]}`, pointer: "/a", detail: one},
		{ops: ops(unlist("a")), old: `{"a":"1"}`, pointer: "/a", detail: one},
		{ops: ops(unlist("a")), old: `{"a":null}`, pointer: "/a", detail: one},
		{ops: ops(list("a")), new: `{"a":[ ]}`, pointer: "/a", detail: one},
		{ops: ops(list("a"), rename("a", "b")), old: `{"a":1,"b":2}`, pointer: "/b", detail: newer},
		{ops: ops(unlist("a"), unwrap("a", "v")), old: `{"a":[{"w":1}]}`, pointer: "/a/0", detail: only},
		{ops: ops(unwrap("a", "v"), scale("a", 2, "")), old: `{"a":{"v":"1"}}`, pointer: "/a/v", detail: two},
		{ops: ops(add("a", `7`), wrap("a", "b"), scale("a.b", 2, "string")), old: `{}`, pointer: "", detail: unknown},

		{ops: scaled, old: `{"a":"12.3"}`, pointer: "/a", detail: two},
		{ops: scaled, old: `{"a":"12"}`, pointer: "/a", detail: two},
		{ops: scaled, old: `{"a":"12.345"}`, pointer: "/a", detail: two},
		{ops: scaled, old: `{"a":"007.50"}`, pointer: "/a", detail: two},
		{ops: scaled, old: `{"a":"+1.00"}`, pointer: "/a", detail: two},
		{ops: scaled, old: `{"a":".50"}`, pointer: "/a", detail: two},
		{ops: scaled, old: `{"a":"-.50"}`, pointer: "/a", detail: two},
		{ops: scaled, old: `{"a":"-0.00"}`, pointer: "/a", detail: two},
		{ops: scaled, old: `{"a":"1e2"}`, pointer: "/a", detail: two},
		{ops: scaled, old: `{"a":"1.0e2"}`, pointer: "/a", detail: two},
		{ops: scaled, old: `{"a":"1.e2"}`, pointer: "/a", detail: two},
		{ops: scaled, old: `{"a":" 1.00"}`, pointer: "/a", detail: two},
		{ops: scaled, old: `{"a":"1.00 "}`, pointer: "/a", detail: two},
		{ops: scaled, old: `{"a":"1,00"}`, pointer: "/a", detail: two},
		{ops: scaled, old: `{"a":"1\u002e00\u0000"}`, pointer: "/a", detail: two},
		{ops: scaled, old: `{"a":"٣.٠٠"}`, pointer: "/a", detail: two},
		{ops: scaled, old: `{"a":""}`, pointer: "/a", detail: two},
		{ops: scaled, old: `{"a":12.30}`, pointer: "/a", detail: two},
		{ops: scaled, old: `{"a":{}}`, pointer: "/a", detail: two},
		{ops: scaled, old: `{"a":"` + strings.Repeat("1", 99) + `.11"}`, pointer: "/a", detail: large},
		{ops: scaled, old: `{"a":"` + strings.Repeat("1", 1000) + `.11"}`, pointer: "/a", detail: large},
		{ops: scaled, old: `{"a":"1` + strings.Repeat("0", 307) + `.00"}`, pointer: "/a", detail: large},
		{ops: scaled, new: `{"a":12.5}`, pointer: "/a", detail: integer},
		{ops: scaled, new: `{"a":1e-400}`, pointer: "/a", detail: integer},
		{ops: scaled, new: `{"a":"1230"}`, pointer: "/a", detail: integer},
		{ops: scaled, new: `{"a":true}`, pointer: "/a", detail: integer},
		{ops: left, old: `{"a":1.5}`, pointer: "/a", detail: integer},
		{ops: left, new: `{"a":"1.5"}`, pointer: "/a", detail: two},
		{ops: number, old: `{"a":0.001}`, pointer: "/a", detail: most},
		{ops: number, old: `{"a":1e-3}`, pointer: "/a", detail: most},
		{ops: number, old: `{"a":"1.00"}`, pointer: "/a", detail: most},
		{ops: number, old: `{"a":1e307}`, pointer: "/a", detail: large},
		{ops: number, new: `{"a":` + strings.Repeat("9", 100) + `}`, pointer: "/a", detail: large},
		{ops: number, new: `{"a":0.5}`, pointer: "/a", detail: integer},

		{ops: casted, old: `{"a":"01234"}`, pointer: "/a", detail: spells},
		{ops: casted, old: `{"a":"1 "}`, pointer: "/a", detail: spells},
		{ops: casted, old: `{"a":"+1"}`, pointer: "/a", detail: spells},
		{ops: casted, old: `{"a":"true"}`, pointer: "/a", detail: spells},
		{ops: casted, old: `{"a":"1e400"}`, pointer: "/a", detail: spells},
		{ops: casted, old: `{"a":"` + strings.Repeat("1", 101) + `"}`, pointer: "/a", detail: spells},
		{ops: casted, old: `{"a":1}`, pointer: "/a", detail: spells},
		{ops: casted, new: `{"a":"1"}`, pointer: "/a", detail: "must be a number"},
		{ops: casted, new: `{"a":true}`, pointer: "/a", detail: "must be a number"},
		{ops: ops(cast("a", "boolean", "string")), old: `{"a":1}`, pointer: "/a", detail: "must be true or false"},
		{ops: ops(cast("a", "boolean", "string")), new: `{"a":"True"}`, pointer: "/a", detail: `must be the string "true" or "false"`},
		// What is the text of a string on one side comes back only as it would be spelt.
		{ops: ops(cast("a", "string", "number"), scale("a", 2, "number")), old: `{"a":"12.3"}`, pointer: "/a", detail: "must be spelt with exactly 2 decimals and without an exponent"},
		{ops: ops(scale("a", 2, "string"), cast("a", "number", "string")), new: `{"a":"1e2"}`, pointer: "/a", detail: "must be spelt with exactly 0 decimals and without an exponent"},
		{ops: ops(cast("a", "string", "number"), enum("a", `10`, `"ten"`)), old: `{"a":"1e1"}`, pointer: "/a", detail: "must be one of 10"},

		{ops: names, old: `{"n":7}`, pointer: "/n", detail: "must be a string"},
		{ops: names, old: `{"n":"x","b":1}`, pointer: "/b", detail: newer},
		{ops: names, old: `{"a":null}`, pointer: "/a", detail: newer},
		{ops: names, new: `{"a":"x","b":7}`, pointer: "/b", detail: "must be a string"},
		{ops: ops(names[0], scale("b", 2, "")), old: `{"n":"x 1.5"}`, pointer: "/n", detail: unknown},
		{ops: joined, old: `{"a":"x--y","b":"z"}`, pointer: "/a", detail: `must not contain "--", nor end with the beginning of it`},
		{ops: joined, old: `{"a":"x-","b":"z"}`, pointer: "/a", detail: `must not contain "--", nor end with the beginning of it`},
		{ops: joined, old: `{"a":"x","b":"y--z"}`, pointer: "/b", detail: `must not contain "--", nor end with the beginning of it`},
		{ops: joined, old: `{"a":"x","c":"z"}`, pointer: "/c", detail: "needs the members that come before it in the text"},
		{ops: joined, old: `{"a":null,"b":"z"}`, pointer: "/b", detail: "needs the members that come before it in the text"},
		{ops: joined, old: `{"a":"x","n":null}`, pointer: "/n", detail: newer},
		{ops: joined, old: `{"n":"x"}`, pointer: "/n", detail: newer},
		{ops: joined, old: `{"a":[]}`, pointer: "/a", detail: "must be a string"},
		{ops: joined, new: `{"n":1}`, pointer: "/n", detail: "must be a string"},
	} {
		p := compile(t, chain(on("order", test.ops...)), objects(), "")
		got, err := p.Up([]byte(test.old))
		if test.new != "" {
			got, err = p.Down([]byte(test.new))
		}
		var e *change.Error
		if !errors.As(err, &e) {
			t.Errorf("%s%s became %s, %v", test.old, test.new, got, err)
			continue
		}
		if e.Pointer != test.pointer || e.Detail != test.detail {
			t.Errorf("%s%s:\ngot  %q %s\nwant %q %s", test.old, test.new, e.Pointer, e.Detail, test.pointer, test.detail)
		}
	}
}

func TestPointerOfKinds(t *testing.T) {
	p := compile(t, chain(on("order", scale("total", 2, ""), wrap("total", "amount"), unwrap("c", "x"), list("emails"), unlist("phone"),
		split("name", " ", "first", "last"), join("o.address", "\n", "street", "city")), on("order", rename("total", "price"), rename("last", "family")),
		on("line", wrap("p", "q"))), objects("order", "c[*]", "line", "order", "o.l", "line"), "")
	for newest, want := range map[string]string{
		"/price/amount":   "/total",
		"/price":          "/total",
		"/price/currency": "/total",
		"/c":              "/c/x",
		"/c/3/p/q/z":      "/c/x/3/p/z",
		"/emails/0":       "/emails",
		"/emails/0/x":     "/emails/x",
		"/emails":         "/emails",
		"/phone":          "/phone/0",
		"/phone/country":  "/phone/0/country",
		"/first":          "/name",
		"/family":         "/name",
		"/o/address":      "/o/street",
		"/o/l/p/q":        "/o/l/p",
		"/o/x":            "/o/x",
	} {
		if got := p.Pointer(newest); got != want {
			t.Errorf("%s is %s, not %s", newest, got, want)
		}
	}
}

// comments are objects that hold themselves: line in line, and in a ring through tax.
func comments() map[string]*change.Object {
	return objects("order", "comments[*]", "line", "line", "replies[*]", "line", "line", "quote", "tax", "tax", "of.comment", "line")
}

func TestObjectsThatHoldThemselves(t *testing.T) {
	p := compile(t, chain(on("line", rename("answers", "replies"), scale("score", 1, "")), on("tax", wrap("of", "comment"), rename("q", "quoted"))), comments(), "")
	const (
		old = `{"comments":[{"score":"1.5","answers":[{"score":"2.0","answers":[{"x":1.0},null]}],"quote":{"q":1,"of":{"score":"3.0","quote":{"of":{"answers":[]}}}}}]}`
		new = `{"comments":[{"score":15,"replies":[{"score":20,"replies":[{"x":1.0},null]}],"quote":{"quoted":1,"of":{"comment":{"score":30,"quote":{"of":{"comment":{"replies":[]}}}}}}}]}`
	)
	up, err := p.Up([]byte(old))
	if err != nil || string(up) != new {
		t.Fatalf("got  %s, %v\nwant %s", up, err, new)
	}
	down, err := p.Down(up)
	if err != nil || string(down) != old {
		t.Fatalf("got  %s, %v\nwant %s", down, err, old)
	}
	if got := p.Pointer("/comments/0/replies/1/quote/of/comment/replies/2/score"); got != "/comments/0/answers/1/quote/of/answers/2/score" {
		t.Error(got)
	}
	var e *change.Error
	if _, err := p.Up([]byte(strings.Replace(old, `"3.0"`, `3.0`, 1))); !errors.As(err, &e) || e.Pointer != "/comments/0/quote/of/score" {
		t.Errorf("got %v", err)
	}
	// Without operations there is nothing to do, however they hold each other.
	if p := compile(t, chain(on("order", rename("a", "b"))), comments(), ""); p.Empty() {
		t.Error("empty")
	}
	if p := compile(t, nil, comments(), ""); !p.Empty() {
		t.Error("not empty")
	}
}

// What jsonspan.Check did not see may be as deep as it likes, and is an error before the stack is full.
func TestDeeperThanTheStack(t *testing.T) {
	p := compile(t, chain(on("line", rename("a", "b"))), comments(), "")
	const n = 2_000
	doc := `{"comments":[` + strings.Repeat(`{"replies":[`, n) + strings.Repeat(`]}`, n) + `]}`
	if _, err := p.Up([]byte(doc)); err == nil || !strings.Contains(err.Error(), "nested too deep") {
		t.Errorf("got %v", err)
	}
}
