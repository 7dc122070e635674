package rule

import (
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
)

// builtins are the functions of expr-lang that rules may use: those whose work and result are bounded by what they
// are given. The value says whether the second argument is run for each member of a list. reduce, repeat and the like
// are not among them.
var builtins = map[string]struct{ predicate bool }{
	"all": {true}, "any": {true}, "none": {true}, "one": {true}, "filter": {true}, "map": {true}, "count": {true},
	"sum": {}, "len": {}, "abs": {}, "min": {}, "max": {}, "int": {}, "float": {}, "string": {},
	"lower": {}, "upper": {}, "trim": {}, "keys": {}, "values": {},
}

// listOf evaluates what must be a list.
func (r *run) listOf(c code, name string, at file.Location) value {
	v := c(r)
	if v.kind != aList {
		fail(at, "%s takes a list, not %s", name, v.kind)
	}
	return v
}

// condition compiles the second argument of what goes over a list by with; without one, the members themselves must be
// true or false. d is the depth of its rounds.
func (c *compiler) condition(n *ast.BuiltinNode, with func(ast.Node) logic) (l logic, d int) {
	d = c.enter()
	if len(n.Arguments) > 1 {
		l = with(n.Arguments[1].(*ast.PredicateNode).Node)
	} else {
		at := n.Location()
		l = func(r *run) bool { return yes(r.current(d), at) }
	}
	c.depth--
	return l, d
}

// each compiles what a function computes for each member.
func (c *compiler) each(n *ast.BuiltinNode) (v code, d int) {
	d = c.enter()
	v = c.value(n.Arguments[1].(*ast.PredicateNode).Node)
	c.depth--
	return v, d
}

func (c *compiler) enter() int {
	c.depth++
	c.p.rounds = max(c.p.rounds, c.depth)
	return c.depth - 1
}

// quantifier compiles all, any, none and one, their condition by with.
func (c *compiler) quantifier(n *ast.BuiltinNode, with func(ast.Node) logic) logic {
	list, at := c.value(n.Arguments[0]), n.Location()
	holds, d := c.condition(n, with)
	switch name := n.Name; name {
	case "all":
		return func(r *run) bool { return !r.some(r.listOf(list, name, at), d, holds, false) }
	case "any":
		return func(r *run) bool { return r.some(r.listOf(list, name, at), d, holds, true) }
	case "none":
		return func(r *run) bool { return !r.some(r.listOf(list, name, at), d, holds, true) }
	}
	return func(r *run) bool {
		found := 0
		r.each(r.listOf(list, "one", at), func(i int, item value) bool {
			r.rounds[d] = round{index: i, item: item}
			if holds(r) {
				found++
			}
			return found < 2
		})
		return found == 1
	}
}

// some says whether the answer for some member of a list is the one given, and stops there.
func (r *run) some(list value, depth int, holds logic, answer bool) (found bool) {
	at := &r.rounds[depth]
	if list.n == 0 {
		r.each(list, func(i int, item value) bool {
			*at = round{index: i, item: item}
			found = holds(r) == answer
			return !found
		})
		return found
	}
	node := int(list.n)
	for i, stop := 0, r.index.Next(node-1); node < stop; i++ {
		r.spend(1)
		if at.index, at.node = i, node+1; holds(r) == answer {
			return true
		}
		node = r.index.Next(node)
	}
	return false
}

func (c *compiler) builtin(n *ast.BuiltinNode) code {
	at := n.Location()
	switch n.Name {
	case "filter", "count":
		return c.selection(n)
	case "map":
		list := c.value(n.Arguments[0])
		compute, d := c.each(n)
		return func(r *run) value {
			var made []value
			r.each(r.listOf(list, "map", at), func(i int, item value) bool {
				r.rounds[d] = round{index: i, item: item}
				r.keep(1)
				made = append(made, compute(r))
				return true
			})
			return value{kind: aList, ref: made}
		}
	case "sum":
		return c.sum(n)
	case "min", "max":
		return c.extreme(n)
	case "trim":
		if len(n.Arguments) == 2 {
			s, set := c.value(n.Arguments[0]), c.value(n.Arguments[1])
			return func(r *run) value {
				return textValue(strings.Trim(r.string(s(r), "trim", at), r.string(set(r), "trim", at)))
			}
		}
	}
	v, apply := c.value(n.Arguments[0]), unary[n.Name]
	if apply == nil {
		c.mistake(at, "Not supported in a rule", "There is no function %q.", n.Name)
	}
	return func(r *run) value { return apply(r, v(r), at) }
}

