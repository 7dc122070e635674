package apidoc

import (
	"strconv"
	"strings"
)

func itoa(n int) string { return strconv.Itoa(n) }

// holder finds the objects that lie in one.
type holder struct {
	r      *reader
	object *Object
	values int
}

// The bounds of the search.
const (
	maxHolds  = 64     // objects in one object
	maxSought = 20_000 // schemas looked at for one object
	maxWay    = 16     // members on the way to an object
)

// look goes through a schema at a place. Where it refers to an object, that lies there.
func (h *holder) look(n *node, path string, depth int) {
	if h.values++; n == nil || n.kind != mapping || depth > maxWay || h.values > maxSought || len(h.object.Holds) >= maxHolds {
		return
	}
	if ref := n.get("$ref"); ref != nil && ref.kind == text && depth > 0 {
		to := h.r.quietlyTarget(ref)
		if o := h.r.bodies[to]; o != nil && path != "" {
			for _, known := range h.object.Holds {
				if known.Path == path {
					return
				}
			}
			h.object.Holds = append(h.object.Holds, Hold{path, o.Name, ref.at()})
			return
		}
		h.look(to, path, depth+1)
		return
	}
	if items := n.get("items"); items != nil {
		h.look(items, path+"[*]", depth+1)
	}
	if properties := n.get("properties"); properties != nil {
		for _, m := range properties.members {
			if strings.ContainsAny(m.name, ".[]*") || m.name == "" {
				continue // no path can name it
			}
			below := m.name
			if path != "" {
				below = path + "." + m.name
			}
			h.look(m.value, below, depth+1)
		}
	}
	if all := n.get("allOf"); all != nil {
		for _, part := range all.items {
			h.look(part, path, depth+1)
		}
	}
}

// quietlyTarget is target for a reference whose mistakes have been told.
func (r *reader) quietlyTarget(ref *node) *node {
	before := len(r.diags)
	to := r.target(ref)
	r.diags = r.diags[:before]
	return to
}
