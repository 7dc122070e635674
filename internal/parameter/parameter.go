// Package parameter holds the path, query and header parameters of a request to what its route says of them: which
// there are, how they are written, and what they may be. What they say is brought together as one JSON document, which
// JSON Schema judges as it judges bodies, and which rules and policies read as numbers, truth values and lists.
package parameter

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/schema"
	"github.com/wicketgate/wicketgate/internal/webform"
)

// The bounds of what is told of a request, and of what is taken from it. The length of a query or header and the number
// of their parts have been bounded at admission.
const (
	maxErrors = 20  // failures told of one request's parameters
	maxNumber = 100 // characters of a number, as of one in a body
	maxQuoted = 200 // bytes of a name that is quoted
	maxTold   = 8   // unknown parameters of one request that are reported
)

// In is where a parameter stands in a request.
type In string

// Where parameters stand, as OpenAPI calls it.
const (
	Path   In = "path"
	Query  In = "query"
	Header In = "header"
)

// List is how the items of a list are written; "" where a parameter has one value.
type List string

// How lists are written.
const (
	Repeat List = "repeat" // each item by itself: a=1&a=2
	Comma  List = "comma"  // a=1,2; in a header field also by several lines
	Space  List = "space"  // a=1%202
	Pipe   List = "pipe"   // a=1|2
)

// Types are what a value may be: what is not spelt as one of them is refused, and what could be several is the first of
// an integer, a number, a truth value and a text.
type Types uint8

// What a value may be.
const (
	String Types = 1 << iota
	Integer
	Number
	Boolean
)

// names lists the types in the words of JSON Schema.
func (t Types) names() string {
	var names []string
	for _, known := range []struct {
		t    Types
		name string
	}{{Integer, "integer"}, {Number, "number"}, {Boolean, "boolean"}, {String, "string"}} {
		if t&known.t != 0 {
			names = append(names, known.name)
		}
	}
	return strings.Join(names, " or ")
}

// Parameter is one parameter of a route.
type Parameter struct {
	In   In
	Name string // of a header field, in canonical form
	// Told is what the caller knows it as, where that is another name.
	Told     string
	Required bool
	// Empty says that a query parameter may stand there without a value, whatever its type is.
	Empty bool
	// Types are those of the value, or of the items of a list; 0 is String.
	Types Types
	List  List
	// Deep says that a query parameter is an object whose members stand in the query as name[member], by the Schema.
	Deep bool
	// Schema is a JSON Schema (2020-12) of the value, or of the list; nil for none.
	Schema json.RawMessage
	Range  hcl.Range
}

// Unknown is what becomes of query parameters that a route does not have.
type Unknown string

// What becomes of them.
const (
	Allow  Unknown = "allow"
	Report Unknown = "report"
	Refuse Unknown = "refuse"
)

// Config is what the requests of a route are held to.
type Config struct {
	Parameters []Parameter
	Unknown    Unknown // "" is Allow
	// Known are query parameters that others look after: credentials, versions.
	Known []string
}

// Error is one thing wrong with a parameter, as the sender of the request is told: a member of the list "errors" of a
// problem.
type Error struct {
	In        In     `json:"in"`
	Parameter string `json:"parameter"`
	Keyword   string `json:"keyword"` // of JSON Schema; "repeated", "separator" and "unknown" besides
	Detail    string `json:"detail"`
}

// Found is what Check finds.
type Found struct {
	Errors   []Error  // at most 20
	Repeated In       // among them is a parameter there, sent twice, that takes one value: servers differ in which counts; "" for none
	Unknown  []string // that are let pass and reported, at most 8
}

// Set is the parameters of a route, made ready. It is immutable and serves many requests at once.
type Set struct {
	list    []known
	query   map[string]int // by name: the index in list
	unknown Unknown
	others  map[string]bool
	open    []string       // what query parameters begin with whose members are not looked at
	schema  *schema.Schema // of the document; nil where no parameter has one
	needs   exchange.Needs
	deep    []int // the indices in list of what is deep
}

// known is a parameter of a Set.
type known struct {
	Parameter
	told  string
	shape *webform.Shape // of what is deep
}

// New makes a set ready. Mistakes lie in the schemas of the parameters, each at its Range.
func New(c Config) (*Set, hcl.Diagnostics) {
	s := &Set{query: make(map[string]int), unknown: c.Unknown, others: make(map[string]bool)}
	for _, name := range c.Known {
		s.others[name] = true
	}
	var warnings hcl.Diagnostics
	for _, in := range []In{Path, Query, Header} { // as they stand in the document
		for _, p := range c.Parameters {
			if p.In != in {
				continue
			}
			if p.Types == 0 {
				p.Types = String
			}
			k := known{p, p.Told, nil}
			if k.told == "" {
				k.told = p.Name
			}
			switch in {
			case Query:
				s.query[p.Name] = len(s.list)
				if p.Deep {
					var diags hcl.Diagnostics
					if k.shape, diags = deep(&p); k.shape == nil {
						warnings = append(warnings, diags...)
						s.open = append(s.open, p.Name+"[")
						delete(s.query, p.Name)
						continue
					}
					s.deep = append(s.deep, len(s.list))
				}
			case Header:
				k.Name = http.CanonicalHeaderKey(p.Name)
				s.needs.Header = append(s.needs.Header, k.Name)
			}
			s.list = append(s.list, k)
		}
	}
	s.needs.Query = len(s.query) > 0 || s.unknown == Report || s.unknown == Refuse
	diags := append(warnings, s.compile()...)
	if diags.HasErrors() {
		return nil, diags
	}
	return s, diags
}

// Needs is what is read of a request.
func (s *Set) Needs() exchange.Needs { return s.needs }

// Reads says whether what a query parameter says is looked at: it is not where its schema says too little of an object.
func (s *Set) Reads(name string) bool { return !slices.Contains(s.open, name+"[") }

// Empty says that there is nothing to look at.
func (s *Set) Empty() bool { return len(s.list) == 0 && !s.needs.Query }
