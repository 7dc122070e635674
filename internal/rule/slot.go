package rule

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/types"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// slot is one thing an expression names of the request, looked up when it is first needed and then kept for the rest
// of the evaluation.
type slot struct {
	root  Roots
	path  []step   // of the body or the claims
	names []string // the path's names

	// numeric says that some name of the path would be an index, which lists have no members by: body.lines["0"].
	numeric bool
	name    string // of a parameter or header field
	list    bool   // all values instead of one
	empty   bool   // a declared list, which is empty where it is absent
	fact    *fact
	typ     types.Type
	uses    int                     // how often the expression names it
	get     func(*run, *slot) value // panics with an error where there is no answer
}

func (s slot) same(o slot) bool {
	return s.root == o.root && s.name == o.name && s.list == o.list && s.fact == o.fact && slices.EqualFunc(s.path, o.path, step.same)
}

const slotPrefix = "slot " // the space keeps expressions from naming it

func slotName(i int) string { return slotPrefix + strconv.Itoa(i) }

func slotOf(name string) (int, bool) {
	number, ok := strings.CutPrefix(name, slotPrefix)
	i, err := strconv.Atoi(number)
	return i, ok && err == nil
}

// written is the name as an expression writes it.
func (s *slot) written(steps int) string {
	var b strings.Builder
	for _, r := range roots {
		if r.root == s.root {
			b.WriteString(r.name)
		}
	}
	for _, p := range s.path[:steps] {
		b.WriteString("." + p.name)
	}
	return b.String()
}

var (
	errNotJSON   = errors.New("the request has no body that was read as JSON")
	errAnonymous = absence("the request has no consumer")
	null         = []byte("null")
)

// ErrAbsent is what a Failure wraps if all that was wrong is that the caller is anonymous, or that its claims lack an
// object that the expression names a member of.
var ErrAbsent = errors.New("absent")

// absence says what is absent.
type absence string

func (a absence) Error() string { return string(a) }

// Is says that every absence is an ErrAbsent.
func (absence) Is(target error) bool { return target == ErrAbsent }

// bodyMember reads one leaf of the body. A missing last member is null; a missing object on the way is a failure,
// unless ?. allows for it.
func bodyMember(r *run, s *slot) value {
	body := &r.x.Body
	if !body.Read || !body.Valid {
		panic(errNotJSON)
	}
	if r.index != nil {
		return r.indexedMember(s)
	}
	r.spend(len(body.Bytes) / bytesPerStep)
	raw, ok := jsonspan.Get(body.Bytes, s.names...)
	if !ok || s.numeric {
		if v, missing := missingMember(body.Bytes, s); missing || !ok {
			return v
		}
	}
	return r.fromJSON(raw)
}

// indexedMember is bodyMember by the body's index.
func (r *run) indexedMember(s *slot) value {
	node := 0
	for i, name := range s.names {
		if node < 0 || r.index.First(node) != '{' {
			return notThere(s, i, node < 0 || r.index.First(node) == 'n')
		}
		node = r.member(node, name)
	}
	if node < 0 {
		return value{}
	}
	return r.fromIndex(node)
}

// missingMember gives what a path ends in before its last member, if it does.
func missingMember(doc []byte, s *slot) (v value, missing bool) {
	for i := range s.path {
		raw, ok := jsonspan.Get(doc, s.names[:i]...)
		if !ok || len(raw) == 0 || raw[0] != '{' {
			return notThere(s, i, !ok || bytes.Equal(raw, null)), true
		}
	}
	return value{}, false
}

// notThere is what a path into the body ends in where what the i-th step is to be a member of is no object: null if it is
// missing, or null itself, and the step allows for it; otherwise a failure.
func notThere(s *slot, i int, missing bool) value {
	switch {
	case !missing:
		panic(fmt.Errorf("%s is not an object, so it has no member %s", s.written(i), s.names[i]))
	case !s.path[i].optional:
		panic(fmt.Errorf("%s is missing, so it has no member %s", s.written(i), s.names[i]))
	}
	return value{}
}

// claim reads the claims as bodyMember reads the body.
func claim(r *run, s *slot) value {
	c := r.x.Consumer
	if c == nil {
		panic(errAnonymous)
	}
	var v any = c.Claims
	for i, p := range s.path {
		if v == nil {
			if p.optional {
				return value{}
			}
			panic(absence(fmt.Sprintf("%s is missing, so it has no member %s", s.written(i), p.name)))
		}
		object, ok := v.(map[string]any)
		if !ok {
			panic(fmt.Errorf("%s is not an object, so it has no member %s", s.written(i), p.name))
		}
		v = object[p.name]
	}
	return fromAny(v)
}

func queryParameter(r *run, s *slot) value {
	values := r.x.Query.Values()[s.name]
	switch {
	case s.list:
		return value{kind: aList, ref: values}
	case len(values) == 0:
		return value{}
	case len(values) > 1:
		panic(fmt.Errorf("query parameter %s was sent %d times", s.name, len(values)))
	}
	return textValue(values[0])
}

func headerField(r *run, s *slot) value {
	lines := r.x.Header[s.name]
	switch {
	case s.list:
		return value{kind: aList, ref: lines}
	case len(lines) == 0:
		return value{}
	case len(lines) == 1:
		return textValue(lines[0])
	}
	return textValue(strings.Join(lines, ", "))
}

func pathParameter(r *run, s *slot) value {
	for i := range r.x.Parameters {
		if r.x.Parameters[i].Name == s.name {
			return textValue(r.x.Parameters[i].Value)
		}
	}
	panic(fmt.Errorf("the route has no parameter %s", s.name))
}

func consumerPresence(r *run, _ *slot) value {
	if r.x.Consumer == nil {
		return value{}
	}
	return truthValue(true)
}

func factOf(r *run, s *slot) value {
	if s.root == Consumer && r.x.Consumer == nil {
		if s.path[0].optional {
			return value{}
		}
		panic(errAnonymous)
	}
	switch {
	case s.fact.list != nil:
		return value{kind: aList, ref: s.fact.list(r.x)}
	case s.fact.number != nil:
		return whole(int64(s.fact.number(r.x)))
	}
	return textValue(s.fact.text(r.x))
}
