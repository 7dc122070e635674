package gateway

import (
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/assertion"
	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/dpop"
	"github.com/wicketgate/wicketgate/internal/drift"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/identity"
	"github.com/wicketgate/wicketgate/internal/integration"
	"github.com/wicketgate/wicketgate/internal/limit"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/route"
	"github.com/wicketgate/wicketgate/internal/rule"
	"github.com/wicketgate/wicketgate/internal/schema"
)

// Build makes a gateway of a catalogue that loaded without errors, or as much of it as did: the diagnostics tell every
// further mistake, in schemas, keys, expressions, changes and policies too, and with any error the gateway must not
// serve. files are those that schemas name; sources the contents of what was read, for showing diagnostics.
func Build(c Config) (g *Gateway, files []string, sources map[string][]byte, diags hcl.Diagnostics) {
	b := &builder{
		Config:    c,
		sources:   map[string][]byte{},
		methods:   map[*catalogue.Identity]identity.Method{},
		pins:      map[*catalogue.APIKey]map[string]string{},
		limits:    map[*catalogue.Limit]limit.Limit{},
		upstreams: map[*catalogue.Upstream]Upstream{},
		senders:   map[*catalogue.Integration]integration.Sender{},
		schemas:   map[string]*schema.Schema{},
		queries:   map[string]*policy.Query{},
		programs:  map[expressed]*rule.Program{},
		objects:   map[*catalogue.Parameter]*rule.Shape{},
		templates: map[expressed]*rule.Template{},
		signing:   map[*catalogue.API]bool{},
	}
	if b.Drift == nil {
		b.Drift = drift.New(drift.Config{})
	}
	g = &Gateway{apis: map[string]*api{}, goals: map[string]goal{}}
	b.told = told(c.Catalogue)
	var apis []route.API
	for _, from := range c.Catalogue.APIs {
		apis = append(apis, b.api(g, from))
	}
	g.hooks = b.hooks(g.goals)
	for _, s := range c.Catalogue.Subscribers {
		g.goals[s.Name] = b.goal(s.Deliver)
	}
	g.credentials, g.parameters = b.credentials, b.parameters
	g.keyed = append(slices.Clone(b.credentials), "Authorization")
	g.told, g.drifting = b.told, b.drifting
	g.Reserve(nil)
	g.signer = b.signer
	b.warnOfKeys(g.listings)
	if !b.diags.HasErrors() && !c.Broken {
		table, err := route.New(apis)
		if err != nil {
			b.fault(hcl.Range{}, "Ambiguous routes", err.Error())
		}
		g.table = table
	}
	return g, b.files, b.sources, b.diags
}

// builder is one build: what it reads and makes once, however many routes use it.
type builder struct {
	Config
	diags       hcl.Diagnostics
	files       []string
	sources     map[string][]byte
	methods     map[*catalogue.Identity]identity.Method
	pins        map[*catalogue.APIKey]map[string]string // of each key file: version to a key pinned to it
	limits      map[*catalogue.Limit]limit.Limit
	upstreams   map[*catalogue.Upstream]Upstream
	senders     map[*catalogue.Integration]integration.Sender
	schemas     map[string]*schema.Schema
	queries     map[string]*policy.Query
	programs    map[expressed]*rule.Program
	objects     map[*catalogue.Parameter]*rule.Shape // of those in queries
	templates   map[expressed]*rule.Template
	credentials []string // fields that carry credentials
	parameters  []string // query parameters that carry credentials
	told        []string // fields in which services are told who calls
	drifting    []drift.Key
	signer      *assertion.Signer
	issuer      string
	unsigned    bool                    // there is no signer, which has been told
	signing     map[*catalogue.API]bool // whose services are told in tokens
}

func (b *builder) fault(at hcl.Range, summary, detail string) {
	d := &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail}
	if at.Filename != "" {
		d.Subject = at.Ptr()
	}
	b.diags = append(b.diags, d)
}

// add notes diagnostics once: what many routes share would otherwise be told for each.
func (b *builder) add(diags hcl.Diagnostics) {
	for _, d := range diags {
		if !slices.ContainsFunc(b.diags, func(o *hcl.Diagnostic) bool { return same(o, d) }) {
			b.diags = append(b.diags, d)
		}
	}
}

func mistakeAt(at hcl.Range, summary, detail string) hcl.Diagnostics {
	return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: &at}}
}

func same(a, b *hcl.Diagnostic) bool {
	if a.Summary != b.Summary || a.Detail != b.Detail || (a.Subject == nil) != (b.Subject == nil) {
		return false
	}
	return a.Subject == nil || *a.Subject == *b.Subject
}

