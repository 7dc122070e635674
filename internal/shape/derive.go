package shape

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/diagnostic"
)

// deriver undoes changes in schemas.
type deriver struct {
	objects map[string]*change.Object
	units   []*unit // those that changes are undone in
	diags   hcl.Diagnostics
	told    map[string]bool // what was complained of already
	steps   int
	version int // whose schemas references lead to

	// What is being undone, and where.
	unit   *unit
	change *change.Change
	op     *change.Operation

	mistaken bool // the operation at hand is
}

// undo undoes a change in all schemas of its object.
func (d *deriver) undo(ch *change.Change) {
	for _, u := range d.units {
		if u.object != ch.On {
			continue
		}
		d.unit, d.change = u, ch
		d.examples("new", func(ex change.Example) json.RawMessage { return ex.New })
		for i := len(ch.Operations) - 1; i >= 0; i-- {
			d.op = &ch.Operations[i]
			path := strings.Split(d.op.Path, ".")
			if slices.Contains(path, "") {
				continue // told by whoever checks changes on their own
			}
			d.mistaken = false
			d.operation(path)
			if d.mistaken {
				d.forgive(path)
			}
			if u.root.size > maxNodes {
				d.complain("Schema too large", "The schema of object %q%s has more than %d values.", u.object, u.where, maxNodes)
				u.root = anything
			}
		}
		d.examples("old", func(ex change.Example) json.RawMessage { return ex.Old })
	}
}

// operation undoes the operation at hand in the schema at hand.
func (d *deriver) operation(path []string) {
	switch d.op.Kind {
	case change.Rename:
		to := append(slices.Clone(path[:len(path)-1]), d.op.To)
		if d.op.To != "" {
			d.move(path, to)
		}
	case change.Move:
		if to := strings.Split(d.op.To, "."); !slices.Contains(to, "") {
			d.move(path, to)
		}
	case change.Add:
		d.add(path)
	case change.Drop:
		d.drop(path)
	case change.Enum:
		d.enum(path)
	case change.Wrap:
		d.wrap(path)
	case change.Unwrap:
		d.unwrap(path)
	case change.List:
		d.list(path)
	case change.Unlist:
		d.unlist(path)
	case change.Scale:
		d.scale(path)
	case change.Cast:
		d.cast(path)
	case change.Split:
		d.split(path)
	case change.Join:
		d.join(path)
	}
}

// forgive gives the older shape what the operation at hand, which is mistaken, should have left there, so that older
// operations are not blamed for it.
func (d *deriver) forgive(path []string) {
	paths := [][]string{path}
	switch d.op.Kind {
	case change.Add:
		return
	case change.Join:
		paths = nil
		for _, part := range d.op.Parts {
			paths = append(paths, beside(path, part))
		}
	}
	for _, path := range paths {
		for i := range path {
			of := d.memberOf(path[:i+1])
			if len(of) == 0 {
				d.putIn(path, "", i, anything, false)
				break
			}
			if i == len(path)-1 || d.typesOf(of)&objects == 0 {
				d.replace(path[:i+1], anything)
				break
			}
		}
	}
}

// complain tells a mistake of the operation at hand.
func (d *deriver) complain(summary, detail string, args ...any) {
	d.mistaken = true
	d.tell(hcl.DiagError, d.op.Range, summary, fmt.Sprintf(detail, args...))
}

// warn tells what is not as good as it could be.
func (d *deriver) warn(summary, detail string, args ...any) {
	d.tell(hcl.DiagWarning, d.op.Range, summary, fmt.Sprintf(detail, args...))
}

// tell tells something once: an operation is undone in each place where its object is described.
func (d *deriver) tell(severity hcl.DiagnosticSeverity, at hcl.Range, summary, detail string) {
	key := at.String() + summary
	if d.told[key] {
		return
	}
	d.told[key] = true
	told := &hcl.Diagnostic{Severity: severity, Summary: summary, Detail: detail, Subject: &at}
	if d.change != nil {
		told.Context = d.change.Range.Ptr()
	}
	d.diags = append(d.diags, told)
}

// here names the place of a path's object: ` in object "order"`, ` in "customer" of object "order"`.
func (d *deriver) here(path []string) string {
	of := ""
	if len(path) > 0 {
		of = fmt.Sprintf("%q of ", strings.Join(path, "."))
	}
	return fmt.Sprintf(" in %sobject %q%s", of, d.unit.object, d.unit.where)
}

// find gives what the schema says of the member at path and of the object it belongs to. known is false where there is
// no such member, which it tells; nothing is said, and that is known, where an object is described without any names.
func (d *deriver) find(path []string) (member, object []spoken, known bool) {
	member = []spoken{{d.unit.root, true}}
	for i, name := range path {
		if k := d.typesOf(member); k&objects == 0 {
			what := "The object is"
			if i > 0 {
				what = fmt.Sprintf("%q is", strings.Join(path[:i], "."))
			}
			d.complain("Not an object", "%s %s here, so it has no member %q%s.", what, k, name, d.here(nil))
			return nil, nil, false
		}
		object = d.said(member)
		member = d.property(object, name)
		if len(member) > 0 {
			continue
		}
		names, listed := named(object)
		if !listed {
			return nil, nil, true
		}
		there := "; it has none"
		if len(names) > 0 {
			const most = 20
			there = "; there are " + strings.Join(names[:min(most, len(names))], ", ")
			if len(names) > most {
				there += "…"
			}
		}
		d.complain("Unknown member", "There is no member %q%s at this point%s.%s", name, d.here(path[:i]), there, diagnostic.DidYouMean(name, names))
		return nil, nil, false
	}
	return member, object, true
}

// vacant says whether nothing is at path yet, and complains otherwise. The objects on the way need not be there.
func (d *deriver) vacant(path []string) bool {
	here := []spoken{{d.unit.root, true}}
	for i, name := range path {
		if k := d.typesOf(here); k&objects == 0 {
			d.complain("Not an object", "%q is %s here, so it has no member %q%s.", strings.Join(path[:i], "."), k, name, d.here(nil))
			return false
		}
		if here = d.property(d.said(here), name); len(here) == 0 {
			return true
		}
	}
	d.complain("Member is there already", "There is a member %q%s already, in the newer shape, so that the older member of this name could not be told from it.",
		path[len(path)-1], d.here(path[:len(path)-1]))
	return false
}

// alter alters what is surely said of the objects at path, or all that is said of them.
func (d *deriver) alter(path []string, all bool, f func(s *node, sure bool) *node) {
	d.unit.root = d.at(d.unit.root, path, all, f)
}

// object collects what is said of the objects at path.
func (d *deriver) object(path []string) []spoken {
	here := d.said([]spoken{{d.unit.root, true}})
	for _, name := range path {
		here = d.said(d.property(here, name))
	}
	return here
}
