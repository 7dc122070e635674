// Package openapi describes one version of an API in OpenAPI 3.1, as that version's callers see it: from the catalogue
// alone, so that the description says what the gateway does. What the service behind it answers beyond that, nobody
// told the gateway, and the description does not pretend to know.
package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/wicketgate/wicketgate/internal/catalogue"
)

// MediaType is what a description's content is called (draft-ietf-httpapi-rest-api-mediatypes-09, section 4.2).
const MediaType = "application/openapi+json;version=3.1"

// Config is what is described.
type Config struct {
	API     *catalogue.API
	Version *catalogue.Version // one of the API's; nil on an API without versions
	// Served says that the description is read from the gateway, so that addresses relative to its own are right; they
	// are the API's hosts' otherwise.
	Served bool
	// Schema gives the JSON Schema (2020-12) of an object as callers of the version see it. What it refers to is in
	// its $defs.
	Schema func(object string) []byte
	// Told is what callers of the version know query parameters as, where that is another name.
	Told map[*catalogue.Parameter]string
	// Now decides whether the version counts as deprecated.
	Now time.Time
}

// Write describes the version: indented JSON, the same for the same catalogue.
func Write(c Config) ([]byte, error) {
	w := &writer{Config: c, responses: map[string]*response{}, headers: map[string]*header{}, schemes: map[string]*securityScheme{}}
	w.ways = waysOf(c.API, c.Version)
	if err := w.describeObjects(); err != nil {
		return nil, fmt.Errorf("describing the API %q: %w", c.API.Name, err)
	}
	doc := document{OpenAPI: "3.1.1", Info: w.info(), Servers: w.servers(), Paths: w.paths()}
	if c.Version != nil && c.Version.Docs != "" {
		doc.ExternalDocs = &externalDocs{Description: "How to leave this version", URL: c.Version.Docs}
	}
	doc.Components = components{Schemas: w.schemas, Responses: w.responses, Parameters: w.ways.components(), Headers: w.headers, SecuritySchemes: w.schemes}
	var out, indented bytes.Buffer
	if err := encode(&out, doc); err != nil {
		return nil, fmt.Errorf("describing the API %q: %w", c.API.Name, err)
	}
	if err := json.Indent(&indented, out.Bytes(), "", "  "); err != nil {
		return nil, fmt.Errorf("describing the API %q: %w", c.API.Name, err)
	}
	indented.WriteByte('\n')
	return indented.Bytes(), nil
}

// writer is one description being made. Components are those that something refers to.
type writer struct {
	Config
	ways      ways
	objects   map[string]string // by an object's name: the component its schema is
	schemas   map[string]json.RawMessage
	responses map[string]*response
	headers   map[string]*header
	schemes   map[string]*securityScheme
	taken     map[string]string // of the identities that have a scheme: its key
}

func (w *writer) info() info {
	i := info{Title: w.API.Name, Version: "unversioned"}
	if w.API.Title != "" {
		i.Title = w.API.Title
	}
	if w.Version != nil {
		i.Version = w.Version.Name
		i.Description = w.life() + w.news()
	}
	i.Description = strings.TrimSpace(i.Description + "\n\nErrors are problem details (RFC 9457).")
	i.Description = followed(w.API.Summary, i.Description)
	return i
}

// deprecated says whether the version is deprecated now.
func (w *writer) deprecated() bool {
	return w.Version != nil && !w.Version.Deprecated.IsZero() && !w.Now.Before(w.Version.Deprecated)
}

// life tells the version's dates.
func (w *writer) life() string {
	v := w.Version
	parts := []string{"Version " + v.Name, "released on " + catalogue.Day(v.Released)}
	if v.Preview {
		parts[1] = "a preview for requests that name it"
	}
	if !v.Deprecated.IsZero() {
		word := "deprecated from " + catalogue.Day(v.Deprecated) + " on"
		if w.deprecated() {
			word = "deprecated since " + catalogue.Day(v.Deprecated)
		}
		parts = append(parts, word)
	}
	if !v.Sunset.IsZero() {
		parts = append(parts, "retired on "+catalogue.Day(v.Sunset)+", from when on it is answered 410")
	}
	text := strings.Join(parts, ", ") + "."
	for _, b := range v.Brownouts {
		text += fmt.Sprintf(" It is switched off, and answered 410, from %s until %s.", catalogue.Day(b.From), catalogue.Day(b.From.Add(b.For)))
	}
	return text
}

// news tells what the version changed, in the summaries' words.
func (w *writer) news() string {
	if len(w.Version.Changes) == 0 {
		return ""
	}
	text := "\n\nWhat it changed:\n"
	for _, c := range w.Version.Changes {
		text += "\n- " + c.Summary
	}
	return text
}

// servers are the addresses below which the paths are. Where hosts name the version, only its own is right wherever
// the description is read.
func (w *writer) servers() []server {
	path, hosts := w.API.BasePath, w.API.Hosts
	if w.ways.path {
		path = strings.TrimSuffix(path, "/") + "/" + w.Version.Name
	}
	switch {
	case w.ways.host != "" && (!w.ways.path || len(hosts) == 0 && !w.Served):
		hosts = []string{w.ways.host}
	case w.Served:
		hosts = nil
	}
	if len(hosts) == 0 {
		return []server{{path}}
	}
	var all []server
	for _, host := range hosts {
		all = append(all, server{"https://" + host + strings.TrimSuffix(path, "/")})
	}
	return all
}
