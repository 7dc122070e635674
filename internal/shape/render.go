package shape

import "github.com/wicketgate/wicketgate/internal/jsonspan"

const dialect = "https://json-schema.org/draft/2020-12/schema"

// Schema gives the schema of an object as callers of the version of an index see it: JSON Schema 2020-12 that refers
// to nothing but its own "$defs", where other objects have their own names. It is nil for an object without a schema.
// The text is made anew at each call.
func (s *Shapes) Schema(object string, version int) []byte {
	u := s.objects[object]
	if u == nil {
		return nil
	}
	r := &renderer{version: version, root: u, seen: map[*unit]bool{u: true}}
	return r.document(u.in(version))
}

// renderer writes a schema with all it refers to.
type renderer struct {
	version int
	partial bool // only what partial leaves
	root    *unit
	queue   []*unit // what goes into $defs, in the order it is met
	seen    map[*unit]bool
}

// document writes a whole schema.
func (r *renderer) document(root *node) []byte {
	dst := []byte(`{"$schema":"` + dialect + `"`)
	switch {
	case root.kind == '{' && len(root.names) > 0:
		dst = append(dst, ',')
		dst = r.members(dst, root)
	case root == nothing || root.is("false"):
		dst = append(dst, `,"not":{}`...)
	}
	for i := 0; i < len(r.queue); i++ { // it grows on the way
		if i == 0 {
			dst = append(dst, `,"$defs":{`...)
		} else {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), r.queue[i].name...), '"', ':')
		n := r.queue[i].in(r.version)
		if r.partial {
			n = partial(n)
		}
		dst = r.append(dst, n)
	}
	if len(r.queue) > 0 {
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

func (r *renderer) append(dst []byte, n *node) []byte {
	switch n.kind {
	case '{':
		if u := n.reference(); u != nil && u.inline {
			return r.append(dst, u.in(r.version))
		}
		return append(r.members(append(dst, '{'), n), '}')
	case '[':
		dst = append(dst, '[')
		for i, item := range n.parts {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = r.append(dst, item)
		}
		return append(dst, ']')
	}
	if n.to == nil {
		return append(dst, n.text...)
	}
	if n.to == r.root {
		return append(dst, `"#"`...)
	}
	if !r.seen[n.to] {
		r.seen[n.to] = true
		r.queue = append(r.queue, n.to)
	}
	return append(append(append(dst, `"#/$defs/`...), n.to.name...), '"')
}

func (r *renderer) members(dst []byte, n *node) []byte {
	for i, name := range n.names {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(jsonspan.AppendQuote(dst, name), ':')
		dst = r.append(dst, n.parts[i])
	}
	return dst
}
