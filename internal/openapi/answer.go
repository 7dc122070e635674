package openapi

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// problemSchema is the component that all problems are.
const problemSchema = "Problem"

// problemShape is RFC 9457's, with the members that the gateway adds.
var problemShape = json.RawMessage(`{
	"title": "Problem details (RFC 9457)",
	"xml": {"name": "problem", "namespace": "urn:ietf:rfc:7807"},
	"type": "object",
	"properties": {
		"type": {"type": "string", "format": "uri-reference", "description": "What kind of problem this is."},
		"title": {"type": "string"},
		"status": {"type": "integer", "minimum": 400, "maximum": 599},
		"detail": {"type": "string", "description": "What is wrong with this request."},
		"instance": {"type": "string", "format": "uri-reference", "description": "Names this occurrence."},
		"errors": {
			"description": "What is wrong with the parameters, and with the body in the shape in which it was sent.",
			"type": "array",
			"items": {
				"type": "object",
				"properties": {
					"pointer": {"type": "string", "description": "The place in the body (RFC 6901)."},
					"in": {"enum": ["path", "query", "header"], "description": "Where the parameter stands."},
					"parameter": {"type": "string", "description": "The parameter's name."},
					"rule": {"type": "string"},
					"keyword": {"type": "string"},
					"detail": {"type": "string"}
				},
				"required": ["detail"]
			}
		},
		"versions": {"type": "array", "items": {"type": "string"}, "description": "The versions there are."},
		"successor": {"type": "string", "description": "The version to use instead."},
		"provider_request_id": {"type": "string", "description": "The id by which a third party knows the request that it was asked."},
		"violated-policies": {"type": "array", "items": {"type": "string"}, "description": "The quotas that are used up."}
	},
	"required": ["type", "title", "status"]
}`)

// patchSchema is the component that all JSON Patches are, patchShape RFC 6902's.
const patchSchema = "JSONPatch"

var patchShape = json.RawMessage(`{
	"title": "JSON Patch (RFC 6902)",
	"type": "array",
	"items": {
		"type": "object",
		"properties": {
			"op": {"enum": ["add", "remove", "replace", "move", "copy", "test"]},
			"path": {"type": "string", "description": "The place that it is about (RFC 6901)."},
			"from": {"type": "string", "description": "Of move and copy: the place that the value comes from."},
			"value": {"description": "Of add, replace and test."}
		},
		"required": ["op", "path"]
	}
}`)

// refusals are the answers of the gateway's own stages: the component's key, and what it says to callers.
var refusals = map[int]struct{ key, text string }{
	400: {"BadRequest", "The request can be read in no way, or in more than one."},
	401: {"Unauthorized", "The request carries no valid credentials."},
	403: {"Forbidden", "The caller may not do this."},
	404: {"NotFound", "There is nothing at this address. The service may say so in words of its own."},
	406: {"NotAcceptable", "Accept rules out every form there is."},
	408: {"RequestTimeout", "The body did not arrive in time."},
	409: {"Conflict", "The resource changed while it was written, or cannot be changed in this way by this version."},
	410: {"Gone", "The version is retired, or switched off as a rehearsal of that."},
	412: {"PreconditionFailed", "The resource is no longer what the request says it is."},
	413: {"ContentTooLarge", "The body is too large."},
	415: {"UnsupportedMediaType", "The body's media type is not supported here."},
	422: {"InvalidContent", "The request breaks the schema, or a rule."},
	429: {"TooManyRequests", "A quota is used up."},
	500: {"InternalError", "The gateway, or the service behind it, failed."},
	502: {"BadGateway", "The service behind the gateway gave no valid answer."},
	503: {"Unavailable", "The service behind the gateway cannot be reached."},
	504: {"GatewayTimeout", "The service behind the gateway did not answer in time."},
}

// keyed is what some of them say besides of an API whose callers send idempotency keys.
var keyed = map[int]string{
	409: " Or the first request with this idempotency key is under way, or has no answer that could be given again.",
	422: " Or the idempotency key was used for another request.",
}

// fields are the header fields that answers may carry, and what they say.
var fields = map[string]struct{ text, schema string }{
	"Deprecation":         {"When the version was or will be deprecated (RFC 9745).", ""},
	"Sunset":              {"When the version is retired (RFC 8594).", ""},
	"Link":                {"The pages about its end, and the same resource in the version to move to (RFC 8288).", `{"type":"string"}`},
	"Idempotent-Replayed": {"That this is the answer to an earlier request with the same idempotency key.", `{"const":"true"}`},
	"Idempotent-Stored":   {"That this answer will not be given again to a request with the same idempotency key.", `{"const":"false"}`},
	"RateLimit":           {"What is left of each quota (draft-ietf-httpapi-ratelimit-headers-10).", `{"type":"string"}`},
	"RateLimit-Policy":    {"The quotas (draft-ietf-httpapi-ratelimit-headers-10).", `{"type":"string"}`},
	"Retry-After":         {"After how many seconds the request may be sent again.", `{"type":"integer","minimum":0}`},
	"WWW-Authenticate":    {"The ways to identify oneself (RFC 9110, section 11.6.1).", `{"type":"string"}`},
}

