package schema

// combines says whether n holds a value against other schemas, too.
func (n *node) combines() bool {
	return n.ref != nil || n.all != nil || n.any != nil || n.one != nil || n.not != nil || n.check != nil || n.dynamic != nil ||
		n.object != nil && n.object.implies != nil
}

// combine holds the value at i against the schemas that n names for the same value. It gives the value's end, or 0.
func (e *evaluator) combine(n *node, i int, evaluated region) (end int, ok bool) {
	ok = true
	also := func(other *node) bool {
		to, good := e.beside(other, i, evaluated)
		end, ok = max(end, to), ok && good
		return good || e.sink != nil
	}
	if n.ref != nil && !also(n.ref) {
		return end, false
	}
	if n.object != nil && n.object.implies != nil && !e.implied(n.object, i, also) {
		return end, false
	}
	if n.dynamic != nil && !also(e.resolve(n.dynamic)) {
		return end, false
	}
	if n.not != nil && e.quietly(n.not, i, evaluated) && !e.spent && !e.broken {
		if ok = e.refuse("not", about{}); e.sink == nil {
			return end, false
		}
	}
	for _, other := range n.all {
		if !also(other) {
			return end, false
		}
	}
	if n.any != nil && !e.anyOf(n.any, i, evaluated) {
		if ok = false; e.sink == nil {
			return end, false
		}
	}
	if n.one != nil && !e.oneOf(n.one, i, evaluated) {
		if ok = false; e.sink == nil {
			return end, false
		}
	}
	if n.check != nil {
		branch := n.other
		if e.quietly(n.check, i, evaluated) {
			branch = n.then
		}
		if branch != nil && !also(branch) {
			return end, false
		}
	}
	return end, ok
}

// beside holds the value at i against n, and notes what that evaluated if it is valid.
func (e *evaluator) beside(n *node, i int, evaluated region) (end int, ok bool) {
	if !evaluated.wanted() {
		return e.eval(n, i, none)
	}
	mine := e.reserve(64 * evaluated.words)
	if end, ok = e.eval(n, i, mine); ok {
		for k := range mine.words {
			e.words[evaluated.at+k] |= e.words[mine.at+k]
		}
	}
	e.free(mine)
	return end, ok
}

// quietly is beside for a schema that the value need not be valid by, so that nothing is told.
func (e *evaluator) quietly(n *node, i int, evaluated region) bool {
	outer := e.sink
	e.sink = nil
	_, ok := e.beside(n, i, evaluated)
	e.sink = outer
	return ok
}

// attempt is beside for one form of several. What is wrong goes to a sink of its own, if anything is told.
func (e *evaluator) attempt(n *node, i int, evaluated region) (ok bool, wrong *sink) {
	outer := e.sink
	if outer != nil {
		wrong = newSink(len(e.way))
		e.sink = wrong
	}
	_, ok = e.beside(n, i, evaluated)
	e.sink = outer
	return ok, wrong
}

// anyOf tries all forms if it is to be noted what they evaluate.
func (e *evaluator) anyOf(forms []*node, i int, evaluated region) bool {
	matched := false
	var all []*sink
	for _, form := range forms {
		ok, wrong := e.attempt(form, i, evaluated)
		if matched = matched || ok; matched && !evaluated.wanted() || e.spent || e.broken {
			break
		}
		all = append(all, wrong)
	}
	if e.spent || e.broken {
		return false
	}
	if !matched && e.sink != nil {
		e.sink.alternatives(e, "anyOf", all)
	}
	return matched
}

func (e *evaluator) oneOf(forms []*node, i int, evaluated region) bool {
	matched := false
	var all []*sink
	for _, form := range forms {
		if matched {
			if e.quietly(form, i, evaluated) && !e.spent && !e.broken {
				return e.refuse("oneOf", about{words: "matches more than one of the allowed forms"})
			}
			continue
		}
		ok, wrong := e.attempt(form, i, evaluated)
		if e.spent || e.broken {
			return false
		}
		matched = ok
		if !ok && wrong != nil {
			all = append(all, wrong)
		}
	}
	if !matched && e.sink != nil {
		e.sink.alternatives(e, "oneOf", all)
	}
	return matched && !e.spent && !e.broken
}
