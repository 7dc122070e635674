package openapi

import "github.com/wicketgate/wicketgate/internal/catalogue"

// styles are how OpenAPI calls the ways to write a list in the query, and whether each item stands by itself.
var styles = map[string]struct {
	name    string
	explode bool
}{"repeat": {"form", true}, "comma": {"form", false}, "space": {"spaceDelimited", false}, "pipe": {"pipeDelimited", false}}

// declared describes the parameters that a route declares, as callers of the version have them. called are the names in
// the path of those that stand there.
func (w *writer) declared(r *catalogue.Route, called map[string]string) []*parameter {
	var all []*parameter
	for _, p := range r.Parameters {
		if !p.Within(w.Version) {
			continue
		}
		to := &parameter{Name: p.Name, In: p.In, Description: p.Description, Required: p.Required, Empty: p.Empty, Schema: p.Schema}
		switch {
		case p.In == "path":
			to.Name = called[p.Name]
		case w.Told[p] != "":
			to.Name = w.Told[p]
		}
		if style, ok := styles[p.List]; ok && p.In == "query" {
			to.Style, to.Explode = style.name, &style.explode
		}
		if p.Open {
			explode := true
			to.Style, to.Explode = "deepObject", &explode
		}
		all = append(all, to)
	}
	return all
}
