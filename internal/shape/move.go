package shape

import "slices"

// move undoes that the member at old went to new.
func (d *deriver) move(old, new []string) {
	member, around, known := d.find(new)
	if !known || !d.vacant(old) {
		return
	}
	shared := 0 // names in common: the object there keeps the member, wherever in it
	for shared < min(len(old), len(new))-1 && old[shared] == new[shared] {
		shared++
	}
	if len(old) == len(new) && shared == len(old)-1 {
		d.rename(old[:shared], old[shared], new[shared])
		return
	}
	var after []pair
	required := requires(around, new[len(new)-1])
	for k := shared + 1; required && k < len(new); k++ {
		required = requires(d.object(new[:k-1]), new[k-1]) && d.typesOf(d.memberOf(new[:k])) == objects
	}
	if around != nil {
		after = d.takeOut(old, new, shared)
	}
	d.putIn(old, new[shared], shared, together(member), required)
	d.depend(old[:shared], after)
}

// memberOf is what is said of the member at path, the object itself where that is empty.
func (d *deriver) memberOf(path []string) []spoken {
	here := []spoken{{d.unit.root, true}}
	for _, name := range path {
		here = d.property(d.said(here), name)
	}
	return here
}

// together is a schema that says all that is surely said of a value.
func together(parts []spoken) *node {
	var sure []*node
	for _, p := range parts {
		if p.sure && p.node != anything {
			sure = append(sure, p.node)
		}
	}
	switch len(sure) {
	case 0:
		return anything
	case 1:
		return sure[0]
	}
	return object("allOf", list(sure...))
}

// pair says that where one member is, another must be.
type pair struct{ one, other string }

// takeOut takes the member at new off, and the objects around it that are left without members, as messages do. The
// pairs hold for the object that both paths lead through, where old leads to a member of it.
func (d *deriver) takeOut(old, new []string, shared int) []pair {
	leaf := len(new) - 1
	needed := requires(d.object(new[:leaf]), new[leaf])
	d.remove(new[:leaf], new[leaf])
	for k := leaf; k > shared; k-- {
		parent, name := new[:k-1], new[k-1]
		inside, around := d.object(new[:k]), d.object(parent)
		optional := !requires(around, name)
		var pairs []pair
		if len(old) == shared+1 && len(new) == shared+2 {
			pairs = dependents(around, name)
		}
		names, _ := named(inside)
		if len(names) == 0 && (d.typesOf(d.memberOf(new[:k])) == objects && closed(inside) || !closed(around)) {
			d.remove(parent, name)
			for i, p := range pairs { // it was there exactly where this last member is
				pairs[i] = pair{instead(p.one, name, old[shared]), instead(p.other, name, old[shared])}
			}
			if k == shared+1 {
				return pairs
			}
			continue
		}
		filled := slices.ContainsFunc(inside, func(s spoken) bool { return s.sure && len(s.get("required").words()) > 0 })
		if !filled && needed && k == leaf { // nobody had it empty
			d.fill(new[:k])
		}
		if !filled {
			d.relax(parent, gone, name)
			d.alter(parent, false, func(s *node, _ bool) *node { return unrequired(s, name) })
			for i, p := range pairs {
				pairs[i].other = instead(p.other, name, old[shared])
			}
			if !needed {
				pairs = slices.DeleteFunc(pairs, func(p pair) bool { return p.other == old[shared] })
			}
		} else if len(old) == shared+1 && len(new) == shared+2 && optional {
			pairs = append(pairs, pair{old[shared], name})
		}
		if len(old) == shared+1 && len(new) == shared+2 && optional && needed {
			pairs = append(pairs, pair{name, old[shared]})
		}
		if filled || k == shared+1 {
			return pairs
		}
	}
	return nil
}

func instead(word, of, other string) string {
	if word == of {
		return other
	}
	return word
}

// dependents gives the pairs that a name is in.
func dependents(of []spoken, name string) []pair {
	var pairs []pair
	for _, s := range of {
		r := s.get("dependentRequired")
		if r == nil || !s.sure || r.kind != '{' {
			continue
		}
		for i, one := range r.names {
			for _, other := range r.parts[i].words() {
				if one == name || other == name {
					pairs = append(pairs, pair{one, other})
				}
			}
		}
	}
	return pairs
}

// depend says of the objects at path which members need others.
func (d *deriver) depend(path []string, pairs []pair) {
	done := len(pairs) == 0
	d.alter(path, false, func(s *node, _ bool) *node {
		if done {
			return s
		}
		done = true
		r := s.get("dependentRequired")
		if r == nil {
			r = empty
		}
		for _, p := range pairs {
			words := r.get(p.one).words()
			if p.one != p.other && !slices.Contains(words, p.other) {
				r = r.with(p.one, texts(append(words, p.other)))
			}
		}
		if len(r.names) == 0 {
			return s
		}
		return s.with("dependentRequired", r)
	})
}

// putIn makes value the member at old, behind another member of the object that both ways have in common. Objects
// missing on the way are made.
func (d *deriver) putIn(old []string, behind string, shared int, value *node, required bool) {
	last := len(old) - 1
	for k := shared; ; k++ {
		parent, name := old[:k], old[k]
		here := d.object(parent)
		if k < last && len(d.property(here, name)) > 0 {
			// It may be there for this member alone now, without those it must have had.
			alone := !requires(here, name)
			if alone {
				d.loosen(old[:k+1], !required)
			}
			if required && alone {
				d.relax(parent, gone, name)
				d.demand(parent, name)
			}
			behind = ""
			continue
		}
		shut := closed(here)
		for i := last; i > k; i-- {
			made := object("type", text("object")).with("properties", object(old[i], value))
			if required {
				made = made.with("required", texts(old[i:i+1]))
			} else {
				made = made.with("minProperties", scalar("1"))
			}
			if shut {
				made = made.with("additionalProperties", nothing)
			}
			value = made
		}
		d.insert(parent, behind, name, value, required)
		return
	}
}

// maxPairs bounds what loosen says of members that need each other; beyond it nothing is said of that.
const maxPairs = 64

// loosen lets the objects at path be there without the members that they must have, for one that is to come; any other
// member still needs those. filled says that they may not be empty.
func (d *deriver) loosen(path []string, filled bool) {
	here := d.object(path)
	var needed []string
	for _, s := range here {
		if s.sure {
			needed = append(needed, s.get("required").words()...)
		}
	}
	if needed == nil {
		return
	}
	d.alter(path, false, func(s *node, _ bool) *node { return s.without("required") })
	names, _ := named(here)
	var pairs []pair
	for _, one := range names {
		for _, other := range needed {
			pairs = append(pairs, pair{one, other})
		}
	}
	if len(pairs) <= maxPairs {
		d.depend(path, pairs)
	}
	if filled {
		d.fill(path)
	}
}

// fill says that the objects at path may not be empty.
func (d *deriver) fill(path []string) {
	done := false
	d.alter(path, false, func(s *node, _ bool) *node {
		if done || !s.has("properties") || s.has("minProperties") {
			return s
		}
		done = true
		return s.with("minProperties", scalar("1"))
	})
}

// demand makes a member one that must be there.
func (d *deriver) demand(parent []string, name string) {
	done := false
	d.alter(parent, false, func(s *node, _ bool) *node {
		if done || !s.get("properties").has(name) {
			return s
		}
		done = true
		return demanded(s, name)
	})
}
