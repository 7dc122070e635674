package openapi

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"unicode"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/duration"
)

// paths describes the routes that the version has, in written order. Routes of one shape are one path, whatever their
// parameters are called: OpenAPI knows a path but once, and the first route names its parameters.
func (w *writer) paths() ordered[pathItem] {
	ids := operationIDs(w.API.Routes)
	var all ordered[pathItem]
	at := map[string]int{}
	for i, r := range w.API.Routes {
		if w.Version != nil && !r.In(w.Version) {
			continue
		}
		shape, template, parameters := pathOf(r)
		own := parameters
		n, known := at[shape]
		if !known {
			n = len(all)
			at[shape] = n
			all.add(template, pathItem{Parameters: parameters})
		}
		called := map[string]string{} // the route's names of the path's parameters
		for k, p := range all[n].value.Parameters {
			called[own[k].Name] = p.Name
		}
		o := w.operation(r, ids[i])
		o.Parameters = append(o.Parameters, w.declared(r, called)...)
		o.Parameters = append(o.Parameters, keys(r)...)
		all[n].value.Operations.add(strings.ToLower(r.Method), o)
	}
	return all
}

// pathOf gives a route's path without and with the names of its parameters, and those.
func pathOf(r *catalogue.Route) (shape, template string, parameters []*parameter) {
	if len(r.Segments) == 0 {
		return "/", "/", nil
	}
	for _, s := range r.Segments {
		if s.Parameter == "" {
			shape += "/" + s.Literal
			template += "/" + s.Literal
			continue
		}
		shape += "/{}"
		template += "/{" + s.Parameter + "}"
		parameters = append(parameters, &parameter{Name: s.Parameter, In: "path", Required: true, Schema: json.RawMessage(`{"type":"string"}`)})
	}
	return shape, template, parameters
}

// operationIDs names each route by its method and its path alone, so that a name stays when other routes come and go.
// Of routes whose names would be the same, each has a hash of its label besides.
func operationIDs(routes []*catalogue.Route) []string {
	ids := make([]string, len(routes))
	count := map[string]int{}
	for i, r := range routes {
		ids[i] = strings.ToLower(r.Method)
		for _, s := range r.Segments {
			if s.Parameter != "" {
				ids[i] += "By" + camel(s.Parameter)
			} else {
				ids[i] += camel(s.Literal)
			}
		}
		count[ids[i]]++
	}
	for i, r := range routes {
		if count[ids[i]] > 1 {
			sum := sha256.Sum256([]byte(r.Label))
			ids[i] += "-" + hex.EncodeToString(sum[:4])
		}
	}
	return ids
}

// camel gives the words of a segment with capitals in front and nothing between.
func camel(segment string) string {
	var out strings.Builder
	first := true
	for _, r := range segment {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			first = true
			continue
		case first:
			r = unicode.ToUpper(r)
		}
		first = false
		out.WriteRune(r)
	}
	return out.String()
}

func (w *writer) operation(r *catalogue.Route, id string) *operation {
	terms := w.API.For(w.Version, r)
	o := &operation{
		OperationID: id,
		Summary:     r.Label,
		Description: w.described(r, terms),
		Deprecated:  w.deprecated(),
		Parameters:  w.ways.parameters(),
		Responses:   w.answers(r, terms),
		Security:    w.security(terms),
	}
	if r.Accepts != nil {
		o.RequestBody = &requestBody{Required: !r.Optional, Content: w.accepted(r, terms)}
	}
	if about := r.About; about != nil {
		o.tell(about)
	}
	return o
}

// tell says of an operation what the document says that it came out of.
func (o *operation) tell(about *catalogue.About) {
	if about.ID != "" {
		o.OperationID = about.ID
	}
	if about.Summary != "" {
		o.Summary = about.Summary
	}
	o.Tags, o.Deprecated = about.Tags, o.Deprecated || about.Deprecated
	o.Description = followed(about.Description, o.Description)
}

// followed puts what the gateway says of its own behind what a document says; not where that says it already, as one does
// that the gateway wrote.
func followed(text, own string) string {
	if strings.Contains(text, own) {
		return strings.TrimSpace(text)
	}
	return strings.TrimSpace(strings.TrimSpace(text) + "\n\n" + own)
}

