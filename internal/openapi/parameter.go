package openapi

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/idempotency"
)

// styles are how OpenAPI calls the ways to write a list in the query, and whether each item stands by itself.
var styles = map[string]struct {
	name    string
	explode bool
}{"repeat": {"form", true}, "comma": {"form", false}, "space": {"spaceDelimited", false}, "pipe": {"pipeDelimited", false}}

// declared describes the parameters that a route declares, as callers of the version have them. called are the names in
// the path of those that stand there.
func (w *writer) declared(r *catalogue.Route, called map[string]string) []*parameter {
	var all []*parameter
	for _, p := range r.Parameters {
		if !p.Within(w.Version) {
			continue
		}
		to := &parameter{Name: p.Name, In: p.In, Description: p.Description, Required: p.Required, Empty: p.Empty, Schema: p.Schema}
		switch {
		case p.In == "path":
			to.Name = called[p.Name]
		case w.Told[p] != "":
			to.Name = w.Told[p]
		}
		if style, ok := styles[p.List]; ok && p.In == "query" {
			to.Style, to.Explode = style.name, &style.explode
		}
		if p.Open {
			explode := true
			to.Style, to.Explode = "deepObject", &explode
		}
		all = append(all, to)
	}
	return all
}

// keys is the field of a route that carries out requests once for each key. A route that declares the field itself has
// said what it is.
func keys(r *catalogue.Route) []*parameter {
	k := r.Idempotency
	if k == nil || slices.ContainsFunc(r.Parameters, func(p *catalogue.Parameter) bool {
		return p.In == "header" && http.CanonicalHeaderKey(p.Name) == idempotency.Field
	}) {
		return nil
	}
	return []*parameter{{
		Name: idempotency.Field, In: "header", Required: k.Required,
		Description: "What names this request and no other of the caller's (draft-ietf-httpapi-idempotency-key-header-07): the same when it is sent again, which gets the same answer.",
		Schema:      json.RawMessage(`{"type":"string","minLength":1,"maxLength":1024,"examples":["\"8e03978e-40d5-43dd-bc93-6894a57f9324\""]}`),
	}}
}
