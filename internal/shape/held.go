package shape

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/diagnostic"
)

// held is a part of a schema as an object: one and the same part may stand where an object is held and where none is.
type held struct {
	part   *unit
	object string
}

// placer finds the places where objects hold others, and makes them units of their own that the changes of what is
// held are undone in. A place that refers to the held object's own schema refers to the object from then on.
type placer struct {
	d    *deriver
	b    *bundler
	made map[held]*unit
	ways []way
}

// way is the way to what a unit holds.
type way struct {
	unit  *unit
	steps []string
	held  string
}

// place makes all of them. Units are found on the way, and each part is made a unit of an object but once, so it ends
// for objects that hold themselves too.
func (p *placer) place() {
	for i := 0; i < len(p.d.units); i++ {
		u := p.d.units[i]
		o := p.d.objects[u.object]
		if o == nil {
			continue
		}
		for k := range o.Holds {
			h := &o.Holds[k]
			steps, ok := h.Steps()
			if !ok || p.d.objects[h.Object] == nil {
				continue
			}
			p.look(u, h, steps)
			p.ways = append(p.ways, way{u, steps, h.Object})
			u.root = p.along(u.root, steps, func(s *node) *node { return p.install(u, h, s) }, nil)
		}
	}
}

// look complains of a place that the schema does not have: what lies elsewhere would go its way unchanged.
func (p *placer) look(u *unit, h *change.Held, steps []string) {
	wrong := func(detail string, args ...any) {
		says := fmt.Sprintf("Object %q holds object %q at %q, but ", u.object, h.Object, h.Path)
		p.d.tell(hcl.DiagError, h.Range, "No place for an object", says+fmt.Sprintf(detail, args...))
	}
	at, so := []spoken{{u.root, true}}, "" // what is said of the value so far on the way, and the way
	for _, name := range steps {
		k := p.d.typesOf(at)
		at = p.d.said(at)
		if name == "" {
			if k&arrays == 0 {
				wrong("the schema has %q %s, no list.", so, k)
				return
			}
			so += "[*]"
			var items []spoken
			for _, s := range at {
				if sub := s.get("items"); sub != nil {
					items = append(items, spoken{sub, s.sure})
				}
				if len(listOf(s.node, "prefixItems")) > 0 {
					return // each item has a schema of its own
				}
			}
			at = items
			continue
		}
		if k&objects == 0 {
			what := "the object"
			if so != "" {
				what = fmt.Sprintf("%q", so)
			}
			wrong("the schema has %s %s, which has no member %q.", what, k, name)
			return
		}
		names, listed := named(at)
		if at = p.d.property(at, name); len(at) == 0 {
			if listed {
				wrong("the schema has no member %q there; there are %s.%s", name, strings.Join(names, ", "), diagnostic.DidYouMean(name, names))
			}
			return
		}
		if so != "" {
			so += "."
		}
		so += name
	}
	switch k := p.d.typesOf(at); {
	case k&objects != 0:
	case k&arrays != 0:
		wrong("the schema has it %s: an object in each item is at %q.", k, h.Path+"[*]")
	default:
		wrong("the schema has it %s.", k)
	}
}

// along alters the schemas at a place. pass, if not nil, alters those on the way, but not the first.
func (p *placer) along(s *node, steps []string, f, pass func(*node) *node) *node {
	if len(steps) == 0 {
		return f(s)
	}
	next := func(s *node) *node {
		out := p.along(s, steps[1:], f, pass)
		if pass != nil && out.kind == '{' && len(steps) > 1 {
			out = pass(out)
		}
		return out
	}
	return p.d.each(s, true, true, nil, func(s *node, _ bool) *node {
		if steps[0] != "" {
			if sub := s.get("properties").get(steps[0]); sub != nil {
				s = s.with("properties", s.get("properties").with(steps[0], next(sub)))
			}
			return s
		}
		if sub := s.get("items"); sub != nil {
			s = s.with("items", next(sub))
		}
		if subs := s.get("prefixItems"); subs != nil && subs.kind == '[' {
			for i := range subs.parts {
				subs = subs.item(i, next(subs.parts[i]))
			}
			s = s.with("prefixItems", subs)
		}
		return s
	})
}

// install makes the schema at a place a unit of the object that is held there.
func (p *placer) install(holder *unit, h *change.Held, s *node) *node {
	if s.kind != '{' || p.d.types(s)&objects == 0 {
		return s
	}
	to := s.reference()
	switch {
	case to != nil && to.object != "":
		return s // of another place, which this part of the schema is too
	case to != nil && len(s.without("$ref").without(annotations...).names) == 0:
		u := p.made[held{to, h.Object}]
		if u == nil {
			u = &unit{name: p.b.name(to.name), object: h.Object, where: where(holder, h), root: to.root}
			p.made[held{to, h.Object}] = u
			p.d.units = append(p.d.units, u)
		}
		return s.with("$ref", &node{to: u, size: 1})
	case !s.has("properties") && to == nil:
		for _, keyword := range []string{"anyOf", "oneOf"} {
			alternatives := s.get(keyword)
			if alternatives == nil || alternatives.kind != '[' {
				continue
			}
			if only := p.d.only(alternatives.parts); only >= 0 {
				return s.with(keyword, alternatives.item(only, p.install(holder, h, alternatives.parts[only])))
			}
		}
	}
	u := &unit{object: h.Object, where: where(holder, h), inline: true, root: s}
	p.d.units = append(p.d.units, u)
	return refer(u)
}

func where(holder *unit, h *change.Held) string {
	return fmt.Sprintf(", where object %q holds it at %q,", holder.object, h.Path)
}

// forget takes off constants around what is held, where that has changes: they have it in the newest shape.
func (p *placer) forget(versions [][]*change.Change) {
	changed := make(map[string]bool)
	for _, changes := range versions {
		for _, ch := range changes {
			changed[ch.On] = true
		}
	}
	var reaches func(object string, via map[string]bool) bool
	reaches = func(object string, via map[string]bool) bool {
		if changed[object] {
			return true
		}
		via[object] = true
		if o := p.d.objects[object]; o != nil {
			for _, h := range o.Holds {
				if !via[h.Object] && reaches(h.Object, via) {
					return true
				}
			}
		}
		return false
	}
	for _, w := range p.ways {
		if reaches(w.held, make(map[string]bool)) {
			w.unit.root = p.along(w.unit.root, w.steps, func(s *node) *node { return s }, func(s *node) *node { return s.without(exemplary...) })
		}
	}
}
