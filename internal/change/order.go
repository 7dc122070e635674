package change

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// order checks what the operations of one change say of each other: a member that one has taken away is not there for
// the next, and what one has put into an object or a list is to be looked for in there.
func order(ops []*operation) hcl.Diagnostics {
	var diags hcl.Diagnostics
	var before []*operation
	for _, op := range ops {
		for _, b := range before {
			if now := b.hides(op); now != "" {
				diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Member is no longer there",
					Detail:  fmt.Sprintf("Operations run in written order, and %s %q above takes %q away: %s.", b.Kind, b.Path, op.Path, now),
					Subject: op.Range.Ptr(), Context: op.change.Range.Ptr()})
				break
			}
		}
		for _, into := range op.makes() {
			before = slices.DeleteFunc(before, func(b *operation) bool {
				return slices.ContainsFunc(b.takes(), func(gone []string) bool { return within(into, gone) || within(gone, into) })
			})
		}
		before = append(before, op)
	}
	return diags
}

// makes gives the paths that the operation puts members at.
func (op *operation) makes() [][]string {
	switch op.Kind {
	case Rename, Move:
		return [][]string{op.to}
	case Add, Join:
		return [][]string{op.path}
	case Wrap, Unwrap, List, Unlist:
		return [][]string{op.path}
	case Split:
		var all [][]string
		for _, part := range op.Parts {
			all = append(all, op.beside(part))
		}
		return all
	}
	return nil
}

// takes gives the paths at which the operation leaves nothing, or something else than was there.
func (op *operation) takes() [][]string {
	switch op.Kind {
	case Rename, Move, Drop, Split, Wrap, List, Unlist:
		return [][]string{op.path}
	case Unwrap:
		return [][]string{op.inside()}
	case Join:
		var all [][]string
		for _, part := range op.Parts {
			all = append(all, op.beside(part))
		}
		return all
	}
	return nil
}

// hides says where the members are now that the later operation works on and that this one has taken away; "" if it has
// not.
func (op *operation) hides(later *operation) string {
	paths := [][]string{later.path}
	switch later.Kind {
	case Add:
		return "" // it makes what it works on
	case Join:
		paths = nil
		for _, part := range later.Parts {
			paths = append(paths, later.beside(part))
		}
	}
	is := func(now []string, rest []string) string {
		return fmt.Sprintf("it is %q then", strings.Join(append(slices.Clone(now), rest...), "."))
	}
	plain := slices.Contains([]Kind{Enum, Scale, Cast, Split, Join}, later.Kind)
	for _, path := range paths {
		for _, gone := range op.takes() {
			if !within(path, gone) {
				continue
			}
			rest := path[len(gone):]
			switch op.Kind {
			case Rename, Move:
				return is(op.to, rest)
			case Split:
				return "it is divided then"
			case Join:
				return fmt.Sprintf("it is a part of %q then", op.Path)
			case Unwrap:
				return is(op.path, rest)
			case Wrap:
				if len(rest) == 0 && plain || len(rest) > 0 && rest[0] != op.Member {
					return is(op.inside(), rest)
				}
			case List:
				if len(rest) > 0 || plain {
					return "it is an item of a list then"
				}
			case Drop:
				return "it is gone then"
			}
		}
	}
	return ""
}
