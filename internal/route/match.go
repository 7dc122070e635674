package route

import (
	"net/http"
	"slices"

	"github.com/wicketgate/wicketgate/internal/cors"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// Match is what was found of a request.
type Match struct {
	API     *API     // nil: no API claims the request
	Version *Version // nil on an API without versions, and until the version is known
	Index   int      // of Version in API.Versions; 0 on an API without versions
	Route   *Route   // nil until the version is known, and where Status is set

	// Pending: the request names no version, and the caller's credential may. Identify, then call Pin.
	Pending bool

	// Status, where set, is the whole answer, with the fields of the exchange's Answer: 204 to a CORS preflight, and to
	// an OPTIONS request for a resource none of whose routes answers OPTIONS itself (RFC 9110, section 9.3.7).
	Status int

	// MediaType is what the answer's Content-Type has to be where its content has the version's form; "" where the
	// caller did not ask for a version's media type.
	MediaType string
	// XMLType is the same for an answer in XML.
	XMLType string

	api    *api
	path   []string // segments below base path and version
	cut    bool     // the path names the version
	hosted bool     // the host names the version

	without string // the path without the version, where it has been put together already
}

// Match finds the API, the version and the route of x, and writes them there: API, Version, Selected, Route,
// Parameters, Target, and to Answer the fields about the version's life, those of CORS, Vary and Allow. What named the
// version is taken off the target, the query and the header, since the upstream knows but one. The clock is x.Time.
//
// A Match without API means that nobody claims the request; x is then as before. A problem says why the request ends
// here; x then holds what was found until there.
func (t *Table) Match(x *exchange.Exchange) (Match, *problem.Problem) {
	a := t.find(x.Host, x.Path.Segments)
	if a == nil {
		return Match{}, nil
	}
	x.API = a.Name
	m := Match{API: a.API, api: a, path: x.Path.Segments[len(a.base):]}
	if a.CORS != nil {
		if cors.Preflight(x) {
			return m, m.preflight(x)
		}
		a.CORS.Answer(x)
	}
	a.addVary(x, a.vary)
	if a.Versioning == nil {
		return m, m.resolve(x)
	}
	s, p := a.choose(x, &m)
	switch {
	case p != nil:
		return m, p
	case s.version >= 0:
		return m, m.settle(x, s.version, selectedNames[s.by])
	}
	if x.Method == http.MethodOptions {
		// Asking what there is needs no version and no caller.
		if allow, own := a.methods(m.path); allow != nil && !own {
			m.Status = http.StatusNoContent
			x.SetAnswer("Allow", allow...)
			return m, nil
		}
	}
	if len(a.Versioning.Pin) > 0 {
		m.Pending = true
		return m, nil
	}
	return m, m.fallBack(x)
}

// Pin ends what Match left Pending: version is what the caller's credential is pinned to, "" for nothing; failure says
// why that cannot be told, which is answered as if it were a version that is none. The answer then depends on the
// credential, and says so in Vary.
func (m *Match) Pin(x *exchange.Exchange, version string, failure error) *problem.Problem {
	if !m.Pending {
		return nil
	}
	m.Pending = false
	a := m.api
	if len(a.vary) > 0 {
		x.Answer["Vary"] = slices.DeleteFunc(slices.Clone(x.Answer["Vary"]), func(v string) bool { return v == a.vary[0] })
	}
	a.addVary(x, a.varyPin)
	if failure != nil {
		return a.invalid(x, "the credential is pinned to", "").Because(failure)
	}
	if version == "" {
		return m.fallBack(x)
	}
	i, ok := a.names[version]
	if !ok || a.versions[i].hidden(x.Time) {
		return a.invalid(x, "the credential is pinned to", version)
	}
	return m.settle(x, i, "pin")
}

func (m *Match) fallBack(x *exchange.Exchange) *problem.Problem {
	if m.api.byDefault < 0 {
		return m.api.required(x)
	}
	if v := &m.api.versions[m.api.byDefault]; v.hidden(x.Time) {
		return m.api.required(x)
	}
	return m.settle(x, m.api.byDefault, "default")
}

func (a *api) addVary(x *exchange.Exchange, vary []string) {
	switch {
	case vary == nil:
	case len(x.Answer["Vary"]) == 0:
		x.SetAnswer("Vary", vary...)
	default:
		x.AddAnswer("Vary", vary...)
	}
}

// settle takes a version for the request's, tells of its life, and goes on to the route.
func (m *Match) settle(x *exchange.Exchange, i int, how string) *problem.Problem {
	v := &m.api.versions[i]
	m.Version, m.Index = v.Version, i
	x.Version, x.Selected = v.Name, how
	if p := m.lifecycle(x); p != nil {
		return p
	}
	return m.resolve(x)
}

// resolve finds the route in the version settled.
func (m *Match) resolve(x *exchange.Exchange) *problem.Problem {
	a := m.api
	l := a.tree.find(m.path, m.Index)
	if l == nil {
		return m.missing(x)
	}
	e := l.route(x.Method, m.Index)
	if e == nil {
		x.SetAnswer("Allow", l.allow[m.Index]...)
		if x.Method == http.MethodOptions {
			m.Status = http.StatusNoContent
			return nil
		}
		return problem.New(problem.MethodNotAllowed, "this resource allows "+l.allow[m.Index][0])
	}
	m.Route = e.route
	x.Route = e.route.Pattern
	if len(e.parameters) > 0 {
		list := x.NewParameters(len(e.parameters))
		for i, p := range e.parameters {
			list[i] = exchange.Parameter{Name: p.name, Value: m.path[p.at]}
		}
	}
	if e.rewrite != nil {
		x.Target = m.rewritten(x, e.rewrite)
	} else {
		x.Target = m.target(x)
	}
	return nil
}

// around gives the parts of an escaped path before and after the segment at position n.
func around(escaped string, n int) (before, after string) {
	start := nth(escaped, n)
	end := start + nth(escaped[start:], 1)
	return escaped[:start], escaped[end:]
}

// nth gives the position of the slash before the segment at position n, or the end.
func nth(escaped string, n int) int {
	for i := 0; i < len(escaped); i++ {
		if escaped[i] == '/' {
			if n == 0 {
				return i
			}
			n--
		}
	}
	return len(escaped)
}
