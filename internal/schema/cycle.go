package schema

import "iter"

// beside gives the places where a node names those that are held against the same value.
func (n *node) beside() iter.Seq[**node] {
	return func(yield func(**node) bool) {
		for _, one := range []**node{&n.ref, &n.not, &n.check, &n.then, &n.other} {
			if *one != nil && !yield(one) {
				return
			}
		}
		lists := [][]*node{n.all, n.any, n.one}
		if n.dynamic != nil {
			lists = append(lists, n.dynamic.candidates)
		}
		for _, list := range lists {
			for i := range list {
				if !yield(&list[i]) {
					return
				}
			}
		}
		if n.object != nil {
			for i := range n.object.implies {
				if !yield(&n.object.implies[i].node) {
					return
				}
			}
		}
	}
}

// below gives the places where a node names those that are held against members, items and names.
func (n *node) below() iter.Seq[**node] {
	return func(yield func(**node) bool) {
		all := []**node{&n.otherMembers, &n.otherItems}
		if o := n.object; o != nil {
			all = append(all, &o.additional, &o.naming)
			for i := range o.members {
				all = append(all, &o.members[i])
			}
			for i := range o.patterns {
				all = append(all, &o.patterns[i].node)
			}
		}
		if a := n.array; a != nil {
			all = append(all, &a.items, &a.contains)
			for i := range a.prefix {
				all = append(all, &a.prefix[i])
			}
		}
		for _, one := range all {
			if *one != nil && !yield(one) {
				return
			}
		}
	}
}

// edges gives all of them.
func (n *node) edges() iter.Seq[**node] {
	return func(yield func(**node) bool) {
		for edge := range n.beside() {
			if !yield(edge) {
				return
			}
		}
		for edge := range n.below() {
			if !yield(edge) {
				return
			}
		}
	}
}

// markCycles numbers the nodes that lead to themselves without going into the document, and says how many there are.
// Only those have to be looked for while a document is validated. It takes away, one after the other, the nodes that lead
// to no other that is left, and those to which no other leads; what remains lies on cycles or between them.
func markCycles(order []*node) int {
	in, out := make(map[*node]int), make(map[*node]int)
	back := make(map[*node][]*node)
	for _, n := range order {
		for to := range n.beside() {
			out[n]++
			in[*to]++
			back[*to] = append(back[*to], n)
		}
	}
	gone := make(map[*node]bool)
	var free []*node
	for _, n := range order {
		if in[n] == 0 || out[n] == 0 {
			free = append(free, n)
		}
	}
	for len(free) > 0 {
		n := free[len(free)-1]
		free = free[:len(free)-1]
		if gone[n] {
			continue
		}
		gone[n] = true
		for to := range n.beside() {
			if in[*to]--; in[*to] == 0 {
				free = append(free, *to)
			}
		}
		for _, from := range back[n] {
			if out[from]--; out[from] == 0 {
				free = append(free, from)
			}
		}
	}
	count := 0
	for _, n := range order {
		if !gone[n] {
			count++
			n.cycle = count
		}
	}
	return count
}
