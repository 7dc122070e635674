package route

import (
	"net/url"
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

// link writes, after the links before it, the target of this very resource in another version: in the path where the API's versions stand there,
// else in the query, else the resource's one address, with the media type where that is what names the version.
func (m *Match) link(before string, x *exchange.Exchange, version int) string {
	v, by := &m.api.versions[version], m.api.Versioning
	head, tail := x.Path.Escaped, ""
	switch {
	case m.cut:
		head, tail = around(x.Path.Escaped, len(m.api.base))
	case by.Path:
		n := nth(x.Path.Escaped, len(m.api.base))
		head, tail = x.Path.Escaped[:n], x.Path.Escaped[n:]
	}
	const rel = `>; rel="successor-version"`
	switch {
	case by.Path:
		if tail == "/" {
			tail = ""
		}
		return before + "<" + head + "/" + v.Name + tail + rel
	case by.Query != "":
		return before + "<" + head + "?" + url.QueryEscape(by.Query) + "=" + v.Name + rel
	case v.mediaType != "":
		return before + "<" + head + rel + `; type="` + v.mediaType + `"`
	}
	return before + "<" + head + rel
}
