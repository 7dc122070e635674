package route

import (
	"strings"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/form"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// template is a media type with a gap for the version, in lower case: media types do not distinguish case (RFC 9110,
// section 8.3.1).
type template struct {
	prefix, suffix string
	sibling        string   // the suffix of the same content in XML: "+xml"; "" where there is none
	plain          []string // the media type of the same content without a version: "application/json"
	family         string   // "application/*"
}

func newTemplate(prefix, suffix string, xml bool) template {
	t := template{prefix: strings.ToLower(prefix), suffix: strings.ToLower(suffix)}
	if before, ok := strings.CutSuffix(t.suffix, "+json"); xml && ok {
		t.sibling = before + "+xml"
	}
	major, _, _ := strings.Cut(t.prefix, "/")
	t.family = major + "/*"
	// A structured syntax suffix (RFC 6838, section 4.2.8) names the type underneath.
	if _, syntax, ok := strings.Cut(t.suffix, "+"); ok && syntax != "" {
		t.plain = []string{"application/" + syntax}
	}
	return t
}

// label gives what fills the gap in a media type without parameters, and whether the type is that of XML.
func (t *template) label(mediaType string) (label string, xml, ok bool) {
	if label, ok := t.fills(mediaType, t.suffix); ok || t.sibling == "" {
		return label, false, ok
	}
	label, ok = t.fills(mediaType, t.sibling)
	return label, true, ok
}

func (t *template) fills(mediaType, suffix string) (string, bool) {
	n := len(mediaType) - len(suffix)
	if n < len(t.prefix) || !strings.EqualFold(mediaType[:len(t.prefix)], t.prefix) || !strings.EqualFold(mediaType[n:], suffix) {
		return "", false
	}
	return mediaType[len(t.prefix):n], true
}

// The media types of XML without a version, the better one first (RFC 7303, section 9.2).
const (
	plainXML = "application/xml"
	textXML  = "text/xml"
)

// maxCandidates bounds how many versions one Accept may list.
const maxCandidates = 16

// candidate is a version that Accept lists, with its quality in thousandths.
type candidate struct {
	version int16
	quality int16
	xml     bool
}

// accepted is what Accept says about versions.
type accepted struct {
	present    bool
	listed     bool   // some media range is of the template
	stranger   string // the first version listed that the API does not have
	candidates [maxCandidates]candidate
	n          int
	plain      bool // content without a version's media type is acceptable too
	wildcard   bool // any content of this family is
}

// chooseMedia looks at Content-Type and Accept, and rewrites for the upstream what names a version.
func (a *api) chooseMedia(x *exchange.Exchange, m *Match, s *selection) *problem.Problem {
	content, p := a.chooseContentType(x, s)
	if p != nil {
		return p
	}
	var accept accepted
	if p := a.readAccept(x, &accept); p != nil {
		return p
	}
	if accept.listed {
		named, p := a.chooseAccept(x, s, &accept)
		if p != nil {
			return p
		}
		if named {
			a.name(m, s.version, &accept)
		}
		if a.media.sibling != "" {
			x.Header["Accept"] = []string{a.unversioned(x.Header["Accept"], s.version)}
		} else if a.media.plain != nil {
			x.Header["Accept"] = a.media.plain
		}
	}
	if content && (!accept.present || accept.wildcard) {
		m.MediaType = a.versions[s.version].mediaType
	}
	return nil
}

// name says what the answer is called in the forms in which the caller asked for the version's own media type.
func (a *api) name(m *Match, version int, accept *accepted) {
	for _, c := range accept.candidates[:accept.n] {
		switch {
		case int(c.version) != version:
		case c.xml:
			m.XMLType = a.versions[version].xmlType
		default:
			m.MediaType = a.versions[version].mediaType
		}
	}
}

// unversioned is Accept with the plain media types in the place of the version's own, so that what remains of it is a
// choice between forms.
func (a *api) unversioned(lines []string, version int) string {
	var b strings.Builder
	for _, line := range lines {
		for line != "" {
			var element string
			element, line = form.CutQuoted(line, ',')
			mediaRange, parameters := form.CutQuoted(element, ';')
			name, xml, versioned := a.media.label(form.Trim(mediaRange))
			if versioned {
				if i, ok := a.folded[strings.ToLower(name)]; !ok || i != version {
					continue
				}
				element = a.media.plain[0]
				if xml {
					element = plainXML
				}
				if parameters != "" {
					element += ";" + parameters
				}
			}
			if b.Len() > 0 {
				b.WriteString(", ")
			}
			b.WriteString(form.Trim(element))
		}
	}
	return b.String()
}

func (a *api) chooseContentType(x *exchange.Exchange, s *selection) (named bool, p *problem.Problem) {
	lines := x.Header["Content-Type"]
	if len(lines) == 0 {
		return false, nil
	}
	mediaType, parameters, _ := strings.Cut(lines[0], ";")
	name, xml, ok := a.media.label(strings.TrimRight(mediaType, " \t"))
	if !ok {
		return false, nil
	}
	i, ok := a.folded[strings.ToLower(name)]
	if !ok {
		return false, a.unsupported(x, name)
	}
	if p := a.agree(s, byContentType, i); p != nil {
		return false, p
	}
	switch {
	case xml && parameters == "":
		x.Header["Content-Type"] = []string{plainXML}
	case xml:
		x.Header["Content-Type"] = []string{plainXML + ";" + parameters}
	case a.media.plain != nil:
		if parameters == "" {
			x.Header["Content-Type"] = a.media.plain
		} else {
			x.Header["Content-Type"] = []string{a.media.plain[0] + ";" + parameters}
		}
	}
	return true, nil
}

// chooseAccept finds the version among those that Accept lists. Where other selectors have settled on one, Accept has
// to allow it; else the best one in force is taken, by quality, then by order. named says that the version's own
// media type is what the caller wants.
func (a *api) chooseAccept(x *exchange.Exchange, s *selection, accept *accepted) (named bool, p *problem.Problem) {
	best := -1
	for i := range accept.candidates[:accept.n] {
		c := &accept.candidates[i]
		if s.version >= 0 {
			if int(c.version) == s.version {
				return true, a.agree(s, byAccept, s.version)
			}
		}
		if best < 0 {
			best = i
			continue
		}
		b := &accept.candidates[best]
		old, now := a.versions[b.version].inForce(x.Time), a.versions[c.version].inForce(x.Time)
		if now && !old || now == old && c.quality > b.quality {
			best = i
		}
	}
	switch {
	case best >= 0 && s.version < 0:
		return true, a.agree(s, byAccept, int(accept.candidates[best].version))
	case accept.plain:
		return false, nil // any version will do
	case best >= 0:
		return false, a.agree(s, byAccept, int(accept.candidates[best].version)) // tells of the conflict
	}
	return false, a.unacceptable(x, accept.stranger)
}

// readAccept reads Accept (RFC 9110, section 12.5.1) as far as it bears on versions. Media ranges that are malformed
// say nothing, as some clients send such; one that names a version has to be sound.
func (a *api) readAccept(x *exchange.Exchange, r *accepted) *problem.Problem {
	lines := x.Header["Accept"]
	r.present = len(lines) > 0
	for _, line := range lines {
		for line != "" {
			var element string
			element, line = form.CutQuoted(line, ',')
			mediaRange, parameters := form.CutQuoted(element, ';')
			mediaRange = form.Trim(mediaRange)
			quality, ok := form.Weight(parameters)
			name, xml, versioned := a.media.label(mediaRange)
			if !versioned {
				if ok && quality > 0 {
					wildcard := mediaRange == "*/*" || strings.EqualFold(mediaRange, a.media.family)
					r.wildcard = r.wildcard || wildcard
					r.plain = r.plain || wildcard || a.media.plain != nil && strings.EqualFold(mediaRange, a.media.plain[0]) ||
						a.media.sibling != "" && (strings.EqualFold(mediaRange, plainXML) || strings.EqualFold(mediaRange, textXML))
				}
				continue
			}
			if !ok {
				return problem.New(problem.AmbiguousHeader, "Accept has a weight that is no number from 0 to 1 with three digits")
			}
			r.listed = true
			if quality == 0 {
				continue
			}
			i, ok := a.folded[strings.ToLower(name)]
			if !ok {
				if r.stranger == "" {
					r.stranger = name
				}
				continue
			}
			if r.n == maxCandidates {
				return problem.New(problem.BadRequest, "Accept lists more than 16 versions")
			}
			r.candidates[r.n] = candidate{int16(i), int16(quality), xml}
			r.n++
		}
	}
	return nil
}
