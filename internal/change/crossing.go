package change

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// crossings follows an object from its place in the newest shape of its holder back through the holder's operations. It
// refuses those that reach into the object, or make or drop one, where the object has operations of its own that are as
// old or older: all the holder's operations run on one side of all those of what it holds, which is the written order
// only if none of them meet, or those of the held object are the newer ones. An object in a ring of objects that hold
// each other has none that are newer.
func (c *compiler) crossings(ops []*operation, tokens []string, h *Held, oldest int) {
	for way := tokens; len(ops) > 0; ops = ops[:len(ops)-1] {
		op := ops[len(ops)-1]
		older, reaches, wrong := op.back(way)
		if wrong != nil {
			wrong.Detail = fmt.Sprintf("Object %q holds object %q at %q. ", op.change.On, h.Object, h.Path) + wrong.Detail
			if wrong.Subject, wrong.Context = op.Range.Ptr(), op.change.Range.Ptr(); wrong.Summary == notThere {
				wrong.Subject = h.Range.Ptr()
			}
			c.diags = append(c.diags, wrong)
			return
		}
		if reaches && op.at >= oldest {
			c.complain(op.Range, op.change.Range.Ptr(), "Change reaches into another object",
				"%s %q works on what object %q holds at %q, but object %q has older changes of its own; this order is not supported by this version. Write the operation as a change of object %q, or before those.",
				op.Kind, op.Path, op.change.On, h.Path, h.Object, h.Object)
		}
		if older == nil {
			return
		}
		way = older
	}
}

const notThere = "Held object is not there"

// back says where the object that is at way after the operation was before it, nil where there was none, and whether
// the operation reaches into it or makes it. It gives what is wrong if the object cannot be at way.
func (op *operation) back(way []string) (older []string, reaches bool, wrong *hcl.Diagnostic) {
	mistake := func(summary, detail string, args ...any) *hcl.Diagnostic {
		return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(detail, args...)}
	}
	gone := func(now []string) *hcl.Diagnostic {
		to := ""
		if now != nil {
			to = ", to " + written(now)
		}
		return mistake(notThere, "But %s %q of change %q takes that away%s. Holds are written in the newest shape.", op.Kind, op.Path, op.change.Name, to)
	}
	plain := func(path []string) *hcl.Diagnostic {
		return mistake(strings.ToUpper(string(op.Kind[:1]))+string(op.Kind[1:])+" of an object", "But %s %q makes %s a plain value.", op.Kind, op.Path, written(path))
	}
	// from is where what was at to comes from.
	from := func(from, to []string) []string { return append(slices.Clone(from), way[len(to):]...) }
	names := way // up to the first list, into which no path goes
	if k := slices.Index(way, item); k >= 0 {
		names = way[:k]
	}
	reaches = below(op.path, names)
	switch op.Kind {
	case Rename, Move:
		reaches = reaches || below(op.to, names)
		switch {
		case within(way, op.to):
			return from(op.path, op.to), reaches, nil
		case within(way, op.path):
			return nil, false, gone(op.to)
		}
	case Drop:
		if within(way, op.path) {
			return nil, false, gone(nil)
		}
	case Add:
		if within(way, op.path) {
			return nil, strings.Contains(string(op.Value), "{"), nil
		}
	case Enum, Scale, Cast:
		if within(way, op.path) {
			return nil, false, plain(op.path)
		}
	case Wrap:
		switch inside := op.inside(); {
		case within(way, inside):
			return from(op.path, inside), false, nil
		case slices.Equal(way, op.path):
			return nil, true, nil
		case within(way, op.path):
			return nil, false, gone(inside)
		}
	case Unwrap:
		if within(way, op.path) {
			return from(op.inside(), op.path), false, nil
		}
	case List:
		switch inside := append(slices.Clone(op.path), item); {
		case within(way, inside):
			return from(op.path, inside), false, nil
		case within(way, op.path):
			return nil, false, gone(inside)
		}
	case Unlist:
		if within(way, op.path) {
			return from(append(slices.Clone(op.path), item), op.path), false, nil
		}
	case Split:
		if within(way, op.path) {
			return nil, false, gone(nil)
		}
		for _, part := range op.Parts {
			if within(way, op.beside(part)) {
				return nil, false, plain(op.beside(part))
			}
		}
	case Join:
		if within(way, op.path) {
			return nil, false, plain(op.path)
		}
		for _, part := range op.Parts {
			if within(way, op.beside(part)) {
				return nil, false, gone(nil)
			}
		}
	}
	return way, reaches, nil
}

// written gives tokens as a held path, in quotes.
func written(tokens []string) string {
	var s strings.Builder
	for i, t := range tokens {
		switch {
		case t == item:
			s.WriteString("[*]")
		case i > 0:
			s.WriteString("." + t)
		default:
			s.WriteString(t)
		}
	}
	return `"` + s.String() + `"`
}
