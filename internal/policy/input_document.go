package policy

import (
	"slices"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// document is the input document cut down to what a query reaches of it: how its values are made for a request, and
// how the request is told from others as far as the query can. It is made once, when a query is prepared.
type document struct {
	paths *paths
	top   part
	body  exchange.BodyNeed // what has to be known of a request's body before build
}

// newDocument makes the document that p says.
func newDocument(p *paths) *document {
	d := &document{paths: p, top: inputDocument.part(newCut(p))}
	switch {
	case p.at("request", "body") != nil:
		d.body = exchange.JSON
	case p.at("parsed_body") != nil, p.at("attributes", "request", "http", "body") != nil:
		d.body = exchange.Whole
	}
	return d
}

// build makes the restriction of the input document to what is reached, straight into the values that policies compute
// with. now is what input.time says. An error about the body is a problem for the client.
func (d *document) build(x *exchange.Exchange, now time.Time) (ast.Value, error) {
	return d.top.build(&maker{x: x, now: now})
}

// maxKey bounds a key in bytes: claims and header fields may be large, and a cache of large keys holds few.
const maxKey = 64 << 10

// key appends to b what tells requests apart: two have the same key if and only if build makes the same of them, but
// that numbers which are written in two ways count as two, and certificates are told apart as wholes. It is false where
// the body is reached, and where the key is longer than 64 KiB.
func (d *document) key(x *exchange.Exchange, now time.Time, b []byte) ([]byte, bool) {
	before := len(b)
	b, ok := d.top.key(x, now, b)
	return b, ok && len(b)-before <= maxKey
}

// needs is what is reached in the words of the pipeline.
func (d *document) needs() exchange.Needs {
	p := d.paths
	http := []string{"attributes", "request", "http"}
	n := exchange.Needs{Body: d.body}
	n.Query = p.at("request", "query") != nil || p.at("parsed_query") != nil ||
		p.at(append(http, "path")...) != nil || p.at(append(http, "headers", ":path")...) != nil
	for _, fields := range []*paths{p.at("request", "headers"), p.at(append(http, "headers")...)} {
		if fields != nil {
			n.Add(exchange.Needs{Header: fieldNames(fields)})
		}
	}
	if p.at("parsed_body") != nil {
		n.Add(exchange.Needs{Header: []string{"Content-Type"}})
	}
	if slices.Contains(n.Header, "*") {
		n.Header = []string{"*"}
	}
	return n
}

func fieldNames(p *paths) (names []string) {
	if p.whole {
		return []string{"*"}
	}
	for _, c := range newCut(p).members {
		if c.field != "" {
			names = append(names, c.field)
		}
	}
	return names
}

// part makes one place of the document.
type part interface {
	// build gives the value of the place, nil where there is none.
	build(m *maker) (ast.Value, error)
	// key appends to b what the value is; false where it cannot.
	key(x *exchange.Exchange, now time.Time, b []byte) ([]byte, bool)
}

// maker is the making of one document.
type maker struct {
	x     *exchange.Exchange
	now   time.Time
	terms []ast.Term // room for terms, of which a document has many
	body  any        // the JSON body, decoded; a noBody until then
	read  bool
}

// roomForTerms is how many terms are set aside at a time: a document of a few places needs no more.
const roomForTerms = 16

func (m *maker) term(v ast.Value) *ast.Term {
	if len(m.terms) == 0 {
		m.terms = make([]ast.Term, roomForTerms)
	}
	t := &m.terms[0]
	m.terms = m.terms[1:]
	t.Value = v
	return t
}

// roomForMembers is how many members an object gathers without an allocation of its own.
const roomForMembers = 8

func roomFor(room [][2]*ast.Term, n int) [][2]*ast.Term {
	if n > len(room) {
		return make([][2]*ast.Term, 0, n)
	}
	return room[:0]
}

func (m *maker) array(values []string) ast.Value {
	terms := make([]*ast.Term, len(values))
	for i, v := range values {
		terms[i] = m.term(ast.String(v))
	}
	return ast.NewArray(terms...)
}

// cut is a set of paths made ready: whole, or of the members that are named.
type cut struct {
	whole   bool
	members []cutMember // in the order of their names
}

type cutMember struct {
	name  string
	key   *ast.Term
	field string // the header field of this name as an exchange spells it; "" where no field is called so in input
	below *cut
}

// everything is the cut of a whole place.
var everything = &cut{whole: true}

func newCut(p *paths) *cut {
	if p.whole {
		return everything
	}
	c := &cut{}
	for _, name := range p.names() {
		c.members = append(c.members, cutMember{name, ast.StringTerm(name), headerField(name), newCut(p.members[name])})
	}
	return c
}

// at gives the part of the cut at a member, nil where nothing of it is reached.
func (c *cut) at(name string) *cut {
	if c.whole {
		return c
	}
	i, ok := slices.BinarySearchFunc(c.members, name, func(m cutMember, name string) int {
		switch {
		case m.name < name:
			return -1
		case m.name > name:
			return 1
		}
		return 0
	})
	if !ok {
		return nil
	}
	return c.members[i].below
}

// member says what the document has at one place, and how it is made: of an object, its members; of anything else, the
// part that gives as much of the value as is reached. One without either is known to policies and never there.
type member struct {
	name    string
	members []member
	there   func(*exchange.Exchange) bool // whether the object is; nil for always
	make    func(*cut) part

	// certified says that the place tells something of the caller's certificate, which is told apart as a whole.
	certified bool
}

// part makes what is reached of the member; nil for nothing.
func (m *member) part(c *cut) part {
	var made part
	switch {
	case m.members != nil:
		o := &object{there: m.there}
		for i := range m.members {
			inner := &m.members[i]
			if below := c.at(inner.name); below != nil {
				if p := inner.part(below); p != nil {
					o.keys, o.parts = append(o.keys, ast.StringTerm(inner.name)), append(o.parts, p)
				}
			}
		}
		made = o
	case m.make != nil:
		made = m.make(c)
	default:
		return nil
	}
	if m.certified {
		return certified{made}
	}
	return made
}

// object is a place with members that are always the same.
type object struct {
	there func(*exchange.Exchange) bool
	keys  []*ast.Term
	parts []part
}

// maxMembers bounds the members of an object in inputDocument.
const maxMembers = 12

func (o *object) build(m *maker) (ast.Value, error) {
	if o.there != nil && !o.there(m.x) {
		return nil, nil
	}
	var room [maxMembers][2]*ast.Term
	members := room[:0]
	for i, p := range o.parts {
		value, err := p.build(m)
		if err != nil {
			return nil, err
		}
		if value != nil {
			members = append(members, [2]*ast.Term{o.keys[i], m.term(value)})
		}
	}
	return ast.NewObject(members...), nil
}

// key needs no names: which members there may be, and their order, is the same for all requests.
func (o *object) key(x *exchange.Exchange, now time.Time, b []byte) ([]byte, bool) {
	if o.there != nil {
		if !o.there(x) {
			return append(b, tagNone), true
		}
		b = append(b, tagObject)
	}
	for _, p := range o.parts {
		var ok bool
		if b, ok = p.key(x, now, b); !ok {
			return b, false
		}
	}
	return b, true
}
