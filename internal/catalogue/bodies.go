package catalogue

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Bodies is what may stand on an API, on a version and on a route about the bodies of messages; the nearest wins.
type Bodies struct {
	Compressed []string // content codings that are taken off; nil where not written, empty for none
	ReportOnly *bool    // validation refuses nothing, but is told of; nil where not written
	Responses  Responses
	Takes      []string // the formats of requests' bodies: "json", "xml", "form", "multipart"; nil where not written
}

// Responses is what becomes of answers that are not what the API says.
type Responses string

// What becomes of them; "" where nothing is written.
const (
	ResponsesOff      Responses = "off" // nobody looks
	ResponsesReported Responses = "report"
	ResponsesEnforced Responses = "enforce"
)

// Sanitize is a sanitize block: what is done to the texts of a request at a place.
type Sanitize struct {
	Path  string // "customer.email", "lines[*].sku"
	Steps []string
	Range hcl.Range
}

var sanitizeBlock = &block{
	name: "sanitize", max: 64,
	label: &label{`the path of a text: members' names joined by dots, with [*] for each item of a list: "customer.email", "lines[*].sku"`, textPath.MatchString, true, nil},
	doc:   "What is done to a text of requests, in the newest shape, before schema, rules and policies see it; the service gets what they saw. What is no text is left as it is.",
	attributes: []attribute{
		{name: "steps", kind: each{of: choice{of: textSteps}, min: 1, max: 5}, required: true,
			doc: "What is done, in this order: `trim` takes white space off both ends, `strip` control characters out, but for tab and line ends, `lower` makes lower case; `nfc` and `nfkc` are Unicode's normal forms."},
	},
}

// textSteps are what can be done to texts.
var textSteps = []string{"trim", "nfc", "nfkc", "lower", "strip"}

var textPath = regexp.MustCompile(`^[^.\[\]*]+(\[\*\])*(\.[^.\[\]*]+(\[\*\])*){0,31}$`)

func sanitizes(n *node) []Sanitize {
	var all []Sanitize
	for _, b := range n.all("sanitize") {
		all = append(all, Sanitize{Path: b.label, Steps: texts(b, "steps"), Range: b.rng})
	}
	return all
}

// Response is a response block: what answers of a status hold.
type Response struct {
	Status  string // "404", "4xx"
	Returns []Place
	Range   hcl.Range
}

var responseBlock = &block{
	name: "response", max: 32,
	label: &label{`a status or a class of them, such as "404" or "4xx"`, statusOrClass.MatchString, true, nil},
	doc:   "What answers of a status hold, beside the success that `returns` speaks of. They are held against it where `responses` says so; versions do not change them.",
	attributes: []attribute{
		{name: "returns", kind: places{whole: true}, required: true, doc: "The objects in the answer: the whole of it, or those at paths."},
	},
}

var statusOrClass = regexp.MustCompile(`^[2-5]([0-9]{2}|xx)$`)

// bodyTerms are the attributes of Bodies.
var bodyTerms = []attribute{
	takesTerm,
	{name: "compressed", kind: each{of: choice{of: []string{"gzip", "zstd"}}, max: 2}, absent: "that of the nearest level around, at last none: a body with one is answered 415",
		doc: "The content codings that bodies of requests may have where they are read. They are taken off, so that the service gets the body without: within `max_body` and at most 100 times what came."},
	{name: "report_only", kind: truth{}, absent: "that of the nearest level around, at last `false`",
		doc: "Whether what validation finds is logged and counted, and the request goes on. What else reads the body still refuses one that is not well formed."},
	{name: "responses", kind: choice{of: []string{string(ResponsesOff), string(ResponsesReported), string(ResponsesEnforced)}}, absent: "that of the nearest level around, at last `\"off\"`",
		doc: "Whether what services answer is held against the schemas of the objects in `returns` and `response` blocks, in the shape that the service speaks: `report` keeps what differs for `caddy gateway drift` and lets it pass, `enforce` answers 502 instead."},
}

func bodies(n *node) Bodies {
	var b Bodies
	if n.written("compressed") {
		b.Compressed = texts(n, "compressed")
		if b.Compressed == nil {
			b.Compressed = []string{}
		}
	}
	if n.written("report_only") {
		only := take[bool](n, "report_only")
		b.ReportOnly = &only
	}
	b.Responses = Responses(take[string](n, "responses"))
	b.Takes = texts(n, "takes")
	return b
}

// near takes from a nearer level what that has written.
func (b *Bodies) near(next Bodies) {
	if next.Compressed != nil {
		b.Compressed = next.Compressed
	}
	if next.ReportOnly != nil {
		b.ReportOnly = next.ReportOnly
	}
	if next.Responses != "" {
		b.Responses = next.Responses
	}
	if next.Takes != nil {
		b.Takes = next.Takes
	}
}

// Reports says whether validation refuses nothing.
func (b *Bodies) Reports() bool { return b.ReportOnly != nil && *b.ReportOnly }

func (s *scopedAPI) responses(n *node) []Response {
	var all []Response
	for _, b := range n.all("response") {
		all = append(all, Response{Status: b.label, Returns: s.places(b, "returns"), Range: b.rng})
	}
	return all
}

// checkBodies looks whether there is anything to hold answers against on the routes that say that they are.
func (d *decoder) checkBodies(n *node) {
	for _, r := range n.all("route") {
		method, _, _ := strings.Cut(r.label, " ")
		if s := r.one("sanitize"); s != nil && (method == http.MethodPatch || !r.written("accepts")) {
			d.wrong(s.named, "Nothing to sanitize", "The texts of an object are sanitized, so the route must say which it takes: accepts = object.name. A PATCH takes a patch, which is none.")
		}
		if to := take[string](r, "responses"); to != "" && to != string(ResponsesOff) && !r.written("returns") && !r.written("response") {
			d.wrong(r.place("responses"), "Nothing to hold answers against", "The route says of no answer what is in it: write returns = object.name, or a response block.")
		}
	}
}
