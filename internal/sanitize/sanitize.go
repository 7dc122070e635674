// Package sanitize tidies texts in JSON documents as an API's owner declares it: nothing else of a document is changed, not
// even its spelling.
package sanitize

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// Step is one thing that is done to a text.
type Step string

// Steps. They are done in the order in which they are declared.
const (
	Trim  Step = "trim"  // white space at both ends is taken off
	NFC   Step = "nfc"   // Unicode's canonical composition (UAX 15)
	NFKC  Step = "nfkc"  // its compatibility composition, which makes one of what looks or means alike
	Lower Step = "lower" // lower case, in no language's own way
	Strip Step = "strip" // control characters are taken off, but for tab and line ends
)

// Steps are all there are.
func Steps() []Step { return []Step{Trim, NFC, NFKC, Lower, Strip} }

// Field is what is done to the texts at a place.
type Field struct {
	Way   []string // the members' names on the way to it, "" for each item of a list
	Steps []Step
}

// Program is what is done to documents of one kind. It is immutable and serves many requests at once.
type Program struct {
	root node
}

// node is a place in a document, or the way to some.
type node struct {
	members map[string]*node
	items   *node
	steps   []Step
}

// New makes a program. Where fields name a place twice, the steps of the later follow those of the earlier.
func New(fields ...Field) *Program {
	p := &Program{}
	for _, f := range fields {
		at := &p.root
		for _, name := range f.Way {
			at = at.to(name)
		}
		at.steps = append(at.steps, f.Steps...)
	}
	return p
}

func (n *node) to(name string) *node {
	if name == "" {
		if n.items == nil {
			n.items = &node{}
		}
		return n.items
	}
	if n.members == nil {
		n.members = make(map[string]*node)
	}
	if n.members[name] == nil {
		n.members[name] = &node{}
	}
	return n.members[name]
}

// Apply tidies a document, which must be strict JSON (jsonspan.Check), and says whether there was anything to do.
func (p *Program) Apply(doc []byte) (tidied []byte, changed bool) {
	r := run{doc: doc}
	r.value(&p.root, jsonspan.Space(doc, 0))
	if r.out == nil {
		return doc, false
	}
	return append(r.out, doc[r.done:]...), true
}

// run is a document being tidied. Of the way through it, only objects and lists that lead somewhere are opened.
type run struct {
	doc  []byte
	out  []byte // nil as long as nothing has changed
	done int    // how much of doc out has
}

// value tidies the value at doc[i] and gives its end.
func (r *run) value(n *node, i int) int {
	if i >= len(r.doc) {
		return -1
	}
	switch {
	case r.doc[i] == '"' && n.steps != nil:
		end, _ := jsonspan.String(r.doc, i)
		if end > 0 {
			r.text(n.steps, i, end)
		}
		return end
	case r.doc[i] == '{' && n.members != nil:
		c := jsonspan.Open(r.doc, i)
		for c.Next() {
			if m := n.member(r.doc[c.Name:c.NameEnd], c.Escaped); m != nil {
				c.At = r.value(m, c.Value)
			} else {
				c.At = jsonspan.Value(r.doc, c.Value)
			}
		}
		return c.At
	case r.doc[i] == '[' && n.items != nil:
		c := jsonspan.Open(r.doc, i)
		for c.Next() {
			c.At = r.value(n.items, c.Value)
		}
		return c.At
	}
	return jsonspan.Value(r.doc, i)
}

func (n *node) member(raw []byte, escaped bool) *node {
	if escaped {
		return n.members[jsonspan.Text(raw)]
	}
	return n.members[string(raw[1:len(raw)-1])]
}

// text tidies the string at doc[i:end].
func (r *run) text(steps []Step, i, end int) {
	before := r.doc[i:end]
	if plain(before) { // by far most texts: nothing but ASCII without blanks at the ends, capitals and escapes
		return
	}
	was := jsonspan.Text(before)
	is := Text(was, steps...)
	if is == was {
		return
	}
	r.out = append(r.out, r.doc[r.done:i]...)
	r.out = jsonspan.AppendQuote(r.out, is)
	r.done = end
}

// plain says whether no step changes anything of a string, quotes included.
func plain(raw []byte) bool {
	if len(raw) > 2 && (raw[1] == ' ' || raw[len(raw)-2] == ' ') {
		return false
	}
	for _, ch := range raw {
		if ch >= utf8.RuneSelf || ch == '\\' || ch >= 'A' && ch <= 'Z' || ch == 0x7f {
			return false
		}
	}
	return true
}

// Text tidies one text.
func Text(s string, steps ...Step) string {
	for _, step := range steps {
		switch step {
		case Trim:
			s = strings.TrimSpace(s)
		case NFC:
			s = norm.NFC.String(s)
		case NFKC:
			s = norm.NFKC.String(s)
		case Lower:
			s = strings.ToLower(s)
		case Strip:
			s = strings.Map(control, s)
		}
	}
	return s
}

func control(r rune) rune {
	if unicode.IsControl(r) && r != '\t' && r != '\n' && r != '\r' {
		return -1
	}
	return r
}
