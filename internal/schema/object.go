package schema

import (
	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// members holds the object at i against o in one pass over its members.
func (e *evaluator) members(o *object, i int, evaluated region) (end int, ok bool) {
	seen := e.reserve(len(o.names.list))
	defer e.free(seen)
	ok = true
	c, count := e.open(i), 0
	for e.next(&c) {
		if e.sink != nil {
			e.way = append(e.way, jsonspan.Text(e.doc[c.Name:c.NameEnd]))
		}
		good, known := e.member(o, &c, seen)
		if e.sink != nil {
			e.way = e.way[:len(e.way)-1]
		}
		if ok = ok && good; !ok && e.sink == nil {
			return 0, false
		}
		if known && evaluated.wanted() {
			e.set(evaluated, count)
		}
		count++
	}
	if e.breaks(&c) || e.spent {
		return 0, false
	}
	if count < o.min {
		ok = e.refuse("minProperties", about{n: o.min})
	}
	if o.max >= 0 && count > o.max {
		ok = e.refuse("maxProperties", about{n: o.max})
	}
	if !ok && e.sink == nil {
		return c.At, false
	}
	return c.At, e.complete(o, seen) && ok
}

// member holds the member that c found against all that o says of it, and sets c behind it. known says that o evaluates
// it.
func (e *evaluator) member(o *object, c *jsonspan.Cursor, seen region) (ok, known bool) {
	ok = true
	end := 0
	name := e.name(c)
	if len(o.names.list) > 0 {
		if k := o.names.find(name); k >= 0 {
			e.set(seen, k)
			if n := o.members[k]; n != nil {
				known = true
				end, ok = e.eval(n, c.Value, none)
			}
		}
	}
	for k := range o.patterns {
		p := &o.patterns[k]
		if c.Escaped {
			name = e.name(c) // the value may have been a string with escapes, too
		}
		if !e.matches(&p.name, name) {
			continue
		}
		known = true
		to, good := e.eval(p.node, c.Value, none)
		end, ok = max(end, to), ok && good
	}
	if !known && (o.additional != nil || o.closed) {
		known = true
		if o.closed {
			ok = e.refuse("additionalProperties", about{words: "is not a known member"})
		} else {
			var good bool
			end, good = e.eval(o.additional, c.Value, none)
			ok = ok && good
		}
	}
	if o.naming != nil && (ok || e.sink != nil) {
		ok = e.named(o.naming, c) && ok
	}
	if !ok && e.sink == nil {
		return false, known
	}
	if end == 0 {
		end = e.skip(c.Value)
	}
	c.At = end
	return ok, known
}

// named holds the name of the member that c found against n.
func (e *evaluator) named(n *node, c *jsonspan.Cursor) bool {
	outer, way, scopes := e.sink, e.way, e.scopes
	var wrong *sink
	if outer != nil {
		wrong = newSink(0)
	}
	e.sink, e.way, e.scopes = wrong, nil, nil // as the library has it: a name is a document of its own
	_, ok := e.eval(n, c.NameValue(), none)
	e.sink, e.way, e.scopes = outer, way, scopes
	if !ok && outer != nil {
		e.refuse("propertyNames", about{words: "has a name that is not allowed"})
		outer.misnamed(wrong)
	}
	return ok
}

// complete says whether no member is missing.
func (e *evaluator) complete(o *object, seen region) bool {
	ok := e.spend((len(o.required) + len(o.needs)) >> 2)
	for _, k := range o.required {
		if e.has(seen, k) {
			continue
		}
		if ok = false; e.sink == nil || !e.spend(4) {
			return false
		}
		e.sink.add(e.below(o.names.list[k]), "required", "is missing", "")
	}
	for k := range o.needs {
		need := &o.needs[k]
		if !e.has(seen, need.name) {
			continue
		}
		for _, other := range need.others {
			if e.has(seen, other) {
				continue
			}
			if ok = false; e.sink == nil || !e.spend(4) {
				return false
			}
			because := o.names.list[need.name]
			e.sink.add(e.below(o.names.list[other]), need.keyword, Needed(because), pointer(e.below(because)))
		}
	}
	return ok
}

// implied holds the object at i against the schemas that its members ask for.
func (e *evaluator) implied(o *object, i int, also func(*node) bool) bool {
	if typeOf[e.first(i)] != ofObject {
		return true
	}
	for _, of := range o.implies {
		if !e.spend(1) {
			return false
		}
		if e.hasMember(i, o.names.list[of.name]) && !also(of.node) {
			return false
		}
	}
	return true
}

func (e *evaluator) hasMember(i int, name string) bool {
	c := e.open(i)
	for e.next(&c) {
		if string(e.name(&c)) == name {
			return true
		}
		c.At = e.skip(c.Value)
	}
	e.breaks(&c)
	return false
}

// others holds what nothing else evaluated against unevaluatedProperties or unevaluatedItems.
func (e *evaluator) others(n *node, i int, is uint8, evaluated region) (end int, ok bool) {
	ok = true
	c, k := e.open(i), 0
	against := n.otherMembers
	if is == ofArray {
		against = n.otherItems
	}
	for e.next(&c) {
		end := 0
		if !e.has(evaluated, k) {
			var good bool
			if e.sink != nil && is == ofArray {
				e.way = append(e.way, itoa(k))
			} else if e.sink != nil {
				e.way = append(e.way, jsonspan.Text(e.doc[c.Name:c.NameEnd]))
			}
			end, good = e.eval(against, c.Value, none)
			if ok = ok && good; !ok && e.sink == nil {
				return 0, false
			}
			if e.sink != nil {
				e.way = e.way[:len(e.way)-1]
			}
		}
		if end == 0 {
			end = e.skip(c.Value)
		}
		c.At = end
		k++
	}
	return c.At, ok && !e.breaks(&c)
}
