// Package form is what header fields say of the form that a message's content has: its media type, and the entity tags
// of a form that the gateway made of the service's own.
package form

import (
	"iter"
	"net/http"
	"strings"
)

// IsJSON says whether a media type is JSON or built on it (RFC 6839, section 3.1).
func IsJSON(contentType string) bool {
	kind := bare(contentType)
	return kind == "application/json" || strings.HasSuffix(kind, "+json")
}

// IsProblem says whether a media type is that of problem details (RFC 9457).
func IsProblem(contentType string) bool {
	kind := bare(contentType)
	return kind == "application/problem+json" || kind == "application/problem+xml"
}

// IsXML says whether a media type is XML or built on it (RFC 7303).
func IsXML(contentType string) bool {
	kind := bare(contentType)
	return kind == "application/xml" || kind == "text/xml" || strings.HasSuffix(kind, "+xml")
}

// IsURLEncoded says whether a media type is that of forms in one line (WHATWG URL, section 5).
func IsURLEncoded(contentType string) bool {
	return bare(contentType) == "application/x-www-form-urlencoded"
}

// IsPlain says whether a media type is that of text that is nothing more.
func IsPlain(contentType string) bool { return bare(contentType) == "text/plain" }

// bare is a media type in lower case and without parameters.
func bare(contentType string) string {
	kind, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(kind))
}

// Vary says that an answer depends on a field of the request, unless it says so already. name is in canonical form.
func Vary(h http.Header, name string) {
	for _, line := range h["Vary"] {
		for one := range strings.SplitSeq(line, ",") {
			if one = strings.Trim(one, " \t"); one == "*" || strings.EqualFold(one, name) {
				return
			}
		}
	}
	h["Vary"] = append(h["Vary"][:len(h["Vary"]):len(h["Vary"])], name)
}

// Mark ends the entity tags of one form of a resource and tells them from those of its other forms, the service's own
// among them: each form is another representation (RFC 9110, section 8.8.3.3).
type Mark string

// Put makes an answer's entity tag the form's own. Digests and parts of the service's form are of no use to whoever
// gets another.
func (m Mark) Put(h http.Header) {
	if tag := h.Get("Etag"); strings.HasSuffix(tag, `"`) {
		h["Etag"] = []string{tag[:len(tag)-1] + string(m) + `"`}
	}
	for _, name := range digests {
		delete(h, name)
	}
	delete(h, "Accept-Ranges")
}

// Take gives the service back the entity tags that it knows. Where an answer in this form may be taken from a cache
// (cached), tags of other forms are left out of If-None-Match: the service, which knows one form only, would say of
// another that it is still fresh.
func (m Mark) Take(h http.Header, cached bool) {
	for _, name := range []string{"If-Match", "If-None-Match"} {
		if h[name] == nil {
			continue
		}
		var known []string
		for _, line := range h[name] {
			for tag := range tags(line) {
				if bare, ok := strings.CutSuffix(tag, string(m)+`"`); ok {
					known = append(known, bare+`"`)
				} else if !cached || name == "If-Match" || tag == "*" {
					known = append(known, tag)
				}
			}
		}
		if known == nil {
			delete(h, name)
			continue
		}
		h[name] = []string{strings.Join(known, ", ")}
	}
}

// TakeMarks takes off the entity tags of a field whatever mark they end with that is prefix and so many hexadecimal
// digits.
func TakeMarks(h http.Header, field, prefix string, digits int) {
	var all []string
	for _, line := range h[field] {
		for tag := range tags(line) {
			if at := len(tag) - 1 - digits - len(prefix); at > 0 && strings.HasSuffix(tag, `"`) && strings.HasPrefix(tag[at:], prefix) &&
				strings.Trim(tag[at+len(prefix):len(tag)-1], "0123456789abcdef") == "" {
				tag = tag[:at] + `"`
			}
			all = append(all, tag)
		}
	}
	h[field] = []string{strings.Join(all, ", ")}
}

// AskWhole makes a request ask for a whole form of what it is about, in no content coding, and for no digest: a part,
// a difference (RFC 3229) or a digest of the service's form says nothing of the one that the caller gets.
func AskWhole(h http.Header) {
	h["Accept-Encoding"] = []string{"identity"}
	for _, name := range []string{"Range", "If-Range", "A-Im", "Want-Content-Digest", "Want-Repr-Digest", "Want-Digest"} {
		delete(h, name)
	}
}

// Coded says whether an answer's content is in a content coding (RFC 9110, section 8.4).
func Coded(h http.Header) bool {
	for _, v := range h["Content-Encoding"] {
		if v != "" && !strings.EqualFold(v, "identity") {
			return true
		}
	}
	return false
}

// tags gives the entity tags of a list (RFC 9110, section 8.8.3), whose commas may stand inside of the quotes too.
func tags(line string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line != "" {
			quoted, end := false, len(line)
			for i := range len(line) {
				if line[i] == '"' {
					quoted = !quoted
				} else if line[i] == ',' && !quoted {
					end = i
					break
				}
			}
			tag := strings.Trim(line[:end], " \t")
			line = line[min(end+1, len(line)):]
			if tag != "" && !yield(tag) {
				return
			}
		}
	}
}
