package change

import (
	"bytes"
	"math"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// maxParts bounds the members that a text is made of.
const maxParts = 16

const mustBeText = "must be a string"

// split makes members of the text: the first stands in its place, the others behind it.
func split(r *run, object int32, s *step) error {
	parent, err := r.owner(object, s)
	if err != nil || parent == 0 {
		return err
	}
	if s.strict {
		for _, sym := range s.parts {
			if there := r.child(parent, sym); there != 0 {
				return r.fail(there, object, s, presentUp)
			}
		}
	}
	n := r.child(parent, s.from[len(s.from)-1])
	if n == 0 || r.kind(n) == 'n' {
		return nil
	}
	if r.kind(n) != '"' {
		return r.misfit(n, object, s, mustBeText)
	}
	v := r.nodes[n]
	rest := r.text(r.bytes(v.value)[v.val0:v.val1])
	at := n
	for k, sym := range s.parts {
		part, more := rest, false
		if k < len(s.parts)-1 && v.flags&masked == 0 {
			part, rest, more = bytes.Cut(rest, s.separator)
		}
		r.vacate(parent, sym)
		if k == 0 {
			r.nodes[n].sym = sym
			r.nodes[n].flags |= renamed
		} else {
			// Errors point to the text.
			at = r.link(parent, at, node{sym: sym, flags: added, nam0: v.nam0, nam1: v.nam1, member: v.member})
		}
		if k > 0 || more { // a masked text stays whole
			if err := r.quote(at, part); err != nil {
				return err
			}
		}
		if !more {
			break
		}
	}
	return nil
}

// join makes one text of members, at the place of the first. In requests it takes only what split gives back as it was;
// in responses a part may contain the separator, and those that are not there are passed over.
func join(r *run, object int32, s *step) error {
	parent, err := r.owner(object, s)
	if err != nil || parent == 0 {
		return err
	}
	var places [maxParts]int32
	texts, gap := places[:0], false
	nothing := int32(0) // a part that is null
	for _, sym := range s.parts {
		c := r.child(parent, sym)
		switch {
		case c == 0:
			gap = true
		case r.kind(c) == 'n':
			gap, nothing = true, c
		case r.kind(c) != '"':
			return r.misfit(c, object, s, mustBeText)
		case gap && s.strict:
			return r.fail(c, object, s, "needs the members that come before it in the text")
		default:
			texts = append(texts, c)
		}
	}
	label := s.from[len(s.from)-1]
	if s.strict {
		if there := r.child(parent, label); there != 0 && (len(texts) > 0 || r.kind(there) != 'n') {
			return r.fail(there, object, s, presentUp)
		}
	} else if len(texts) == 0 && nothing != 0 {
		texts = append(texts, nothing)
	}
	if len(texts) == 0 {
		return nil
	}
	n := texts[0]
	if r.kind(n) == '"' {
		if err := r.connect(object, s, texts); err != nil {
			return err
		}
	}
	for _, c := range texts[1:] {
		r.nodes[c].flags |= dead
	}
	if !s.strict {
		for _, sym := range s.parts {
			if c := r.child(parent, sym); c != n && c != 0 {
				r.nodes[c].flags |= dead
			}
		}
	}
	r.vacate(parent, label)
	r.nodes[n].sym = label
	r.nodes[n].flags |= renamed
	return nil
}

// connect makes one text of texts, the value of the first.
func (r *run) connect(object int32, s *step, texts []int32) error {
	r.scratch = r.scratch[:0]
	for i, c := range texts {
		v := &r.nodes[c]
		start := len(r.scratch)
		r.scratch = jsonspan.AppendText(r.scratch, r.bytes(v.value)[v.val0:v.val1])
		end, found := len(r.scratch), -1
		if i+1 < len(texts) {
			r.scratch = append(r.scratch, s.separator...)
			found = end - start // where the separator should be found first
		}
		if s.strict && i < len(s.parts)-1 && bytes.Index(r.scratch[start:], s.separator) != found {
			return r.misfit(c, object, s, s.expected)
		}
	}
	if len(texts) == 1 {
		return nil
	}
	return r.quote(texts[0], r.scratch)
}

// quote makes text, as a string, the value of n.
func (r *run) quote(n int32, text []byte) error {
	start := len(r.computed)
	if r.computed = jsonspan.AppendQuote(r.computed, text); len(r.computed) > math.MaxInt32/2 {
		return &Error{Detail: "the texts of the message are larger than 1 GiB"}
	}
	r.set(n, computed, int32(start), int32(len(r.computed)))
	return nil
}

// vacate takes away the member of that name, if there is one: in responses the mapped value wins.
func (r *run) vacate(parent, sym int32) {
	if there := r.child(parent, sym); there != 0 {
		r.nodes[there].flags |= dead
	}
}
