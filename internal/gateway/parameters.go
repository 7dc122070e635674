package gateway

import (
	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/parameter"
	"github.com/wicketgate/wicketgate/internal/rule"
)

// types are the catalogue's words for what values are.
var types = map[string]parameter.Types{"string": parameter.String, "integer": parameter.Integer, "number": parameter.Number, "boolean": parameter.Boolean}

// parametersOf builds what the parameters of a route are held to in a version; nil where nothing is said of them. They
// are looked at once the query has gone up, so they have the names of the version that the upstream speaks; callers are
// told of those of their own. Rules know them all, those too that the version's callers do not have.
func (b *builder) parametersOf(l *lineage, v *catalogue.Version, r *catalogue.Route, terms catalogue.Terms) (*parameter.Set, []rule.Declared) {
	var declared []rule.Declared
	c := parameter.Config{Unknown: parameter.Unknown(terms.Unknown)}
	index := l.index(v)
	end := l.ends[index]
	travels := travelling(r)
	for _, p := range r.Parameters {
		to := parameter.Parameter{Deep: p.Open, In: parameter.In(p.In), Name: p.Name, Required: p.Required, Empty: p.Empty, List: parameter.List(p.List), Schema: p.Schema, Range: p.Range}
		for _, name := range p.Types {
			to.Types |= types[name]
		}
		if to.In == parameter.Query && !b.diags.HasErrors() {
			to.Name = b.spoken(l, v, r, to.Name)
			if q := b.query(l, index, end, travels); q != nil {
				to.Told = q.Down(to.Name)
			}
		}
		declared = append(declared, rule.Declared{Root: rootsOf[to.In], Name: to.Name, Type: typeOf(to), Shape: b.deep(p)})
		if p.Within(v) {
			c.Parameters = append(c.Parameters, to)
		}
	}
	c.Known = known(l.api)
	set, diags := parameter.New(c)
	b.add(diags)
	if set == nil {
		return nil, declared
	}
	for i := range declared {
		d := &declared[i]
		d.Unread = d.Type == rule.DeclaredObject && !set.Reads(d.Name)
	}
	if set.Empty() {
		return nil, declared
	}
	return set, declared
}

// deep is what is known of an object in the query, worked out once; nil of anything else.
func (b *builder) deep(p *catalogue.Parameter) *rule.Shape {
	if !p.Open || p.Schema == nil {
		return nil
	}
	shape, done := b.objects[p]
	if !done {
		shape = rule.ShapeOf(p.Schema)
		b.objects[p] = shape
	}
	return shape
}

// deepNames are the names, in what the upstream of a version speaks, of the objects in the query of a route.
func (b *builder) deepNames(l *lineage, v *catalogue.Version, r *catalogue.Route) (names []string) {
	for _, p := range r.Parameters {
		if p.Open {
			names = append(names, b.spoken(l, v, r, p.Name))
		}
	}
	return names
}

// rootsOf are the names by which rules know the places of parameters.
var rootsOf = map[parameter.In]rule.Roots{parameter.Path: rule.Path, parameter.Query: rule.Query, parameter.Header: rule.Header}

// typeOf says what rules get of a parameter.
func typeOf(p parameter.Parameter) rule.DeclaredType {
	switch {
	case p.Deep:
		return rule.DeclaredObject
	case p.List != "":
		return rule.DeclaredList
	case p.Types == parameter.String:
		return rule.DeclaredText
	case p.Types == parameter.Integer:
		return rule.DeclaredInteger
	case p.Types == parameter.Boolean:
		return rule.DeclaredBoolean
	}
	return rule.DeclaredScalar
}

// travelling are the places of the objects in both messages of a route.
func travelling(r *catalogue.Route) []change.Held {
	var accepts []change.Held
	if r.Accepts != nil {
		accepts = []change.Held{{Object: r.Accepts.Name, Range: r.Range}}
	}
	return append(accepts, places(r.Returns)...)
}

// calledBy gives what callers of a version, by its index, know query parameters as, where that is another name.
func (b *builder) calledBy(l *lineage, version int) map[*catalogue.Parameter]string {
	called := make(map[*catalogue.Parameter]string)
	if version == l.newest() || b.diags.HasErrors() {
		return called
	}
	for _, r := range l.api.Routes {
		for _, p := range r.Parameters {
			if p.In != string(parameter.Query) {
				continue
			}
			if q := b.query(l, version, l.newest(), travelling(r)); q != nil {
				if name := q.Down(p.Name); name != p.Name {
					called[p] = name
				}
			}
		}
	}
	return called
}

// known are the query parameters of an API that are no route's own: the version's, and those that carry credentials, of
// whatever route.
func known(from *catalogue.API) []string {
	var all []string
	if from.Versioning != nil && from.Versioning.Query != "" {
		all = append(all, from.Versioning.Query)
	}
	for _, i := range from.Identities() {
		if i.APIKey != nil && i.APIKey.Query != "" {
			all = append(all, i.APIKey.Query)
		}
	}
	return all
}
