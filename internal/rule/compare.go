package rule

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// equal says whether two values are the same; those of different kinds never are.
func (r *run) equal(a, b value) bool {
	if a.kind != b.kind {
		return false
	}
	switch a.kind {
	case aTruth, aDuration:
		return a.n == b.n
	case aTime:
		return a.n == b.n && a.exp == b.exp
	case aNumber:
		return sameNumber(a, b)
	case aText:
		return a.s == b.s
	case aList:
		return r.sameList(a, b)
	case anObject:
		return r.sameObject(a, b)
	}
	return true
}

func (r *run) sameList(a, b value) bool {
	if r.length(a) != r.length(b) {
		return false
	}
	others := make([]value, 0, 8)
	r.each(b, func(_ int, item value) bool {
		r.keep(1)
		others = append(others, item)
		return true
	})
	same := true
	r.each(a, func(i int, item value) bool {
		same = r.equal(item, others[i])
		return same
	})
	return same
}

func (r *run) sameObject(a, b value) bool {
	if r.length(a) != r.length(b) {
		return false
	}
	same := true
	r.eachMember(a, func(name string, member value) {
		if !same {
			return
		}
		other, ok := r.find(&b, name)
		same = ok && r.equal(member, other)
	})
	return same
}

// compare orders two values; only numbers, strings, times and durations have an order, each among themselves.
func compare(a, b value, at file.Location) int {
	if a.kind == b.kind {
		switch a.kind {
		case aNumber:
			return compareNumbers(a, b)
		case aText:
			return strings.Compare(a.s, b.s)
		case aDuration:
			return compareInts(a.n, b.n)
		case aTime:
			if a.n == b.n {
				return compareInts(int64(a.exp), int64(b.exp))
			}
			return compareInts(a.n, b.n)
		}
	}
	panic(&fault{at, fmt.Errorf("%s and %s have no order", a.kind, b.kind)})
}

// holds says whether a list has a member, or an object a name.
func (r *run) holds(container, v value, at file.Location) bool {
	switch container.kind {
	case aNull:
		return false
	case aList:
		found := false
		r.each(container, func(_ int, item value) bool {
			found = r.equal(item, v)
			return !found
		})
		return found
	case anObject:
		if v.kind == aText {
			_, ok := r.find(&container, v.s)
			return ok
		}
		return false
	}
	panic(&fault{at, fmt.Errorf("%s has no members to be in", container.kind)})
}

// membership is a constant right side of in, looked up at once.
type membership struct {
	few      []string            // its texts, as long as comparing each is faster than a map
	texts    map[string]struct{} // its texts, where there are more
	numbers  map[numeral]struct{}
	long     []value // numbers that do not fit
	truths   [2]bool // false, true
	null     bool
	from, to int64 // a range, if ranged
	ranged   bool
}

// numeral is a number that fits, in its one form.
type numeral struct {
	n   int64
	exp int32
}

func (c *compiler) constantSet(n ast.Node) (*membership, bool) {
	switch n := n.(type) {
	case *ast.BinaryNode:
		from, ok1 := integer(n.Left)
		to, ok2 := integer(n.Right)
		return &membership{from: int64(from), to: int64(to), ranged: true}, n.Operator == ".." && ok1 && ok2
	case *ast.ArrayNode:
		m := &membership{texts: map[string]struct{}{}, numbers: map[numeral]struct{}{}}
		for _, e := range n.Nodes {
			v, ok := c.constant(e)
			if !ok {
				return nil, false
			}
			switch v.kind {
			case aText:
				m.texts[v.s] = struct{}{}
				m.few = append(m.few, v.s)
			case aTruth:
				m.truths[v.n] = true
			case aNull:
				m.null = true
			case aNumber:
				if v.ref != nil {
					m.long = append(m.long, v)
				} else {
					m.numbers[numeral{v.n, v.exp}] = struct{}{}
				}
			}
		}
		if len(m.few) <= fewTexts {
			m.texts = nil
		}
		return m, true
	}
	return nil, false
}

// fewTexts is up to how many texts comparing each is faster than a map.
const fewTexts = 8

func (m *membership) has(v value) (ok bool) {
	switch v.kind {
	case aText:
		return m.hasText(v.s)
	case aNumber:
		if v.ref == nil {
			_, ok = m.numbers[numeral{v.n, v.exp}]
			return ok
		}
		for _, l := range m.long {
			ok = ok || sameNumber(l, v)
		}
	case aTruth:
		return m.truths[v.n]
	case aNull:
		return m.null
	}
	return ok
}

func (m *membership) hasText(s string) (ok bool) {
	if m.texts == nil {
		return slices.Contains(m.few, s)
	}
	_, ok = m.texts[s]
	return ok
}

