package route

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// node is a place in the tree of an API's route patterns, a level for each segment. Finding a route costs a look-up
// a segment, however many routes there are.
type node struct {
	literal  map[string]*node
	variable *node
	leaf     *leaf
}

// leaf is a resource: the routes that share a pattern's shape.
type leaf struct {
	entries []entry
	allow   [][]string // Allow by version; nil where a version has no route here
	union   []string   // Allow over all versions
	options bool       // some route answers OPTIONS itself
}

// entry is a route in the versions [from, until).
type entry struct {
	method      string
	from, until int
	route       *Route
	parameters  []parameter
	rewrite     []piece // nil where the path stays
}

// parameter is a variable of a pattern and its segment's position below the base path and the version.
type parameter struct {
	name string
	at   int
}

// insert adds a route, in [from, until) of so many versions.
func (n *node) insert(r *Route, from, until, versions int) error {
	method, path, ok := strings.Cut(r.Pattern, " ")
	if !ok || method == "" || strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "" {
		return errors.New(`a route is a method in upper case, a space and a path: "GET /orders/{id}"`)
	}
	if method == "TRACE" || method == "CONNECT" {
		return fmt.Errorf("the method %s is never passed on", method)
	}
	list, err := segments(path)
	if err != nil {
		return err
	}
	if path == "" {
		return errors.New("the path is missing")
	}
	e := entry{method: method, from: from, until: until, route: r}
	at := n
	for i, s := range list {
		if !strings.ContainsAny(s, "{}") {
			if at.literal == nil {
				at.literal = map[string]*node{}
			}
			if at.literal[s] == nil {
				at.literal[s] = &node{}
			}
			at = at.literal[s]
			continue
		}
		name := strings.TrimSuffix(strings.TrimPrefix(s, "{"), "}")
		if len(s) != len(name)+2 || name == "" || strings.ContainsAny(name, "{}") {
			return fmt.Errorf("the segment %q is neither literal nor a {variable}", s)
		}
		if slices.ContainsFunc(e.parameters, func(p parameter) bool { return p.name == name }) {
			return fmt.Errorf("the variable {%s} is there twice", name)
		}
		e.parameters = append(e.parameters, parameter{name, i})
		if at.variable == nil {
			at.variable = &node{}
		}
		at = at.variable
	}
	if r.Rewrite != "" {
		if e.rewrite, err = compileRewrite(r.Rewrite, e.parameters); err != nil {
			return err
		}
	}
	if at.leaf == nil {
		at.leaf = &leaf{allow: make([][]string, versions)}
	}
	return at.leaf.add(e)
}

func (l *leaf) add(e entry) error {
	for _, other := range l.entries {
		if other.method == e.method && e.from < other.until && other.from < e.until {
			return fmt.Errorf("%q is the same in some version", other.route.Pattern)
		}
	}
	l.entries = append(l.entries, e)
	l.options = l.options || e.method == "OPTIONS"
	for v := e.from; v < e.until; v++ {
		l.allow[v] = l.methods(v)
	}
	l.union = l.methods(-1)
	return nil
}

// methods gives Allow for a version, or for all of them where v is negative.
func (l *leaf) methods(v int) []string {
	list := []string{"OPTIONS"} // answered here
	for i := range l.entries {
		if e := &l.entries[i]; v < 0 || e.in(v) {
			list = append(list, e.method)
			if e.method == "GET" {
				list = append(list, "HEAD")
			}
		}
	}
	slices.Sort(list)
	return []string{strings.Join(slices.Compact(list), ", ")}
}

func (e *entry) in(v int) bool { return e.from <= v && v < e.until }

// route gives the route for a method in a version; HEAD is a GET whose content is left out (RFC 9110, section 9.3.2).
func (l *leaf) route(method string, v int) *entry {
	for i := range l.entries {
		if e := &l.entries[i]; e.method == method && e.in(v) {
			return e
		}
	}
	if method == "HEAD" {
		return l.route("GET", v)
	}
	return nil
}

// everyVersion looks for a resource in whatever version.
const everyVersion = -1

// find gives the resource that a version has at a path, else nil. A literal segment wins over a variable one, unless
// it leads to nothing in this version.
func (n *node) find(path []string, v int) *leaf {
	if len(path) == 0 {
		if n.leaf != nil && (v == everyVersion || n.leaf.allow[v] != nil) {
			return n.leaf
		}
		return nil
	}
	if next := n.literal[path[0]]; next != nil {
		if l := next.find(path[1:], v); l != nil {
			return l
		}
	}
	if n.variable != nil {
		return n.variable.find(path[1:], v)
	}
	return nil
}
