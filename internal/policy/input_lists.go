package policy

import (
	"net/http"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"golang.org/x/net/http/httpguts"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// headerField spells the header field that input calls name as an exchange does; "" where no field can be called so:
// input has names in lower case only.
func headerField(name string) string {
	if field := http.CanonicalHeaderKey(name); canonical(field) && strings.ToLower(field) == name {
		return field
	}
	return ""
}

// canonical says whether a header field is called as all are that arrive. Only a mistake in a handler before the
// gateway can bring about another, which no policy could name, so input has none such.
func canonical(field string) bool {
	first := true
	for i := range len(field) {
		c := field[i]
		if !httpguts.IsTokenRune(rune(c)) || first && 'a' <= c && c <= 'z' || !first && 'A' <= c && c <= 'Z' {
			return false
		}
		first = c == '-'
	}
	return field != ""
}

// lists is an object of lists of strings: a query, or a header.
type lists struct {
	*cut
	of     func(*exchange.Exchange) map[string][]string
	header bool
}

func (l lists) build(m *maker) (ast.Value, error) {
	from := l.of(m.x)
	if !l.whole {
		var room [roomForMembers][2]*ast.Term
		members := roomFor(room[:], len(l.members))
		for i := range l.members {
			if values, ok := l.get(from, i); ok {
				members = append(members, [2]*ast.Term{l.members[i].key, m.term(m.array(values))})
			}
		}
		return ast.NewObject(members...), nil
	}
	var room [roomForMembers][2]*ast.Term
	members := roomFor(room[:], len(from))
	for name, values := range from {
		if l.header {
			if !canonical(name) {
				continue
			}
			name = strings.ToLower(name)
		}
		members = append(members, [2]*ast.Term{m.term(ast.String(name)), m.term(m.array(values))})
	}
	return ast.NewObject(members...), nil
}

// get gives the list at the i-th member.
func (l lists) get(from map[string][]string, i int) (values []string, ok bool) {
	name := l.members[i].name
	if l.header {
		if name = l.members[i].field; name == "" {
			return nil, false
		}
	}
	values, ok = from[name]
	return values, ok
}

func (l lists) key(x *exchange.Exchange, _ time.Time, b []byte) ([]byte, bool) {
	from := l.of(x)
	if !l.whole {
		for i := range l.members {
			if values, ok := l.get(from, i); ok {
				b = appendTexts(b, values)
			} else {
				b = append(b, tagNone)
			}
		}
		return b, true
	}
	var room [roomForNames]string
	for _, name := range sortedNames(room[:0], from) {
		if l.header && !canonical(name) {
			continue
		}
		b = appendTexts(appendText(b, name), from[name])
	}
	return append(b, tagNone), true
}

// parameters are the variables of the route's pattern.
type parameters struct{ *cut }

func (p parameters) build(m *maker) (ast.Value, error) {
	var room [roomForMembers][2]*ast.Term
	members := roomFor(room[:], len(m.x.Parameters))
	for i := range m.x.Parameters {
		if v := &m.x.Parameters[i]; p.at(v.Name) != nil {
			members = append(members, [2]*ast.Term{m.term(ast.String(v.Name)), m.term(ast.String(v.Value))})
		}
	}
	return ast.NewObject(members...), nil
}

func (p parameters) key(x *exchange.Exchange, _ time.Time, b []byte) ([]byte, bool) {
	if !p.whole { // the members are in order, and named once in a pattern
		for i := range p.members {
			for j := range x.Parameters {
				if v := &x.Parameters[j]; v.Name == p.members[i].name {
					b = appendText(appendText(b, v.Name), v.Value)
					break
				}
			}
		}
		return append(b, tagNone), true
	}
	// In the order of their names. A pattern has a handful, so looking for the next one costs less than sorting.
	for last, n := "", 0; n < len(x.Parameters); n++ {
		next := -1
		for i := range x.Parameters {
			if name := x.Parameters[i].Name; (n == 0 || name > last) && (next < 0 || name < x.Parameters[next].Name) {
				next = i
			}
		}
		if next < 0 {
			break
		}
		v := &x.Parameters[next]
		last = v.Name
		b = appendText(appendText(b, last), v.Value)
	}
	return append(b, tagNone), true
}
