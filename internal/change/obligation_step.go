package change

import (
	"fmt"
	"strings"
)

// Step is one of several obligations by itself, for an explanation.
type Step struct {
	What  string // drop, mask or filter
	At    string // the JSON pointer, of a filter that of the list
	Where string // of a filter: /owner = "bob"

	alone *Program
}

// Steps are the obligations one by one, in the order in which they are carried out here; all together hide as much in
// any order.
func (o *Obligations) Steps() []Step {
	if o == nil {
		return nil
	}
	steps := make([]Step, 0, len(o.hides))
	for i := range o.hides {
		h := &o.hides[i]
		one := &Obligations{hides: o.hides[i : i+1]}
		alone, err := one.join(&Program{places: make([]*place, 1)})
		if err != nil { // what can be joined to others can be alone
			continue
		}
		s := Step{What: "mask", At: pointerOf(h.way), alone: alone}
		switch {
		case h.conditions != nil:
			s.What, s.At, s.Where = "filter", pointerOf(h.way[:len(h.way)-1]), whereOf(h.conditions)
		case h.act == gone:
			s.What = "drop"
		}
		steps = append(steps, s)
	}
	return steps
}

func whereOf(conditions []condition) string {
	all := make([]string, len(conditions))
	for i, c := range conditions {
		all[i] = fmt.Sprintf("%s = %s", pointerOf(c.way), c.written)
	}
	return strings.Join(all, ", ")
}

// Hide carries the obligation out on a message in the newest shape.
func (s *Step) Hide(doc []byte) ([]byte, error) { return s.alone.Down(doc) }
