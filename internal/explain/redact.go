package explain

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/policy"
)

// redacted stands in the place of a credential.
const redacted = "[redacted]"

// redactor takes credentials out: by where they are sent, and by what they say wherever that stands. A rule or a policy
// may well have looked at a header field that is one.
type redactor struct {
	fields     []string // header fields, in canonical form
	parameters []string // of queries
	values     []string
	replace    *strings.Replacer
}

// shortest is the shortest credential that is looked for everywhere, in bytes: what is shorter is a word of something
// else, too.
const shortest = 6

func newRedactor(c *catalogue.Catalogue, step *catalogue.Step, stages []Stage) *redactor {
	r := &redactor{
		fields:     []string{"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-Api-Key", "Dpop"},
		parameters: []string{"access_token", "api_key", "apikey", "token"}, // as many name them, also where nobody here takes them
	}
	for _, i := range c.Identities {
		if k := i.APIKey; k != nil {
			r.fields = append(r.fields, k.Header)
			r.parameters = append(r.parameters, k.Query)
		}
	}
	for _, s := range c.Secrets {
		r.add(s.Value.Reveal())
	}
	for _, i := range c.Integrations {
		if a := i.Auth; a != nil {
			r.add(a.Secret.Reveal())
			switch a.Kind {
			case "header":
				r.fields = append(r.fields, http.CanonicalHeaderKey(a.Name))
			case "query":
				r.parameters = append(r.parameters, a.Name)
			}
		}
		if s := i.Sign; s != nil {
			r.add(s.Key.Reveal())
			r.fields = append(r.fields, s.Header)
		}
	}
	r.sent(step)
	r.obliged(stages)
	r.prepare()
	return r
}

// sent notes what the request sends where credentials are sent.
func (r *redactor) sent(step *catalogue.Step) {
	for name, values := range headerOf(step.Request.Headers) {
		if !slices.Contains(r.fields, name) {
			continue
		}
		for _, v := range values {
			r.add(v)
			if _, rest, ok := strings.Cut(v, " "); ok { // behind the scheme
				r.add(strings.TrimSpace(rest))
			}
		}
	}
	if _, query, ok := strings.Cut(step.Request.Target, "?"); ok {
		values, _ := url.ParseQuery(query) // what does not parse is refused, and no key
		for _, name := range r.parameters {
			for _, v := range values[name] {
				r.add(v)
				r.add(url.QueryEscape(v))
			}
		}
	}
}

// obliged notes what policies want put where credentials are sent.
func (r *redactor) obliged(stages []Stage) {
	for _, s := range stages {
		for _, n := range s.Notes {
			decided, ok := n.(policy.Note)
			if !ok {
				continue
			}
			for _, o := range decided.Obliges {
				switch o.What {
				case "upstream-header", "answer-header":
					if slices.Contains(r.fields, http.CanonicalHeaderKey(o.At)) || isToken(o.Value) {
						r.add(o.Value)
					}
				case "query":
					if slices.Contains(r.parameters, o.At) {
						r.add(o.Value)
					}
				}
			}
		}
	}
}

func (r *redactor) add(v string) {
	if len(v) >= shortest {
		r.values = append(r.values, v)
	}
}

// prepare makes the replacer, the longest values first: one may hold another.
func (r *redactor) prepare() {
	slices.SortFunc(r.values, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, v := range slices.Compact(r.values) {
		pairs = append(pairs, v, redacted)
		if q := strconv.Quote(v); q[1:len(q)-1] != v {
			pairs = append(pairs, q[1:len(q)-1], redacted)
		}
		if q, err := json.Marshal(v); err == nil && string(q[1:len(q)-1]) != v {
			pairs = append(pairs, string(q[1:len(q)-1]), redacted)
		}
	}
	r.replace = strings.NewReplacer(pairs...)
}

// text takes credentials out of what is written.
func (r *redactor) text(s string) string { return r.replace.Replace(s) }

// message takes them out of the places where they are sent, those that the gateway itself puts there included.
func (r *redactor) message(m *Message) {
	m.Header = m.Header.Clone()
	for name, values := range m.Header {
		for i, v := range values {
			if slices.Contains(r.fields, name) || isToken(v) {
				values[i] = redacted
			}
		}
	}
	before, query, ok := strings.Cut(m.URL, "?")
	if !ok {
		return
	}
	var parts []string
	for part := range strings.SplitSeq(query, "&") {
		name, _, valued := strings.Cut(part, "=")
		if decoded, err := url.QueryUnescape(name); err == nil && valued && slices.Contains(r.parameters, decoded) {
			part = name + "=" + redacted
		}
		parts = append(parts, part)
	}
	m.URL = before + "?" + strings.Join(parts, "&")
}

// isToken says whether a field is a JWT: the gateway's own word to services who calls is one.
func isToken(v string) bool {
	v = strings.TrimPrefix(v, "Bearer ")
	return strings.HasPrefix(v, "eyJ") && strings.Count(v, ".") == 2 && !strings.ContainsAny(v, " ,;")
}