// unary are the functions of one value.
var unary = map[string]func(r *run, v value, at file.Location) value{
	"len": func(r *run, v value, at file.Location) value {
		if v.kind != aText && v.kind != aList && v.kind != anObject {
			fail(at, "%s has no length", v.kind)
		}
		return whole(int64(r.size(v)))
	},
	"abs": func(r *run, v value, at file.Location) value {
		r.at = at
		if needNumber(v, "abs", at); compareNumbers(v, whole(0)) < 0 {
			return negated(v)
		}
		return v
	},
	"int":   (*run).integer,
	"float": (*run).float,
	"string": func(r *run, v value, at file.Location) value {
		s, ok := v.written()
		if !ok {
			fail(at, "%s cannot be written as a string", v.kind)
		}
		r.write(len(s))
		return textValue(s)
	},
	"lower": func(r *run, v value, at file.Location) value {
		s := r.string(v, "lower", at)
		r.write(len(s))
		return textValue(strings.ToLower(s))
	},
	"upper": func(r *run, v value, at file.Location) value {
		s := r.string(v, "upper", at)
		r.write(len(s))
		return textValue(strings.ToUpper(s))
	},
	"trim": func(r *run, v value, at file.Location) value {
		return textValue(strings.TrimSpace(r.string(v, "trim", at)))
	},
	"keys": func(r *run, v value, at file.Location) value {
		return r.split(v, at, func(name string, _ value) value { return textValue(name) })
	},
	"values": func(r *run, v value, at file.Location) value {
		return r.split(v, at, func(_ string, member value) value { return member })
	},
}

func needNumber(v value, name string, at file.Location) {
	if v.kind != aNumber {
		fail(at, "%s takes numbers, not %s", name, v.kind)
	}
}

// string takes an argument that must be one.
func (r *run) string(v value, name string, at file.Location) string {
	if v.kind != aText {
		fail(at, "%s takes a string, not %s", name, v.kind)
	}
	r.spend(len(v.s) / bytesPerStep)
	return v.s
}

// integer reads a string, or cuts a number to a whole one. What is not one is not quoted: it may be secret.
func (r *run) integer(v value, at file.Location) value {
	r.at = at
	switch v.kind {
	case aNumber:
		return truncated(v)
	case aText:
		if n, ok := parseNumber(strings.TrimPrefix(v.s, "+")); ok && !strings.ContainsAny(v.s, ".eE") {
			return n
		}
	}
	fail(at, "int was given what is no whole number")
	return value{}
}

func (r *run) float(v value, at file.Location) value {
	r.at = at
	switch v.kind {
	case aNumber:
		return v
	case aText:
		if n, ok := parseNumber(strings.TrimPrefix(v.s, "+")); ok {
			return n
		}
	}
	fail(at, "float was given what is no number")
	return value{}
}

// size is what len says: characters of a string, members of a list or an object.
func (r *run) size(v value) int {
	if v.kind == aText {
		r.spend(len(v.s) / bytesPerStep)
		return utf8.RuneCountInString(v.s)
	}
	return r.length(v)
}

// split makes a list of an object's members, in the order of their names.
func (r *run) split(v value, at file.Location, take func(name string, member value) value) value {
	if v.kind != anObject {
		fail(at, "expected an object, got %s", v.kind)
	}
	var names []string
	named := make(map[string]value)
	r.eachMember(v, func(name string, member value) {
		r.keep(2)
		names, named[name] = append(names, name), take(name, member)
	})
	r.sort(names)
	list := make([]value, len(names))
	for i, name := range names {
		list[i] = named[name]
	}
	return value{kind: aList, ref: list}
}

// selection compiles filter and count.
func (c *compiler) selection(n *ast.BuiltinNode) code {
	list, at, name := c.value(n.Arguments[0]), n.Location(), n.Name
	holds, d := c.condition(n, c.truth)
	if name == "count" {
		return func(r *run) value {
			found := 0
			r.each(r.listOf(list, name, at), func(i int, item value) bool {
				r.rounds[d] = round{index: i, item: item}
				if holds(r) {
					found++
				}
				return true
			})
			return whole(int64(found))
		}
	}
	return func(r *run) value {
		var kept []value
		r.each(r.listOf(list, name, at), func(i int, item value) bool {
			r.rounds[d] = round{index: i, item: item}
			if holds(r) {
				r.keep(1)
				kept = append(kept, item)
			}
			return true
		})
		return value{kind: aList, ref: kept}
	}
}

func (c *compiler) sum(n *ast.BuiltinNode) code {
	list, at := c.value(n.Arguments[0]), n.Location()
	var compute code
	d := 0
	if len(n.Arguments) > 1 {
		compute, d = c.each(n)
	}
	return func(r *run) value {
		total := whole(0)
		r.each(r.listOf(list, "sum", at), func(i int, item value) bool {
			if compute != nil {
				r.rounds[d] = round{index: i, item: item}
				item = compute(r)
			}
			needNumber(item, "sum", at)
			r.at = at
			total = sum(total, item)
			return true
		})
		return total
	}
}

// extreme compiles min and max, of numbers and of lists of numbers.
func (c *compiler) extreme(n *ast.BuiltinNode) code {
	at, name, sign := n.Location(), n.Name, 1
	if name == "min" {
		sign = -1
	}
	var arguments []code
	for _, a := range n.Arguments {
		arguments = append(arguments, c.value(a))
	}
	return func(r *run) value {
		var best value
		consider := func(_ int, v value) bool {
			needNumber(v, name, at)
			if best.kind == aNull || compareNumbers(v, best)*sign > 0 {
				best = v
			}
			return true
		}
		for _, a := range arguments {
			if v := a(r); v.kind == aList {
				r.each(v, consider)
			} else {
				consider(0, v)
			}
		}
		if best.kind == aNull {
			fail(at, "%s was given no number", name)
		}
		return best
	}
}
