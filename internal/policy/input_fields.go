package policy

import (
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// fields is the header as Envoy tells of it: one string for each name, and among them what HTTP/2 writes before the
// fields.
type fields struct {
	*cut
	pseudo []pseudoField // those that are reached
}

type pseudoField struct {
	key   *ast.Term
	value joined
}

func newFields(c *cut) fields {
	f := fields{cut: c}
	for _, p := range []pseudoField{
		{ast.StringTerm(":authority"), authority},
		{ast.StringTerm(":method"), func(x *exchange.Exchange) [3]string { return [3]string{x.Method} }},
		{ast.StringTerm(":path"), target},
		{ast.StringTerm(":scheme"), func(x *exchange.Exchange) [3]string { return [3]string{x.Scheme} }},
	} {
		if c.at(string(p.key.Value.(ast.String))) != nil {
			f.pseudo = append(f.pseudo, p)
		}
	}
	return f
}

// separator is what stands between the values of a field that was sent more than once. The lines of Cookie are pieces of
// one (RFC 9113, section 8.2.3).
func separator(field string) string {
	if field == "Cookie" {
		return "; "
	}
	return ","
}

func (f fields) build(m *maker) (ast.Value, error) {
	size := len(f.pseudo) + len(f.members)
	if f.whole {
		size = len(f.pseudo) + len(m.x.Header)
	}
	var room [roomForMembers][2]*ast.Term
	members := roomFor(room[:], size)
	for _, p := range f.pseudo {
		v, err := p.value.build(m)
		if err != nil {
			return nil, err
		}
		members = append(members, [2]*ast.Term{p.key, m.term(v)})
	}
	if !f.whole {
		for i := range f.members {
			if values, ok := f.get(m.x, i); ok {
				members = append(members, [2]*ast.Term{f.members[i].key, m.term(ast.String(strings.Join(values, separator(f.members[i].field))))})
			}
		}
		return ast.NewObject(members...), nil
	}
	for field, values := range m.x.Header {
		if canonical(field) {
			members = append(members, [2]*ast.Term{m.term(ast.String(strings.ToLower(field))), m.term(ast.String(strings.Join(values, separator(field))))})
		}
	}
	return ast.NewObject(members...), nil
}

func (f fields) get(x *exchange.Exchange, i int) (values []string, ok bool) {
	if f.members[i].field == "" {
		return nil, false
	}
	values, ok = x.Header[f.members[i].field]
	return values, ok
}

func (f fields) key(x *exchange.Exchange, now time.Time, b []byte) ([]byte, bool) {
	for _, p := range f.pseudo {
		b, _ = p.value.key(x, now, b) // which cannot fail
	}
	if !f.whole {
		for i := range f.members {
			if values, ok := f.get(x, i); ok {
				b = appendJoined(b, values, separator(f.members[i].field))
			} else {
				b = append(b, tagNone)
			}
		}
		return b, true
	}
	var room [roomForNames]string
	for _, field := range sortedNames(room[:0], x.Header) {
		if canonical(field) {
			b = appendJoined(appendText(b, field), x.Header[field], separator(field))
		}
	}
	return append(b, tagNone), true
}

func appendJoined(b []byte, values []string, separator string) []byte {
	n := 0
	for i, v := range values {
		if i > 0 {
			n += len(separator)
		}
		n += len(v)
	}
	b = appendCount(b, tagString, n)
	for i, v := range values {
		if i > 0 {
			b = append(b, separator...)
		}
		b = append(b, v...)
	}
	return b
}
