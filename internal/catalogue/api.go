package catalogue

import (
	"encoding/json"
	"time"

	"github.com/hashicorp/hcl/v2"
)

// Terms are what may stand on an API, on a version and on a route. For tells which of them hold for a request.
type Terms struct {
	Upstream  *Upstream   // nil where not written
	Identify  []*Identity // in this order
	Anonymous bool        // callers without credentials are let in; nothing is written where neither this nor Identify is
	Authorize *Policy     // nil where not written, or public
	Public    bool
	Limits    []*Limit
	Rules     []*Rule
	Forward   *Forward // nil where not written
	MaxBody   int64    // bytes; 0 where not written
	Bodies
	Unknown Unknown // "" where not written
}

// Unknown is what becomes of query parameters that a route does not declare.
type Unknown string

// What becomes of them.
const (
	Allow  Unknown = "allow"
	Report Unknown = "report"
	Refuse Unknown = "refuse"
)

// Policy names the rule of a policy that decides.
type Policy struct {
	Query string // "data.shop.orders"
	Range hcl.Range
}

// Rule is a rule block: what must be true of a request, and what its caller is told otherwise.
type Rule struct {
	Name   string
	When   hcl.Expression
	Detail string
	Quotes hcl.Expression // the detail where it quotes the request, which Detail has dots for; nil where it does not
	At     string         // a JSON Pointer (RFC 6901); "" is the whole body
	Range  hcl.Range
}

// Audience is who may read an API's description.
type Audience string

// Those who may read it.
const (
	Callers  Audience = "callers"  // whom the API lets in, as its identify says
	Everyone Audience = "everyone" // also those without credentials
	Nobody   Audience = "nobody"
)

// Description is the path, below an API's base path, at which the API is described.
const Description = "/openapi.json"

// API is an api block.
type API struct {
	Name     string
	Describe Audience // Nobody also where a route of the API's own is there
	Hosts    []string // lower case; empty: any
	Title    string   // of its OpenAPI document, "" for none
	Summary  string   // of its OpenAPI document: what it is for, "" for nothing
	BasePath string   // canonical: "/" or without a trailing slash
	Rewrite  string   // what the upstream has in the place of BasePath, canonical; "": the same
	CORS     *CORS    // nil where pages of other origins are not spoken of
	XML      bool     // bodies may be XML as well as JSON
	Terms
	Versioning *Versioning // nil on an API without versions
	Objects    []*Object   // in written order
	Routes     []*Route    // in written order
	Versions   []*Version  // by Released, the oldest first
	Range      hcl.Range
}

// For gives the terms that hold for a route in a version, which is nil on an API without versions: the nearest that is
// written wins, limits and rules add up, those of the API first. MaxBody is at last the default.
func (a *API) For(v *Version, r *Route) Terms {
	all := []Terms{a.Terms}
	if v != nil {
		own := v.Terms
		own.Upstream = a.End(v).Upstream
		all = append(all, own)
	}
	all = append(all, r.Terms)
	t := Terms{MaxBody: defaultMaxBody, Unknown: Allow}
	for _, next := range all {
		if next.Upstream != nil {
			t.Upstream = next.Upstream
		}
		if next.identified() {
			t.Identify, t.Anonymous = next.Identify, next.Anonymous
		}
		if next.authorized() {
			t.Authorize, t.Public = next.Authorize, next.Public
		}
		t.Limits = append(t.Limits, next.Limits...)
		t.Rules = append(t.Rules, next.Rules...)
		if next.Forward != nil {
			t.Forward = next.Forward
		}
		if next.MaxBody != 0 {
			t.MaxBody = next.MaxBody
		}
		t.near(next.Bodies)
		if next.Unknown != "" {
			t.Unknown = next.Unknown
		}
	}
	return t
}

func (t *Terms) identified() bool { return t.Identify != nil || t.Anonymous }
func (t *Terms) authorized() bool { return t.Authorize != nil || t.Public }

