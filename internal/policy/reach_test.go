package policy

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// What policies can see of input: a line for each construct. That none of it is too little is TestReachIsSound's.
func TestReach(t *testing.T) {
	for _, c := range []struct {
		name, policy string
		want         string // the places whose values count; "nothing" where none does
	}{
		{"nothing", `allow if true`, "nothing"},
		{"constant references", `allow if input.request.method == input.api.route`, "input.api.route input.request.method"},
		{"a rule that nobody asks", "allow if input.api.name == \"a\"\n\nother if input.api.version == \"b\"", "input.api.name"},
		{"a member of claims", `allow if input.consumer.claims.role == "a"`, "input.consumer.claims.role"},
		{"members that are iterated", `allow if input.consumer.claims.roles[_].x == "a"`, "input.consumer.claims.roles"},
		{"an element by its index", `allow if input.request.headers["x-tenant"][0] == "a"`, `input.request.headers["x-tenant"]`},
		{"any member", "allow if {\n\tsome name\n\tinput.request.headers[name][0] == \"a\"\n}", "input.request.headers"},
		{"a name that input says", `allow if input.request.headers[input.api.name][0] == "a"`, "input.api.name input.request.headers"},
		{"all of an object", `allow if count(input.request) == 1`, "input.request"},
		{"input as a value", `allow if count(input) == 1`, "input"},
		{"an object compared", `allow if input.consumer.claims == {"id": "a"}`, "input.consumer.claims"},
		{"a variable", "allow if {\n\tr := input.request\n\tr.method == \"GET\"\n}", "input.request.method"},
		{"a variable of a variable", "allow if {\n\tr := input.request\n\th := r.headers\n\th.host[0] == \"a\"\n}", "input.request.headers.host"},
		{"a variable that is compared too", "allow if {\n\tr := input.consumer.claims\n\tr.name == \"a\"\n\tr == {}\n}", "input.consumer.claims"},
		{"a variable that was bound before", "allow if {\n\tsome r in [{\"name\": 1}]\n\tr = input.consumer.claims\n\tr.name == 1\n}", "input.consumer.claims"},
		{"a pattern", "allow if {\n\t{\"name\": n} = input.consumer.claims\n\tn == \"a\"\n}", "input.consumer.claims"},
		{"a variable for input", "allow if {\n\ti := input\n\ti.api.name == \"a\"\n}", "input.api.name"},
		{"a constant name", "allow if {\n\tk := \"x-tenant\"\n\tinput.request.headers[k][0] == \"a\"\n}", `input.request.headers["x-tenant"]`},
		{"constant names in a list", "allow if {\n\tsome k in [\"host\", \"accept\"]\n\tinput.request.headers[k][0] == \"a\"\n}", "input.request.headers.accept input.request.headers.host"},
		{"constant names in a set", "allow if {\n\tsome k in {\"host\", \"accept\"}\n\tinput.request.headers[k][0] == \"a\"\n}", "input.request.headers.accept input.request.headers.host"},
		{"constant names for every", "allow if every k in [\"host\", \"accept\"] { input.request.headers[k][0] == \"a\" }", "input.request.headers.accept input.request.headers.host"},
		{"a name that is constant only later", "allow if {\n\tinput.request.headers[k][0] == \"a\"\n\tk = \"host\"\n}", "input.request.headers"},
		{"a name that is constant elsewhere", "allow if {\n\tcount([1 | k = \"host\"; input.request.headers[k]]) == 1\n\tinput.request.query[k][0] == \"a\"\n}", "input.request.headers input.request.query"},
		{"a function", "f(x) := x.request.method\n\nallow if f(input) == \"GET\"", "input.request.method"},
		{"a function with a part", "f(x, n) if x.method == n\n\nallow if f(input.request, input.api.name)", "input.api.name input.request.method"},
		{"a function of a function", "f(x) := x.method\n\ng(x) := f(x.request)\n\nallow if g(input) == \"GET\"", "input.request.method"},
		{"a function that is defined twice", "f(x) := x.name\n\nf(x) := 1 if x.route == \"a\"\n\nallow if f(input.api) == \"GET\"", "input.api.name input.api.route"},
		{"a function with an else", "f(x) := x.name if x.version == \"v1\" else := x.route\n\nallow if f(input.api) == \"GET\"", "input.api.name input.api.route input.api.version"},
		{"a function with a pattern", "f({\"name\": x}) := x\n\nallow if f(input.consumer.claims) == \"GET\"", "input.consumer.claims"},
		{"a function with one parameter twice", "f(x, x) if x.name == \"a\"\n\nallow if f(input.api, {})", "input.api"},
		{"a function that sees input itself", "f(x) if input.api.name == x\n\nallow if f(\"a\")", "input.api.name"},
		{"object.get", `allow if object.get(input, ["request", "method"], 1) == 1`, "input.request.method"},
		{"object.get of a name", `allow if object.get(input.consumer.claims, "role", "none") == "a"`, "input.consumer.claims.role"},
		{"object.get of any name", `allow if object.get(input.consumer.claims, input.api.name, "none") == "a"`, "input.api.name input.consumer.claims"},
		{"walk", "allow if {\n\twalk(input.api, [_, v])\n\tv == 1\n}", "input.api"},
		{"in", `allow if "a" in input.consumer.groups`, "input.consumer.groups"},
		{"an import", "import input.api as i\n\nallow if i.name == \"a\"", "input.api.name"},
		{"a rule that stands for a part", "api := input.api\n\nallow if api.name == \"a\"", "input.api.name"},
		{"a rule that stands for a part and is asked whole", "claims := input.consumer.claims\n\nallow if claims.name == \"a\"\n\nallow if claims == {}", "input.consumer.claims"},
		{"a rule that stands for one of two", "api := input.api if input.time == 1\n\napi := input.request if input.time == 2\n\nallow if api.name == \"a\"", "input.api input.request input.time"},
		{"a comprehension", `allow if count([1 | input.time > 1]) == 1`, "input.time"},
		{"a comprehension over input", `allow if count({x | some x in input.consumer.groups; x != input.api.name}) == 1`, "input.api.name input.consumer.groups"},
		{"a head", "m[input.api.name] := input.request.host\n\nallow if m.a", "input.api.name input.request.host"},
		{"a head with a reference beside a general one", "m[x] := 1 if some x in [\"a\", \"b\"]\n\nm.q.r := {\"s\": input.request.path}\n\nallow if m.q.r.s == \"/\"", "input.request.path"},
		{"a head whose middle is worked out", "m[x].y := input.request.host if x := input.api.name\n\nallow if m.q.y == \"a\"", "input.api.name input.request.host"},
		{"a set", "s contains input.api.name\n\nallow if s.a", "input.api.name"},
		{"an else", "allow if input.request.path == \"/\"\n\nelse if input.request.scheme == \"https\"", "input.request.path input.request.scheme"},
		{"a default and every", "default allow := false\n\nallow if every s in input.request.segments { s != input.consumer.id }", "input.consumer.id input.request.segments"},
		{"not", `allow if not input.consumer.claims.blocked`, "input.consumer.claims.blocked"},
		{"with", "b if input.request.host == \"a\"\n\nallow if b with input.request.host as input.request.address", "input.request.address input.request.host"},
		{"with for all of input", "b if input.request.host == \"a\"\n\nallow if b with input as input.consumer", "input.consumer input.request.host"},
		{"a variable bound beside a with", "allow if {\n\tr := input.request with input.api as 1\n\tr.host == \"a\"\n}", "input.api input.request"},
		{"a function in the place of another", "f(x) := x.name\n\ng(x) := x.route\n\nb if f(input.api) == 1\n\nallow if b with f as g", "input"},
		{"a template", "allow if $\"{input.api.name}\" == \"a\"", "input.api.name"},
		{"another package", `allow if data.other.allow`, "input.consumer.groups"},
		{"another package, a part of whose name is one of two", "allow if {\n\tsome k in [\"oth\", \"other\"]\n\tdata[k].allow\n}", "input.consumer.groups"},
		{"another package, named by the request", `allow if data[input.api.name].free`, "input.api.name input.request.body.x"},
		{"a rule, named by the request", `allow if data.other[input.api.name]`, "input.api.name input.consumer.groups"},
		{"a package above", `allow if data.other.inner.allow`, "nothing"},
		{"all of data", `allow if count(data) == 1`, "input.consumer.groups input.request.body.x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			policy := "package a\n\n" + c.policy + "\n"
			if strings.Contains(policy, "count(data)") { // or the rule would lead to itself
				policy = "package a\n\nallow if data.others\n"
			}
			q := files{
				"a.rego":         policy,
				"other.rego":     "package other\n\nallow if count(input.consumer.groups) > 1\n\ninner.allow if true\n",
				"others.rego":    "package others\n\na := data.other\n\nb := data.unrelated\n",
				"unrelated.rego": "package unrelated\n\nfree if input.request.body.x\n",
			}.prepare(t, "data.a")
			got := strings.Join(q.Reach().Input(), " ")
			if got == "" {
				got = "nothing"
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// What widens reach and what forbids to remember decisions is told with its place.
func TestReachFindings(t *testing.T) {
	q := files{"a.rego": `package a

allow if {
	some name
	input.request.headers[name][0] == "a"
	io.jwt.decode_verify(input.api.name, {"secret": "s"})[0]
}

allow if time.now_ns() > 5

allow if count(input) == 2
`}.prepare(t, "data.a")
	r := q.Reach()
	text := func(findings []Finding) string {
		var lines []string
		for _, f := range findings {
			lines = append(lines, f.String()[strings.LastIndex(f.File, "/")+1:])
		}
		return strings.Join(lines, "\n")
	}
	if got, want := text(r.Wide()), "a.rego:11:16: input as a value\na.rego:5:2: input.request.headers[__local0__]"; got != want && !strings.Contains(got, "input.request.headers[") {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := text(r.Impure()); got != "a.rego:6:2: io.jwt.decode_verify" {
		t.Errorf("got %s", got)
	}
	views, err := json.Marshal(q.snapshot.Views())
	if err != nil || !strings.Contains(string(views), `"query":"data.a","sees":["input"],"remembered":false,"because":"impure"`) || !strings.Contains(string(views), `a.rego:6:2: io.jwt.decode_verify"`) {
		t.Errorf("got %s, %v", views, err)
	}
	if !r.clock {
		t.Error("time.now_ns was not found")
	}
	if needs := q.Needs(); needs.Body != exchange.JSON {
		t.Errorf("all of input is needed, not %+v", needs)
	}
}
