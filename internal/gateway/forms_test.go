package gateway

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
)

// TestFormMistakes tells what cannot be sanitized, and what cannot be a form, each at its place.
func TestFormMistakes(t *testing.T) {
	schemas := map[string]string{"order.json": `{"type":"object","properties":{"name":{"type":"string"},"size":{"type":"integer"},"photo":{"type":"string"},` +
		`"lines":{"type":"array","items":{"type":"object","properties":{"sku":{"type":"string"}}}}}}`}
	for _, c := range []struct{ name, route, want string }{
		{"fine", "takes = [\"form\", \"multipart\", \"xml\"]\n multipart {\n  file \"photo\" { types = [\"image/png\"] }\n }\n sanitize \"lines[*].sku\" { steps = [\"trim\"] }", ""},
		{"a misspelt path", `sanitize "namee" { steps = ["trim"] }`, `Nothing to sanitize: "namee" of the object "order": The schema has no member "namee" here. Did you mean "name"?`},
		{"a misspelt path within", `sanitize "lines[*].skuu" { steps = ["trim"] }`, `The schema has no member "skuu" here. Did you mean "sku"?`},
		{"a list", `sanitize "lines.sku" { steps = ["trim"] }`, `"lines.sku" of the object "order": lines is a list: write [*] behind it.`},
		{"no list", `sanitize "name[*]" { steps = ["trim"] }`, `name is no object and no list.`},
		{"a number", `sanitize "size" { steps = ["trim"] }`, `size is no text.`},
		{"a file of a field that there is not", "takes = [\"multipart\"]\n multipart {\n  file \"picture\" { types = [\"image/png\"] }\n }", `No such file: The object "order": the schema has no member of this name that a file can be`},
		{"a file of a number", "takes = [\"multipart\"]\n multipart {\n  file \"size\" { types = [\"image/png\"] }\n }", `No such file: The object "order"`},
		{"a file that a version calls otherwise", "takes = [\"multipart\"]\n multipart {\n  file \"photo\" { types = [\"image/png\"] }\n }\n}\n version \"v1\" { released = \"2023-01-01\" }\n version \"v2\" {\n  released = \"2024-01-01\"\n  change \"c\" {\n   summary = \"s\"\n   on = object.order\n   rename \"picture\" { to = \"photo\" }\n  }",
			`File that changes: The field "photo" is another in the version "v1", and files do not go through changes.`},
	} {
		text := "upstream \"orders\" { servers = [\"https://orders.test\"] }\napi \"orders\" {\n upstream = upstream.orders\n identify = [anonymous]\n authorize = public\n" +
			map[bool]string{true: " versioning { path = true }\n"}[strings.Contains(c.route, "version \"v1\"")] +
			" object \"order\" { schema = \"order.json\" }\n route \"POST /orders\" {\n accepts = object.order\n " + c.route + "\n }\n}\n"
		_, diags := loadXML(t, text, schemas, &canned{})
		var got []string
		for _, d := range diags {
			if d.Severity == hcl.DiagError {
				got = append(got, fmt.Sprintf("%d %s: %s", d.Subject.Start.Line, d.Summary, d.Detail))
			}
		}
		if all := strings.Join(got, "\n"); !strings.Contains(all, c.want) || (all == "") != (c.want == "") {
			t.Errorf("%s: got:\n%s\nwant: %s", c.name, all, c.want)
		}
	}
	_, diags := loadXML(t, "upstream \"orders\" { servers = [\"https://orders.test\"] }\napi \"orders\" {\n upstream = upstream.orders\n identify = [anonymous]\n authorize = public\n takes = [\"form\"]\n"+
		" object \"order\" { schema = \"order.json\" }\n route \"POST /orders\" { accepts = object.order }\n}\n", map[string]string{"order.json": `{"type":"array"}`}, &canned{})
	if len(diags) != 1 || diags[0].Summary != "No web form" || diags[0].Subject.Start.Line != 7 {
		t.Errorf("an object that is no form: %v", diags)
	}
}
