package rule

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

func template(t testing.TB, text string) (*Template, hcl.Diagnostics) {
	t.Helper()
	src := []byte("detail = " + text + "\n")
	f, diags := hclsyntax.ParseConfig(src, "rule.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatalf("%s: %s", text, diags)
	}
	attributes, _ := f.Body.JustAttributes()
	return CompileTemplate(attributes["detail"].Expr, src, everything)
}

// What the sender of a request is told may quote it, and quotes it safely.
func TestTemplate(t *testing.T) {
	const body = `{"amount": 12.50, "text": "a\r\nSet-Cookie: x\u202e\u0000\\", "long": "` + "ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé" + `", "list": [1, {"a": "b"}], "html": "<script>\"&'", "none": null}`
	for _, c := range []struct{ text, want string }{
		{`"must be positive"`, "must be positive"},
		{`"the amount ${body.amount} must be positive"`, "the amount 12.5 must be positive"},
		{`"${body.amount}"`, "12.5"},
		{`"${body.amount} is less than ${body.amount + 1}"`, "12.5 is less than 13.5"},
		{`"for ${consumer.id} of ${header.x_tenant}: ${query.page}"`, "for acme of acme: 2"},
		{`"got ${body.text}"`, `got a\r\nSet-Cookie: x\u202e\x00\\`},
		{`"got ${body.long}."`, "got " + strings.Repeat("é", 64) + "…."},
		{`"got ${body.html}"`, `got <script>"&'`}, // whoever writes it in JSON or XML escapes it for that
		{`"got ${body.list}"`, `got [1, {"a": "b"}]`},
		{`"got ${[for v in body.list : 1]}"`, `got [1,1]`},
		{`"got ${claims}"`, `got {"level":3,"org":{"id":12},"tenant":"t1"}`},
		{`"got ${body.none}, ${body.absent}, ${body.absent.member}"`, "got null, null, null"},
		{`"$${body.amount} \"quoted\" %%{x}"`, `${body.amount} "quoted" %{x}`},
		{`"%{ if body.amount > 10 }too much: ${body.amount}%{ else }fine%{ endif }"`, "too much: 12.5"},
		{"<<-EOT\n    one ${body.amount}\n    two\n  EOT\n", "one 12.5\ntwo\n"},
	} {
		tpl, diags := template(t, c.text)
		if diags.HasErrors() {
			t.Errorf("%s: %s", c.text, diags)
			continue
		}
		if got := tpl.Text(request(body)); got != c.want {
			t.Errorf("%s: got %q, want %q", c.text, got, c.want)
		}
		if got := tpl.Text(request("")); strings.Contains(c.text, "body.amount}") && !strings.Contains(got, "null") && strings.Contains(c.want, "12.5") {
			t.Errorf("%s without a body: got %q", c.text, got)
		}
	}
	many, _ := template(t, `"`+strings.Repeat("${body.long}", 30)+`"`)
	if got := many.Text(request(body)); len(got) > maxTold+len("…") || !strings.HasSuffix(got, "…") {
		t.Errorf("%d bytes: …%q", len(got), got[len(got)-10:])
	}
	for text, want := range map[string]string{
		`"a ${bdy.a}"`:                `1:15-18: Unknown name: There is no name "bdy". Did you mean "body"?`,
		`"a ${header.authorization}"`: `1:15-35: Credentials in a text: The header field Authorization holds credentials, which nobody is told of.`,
		`"a ${header["cookie"]}"`:     `1:15-31: Credentials in a text: The header field Cookie holds credentials`,
	} {
		if _, diags := template(t, text); !strings.HasPrefix(told(diags), want) {
			t.Errorf("%s: got %s, want %s", text, told(diags), want)
		}
	}
	// In a Caddyfile.
	tpl, diags := ParseTemplate("amount ${body.amount} of\n$${x}", hcl.Range{Filename: "Caddyfile", Start: hcl.Pos{Line: 12, Column: 8}}, everything)
	if got := tpl.Text(request(body)); got != "amount 12.5 of\n${x}" || diags.HasErrors() {
		t.Errorf("got %q, %s", got, diags)
	}
	for text, want := range map[string]string{
		"\n${bdy.a}": `13:3-6: Unknown name: There is no name "bdy".`,
		"a ${":       `12:12-12: `,
	} {
		if _, diags := ParseTemplate(text, hcl.Range{Filename: "Caddyfile", Start: hcl.Pos{Line: 12, Column: 8}}, everything); !strings.HasPrefix(told(diags), want) {
			t.Errorf("%s: got %s, want %s", text, told(diags), want)
		}
	}
}
