package policy

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// value makes places whose value has no parts: whatever the cut says, all of it is kept.
func value(p part) func(*cut) part { return func(*cut) part { return p } }

// text is a string, or nothing where it says false.
type text func(*exchange.Exchange) (string, bool)

// always makes a text of what is there for every request.
func always(of func(*exchange.Exchange) string) text {
	return func(x *exchange.Exchange) (string, bool) { return of(x), true }
}

func (t text) build(m *maker) (ast.Value, error) {
	s, ok := t(m.x)
	if !ok {
		return nil, nil
	}
	return ast.String(s), nil
}

func (t text) key(x *exchange.Exchange, _ time.Time, b []byte) ([]byte, bool) {
	s, ok := t(x)
	if !ok {
		return append(b, tagNone), true
	}
	return appendText(b, s), true
}

// joined is a string of three pieces, which a key need not join.
type joined func(*exchange.Exchange) [3]string

func (j joined) build(m *maker) (ast.Value, error) {
	p := j(m.x)
	return ast.String(p[0] + p[1] + p[2]), nil
}

func (j joined) key(x *exchange.Exchange, _ time.Time, b []byte) ([]byte, bool) {
	p := j(x)
	b = appendCount(b, tagString, len(p[0])+len(p[1])+len(p[2]))
	return append(append(append(b, p[0]...), p[1]...), p[2]...), true
}

// texts is a list of strings.
type texts func(*exchange.Exchange) []string

func (l texts) build(m *maker) (ast.Value, error) { return m.array(l(m.x)), nil }

func (l texts) key(x *exchange.Exchange, _ time.Time, b []byte) ([]byte, bool) {
	return appendTexts(b, l(x)), true
}

// integer is a whole number, or nothing where it says false.
type integer func(*exchange.Exchange, time.Time) (int64, bool)

func (n integer) build(m *maker) (ast.Value, error) {
	i, ok := n(m.x, m.now)
	if !ok {
		return nil, nil
	}
	return ast.Number(strconv.FormatInt(i, 10)), nil
}

func (n integer) key(x *exchange.Exchange, now time.Time, b []byte) ([]byte, bool) {
	i, ok := n(x, now)
	if !ok {
		return append(b, tagNone), true
	}
	return binary.AppendVarint(append(b, tagInt), i), true
}

// address is an IP address, or nothing where there is none. A zone, which is this machine's name of a link, is no part
// of it.
type address func(*exchange.Exchange) netip.Addr

func (a address) build(m *maker) (ast.Value, error) {
	addr := a(m.x)
	if !addr.IsValid() {
		return nil, nil
	}
	return ast.String(addr.WithZone("").String()), nil
}

func (a address) key(x *exchange.Exchange, _ time.Time, b []byte) ([]byte, bool) {
	addr := a(x)
	if !addr.IsValid() {
		return append(b, tagNone), true
	}
	b, at := begin(b, tagString)
	return end(addr.WithZone("").AppendTo(b), at), true
}

// constant is a value that is the same for all requests.
type constant struct{ value ast.Value }

func (c constant) build(*maker) (ast.Value, error) { return c.value, nil }

func (constant) key(_ *exchange.Exchange, _ time.Time, b []byte) ([]byte, bool) { return b, true }
