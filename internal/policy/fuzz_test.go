package policy

import (
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"golang.org/x/net/http/httpguts"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// FuzzAnswer reads answers of any shape: of a rule, and of a package with one or both names of the verdict.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`true`, `false`, `null`, `"true"`, `1`, `[]`, `{"allow": true}`, `{"allowed": true, "allow": false}`, `{"allow": "true"}`, `{"allow": [true]}`,
		`{"allow": true, "headers": {"X-A": ["a", "b"]}, "response_headers_to_add": [{"X-B": "c"}]}`,
		`{"allow": true, "headers": {"X-A": "\r\nX-B: c"}}`, `{"allow": true, "drop": ["/a"], "mask": ["/b/*/c"], "filter": {"/b": {"d": 1.0}}, "limits": {"a": {"b": 0}}, "dynamic_metadata": {"a": 1}}`, `{"allow": false, "status": 404, "problem": {"type": "a:b", "detail": "c"}}`,
		`{"allow": true, "reasons": ["a", {"b": 1}], "query_parameters_to_set": {"a": ["b"]}, "request_headers_to_remove": ["X-C"]}`, `{"status": 1e9}`, `{"status_code": 451, "body": "a"}`,
	} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, text string, bothNames bool) {
		value, err := ast.ValueFromReader(strings.NewReader(text))
		if err != nil {
			t.Skip("no JSON, so no answer that Rego could give")
		}
		d := &exchange.Verdict{}
		err = (&Query{bothNames: bothNames, snapshot: &Snapshot{hidings: &hidings{}}}).readAnswer(d, value)
		if err == nil && d.Allow != saysTrue(value, bothNames) {
			t.Fatalf("%s: allow %v", text, d.Allow)
		}
		if err != nil && d.Allow {
			t.Fatalf("%s: allowed in spite of %v", text, err)
		}
		if err == nil && !d.Allow && (d.Denial == nil || d.Denial.StatusCode() < 400 || d.Denial.StatusCode() > 599 || d.UpstreamSet != nil || d.QuerySet != nil || d.Obligations != nil) {
			t.Fatalf("%s: denied with %+v", text, d)
		}
		for _, header := range []map[string][]string{d.UpstreamSet, d.AnswerSet} {
			for name, values := range header {
				for _, v := range values {
					if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(v) || ofConnection[name] {
						t.Fatalf("%s: sets %q to %q", text, name, v)
					}
				}
			}
		}
	})
}

// saysTrue is what lets a request through, said in another way: the boolean true itself or under allow or allowed,
// with nothing that contradicts it and no key that an answer does not know.
func saysTrue(value ast.Value, bothNames bool) bool {
	object, ok := value.(ast.Object)
	if !ok {
		return value.Compare(ast.Boolean(true)) == 0
	}
	yes, no := 0, 0
	for _, name := range []string{"allow", "allowed"} {
		if term := object.Get(ast.StringTerm(name)); term == nil {
			continue
		} else if term.Value.Compare(ast.Boolean(true)) == 0 {
			yes++
		} else {
			no++
		}
	}
	for _, key := range object.Keys() {
		name, _ := key.Value.(ast.String)
		if !answerKeys[string(name)] {
			return false
		}
	}
	return yes > 0 && no == 0 && (yes == 2 || !bothNames)
}

// FuzzMistakes loads policies of any text: whatever is wrong with them has a place inside of them.
func FuzzMistakes(f *testing.F) {
	for _, seed := range []string{
		"package a\n\nallow if input.reqest", "package a\nallow if {\n\t\"é\" == y; http.send(\n{})\n}", "package a\n\nallow { x }", "# METADATA\n# title: [\npackage a",
		"package a\r\n\r\nallow if input.request.headers[\"X-A\"]", "package a\n\nallow if count(1, 2) with count as rand.intn", "package a\n\nx := `a\nb` + 1", "#METADATA\n#000: ", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		found := &folders{sources: sources{}, modules: map[string]*ast.Module{}, data: map[string]any{}}
		diags := found.add("a.rego", nil, []byte(text))
		_, more := compile(found)
		for _, d := range append(diags, more...) {
			r := d.Subject
			if d.Summary == "" || d.Detail == "" || r == nil || r.Start.Byte < 0 || r.End.Byte < r.Start.Byte || r.End.Byte > len(text) || r.Start.Line != r.End.Line || r.Start.Line < 1 || r.Start.Column < 1 {
				t.Errorf("%q: %v at %v", text, d, r)
			}
		}
	})
}