// End is the version whose shape the requests of a version are brought to: the nearest, itself or newer, that names an
// upstream of its own, else the newest.
func (a *API) End(v *Version) *Version {
	for _, end := range a.Versions {
		if end.Upstream != nil && !end.Released.Before(v.Released) {
			return end
		}
	}
	return a.Newest()
}

// Newest is the version that upstreams of APIs and routes speak, nil on an API without versions.
func (a *API) Newest() *Version {
	if len(a.Versions) == 0 {
		return nil
	}
	return a.Versions[len(a.Versions)-1]
}

// Versioning is an API's versioning block: where a request may name its version.
type Versioning struct {
	Path      bool           // the segment after the base path
	Host      string         // holds "{version}"; "" for none
	Header    string         // in canonical form; "" for none
	MediaType string         // holds "{version}"; "" for none
	Query     string         // "" for none
	Pin       hcl.Expression // nil for none
	Default   *Version       // nil: a request must name one
	Range     hcl.Range
}

// CORS is an API's cors block: which pages of other origins may call it.
type CORS struct {
	Origins     []string // as browsers send them; or "*" alone
	Headers     []string // that pages may send
	Expose      []string // that pages may read
	Credentials bool
	MaxAge      time.Duration // whole seconds
	Range       hcl.Range
}

// Object is an object block: a shape that bodies have, the newest version's.
type Object struct {
	Name   string
	Schema File
	// Document has the schema in the place of Schema where the object comes out of an OpenAPI document; nil otherwise.
	Document *Schemas
	Pointer  string  // to the schema in Document
	Holds    []Place // in written order
	Range    hcl.Range
}

// Schemas are those of an OpenAPI document, which refer to each other.
type Schemas struct {
	Name string // for diagnostics; no file is read by it
	Text []byte // JSON
}

// Place is where an object lies in a body or in another object.
type Place struct {
	Path   string // "data[*]", "customer"; "" is the whole body
	Object *Object
	Range  hcl.Range
}

// Route is a route block.
type Route struct {
	Label    string // as written: "GET /orders/{id}"
	Method   string
	Path     string // the pattern, below the base path: "/orders/{id}"
	Segments []Segment
	Rewrite  string  // the whole path that the upstream is asked for, with parameters of the route; "": the path asked for
	Accepts  *Object // nil: the body's shape is not known
	Returns  []Place // in written order
	Answers  []Response
	Sanitize []Sanitize // in written order
	Parts    *FormParts // of multipart/form-data; nil where not written
	Since    *Version
	Until    *Version // the first version without this route
	Calling  *Calling // the integration that answers in the place of an upstream; nil for none
	Merge    bool     // a PUT of an older version is laid over what is there
	Publish  *Publish // nil: requests go to the upstream

	Idempotency *Idempotency // nil: callers' keys say nothing

	Optional bool   // a request may go without the body that Accepts describes
	About    *About // what an OpenAPI document says of it for people; nil for nothing
	// Parameters are what is declared of the path, the query and the header, in written order.
	Parameters []*Parameter
	Terms
	Range hcl.Range
}

// About is what an OpenAPI document says of an operation for people.
type About struct {
	ID, Summary, Description string
	Tags                     []string
	Deprecated               bool
	// Answers are the objects that it answers, by status; "" for one that is not described.
	Answers []Answered
}

// Answered is an answer of an operation.
type Answered struct {
	Status      string // "200", "2XX", "default"
	Description string
	Object      *Object // nil where it is no JSON that is described
}

