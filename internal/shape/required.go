package shape

import "github.com/wicketgate/wicketgate/internal/jsonspan"

// Required says whether a message that is an object in the shape of the version of an index must have the member that a
// JSON pointer leads to, if it has the object that the member belongs to.
func (s *Shapes) Required(object string, version int, pointer string) bool {
	u, tokens := s.objects[object], jsonspan.Split(pointer)
	if u == nil || len(tokens) == 0 {
		return false
	}
	d := &deriver{version: version}
	last := len(tokens) - 1
	here := d.said([]spoken{{u.in(version), true}})
	for _, token := range tokens[:last] {
		next := d.property(here, token)
		for _, s := range here {
			if items := s.get("items"); items != nil {
				next = append(next, spoken{items, s.sure})
			}
			if first := listOf(s.node, "prefixItems"); first != nil {
				for _, item := range first {
					next = append(next, spoken{item, false})
				}
			}
		}
		here = d.said(next)
	}
	return requires(here, tokens[last])
}
