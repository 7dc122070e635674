package route

import (
	"net/http"
	"slices"
	"strings"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// preflight answers a browser that asks what a page may do. Such a request carries neither a version's header field nor
// a credential, and what a page learns of one version its browser may take for another's: so it is answered for all
// versions together, and a version in its address, known or not, says nothing.
func (m *Match) preflight(x *exchange.Exchange) *problem.Problem {
	a := m.api
	allow, _ := a.methods(m.path)
	if allow == nil && a.Versioning != nil && a.Versioning.Path && a.mayName(m.path) {
		allow, _ = a.methods(m.path[1:])
	}
	if allow == nil {
		a.CORS.Answer(x)
		a.addVary(x, a.vary)
		return problem.New(problem.NotFound, "")
	}
	m.Status = http.StatusNoContent
	a.CORS.AnswerPreflight(x, allow)
	return nil
}

// methods gives Allow for a resource over all versions, nil where none has it, and whether a route of it answers OPTIONS
// itself. A path may be a resource of its own in one version and fill another's variable in the next.
func (a *api) methods(path []string) (allow []string, own bool) {
	var leaves []*leaf
	for v := range max(len(a.versions), 1) {
		if l := a.tree.find(path, v); l != nil && !slices.Contains(leaves, l) {
			leaves = append(leaves, l)
		}
	}
	switch len(leaves) {
	case 0:
		return nil, false
	case 1:
		return leaves[0].union, leaves[0].options
	}
	var all []string
	for _, l := range leaves {
		own = own || l.options
		all = append(all, strings.Split(l.union[0], ", ")...)
	}
	slices.Sort(all)
	return []string{strings.Join(slices.Compact(all), ", ")}, own
}
