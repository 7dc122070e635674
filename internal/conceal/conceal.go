// Package conceal takes credentials out of what is written down about requests: by the places in which callers send them,
// and by the form that API keys have.
package conceal

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/wicketgate/wicketgate/internal/identity"
)

// Redacted stands where a credential stood.
const Redacted = "REDACTED"

// Places are where callers send credentials. They never change; nil is none.
type Places struct {
	fields     []string // of the header, in canonical spelling
	parameters []string // of the query
}

// And gives places that are those of p and more; p itself if there are no others.
func (p *Places) And(fields, parameters []string) *Places {
	all := &Places{}
	if p != nil {
		all = &Places{slices.Clip(p.fields), slices.Clip(p.parameters)}
	}
	known := len(all.fields) + len(all.parameters)
	for _, field := range fields {
		if field = http.CanonicalHeaderKey(field); !slices.Contains(all.fields, field) {
			all.fields = append(all.fields, field)
		}
	}
	for _, parameter := range parameters {
		if !slices.Contains(all.parameters, parameter) {
			all.parameters = append(all.parameters, parameter)
		}
	}
	if len(all.fields)+len(all.parameters) == known {
		return p
	}
	return all
}

// Field says whether what goes by a name is a header field with a credential.
func (p *Places) Field(name string) bool {
	return p != nil && slices.ContainsFunc(p.fields, func(f string) bool { return strings.EqualFold(f, name) })
}

// Text gives a text without the credentials in it: the values of parameters in each query that it has, however their names
// are spelt, and the secrets of API keys, wherever they stand.
func (p *Places) Text(text string) string {
	if p != nil && len(p.parameters) > 0 && strings.Contains(text, "=") {
		text = p.queries(text)
	}
	return identity.HideKeys(text, Redacted)
}

// ends is what stands behind the value of a parameter of a query, in an address or by itself.
const ends = "&# \t\r\n\"'<>"

func (p *Places) queries(text string) string {
	var b strings.Builder
	done := 0 // as far as text is in b
	for at := 0; at < len(text); {
		name, _, ok := strings.Cut(text[at:], "=")
		if !ok {
			break
		}
		if i := max(strings.LastIndexByte(name, '?'), strings.LastIndexByte(name, '&')); i >= 0 { // or the beginning of the text
			at, name = at+i+1, name[i+1:]
		}
		at += len(name) + 1
		if !p.parameter(name) {
			continue
		}
		b.WriteString(text[done:at])
		b.WriteString(Redacted)
		if end := strings.IndexAny(text[at:], ends); end >= 0 {
			at += end
		} else {
			at = len(text)
		}
		done = at
	}
	if done == 0 {
		return text
	}
	b.WriteString(text[done:])
	return b.String()
}

func (p *Places) parameter(written string) bool {
	name, err := url.QueryUnescape(written)
	return err == nil && slices.Contains(p.parameters, name)
}
