package shape

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/schema"
)

// carry gives the older schemas of objects the default and the examples that the newest has as a whole, brought down.
func (d *deriver) carry(versions [][]*change.Change) {
	last := len(versions) - 1
	for _, u := range d.units {
		newest := u.at[last]
		if u.where != "" || newest.kind != '{' || newest.without(exemplary...) == newest {
			continue
		}
		for i := range last {
			p, diags := change.Compile(slices.Concat(versions[i+1:]...), d.objects, []change.Held{{Object: u.object}})
			if diags.HasErrors() || p.Empty() || u.at[i].kind != '{' {
				continue
			}
			older := u.at[i].without(exemplary...)
			if v := newest.get("default"); v != nil {
				if o := brought(p, v); o != nil {
					older = older.with("default", o)
				}
			}
			var examples []*node
			for _, v := range listOf(newest, "examples") {
				if o := brought(p, v); o != nil {
					examples = append(examples, o)
				}
			}
			if examples != nil {
				older = older.with("examples", list(examples...))
			}
			u.at[i] = older
		}
	}
}

// brought is a value brought down; nil where it cannot be.
func brought(p *change.Program, v *node) *node {
	doc, err := p.Down((&renderer{}).append(nil, v))
	if err != nil {
		return nil
	}
	return data(doc)
}

// examples holds the examples of the change that is being undone to the schema of its object, on one side of it.
func (d *deriver) examples(side string, value func(change.Example) json.RawMessage) {
	if len(d.change.Examples) == 0 || d.unit.where != "" {
		return
	}
	r := &renderer{version: reached, partial: true, seen: make(map[*unit]bool)}
	compiled, diags := schema.Parse("schema", r.document(partial(d.unit.root)))
	if diags.HasErrors() {
		return // its mistakes are told where it is written
	}
	for _, ex := range d.change.Examples {
		doc := value(ex)
		if jsonspan.Check(doc, jsonspan.Bounds{}) != nil {
			continue // told by whoever checks changes on their own
		}
		for _, f := range compiled.Validate(doc) {
			at := "as a whole"
			if f.Pointer != "" {
				at = "at " + f.Pointer
			}
			d.tell(hcl.DiagError, ex.Range, "Example does not match the schema",
				fmt.Sprintf("The %s value %s %s: so says the schema of object %q %s this change.", side, at, f.Message, d.unit.object, map[string]string{"old": "before", "new": "after"}[side]))
			break
		}
	}
}

// demanding are keywords that ask for members or items, which an example may leave out, or that depend on them.
var demanding = []string{"required", "dependentRequired", "minProperties", "minItems", "contains", "minContains", "maxContains",
	"oneOf", "not", "if", "then", "else", "dependentSchemas"}

// partial is what a schema says of a value that need not have all it should, and in which other objects may be
// anything: their shape is of another time.
func partial(s *node) *node {
	if s.kind != '{' {
		return s
	}
	if to := s.reference(); to != nil && to.object != "" {
		return anything
	}
	s = s.without(demanding...)
	for i, name := range s.names {
		part := s.parts[i]
		switch of := keywords[name]; {
		case of == aSchema:
			part = partial(part)
		case of == someSchemas && part.kind == '[', of == namedSchemas && part.kind == '{':
			for k := range part.parts {
				part = part.item(k, partial(part.parts[k]))
			}
		}
		s = s.item(i, part)
	}
	return s
}
