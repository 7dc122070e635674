package route

import (
	"strings"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// listed adds the versions to recommend to a problem about versions.
func (a *api) listed(x *exchange.Exchange, p *problem.Problem) *problem.Problem {
	versions := a.offered(x.Time)
	if len(versions) > 0 {
		p.Detail += "; there are " + strings.Join(versions, ", ")
	}
	return p.With("versions", versions)
}

// didYouMean finds the version that name misspells.
func (a *api) didYouMean(name string) string {
	if i, ok := a.folded[strings.ToLower(name)]; ok && a.versions[i].Name != name {
		return ", did you mean " + a.versions[i].Name + "?"
	}
	return ""
}

// unknown: the path or the host names a version that is none.
func (a *api) unknown(x *exchange.Exchange, name string) *problem.Problem {
	return a.listed(x, problem.New(problem.UnknownVersion, "there is no version "+quote(name)+a.didYouMean(name)))
}

// invalid: a header field, a query or a credential names a version that is none, or nothing.
func (a *api) invalid(x *exchange.Exchange, who, name string) *problem.Problem {
	if name == "" {
		return a.listed(x, problem.New(problem.InvalidVersion, who+" no version"))
	}
	return a.listed(x, problem.New(problem.InvalidVersion, who+" the version "+quote(name)+", which is not to be had"+a.didYouMean(name)))
}

// unacceptable: Accept lists versions, and none of them is to be had.
func (a *api) unacceptable(x *exchange.Exchange, name string) *problem.Problem {
	detail := "Accept rules out every version"
	if name != "" {
		detail = "Accept names the version " + quote(name) + ", which is not to be had" + a.didYouMean(name)
	}
	return a.listed(x, problem.New(problem.NotAcceptable, detail))
}

// unsupported: Content-Type names a version that is none.
func (a *api) unsupported(x *exchange.Exchange, name string) *problem.Problem {
	p := a.listed(x, problem.New(problem.UnsupportedMediaType, "Content-Type names the version "+quote(name)+", which is not to be had"))
	var types []string
	for _, name := range a.offered(x.Time) {
		types = append(types, a.versions[a.names[name]].mediaType)
	}
	if len(types) > 0 {
		p.WithHeader("Accept-Post", strings.Join(types, ", "))
	}
	return p
}

func (a *api) conflict(one selector, first string, other selector, second string) *problem.Problem {
	return problem.New(problem.VersionConflict, a.words(one)+" names the version "+first+", "+a.words(other)+" "+second)
}

// required: nothing names a version, and there is no default.
func (a *api) required(x *exchange.Exchange) *problem.Problem {
	by := a.Versioning
	var ways []string
	if by.Path {
		ways = append(ways, "the path")
	}
	if by.Host != "" {
		ways = append(ways, "the host "+by.Host)
	}
	if by.Header != "" {
		ways = append(ways, a.words(byHeader))
	}
	if by.MediaType != "" {
		ways = append(ways, "the media type "+by.MediaType)
	}
	if by.Query != "" {
		ways = append(ways, a.words(byQuery))
	}
	detail := "the request names no version"
	if len(ways) > 0 {
		detail = "name a version in " + strings.Join(ways, " or in ")
	}
	return a.listed(x, problem.New(problem.VersionRequired, detail))
}

// missing: the version settled has no such resource. It tells whether another version has it.
func (m *Match) missing(x *exchange.Exchange) *problem.Problem {
	a := m.api
	for i := range a.versions {
		l := a.tree.find(m.path, i)
		if l == nil || a.versions[i].hidden(x.Time) {
			continue
		}
		// The nearest end of the stretch of versions that have it is what helps the caller.
		if i > m.Index {
			since := a.versions[i].Name
			return problem.New(problem.NotInVersion, "this resource is there since "+since+", not in "+x.Version).With("since", since)
		}
		last := i
		for j := i + 1; j < m.Index; j++ {
			if a.tree.find(m.path, j) != nil {
				last = j
			}
		}
		until := a.versions[last+1].Name
		return problem.New(problem.NotInVersion, "this resource was there until "+until+", the last version that has it is "+a.versions[last].Name).
			With("until", until)
	}
	return problem.New(problem.NotFound, "")
}
