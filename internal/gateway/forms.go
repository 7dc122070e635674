package gateway

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/validate"
	"github.com/wicketgate/wicketgate/internal/webform"
	"github.com/wicketgate/wicketgate/internal/xmlform"
)

// forms are the forms besides JSON of the messages of a route in a version; each is nil where there is none.
type forms struct {
	request   *xmlform.Reader
	goesOn    *xmlform.Writer // of requests that came in XML; nil lets JSON go on
	form      *webform.Shape
	multipart *webform.Multipart
	answer    *xmlform.Writer
}

// What a schema may lack, as its author is told.
const (
	inXMLForm = "XML form"
	inWebForm = "web form"
)

// formBuilder makes the forms of an API's messages, each once however many routes use it.
type formBuilder struct {
	*builder
	l       *lineage
	texts   map[described][]byte
	readers map[string]*xmlform.Reader
	writers map[string]*xmlform.Writer
	shapes  map[described]*webform.Shape
	told    map[xmlform.Mistake]bool
	failed  bool // something was told that is an error
	// pending is what is wrong with the forms of a body that a document describes, of which some may be left out.
	pending hcl.Diagnostics
	spares  bool
}

// forms gives the forms of an API's messages by route and version. The newest version is looked at first, so that a
// mistake is told of the shape that the schemas' author wrote, and of older ones only where that has none.
func (b *builder) forms(l *lineage) map[*catalogue.Route][]forms {
	if b.diags.HasErrors() || l.shapes == nil {
		return nil
	}
	f := formBuilder{b, l, map[described][]byte{}, map[string]*xmlform.Reader{}, map[string]*xmlform.Writer{}, map[described]*webform.Shape{}, map[xmlform.Mistake]bool{}, false, nil, false}
	all := map[*catalogue.Route][]forms{}
	for i := l.newest(); i >= 0 && !f.failed; i-- {
		for _, r := range l.api.Routes {
			var v *catalogue.Version
			if len(l.api.Versions) > 0 {
				v = l.api.Versions[i]
			}
			if v != nil && !r.In(v) {
				continue
			}
			if all[r] == nil {
				all[r] = make([]forms, len(l.versions))
			}
			to := &all[r][i]
			f.requests(to, r, l.api.For(v, r), i)
			if l.api.XML {
				to.answer = f.writer(r, i)
			}
		}
	}
	return all
}

// formsOf gives the forms of a route's messages in a version, which is nil on an API without versions.
func (l *lineage) formsOf(r *catalogue.Route, v *catalogue.Version) forms {
	if all := l.xml[r]; all != nil {
		return all[l.index(v)]
	}
	return forms{}
}

// requests makes the forms in which a route takes requests. A patch has a media type of its own, and no other form.
func (f *formBuilder) requests(to *forms, r *catalogue.Route, terms catalogue.Terms, version int) {
	if r.Accepts == nil || r.Method == http.MethodPatch {
		return
	}
	if r.Accepts.Document != nil { // whose author did not write it for this gateway
		f.spares = true
		defer func() {
			f.spares = false
			f.spare(*to, r, terms)
		}()
	}
	asXML := terms.TakesFormat(catalogue.XML)
	if asXML || f.l.api.XML && terms.TakesFormat(catalogue.JSON) {
		to.request = f.reader(r, version)
	}
	if asXML {
		if to.goesOn = f.written(r, f.l.ends[version]); to.goesOn == nil {
			to.request = nil
		}
	}
	if terms.TakesFormat(catalogue.Form) {
		to.form = f.shape(r.Accepts, version)
	}
	if terms.TakesFormat(catalogue.Multipart) {
		to.multipart = f.parts(r, version)
	}
}

// spare leaves out the forms of a body that nothing can be made of, as long as one is left.
func (f *formBuilder) spare(to forms, r *catalogue.Route, terms catalogue.Terms) {
	left := terms.TakesFormat(catalogue.JSON) || to.request != nil || to.form != nil || to.multipart != nil
	if !left && len(f.pending) == 0 {
		f.tell(r.Accepts.Range, "No form", fmt.Sprintf("Bodies of the object %q can be read in none of the formats that the route %q takes.", r.Accepts.Name, r.Label))
	}
	for _, d := range f.pending {
		if left {
			d.Severity, d.Summary = hcl.DiagWarning, "Not taken"
			d.Detail += " Bodies in this format are answered 415."
		}
		f.builder.add(hcl.Diagnostics{d})
	}
	f.failed = f.failed || !left
	f.pending = nil
}

