package xmlform

import (
	"maps"
	"slices"
)

// Value is what a JSON Schema says of a value, as far as a reader of texts has to know it: web forms, like XML, carry
// nothing else. Values refer to each other as the schema does, in circles too.
type Value struct {
	// What the value may be. Where nothing is said of it, it is a text or null.
	Null, Boolean, Number, Text bool
	List, Object                bool

	Items   *Value            // of a list; a text where nothing is said of them
	Members map[string]*Value // of an object
	Rest    *Value            // members of an object that are not told by name; nil where nothing tells of them
}

// Scalar says whether the value may be a boolean, a number or a text.
func (v *Value) Scalar() bool { return v.Boolean || v.Number || v.Text }

// Describe tells of the value that a self-contained JSON Schema 2020-12 describes; references in it are "#" or begin with
// "#/". Unlike a Reader it takes values of several types, which whoever reads them tells from each other. The error is
// Mistakes, or the schema is no JSON.
func Describe(name string, schema []byte) (*Value, error) {
	c := newCompiler(true)
	c.tells = true
	n, err := c.compile(name, schema)
	if err != nil {
		return nil, err
	}
	c.fillAll()
	if err := c.mistaken(); err != nil {
		return nil, err
	}
	d := describer{}
	return d.value(n), nil
}

// describer makes values of nodes, of each once.
type describer map[*node]*Value

func (d describer) value(n *node) *Value {
	if n == nil {
		return nil
	}
	if v, done := d[n]; done {
		return v
	}
	v := &Value{Null: n.kinds&null != 0, Boolean: n.kinds&boolean != 0, Number: n.kinds&numeric != 0, Text: n.kinds&text != 0,
		List: n.kinds&list != 0, Object: n.kinds&object != 0}
	d[n] = v
	v.Items, v.Rest = d.value(n.items), d.value(n.rest)
	if len(n.members) > 0 {
		v.Members = make(map[string]*Value, len(n.members))
	}
	for i := range n.members {
		v.Members[n.members[i].name] = d.value(n.members[i].node)
	}
	return v
}

// Names gives the members of an object that the schema names, in their order.
func (v *Value) Names() []string { return slices.Sorted(maps.Keys(v.Members)) }
