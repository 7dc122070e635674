package gateway

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/rule"
	"github.com/wicketgate/wicketgate/internal/schema"
	"github.com/wicketgate/wicketgate/internal/shape"
)

// lineage is how an API's objects became what they are: its changes, and the shapes that they give its versions.
type lineage struct {
	api      *catalogue.API
	versions [][]*change.Change // by version: what it changed of the one before; one without changes where there are no versions
	ends     []int              // by version: the one whose shape its requests are brought to
	objects  []map[string]*change.Object
	shapes   *shape.Shapes
	derived  bool // the shapes of all versions, without a mistake
	schemas  map[described]*schema.Schema
	known    map[described]*rule.Shape    // of objects, by their schemas; with no object, of all that requests have
	patches  map[described]*schema.Schema // of merge patches of it
	xml      map[*catalogue.Route][]forms // by version; nil on an API without XML, and after a mistake
	programs map[span]*change.Program
	queries  map[span]*change.Query
}

// described is an object in the shape of a version.
type described struct {
	object  string
	version int
}

// lineage builds and checks the lineage of an API.
func (b *builder) lineage(from *catalogue.API) *lineage {
	l := &lineage{api: from, schemas: make(map[described]*schema.Schema), known: make(map[described]*rule.Shape), patches: make(map[described]*schema.Schema),
		programs: make(map[span]*change.Program), queries: make(map[span]*change.Query)}
	last := max(0, len(from.Versions)-1)
	l.versions, l.ends = make([][]*change.Change, last+1), make([]int, last+1)
	copy(l.versions, Changes(from))
	for i, v := range from.Versions {
		l.ends[i] = slices.Index(from.Versions, from.End(v))
	}
	l.objects = make([]map[string]*change.Object, last+1)
	l.objects[last] = objectsOf(from)
	diags := change.Validate(l.between(-1, last), l.objects[last])
	b.add(diags)
	newest := make(map[string]shape.Source)
	for _, o := range from.Objects {
		if o.Document != nil {
			newest[o.Name] = shape.Source{File: o.Document.Name, Doc: o.Document.Text, Pointer: o.Pointer}
		} else if b.schema(o) != nil {
			newest[o.Name] = shape.Source{File: o.Schema.Path, Doc: b.sources[filepath.Clean(o.Schema.Path)], Read: b.source}
		}
	}
	if diags.HasErrors() || slices.ContainsFunc(from.Versions, func(v *catalogue.Version) bool { return v.Incomplete }) {
		return l // what is wrong on its own would be told again, as what older versions lack
	}
	l.shapes, diags = shape.Derive(newest, l.objects[last], l.versions)
	l.derived = !diags.HasErrors()
	b.add(diags)
	return l
}

// source gives a file that has been read.
func (b *builder) source(name string) ([]byte, error) {
	if src, ok := b.sources[name]; ok {
		return src, nil
	}
	return nil, os.ErrNotExist
}

// between gives what changed since one version up to another, oldest first.
func (l *lineage) between(since, to int) []*change.Change {
	return slices.Concat(l.versions[since+1 : to+1]...)
}

// newest is the index of the newest version.
func (l *lineage) newest() int { return len(l.versions) - 1 }

// index is that of a version; 0 for nil, on an API without versions.
func (l *lineage) index(v *catalogue.Version) int { return max(0, slices.Index(l.api.Versions, v)) }

// objectsAt gives the objects with the places where they hold others in the shape of a version. The changes must be
// without mistakes.
func (l *lineage) objectsAt(version int) map[string]*change.Object {
	if l.objects[version] == nil {
		after := l.between(version, l.newest())
		l.objects[version] = make(map[string]*change.Object)
		for name, o := range l.objects[l.newest()] {
			l.objects[version][name] = o.Before(after)
		}
	}
	return l.objects[version]
}

// schemaAt gives the schema of an object in the shape of a version; nil where it has none, and after a mistake.
func (b *builder) schemaAt(l *lineage, o *catalogue.Object, version int) *schema.Schema {
	if o.Document == nil && version == l.newest() || b.diags.HasErrors() || l.shapes == nil {
		return b.schema(o)
	}
	key := described{o.Name, version}
	if s, done := l.schemas[key]; done {
		return s
	}
	if text := l.shapes.Schema(o.Name, version); text != nil {
		s, diags := schema.Parse(o.Schema.Path, text)
		if diags.HasErrors() {
			b.fault(o.Range, "Schema cannot be derived", fmt.Sprintf("The schema of object %q %s is none: %v.", o.Name, l.called(version), diags.Errs()))
		}
		l.schemas[key] = s
	}
	return l.schemas[key]
}

