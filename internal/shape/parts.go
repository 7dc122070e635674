package shape

import (
	"regexp"
	"slices"
	"strings"
)

// beside gives the path of a member that stands beside the one at path.
func beside(path []string, name string) []string {
	return append(slices.Clone(path[:len(path)-1]), name)
}

// split undoes that several members were made of a text.
func (d *deriver) split(path []string) {
	parent, name := path[:len(path)-1], path[len(path)-1]
	var k kinds
	must, sure, required := 0, true, false
	for i, part := range d.op.Parts {
		member, around, known := d.find(beside(path, part))
		if !known {
			return
		}
		if len(member) == 0 {
			return // nothing is said of members here
		}
		of := d.typesOf(member)
		if of&strs == 0 {
			d.complain("Not a text", "split makes texts of %q, but the schema has %q %s%s.", d.op.Path, part, of, d.here(parent))
			return
		}
		k |= of & null
		needed := requires(around, part)
		required = required || needed
		if sure = sure && needed && of == strs; sure {
			must = i
		}
	}
	if !d.vacant(path) {
		return
	}
	value := ofType(strs | k)
	if must > 0 { // each part but the first that is always there has a separator before it
		value = value.with("pattern", text(strings.Repeat(regexp.QuoteMeta(d.op.Separator)+`[\s\S]*`, must)))
	}
	d.insert(parent, d.op.Parts[0], name, value, required)
	for i, part := range d.op.Parts {
		d.removeFor(parent, part, min(i, 1)) // the text is there where any of them is
	}
}

// join undoes that a text was made of several members.
func (d *deriver) join(path []string) {
	parent, name := path[:len(path)-1], path[len(path)-1]
	member, around, known := d.find(path)
	if !known || len(member) == 0 {
		return
	}
	k := d.typesOf(member)
	if k&strs == 0 {
		d.complain("Not a text", "join makes %q a text, but the schema has it %s%s.", d.op.Path, k, d.here(nil))
		return
	}
	for _, part := range d.op.Parts {
		if !d.vacant(beside(path, part)) {
			return
		}
	}
	required := requires(around, name) && k == strs
	behind := name
	var pairs []pair
	for i, part := range d.op.Parts {
		d.insert(parent, behind, part, ofType(strs), required && i == 0)
		if i > 0 {
			pairs = append(pairs, pair{part, behind})
		}
		behind = part
	}
	shut := closed(d.object(parent))
	d.removeFor(parent, name, 0)
	if k&null != 0 && shut {
		d.insert(parent, d.op.Parts[0], name, ofType(null), false) // null is no text, and stays where it is
	}
	d.depend(parent, pairs)
}
