package schema

import "slices"

// owners finds the objects that have a member of some name at some depth. jsonschema v6.0.3 gives the failure of a
// propertyNames a location that cannot be used: its slice is written over while the object's siblings are validated
// (validator.go, line 296).
type owners map[member]*step

type member struct {
	depth int // of the object
	name  string
}

// step is the last step of a way into the document. Steps share what comes before them, so that a deep and wide
// document does not take the product of its depth and width.
type step struct {
	before *step
	depth  int
	token  string
}

// owner gives the way to the object, at depth, that has a member of this name; what is common to the ways if several
// have. The document is searched once for all failures.
func (c *collector) owner(depth int, name string) []string {
	if c.owners == nil {
		c.owners = make(owners)
		c.owners.search(c.doc, &step{})
	}
	var way []string
	for s := c.owners[member{depth, name}]; s != nil && s.before != nil; s = s.before {
		way = append(way, s.token)
	}
	slices.Reverse(way)
	return way
}

func (o owners) search(v any, at *step) {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			m := member{at.depth, name}
			if other, ok := o[m]; ok {
				o[m] = common(other, at)
			} else {
				o[m] = at
			}
			o.search(value, &step{at, at.depth + 1, name})
		}
	case []any:
		for i, value := range v {
			o.search(value, &step{at, at.depth + 1, itoa(i)})
		}
	}
}

func common(a, b *step) *step {
	for a != b {
		if a.depth < b.depth {
			a, b = b, a
		}
		a = a.before
	}
	return a
}
