package rule

import (
	"github.com/expr-lang/expr/ast"
)

// leaf finds what a node names of the body in the body's index: conditions with what is written out read most numbers and
// texts there, which is faster than to make a value of them first. It gives -1 where there is none, or where only the value
// tells what it is: then the value counts, with its failures.
func (c *compiler) leaf(n ast.Node) func(*run) int {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		if i, ok := slotOf(n.Value); ok && c.p.slots[i].root == Body && len(c.p.slots[i].names) > 0 {
			names := c.p.slots[i].names
			return func(r *run) int {
				if r.index == nil || !r.x.Body.Read || !r.x.Body.Valid {
					return -1
				}
				return r.descend(0, names)
			}
		}
	case *ast.MemberNode:
		item, ok := n.Node.(*ast.PointerNode)
		name, constant := c.constant(n.Property)
		if ok && item.Name == "" && constant && name.kind == aText {
			d, names := c.depth-1, []string{name.s}
			return func(r *run) int {
				if node := r.rounds[d].node - 1; node >= 0 {
					return r.descend(node, names)
				}
				return -1
			}
		}
	}
	return func(*run) int { return -1 }
}

// descend goes from a node of the body's index by names of members; -1 where one is missing.
func (r *run) descend(node int, names []string) int {
	for _, name := range names {
		if r.index.First(node) != '{' {
			return -1
		}
		if node = r.member(node, name); node < 0 {
			return -1
		}
	}
	return node
}
