package change

import (
	"net/url"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Query carries the query parameters of requests from one version to the newest.
type Query struct {
	renames []queryRename // oldest first
}

type queryRename struct {
	*Param
	change *Change
	object bool // whether it is of an object, whose members stand in the query as name[member]
}

// param checks a renamed parameter.
func (c *compiler) param(p *Param) {
	switch {
	case p.Name == "" || p.To == "":
		c.complain(p.Range, nil, "Malformed parameter", "param needs the parameter's old name as its label and its new name in to.")
	case p.Name == p.To:
		c.complain(p.Range, nil, "Rename to the same name", "The parameter %q has this name already.", p.Name)
	}
}

// params checks what the parameters of all changes on one object say of each other. made are the names that older ones
// have given, and which of them did.
func (c *compiler) params(ch *Change, made map[string]*Param) {
	for i := range ch.Params {
		p := &ch.Params[i]
		c.param(p)
		if k := slices.IndexFunc(ch.Params[:i], func(q Param) bool { return q.Name == p.Name }); k >= 0 && made[p.Name] == nil {
			c.complain(p.Range, ch.Range.Ptr(), "Parameter is no longer there", "Params run in written order, and one above takes %q away: it is %q then.", p.Name, ch.Params[k].To)
		}
		delete(made, p.Name)
		if q := made[p.To]; q != nil && p.Name != p.To {
			c.complain(p.Range, ch.Range.Ptr(), "Two parameters become one", "%q is what an older param makes of %q: its requests would be refused here, as if the parameter were one that only newer versions have.", p.To, q.Name)
		}
		made[p.To] = p
	}
}

// CompileQuery makes the program for the query of one route. Of chain, oldest first, those changes count that are on
// an object the route takes or gives, or on one that such an object holds; roots are the places of both messages.
// Its diagnostics are among those of Validate and Compile.
func CompileQuery(chain []*Change, objects map[string]*Object, roots []Held) (*Query, hcl.Diagnostics) {
	c := newCompiler(chain, objects)
	if c.diags.HasErrors() {
		return nil, c.diags
	}
	there := travelling(objects, roots)
	q := new(Query)
	for _, ch := range chain {
		for i := range ch.Params {
			if there[ch.On] {
				q.renames = append(q.renames, queryRename{&ch.Params[i], ch, false})
			}
		}
	}
	return q, nil
}

// With gives the Query of a route of which the parameters of these names, as the newest version has them, are objects: they
// take their members along, which stand in the query as name[member].
func (q *Query) With(objects []string) *Query {
	if q == nil || len(objects) == 0 {
		return q
	}
	with := &Query{renames: slices.Clone(q.renames)}
	names := slices.Clone(objects)
	for i := len(with.renames) - 1; i >= 0; i-- {
		r := &with.renames[i]
		for k, name := range names {
			if name == r.To {
				r.object, names[k] = true, r.Name
			}
		}
	}
	return with
}

// names says whether a parameter has a name, or is of a member of the object that has it: then rest is what stands
// behind that.
func (r *queryRename) names(parameter, name string) (rest string, yes bool) {
	rest, yes = strings.CutPrefix(parameter, name)
	return rest, yes && (rest == "" || r.object && rest[0] == '[')
}

// Empty says that queries are the same in both versions.
func (q *Query) Empty() bool { return len(q.renames) == 0 }

// Down gives the name that a parameter of the newest version has in the older one.
func (q *Query) Down(name string) string {
	for i := len(q.renames) - 1; i >= 0; i-- {
		if q.renames[i].To == name {
			name = q.renames[i].Name
		}
	}
	return name
}

// Up carries a raw query to the newest version. It must be well formed. Names are compared decoded; values and all
// parameters without a change stay as they are spelt. A parameter that has a newer version's name already is an
// *Error, as a member would be.
func (q *Query) Up(raw string) (string, error) {
	if len(q.renames) == 0 || raw == "" {
		return raw, nil
	}
	parts := strings.Split(raw, "&")
	names := make([]string, len(parts))
	for i, part := range parts {
		name, _, _ := strings.Cut(part, "=")
		decoded, err := url.QueryUnescape(name)
		if err != nil {
			return "", &Error{Detail: "the query is not well formed"}
		}
		names[i] = decoded
	}
	changed := false
	for i := range q.renames {
		r := &q.renames[i]
		if slices.ContainsFunc(names, func(name string) bool { _, newer := r.names(name, r.To); return newer }) {
			return "", &Error{Detail: "the query has a parameter that belongs to a newer version",
				Change: r.change.Name, Range: r.Range}
		}
		for k := range names {
			rest, of := r.names(names[k], r.Name)
			if !of {
				continue
			}
			names[k], changed = r.To+rest, true
			spelt, value, ok := strings.Cut(parts[k], "=")
			if spelt, of = strings.CutPrefix(spelt, r.Name+"["); of {
				spelt = "[" + spelt // as it came
			} else {
				spelt = url.QueryEscape(rest)
			}
			parts[k] = url.QueryEscape(r.To) + spelt
			if ok {
				parts[k] += "=" + value
			}
		}
	}
	if !changed {
		return raw, nil
	}
	return strings.Join(parts, "&"), nil
}
