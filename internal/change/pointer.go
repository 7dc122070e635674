package change

import (
	"slices"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// Pointer tells a JSON pointer (RFC 6901) into the newest shape in the caller's shape: /customer/email becomes
// /customer_email. An object that changes have made, which the caller may not know, becomes the object from which its
// first member came, a text that has been joined its first part; what the caller's shape has no word for stays as it is.
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
		tokens = at.down[i].op.pointer(tokens)
	}
	return tokens
}

// pointer tells tokens in the shape before the operation.
func (op *operation) pointer(tokens []string) []string {
	from := func(from, to []string) []string { return append(slices.Clone(from), tokens[len(to):]...) }
	switch op.Kind {
	case Rename, Move:
		switch {
		case within(tokens, op.to):
			return from(op.path, op.to)
		case len(tokens) > 0 && below(op.to, tokens) && !below(op.path, tokens):
			return op.path[:len(op.path)-1]
		}
	case Wrap:
		if inside := op.inside(); within(tokens, inside) {
			return from(op.path, inside)
		} else if within(tokens, op.path) {
			return op.path // the object around the value, or what it lacks
		}
	case Unwrap:
		if within(tokens, op.path) {
			return from(op.inside(), op.path)
		}
	case List:
		if below(tokens, op.path) {
			return from(op.path, tokens[:len(op.path)+1])
		}
	case Unlist:
		if within(tokens, op.path) {
			return from(append(slices.Clone(op.path), "0"), op.path)
		}
	case Split:
		for _, part := range op.Parts {
			if within(tokens, op.beside(part)) {
				return op.path
			}
		}
	case Join:
		if within(tokens, op.path) {
			return op.beside(op.Parts[0])
		}
	}
	return tokens
}
