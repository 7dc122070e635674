package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/carry"
	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/form"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/xmlform"
)

// maxXML bounds an answer in XML, which has each name twice: 32 MiB. One beyond it is a 502.
const maxXML = 4 * maxAnswer

// The media types of the forms of an API's messages. Upstreams speak JSON.
const (
	inJSON    = "application/json"
	inXML     = "application/xml"
	inTextXML = "text/xml"
)

// writer makes the form in which a route answers. A message that no object is the whole of is named "response", and
// "items" where it is a list.
func (f *formBuilder) writer(r *catalogue.Route, version int) *xmlform.Writer {
	if len(r.Returns) == 0 {
		return nil
	}
	root := "response"
	key := fmt.Sprint(version)
	var parts []xmlform.Part
	for _, p := range r.Returns {
		if strings.HasPrefix(p.Path, "[*]") {
			root = "items"
		}
		key += " " + p.Path + "=" + p.Object.Name
		parts = append(parts, xmlform.Part{Path: p.Path, Name: p.Object.Name, Schema: f.text(p.Object, version)})
	}
	if to, done := f.writers[key]; done {
		return to
	}
	to, err := xmlform.NewWriter(root, parts...)
	f.fault(inXMLForm, err, version)
	f.writers[key] = to
	return to
}

func (f *formBuilder) text(o *catalogue.Object, version int) []byte {
	key := described{o.Name, version}
	if _, done := f.texts[key]; !done {
		f.texts[key] = f.l.shapes.Schema(o.Name, version)
	}
	return f.texts[key]
}

// fault tells what has no form in XML, or no web form.
func (f *formBuilder) fault(what string, err error, version int) {
	if err == nil {
		return
	}
	var mistakes xmlform.Mistakes
	if !errors.As(err, &mistakes) {
		f.tell(f.l.api.Range, "No "+what, fmt.Sprintf("The API %q: %v.", f.l.api.Name, err))
		return
	}
	for _, m := range mistakes {
		// An object that another holds is told of by its own name.
		if name, rest, ok := strings.Cut(strings.TrimPrefix(m.Pointer, "/$defs/"), "/"); ok && strings.HasPrefix(m.Pointer, "/$defs/") && f.l.object(name) != nil {
			m.Schema, m.Pointer = name, "/"+rest
		}
		if f.told[m] {
			continue
		}
		f.told[m] = true
		at := hcl.Range{}
		if o := f.l.object(m.Schema); o != nil {
			at = o.Schema.Range
		}
		shape := "schema"
		if version < len(f.l.api.Versions)-1 {
			shape = fmt.Sprintf("schema as version %q has it", f.l.api.Versions[version].Name)
		}
		place := "at " + m.Pointer
		if m.Pointer == "" {
			place = "at its top"
		}
		f.tell(at, "No "+what, fmt.Sprintf("The object %q, in its %s, %s: %s.", m.Schema, shape, place, m.Detail))
	}
}

// choose gives the stages for the form in which the caller wants the answer: JSON unless Accept prefers XML (RFC 9110,
// section 12.5.1). From here on Accept is what the service is asked for. A route without objects in its answer leaves
// Accept to the service.
func (to *way) choose(x *exchange.Exchange) (*pipeline.Pipeline, *problem.Problem) {
	if to.xml == nil {
		return to.stages, nil
	}
	if x.Answer == nil {
		x.SetAnswer("Vary", "Accept")
	} else {
		form.Vary(x.Answer, "Accept")
	}
	accept := x.Header["Accept"]
	asJSON, asXML, asText := form.Weigh(accept, inJSON), form.Weigh(accept, inXML), form.Weigh(accept, inTextXML)
	x.Header["Accept"] = []string{inJSON}
	switch {
	case max(asJSON, asXML, asText) == 0:
		return nil, problem.New(problem.NotAcceptable, "the answer may be "+inJSON+", "+inXML+" or "+inTextXML)
	case max(asXML, asText) <= asJSON:
		return to.stages, nil
	case x.XMLType == "" && asText > asXML:
		x.XMLType = inTextXML
	case x.XMLType == "":
		x.XMLType = inXML
	}
	return to.xml, nil
}

// marked ends the entity tags of answers in XML.
const marked = form.Mark(";xml")

// xmlTags is the first stage of ways that change something: callers who saw it in XML name it by the tags of that form.
type xmlTags struct{}

func (xmlTags) Name() string          { return "change" }
func (xmlTags) Needs() exchange.Needs { return exchange.Needs{} }

// Handle gives the service its own tags.
func (xmlTags) Handle(x *exchange.Exchange) *problem.Problem {
	marked.Take(x.Header, x.Method == http.MethodGet || x.Method == http.MethodHead)
	return nil
}

// xmlAnswer is the last stage on the way back of an answer in XML.
type xmlAnswer struct {
	xmlTags
	writer *xmlform.Writer
}

// Reads says that the answer is needed whole.
func (*xmlAnswer) Reads(*exchange.Exchange) exchange.Reads {
	return exchange.Reads{Body: true, Whole: maxAnswer}
}

// Return writes the answer in XML. It takes only success for the route's objects: an error has a form of its own.
func (a *xmlAnswer) Return(x *exchange.Exchange, r *exchange.Response) *problem.Problem {
	if !carry.Formed(r) {
		return nil
	}
	marked.Put(r.Header)
	some, err := carry.Content(r)
	if err == nil && form.IsJSON(r.Header.Get("Content-Type")) {
		r.Header["Content-Type"] = []string{x.XMLType}
	}
	if err == nil && some {
		if err = jsonspan.Check(r.Bytes, jsonspan.Bounds{}); err == nil {
			r.Bytes, err = a.writer.Encode(nil, r.Bytes, maxXML)
		}
	}
	if err != nil {
		return problem.New(problem.BadGateway, "").Because(fmt.Errorf("writing the answer in XML: %w", err))
	}
	return nil
}
