package rule

import "github.com/expr-lang/expr/ast"

// children calls visit with each child of n. Unlike ast.Walk it lets the caller decide whether to go further down.
func children(n ast.Node, visit func(*ast.Node)) {
	all := func(nodes []ast.Node) {
		for i := range nodes {
			visit(&nodes[i])
		}
	}
	switch n := n.(type) {
	case *ast.UnaryNode:
		visit(&n.Node)
	case *ast.BinaryNode:
		visit(&n.Left)
		visit(&n.Right)
	case *ast.ChainNode:
		visit(&n.Node)
	case *ast.MemberNode:
		visit(&n.Node)
		visit(&n.Property)
	case *ast.SliceNode:
		visit(&n.Node)
		if n.From != nil {
			visit(&n.From)
		}
		if n.To != nil {
			visit(&n.To)
		}
	case *ast.CallNode:
		visit(&n.Callee)
		all(n.Arguments)
	case *ast.BuiltinNode:
		all(n.Arguments)
	case *ast.PredicateNode:
		visit(&n.Node)
	case *ast.VariableDeclaratorNode:
		visit(&n.Value)
		visit(&n.Expr)
	case *ast.SequenceNode:
		all(n.Nodes)
	case *ast.ConditionalNode:
		visit(&n.Cond)
		visit(&n.Exp1)
		visit(&n.Exp2)
	case *ast.ArrayNode:
		all(n.Nodes)
	case *ast.MapNode:
		all(n.Pairs)
	case *ast.PairNode:
		visit(&n.Key)
		visit(&n.Value)
	}
}

// count counts nodes as often as they are reached: a chained comparison shares its middle between two parents.
func count(n ast.Node) int {
	total := 1
	children(n, func(c *ast.Node) {
		if total <= maxNodes {
			total += count(*c)
		}
	})
	return total
}