// Parameter is a path, query or header block: a parameter as the newest version has it.
type Parameter struct {
	In          string // "path", "query" or "header"
	Name        string
	Description string
	Required    bool
	Empty       bool            // a query parameter may be there without a value
	Types       []string        // "string", "integer", "number", "boolean": of the value, or of a list's items
	List        string          // how a list is written: "repeat", "comma", "space", "pipe"; "" for one value
	Open        bool            // an object, whose members stand in the query as name[member]
	Schema      json.RawMessage // of the value or of the list: JSON Schema 2020-12 that refers to nothing; nil for any
	Sanitize    []string        // what is done to the texts of a query parameter; nil for nothing
	Since       *Version
	Until       *Version // the first version without this parameter
	Range       hcl.Range
}

// Within says whether a version, nil on an API without versions, has this parameter.
func (p *Parameter) Within(v *Version) bool {
	return v == nil || (p.Since == nil || !v.Released.Before(p.Since.Released)) && (p.Until == nil || v.Released.Before(p.Until.Released))
}

// In says whether a version has this route.
func (r *Route) In(v *Version) bool {
	return (r.Since == nil || !v.Released.Before(r.Since.Released)) && (r.Until == nil || v.Released.Before(r.Until.Released))
}

// Segment is one segment of a route's pattern: a literal, or a parameter that takes any one segment.
type Segment struct {
	Literal   string // decoded; "" for a parameter
	Parameter string // "" for a literal
}

// Version is a version block.
type Version struct {
	Name       string
	Released   time.Time
	Deprecated time.Time // zero for never
	Sunset     time.Time // zero for never
	Docs       string    // a URL; "" for none
	Preview    bool
	Brownouts  []Brownout // in written order
	Changes    []*Change  // in written order: what this version changed of the one before it
	Incomplete bool       // Changes lack some, or operations of theirs, that have mistakes
	Terms
	Range hcl.Range
}

// Brownout is a rehearsal of a version's retirement.
type Brownout struct {
	From  time.Time
	For   time.Duration
	Range hcl.Range
}

// Change is a change block.
type Change struct {
	Name       string
	Summary    string
	On         *Object
	Operations []Operation // in written order
	Params     []Param     // in written order
	Examples   []Example   // in written order
	Range      hcl.Range
}

// Param gives a query parameter of requests another name.
type Param struct {
	Name  string // for older callers
	To    string
	Range hcl.Range
}

// Kind is what an operation does.
type Kind string

// The operations of a change. Each is written as older callers must see it to become the newer shape.
const (
	Rename Kind = "rename" // gives a member another name
	Move   Kind = "move"   // puts a member elsewhere
	Drop   Kind = "drop"   // takes a member away; old callers are given Value
	Add    Kind = "add"    // adds a member with Value; old callers do not see it
	Enum   Kind = "enum"   // replaces values by others
	Wrap   Kind = "wrap"   // puts a value into an object whose only member is Member
	Unwrap Kind = "unwrap" // takes it out
	List   Kind = "list"   // puts a value into a list
	Unlist Kind = "unlist" // takes it out
	Scale  Kind = "scale"  // moves the decimal point
	Cast   Kind = "cast"   // gives a value another type
	Split  Kind = "split"  // makes several members of a text
	Join   Kind = "join"   // makes a text of several members
)

// Operation is one step of a change. Its JSON values are spelt as they are written.
type Operation struct {
	Kind      Kind
	Path      string // of the member in the older shape; of add, in the newer
	PathRange hcl.Range
	To        string // rename: the new name; move: the new path
	ToRange   hcl.Range
	Pairs     []Pair          // enum
	Value     json.RawMessage // add, and drop's restore
	Member    string          // wrap's in, unwrap's from
	Decimals  int             // scale
	From, As  string          // cast's types; As also of scale, the type of the side with the decimal point
	Parts     []string        // split's into, join's from
	Separator string          // split and join
	Accept    string          // why what is lost may be lost; "" where not written
	Range     hcl.Range
}

// Pair is one value of an enum before and after the change.
type Pair struct {
	Old, New json.RawMessage
	Range    hcl.Range
}

// Example is an object before and after a change.
type Example struct {
	Old, New json.RawMessage
	Range    hcl.Range
}
