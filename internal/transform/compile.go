package transform

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/change"
)

// item is how a path says: each item of the list.
const item = "[*]"

// whole is what the body itself is called among the objects.
const whole = "the body"

// Value is a value as it is spelt in JSON.
type Value = json.RawMessage

// Compile makes one program of operations, for messages that go one way: the program's upward direction.
func Compile(ops []Operation) (*change.Program, hcl.Diagnostics) { return compile(ops) }

// compile makes one program of operations, whose upward direction does them in written order. Each list that fields go
// through makes its items an object of their own.
func compile(ops []Operation) (*change.Program, hcl.Diagnostics) {
	if len(ops) > maxOperations {
		return nil, mistake("Too many operations", fmt.Sprintf("At most %d operations are done to one message.", maxOperations))
	}
	var diags hcl.Diagnostics
	var chain []*change.Change
	objects := map[string]*change.Object{}
	var order []string // of the objects' prefixes, as they are met
	for _, o := range ops {
		prefix, op, wrong := understand(o)
		if wrong != "" {
			diags = append(diags, mistake("Malformed operation", wrong)...)
			continue
		}
		for _, done := range order {
			if surrounds(o, done) {
				diags = append(diags, mistake("Operation too late", fmt.Sprintf("%s %q stands below operations on %q; write it above them, and the places that there are then", o.Kind, o.Field, done))...)
			}
		}
		name := prefix
		if name == "" {
			name = whole
		}
		if objects[name] == nil {
			objects[name] = &change.Object{Name: name}
			order = append(order, prefix)
		}
		if len(chain) == 0 || chain[len(chain)-1].On != name {
			chain = append(chain, &change.Change{Name: "api_transform", On: name})
		}
		last := chain[len(chain)-1]
		last.Operations = append(last.Operations, op)
	}
	if diags.HasErrors() {
		return nil, diags
	}
	var roots []change.Held
	for _, prefix := range order {
		holder, path := holderOf(prefix, order)
		if holder == nil {
			name := prefix
			if name == "" {
				name = whole
			}
			roots = append(roots, change.Held{Path: path, Object: name})
			continue
		}
		name := *holder
		if name == "" {
			name = whole
		}
		objects[name].Holds = append(objects[name].Holds, change.Held{Path: path, Object: prefix})
	}
	p, diags := change.Compile(chain, objects, roots)
	for _, d := range diags {
		d.Subject, d.Context = nil, nil // the ranges of a catalogue, which this is not
	}
	return p, diags
}

// holderOf finds the innermost object that holds the one at prefix, and the path from it; nil if the message does.
func holderOf(prefix string, all []string) (holder *string, path string) {
	path = prefix
	for i, other := range all {
		if other == prefix || holder != nil && len(other) < len(*holder) {
			continue
		}
		switch rest, ok := strings.CutPrefix(prefix, other+"."); {
		case other == "" && prefix != "":
			holder, path = &all[i], prefix
		case ok:
			holder, path = &all[i], rest
		}
	}
	return holder, path
}

// takes are the fields that each kind of operation has.
var takes = map[change.Kind][]string{
	change.Rename: {"to"}, change.Move: {"to"}, change.Drop: {}, change.Add: {"value"}, change.Enum: {"pairs"},
	change.Wrap: {"member"}, change.Unwrap: {"member"}, change.List: {}, change.Unlist: {},
	change.Scale: {"decimals", "as"}, change.Cast: {"from", "to"}, change.Split: {"parts", "separator"}, change.Join: {"parts", "separator"},
}

// extra gives the fields that are written and that the operation does not have.
func (o Operation) extra() []string {
	var extra []string
	own, known := takes[change.Kind(o.Kind)]
	for _, f := range []struct {
		name    string
		written bool
	}{
		{"to", o.To != ""}, {"value", o.Value != nil}, {"pairs", o.Pairs != nil}, {"member", o.Member != ""}, {"decimals", o.Decimals != 0},
		{"as", o.As != ""}, {"from", o.From != ""}, {"parts", o.Parts != nil}, {"separator", o.Separator != ""},
	} {
		if known && f.written && !slices.Contains(own, f.name) {
			extra = append(extra, f.name)
		}
	}
	return extra
}

// understand divides an operation into the object it works on and what it does to it.
func understand(o Operation) (prefix string, op change.Operation, wrong string) {
	prefix, path := divide(o.Field)
	op = change.Operation{Kind: change.Kind(o.Kind), Path: path, To: o.To, Value: o.Value, Member: o.Member,
		Decimals: o.Decimals, From: o.From, As: o.As, Parts: o.Parts, Separator: o.Separator}
	// Nothing comes back by the same program, so what the way back would need is no loss.
	const oneWay = "messages go one way"
	if extra := o.extra(); extra != nil {
		return "", op, fmt.Sprintf("%s %q takes no %s", o.Kind, o.Field, strings.Join(extra, " and no "))
	}
	switch op.Kind {
	case change.Move:
		to, inside := divide(o.To)
		if to != prefix {
			return "", op, fmt.Sprintf("move %q: a member stays within its list, so to begins with %q as well", o.Field, prefix)
		}
		op.To = inside
	case change.Drop:
		op.Value, op.Accept = json.RawMessage("null"), oneWay
	case change.Cast:
		op.As, op.To = o.To, ""
	case change.Enum:
		op.Accept = oneWay
		for i, p := range o.Pairs {
			for _, q := range o.Pairs[:i] {
				if string(p[0]) == string(q[0]) {
					return "", op, fmt.Sprintf("enum %q: %s is to become two values", o.Field, p[0])
				}
			}
			op.Pairs = append(op.Pairs, change.Pair{Old: p[0], New: p[1]})
		}
	}
	return prefix, op, ""
}

// surrounds says whether an operation puts something around the lists at prefix, or takes it away. What is done to
// their items is found at the places where they are in the end, so it stands below.
func surrounds(o Operation, prefix string) bool {
	switch change.Kind(o.Kind) {
	case change.Wrap, change.Unwrap, change.List, change.Unlist:
		rest, ok := strings.CutPrefix(prefix, o.Field)
		return ok && (rest[0] == '[' || rest[0] == '.')
	}
	return false
}

// divide divides a path after the last list in it.
func divide(path string) (prefix, rest string) {
	i := strings.LastIndex(path, item)
	if i < 0 {
		return "", path
	}
	return path[:i+len(item)], strings.TrimPrefix(path[i+len(item):], ".")
}
