// Package shape runs JSON Schemas backwards: from the newest schema of each object it derives the schema of every
// older version, by undoing the changes one by one. What a change says of members, types and values that the schema
// does not have is found on the way, with its place.
//
// A derived schema accepts every message that the newest one accepts, once it has been brought down: where an exact
// counterpart cannot be written, it asks for less. Nothing is lost by that, for requests are held to the newest schema
// after they went up. The exception is an object all of whose members came from elsewhere: it is left out, so that where
// an answer has it empty, it is a member that the older schema does not have.
package shape

import (
	"cmp"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// The bounds of what is derived. A catalogue beyond them does not load.
const (
	maxNodes = 1 << 17 // values of all kinds in one schema, without what it refers to: about 4 MiB of text
	maxSteps = 1 << 22 // schemas looked at in one Derive: a second at most
)

// Source is the newest schema of an object.
type Source struct {
	File string                            // its path; references to other files are resolved against it
	Doc  []byte                            // its text: JSON Schema 2020-12
	Read func(path string) ([]byte, error) // reads the files it refers to; nil where there are none

	Pointer string // to the schema in its text, "" where it is the whole
}

// Shapes are the schemas of an API's objects in all its versions. They are immutable.
type Shapes struct {
	objects map[string]*unit
}

// Derive derives the schemas of all versions. newest has a source for each object that has a schema; versions[i] is
// what version i changed of the one before it, oldest first, so versions[0] changes nothing; an API without versions
// has one shape. Changes must have passed change.Validate. Diagnostics tell every mistake; a warning tells where a
// derived schema asks for less than it could.
func Derive(newest map[string]Source, objects map[string]*change.Object, versions [][]*change.Change) (*Shapes, hcl.Diagnostics) {
	d := &deriver{objects: objects, told: make(map[string]bool), version: reached}
	b := &bundler{d: d, files: make(map[string]*file), units: make(map[target]*unit), names: make(map[string]bool)}
	p := &placer{d: d, b: b, made: make(map[held]*unit)}
	s := &Shapes{objects: make(map[string]*unit)}
	names := slices.Sorted(maps.Keys(newest))
	for _, name := range names {
		b.names[name] = true
	}
	changes := slices.ContainsFunc(versions, func(v []*change.Change) bool { return len(v) > 0 })
	for _, name := range names {
		if from := newest[name]; from.Pointer != "" && !changes {
			// Nothing tells an object from its schema: whoever refers to the one refers to the other.
			b.units[target{filepath.Clean(from.File), from.Pointer}] = &unit{name: name, object: name}
		}
	}
	for _, name := range names {
		from := newest[name]
		f := b.open(filepath.Dir(from.File), filepath.Base(from.File), from.Doc, from.Read)
		if f == nil {
			continue
		}
		if u := b.units[target{f.path, from.Pointer}]; u != nil && u.object == name {
			raw, ok := jsonspan.Get(f.text, jsonspan.Split(from.Pointer)...)
			if !ok {
				continue
			}
			u.root = b.schema(f, raw)
			s.objects[name], p.made[held{u, name}] = u, u
			d.units = append(d.units, u)
			continue
		}
		plain := b.unit(f, from.Pointer, f.called(from.Pointer))
		if plain == nil {
			continue
		}
		u := &unit{name: name, object: name, root: plain.root}
		s.objects[name], p.made[held{plain, name}] = u, u
		d.units = append(d.units, u)
	}
	p.place()
	last := max(0, len(versions)-1)
	for _, u := range d.units {
		u.at = make([]*node, last+1)
		u.at[last] = u.root
	}
	if last > 0 {
		p.forget(versions)
	}
	for i := last; i > 0; i-- {
		for _, ch := range slices.Backward(versions[i]) {
			d.undo(ch)
		}
		for _, u := range d.units {
			u.at[i-1] = u.root
		}
	}
	if last > 0 && !d.diags.HasErrors() {
		d.carry(versions)
	}
	slices.SortStableFunc(d.diags, func(a, b *hcl.Diagnostic) int {
		return cmp.Or(strings.Compare(a.Subject.Filename, b.Subject.Filename), cmp.Compare(a.Subject.Start.Byte, b.Subject.Start.Byte))
	})
	if d.steps > maxSteps {
		d.diags = append(d.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Schemas too large",
			Detail: "The schemas of the objects are too large, or refer to each other too often, to be followed through the versions."})
	}
	return s, d.diags
}
