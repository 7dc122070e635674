package transform

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/change"
)

// item is how a path says: each item of the list.
const item = "[*]"

// whole is what the body itself is called among the objects.
const whole = "the body"

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

// understand divides an operation into the object it works on and what it does to it.
func understand(o Operation) (prefix string, op change.Operation, wrong string) {
	prefix, path := divide(o.Field)
	op = change.Operation{Kind: change.Kind(o.Kind), Path: path, To: o.To}
	// Nothing comes back by the same program, so what the way back would need is no loss.
	const oneWay = "messages go one way"
	extra := ""
	switch op.Kind {
	case change.Rename, change.Move:
		if op.Kind == change.Move {
			to, inside := divide(o.To)
			if to != prefix {
				return "", op, fmt.Sprintf("move %q: a member stays within its list, so to begins with %q as well", o.Field, prefix)
			}
			op.To = inside
		}
		if o.Value != nil || o.Pairs != nil {
			extra = "value or pairs"
		}
	case change.Drop:
		op.Value, op.Accept = json.RawMessage("null"), oneWay
		if o.Value != nil || o.Pairs != nil || o.To != "" {
			extra = "to, value or pairs"
		}
	case change.Add:
		op.Value = o.Value
		if o.Pairs != nil || o.To != "" {
			extra = "to or pairs"
		}
	case change.Enum:
		op.Accept = oneWay
		if o.Value != nil || o.To != "" {
			extra = "to or value"
		}
		for i, p := range o.Pairs {
			for _, q := range o.Pairs[:i] {
				if string(p[0]) == string(q[0]) {
					return "", op, fmt.Sprintf("enum %q: %s is to become two values", o.Field, p[0])
				}
			}
			op.Pairs = append(op.Pairs, change.Pair{Old: p[0], New: p[1]})
		}
	}
	if extra != "" {
		return "", op, fmt.Sprintf("%s %q takes no %s", o.Kind, o.Field, extra)
	}
	return prefix, op, ""
}

// divide divides a path after the last list in it.
func divide(path string) (prefix, rest string) {
	i := strings.LastIndex(path, item)
	if i < 0 {
		return "", path
	}
	return path[:i+len(item)], strings.TrimPrefix(path[i+len(item):], ".")
}
