package catalogue

import (
	"slices"
	"strings"
)

// checkRoutes looks for routes that one request could mean alike, and for those that no version has.
func (d *decoder) checkRoutes(a *API, n *node) {
	first := make(map[string]*Route)
	nodes := make(map[string]*node)
	for _, r := range n.all("route") {
		nodes[r.label] = r
	}
	for _, r := range a.Routes {
		written := nodes[r.Label]
		shape := r.Method + " " + shape(r.Segments)
		switch earlier, ok := first[shape]; {
		case !ok:
			first[shape] = r
		case earlier.Label != r.Label: // those of one label are told with all other blocks
			d.wrong(r.Range, "Duplicate route", "%q, at %s, takes the same requests: the names of parameters do not tell routes apart.", earlier.Label, at(earlier.Range))
		}
		if r.Accepts != nil && slices.Contains([]string{"GET", "HEAD", "OPTIONS"}, r.Method) {
			d.wrong(written.place("accepts"), "Unsuitable attribute", "%s requests have no body that means anything (RFC 9110, section 9.3).", r.Method)
		}
		if r.Since != nil && r.Until != nil && !r.Since.Released.Before(r.Until.Released) {
			d.wrong(written.place("until"), "Contradictory versions", "No version has this route: %s is not released before %s.", r.Since.Name, r.Until.Name)
		}
		d.checkMerge(a, r, nodes)
		d.checkIdempotency(r, written)
		d.checkFirstSegment(a, r)
		d.checkRewrite(r, written)
		d.checkParameters(a, r, written)
		d.checkForms(a, r, written)
	}
}

// checkRewrite looks for parameters that a route's requests do not have.
func (d *decoder) checkRewrite(r *Route, n *node) {
	known := parameters(r.Segments)
	to, _ := parsePattern(r.Rewrite)
	for _, name := range parameters(to) {
		if !slices.Contains(known, name) {
			d.wrong(n.place("rewrite"), "Unknown parameter", "The route %q has no parameter {%s}.%s", r.Label, name, d.near(name, known))
		}
	}
}

func parameters(segments []Segment) []string {
	var names []string
	for _, s := range segments {
		if s.Parameter != "" {
			names = append(names, s.Parameter)
		}
	}
	return names
}

// checkFirstSegment keeps a path that may name a version, and may not, from being read in two ways.
func (d *decoder) checkFirstSegment(a *API, r *Route) {
	if a.Versioning == nil || !a.Versioning.Path || len(r.Segments) == 0 {
		return
	}
	s := r.Segments[0]
	if s.Parameter != "" {
		d.wrong(r.Range, "Ambiguous route", "Where the path may name the version, a route cannot begin with a parameter: is %s a version?", "{"+s.Parameter+"}")
		return
	}
	for _, v := range a.Versions {
		if strings.EqualFold(v.Name, s.Literal) {
			d.wrong(r.Range, "Ambiguous route", "Where the path may name the version, a route cannot begin with the label of one, declared at %s.", at(v.Range))
		}
	}
}

// shape is a pattern without the names of its parameters.
func shape(segments []Segment) string {
	var b strings.Builder
	for _, s := range segments {
		b.WriteByte('/')
		if s.Parameter != "" {
			b.WriteString("{}")
		} else {
			b.WriteString(s.Literal)
		}
	}
	return b.String()
}

// checkPaths looks for APIs on one host that could both take a request.
func (d *decoder) checkPaths(apis []*API, nodes []*node) {
	for i, a := range apis {
		for j, b := range apis {
			if i == j || !shareHost(a, b) || !located(nodes[i]) || !located(nodes[j]) {
				continue
			}
			switch {
			case a.BasePath == b.BasePath:
				if i > j {
					d.wrong(nodes[i].place("base_path"), "Duplicate base path", "The API %q, at %s, has the base path %q on the same host.", b.Name, at(b.Range), b.BasePath)
				}
			case within(split(b.BasePath), split(a.BasePath)):
				d.checkNested(a, b, nodes[j])
			}
		}
	}
}

func located(n *node) bool {
	v := n.one("versioning")
	return n.understood("base_path") && n.understood("hosts") && (v == nil || v.understood("host"))
}

// checkNested looks for a route of an outer API that takes paths of the inner one, whose base path is longer.
func (d *decoder) checkNested(outer, inner *API, n *node) {
	for _, r := range outer.Routes {
		for _, pattern := range outer.paths(r) {
			if takes(pattern, split(inner.BasePath)) {
				d.wrong(n.place("base_path"), "Ambiguous base path", "The route %q of the API %q, at %s, takes paths below %q too.", r.Label, outer.Name, at(r.Range), inner.BasePath)
				return
			}
		}
	}
}

// paths are the patterns of a route from the root on: with and without the version's segment.
func (a *API) paths(r *Route) [][]Segment {
	var base []Segment
	for _, s := range split(a.BasePath) {
		base = append(base, Segment{Literal: s})
	}
	paths := [][]Segment{slices.Concat(base, r.Segments)}
	if a.Versioning != nil && a.Versioning.Path {
		for _, v := range a.Versions {
			paths = append(paths, slices.Concat(base, []Segment{{Literal: v.Name}}, r.Segments))
		}
	}
	return paths
}

// takes says whether a pattern can take a path that begins with the prefix.
func takes(pattern []Segment, prefix []string) bool {
	if len(pattern) < len(prefix) {
		return false
	}
	for i, s := range prefix {
		if pattern[i].Parameter == "" && pattern[i].Literal != s {
			return false
		}
	}
	return true
}

func split(path string) []string {
	if path == "/" {
		return nil
	}
	return strings.Split(path[1:], "/")
}

// within says whether a path lies below another.
func within(path, outer []string) bool {
	return len(path) > len(outer) && slices.Equal(path[:len(outer)], outer)
}