// bodyOf is what a rule may name of the bodies of a route, in the shape that it sees; nil where nothing is known of them. A
// rule of a level above is for the bodies of other routes, too: it may name what any of them has. One that is not a
// version's own is written for the newest shape; where it sees an older one, sees has warned of it.
func (b *builder) bodyOf(l *lineage, v *catalogue.Version, r *catalogue.Route, from *catalogue.Rule) *rule.Shape {
	end := l.ends[l.index(v)]
	if end != l.newest() && !slices.Contains(v.Rules, from) {
		return nil
	}
	if slices.Contains(r.Rules, from) {
		if r.Accepts == nil || takesPatches(r) {
			return nil
		}
		return b.known(l, r.Accepts, end)
	}
	key := described{version: end}
	if s, done := l.known[key]; done {
		return s
	}
	var all []*rule.Shape
	for _, route := range l.api.Routes {
		switch {
		case route.Accepts != nil:
			all = append(all, b.known(l, route.Accepts, end))
		case route.Method == http.MethodPost, route.Method == http.MethodPut, route.Method == http.MethodPatch:
			all = append(all, nil) // has bodies of which nothing is known
		}
	}
	l.known[key] = rule.Either(all)
	return l.known[key]
}

// known is what the schema of an object says in the shape of a version.
func (b *builder) known(l *lineage, o *catalogue.Object, version int) *rule.Shape {
	if !l.derived {
		return nil
	}
	key := described{o.Name, version}
	s, done := l.known[key]
	if !done {
		if text := l.shapes.Schema(o.Name, version); text != nil {
			s = rule.ShapeOf(text)
		}
		l.known[key] = s
	}
	return s
}

// called is how a version is spoken of.
func (l *lineage) called(version int) string {
	if len(l.api.Versions) == 0 {
		return "of the API " + l.api.Name
	}
	return fmt.Sprintf("in version %q", l.api.Versions[version].Name)
}

// missing tells what callers of a version have to add where their object lacks a member in its newest shape: what that
// is made of, as far as their own shape asks for it.
func (l *lineage) missing(object string, version int, up *change.Program) func(newest string) []string {
	return func(newest string) []string {
		return slices.DeleteFunc(up.Origins(newest), func(pointer string) bool { return !l.shapes.Required(object, version, pointer) })
	}
}

// sees warns of a rule that is written for all versions and sees another shape in one whose upstream is its own.
func (b *builder) sees(l *lineage, v *catalogue.Version, r *catalogue.Route, from *catalogue.Rule, p *rule.Program) {
	end := l.ends[l.index(v)]
	if end == l.newest() || r.Accepts == nil || p.Needs().Body == exchange.None || b.diags.HasErrors() || slices.Contains(v.Rules, from) {
		return
	}
	after, diags := change.Compile(l.between(end, l.newest()), l.objects[l.newest()], []change.Held{{Object: r.Accepts.Name}})
	if diags.HasErrors() || after.Empty() {
		return
	}
	b.add(hcl.Diagnostics{{Severity: hcl.DiagWarning, Summary: "Rule sees an older shape", Subject: from.Range.Ptr(),
		Detail: fmt.Sprintf("Version %q has an upstream of its own, so that the bodies of its requests stay in its shape: object %q has changed since. Write rules on bodies in the versions where such an upstream is, each for its shape.",
			l.api.Versions[end].Name, r.Accepts.Name)}})
}

// schema loads the newest schema of an object; nil where it has none, and after a mistake.
func (b *builder) schema(o *catalogue.Object) *schema.Schema {
	if o.Document != nil { // which has been looked at when it was read
		return nil
	}
	return b.schemaIn(o.Schema.Path)
}

// schemaIn loads the schema of a file, once.
func (b *builder) schemaIn(file string) *schema.Schema {
	if file == "" {
		return nil
	}
	if s, done := b.schemas[file]; done {
		return s
	}
	s, files, diags := schema.Load(file, filepath.Dir(file), func(name string) ([]byte, error) {
		src, err := os.ReadFile(name)
		if err == nil {
			b.sources[name] = src
		}
		return src, err
	})
	b.files = append(b.files, files...)
	b.add(diags)
	b.schemas[file] = s
	return s
}
