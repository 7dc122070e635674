package change

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Compile makes the program for one kind of message between one version and the newest. chain is what changed in
// between, oldest first; roots are the objects' places in the message. Diagnostics tell every mistake; those about
// chain and objects are told by Validate too, and only the ones about roots are new to whoever called that before.
func Compile(chain []*Change, objects map[string]*Object, roots []Held) (*Program, hcl.Diagnostics) {
	c := newCompiler(chain, objects)
	root := c.places(nil, nil, roots)
	if c.diags.HasErrors() {
		return nil, c.diags
	}
	c.program.root = root
	c.program.passable()
	return c.program, c.diags
}

// Validate checks all changes of an API, oldest first, with all its objects, apart from any message: what Compile would
// find fault with in any part of the chain, and the examples, which it runs both ways.
func Validate(chain []*Change, objects map[string]*Object) hcl.Diagnostics {
	c := newCompiler(chain, objects)
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		c.plan(name)
	}
	if !c.diags.HasErrors() {
		for _, ch := range chain {
			c.diags = append(c.diags, tryExamples(ch)...)
		}
	}
	return c.diags
}

type compiler struct {
	program *Program
	objects map[string]*Object
	ops     map[string][]*operation // by object, oldest first
	plans   map[string]*compiled
	diags   hcl.Diagnostics
}

// compiled is an object's plan and what its holders must know of it.
type compiled struct {
	plan   *plan // nil where there is nothing to do
	oldest int   // of the operations on it and on all it holds; math.MaxInt where there are none
	done   bool  // not while what the object holds is being compiled
}

func newCompiler(chain []*Change, objects map[string]*Object) *compiler {
	c := &compiler{program: &Program{places: make([]*place, 1)}, objects: objects, ops: make(map[string][]*operation), plans: make(map[string]*compiled)}
	at := 0
	for _, ch := range chain {
		if objects[ch.On] == nil {
			c.complain(ch.Range, nil, "Unknown object", "There is no object %q.%s", ch.On, meant(ch.On, slices.Sorted(maps.Keys(objects))))
		}
		for i := range ch.Params {
			c.param(&ch.Params[i])
		}
		var own []*operation
		for i := range ch.Operations {
			op, diags := understand(ch, &ch.Operations[i])
			c.diags = append(c.diags, diags...)
			if op != nil {
				op.at = at
				own = append(own, op)
			}
			at++
		}
		c.diags = append(c.diags, order(own)...)
		c.ops[ch.On] = append(c.ops[ch.On], own...)
	}
	return c
}

func (c *compiler) complain(at hcl.Range, context *hcl.Range, summary, detail string, args ...any) {
	c.diags = append(c.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary,
		Detail: fmt.Sprintf(detail, args...), Subject: &at, Context: context})
}

// plan compiles the object's operations and those of all it holds.
func (c *compiler) plan(name string) *compiled {
	if p := c.plans[name]; p != nil {
		return p
	}
	p := &compiled{oldest: math.MaxInt}
	c.plans[name] = p
	object, ops := c.objects[name], c.ops[name]
	if len(ops) > 0 {
		p.oldest = ops[0].at
	}
	held := c.places(object, ops, object.Holds)
	for _, h := range object.Holds {
		if o := c.plans[h.Object]; o != nil && o.done {
			p.oldest = min(p.oldest, o.oldest)
		}
	}
	p.done = true
	if len(ops) == 0 && held == nil {
		return p
	}
	p.plan = &plan{held: held}
	for _, op := range ops {
		up, down := c.steps(op)
		p.plan.up = append(p.plan.up, up)
		p.plan.down = append(p.plan.down, down)
	}
	slices.Reverse(p.plan.down)
	return p
}

// places compiles what is to be done at the places where objects stand in holder, whose operations are ops, or in a
// message, where holder is nil. It gives nil where there is nothing to do.
func (c *compiler) places(holder *Object, ops []*operation, holds []Held) *place {
	var root *place
	var context *hcl.Range
	if holder != nil {
		context = &holder.Range
	}
	taken := make(map[*Held][]string, len(holds))
	for i := range holds {
		h := &holds[i]
		tokens, wrong := parseHeld(h.Path)
		if holder != nil && wrong == "" && (len(tokens) == 0 || tokens[0] == item) {
			wrong = "An object holds others in its members, so the path begins with a name."
		}
		if wrong != "" {
			c.complain(h.Range, context, "Malformed path", "%s", wrong)
			continue
		}
		if c.objects[h.Object] == nil {
			c.complain(h.Range, context, "Unknown object", "There is no object %q.%s", h.Object, meant(h.Object, slices.Sorted(maps.Keys(c.objects))))
			continue
		}
		for k := range holds[:i] {
			if other, ok := taken[&holds[k]]; ok && collide(tokens, other) {
				c.complain(h.Range, context, "Objects in the same place",
					"%q and %q cannot both hold: one lies in the other, or one goes into a list where the other goes into an object. What an object holds is written in that object's holds.", holds[k].Path, h.Path)
				wrong = "taken"
			}
		}
		if wrong != "" {
			continue
		}
		taken[h] = tokens
		held := c.plan(h.Object)
		if !held.done {
			c.complain(h.Range, context, "Object holds itself", "Object %q is reached from itself through %q; objects that hold themselves are not supported by this version.", h.Object, h.Path)
			continue
		}
		c.crossings(ops, tokens, h, held.oldest)
		if held.plan != nil {
			root = c.insert(root, tokens, held.plan)
		}
	}
	return root
}

