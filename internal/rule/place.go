package rule

import (
	"strconv"

	"github.com/expr-lang/expr/ast"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// site is a list of the body of which all members, or none, must meet a condition for the whole expression to be true. So
// the member at which it stops is what is wrong with the body.
type site struct {
	outer *site    // the list whose member it is in; nil where the body is meant
	names []string // the way to the list from there
	depth int      // of the condition
}

// required compiles what must be true for the whole expression to be true.
func (c *compiler) required(n ast.Node) logic {
	if l := c.stated(n); l != nil {
		return l
	}
	return c.truth(n)
}

// stated is required for what is true or false by its nature; nil for anything else.
func (c *compiler) stated(n ast.Node) logic {
	switch n := n.(type) {
	case *ast.BinaryNode:
		if n.Operator == "&&" || n.Operator == "and" {
			a, b := c.required(n.Left), c.required(n.Right)
			return func(r *run) bool { return a(r) && b(r) }
		}
	case *ast.BuiltinNode:
		if n.Name == "all" || n.Name == "none" {
			if s := c.listed(n.Arguments[0]); s != nil {
				return c.sited(n, s)
			}
		}
	}
	return c.logical(n)
}

// listed gives the site of a list; nil where it is not one of the body as it is.
func (c *compiler) listed(n ast.Node) *site {
	switch n := n.(type) {
	case *ast.ChainNode:
		return c.listed(n.Node)
	case *ast.IdentifierNode:
		if i, ok := slotOf(n.Value); ok && c.p.slots[i].root == Body {
			return &site{names: c.p.slots[i].names, depth: c.depth}
		}
	case *ast.PointerNode:
		if n.Name == "" && c.site != nil && c.site.depth == c.depth-1 {
			return &site{outer: c.site, depth: c.depth}
		}
	case *ast.MemberNode:
		name, ok := n.Property.(*ast.StringNode)
		if !ok {
			return nil
		}
		if s := c.listed(n.Node); s != nil {
			s.names = append(s.names[:len(s.names):len(s.names)], name.Value)
			return s
		}
	case *ast.BinaryNode:
		if none, ok := n.Right.(*ast.ArrayNode); ok && n.Operator == "??" && len(none.Nodes) == 0 { // no member of [] is wrong
			return c.listed(n.Left)
		}
	case *ast.BuiltinNode:
		if n.Name == "map" { // which gives as many members in the same order
			return c.listed(n.Arguments[0])
		}
	}
	return nil
}

// sited compiles all or none so that a run knows where it stopped.
func (c *compiler) sited(n *ast.BuiltinNode, s *site) logic {
	outer, condition := c.site, c.truth
	if c.site = s; n.Name == "all" {
		condition = c.required
	}
	holds := c.quantifier(n, condition)
	c.site = outer
	return func(r *run) bool {
		before := r.site
		r.site, r.rounds[s.depth].index = s, -1
		if !holds(r) {
			return false
		}
		r.site = before
		return true
	}
}

// pointer is where in the body a run stopped, as a JSON pointer: at a member of a list, or at the list where it was none;
// "" where that is not known.
func (r *run) pointer() string {
	if r.site == nil {
		return ""
	}
	return jsonspan.Join(r.way(r.site))
}

func (r *run) way(s *site) (way []string) {
	if s.outer != nil {
		way = r.way(s.outer)
	}
	way = append(way, s.names...)
	if index := r.rounds[s.depth].index; index >= 0 {
		way = append(way, strconv.Itoa(index))
	}
	return way
}
