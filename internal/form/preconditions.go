package form

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Preconditions are what a request that changes a resource demands of it (RFC 9110, section 13.1). The zero value
// demands nothing.
type Preconditions struct {
	match, noneMatch []string // entity tags, or "*"
	unmodifiedSince  time.Time
}

// TakePreconditions takes the preconditions off a request's header, and with them what makes a GET one for a part.
func TakePreconditions(h http.Header) Preconditions {
	list := func(name string) (all []string) {
		for _, line := range h[name] {
			all = slices.AppendSeq(all, tags(line))
		}
		if all == nil && h[name] != nil {
			all = []string{""} // an empty list matches nothing
		}
		return all
	}
	p := Preconditions{match: list("If-Match"), noneMatch: list("If-None-Match")}
	if at, err := http.ParseTime(h.Get("If-Unmodified-Since")); err == nil {
		p.unmodifiedSince = at
	}
	for _, name := range []string{"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range", "Range"} {
		delete(h, name)
	}
	return p
}

// Tagged says whether the request demands one certain state of the resource, or several.
func (p *Preconditions) Tagged() bool { return p.match != nil && !slices.Contains(p.match, "*") }

// Hold says whether the preconditions hold for a resource that was answered with the header h, nil where there is none,
// in their order (RFC 9110, section 13.2.2).
func (p *Preconditions) Hold(h http.Header) bool {
	tag := h.Get("Etag")
	if p.match != nil {
		if h == nil || !slices.Contains(p.match, "*") && !(Strong(tag) && slices.Contains(p.match, tag)) {
			return false
		}
	} else if modified, err := http.ParseTime(h.Get("Last-Modified")); err == nil && !p.unmodifiedSince.IsZero() && modified.After(p.unmodifiedSince) {
		return false
	}
	return h == nil || !slices.ContainsFunc(p.noneMatch, func(t string) bool {
		return t == "*" || t != "" && strings.TrimPrefix(t, "W/") == strings.TrimPrefix(tag, "W/")
	})
}

// Strong says whether an entity tag is a strong one, which is the same only for the same content (RFC 9110, section 8.8.1).
func Strong(tag string) bool {
	return len(tag) >= 2 && tag[0] == '"' && strings.IndexByte(tag[1:], '"') == len(tag)-2
}
