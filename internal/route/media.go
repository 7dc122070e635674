package route

import (
	"strings"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// template is a media type with a gap for the version, in lower case: media types do not distinguish case (RFC 9110,
// section 8.3.1).
type template struct {
	prefix, suffix string
	plain          []string // the media type of the same content without a version: "application/json"
	family         string   // "application/*"
}

func newTemplate(prefix, suffix string) template {
	t := template{prefix: strings.ToLower(prefix), suffix: strings.ToLower(suffix)}
	major, _, _ := strings.Cut(t.prefix, "/")
	t.family = major + "/*"
	// A structured syntax suffix (RFC 6838, section 4.2.8) names the type underneath.
	if _, syntax, ok := strings.Cut(t.suffix, "+"); ok && syntax != "" {
		t.plain = []string{"application/" + syntax}
	}
	return t
}

// label gives what fills the gap in a media type without parameters.
func (t *template) label(mediaType string) (string, bool) {
	n := len(mediaType) - len(t.suffix)
	if n < len(t.prefix) || !strings.EqualFold(mediaType[:len(t.prefix)], t.prefix) || !strings.EqualFold(mediaType[n:], t.suffix) {
		return "", false
	}
	return mediaType[len(t.prefix):n], true
}

// maxCandidates bounds how many versions one Accept may list.
const maxCandidates = 16

// candidate is a version that Accept lists, with its quality in thousandths.
type candidate struct {
	version int
	quality int
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
	accept, p := a.readAccept(x)
	if p != nil {
		return p
	}
	if accept.listed {
		named, p := a.chooseAccept(x, s, &accept)
		if p != nil {
			return p
		}
		if named {
			m.MediaType = a.versions[s.version].mediaType
		}
		if a.media.plain != nil {
			x.Header["Accept"] = a.media.plain
		}
	}
	if content && (!accept.present || accept.wildcard) {
		m.MediaType = a.versions[s.version].mediaType
	}
	return nil
}

func (a *api) chooseContentType(x *exchange.Exchange, s *selection) (named bool, p *problem.Problem) {
	lines := x.Header["Content-Type"]
	if len(lines) == 0 {
		return false, nil
	}
	mediaType, parameters, _ := strings.Cut(lines[0], ";")
	name, ok := a.media.label(strings.TrimRight(mediaType, " \t"))
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
	if a.media.plain != nil {
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
			if c.version == s.version {
				return true, a.agree(s, byAccept, c.version)
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
		return true, a.agree(s, byAccept, accept.candidates[best].version)
	case accept.plain:
		return false, nil // any version will do
	case best >= 0:
		return false, a.agree(s, byAccept, accept.candidates[best].version) // tells of the conflict
	}
	return false, a.unacceptable(x, accept.stranger)
}

// readAccept reads Accept (RFC 9110, section 12.5.1) as far as it bears on versions. Media ranges that are malformed
// say nothing, as some clients send such; one that names a version has to be sound.
func (a *api) readAccept(x *exchange.Exchange) (accepted, *problem.Problem) {
	lines := x.Header["Accept"]
	r := accepted{present: len(lines) > 0}
	for _, line := range lines {
		for line != "" {
			var element string
			element, line = cutQuoted(line, ',')
			mediaRange, parameters := cutQuoted(element, ';')
			mediaRange = strings.Trim(mediaRange, " \t")
			quality, ok := readQuality(parameters)
			name, versioned := a.media.label(mediaRange)
			if !versioned {
				if ok && quality > 0 {
					wildcard := mediaRange == "*/*" || strings.EqualFold(mediaRange, a.media.family)
					r.wildcard = r.wildcard || wildcard
					r.plain = r.plain || wildcard || a.media.plain != nil && strings.EqualFold(mediaRange, a.media.plain[0])
				}
				continue
			}
			if !ok {
				return r, problem.New(problem.AmbiguousHeader, "Accept has a weight that is no number from 0 to 1 with three digits")
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
				return r, problem.New(problem.BadRequest, "Accept lists more than 16 versions")
			}
			r.candidates[r.n] = candidate{i, quality}
			r.n++
		}
	}
	return r, nil
}

// cutQuoted cuts s at the first sep outside of a quoted string (RFC 9110, section 5.6.4).
func cutQuoted(s string, sep byte) (before, after string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == sep && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// readQuality finds the weight among the parameters of a media range, in thousandths; 1000 where there is none.
func readQuality(parameters string) (thousandths int, ok bool) {
	thousandths, ok = 1000, true
	for parameters != "" {
		var parameter string
		parameter, parameters = cutQuoted(parameters, ';')
		name, value, _ := strings.Cut(strings.Trim(parameter, " \t"), "=")
		if strings.EqualFold(name, "q") {
			return quality(value)
		}
	}
	return thousandths, ok
}

// quality reads a weight of RFC 9110, section 12.4.2.
func quality(s string) (thousandths int, ok bool) {
	if s == "" || len(s) > 5 || s[0] != '0' && s[0] != '1' || len(s) > 1 && s[1] != '.' {
		return 0, false
	}
	thousandths = int(s[0]-'0') * 1000
	unit := 100
	for i := 2; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		thousandths += int(s[i]-'0') * unit
		unit /= 10
	}
	return thousandths, thousandths <= 1000
}
