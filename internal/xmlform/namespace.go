package xmlform

import (
	"bytes"
	"strconv"
)

// binding is a prefix that stands for a namespace.
type binding struct {
	prefix   []byte
	instance bool // the namespace of xsi:nil; else it is of no use in a document
}

// tag is the start tag of an element.
type tag struct {
	at       int
	name     []byte
	prefix   []byte // before the name; nil for none
	spelt    []byte // the name with its prefix
	empty    bool   // <name/>
	null     bool   // xsi:nil="true"
	bindings int    // before it
}

type attribute struct {
	at     int
	prefix []byte // nil for none
	name   []byte
	value  []byte // as it is spelt
}

// bind notes what a prefix stands for.
func (s *scanner) bind(a attribute, t *tag) *Error {
	for _, b := range s.bindings[t.bindings:] {
		if bytes.Equal(b.prefix, a.name) {
			return s.malformed(a.at, "an attribute stands twice")
		}
	}
	most := maxBindings
	if s.foreign {
		most = foreignBindings
	}
	if len(s.bindings) == most {
		return s.malformed(a.at, "at most "+strconv.Itoa(most)+" namespaces may be declared")
	}
	if s.foreign && len(a.value) > 0 && string(a.name) != "xmlns" {
		s.bindings = append(s.bindings, binding{a.name, string(a.value) == instance})
		return nil
	}
	if string(a.value) != instance && string(a.value) != schemas || string(a.name) == "xml" || string(a.name) == "xmlns" {
		return s.malformed(a.at, namespace)
	}
	s.bindings = append(s.bindings, binding{a.name, string(a.value) == instance})
	return nil
}

// resolve finds what the attributes with a prefix say: only xsi:nil is known.
func (s *scanner) resolve(t *tag, marked []attribute) *Error {
	if s.foreign {
		return s.settle(t)
	}
	for k, a := range marked {
		prefix, name, _ := bytes.Cut(a.name, []byte(":"))
		if b, ok := s.bound(prefix); !ok || !b.instance || string(name) != "nil" {
			return s.malformed(a.at, "of attributes in namespaces only xsi:nil is taken")
		}
		if k > 0 {
			return s.malformed(a.at, "an attribute stands twice")
		}
		if err := s.null(t, a); err != nil {
			return err
		}
	}
	return nil
}

// null reads xsi:nil.
func (s *scanner) null(t *tag, a attribute) *Error {
	switch string(bytes.Trim(a.value, " \t\r\n")) {
	case "true", "1":
		t.null = true
	case "false", "0":
	default:
		return s.malformed(a.at, "xsi:nil is true or false")
	}
	return nil
}

// bound gives what a prefix stands for.
func (s *scanner) bound(prefix []byte) (binding, bool) {
	for i := len(s.bindings) - 1; i >= 0; i-- {
		if bytes.Equal(s.bindings[i].prefix, prefix) {
			return s.bindings[i], true
		}
	}
	return binding{}, false
}

// attribute notes one of the start tag that is read.
func (s *scanner) attribute(a attribute) *Error {
	for _, b := range s.attributes {
		if bytes.Equal(b.name, a.name) && bytes.Equal(b.prefix, a.prefix) {
			return s.malformed(a.at, "an attribute stands twice")
		}
	}
	most := maxAttributes
	if s.foreign {
		most = foreignAttributes
	}
	if len(s.attributes) == most {
		return s.malformed(a.at, "an element may have "+strconv.Itoa(most)+" attributes at most")
	}
	s.attributes = append(s.attributes, a)
	return nil
}

// settle finds what the prefixes of a foreign start tag stand for. Of the attributes those are left that say something
// of the value: none of XML's own, and none of XML Schema instances.
func (s *scanner) settle(t *tag) *Error {
	const unbound = "a prefix stands for no namespace"
	if _, ok := s.bound(t.prefix); !ok && t.prefix != nil && string(t.prefix) != "xml" {
		return s.malformed(t.at, unbound)
	}
	left := s.attributes[:0]
	for _, a := range s.attributes {
		b, ok := s.bound(a.prefix)
		switch {
		case string(a.prefix) == "xml", b.instance && string(a.name) != "nil":
		case b.instance:
			if err := s.null(t, a); err != nil {
				return err
			}
		case a.prefix != nil && !ok:
			return s.malformed(a.at, unbound)
		default:
			left = append(left, a)
		}
	}
	s.attributes = left
	return nil
}

// instruction reads past a processing instruction (production 16).
func (s *scanner) instruction() *Error {
	at := s.i
	s.i += len("<?")
	target := s.name()
	end := bytes.Index(s.src[s.i:], []byte("?>"))
	if len(target) == 0 || bytes.EqualFold(target, []byte("xml")) || end < 0 || end > 0 && !blank(s.src[s.i]) {
		return s.malformed(at, "a processing instruction is malformed")
	}
	s.i += end + 2
	return nil
}