// answers describes what a route answers: success as the catalogue says, and each stage's refusals where the route has
// the stage.
func (w *writer) answers(r *catalogue.Route, terms catalogue.Terms) map[string]*response {
	all := map[string]*response{
		"2XX":     w.success(r, terms),
		"default": {Description: "What else the service behind the gateway answers, in words of its own."},
	}
	if r.About != nil {
		w.documented(r, terms, all)
	}
	for _, status := range w.statuses(r, terms) {
		all[strconv.Itoa(status)] = &response{Ref: "#/components/responses/" + w.refusal(status)}
	}
	w.blocks(r, all)
	w.parties(r, terms, all)
	return all
}

// blocks describes what the response blocks of a route say of answers, besides what the gateway answers with the same status.
func (w *writer) blocks(r *catalogue.Route, all map[string]*response) {
	for _, a := range r.Answers {
		status := strings.ToUpper(a.Status)
		res := &response{Description: "What the service behind the gateway answers.", Headers: map[string]*header{}, Content: w.ways.content(w.placed(a.Returns), w.API.XML)}
		w.carry(res, w.lifecycle()...)
		switch known := all[status]; {
		case r.Method == http.MethodHead:
			continue
		case known == nil, status == "2XX" && len(r.Returns) == 0:
		case known.Ref != "":
			own := w.responses[known.Ref[strings.LastIndexByte(known.Ref, '/')+1:]]
			res.Description, res.Headers = own.Description, own.Headers
			res.Content = append(res.Content, own.Content...)
		default:
			continue // the document says it
		}
		all[status] = res
	}
}

// documented puts the answers that a document tells of in the place of those that nobody does. What the gateway answers
// itself, it answers in its own words.
func (w *writer) documented(r *catalogue.Route, terms catalogue.Terms, all map[string]*response) {
	for _, a := range r.About.Answers {
		res := &response{Description: a.Description}
		if strings.HasPrefix(a.Status, "2") {
			delete(all, "2XX")
			res = w.success(r, terms)
			res.Description, res.Content = a.Description, nil
		}
		if a.Object != nil && r.Method != http.MethodHead {
			res.Content = w.ways.content(w.reference(a.Object), w.API.XML)
		}
		if res.Description == "" { // which OpenAPI asks for
			res.Description = "What the service behind the gateway answers."
		}
		all[a.Status] = res
	}
}

func (w *writer) statuses(r *catalogue.Route, terms catalogue.Terms) []int {
	statuses := []int{400, 500, 502, 503, 504}
	add := func(when bool, more ...int) {
		if when {
			statuses = append(statuses, more...)
		}
	}
	reads := r.Accepts != nil || len(terms.Rules) > 0 && (r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch)
	add(len(terms.Identify) > 0, 401)
	add(terms.Authorize != nil || len(terms.Limits) > 0, 403) // a request that cannot be counted is refused too
	add(strings.Contains(r.Path, "{"), 404)
	add(w.ways.mediaType != "", 406, 415)
	add(w.API.XML && len(r.Returns) > 0, 406)
	add(w.merged(r), 409, 412)
	add(r.Idempotency != nil, 408, 409, 413, 422)
	add(w.Version != nil && (!w.Version.Sunset.IsZero() || len(w.Version.Brownouts) > 0), 410)
	add(reads, 408, 413, 415)
	add(reads || len(terms.Rules) > 0 || len(r.Parameters) > 0 || terms.Unknown == catalogue.Refuse, 422)
	add(len(terms.Limits) > 0, 429)
	return statuses
}

// refusal makes the component of a status, and gives its key.
func (w *writer) refusal(status int) string {
	words := refusals[status]
	if w.responses[words.key] != nil {
		return words.key
	}
	res := &response{Description: words.text, Headers: map[string]*header{}, Content: problems()}
	keys := slices.ContainsFunc(w.API.Routes, func(r *catalogue.Route) bool { return r.Idempotency != nil })
	if keys {
		res.Description += keyed[status]
	}
	if status != http.StatusBadRequest { // which may come before the version is known
		w.carry(res, w.lifecycle()...)
	}
	switch status {
	case http.StatusConflict:
		if keys {
			w.carry(res, "Retry-After")
		}
	case http.StatusUnauthorized:
		w.carry(res, "WWW-Authenticate")
	case http.StatusTooManyRequests:
		w.carry(res, "RateLimit", "RateLimit-Policy", "Retry-After")
	case http.StatusServiceUnavailable:
		w.carry(res, "Retry-After")
	}
	w.responses[words.key] = res
	return words.key
}

