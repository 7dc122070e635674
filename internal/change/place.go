package change

import "strings"

// Steps are the members' names on the way to the place, with "" for each item of a list. ok is false where the path is
// malformed.
func (h *Held) Steps() (steps []string, ok bool) {
	steps, wrong := parseHeld(h.Path)
	return steps, wrong == ""
}

// Before gives the object as it was before a chain of changes, oldest first, which must have passed Validate: with the
// places where it held others then. One that was made on the way is left out.
func (o *Object) Before(chain []*Change) *Object {
	older := &Object{Name: o.Name, Range: o.Range}
	var ops []*operation
	for _, ch := range chain {
		for i := range ch.Operations {
			if ch.On == o.Name {
				if op, diags := understand(ch, &ch.Operations[i]); !diags.HasErrors() {
					ops = append(ops, op)
				}
			}
		}
	}
	for _, h := range o.Holds {
		way, ok := h.Steps()
		for i := len(ops) - 1; ok && i >= 0; i-- {
			before, _, wrong := ops[i].back(way)
			way, ok = before, before != nil && wrong == nil
		}
		if ok {
			h.Path = strings.Trim(written(way), `"`)
			older.Holds = append(older.Holds, h)
		}
	}
	return older
}
