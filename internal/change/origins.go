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