// problems is a problem in the forms that it has.
func problems() (content ordered[mediaType]) {
	for _, name := range []string{problem.ContentType, problem.ContentTypeXML} {
		content.add(name, mediaType{Schema: reference("#/components/schemas/" + problemSchema)})
	}
	return content
}

func (w *writer) success(r *catalogue.Route, terms catalogue.Terms) *response {
	res := &response{Description: "What the service behind the gateway answers.", Headers: map[string]*header{}}
	if len(r.Returns) > 0 && r.Method != http.MethodHead {
		res.Content = w.ways.content(w.placed(r.Returns), w.API.XML)
	}
	w.carry(res, w.lifecycle()...)
	if len(terms.Limits) > 0 {
		w.carry(res, "RateLimit", "RateLimit-Policy")
	}
	if r.Idempotency != nil {
		w.carry(res, "Idempotent-Replayed", "Idempotent-Stored")
	}
	return res
}

// lifecycle are the fields that every answer of this version carries.
func (w *writer) lifecycle() []string {
	var names []string
	if v := w.Version; v != nil {
		if !v.Deprecated.IsZero() {
			names = append(names, "Deprecation")
		}
		if !v.Sunset.IsZero() {
			names = append(names, "Sunset")
		}
	}
	if names != nil {
		names = append(names, "Link")
	}
	return names
}

// carry adds header fields to an answer. The version's dates are known to the letter.
func (w *writer) carry(res *response, names ...string) {
	for _, name := range names {
		if w.headers[name] == nil {
			h := &header{Description: fields[name].text, Schema: json.RawMessage(fields[name].schema)}
			switch name {
			case "Deprecation":
				h.Schema = constant("@" + strconv.FormatInt(w.Version.Deprecated.Unix(), 10))
			case "Sunset":
				h.Schema = constant(w.Version.Sunset.UTC().Format(http.TimeFormat))
			}
			w.headers[name] = h
		}
		res.Headers[name] = &header{Ref: "#/components/headers/" + name}
	}
}

// placed is the shape of a body in which objects lie at places: the whole of it, members' names, and "[*]" for the
// items of a list.
func (w *writer) placed(places []catalogue.Place) json.RawMessage {
	root := &nest{}
	for _, p := range places {
		at := root
		for _, step := range steps(p.Path) {
			at = at.below(step)
		}
		at.schema = w.reference(p.Object)
	}
	if w.API.XML {
		switch {
		case root.items != nil:
			root.xml = json.RawMessage(`{"name":"items","wrapped":true}`)
		case root.fields != nil && root.schema == nil:
			root.xml = json.RawMessage(`{"name":"response"}`)
		}
	}
	return root.shape()
}

const everyItem = "[*]"

// steps takes a path apart: "a.data[*]" is a, data, [*].
func steps(path string) []string {
	var all []string
	for part := range strings.SplitSeq(path, ".") {
		name, items, _ := strings.Cut(part, everyItem)
		if name != "" {
			all = append(all, name)
		}
		if name != part {
			all = append(all, everyItem)
			for range strings.Count(items, everyItem) {
				all = append(all, everyItem)
			}
		}
	}
	return all
}

// nest is a place on the way to objects.
type nest struct {
	schema json.RawMessage // the object's, where one lies here
	items  *nest
	fields ordered[*nest]
	xml    json.RawMessage // how it is written in XML; nil where its name says it
}

func (n *nest) below(step string) *nest {
	if step == everyItem {
		if n.items == nil {
			n.items = &nest{}
		}
		return n.items
	}
	for _, f := range n.fields {
		if f.name == step {
			return f.value
		}
	}
	next := &nest{}
	n.fields.add(step, next)
	return next
}

func (n *nest) shape() json.RawMessage {
	var own ordered[json.RawMessage]
	switch {
	case n.items != nil:
		own.add("type", json.RawMessage(`"array"`))
		own.add("items", n.items.shape())
	case n.fields != nil:
		own.add("type", json.RawMessage(`"object"`))
		var properties ordered[json.RawMessage]
		for _, f := range n.fields {
			properties.add(f.name, f.value.shape())
		}
		own.add("properties", marshal(properties))
	default:
		return n.schema
	}
	if n.xml != nil {
		own.add("xml", n.xml)
	}
	if n.schema != nil { // an object, and another within it
		own.add("allOf", marshal([]json.RawMessage{n.schema}))
	}
	return marshal(own)
}
