package apidoc

import (
	"regexp"
	"slices"
	"strings"

	"github.com/wicketgate/wicketgate/internal/form"
)

var (
	methods = []string{"get", "head", "post", "put", "patch", "delete", "options"}

	literalPattern = regexp.MustCompile(`^[A-Za-z0-9._~!$&'()*+,=:@-]+$`)
	unnamable      = regexp.MustCompile(`[^A-Za-z0-9_]`)
)

// paths reads all operations.
func (r *reader) paths(paths *node) {
	if paths == nil || paths.kind != mapping {
		r.warn(r.top(), "No operations", "The document has no paths.")
		return
	}
	for _, m := range paths.members {
		if strings.HasPrefix(m.name, "x-") {
			continue
		}
		item := r.follow(m.value)
		if !r.fields(item, "A path", append([]string{"$ref", "summary", "description", "servers", "parameters", "trace"}, methods...)...) {
			continue
		}
		path, names, ok := r.template(m)
		if !ok {
			continue
		}
		if n := item.get("servers"); n != nil {
			r.warn(n, "Not used", "The servers of paths are not used: where services are is written in the catalogue.")
		}
		if n := item.get("trace"); n != nil {
			r.warn(n, "Not used", "TRACE is not served.")
		}
		for _, o := range item.members {
			if !slices.Contains(methods, o.name) {
				continue
			}
			if len(r.doc.Operations) >= maxOperations {
				r.wrong(o.key, "Too many operations", "A document may have at most %d operations.", maxOperations)
				return
			}
			r.operation(path, names, item, o)
		}
	}
}

// top is a value to tell of the document at.
func (r *reader) top() *node { return r.files[r.order[0]].top }

// template takes a path apart: names are those of its parameters in the document, and in the route.
func (r *reader) template(m member) (path string, names map[string]string, ok bool) {
	names = make(map[string]string)
	if m.name == "" || m.name[0] != '/' {
		r.wrong(m.key, "Unsuitable path", "A path begins with a slash.")
		return "", nil, false
	}
	trimmed := strings.TrimSuffix(m.name[1:], "/")
	if trimmed == "" {
		return "/", names, true
	}
	for segment := range strings.SplitSeq(trimmed, "/") {
		name, open := strings.CutPrefix(segment, "{")
		name, closed := strings.CutSuffix(name, "}")
		switch {
		case open && closed && name != "" && !strings.ContainsAny(name, "{}"):
			own := unnamable.ReplaceAllString(name, "_")
			if own[0] >= '0' && own[0] <= '9' {
				own = "_" + own
			}
			if len(own) > 64 {
				own = own[:64]
			}
			for _, taken := range names {
				if taken == own {
					r.wrong(m.key, "Unsuitable path", "Two parameters of the path are called alike.")
					return "", nil, false
				}
			}
			names[name] = own
			path += "/{" + own + "}"
		case !strings.ContainsAny(segment, "{}") && literalPattern.MatchString(segment) && segment != "." && segment != "..":
			path += "/" + segment
		default:
			r.warn(m.key, "Path that is not served", "The segment %q is neither a literal nor a parameter as a whole, so this path is not served: requests for it are answered 404. Write a route for it in the catalogue.", segment)
			return "", nil, false
		}
	}
	return path, names, true
}

// operation reads one operation.
func (r *reader) operation(path string, names map[string]string, item *node, m member) {
	n := m.value
	if !r.fields(n, "An operation", "tags", "summary", "description", "externalDocs", "operationId", "parameters", "requestBody", "responses", "callbacks", "deprecated", "security", "servers") {
		return
	}
	o := &Operation{
		Method: strings.ToUpper(m.name), Path: path, ID: n.str("operationId"), Summary: n.str("summary"), Description: n.str("description"),
		Tags: texts(n.get("tags")), Deprecated: n.yes("deprecated"), Security: r.security(n.get("security")), Range: m.key.at(),
	}
	if v := n.get("callbacks"); v != nil {
		r.warn(v, "Not used", "Callbacks of operations are not used.")
	}
	if v := n.get("servers"); v != nil {
		r.warn(v, "Not used", "The servers of operations are not used: where services are is written in the catalogue.")
	}
	o.Parameters = r.parameters(names, item.get("parameters"), n.get("parameters"))
	o.Body = r.body(o, n.get("requestBody"))
	o.Answers = r.answers(o, n.get("responses"))
	r.doc.Operations = append(r.doc.Operations, o)
}

// body reads what an operation takes.
func (r *reader) body(o *Operation, n *node) *Body {
	if n == nil {
		return nil
	}
	at := n
	if n = r.follow(n); !r.fields(n, "A request body", "description", "content", "required") {
		return nil
	}
	if slices.Contains([]string{"GET", "HEAD", "OPTIONS"}, o.Method) {
		r.warn(at, "Not used", "The bodies of GET, HEAD and OPTIONS mean nothing (RFC 9110, section 9.3), and are not looked at.")
		return nil
	}
	if o.Method == "PATCH" { // whose patches are JSON
		schema, _ := r.content(at, n.get("content"), "bodies of requests")
		if schema == nil {
			return nil
		}
		return &Body{Object: r.object(schema, o.name("request")).Name, Required: n.yes("required"), Formats: []string{"json"}, Range: at.at()}
	}
	b := &Body{Required: n.yes("required"), Range: at.at()}
	schema := r.formats(b, at, n.get("content"))
	if schema == nil {
		return nil
	}
	b.Object = r.object(schema, o.name("request")).Name
	return b
}

// name is what a schema is called that has no name of its own.
func (o *Operation) name(of string) string {
	id := o.ID
	if id == "" {
		id = strings.ToLower(o.Method) + unnamable.ReplaceAllString(o.Path, "_")
	}
	return id + "_" + of
}

// content finds the schema of JSON among the media types; found says whether there is JSON.
func (r *reader) content(at, n *node, what string) (schema *node, found bool) {
	if n == nil || n.kind != mapping {
		return nil, false
	}
	others := ""
	for _, m := range n.members {
		kind := strings.ToLower(strings.TrimSpace(strings.Split(m.name, ";")[0]))
		media := r.follow(m.value)
		if media == nil {
			continue
		}
		switch {
		case form.IsJSON(kind) || kind == "*/*" || kind == "application/*":
			if s := media.get("schema"); s != nil && (schema == nil || kind == "application/json") {
				schema = s
			}
			found = true
		default:
			others = kind
		}
	}
	switch {
	case others == "":
	case found:
		r.warn(at, "Not used", "Of %s, only the JSON is used; %s besides is not.", what, others)
	default:
		r.warn(at, "Not used", "The %s are let pass as they are: %s is not looked at.", what, others)
	}
	return schema, found
}

// answers reads what an operation answers.
func (r *reader) answers(o *Operation, n *node) []Answer {
	if n == nil || n.kind != mapping {
		return nil
	}
	var all []Answer
	for _, m := range n.members {
		if strings.HasPrefix(m.name, "x-") {
			continue
		}
		res := r.follow(m.value)
		if !r.fields(res, "An answer", "summary", "description", "headers", "content", "links") {
			continue
		}
		if links := res.get("links"); links != nil && len(links.members) > 0 {
			r.warn(links, "Not used", "Links are not used.")
		}
		a := Answer{Status: strings.ToUpper(m.name), Description: res.str("description"), Range: m.key.at()}
		if m.name == "default" {
			a.Status = m.name
		}
		if schema, _ := r.content(m.key, res.get("content"), "bodies of answers"); schema != nil {
			a.Object = r.object(schema, o.name(a.Status)).Name
		}
		all = append(all, a)
	}
	return all
}
