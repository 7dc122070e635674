package catalogue

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/webform"
)

// The formats of requests' bodies.
const (
	JSON      = "json"
	XML       = "xml"
	Form      = "form"      // application/x-www-form-urlencoded
	Multipart = "multipart" // multipart/form-data
)

var takesTerm = attribute{name: "takes", kind: each{of: choice{of: []string{JSON, XML, Form, Multipart}}, min: 1, max: 4}, absent: "that of the nearest level around, at last `[\"json\"]`",
	doc: "The formats in which routes with `accepts` take bodies: `form` is `application/x-www-form-urlencoded`, `multipart` is `multipart/form-data`. A body goes on in the format in which it came, written anew. Where JSON is taken and `formats` has XML, XML is taken too, and goes on as JSON unless `xml` is among these. A PATCH takes patches."}

// TakesFormat says whether bodies of a format are taken.
func (b *Bodies) TakesFormat(name string) bool {
	if b.Takes == nil {
		return name == JSON
	}
	return slices.Contains(b.Takes, name)
}

// FormParts is a multipart block: what the parts of a form may be.
type FormParts struct {
	MaxParts int   // 0 where not written
	MaxPart  int64 // bytes of a part that is no file; 0 where not written
	Files    []FormFile
	Range    hcl.Range
}

// FormFile is a file block: a field of a form that is a file.
type FormFile struct {
	Field string
	Types []string
	Max   int64 // bytes; 0 is that of the body
	Range hcl.Range
}

var multipartBlock = &block{
	name: "multipart", max: 1,
	doc: "What the parts of a form may be, where `takes` has `multipart`. A part that is no file is a text, or JSON by its Content-Type.",
	attributes: []attribute{
		{name: "max_parts", kind: integer{1, 1000}, def: int64(webform.DefaultMaxParts), doc: "How many parts a form may have."},
		{name: "max_part", kind: size{1, 64 << 20}, def: byteCount(webform.DefaultMaxPart), doc: "The largest part that is no file. `max_body` bounds the form."},
	},
	blocks: []*block{{
		name: "file", max: 64,
		label: &label{"the name of a field: a member of the object, which is a text, an object or a list of them", formField.MatchString, true, nil},
		doc:   "A field that is a file; no other is. Schema, rules and policies see its name where the member is a text, and `{\"name\", \"type\", \"size\"}` where it is an object.",
		attributes: []attribute{
			{name: "types", kind: each{of: word{`a media type such as "image/png", "image/*" or "*/*"`, fileType.MatchString}, min: 1, max: 64}, required: true,
				doc: "The media types that are taken. What the content shows and what is said of it must agree."},
			{name: "max", kind: size{1, 64 << 20}, absent: "`max_body`", doc: "The largest file."},
		},
	}},
}

var (
	formField = regexp.MustCompile(`^[^\x00-\x1f"\\\x7f]{1,64}$`)
	fileType  = regexp.MustCompile(`^(\*/\*|[a-z]+/(\*|[a-z0-9][a-z0-9.+_-]{0,126}))$`)
)

func formParts(n *node) *FormParts {
	from := n.one("multipart")
	if from == nil {
		return nil
	}
	p := &FormParts{MaxParts: int(take[int64](from, "max_parts")), MaxPart: int64(take[byteCount](from, "max_part")), Range: from.rng}
	for _, f := range from.all("file") {
		p.Files = append(p.Files, FormFile{Field: f.label, Types: texts(f, "types"), Max: int64(take[byteCount](f, "max")), Range: f.rng})
	}
	return p
}

// checkForms looks whether what a route says of the formats of bodies can be.
func (d *decoder) checkForms(a *API, r *Route, n *node) {
	if n.written("takes") {
		switch {
		case r.Method == http.MethodPatch:
			d.wrong(n.values["takes"].name, "Patches have formats of their own", "A PATCH takes a merge patch (RFC 7396) or a JSON Patch (RFC 6902).")
		case !n.written("accepts"):
			d.wrong(n.values["takes"].name, "Nothing to take", "Say which object requests carry: accepts = object.name.")
		}
	}
	var in, merged string
	versions := a.Versions
	if versions == nil {
		versions = []*Version{nil}
	}
	for _, v := range versions {
		if v != nil && !r.In(v) {
			continue
		}
		terms := a.For(v, r)
		if terms.TakesFormat(Multipart) {
			in = Multipart
		}
		for _, name := range []string{XML, Form, Multipart} {
			if terms.TakesFormat(name) {
				merged = name
			}
		}
	}
	if p := n.one("multipart"); p != nil && (in == "" || !n.written("accepts") || r.Method == http.MethodPatch) {
		d.wrong(p.named, "Nothing in parts", "The route takes no forms of several parts: write accepts = object.name, and takes = [%q].", Multipart)
	}
	if p := n.one("multipart"); p != nil && n.written("integration") && len(p.all("file")) > 0 {
		d.wrong(p.named, "Files to an integration", "What goes to an integration is made of JSON, in which a file is but named: a route with an integration takes no files.")
	}
	if r.Merge && merged != "" {
		d.wrong(n.place("merge"), "Cannot be merged", "%s", fmt.Sprintf("What is merged is JSON, and so goes on as JSON; the route takes %q.", merged))
	}
}
