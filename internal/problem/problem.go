// Package problem is the one place through which errors leave the gateway: problem details of RFC 9457, each of
// a type from the closed table in types.go, in JSON or, for callers who prefer it, in XML.
package problem

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/wicketgate/wicketgate/internal/form"
)

// ContentType is the media type of a problem in JSON (RFC 9457, section 3).
const ContentType = "application/problem+json"

// Type is one row of the table of problem types.
type Type struct {
	URI    string // identifies the type; "about:blank" only where the status says all there is to say
	Title  string // one short sentence that is the same for every occurrence
	Status int    // the HTTP status every occurrence is answered with
	Help   string // what a caller can do about it, for the reference page
}

// Slug is the short name of a type, for labels and logs: what its URI ends with.
func (t *Type) Slug() string {
	if _, after, ok := strings.Cut(t.URI, "#"); ok {
		return after
	}
	return t.URI
}

// Problem is one occurrence of a type. It is an error, whose text is for logs; what the client sees is MarshalJSON.
type Problem struct {
	Type *Type

	// Status, Title and URI, where set, replace those of Type. Only a policy or an error mapping that an
	// operator wrote sets them.
	Status int
	Title  string
	URI    string

	Detail     string      // for the client: what is wrong with this request
	Instance   string      // a URI reference that names this occurrence, "urn:uuid:…"
	Header     http.Header // fields the answer carries: Allow, WWW-Authenticate, Retry-After…
	Extensions []Member    // further members, in order

	// Cause is for the log alone and never reaches a client.
	Cause error
}

// Member is one extension member of a problem (RFC 9457, section 3.2).
type Member struct {
	Name  string
	Value any
}

// New returns an occurrence of t with a detail for the client.
func New(t *Type, detail string) *Problem {
	return &Problem{Type: t, Detail: detail}
}

// With adds an extension member and returns p.
func (p *Problem) With(name string, value any) *Problem {
	p.Extensions = append(p.Extensions, Member{name, value})
	return p
}

// WithHeader sets a field of the answer and returns p.
func (p *Problem) WithHeader(name string, values ...string) *Problem {
	if p.Header == nil {
		p.Header = make(http.Header, 2)
	}
	p.Header[http.CanonicalHeaderKey(name)] = values
	return p
}

// Because notes for the log why this happened and returns p.
func (p *Problem) Because(err error) *Problem {
	p.Cause = err
	return p
}

// StatusCode is the HTTP status of this occurrence.
func (p *Problem) StatusCode() int {
	if p.Status != 0 {
		return p.Status
	}
	return p.Type.Status
}

// TypeURI is the type member of this occurrence.
func (p *Problem) TypeURI() string {
	if p.URI != "" {
		return p.URI
	}
	return p.Type.URI
}

// Error is the text for logs, with the cause that the client is not told.
func (p *Problem) Error() string {
	s := strconv.Itoa(p.StatusCode()) + " " + p.TypeURI()
	if p.Detail != "" {
		s += ": " + p.Detail
	}
	if p.Cause != nil {
		s += ": " + p.Cause.Error()
	}
	return s
}

// Unwrap gives the cause.
func (p *Problem) Unwrap() error { return p.Cause }

// MarshalJSON writes the members in the order of RFC 9457, section 3.1, then the extensions. A member whose value
// cannot be encoded is left out, since an error about an error helps nobody.
func (p *Problem) MarshalJSON() ([]byte, error) {
	title := p.Title
	if title == "" {
		title = p.Type.Title
	}
	b := append(make([]byte, 0, 256), '{')
	b = appendMember(b, "type", p.TypeURI())
	b = appendMember(b, "title", title)
	b = appendMember(b, "status", p.StatusCode())
	if p.Detail != "" {
		b = appendMember(b, "detail", p.Detail)
	}
	if p.Instance != "" {
		b = appendMember(b, "instance", p.Instance)
	}
	for _, m := range p.Extensions {
		b = appendMember(b, m.Name, m.Value)
	}
	return append(b, '}'), nil
}

func appendMember(b []byte, name string, value any) []byte {
	v, err := json.Marshal(value)
	if err != nil {
		return b
	}
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = strconv.AppendQuote(b, name)
	b = append(b, ':')
	return append(b, v...)
}

// Fields sets, on the answer's header, everything a problem's answer carries except Content-Length: what the
// occurrence asks for, the media type, and no-store, so that no cache hands one caller's error to the next. What the
// answer would otherwise have said of its content is dropped.
func (p *Problem) Fields(h http.Header) {
	for _, name := range []string{"Content-Encoding", "Content-Language", "Content-Range", "Etag", "Last-Modified", "Accept-Ranges"} {
		delete(h, name)
	}
	h["Cache-Control"] = []string{"no-store"}
	h["Content-Type"] = []string{ContentType}
	h["X-Content-Type-Options"] = []string{"nosniff"}
	for name, values := range p.Header { // copied: problems may share them, and Caddy's handlers change values in place
		h[name] = slices.Clone(values)
	}
}

// Write answers a request with p, in XML where the caller prefers that to JSON. Nothing may have been written to w
// before.
func (p *Problem) Write(w http.ResponseWriter, r *http.Request) error {
	body, err := p.MarshalJSON()
	if err != nil {
		return err
	}
	h := w.Header()
	p.Fields(h)
	if accept := r.Header["Accept"]; len(accept) > 0 && prefersXML(accept) {
		form.Vary(h, "Accept")
		if inXML, err := appendXML(nil, body); err == nil { // what XML cannot carry is told in JSON all the same
			body, h["Content-Type"] = inXML, []string{ContentTypeXML}
		}
	}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(p.StatusCode())
	if r.Method == http.MethodHead {
		return nil
	}
	_, err = w.Write(body)
	return err
}
