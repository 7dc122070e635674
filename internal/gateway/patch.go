package gateway

import (
	"errors"
	"mime"
	"net/http"
	"path/filepath"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/schema"
	"github.com/wicketgate/wicketgate/internal/validate"
)

// The media types of patches. application/json, and a version's own media type, are taken for a merge patch.
const (
	mergePatch = "application/merge-patch+json" // RFC 7396, section 4
	jsonPatch  = "application/json-patch+json"  // RFC 6902, section 6
)

// patches is the change stage of a way whose requests carry patches of an object, the newest version's too: a JSON
// Patch is checked to be one wherever it comes from.
type patches struct {
	patch   *change.Patch
	maxBody int64
}

// patches compiles what carries a route's patches to the version that its upstream speaks; nil where its requests carry
// none, and after a mistake.
func (b *builder) patches(l *lineage, v *catalogue.Version, r *catalogue.Route, maxBody int64) *patches {
	if !takesPatches(r) {
		return nil
	}
	index := l.index(v)
	end := l.ends[index]
	p, diags := change.CompilePatch(l.between(index, end), l.objectsAt(end), r.Accepts.Name)
	b.add(diags)
	if p == nil {
		return nil
	}
	return &patches{p, maxBody}
}

// takesPatches says whether a route takes patches of an object, not the object.
func takesPatches(r *catalogue.Route) bool { return r.Method == http.MethodPatch && r.Accepts != nil }

func (p *patches) Name() string { return "change" }

func (p *patches) Needs() exchange.Needs {
	return exchange.Needs{Body: exchange.JSON, MaxBody: p.maxBody}
}

// Handle carries the patch up.
func (p *patches) Handle(x *exchange.Exchange) *problem.Problem {
	if len(x.Body.Bytes) == 0 {
		return nil
	}
	carry := p.patch.Merge
	if isJSONPatch(x) {
		carry = p.patch.JSON
	}
	doc, err := carry(x.Body.Bytes)
	var form *change.FormError
	switch {
	case errors.As(err, &form): // RFC 5789, section 2.2: malformed is 400, what cannot be done 422
		return problem.New(problem.InvalidBody, "").With("errors", []validate.Error{{Pointer: form.Pointer, Detail: form.Detail}})
	case err != nil:
		return invalid(err)
	}
	x.Body.Replace(doc)
	return nil
}

// isJSONPatch says whether the body is a JSON Patch, by its media type, which has been checked.
func isJSONPatch(x *exchange.Exchange) bool {
	name, _, err := mime.ParseMediaType(x.Header.Get("Content-Type"))
	return err == nil && name == jsonPatch
}

// isMergePatch says whether the body is a merge patch. What a JSON Patch makes of a resource, only the service knows, so
// schemas are for merge patches alone.
func isMergePatch(x *exchange.Exchange) bool { return !isJSONPatch(x) }

// patchSchema makes what merge patches of an object must be valid by, in the shape of a version; nil where it has no
// schema, and after a mistake.
func (b *builder) patchSchema(l *lineage, o *catalogue.Object, version int) *schema.Schema {
	if b.schemaAt(l, o, version) == nil || b.diags.HasErrors() || l.shapes == nil {
		return nil
	}
	key := described{o.Name, version}
	if s, done := l.patches[key]; done {
		return s
	}
	file, read := filepath.Clean(o.Schema.Path), b.source
	if version != l.newest() || o.Document != nil {
		// A derived schema refers to nothing but itself.
		read = func(string) ([]byte, error) { return l.shapes.Schema(o.Name, version), nil }
	}
	s, diags := schema.LoadPatch(file, filepath.Dir(file), read)
	b.add(diags)
	l.patches[key] = s
	return s
}

var _ pipeline.Stage = (*patches)(nil)
