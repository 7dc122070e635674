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
	passable(c.program.places[1:])
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
	plans   map[string]*plan        // by object; nil where there is nothing to do
	oldest  map[string]int          // by object, as far as asked for
	diags   hcl.Diagnostics
}

func newCompiler(chain []*Change, objects map[string]*Object) *compiler {
	c := &compiler{program: &Program{places: make([]*place, 1)}, objects: objects, ops: make(map[string][]*operation),
		plans: make(map[string]*plan), oldest: make(map[string]int)}
	params := make(map[string]map[string]*Param)
	at := 0
	for _, ch := range chain {
		if objects[ch.On] == nil {
			c.complain(ch.Range, nil, "Unknown object", "There is no object %q.%s", ch.On, meant(ch.On, slices.Sorted(maps.Keys(objects))))
		}
		if params[ch.On] == nil && len(ch.Params) > 0 {
			params[ch.On] = make(map[string]*Param)
		}
		c.params(ch, params[ch.On])
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

// plan compiles the object's operations and those of all it holds. An object may hold itself, so its plan is known
// before it is complete.
func (c *compiler) plan(name string) *plan {
	if p, ok := c.plans[name]; ok {
		return p
	}
	var p *plan
	if c.oldestOn(name) < math.MaxInt {
		p = new(plan)
	}
	c.plans[name] = p
	object, ops := c.objects[name], c.ops[name]
	held := c.places(object, ops, object.Holds)
	if p == nil {
		return nil
	}
	p.held = held
	for _, op := range ops {
		up, down := c.steps(op)
		p.up = append(p.up, up)
		p.down = append(p.down, down)
	}
	slices.Reverse(p.down)
	return p
}

// oldestOn gives the place in the chain of the oldest operation on the object and on all it holds, however deep;
// math.MaxInt where there is none.
func (c *compiler) oldestOn(name string) int {
	if at, ok := c.oldest[name]; ok {
		return at
	}
	at, seen := math.MaxInt, map[string]bool{name: true}
	for next := []string{name}; len(next) > 0; {
		name, rest := next[len(next)-1], next[:len(next)-1]
		next = rest
		if ops := c.ops[name]; len(ops) > 0 {
			at = min(at, ops[0].at)
		}
		for _, h := range c.objects[name].Holds {
			if c.objects[h.Object] != nil && !seen[h.Object] {
				seen[h.Object] = true
				next = append(next, h.Object)
			}
		}
	}
	c.oldest[name] = at
	return at
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
		c.crossings(ops, tokens, h, c.oldestOn(h.Object))
		if held != nil {
			root = c.insert(root, tokens, held)
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
	case Wrap, Unwrap:
		up.inner = s.intern(op.Member)
		down.inner = up.inner
		out := fmt.Sprintf("must be an object with the member %q and no other", op.Member)
		up.do, down.do, down.expected = wrap, unwrap, out
		if op.Kind == Unwrap {
			up.do, down.do, up.expected = unwrap, wrap, out
		}
	case List, Unlist:
		const out = "must be a list of exactly one item"
		up.do, down.do, down.expected = enlist, unlist, out
		if op.Kind == Unlist {
			up.do, down.do, up.expected = unlist, enlist, out
		}
	case Scale:
		up.do, down.do = scale, scale
		right, left := &up, &down
		if op.Decimals < 0 {
			right, left = left, right
		}
		decimals := max(op.Decimals, -op.Decimals)
		right.number = number{by: decimals, fromText: op.As != "number"}
		left.number = number{by: -decimals, decimals: decimals, toText: op.As != "number"}
		left.expected = "must be an integer"
		right.expected = fmt.Sprintf("must be a number with no more decimals than %d", decimals)
		if right.number.fromText {
			right.expected = fmt.Sprintf("must be a number in a string, with exactly as many decimals as in %q", "12."+strings.Repeat("0", decimals))
		}
	case Cast:
		up.do, down.do = cast, cast
		text, other, plain := &up, &down, op.As
		if op.As == "string" {
			text, other, plain = other, text, op.From
		}
		text.number = number{fromText: true, truth: plain == "boolean"}
		other.number = number{toText: true, truth: plain == "boolean"}
		text.expected, other.expected = "must be a string that spells a JSON number", "must be a number"
		if plain == "boolean" {
			text.expected, other.expected = `must be the string "true" or "false"`, "must be true or false"
		}
	case Split, Join:
		up.parts, up.separator = s.internAll(op.Parts), []byte(op.Separator)
		down.parts, down.separator = up.parts, up.separator
		up.do, down.do = split, join
		if op.Kind == Join {
			up.do, down.do = join, split
			up.expected = fmt.Sprintf("must not contain %q", op.Separator)
			if len(op.Separator) > 1 {
				up.expected += ", nor end with the beginning of it"
			}
		}
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
