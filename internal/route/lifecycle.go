package route

import (
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// lifecycle tells the caller how long the version settled lives, and ends the request where it lives no more or is
// switched off: Deprecation (RFC 9745), Sunset (RFC 8594), and Link (RFC 8288) with the relations "deprecation",
// "sunset" and "successor-version" (RFC 5829).
func (m *Match) lifecycle(x *exchange.Exchange) *problem.Problem {
	v := &m.api.versions[m.Index]
	end, off := v.brownout(x.Time)
	if v.deprecation == nil && v.sunset == nil && !off {
		return nil
	}
	if v.deprecation != nil {
		x.SetAnswer("Deprecation", v.deprecation...)
	}
	if v.sunset != nil {
		x.SetAnswer("Sunset", v.sunset...)
	}
	successor, here := m.successor(x.Time)
	switch {
	case here:
		x.AddAnswer("Link", m.link(v.linksComma, x, successor))
	case v.links != "":
		x.AddAnswer("Link", v.links)
	}
	var p *problem.Problem
	switch {
	case v.retired(x.Time):
		p = problem.New(problem.VersionRetired, "the version "+v.Name+" was retired on "+v.Sunset.UTC().Format(time.DateOnly))
	case off:
		p = problem.New(problem.VersionBrownout, "the version "+v.Name+" is switched off until "+end.UTC().Format(time.RFC3339))
	default:
		return nil
	}
	if successor >= 0 {
		name := m.api.versions[successor].Name
		p.Detail += "; use " + name
		p.With("successor", name)
		if here {
			p.With("successor_url", string(m.address(nil, x, successor)))
		}
	}
	return p
}

// successor gives the version to move to, -1 for none: the next active one that has this resource, else the last
// deprecated one that has it. here says that it has the resource.
func (m *Match) successor(now time.Time) (version int, here bool) {
	version = -1
	for i := m.Index + 1; i < len(m.api.versions); i++ {
		v := &m.api.versions[i]
		if v.hidden(now) || !v.inForce(now) {
			continue
		}
		has := m.api.tree.find(m.path, i) != nil
		switch {
		case has && !v.deprecated(now):
			return i, true
		case has:
			version, here = i, true
		case !here && (version < 0 || m.api.versions[version].deprecated(now)):
			version = i
		}
	}
	return version, here
}

// link writes, after the links before it, that of this very resource in another version. Where what the upstream will be
// asked for has to be put together too, it is written into the same memory, for two texts cost twice as much as one.
func (m *Match) link(before string, x *exchange.Exchange, version int) string {
	var room [512]byte
	b := append(append(room[:0], before...), '<')
	b = m.address(b, x, version)
	b = append(b, `>; rel="successor-version"`...)
	if v := &m.api.versions[version]; v.mediaType != "" && !m.addressed() {
		b = append(append(append(b, `; type="`...), v.mediaType...), '"')
	}
	end := len(b)
	if m.cut && m.api.Rewrite == "" {
		head, tail := around(x.Path.Escaped, len(m.api.base))
		b = append(append(b, head...), tail...)
	}
	s := string(b)
	m.without = s[end:]
	return s[:end]
}

// addressed says whether a resource has an address of its own in each version.
func (m *Match) addressed() bool {
	by := m.api.Versioning
	return by.Path || by.Host != "" || by.Query != ""
}

// address appends the address of this very resource in another version: on that version's host where the request's
// host names one, and in the path where the request's does; where neither does, in the place in which the API's
// addresses name versions, the path before the host before the query; and where none can, the resource's one address.
func (m *Match) address(b []byte, x *exchange.Exchange, version int) []byte {
	v, by := &m.api.versions[version], m.api.Versioning
	inPath := m.cut || by.Path && !m.hosted
	if m.hosted || by.Host != "" && !inPath {
		b = append(append(append(append(b, x.Scheme...), "://"...), v.host...), x.Port...)
	}
	head, tail := x.Path.Escaped, ""
	switch {
	case m.cut:
		head, tail = around(x.Path.Escaped, len(m.api.base))
	case inPath:
		n := nth(x.Path.Escaped, len(m.api.base))
		head, tail = x.Path.Escaped[:n], x.Path.Escaped[n:]
	}
	b = append(b, head...)
	switch {
	case inPath:
		b = append(append(b, '/'), v.Name...)
		if tail != "/" {
			b = append(b, tail...)
		}
	case by.Query != "" && by.Host == "":
		b = append(append(append(append(b, '?'), m.api.query...), '='), v.Name...)
	}
	return b
}
