package change

import "github.com/wicketgate/wicketgate/internal/jsonspan"

// Pointer tells a JSON pointer (RFC 6901) into the newest shape in the caller's shape: /customer/email becomes
// /customer_email. An object that changes have made, which the caller may not know, becomes the object from which its
// first member came; what the caller's shape has no word for stays as it is.
func (p *Program) Pointer(newest string) string {
	if p.root == nil {
		return newest
	}
	return jsonspan.Join(p.older(p.root, jsonspan.Split(newest)))
}

// older tells tokens, counted from at, in the older shape.
func (p *Program) older(at *place, tokens []string) []string {
	if at.plan != nil {
		return p.olderIn(at.plan, tokens)
	}
	if len(tokens) == 0 {
		return tokens
	}
	next := at.items
	for i := range at.fields {
		if p.symbols.names[at.fields[i].sym] == tokens[0] {
			next = at.fields[i].place
		}
	}
	if next == nil {
		return tokens
	}
	return append([]string{tokens[0]}, p.older(next, tokens[1:])...)
}

func (p *Program) olderIn(at *plan, tokens []string) []string {
	if at.held != nil {
		tokens = p.older(at.held, tokens)
	}
	for i := range at.down {
		op := at.down[i].op
		switch {
		case op.to == nil:
		case within(tokens, op.to):
			tokens = append(append([]string{}, op.path...), tokens[len(op.to):]...)
		case len(tokens) > 0 && below(op.to, tokens) && !below(op.path, tokens):
			tokens = op.path[:len(op.path)-1]
		}
	}
	return tokens
}
