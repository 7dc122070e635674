package catalogue

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Values are kept exactly: HCL's own evaluation would normalise texts, respell numbers, sort members and make both
// sides of a choice one type.
func TestConstants(t *testing.T) {
	const locals = `
locals {
  name  = "Ada"
  n     = 3
  yes   = true
  list  = ["a", 1.50, null]
  shop  = { z = 1, a = { b = "deep" } }
  lines = <<-E
      one
        two
    E
}
`
	for _, test := range []struct{ written, want string }{
		{`"plain"`, `"plain"`},
		{`""`, `""`},
		{"\"e\u0301\"", "\"e\u0301\""}, // not normalised to one character
		{`"e\u0301"`, "\"e\u0301\""},
		{"\"\u212b ngstr\u00f6m\"", "\"\u212b ngstr\u00f6m\""},
		{`"a\tb\n\"c\" \\ $${x} %%{y} <&>"`, `"a\tb\n\"c\" \\ ${x} %{y} <&>"`},
		{"\"\u2028\"", `"\u2028"`},
		{`1`, `1`},
		{`-1`, `-1`},
		{`12.30`, `12.30`},
		{`1e2`, `1e2`},
		{`1E+2`, `1E+2`},
		{`0.1`, `0.1`},
		{`123456789012345678901234567890`, `123456789012345678901234567890`},
		{`-0.0`, `-0.0`},
		{`true`, `true`},
		{`null`, `null`},
		{`[]`, `[]`},
		{`{}`, `{}`},
		{`[1, "a", [true, null], { x = 1 }]`, `[1,"a",[true,null],{"x":1}]`},
		{`{ z = 1, a = 2, "b c" = 3, ("d") = 4 }`, `{"z":1,"a":2,"b c":3,"d":4}`},
		{`local.name`, `"Ada"`},
		{`local.list`, `["a",1.50,null]`},
		{`local.list[1]`, `1.50`},
		{`local.list[local.n - 3]`, `"a"`},
		{`local.shop.a.b`, `"deep"`},
		{`local.shop["a"]["b"]`, `"deep"`},
		{`local.shop`, `{"z":1,"a":{"b":"deep"}}`},
		{`[local.shop][0].z`, `1`},
		{`"${local.name}"`, `"Ada"`},
		{`"${local.list}"`, `["a",1.50,null]`},
		{`"Dr ${local.name}, ${local.n} ${local.yes}"`, `"Dr Ada, 3 true"`},
		{`"a ${~ local.name ~} b"`, `"aAdab"`},
		{`"%{if local.yes}A%{else}B%{endif}"`, `"A"`},
		{`local.lines`, `"one\n  two\n"`},
		{`true ? "a" : 404`, `"a"`},
		{`false ? "a" : 404`, `404`},
		{`local.n > 2 && local.name == "Ada" ? [1] : { a = 1 }`, `[1]`},
		{`(1)`, `1`},
		{`local.n * 2 + 1`, `7`},
		{`0.1 + 0.2`, `0.3`},
		{`!local.yes`, `false`},
		{`-local.n`, `-3`},
		{`10 % 3`, `1`},
		{`[1, 2] == [1, 2]`, `true`},
	} {
		src := locals + "locals {\n  it = " + test.written + "\n}\n"
		c, told := evaluated(t, src, "it")
		if told != "" || string(c.JSON()) != test.want {
			t.Errorf("%s is %s, want %s\n%s", test.written, c.JSON(), test.want, told)
		}
	}
}

// evaluated is what a local of a file comes to.
func evaluated(t *testing.T, src, name string) (constant, string) {
	t.Helper()
	d := &decoder{sources: map[string][]byte{"a.hcl": []byte(src)}}
	body, diags := parse([]byte(src), "a.hcl", outermost)
	d.diags = diags
	d.scope = newScope(d, []*hclsyntax.Body{body}, nil)
	c, _ := d.scope.value(d, d.scope.locals[name])
	if d.diags.HasErrors() {
		return c, render(t, d.diags, d.sources)
	}
	return c, ""
}

// What the operator sets is of the kind that the default has.
func TestVariables(t *testing.T) {
	const src = `
variable "text" { default = "x" }
variable "number" { default = 1 }
variable "truth" { default = false }
variable "free" {}
variable "none" { default = null }
variable "list" { default = [1] }
locals { all = [var.text, var.number, var.truth, var.free, var.none] }
`
	for _, test := range []struct {
		name string
		set  map[string]string
		want string
		told string
	}{
		{name: "defaults", set: map[string]string{"free": "f"}, want: `["x",1,false,"f",null]`},
		{name: "all set", set: map[string]string{"free": "f", "text": "5", "number": "2.50", "truth": "true", "none": "n"}, want: `["5",2.50,true,"f","n"]`},
		{name: "not set", told: "Variable not set"},
		{name: "no number", set: map[string]string{"free": "", "number": "two"}, told: "Unsuitable variable"},
		{name: "a number HCL would not take", set: map[string]string{"free": "", "number": "0x10"}, told: "Unsuitable variable"},
		{name: "no truth value", set: map[string]string{"free": "", "truth": "yes"}, told: "Unsuitable variable"},
		{name: "a list", set: map[string]string{"free": "", "list": "1"}, told: "Unsuitable variable"},
		{name: "one that is not declared", set: map[string]string{"free": "", "txt": "1"}, told: "Unknown variable"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := &decoder{sources: map[string][]byte{"a.hcl": []byte(src)}}
			body, diags := parse([]byte(src), "a.hcl", outermost)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			d.scope = newScope(d, []*hclsyntax.Body{body}, test.set)
			d.scope.evaluateAll(d)
			told := render(t, d.diags, d.sources)
			if test.told == "" && told != "" || !strings.Contains(told, test.told) {
				t.Fatalf("told %q, want %q", told, test.told)
			}
			if c, _ := d.scope.value(d, d.scope.locals["all"]); test.told == "" && string(c.JSON()) != test.want {
				t.Errorf("got %s, want %s", c.JSON(), test.want)
			}
		})
	}
}
