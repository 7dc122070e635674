package decisionlog

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// mask is what is left out of a value and of what it holds. It never changes once made. A nil mask leaves out nothing.
type mask struct {
	all        bool                // the value itself
	members    map[string]*mask    // by name or index
	any        *mask               // every member or element that members does not name
	fields     map[string]struct{} // members by their names in lower case, however they are spelt: header fields
	parameters map[string]struct{} // a string that is an address with one of these in its query; nil for none
}

var everything = &mask{all: true}

// below gives what is left out of a member or element.
func (m *mask) below(name string) *mask {
	if m == nil {
		return nil
	}
	if len(m.fields) > 0 {
		if _, ok := m.fields[strings.ToLower(name)]; ok {
			return everything
		}
	}
	if below := m.members[name]; below != nil {
		return below
	}
	return m.any
}

// erases says whether a value is left out.
func (m *mask) erases(v ast.Value) bool {
	if m == nil {
		return false
	}
	if m.all {
		return true
	}
	if s, ok := v.(ast.String); ok && m.parameters != nil {
		return m.inQuery(string(s))
	}
	return false
}

// inQuery says whether an address tells one of the parameters. What cannot be read may tell all of them.
func (m *mask) inQuery(address string) bool {
	_, query, ok := strings.Cut(address, "?")
	if !ok {
		return false
	}
	parameters, err := url.ParseQuery(query)
	if err != nil {
		return true
	}
	for name := range parameters {
		if _, ok := m.parameters[strings.ToLower(name)]; ok {
			return true
		}
	}
	return false
}

// Places of a document that say the same: what is left out of one is left out of all, since a value that shows
// elsewhere is not hidden.
var (
	headers = [][]string{{"input", "request", "headers"}, {"input", "attributes", "request", "http", "headers"}}
	bodies  = [][]string{{"input", "request", "body"}, {"input", "parsed_body"}}
	queries = [][]string{{"input", "request", "query"}, {"input", "parsed_query"}}
	// answers are header fields that a policy sets, sent the query parameters.
	answers = [][]string{{"result", "headers"}, {"result", "response_headers_to_add"}}
	sent    = [][]string{{"result", "query_parameters_to_set"}}

	rawBodies = [][]string{{"input", "attributes", "request", "http", "body"}, {"input", "attributes", "request", "http", "rawBody"}}
	// The last two are the page that the caller comes from, as a browser tells it: with its query.
	addresses = [][]string{
		{"input", "attributes", "request", "http", "path"}, {"input", "attributes", "request", "http", "headers", ":path"},
		{"input", "attributes", "request", "http", "headers", "referer"}, {"input", "request", "headers", "referer", "*"},
	}
	rawQuery = []string{"input", "attributes", "request", "http", "query"}
)

// secretFields are the header fields that no log shows; those in which callers send API keys are added.
var secretFields = []string{"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"}

// secretParameters are the query parameters that no log shows: RFC 6750, section 2.3, has callers send tokens so.
var secretParameters = []string{"access_token"}

// newMask makes the mask of events: what the operator wants left out, and header fields that carry credentials.
func newMask(paths [][]string, credentials []string) *mask {
	root := &mask{}
	for _, names := range [][]string{secretFields, credentials} {
		for _, name := range names {
			root.field(name)
		}
	}
	for _, name := range secretParameters {
		root.parameter(name)
	}
	for _, path := range paths {
		root.add(path)
	}
	root.settle()
	return root
}

// add leaves out what stands at a path, and wherever the same stands.
func (m *mask) add(path []string) {
	if rest, ok := within(path, slices.Concat(headers, answers)); ok && len(rest) > 0 {
		m.field(rest[0])
		return
	}
	if rest, ok := within(path, slices.Concat(queries, sent)); ok && len(rest) > 0 {
		m.parameter(rest[0])
		return
	}
	places := [][]string{path}
	for _, same := range [][][]string{headers, bodies, queries} {
		if rest, ok := within(path, same); ok {
			places = places[:0]
			for _, place := range same {
				places = append(places, append(slices.Clone(place), rest...))
			}
		}
	}
	if _, ok := within(path, bodies); ok {
		places = append(places, rawBodies...)
	}
	if _, ok := within(path, queries); ok { // all of them
		places = append(places, addresses...)
	}
	if _, ok := within(path, rawBodies); ok {
		places = append(places, bodies...)
		places = append(places, rawBodies...)
	}
	for _, place := range places {
		m.make(place).all = true
	}
}

// within gives the rest of a path that lies at or below one of places.
func within(path []string, places [][]string) (rest []string, ok bool) {
	for _, place := range places {
		if len(path) >= len(place) && slices.Equal(path[:len(place)], place) {
			return path[len(place):], true
		}
	}
	return nil, false
}

// field leaves out a header field.
func (m *mask) field(name string) {
	if name == "*" {
		for _, place := range slices.Concat(headers, answers) {
			m.make(place).all = true
		}
		return
	}
	name = strings.ToLower(name)
	m.named(name, headers, answers)
}

// named leaves out the members of a name, however it is spelt, of objects at places.
func (m *mask) named(name string, of ...[][]string) {
	for _, place := range slices.Concat(of...) {
		to := m.make(place)
		to.fields = with(to.fields, name)
		if place[0] == "result" { // a policy may answer a list of objects
			to = to.make([]string{"*"})
			to.fields = with(to.fields, name)
		}
	}
}

// parameter leaves out a query parameter.
func (m *mask) parameter(name string) {
	if name == "*" {
		for _, place := range slices.Concat(queries, addresses, sent) {
			m.make(place).all = true
		}
		return
	}
	name = strings.ToLower(name)
	m.named(name, queries, sent)
	for _, place := range addresses {
		to := m.make(place)
		to.parameters = with(to.parameters, name)
	}
	m.make(rawQuery).all = true // which no policy needs beside the parameters
}

func with(set map[string]struct{}, name string) map[string]struct{} {
	if set == nil {
		set = map[string]struct{}{}
	}
	set[name] = struct{}{}
	return set
}

// make gives the mask at a path below m, in which "*" is every name.
func (m *mask) make(path []string) *mask {
	for _, name := range path {
		var next *mask
		if name == "*" {
			if m.any == nil {
				m.any = &mask{}
			}
			next = m.any
		} else {
			if m.members == nil {
				m.members = map[string]*mask{}
			}
			if m.members[name] == nil {
				m.members[name] = &mask{}
			}
			next = m.members[name]
		}
		m = next
	}
	return m
}

// settle puts what is said of every name at those that are named, so that one look finds all that is said of one.
func (m *mask) settle() {
	if m.any != nil {
		for _, below := range m.members {
			below.merge(m.any)
		}
		m.any.settle()
	}
	for _, below := range m.members {
		below.settle()
	}
}

func (m *mask) merge(other *mask) {
	m.all = m.all || other.all
	for name := range other.fields {
		m.fields = with(m.fields, name)
	}
	for name := range other.parameters {
		m.parameters = with(m.parameters, name)
	}
	for _, name := range slices.Sorted(maps.Keys(other.members)) {
		m.make([]string{name}).merge(other.members[name])
	}
	if other.any != nil {
		m.make([]string{"*"}).merge(other.any)
	}
}