// each visits the members of a list until it is told to stop, and spends a little for each, so that no walk outlasts the
// time of an expression.
func (r *run) each(list value, visit func(i int, item value) bool) {
	if list.kind == aList && list.n > 0 {
		r.eachNode(int(list.n)-1, visit)
		return
	}
	switch ref := list.ref.(type) {
	case []value:
		for i, item := range ref {
			if r.spend(1); !visit(i, item) {
				return
			}
		}
	case []any:
		for i, item := range ref {
			if r.spend(1); !visit(i, fromAny(item)) {
				return
			}
		}
	case []string:
		for i, item := range ref {
			if r.spend(1); !visit(i, textValue(item)) {
				return
			}
		}
	case interval:
		for n := ref.from; n <= ref.to; n++ {
			if r.spend(1); !visit(int(n-ref.from), whole(n)) {
				return
			}
		}
	case nil:
		r.eachSpan(bytesOf(list.s), visit)
	}
}

func (r *run) eachNode(list int, visit func(i int, item value) bool) {
	stop := r.index.Next(list)
	for i, node := 0, list+1; node < stop; i++ {
		if r.spend(1); !visit(i, r.fromIndex(node)) {
			return
		}
		node = r.index.Next(node)
	}
}

func (r *run) eachSpan(raw []byte, visit func(i int, item value) bool) {
	if len(raw) == 0 {
		return
	}
	for i, at := 0, jsonspan.Space(raw, 1); at < len(raw) && raw[at] != ']'; i++ {
		end := jsonspan.Value(raw, at)
		if end < 0 {
			return
		}
		if r.spend(1 + (end-at)/bytesPerStep); !visit(i, r.fromJSON(raw[at:end])) {
			return
		}
		if at = jsonspan.Space(raw, end); at < len(raw) && raw[at] == ',' {
			at = jsonspan.Space(raw, at+1)
		}
	}
}

// eachMember visits the members of an object: of a body's in their order, of others by their names.
func (r *run) eachMember(object value, visit func(name string, member value)) {
	switch ref := object.ref.(type) {
	case *members:
		for i, name := range ref.names {
			r.spend(1)
			visit(name, ref.values[i])
		}
	case map[string]any:
		for _, name := range sortedNames(ref) {
			r.spend(1)
			visit(name, fromAny(ref[name]))
		}
	case nil:
		for name, member := range jsonspan.Members(bytesOf(object.s)) {
			r.spend(1 + len(member)/bytesPerStep)
			visit(r.unquoted(name), r.fromJSON(member))
		}
	}
}

// find gives a member of an object.
func (r *run) find(object *value, name string) (value, bool) {
	if object.n > 0 {
		if node := r.member(int(object.n)-1, name); node >= 0 {
			return r.fromIndex(node), true
		}
		return value{}, false
	}
	switch ref := object.ref.(type) {
	case *members:
		for i := len(ref.names) - 1; i >= 0; i-- {
			if ref.names[i] == name {
				return ref.values[i], true
			}
		}
		return value{}, false
	case map[string]any:
		v, ok := ref[name]
		return fromAny(v), ok
	}
	r.spend(1 + len(object.s)/bytesPerStep)
	raw, ok := jsonspan.Get(bytesOf(object.s), name)
	if !ok {
		return value{}, false
	}
	return r.fromJSON(raw), true
}

// member gives the node of a member of the object at a node of the body's index; -1 where it has none.
func (r *run) member(object int, name string) int {
	node, looked := r.index.Find(object, name)
	r.spend(1 + looked/namesPerStep)
	return node
}

// length counts the members of a list or an object.
func (r *run) length(v value) int {
	n := 0
	switch ref := v.ref.(type) {
	case []value:
		return len(ref)
	case []any:
		return len(ref)
	case []string:
		return len(ref)
	case interval:
		return int(ref.to - ref.from + 1)
	case *members:
		return len(ref.names)
	case map[string]any:
		return len(ref)
	case *big.Int:
		return 0
	}
	if v.n > 0 {
		return r.index.Count(int(v.n) - 1)
	}
	raw := bytesOf(v.s)
	r.spend(1 + len(raw)/bytesPerStep)
	if v.kind == aList {
		for range jsonspan.Items(raw) {
			n++
		}
		return n
	}
	for range jsonspan.Members(raw) {
		n++
	}
	return n
}

// item gives a member of a list by its index; false where it has none.
func (r *run) item(list value, i int64) (found value, ok bool) {
	switch ref := list.ref.(type) {
	case []value:
		if i >= 0 && i < int64(len(ref)) {
			return ref[i], true
		}
		return value{}, false
	case interval:
		if i >= 0 && i <= ref.to-ref.from {
			return whole(ref.from + i), true
		}
		return value{}, false
	}
	if i < 0 {
		return value{}, false
	}
	r.each(list, func(at int, item value) bool {
		if int64(at) == i {
			found, ok = item, true
		}
		return !ok
	})
	return found, ok
}