// tell notes that something has no form.
func (f *formBuilder) tell(at hcl.Range, summary, detail string) {
	d := &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail}
	if at.Filename != "" {
		d.Subject = at.Ptr()
	}
	if f.spares {
		f.pending = append(f.pending, d)
		return
	}
	f.failed = true
	f.builder.add(hcl.Diagnostics{d})
}

// reader makes the form in which a route takes XML.
func (f *formBuilder) reader(r *catalogue.Route, version int) *xmlform.Reader {
	key := fmt.Sprint(version, " ", r.Accepts.Name)
	if to, done := f.readers[key]; done {
		return to
	}
	to, err := xmlform.NewReader(r.Accepts.Name, f.text(r.Accepts, version))
	f.fault(inXMLForm, err, version)
	f.readers[key] = to
	return to
}

// written makes the form in which requests that came in XML go on.
func (f *formBuilder) written(r *catalogue.Route, version int) *xmlform.Writer {
	key := fmt.Sprint("request ", version, " ", r.Accepts.Name)
	if to, done := f.writers[key]; done {
		return to
	}
	to, err := xmlform.NewWriter(r.Accepts.Name, xmlform.Part{Name: r.Accepts.Name, Schema: f.text(r.Accepts, version)})
	f.fault(inXMLForm, err, version)
	f.writers[key] = to
	return to
}

// shape makes the form in which an object's fields are taken.
func (f *formBuilder) shape(o *catalogue.Object, version int) *webform.Shape {
	key := described{o.Name, version}
	if to, done := f.shapes[key]; done {
		return to
	}
	to, err := webform.NewShape(o.Name, f.text(o, version))
	f.fault(inWebForm, err, version)
	f.shapes[key] = to
	return to
}

// parts makes the form of several parts that a route takes.
func (f *formBuilder) parts(r *catalogue.Route, version int) *webform.Multipart {
	s := f.shape(r.Accepts, version)
	if s == nil {
		return nil
	}
	var c webform.MultipartConfig
	if from := r.Parts; from != nil {
		c.MaxParts, c.MaxPart = from.MaxParts, from.MaxPart
		for _, file := range from.Files {
			c.Files = append(c.Files, webform.FileConfig{Field: file.Field, Types: file.Types, Max: file.Max})
			f.stays(r, file, version)
		}
	}
	to, err := webform.NewMultipart(s, c)
	var mistakes xmlform.Mistakes
	if !errors.As(err, &mistakes) {
		return to
	}
	for _, m := range mistakes {
		for _, file := range r.Parts.Files {
			if file.Field == m.Schema {
				f.tell(file.Range, "No such file", fmt.Sprintf("The object %q: %s.", r.Accepts.Name, m.Detail))
			}
		}
	}
	return nil
}

// stays demands that a file has its field in all versions: changes are of JSON, in which a file is but named.
func (f *formBuilder) stays(r *catalogue.Route, file catalogue.FormFile, version int) {
	request := f.program(f.l, version, f.l.ends[version], []change.Held{{Object: r.Accepts.Name, Range: r.Range}})
	if f.diags.HasErrors() || request.Empty() {
		return
	}
	if at := "/" + jsonspan.Escape(file.Field); request.Pointer(at) != at || request.Converted(at) {
		f.builder.add(mistakeAt(file.Range, "File that changes", fmt.Sprintf("The field %q is another in the version %q, and files do not go through changes.", file.Field, f.l.api.Versions[version].Name)))
	}
}

// taking says in what forms requests of a route are taken.
func (to forms) taking(c *validate.ContentConfig, r *catalogue.Route, terms catalogue.Terms) {
	c.XML, c.XMLWriter, c.Form, c.Multipart = to.request, to.goesOn, to.form, to.multipart
	c.NoJSON = r.Accepts != nil && r.Method != http.MethodPatch && !terms.TakesFormat(catalogue.JSON)
}

// takesForms says whether anything of an API takes bodies in other formats than JSON.
func takesForms(from *catalogue.API) bool {
	takes := from.Takes != nil
	for _, v := range from.Versions {
		takes = takes || v.Takes != nil
	}
	for _, r := range from.Routes {
		takes = takes || r.Takes != nil
	}
	return takes
}