// collide says whether two places cannot both be: one lies in the other, or they part where one is a list's item.
func collide(a, b []string) bool {
	for k := range min(len(a), len(b)) {
		if a[k] != b[k] {
			return a[k] == item || b[k] == item
		}
	}
	return true
}

// insert adds a plan to the places below at, which may be nil.
func (c *compiler) insert(at *place, tokens []string, p *plan) *place {
	if at == nil {
		at = &place{number: int32(len(c.program.places))}
		c.program.places = append(c.program.places, at)
	}
	if len(tokens) == 0 {
		at.plan = p
		return at
	}
	if tokens[0] == item {
		at.items = c.insert(at.items, tokens[1:], p)
		return at
	}
	sym := c.program.symbols.intern(tokens[0])
	for i := range at.fields {
		if at.fields[i].sym == sym {
			at.fields[i].place = c.insert(at.fields[i].place, tokens[1:], p)
			return at
		}
	}
	at.fields = append(at.fields, field{sym, c.insert(nil, tokens[1:], p)})
	return at
}

// crossings refuses operations of a holder that reach into an object it holds, or make or drop one, where that object
// has older operations of its own: all the holder's operations run on one side of all those of what it holds, which is
// the written order only if none of them meet, or those of the held object are the newer ones.
func (c *compiler) crossings(ops []*operation, tokens []string, h *Held, oldest int) {
	way := tokens
	if k := slices.Index(tokens, item); k >= 0 {
		way = tokens[:k]
	}
	for _, op := range slices.Backward(ops) {
		meets := below(op.path, way)
		moves := op.Kind == Rename || op.Kind == Move
		switch {
		case moves:
			meets = meets || below(op.to, way)
		case op.Kind == Add && within(way, op.path):
			meets = slices.Contains(op.Value, '{')
		case op.Kind == Enum && within(way, op.path):
			c.complain(op.Range, op.change.Range.Ptr(), "Enum of an object", "enum %q translates a plain value, but object %q holds object %q at %q.",
				op.Path, op.change.On, h.Object, h.Path)
		}
		if meets && op.at > oldest {
			c.complain(op.Range, op.change.Range.Ptr(), "Change reaches into another object",
				"%s %q works on what object %q holds at %q, but object %q has older changes of its own; this order is not supported by this version. Write the operation as a change of object %q, or before those.",
				op.Kind, op.Path, op.change.On, h.Path, h.Object, h.Object)
		}
		switch {
		case moves && within(way, op.to):
			way = append(slices.Clone(op.path), way[len(op.to):]...)
		case (moves || op.Kind == Drop) && within(way, op.path):
			now := ""
			if moves {
				now = fmt.Sprintf(", to %q", strings.Join(op.to, "."))
			}
			c.complain(h.Range, &op.change.Range, "Held object is not there", "Object %q holds object %q at %q, but %s %q of change %q takes that away%s. Holds are written in the newest shape.",
				op.change.On, h.Object, h.Path, op.Kind, op.Path, op.change.Name, now)
			return
		}
	}
}

// steps compiles an operation for both ways.
func (c *compiler) steps(op *operation) (up, down step) {
	s := &c.program.symbols
	up, down = step{op: op, from: s.internAll(op.path), strict: true}, step{op: op, from: s.internAll(op.path)}
	switch op.Kind {
	case Rename, Move:
		up.to = s.internAll(op.to)
		down.from, down.to = up.to, up.from
		for up.shared < min(len(op.path), len(op.to)) && op.path[up.shared] == op.to[up.shared] {
			up.shared++
		}
		down.shared = up.shared
		up.do, down.do = move, move
		if len(op.path) == len(op.to) && up.shared == len(op.path)-1 {
			up.do, down.do = rename, rename
		}
	case Drop:
		up.do, down.do = remove, put
		down.value = c.literal(op.Value)
	case Add:
		up.do, down.do = put, remove
		up.value = c.literal(op.Value)
	case Enum:
		up.do, down.do = translate, translate
		up.table = newTable(op.Pairs, true, c.literal)
		down.table = newTable(op.Pairs, false, c.literal)
	}
	return up, down
}

// literal puts a constant where nodes can point into it.
func (c *compiler) literal(value json.RawMessage) literal {
	p := c.program
	start := len(p.literals)
	p.literals = append(p.literals, bytes.TrimSpace(value)...)
	return literal{int32(start), int32(len(p.literals))}
}
