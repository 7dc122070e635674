package policy

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// claims are what a token says.
type claims struct{ *cut }

func (c claims) build(m *maker) (ast.Value, error) {
	if m.x.Consumer.Claims == nil {
		return nil, nil
	}
	v, err := m.json(m.x.Consumer.Claims, c.cut)
	if err != nil {
		return nil, fmt.Errorf("reading claims: %w", err)
	}
	return v, nil
}

func (c claims) key(x *exchange.Exchange, _ time.Time, b []byte) ([]byte, bool) {
	if x.Consumer.Claims == nil {
		return append(b, tagNone), true
	}
	return appendJSON(b, x.Consumer.Claims, c.cut)
}

// json makes the restriction of a decoded JSON value to a cut.
func (m *maker) json(v any, c *cut) (ast.Value, error) {
	switch v := v.(type) {
	case nil:
		return ast.NullValue, nil
	case string:
		return ast.String(v), nil
	case bool:
		return ast.Boolean(v), nil
	case []any:
		terms := make([]*ast.Term, len(v))
		for i := range v {
			item, err := m.json(v[i], everything)
			if err != nil {
				return nil, err
			}
			terms[i] = m.term(item)
		}
		return ast.NewArray(terms...), nil
	case map[string]any:
		return m.members(v, c)
	}
	value, err := ast.InterfaceToValue(v)
	if err != nil {
		return nil, err
	}
	return m.restrict(value, c), nil
}

func (m *maker) members(v map[string]any, c *cut) (ast.Value, error) {
	var room [roomForMembers][2]*ast.Term
	if !c.whole {
		members := roomFor(room[:], len(c.members))
		for i := range c.members {
			inner, ok := v[c.members[i].name]
			if !ok {
				continue
			}
			value, err := m.json(inner, c.members[i].below)
			if err != nil {
				return nil, err
			}
			members = append(members, [2]*ast.Term{c.members[i].key, m.term(value)})
		}
		return ast.NewObject(members...), nil
	}
	members := roomFor(room[:], len(v))
	for name, inner := range v {
		value, err := m.json(inner, everything)
		if err != nil {
			return nil, err
		}
		members = append(members, [2]*ast.Term{m.term(ast.String(name)), m.term(value)})
	}
	return ast.NewObject(members...), nil
}

// restrict does the same with a value that policies compute with.
func (m *maker) restrict(v ast.Value, c *cut) ast.Value {
	from, ok := v.(ast.Object)
	if !ok || c.whole {
		return v
	}
	var room [roomForMembers][2]*ast.Term
	members := roomFor(room[:], len(c.members))
	for i := range c.members {
		if inner := from.Get(c.members[i].key); inner != nil {
			members = append(members, [2]*ast.Term{c.members[i].key, m.term(m.restrict(inner.Value, c.members[i].below))})
		}
	}
	return ast.NewObject(members...)
}

// appendJSON writes the same restriction into a key. Numbers are told apart as they are written, which tells more
// apart than policies can. What is no plain JSON value, as a claim of a type of its own, has no key.
func appendJSON(b []byte, v any, c *cut) ([]byte, bool) {
	switch v := v.(type) {
	case nil:
		return append(b, tagNull), true
	case string:
		return appendText(b, v), true
	case bool:
		if v {
			return append(b, tagTrue), true
		}
		return append(b, tagFalse), true
	case json.Number:
		return append(appendCount(b, tagNumber, len(v)), v...), true
	case float64:
		b, at := begin(b, tagNumber)
		return end(strconv.AppendFloat(b, v, 'g', -1, 64), at), true
	case []any:
		b = appendCount(b, tagArray, len(v))
		for i := range v {
			var ok bool
			if b, ok = appendJSON(b, v[i], everything); !ok {
				return b, false
			}
		}
		return b, true
	case map[string]any:
		if c.whole {
			return appendMap(b, v)
		}
		b = append(b, tagObject)
		for i := range c.members {
			inner, ok := v[c.members[i].name]
			if !ok {
				b = append(b, tagNone)
				continue
			}
			if b, ok = appendJSON(b, inner, c.members[i].below); !ok {
				return b, false
			}
		}
		return b, true
	}
	return b, false
}

func appendMap(b []byte, v map[string]any) ([]byte, bool) {
	b = appendCount(b, tagMap, len(v))
	var room [roomForNames]string
	for _, name := range sortedNames(room[:0], v) {
		var ok bool
		if b, ok = appendJSON(appendText(b, name), v[name], everything); !ok {
			return b, false
		}
	}
	return b, true
}