// accepted is what a route takes: the object, or with PATCH a merge patch of it (RFC 7396) or a JSON Patch (RFC 6902).
func (w *writer) accepted(r *catalogue.Route, terms catalogue.Terms) ordered[mediaType] {
	if r.Method != http.MethodPatch {
		return w.formats(r, terms)
	}
	if r.About != nil { // the document says of the patch itself what it is
		return append(ordered[mediaType]{{"application/merge-patch+json", mediaType{Schema: w.reference(r.Accepts)}}}, w.ways.content(w.reference(r.Accepts), false)...)
	}
	merge := marshal(struct {
		Type        string `json:"type"`
		Description string `json:"description"`
	}{"object", fmt.Sprintf("A merge patch (RFC 7396) of the object %q: the members to set, and null for those to take away.", r.Accepts.Name)})
	all := ordered[mediaType]{
		{"application/merge-patch+json", mediaType{Schema: merge}},
		{"application/json-patch+json", mediaType{Schema: reference("#/components/schemas/" + patchSchema)}},
	}
	w.schemas[patchSchema] = patchShape
	return append(all, w.ways.content(merge, false)...)
}

// formats are the media types in which a route takes its object.
func (w *writer) formats(r *catalogue.Route, terms catalogue.Terms) ordered[mediaType] {
	var all ordered[mediaType]
	of := mediaType{Schema: w.reference(r.Accepts)}
	json := terms.TakesFormat(catalogue.JSON)
	if json {
		all = w.ways.content(of.Schema, w.API.XML)
	}
	if terms.TakesFormat(catalogue.XML) && !(json && w.API.XML) {
		all.add("application/xml", of)
	}
	if terms.TakesFormat(catalogue.Form) {
		all.add("application/x-www-form-urlencoded", of)
	}
	if terms.TakesFormat(catalogue.Multipart) {
		if r.Parts != nil && len(r.Parts.Files) > 0 {
			of.Encoding = map[string]encoding{}
			for _, f := range r.Parts.Files {
				of.Encoding[f.Field] = encoding{strings.Join(f.Types, ", ")}
			}
		}
		all.add("multipart/form-data", of)
	}
	return all
}

// merged says whether a PUT is laid over what is there: one of a version that does not know all of it.
func (w *writer) merged(r *catalogue.Route) bool {
	return r.Merge && w.Version != nil && w.API.End(w.Version) != w.Version
}

func (w *writer) reference(o *catalogue.Object) json.RawMessage {
	return reference("#/components/schemas/" + w.objects[o.Name])
}

func reference(to string) json.RawMessage {
	return marshal(struct {
		Ref string `json:"$ref"`
	}{to})
}

// described tells rules and quotas in words: the rules' own details, which are written for callers.
func (w *writer) described(r *catalogue.Route, terms catalogue.Terms) string {
	var parts []string
	if w.merged(r) {
		parts = append(parts, "What this version does not show of the resource stays as it is.")
	}
	if len(terms.Rules) > 0 {
		text := "The rules of a request:\n"
		for _, r := range terms.Rules {
			text += "\n- " + r.Detail
		}
		parts = append(parts, text)
	}
	if k := r.Idempotency; k != nil {
		parts = append(parts, fmt.Sprintf("It is carried out once for each Idempotency-Key, of which the answer is kept for %s.", duration.Duration(k.Keep)))
	}
	if len(terms.Limits) > 0 {
		text := "The quotas it is counted by:\n"
		names := map[string]int{}
		for _, l := range terms.Limits {
			for _, q := range l.Quotas {
				names[q.Name]++
			}
		}
		for _, l := range terms.Limits {
			for _, q := range l.Quotas {
				name := q.Name
				if names[name] > 1 { // as the RateLimit fields tell them apart
					name = l.Name + "." + name
				}
				text += fmt.Sprintf("\n- %s: %d requests in %s", name, q.Requests, duration.Duration(q.Window))
			}
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "\n\n")
}

// security says who is let in: the credentials of one identity, or none where anonymous callers are.
func (w *writer) security(terms catalogue.Terms) []map[string][]string {
	all := []map[string][]string{}
	for _, i := range terms.Identify {
		all = append(all, map[string][]string{w.scheme(i): {}})
	}
	if terms.Anonymous {
		all = append(all, map[string][]string{})
	}
	return all
}

// scheme makes the component of an identity, and gives its key.
func (w *writer) scheme(i *catalogue.Identity) string {
	if key, ok := w.taken[i.Name]; ok {
		return key
	}
	s := &securityScheme{}
	switch {
	case i.APIKey != nil:
		s.Type, s.In, s.Name = "apiKey", "header", i.APIKey.Header
	case i.JWT != nil:
		s.Type, s.Scheme, s.BearerFormat = "http", "bearer", "JWT"
		s.Description = fmt.Sprintf("A token that %s issued for %s.", i.JWT.Issuer, strings.Join(i.JWT.Audience, " or "))
	}
	key := free(i.Name, func(key string) bool { return w.schemes[key] != nil })
	if w.taken == nil {
		w.taken = map[string]string{}
	}
	w.taken[i.Name] = key
	w.schemes[key] = s
	return key
}
