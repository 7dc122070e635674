package route

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// selector is a place in which a request can name its version.
type selector uint8

const (
	byPath selector = iota
	byHost
	byHeader
	byContentType
	byAccept
	byQuery
)

// selectedNames are the words of Exchange.Selected.
var selectedNames = [...]string{"path", "host", "header", "media type", "media type", "query"}

// selection is the version that the selectors looked at so far agree on.
type selection struct {
	version int // -1: none names one
	by      selector
}

// choose looks at every place that can name a version. All that do must agree; there is no precedence.
func (a *api) choose(x *exchange.Exchange, m *Match) (selection, *problem.Problem) {
	s := selection{version: -1}
	if p := a.choosePath(x, m, &s); p != nil {
		return s, p
	}
	if p := a.chooseHost(x, m, &s); p != nil {
		return s, p
	}
	if p := a.chooseHeader(x, &s); p != nil {
		return s, p
	}
	if p := a.chooseQuery(x, &s); p != nil {
		return s, p
	}
	if a.media.prefix != "" {
		if p := a.chooseMedia(x, m, &s); p != nil {
			return s, p
		}
	}
	return s, nil
}

// agree adds to s that by names version.
func (a *api) agree(s *selection, by selector, version int) *problem.Problem {
	if s.version < 0 {
		*s = selection{version, by}
		return nil
	}
	if s.version != version {
		return a.conflict(s.by, a.versions[s.version].Name, by, a.versions[version].Name)
	}
	s.by = min(s.by, by)
	return nil
}

// choosePath looks at the segment after the base path. It is a version, or the route's first segment; what is neither
// is an unknown version if it looks like one, or if a route follows it.
func (a *api) choosePath(x *exchange.Exchange, m *Match, s *selection) *problem.Problem {
	if !a.Versioning.Path || len(m.path) == 0 {
		return nil
	}
	first := m.path[0]
	if i, ok := a.names[first]; ok {
		m.cut, m.path = true, m.path[1:]
		return a.agree(s, byPath, i)
	}
	if a.tree.literal[first] != nil {
		return nil
	}
	_, misspelt := a.folded[strings.ToLower(first)]
	if misspelt || a.mayName(m.path) && a.tree.find(m.path, everyVersion) == nil {
		return a.unknown(x, first)
	}
	return nil
}

// mayName says whether the first segment of a path looks like a version, known or not: by itself, or because what
// follows it is a resource.
func (a *api) mayName(path []string) bool {
	if len(path) == 0 {
		return false
	}
	_, known := a.folded[strings.ToLower(path[0])]
	return known || versionLike(path[0]) || len(path) > 1 && a.tree.find(path[1:], everyVersion) != nil
}

// versionLike says whether a segment looks like v9 or 2026-11-01.
func versionLike(s string) bool {
	s = strings.TrimLeft(s, "vV")
	return s != "" && strings.Trim(s, "0123456789.-_") == ""
}

// chooseHeader looks at the header field, and takes it off.
func (a *api) chooseHeader(x *exchange.Exchange, s *selection) *problem.Problem {
	if a.header == "" {
		return nil
	}
	lines, ok := x.Header[a.header]
	if !ok {
		return nil
	}
	for _, line := range lines {
		// A proxy on the way may have joined lines that were repeated (RFC 9110, section 5.3).
		for name := range strings.SplitSeq(line, ",") {
			name = strings.Trim(name, " \t")
			i, ok := a.names[name]
			if !ok {
				return a.invalid(x, "the header field "+a.header+" names", name)
			}
			if p := a.agree(s, byHeader, i); p != nil {
				return p
			}
		}
	}
	delete(x.Header, a.header)
	return nil
}

// chooseQuery looks at the query parameter, and takes it off.
func (a *api) chooseQuery(x *exchange.Exchange, s *selection) *problem.Problem {
	key := a.Versioning.Query
	if key == "" || x.Query.Raw == "" {
		return nil
	}
	raw := x.Query.Raw
	found, first, last := 0, 0, 0 // first and last: of the last one found
	for at := 0; at <= len(raw); {
		part, _, _ := strings.Cut(raw[at:], "&")
		end := at + len(part)
		if name, value, ok := named(part, key); ok {
			found, first, last = found+1, at, end
			i, ok := a.names[value]
			if !ok {
				return a.invalid(x, "the query parameter "+name+" names", value)
			}
			if p := a.agree(s, byQuery, i); p != nil {
				return p
			}
		}
		at = end + 1
	}
	switch {
	case found == 0:
	case found == 1 && last == len(raw): // at one end, as it mostly stands, nothing has to be joined
		x.Query.Replace(strings.TrimSuffix(raw[:first], "&"))
	case found == 1 && first == 0:
		x.Query.Replace(raw[last+1:])
	default:
		x.Query.Replace(without(raw, key))
	}
	return nil
}

// without leaves a parameter out of a query.
func without(raw, key string) string {
	var rest strings.Builder
	rest.Grow(len(raw))
	for part := range strings.SplitSeq(raw, "&") {
		if _, _, ok := named(part, key); ok {
			continue
		}
		if rest.Len() > 0 {
			rest.WriteByte('&')
		}
		rest.WriteString(part)
	}
	return rest.String()
}

// named decodes a part of a query if its name is key, however that is spelt.
func named(part, key string) (name, value string, ok bool) {
	name, value, _ = strings.Cut(part, "=")
	if name != key {
		if strings.IndexByte(name, '%') < 0 && strings.IndexByte(name, '+') < 0 {
			return "", "", false
		}
		if decoded, err := url.QueryUnescape(name); err != nil || decoded != key {
			return "", "", false
		}
	}
	if strings.IndexByte(value, '%') >= 0 || strings.IndexByte(value, '+') >= 0 {
		decoded, err := url.QueryUnescape(value)
		if err != nil {
			decoded = value // no label has a percent sign
		}
		value = decoded
	}
	return key, value, true
}

// words say, for a person, what names a version.
func (a *api) words(by selector) string {
	switch by {
	case byPath:
		return "the path"
	case byHost:
		return "the host"
	case byHeader:
		return "the header field " + a.header
	case byContentType:
		return "Content-Type"
	case byAccept:
		return "Accept"
	}
	return "the query parameter " + a.Versioning.Query
}

// quote shows a client its own word, cut to a length that no answer suffers from.
func quote(s string) string {
	if len(s) > 64 {
		s = s[:64] + "…"
	}
	return strconv.Quote(s)
}