// api builds what serves one API.
func (b *builder) api(g *Gateway, from *catalogue.API) route.API {
	to := route.API{Name: from.Name, Hosts: from.Hosts, BasePath: from.BasePath, Rewrite: from.Rewrite, XML: from.XML}
	for _, v := range from.Versions {
		to.Versions = append(to.Versions, version(v))
	}
	g.apis[from.Name] = &api{}
	if from.Versioning != nil {
		to.Versioning = b.versioning(g, from)
	}
	l := b.lineage(from)
	if from.XML || takesForms(from) {
		l.xml = b.forms(l)
	}
	for _, r := range from.Routes {
		value := make(ways, max(1, len(from.Versions)))
		if len(from.Versions) == 0 {
			value[0] = b.way(l, nil, r)
		}
		for i, v := range from.Versions {
			if r.In(v) {
				value[i] = b.way(l, v, r)
			}
		}
		to.Routes = append(to.Routes, route.Route{Pattern: r.Label, Since: versionName(r.Since), Until: versionName(r.Until), Rewrite: r.Rewrite, Value: value})
	}
	if r, served := b.describe(g, l); served {
		to.Routes = append(to.Routes, r)
	}
	g.listings = append(g.listings, listingOf(from, b.signing[from]))
	credentials, parameters := b.placesOf(from)
	g.apis[from.Name].parameters = parameters
	b.publish(g.apis[from.Name], from)
	for _, r := range to.Routes {
		r.Value.(ways).drop(credentials, b.told)
	}
	to.CORS = b.cors(from, to.Routes)
	return to
}

// methodsOf gives the ways in which callers of an API may identify themselves, each once.
func (b *builder) methodsOf(from *catalogue.API) []identity.Method {
	identities := slices.Clone(from.Identify)
	for _, v := range from.Versions {
		identities = append(identities, v.Identify...)
	}
	for _, r := range from.Routes {
		identities = append(identities, r.Identify...)
	}
	var methods []identity.Method
	for i, one := range identities {
		if m := b.methods[one]; m != nil && !slices.Contains(identities[:i], one) {
			methods = append(methods, m)
		}
	}
	return methods
}

// placesOf gives the fields and query parameters in which callers of an API may send credentials.
func (b *builder) placesOf(from *catalogue.API) (fields, parameters []string) {
	for _, m := range b.methodsOf(from) {
		fields = append(fields, m.Fields()...)
		parameters = append(parameters, m.Parameters()...)
	}
	slices.Sort(fields)
	slices.Sort(parameters)
	return slices.Compact(fields), slices.Compact(parameters)
}

func versionName(v *catalogue.Version) string {
	if v == nil {
		return ""
	}
	return v.Name
}

func version(v *catalogue.Version) route.Version {
	to := route.Version{Name: v.Name, Released: v.Released, Deprecated: v.Deprecated, Sunset: v.Sunset, Docs: v.Docs, Preview: v.Preview}
	for _, o := range v.Brownouts {
		to.Brownouts = append(to.Brownouts, route.Brownout{From: o.From, For: o.For})
	}
	return to
}

// strangers counts those who do not prove to be anybody, where that is found out before the route is known.
type strangers struct{ *limit.Stage }

// Needs implements pipeline.Stage.
func (strangers) Needs() exchange.Needs { return exchange.Needs{} }

// Handle implements pipeline.Stage: whoever is known is counted on the route.
func (strangers) Handle(*exchange.Exchange) *problem.Problem { return nil }

// versioning builds how requests name a version. Where the credential may, callers are identified before their route
// is known, so all of the API must identify them alike.
func (b *builder) versioning(g *Gateway, from *catalogue.API) *route.Versioning {
	by := from.Versioning
	to := &route.Versioning{Path: by.Path, Host: by.Host, Header: by.Header, MediaType: by.MediaType, Query: by.Query, Default: versionName(by.Default)}
	if by.Pin == nil {
		return to
	}
	g.apis[from.Name].pin = b.pin(from)
	stage := b.identify(from, from.Terms, keepsAny(from))
	if stage == nil {
		return to
	}
	stages := []pipeline.Stage{stage}
	if counts := b.limit(from.Terms); counts != nil {
		stages = append(stages, strangers{counts})
	}
	g.apis[from.Name].identify = pipeline.New(stages...)
	for _, i := range from.Identify {
		if m := b.methods[i]; m != nil {
			// Caches keep answers apart by the credential; a proof, new for each request, says nothing of its own.
			to.Pin = append(to.Pin, slices.DeleteFunc(slices.Clone(m.Fields()), func(f string) bool { return f == dpop.Field })...)
		}
	}
	return to
}

// objectsOf gives an API's objects as changes know them.
func objectsOf(from *catalogue.API) map[string]*change.Object {
	objects := make(map[string]*change.Object, len(from.Objects))
	for _, o := range from.Objects {
		objects[o.Name] = &change.Object{Name: o.Name, Holds: places(o.Holds), Range: o.Range}
	}
	return objects
}

func places(from []catalogue.Place) []change.Held {
	var to []change.Held
	for _, p := range from {
		if p.Object != nil {
			to = append(to, change.Held{Path: p.Path, Object: p.Object.Name, Range: p.Range})
		}
	}
	return to
}
