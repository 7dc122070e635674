package schema

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const tooMuch = "cannot be validated: it takes too many steps to hold it against the schema"

// deep wraps a value in as many objects as a document may have.
func deep(value string) string {
	return strings.Repeat(`{"a":`, 63) + value + strings.Repeat(`}`, 63)
}

// Schemas and documents that would keep the gateway busy for longer than anybody waits, or fill its memory, end soon.
func TestHostile(t *testing.T) {
	var chain strings.Builder
	for i := range 100 {
		fmt.Fprintf(&chain, `"%d":{"allOf":[{"$ref":"#/$defs/%d"}]},`, i, i+1)
	}
	numbers, records, wrong := make([]string, 100_000), make([]string, 20_000), make([]string, 100_000)
	for i := range numbers {
		numbers[i], wrong[i] = itoa(i), `"x"`
	}
	for i := range records {
		records[i] = fmt.Sprintf(`{"a":{"b":[%d]},"c":"d"}`, i)
	}
	names := make([]string, 1_000)
	for i := range names {
		names[i] = fmt.Sprintf(`"name %d"`, i)
	}
	list := func(items []string) string { return "[" + strings.Join(items, ",") + "]" }
	for _, c := range []struct{ name, schema, doc, first string }{
		{"forms within forms", `{"anyOf":[{"properties":{"a":{"$ref":"#"}},"required":["b"]},{"properties":{"a":{"$ref":"#"}},"required":["c"]}]}`, deep("1"), tooMuch},
		{"forms within forms, only one of which is right", `{"oneOf":[{"properties":{"a":{"$ref":"#"}},"minProperties":1},{"properties":{"a":{"$ref":"#"}},"maxProperties":0}]}`, deep("{}"), tooMuch},
		{"each value twice", `{"allOf":[{"properties":{"a":{"$ref":"#"}}},{"properties":{"a":{"$ref":"#"}}}]}`, deep("1"), tooMuch},
		{"each value twice, with a mistake", `{"type":"object","allOf":[{"properties":{"a":{"$ref":"#"}}},{"properties":{"a":{"$ref":"#"}}}]}`, deep("1"), "must be of type object"},
		{"conditions within conditions", `{"if":{"properties":{"a":{"$ref":"#"}},"required":["b"]},"else":{"properties":{"a":{"$ref":"#"}}}}`, deep("1"), tooMuch},
		{"a long way through the schema at each level", `{"$defs":{` + chain.String() + `"100":{"items":{"$ref":"#/$defs/0"}}},"$ref":"#/$defs/0"}`, strings.Repeat("[", 60) + strings.Repeat("]", 60), tooMuch},
		{"blanks within forms within forms", `{"anyOf":[{"properties":{"a":{"$ref":"#"}},"required":["b"]},{"properties":{"a":{"$ref":"#"}},"required":["c"]}]}`, deep("{" + strings.Repeat(" ", 500_000) + "}"), tooMuch},
		{"a long text and a large pattern within forms", `{"$defs":{"a":{"pattern":"^(a?b?){400}c"}},"anyOf":[` + strings.Repeat(`{"allOf":[{"$ref":"#/$defs/a"}]},`, 200) + `false]}`, `"` + strings.Repeat("ab", 10_000) + `"`, tooMuch},
		{"much missing many times", `{"items":{"required":` + list(names) + `}}`, list(slices.Repeat([]string{"{}"}, 50_000)), "is missing"},
		{"many different numbers", `{"uniqueItems":true}`, list(numbers), ""},
		{"many different numbers and one twice", `{"uniqueItems":true}`, list(append(numbers, "99e3")), "has the same item twice, at 99000 and 100000"},
		{"many different objects", `{"uniqueItems":true}`, list(records), ""},
		{"many different objects and one twice", `{"uniqueItems":true}`, list(append(records, `{"c":"d","a":{"b":[7.0]}}`)), "has the same item twice, at 7 and 20000"},
		{"many different lists of nothing", `{"items":{"uniqueItems":true}}`, list([]string{`[[],{},[[]],[{}],[[],[]],[[],{}],[{},[]],{"":[]},{"":{}}]`}), ""},
		{"everything wrong", `{"items":{"type":"integer"}}`, list(wrong), "must be of type integer"},
		{"no item of the right form", `{"contains":{"type":"integer"}}`, list(wrong), "has no item of the form it must have"},
		{"a zero with an exponent", `{"minimum":0,"type":"integer","multipleOf":0.1}`, "0e9999999999999999999", ""},
		{"a zero with an exponent, too small", `{"minimum":1}`, "0E-99999999", "must be at least 1"},
		{"the largest number", `{"maximum":1e308,"multipleOf":1e-308}`, "1.7e308", "must be at most 1e+308"},
		{"the smallest number", `{"multipleOf":1e-308}`, "1e-307", ""},
		{"a long string and a pattern", `{"pattern":"^(a|a)*$"}`, `"` + strings.Repeat("a", 50_000) + `b"`, "must match the pattern"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := load(t, c.schema)
			failures := s.Validate([]byte(c.doc))
			if len(failures) > maxFailures {
				t.Errorf("%d failures", len(failures))
			}
			switch {
			case c.first == "" && len(failures) > 0:
				t.Errorf("refused: %v", failures[0])
			case c.first != "" && (len(failures) == 0 || !strings.HasPrefix(failures[0].Message, c.first)):
				t.Errorf("got %v, want %q", failures, c.first)
			}
		})
	}
}

// What is no JSON is refused, or passed over where the schema does not look; nothing panics.
func TestNoJSON(t *testing.T) {
	s := load(t, `{"type":["object","array","string"],"properties":{"a":{"items":{"type":"object"}}},"unevaluatedProperties":{"type":"string"},"uniqueItems":true,"items":{"minLength":1},"anyOf":[{"required":["a"]},{"contains":{"pattern":"a"}},{"maxProperties":3,"not":{"enum":[{"b":1}]}}]}`)
	for _, doc := range []string{"", " ", "{", "[", `"`, `"\`, `{"a"`, `{"a":`, `{"a":[`, `{"a":[{`, `{"a":[{}`, `{"a":[]`, `{"a":[]}}`, `{"b":"c",}`, `["a"`, `["a",`, `["a" "b"]`, `]`, `:`, `{1:2}`, `{"a":}`, `[,]`, "\x00", `{"a":[}`} {
		if failures := s.Validate([]byte(doc)); len(failures) != 1 || failures[0].Message != "is not well-formed JSON" {
			t.Errorf("%q: got %v", doc, failures)
		}
	}
}
