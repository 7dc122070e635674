package shape

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/schema"
)

// add undoes that a member was added: older callers do not know it.
func (d *deriver) add(path []string) {
	member, object, known := d.find(path)
	if !known || object == nil {
		return
	}
	if wrong := d.refuses(together(member), d.op.Value); wrong != "" {
		d.complain("Constant is not valid", "add %q gives requests of older versions %s, which the schema does not accept: %s.", d.op.Path, brief(d.op.Value), wrong)
	}
	d.remove(path[:len(path)-1], path[len(path)-1])
}

// drop undoes that a member was taken away: older callers have it.
func (d *deriver) drop(path []string) {
	parent, name := path[:len(path)-1], path[len(path)-1]
	if len(parent) > 0 {
		if _, object, known := d.find(parent); !known || object == nil {
			return
		}
	}
	if !d.vacant(path) {
		return
	}
	// What requests have there is not read, so that it may be anything.
	d.insert(parent, "", name, object("description", text(fmt.Sprintf("No longer kept: what requests have here is not read, and answers have %s.", brief(d.op.Value)))).
		with("deprecated", scalar("true")), false)
}

// brief is raw, cut where it is long.
func brief(raw []byte) string {
	const most = 100
	if len(raw) <= most {
		return string(raw)
	}
	return strings.ToValidUTF8(string(raw[:most]), "") + "…"
}

// maxAliases is how many schemas that are nothing but a reference are looked through before a value is checked.
const maxAliases = 4

// refuses says what a schema has against a value; "" where it accepts it.
func (d *deriver) refuses(s *node, value json.RawMessage) string {
	if jsonspan.Check(value, jsonspan.Bounds{}) != nil {
		return "" // told by whoever checks changes on their own
	}
	trimmed, _ := jsonspan.Get(value)
	for range maxAliases {
		if to := s.reference(); to != nil && len(s.without("$ref").without(annotations...).names) == 0 {
			s = to.root
		}
	}
	if accepts, plain := plainly(s, data(trimmed)); plain && accepts {
		return ""
	}
	r := &renderer{version: reached, seen: make(map[*unit]bool)}
	compiled, diags := schema.Parse("schema", r.document(s))
	if diags.HasErrors() {
		return "" // its mistakes are told where it is written
	}
	failures := compiled.Validate(trimmed)
	switch {
	case len(failures) == 0:
		return ""
	case failures[0].Pointer == "":
		return "it " + failures[0].Message
	}
	return failures[0].Pointer + " " + failures[0].Message
}

// plainly says whether a schema that has little to say accepts a value. It is not plain where the schema says more.
func plainly(s, value *node) (accepts, plain bool) {
	if s == anything {
		return true, true
	}
	if s.kind != '{' || value.kind != 0 {
		return false, false
	}
	rest := s.without(annotations...)
	accepts = true
	for i, name := range rest.names {
		switch name {
		case "type":
			var k kinds
			for _, word := range append(rest.parts[i].words(), "") {
				k |= kindsOf[word]
			}
			if rest.parts[i].isText() {
				k = kindsOf[rest.parts[i].string()]
			}
			if kindOf(value) == numbers {
				return false, false // it may be an integer or not
			}
			accepts = accepts && kindOf(value)&^k == 0
		case "enum":
			among := false
			for _, v := range rest.parts[i].parts {
				among = among || equal(v, value)
			}
			accepts = accepts && among
		case "const":
			accepts = accepts && equal(rest.parts[i], value)
		default:
			return false, false
		}
	}
	return accepts, true
}

// equal compares two values neither of which is an object or a list with anything in it.
func equal(a, b *node) bool {
	return a.kind == 0 && b.kind == 0 && key(a.text) == key(b.text)
}

// key is what all spellings of a value have in common.
func key(raw string) string { return string(jsonspan.AppendScalar(nil, []byte(raw))) }
