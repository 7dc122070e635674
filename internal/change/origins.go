package change

import "github.com/wicketgate/wicketgate/internal/jsonspan"

// Origins tells what a caller may lack where the newest shape lacks something: a JSON pointer (RFC 6901) into that
// becomes one into the caller's shape or, where changes have made an object or a text of several members, as many.
// It may give members that the caller's shape does not have, next to those that it has.
func (p *Program) Origins(newest string) []string {
	if p.root == nil {
		return []string{newest}
	}
	var pointers []string
	for _, tokens := range p.origins(p.root, jsonspan.Split(newest)) {
		pointers = append(pointers, jsonspan.Join(tokens))
	}
	return pointers
}

func (p *Program) origins(at *place, tokens []string) [][]string {
	if at.plan != nil {
		all := [][]string{tokens}
		if at.plan.held != nil {
			all = p.origins(at.plan.held, tokens)
		}
		for i := range at.plan.down {
			var older [][]string
			for _, tokens := range all {
				older = append(older, at.plan.down[i].op.origins(tokens)...)
			}
			all = older
		}
		return all
	}
	if len(tokens) == 0 {
		return [][]string{tokens}
	}
	next := at.items
	for i := range at.fields {
		if p.symbols.names[at.fields[i].sym] == tokens[0] {
			next = at.fields[i].place
		}
	}
	if next == nil {
		return [][]string{tokens}
	}
	all := p.origins(next, tokens[1:])
	for i := range all {
		all[i] = append([]string{tokens[0]}, all[i]...)
	}
	return all
}

// origins are where what is at tokens may come from. Each operation adds at most maxParts of them to one, and only to
// the one that it makes.
func (op *operation) origins(tokens []string) [][]string {
	switch {
	case (op.Kind == Rename || op.Kind == Move) && len(tokens) > 0 && below(op.to, tokens) && !below(op.path, tokens):
		return [][]string{op.path, tokens}
	case op.Kind == Join && within(tokens, op.path):
		var all [][]string
		for _, part := range op.Parts {
			all = append(all, op.beside(part))
		}
		return all
	}
	return [][]string{op.pointer(tokens)}
}

// Converted says whether the value at a JSON pointer into the newest shape is another one in the caller's: what is said
// of it does not hold for what the caller sent, as a bound in cents does not for an amount in euros.
func (p *Program) Converted(newest string) bool {
	return p.root != nil && p.converted(p.root, jsonspan.Split(newest))
}

func (p *Program) converted(at *place, tokens []string) bool {
	if at.plan != nil {
		if at.plan.held != nil {
			if p.converted(at.plan.held, tokens) {
				return true
			}
			tokens = p.older(at.plan.held, tokens)
		}
		for i := range at.plan.down {
			op := at.plan.down[i].op
			switch op.Kind {
			case Enum, Scale, Cast, Join:
				if within(tokens, op.path) {
					return true
				}
			case Split:
				for _, part := range op.Parts {
					if within(tokens, op.beside(part)) {
						return true
					}
				}
			}
			tokens = op.pointer(tokens)
		}
		return false
	}
	if len(tokens) == 0 {
		return false
	}
	next := at.items
	for i := range at.fields {
		if p.symbols.names[at.fields[i].sym] == tokens[0] {
			next = at.fields[i].place
		}
	}
	return next != nil && p.converted(next, tokens[1:])
}
