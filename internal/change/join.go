package change

import (
	"fmt"
	"maps"
	"slices"
)

// joint is a program in the making that does what another does, and hides something besides. What lies on the way to
// what is hidden is its own copy; all the rest the two share.
type joint struct {
	program *Program
	own     map[*place]bool
	plans   map[*plan]bool
}

// join makes a program of p and the obligations.
func (o *Obligations) join(p *Program) (*Program, error) {
	j := &joint{own: map[*place]bool{}, plans: map[*plan]bool{}}
	j.program = &Program{newest: p, root: p.root, places: slices.Clip(p.places), symbols: p.symbols.clone(), literals: slices.Clip(p.literals)}
	j.program.veils[0] = j.literal(`"` + Mask + `"`)
	j.program.veils[1] = j.literal("null")
	for i := range o.hides {
		h := &o.hides[i]
		root, err := j.insert(j.program.root, h.way, h)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", pointerOf(h.way), err)
		}
		j.program.root = root
		j.program.sifts = j.program.sifts || h.conditions != nil || h.act == gone && h.way[len(h.way)-1] == item
	}
	passable(slices.Collect(maps.Keys(j.own)))
	return j.program, nil
}

func (j *joint) literal(text string) literal {
	p := j.program
	start := len(p.literals)
	p.literals = append(p.literals, text...)
	return literal{int32(start), int32(len(p.literals))}
}

// ours gives a copy of at that may be changed; of nil, a place with nothing to do.
func (j *joint) ours(at *place) *place {
	if at != nil && j.own[at] {
		return at
	}
	to := &place{}
	if at != nil {
		*to = *at
		to.fields = slices.Clone(at.fields)
	}
	to.number = int32(len(j.program.places))
	j.program.places = append(j.program.places, to)
	j.own[to] = true
	return to
}

// insert notes below at, which may be nil, what is hidden, and gives the place that takes at's place.
func (j *joint) insert(at *place, way []string, h *hide) (*place, error) {
	at = j.ours(at)
	if len(way) == 0 {
		at.act = max(at.act, h.act)
		for _, c := range h.conditions {
			at.conditions = append(slices.Clip(at.conditions), test{j.program.symbols.internAll(c.way), c.key})
		}
		return at, nil
	}
	var err error
	switch list := at.items != nil; {
	case list != (way[0] == item) && !at.idle():
		return nil, errBoth
	case way[0] == item:
		at.items, err = j.insert(at.items, way[1:], h)
	case at.plan != nil:
		// The object at hand has the newest shape only before its operations, as what it holds.
		if !j.plans[at.plan] {
			copied := *at.plan
			at.plan = &copied
			j.plans[at.plan] = true
		}
		at.plan.held, err = j.insert(at.plan.held, way, h)
	default:
		sym := j.program.symbols.intern(way[0])
		i := slices.IndexFunc(at.fields, func(f field) bool { return f.sym == sym })
		if i < 0 {
			i = len(at.fields)
			at.fields = append(at.fields, field{sym: sym})
		}
		at.fields[i].place, err = j.insert(at.fields[i].place, way[1:], h)
	}
	return at, err
}

var errBoth = fmt.Errorf("what it leads through is an object for one and a list for another")

// clone gives symbols to which others may be added.
func (s *symbols) clone() symbols {
	to := *s
	to.names, to.quoted, to.next = slices.Clip(s.names), slices.Clip(s.quoted), slices.Clip(s.next)
	return to
}
