package rule

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
)

func told(diags hcl.Diagnostics) string {
	var b strings.Builder
	for _, d := range diags {
		fmt.Fprintf(&b, "%d:%d-%d: %s: %s\n", d.Subject.Start.Line, d.Subject.Start.Column, d.Subject.End.Column, d.Summary, d.Detail)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Mistakes in HCL lie on the sub-expression they concern. The expression begins at column 8.
func TestMistakesInHCL(t *testing.T) {
	limitKey := Environment{Roots: Consumer | Claims | Client}
	route := Environment{Roots: All, Parameters: []string{"id", "line"}}
	for _, c := range []struct {
		text string
		env  Environment
		want Kind
		told string
	}{
		// Names.
		{`bdy.total > 0`, everything, Bool, `1:8-11: Unknown name: There is no name "bdy". Did you mean "body"? An expression here begins with body, query, header, path, consumer, claims, client, api or request.`},
		{`true && body.total > 0`, limitKey, Bool, `1:16-20: Name not available here: body cannot be used here; an expression in this place begins with consumer, claims or client.`},
		{`consumer.names == "a"`, everything, Bool, `1:8-22: Unknown name: consumer has no member "names". Did you mean "name"? Its members are id, name, method, api_version, plan, scopes, groups.`},
		{`consumer == "acme"`, everything, Bool, `1:8-16: Incomplete name: Name a member of consumer, such as consumer.id.`},
		{`request.host.name == "a"`, everything, Bool, `1:8-25: Unknown name: request.host is not an object: it has no member "name".`},
		{`path.idd == "7"`, route, Bool, `1:8-16: Unknown path parameter: The route has no parameter "idd". Did you mean "id"?`},
		{`path == "7"`, route, Bool, `1:8-12: Incomplete name: Name a member of path, such as path.id.`},
		{`header.host == "a"`, everything, Bool, `1:8-19: Unknown header field: The host is request.host.`},
		{`header[body.name] == "a"`, everything, Bool, `1:8-14: Incomplete name: Name a member of header, such as header.name.`},

		// Functions.
		{`lenght(body.lines) > 0`, everything, Bool, `1:8-14: Unknown function: There is no function "lenght". The functions are abs, all, any, base64, cidr, contains, count, date, duration, email, endsWith, expr, filter, float, iban, int, ip, keys, len, list, lower, luhn, map, matches, max, min, none, now, one, startsWith, string, sum, trim, unique, upper, uuid, values, within.`},
		{`all(body.lines, true)`, everything, Bool, `1:8-29: Not supported in HCL's syntax: Write what all says of each member with for, all([for line in body.lines : line.qty > 0]), or in expr-lang: expr("all(body.lines, .qty > 0)").`},
		{`contains(["a"])`, everything, Bool, `1:8-23: Wrong number of arguments: Expected contains(list, value).`},
		{`len(body.a, body.b) > 0`, everything, Bool, `1:8-27: Invalid expression: Invalid number of arguments (expected 1, got 2).`},
		{`list(body.a) == []`, everything, Bool, `1:8-20: Invalid argument of list: list takes one query parameter or header field: list(query.tag), list(header["Accept"]).`},
		{`len(body.list...) > 0`, everything, Bool, `1:8-25: Not supported in a rule: Arguments cannot be expanded with three dots here.`},

		// Types.
		{`query.page > 5`, everything, Bool, `1:8-22: Invalid expression: Invalid operation: > (mismatched types string and int).`},
		{`body.a > 0 && consumer.id + 1 == 2`, everything, Bool, `1:22-37: Invalid expression: Invalid operation: + (mismatched types string and int).`},
		{`lower(1) == "1"`, everything, Bool, `1:14-15: Invalid expression: Cannot use int as argument (type string) to call lower.`},
		{`consumer.id`, everything, Bool, `1:8-19: Wrong type: Expected bool, but got string.`},
		{`["a"]`, everything, String, `1:8-13: Wrong type: Expected a string, a number or a truth value.`},
		{`null`, everything, String, `1:8-12: Wrong type: Expected a string, a number or a truth value.`},
		{`matches(body.a, body.b)`, everything, Bool, `1:24-30: Pattern is not constant: The right side of matches must be a string in quotes, so that it is compiled once, at load.`},
		{`matches(body.a, "(")`, everything, Bool, "1:8-28: Invalid expression: Error parsing regexp: missing closing ): `(`."},
		{`body.a == 9223372036854775808`, everything, Bool, ``},
		{`body.a == 1e309`, everything, Bool, `1:18-23: Number too large: A number may lie between -1e308 and 1e308.`},

		// Constructs without a counterpart.
		{`{ for l in body.lines : l.sku => l.qty } == body`, everything, Bool, `1:8-48: Not supported in a rule: A for expression makes lists here: [for line in body.lines : line.qty].`},
		{`len([for i, l in body.lines : l if i > 0]) > 0`, everything, Bool, `1:12-49: Not supported in a rule: A for expression has an index or a condition here, not both.`},
		{`len([for l in body.lines : m.qty]) > 0`, everything, Bool, `1:35-36: Unknown name: There is no name "m". Did you mean "l"? An expression here begins with body, query, header, path, consumer, claims, client, api, request or l.`},
		{`len([for body in body.lines : 1]) > 0`, everything, Bool, `1:38-39: Name already taken: A variable cannot be called "body".`},
		{`date("tomorrow") > now()`, everything, Bool, `1:8-24: Invalid argument: Date takes a date such as 2026-11-01 or a time of RFC 3339.`},
		{`within(body.at, duration("1 day"))`, everything, Bool, `1:24-41: Invalid argument: Duration takes a span of time such as 90s, 1h30m or 7d.`},
		{`cidr(client.address, "10.0.0.1/8")`, everything, Bool, `1:30-40: Invalid network: Expected a network such as 10.0.0.0/8 or 2001:db8::/32.`},
		{`email(1)`, everything, Bool, `1:14-15: Invalid expression: Cannot use int as argument (type string) to call email.`},
		{`now() > 1`, everything, Bool, `1:8-17: Invalid expression: Invalid operation: > (mismatched types time and int).`},
		{`uuid(body.a, body.b)`, everything, Bool, `1:8-28: Invalid expression: Too many arguments to call uuid.`},
		{`"%{ if body.a }x%{ endif }y" == "xy"`, everything, Bool, ``},

		// expr-lang inside HCL: the place inside the string.
		{`expr("body.a > ")`, everything, Bool, `1:22-23: Invalid expression: Unexpected end of the expression.`},
		{`expr("bdy.a > 0")`, everything, Bool, `1:14-17: Unknown name: There is no name "bdy". Did you mean "body"? An expression here begins with body, query, header, path, consumer, claims, client, api or request.`},
		{`expr("\"\u00e9\" == consumer.nam")`, everything, Bool, `1:37-40: Unknown name: consumer has no member "nam". Did you mean "name"? Its members are id, name, method, api_version, plan, scopes, groups.`},
		{`expr("all(body.lines, rduce(#))")`, everything, Bool, `1:30-35: Unknown function: There is no function "rduce". The functions are abs, all, any, base64, cidr, count, date, duration, email, filter, float, iban, int, ip, keys, len, list, lower, luhn, map, max, min, none, now, one, string, sum, trim, unique, upper, uuid, values, within.`},
		{`expr("reduce(body.lines, #acc + .qty) > 1")`, everything, Bool, `1:14-20: Unknown function: There is no function "reduce". The functions are abs, all, any, base64, cidr, count, date, duration, email, filter, float, iban, int, ip, keys, len, list, lower, luhn, map, max, min, none, now, one, string, sum, trim, unique, upper, uuid, values, within.`},
		{`expr("repeat(body.a, 9) == \"\"")`, everything, Bool, `1:14-20: Unknown function: There is no function "repeat". The functions are abs, all, any, base64, cidr, count, date, duration, email, filter, float, iban, int, ip, keys, len, list, lower, luhn, map, max, min, none, now, one, string, sum, trim, unique, upper, uuid, values, within.`},
		{`expr(body.a)`, everything, Bool, `1:13-19: Empty expression: Expected expr-lang in quotes, such as: expr("all(body.lines, .qty > 0)")`},
		{`expr("${body.a}")`, everything, Bool, `1:13-24: Empty expression: Expected expr-lang in quotes, such as: expr("all(body.lines, .qty > 0)")`},
		{`expr("a ${body.a}")`, everything, Bool, `1:18-24: Not supported in expr: The argument of expr is read at load: it is a string in quotes without ${…}. Name the value inside the string.`},
		{`expr("")`, everything, Bool, `1:13-15: Empty expression: Expected expr-lang in quotes, such as: expr("all(body.lines, .qty > 0)")`},
		{`expr("$env.body == 1")`, everything, Bool, `1:14-18: Unknown name: There is no name "$env". An expression here begins with body, query, header, path, consumer, claims, client, api or request.`},
		{`expr("consumer.id.Len()  == 1")`, everything, Bool, `1:26-29: No methods here: Values have members, but no methods: only functions can be called.`},
		{`expr("let body = 1; body == 1")`, everything, Bool, `1:18-22: Name already taken: A variable cannot be called "body".`},
		{`expr("body.a in 1..body.b")`, everything, Bool, `1:25-27: Range is not constant: Both ends of a range must be integers written out, such as 1..99.`},
		{`expr("body.a in 1..10001")`, everything, Bool, `1:25-27: Range too large: A range may have at most 10,000 members.`},

		// Several at once.
		{`bdy.a > consumr.b`, everything, Bool, `1:8-11: Unknown name: There is no name "bdy". Did you mean "body"? An expression here begins with body, query, header, path, consumer, claims, client, api or request.
1:16-23: Unknown name: There is no name "consumr". Did you mean "consumer"? An expression here begins with body, query, header, path, consumer, claims, client, api or request.`},
	} {
		_, diags := fromHCL(t, c.text, c.env, c.want)
		if got := told(diags); got != c.told {
			t.Errorf("%s\n got %s\nwant %s", c.text, got, c.told)
		}
	}
}

// In a Caddyfile the place counts from where the text begins: line 12, column 8.
func TestMistakesInText(t *testing.T) {
	for _, c := range []struct{ text, told string }{
		{"", "12:8-8: Empty expression: Expected an expression such as: body.total > 0"},
		{"body.a >\n\n  1 1", "14:5-6: Invalid expression: Unexpected token Number(\"1\")."},
		{"é", "12:8-9: Unknown name: There is no name \"é\". An expression here begins with body, query, header, path, consumer, claims, client, api or request."},
		{"body.a == 'x", "12:19-20: Invalid expression: Literal not terminated."},
		{"body.a == null", `12:18-22: Unknown name: There is no name "null". Did you mean "nil"? An expression here begins with body, query, header, path, consumer, claims, client, api or request.`},
		{"body.a[1:2", `12:17-18: Invalid expression: Unexpected end of the expression.`},
		{"\xff", "12:8-9: Invalid expression: The expression is not valid UTF-8."},
		{"len(1) > 0", "12:8-11: Invalid expression: Invalid argument for len (type int)."},
		{"body.a % 0 == 1 && 1 % 0 == 1", "12:17-18: Division by zero: What is divided by zero is no number.\n12:31-32: Division by zero: What is divided by zero is no number."},
	} {
		_, diags := fromText(c.text, everything, Bool)
		if got := told(diags); got != c.told {
			t.Errorf("%q\n got %s\nwant %s", c.text, got, c.told)
		}
		if len(diags) > 0 && diags[0].Subject.Filename != "Caddyfile" {
			t.Errorf("%q: file is %s", c.text, diags[0].Subject.Filename)
		}
	}
}

// expr("…") keeps its places in heredocs too.
func TestMistakesInHeredoc(t *testing.T) {
	_, diags := fromHCL(t, "expr(<<-EOT\n    body.a > 0 &&\n      bdy.b > 0\n  EOT\n)", everything, Bool)
	want := `3:7-10: Unknown name: There is no name "bdy". Did you mean "body"? An expression here begins with body, query, header, path, consumer, claims, client, api or request.`
	if got := told(diags); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
