package apidoc

import (
	"slices"
	"strings"
)

// parameters reads those of a path and of an operation, which come before those of the path.
func (r *reader) parameters(names map[string]string, ofPath, own *node) []*Parameter {
	var all []*Parameter
	for _, from := range []*node{own, ofPath} {
		if from == nil {
			continue
		}
		for _, item := range from.items {
			for _, p := range r.parameter(names, item) {
				if !slices.ContainsFunc(all, func(o *Parameter) bool {
					return o.In == p.In && strings.EqualFold(o.Name, p.Name) && (p.In == "header" || o.Name == p.Name)
				}) {
					all = append(all, p)
				}
			}
		}
	}
	return all
}

// parameter reads one; none where it is not used, several where the members of an object stand for themselves.
func (r *reader) parameter(names map[string]string, at *node) []*Parameter {
	n := r.follow(at)
	if !r.fields(n, "A parameter", "name", "in", "description", "required", "deprecated", "allowEmptyValue", "style", "explode", "allowReserved", "schema", "example", "examples", "content") {
		return nil
	}
	p := &Parameter{In: n.str("in"), Name: n.str("name"), Description: n.str("description"), Required: n.yes("required"), Empty: n.yes("allowEmptyValue"), Types: []string{"string"}, Range: at.at()}
	if name := n.get("name"); name != nil {
		p.Range = name.at()
	}
	switch p.In {
	case "path":
		own, ok := names[p.Name]
		if !ok {
			r.wrong(n, "Unknown parameter", "The path has no parameter {%s}.", p.Name)
			return nil
		}
		p.Name, p.Required = own, true
	case "header":
		if slices.Contains([]string{"accept", "content-type", "authorization"}, strings.ToLower(p.Name)) {
			return nil // OpenAPI says so: other places describe them
		}
	case "query":
	case "cookie":
		r.warn(n, "Not used", "Cookies are not looked at.")
		return nil
	default:
		r.wrong(n, "Unsuitable parameter", `A parameter is in "path", "query", "header" or "cookie".`)
		return nil
	}
	if p.Name == "" {
		r.wrong(n, "Unsuitable parameter", "A parameter has a name.")
		return nil
	}
	schema := n.get("schema")
	if schema == nil {
		if n.get("content") != nil {
			r.warn(n, "Not checked", "Parameters with content of a media type are known, but what they say is not looked at.")
		}
		return []*Parameter{p}
	}
	return r.valued(p, n, schema)
}

// valued reads what the values of a parameter are and how they are written.
func (r *reader) valued(p *Parameter, n, schema *node) []*Parameter {
	style, explode := n.str("style"), n.get("explode")
	if style == "" {
		style = map[string]string{"query": "form", "header": "simple", "path": "simple"}[p.In]
	}
	exploded := style == "form"
	if explode != nil {
		exploded = explode.text == "true"
	}
	if style == "label" || style == "matrix" {
		r.warn(n, "Not checked", "Parameters in the style %q are known, but what they say is not looked at.", style)
		return []*Parameter{p}
	}
	types := r.types(schema, 0)
	switch {
	case types["object"] && len(types) == 1:
		if style == "deepObject" && p.In == "query" {
			p.Open, p.Schema = true, r.inline(schema)
			return []*Parameter{p}
		}
		r.warn(n, "Not checked", "Objects as parameters are known, but what they say is not looked at.")
		switch {
		case p.In == "query" && exploded:
			return r.apart(p, schema)
		}
		return []*Parameter{p}
	case types["array"] && len(types) == 1:
		p.List = "comma"
		if p.In == "query" {
			switch {
			case exploded || style == "deepObject":
				p.List = "repeat"
			case style == "spaceDelimited":
				p.List = "space"
			case style == "pipeDelimited":
				p.List = "pipe"
			}
		}
		types = r.types(r.items(schema, 0), 0)
	}
	var known []string
	for _, t := range []string{"integer", "number", "boolean", "string"} {
		if types[t] {
			known = append(known, t)
		}
	}
	if types["array"] || types["object"] {
		r.warn(n, "Not checked", "Parameters that may be a list or an object besides are known, but what they say is not looked at.")
		p.List = ""
		return []*Parameter{p}
	}
	if len(known) > 0 {
		p.Types = known
	}
	p.Schema = r.inline(schema)
	return []*Parameter{p}
}

// apart gives the members of an object that stand in the query each by itself.
func (r *reader) apart(p *Parameter, schema *node) []*Parameter {
	var all []*Parameter
	if to := r.follow(schema); to != nil && to.get("properties") != nil {
		for _, m := range to.get("properties").members {
			all = append(all, &Parameter{In: p.In, Name: m.name, Types: p.Types, Range: m.key.at(), Schema: nil})
		}
	}
	return all
}

// items gives the schema of a list's items; nil where nothing is said of them.
func (r *reader) items(schema *node, depth int) *node {
	n := r.follow(schema)
	if n == nil || depth > maxJumps {
		return nil
	}
	if items := n.get("items"); items != nil {
		return items
	}
	for _, keyword := range []string{"allOf", "anyOf", "oneOf"} {
		if all := n.get(keyword); all != nil {
			for _, part := range all.items {
				if items := r.items(part, depth+1); items != nil {
					return items
				}
			}
		}
	}
	return nil
}

// types gives the types that a schema allows, null left out; none where it does not say.
func (r *reader) types(schema *node, depth int) map[string]bool {
	all := make(map[string]bool)
	n := r.follow(schema)
	if n == nil || n.kind != mapping || depth > maxJumps {
		return all
	}
	if t := n.get("type"); t != nil {
		for _, name := range append(texts(t), t.text) {
			if name != "" && name != "null" {
				all[name] = true
			}
		}
		return all
	}
	if c := n.get("const"); c != nil {
		all[c.typed()] = true
		return all
	}
	if e := n.get("enum"); e != nil {
		for _, item := range e.items {
			if item.kind != null {
				all[item.typed()] = true
			}
		}
		return all
	}
	if parts := n.get("allOf"); parts != nil {
		for _, part := range parts.items {
			if some := r.types(part, depth+1); len(some) > 0 {
				return some
			}
		}
	}
	for _, keyword := range []string{"anyOf", "oneOf"} {
		if parts := n.get(keyword); parts != nil {
			for _, part := range parts.items {
				for t := range r.types(part, depth+1) {
					all[t] = true
				}
			}
		}
	}
	switch {
	case len(all) > 0:
	case n.get("properties") != nil:
		all["object"] = true
	case n.get("items") != nil:
		all["array"] = true
	}
	return all
}

// typed is the type of a value in JSON Schema.
func (n *node) typed() string {
	switch n.kind {
	case boolean:
		return "boolean"
	case number:
		if strings.ContainsAny(n.text, ".eE") {
			return "number"
		}
		return "integer"
	case list:
		return "array"
	case mapping:
		return "object"
	}
	return "string"
}
