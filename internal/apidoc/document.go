package apidoc

import (
	"net/url"
	"strings"
)

// document reads the whole.
func (r *reader) document(top *node) {
	if !r.fields(top, "A document", "openapi", "info", "jsonSchemaDialect", "servers", "paths", "webhooks", "components", "security", "tags", "externalDocs", "swagger", "$self") {
		return
	}
	version := top.str("openapi")
	switch {
	case top.get("swagger") != nil:
		r.wrong(top.get("swagger"), "Unknown version of OpenAPI", "Swagger 2.0 is not read: convert the document to OpenAPI 3, which editors and swagger-converter do.")
		return
	case strings.HasPrefix(version, "3.0."):
		r.old = true
	case strings.HasPrefix(version, "3.1."):
	case top.get("openapi") == nil:
		r.wrong(top, "Unknown version of OpenAPI", `A document begins with its version: openapi: "3.1.0".`)
		return
	default:
		r.wrong(top.get("openapi"), "Unknown version of OpenAPI", `Expected "3.0.x" or "3.1.x", in quotes.`)
		return
	}
	if d := top.get("jsonSchemaDialect"); d != nil && !strings.HasPrefix(d.text, "https://spec.openapis.org/oas/3.1/") && d.text != "https://json-schema.org/draft/2020-12/schema" {
		r.wrong(d, "Unknown version of JSON Schema", "Schemas are read as JSON Schema 2020-12.")
	}
	if info := top.get("info"); r.fields(info, "Info", "title", "summary", "description", "termsOfService", "contact", "license", "version") {
		r.doc.Title, r.doc.Description, r.doc.Version = info.str("title"), info.str("description"), info.str("version")
		r.doc.VersionAt = info.get("version").at()
	}
	if hooks := top.get("webhooks"); hooks != nil && len(hooks.members) > 0 {
		r.warn(hooks, "Not used", "Webhooks of documents are not used by this version.")
	}
	r.server(top.get("servers"))
	r.schemes(top.get("components"))
	r.doc.Security = r.security(top.get("security"))
	r.paths(top.get("paths"))
	r.schemas()
}

// server takes the base path from the first server.
func (r *reader) server(servers *node) {
	if servers == nil {
		return
	}
	for i, s := range servers.items {
		address := s.str("url")
		if vars := s.get("variables"); vars != nil {
			for _, v := range vars.members {
				address = strings.ReplaceAll(address, "{"+v.name+"}", v.value.str("default"))
			}
		}
		u, err := url.Parse(address)
		if err != nil || strings.ContainsAny(address, "{}") {
			r.warn(s, "Not used", "The address of this server cannot be understood; write base_path in the catalogue.")
			continue
		}
		path := strings.TrimSuffix(u.Path, "/")
		if !strings.HasPrefix(path, "/") && path != "" {
			path = "/" + path
		}
		switch {
		case i == 0:
			r.doc.BasePath, r.doc.BasePathAt = path, s.get("url").at()
		case path != r.doc.BasePath:
			r.warn(s, "Not used", "The API is served below the path of the first server, %q; another path is an API of its own in the catalogue.", r.doc.BasePath+"/")
		}
	}
}

// schemes reads the security schemes.
func (r *reader) schemes(components *node) {
	if components == nil {
		return
	}
	r.fields(components, "Components", "schemas", "responses", "parameters", "examples", "requestBodies", "headers", "securitySchemes", "links", "callbacks", "pathItems")
	for _, k := range []string{"links", "callbacks"} {
		if n := components.get(k); n != nil && len(n.members) > 0 {
			r.warn(n, "Not used", "%s are not used.", strings.ToUpper(k[:1])+k[1:])
		}
	}
	all := components.get("securitySchemes")
	if all == nil {
		return
	}
	for _, m := range all.members {
		n := r.follow(m.value)
		if !r.fields(n, "A security scheme", "type", "description", "name", "in", "scheme", "bearerFormat", "flows", "openIdConnectUrl", "deprecated") {
			continue
		}
		r.doc.Schemes[m.name] = &Scheme{Type: n.str("type"), In: n.str("in"), Field: n.str("name"), HTTP: strings.ToLower(n.str("scheme")), Range: m.key.at()}
	}
}

// security reads who may call; nil where nothing is written.
func (r *reader) security(n *node) *Security {
	if n == nil {
		return nil
	}
	if n.kind != list {
		r.wrong(n, "Unsuitable value", "Expected a list of security requirements.")
		return nil
	}
	s := &Security{Anonymous: len(n.items) == 0, Range: n.at()}
	for _, item := range n.items {
		switch {
		case item.kind != mapping:
			r.wrong(item, "Unsuitable value", "Expected a scheme and its scopes: \"name: []\".")
		case len(item.members) == 0:
			s.Anonymous = true
		case len(item.members) > 1:
			at := item.at()
			s.Several = &at
		default:
			m := item.members[0]
			s.Ways = append(s.Ways, Way{Scheme: m.name, Scopes: texts(m.value), Range: m.key.at()})
		}
	}
	return s
}
