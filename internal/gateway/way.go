package gateway

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/carry"
	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/duration"
	"github.com/wicketgate/wicketgate/internal/form"
	"github.com/wicketgate/wicketgate/internal/forward"
	"github.com/wicketgate/wicketgate/internal/identity"
	"github.com/wicketgate/wicketgate/internal/integration"
	"github.com/wicketgate/wicketgate/internal/limit"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/internal/rule"
)

// way builds the stages of a route in a version, in the order of a request.
func (b *builder) way(l *lineage, v *catalogue.Version, r *catalogue.Route) *way {
	from := l.api
	terms := from.For(v, r)
	up := b.changes(l, v, r, terms.MaxBody)
	patch := b.patches(l, v, r, terms.MaxBody)
	decision := b.authorize(terms)
	var stages []pipeline.Stage
	add := func(s pipeline.Stage) { stages = append(stages, s) }
	if s := b.identify(from, terms, keeps(terms)); s != nil && !pinned(from) {
		add(s)
	}
	counts := b.limit(terms)
	decides := counts != nil && decision != nil && decision.Limits()
	late := decides || counts != nil && counts.ReadsJSON()
	if counts != nil && !late {
		add(counts)
	}
	var asks *integration.Route
	if r.Calling != nil { // which is told nothing of who calls but what is written
		asks = b.calling(l, v, r, terms)
	} else {
		add(b.forward(from, terms))
	}
	before := len(stages)
	keys, taking, catching := b.idempotency(l, v, r, terms.MaxBody)
	if taking != nil {
		add(taking)
	}
	content, validate := b.validate(l, v, r, terms, up, patch, decision, late && counts.ReadsJSON() || asks != nil && asks.ReadsJSON())
	if content != nil {
		add(content)
	}
	hides := decision != nil && decision.Hides()
	switch {
	case up != nil:
		add(up)
	case hides:
		add(&carry.Hiding{Max: policy.MaxAnswer})
	}
	if patch != nil {
		add(patch)
	}
	stages = append(stages, b.sanitize(l, v, r, terms)...)
	if validate != nil {
		add(validate)
	}
	if decides {
		add(policy.Asking{Query: decision})
	}
	if late {
		add(limit.Late{Stage: counts})
	}
	switch {
	case decides:
		add(policy.Following{Query: decision})
	case decision != nil:
		add(decision)
	}
	if hides {
		add(policy.Hiding{Query: decision})
	}
	if s := b.responses(l, v, r, terms); s != nil {
		add(s)
	}
	if asks != nil {
		add(asks.Stage())
	} else {
		add(newAnswers(from))
	}
	if catching != nil {
		add(catching)
	}
	with := func(s pipeline.Stage) *pipeline.Pipeline {
		return pipeline.New(slices.Concat(stages[:before], []pipeline.Stage{s}, stages[before:])...)
	}
	to := &way{stages: pipeline.New(stages...), merge: b.merging(l, v, r, up), once: keys}
	switch {
	case asks != nil:
		to.upstream = asks
	case r.Publish != nil:
		to.upstream = b.publisher(l, r, terms.MaxBody)
	default:
		to.upstream = b.upstream(terms)
	}
	if keeps(terms) {
		to.keeps = b.fieldsIn(terms)
	}
	if from.XML && r.Method != http.MethodGet && r.Method != http.MethodHead {
		to.stages = with(xmlTags{})
	}
	if xml := l.formsOf(r, v).answer; xml != nil {
		to.xml = with(&xmlAnswer{writer: xml})
	}
	return to
}

// changes compiles what lies between a version and the one that its upstream speaks for the messages of a route; nil if
// nothing does. A route whose messages stay as they are still takes the version's entity tags, which its callers got on
// another.
func (b *builder) changes(l *lineage, v *catalogue.Version, r *catalogue.Route, maxBody int64) *changes {
	if v == nil {
		return nil
	}
	index := l.index(v)
	end := l.ends[index]
	chain, objects := l.between(index, end), l.objectsAt(end)
	var accepts []change.Held
	if r.Accepts != nil {
		accepts = []change.Held{{Object: r.Accepts.Name, Range: r.Range}}
	}
	returns := places(r.Returns)
	whole := accepts
	if takesPatches(r) {
		whole = nil
	}
	request, answer := b.program(l, index, end, whole), b.program(l, index, end, returns)
	query := b.query(l, index, end, append(accepts, returns...)).With(b.deepNames(l, v, r))
	hidden := change.Hidden(chain, objects, accepts)
	b.lostUpdates(r, hidden)
	if b.diags.HasErrors() || len(chain) == 0 {
		return nil
	}
	return &changes{version: v.Name, request: request, query: query, hides: len(hidden) > 0, maxBody: maxBody, each: each{chain, objects, accepts, returns},
		answer: carry.Answer{Program: answer, Mark: form.Mark(";" + v.Name), Max: maxAnswer}}
}

// Changes gives what each of an API's versions changed of the one before it, oldest first.
func Changes(from *catalogue.API) [][]*change.Change {
	steps := make([][]*change.Change, len(from.Versions))
	for i, v := range from.Versions {
		for _, c := range v.Changes {
			steps[i] = append(steps[i], changeOf(c))
		}
	}
	return steps
}

func changeOf(from *catalogue.Change) *change.Change {
	to := &change.Change{Name: from.Name, Summary: from.Summary, Range: from.Range}
	if from.On != nil {
		to.On = from.On.Name
	}
	for _, o := range from.Operations {
		op := change.Operation{Kind: change.Kind(o.Kind), Path: o.Path, To: o.To, Value: o.Value, Member: o.Member,
			Decimals: o.Decimals, From: o.From, As: o.As, Parts: o.Parts, Separator: o.Separator, Accept: o.Accept, Range: o.Range}
		for _, p := range o.Pairs {
			op.Pairs = append(op.Pairs, change.Pair{Old: p.Old, New: p.New})
		}
		to.Operations = append(to.Operations, op)
	}
	for _, p := range from.Params {
		to.Params = append(to.Params, change.Param{Name: p.Name, To: p.To, Range: p.Range})
	}
	for _, e := range from.Examples {
		to.Examples = append(to.Examples, change.Example{Old: e.Old, New: e.New, Range: e.Range})
	}
	return to
}

// identify builds the stage that finds who calls, and perhaps leaves the credential where it is; nil where nobody asks,
// and after a mistake.
func (b *builder) identify(from *catalogue.API, terms catalogue.Terms, keeps bool) *identity.Stage {
	if len(terms.Identify) == 0 {
		return nil
	}
	config := identity.Config{Anonymous: terms.Anonymous, Metadata: b.metadata(from), Forward: &forward.Config{Credential: keeps}}
	var methods []identity.Method
	for _, i := range terms.Identify {
		m := b.method(i)
		if m == nil {
			return nil
		}
		methods = append(methods, m)
	}
	stage, diags := identity.New(config, methods...)
	b.add(diags)
	return stage
}

// method makes one way to identify oneself, with its keys; nil after a mistake.
func (b *builder) method(from *catalogue.Identity) identity.Method {
	if m, done := b.methods[from]; done {
		return m
	}
	b.methods[from] = nil
	var m identity.Method
	var diags hcl.Diagnostics
	switch {
	case from.APIKey != nil:
		m, diags = b.apiKeys(from.APIKey)
	case from.JWT != nil:
		m, diags = b.jwt(from.JWT)
	case from.Introspection != nil:
		m, diags = b.introspection(from.Introspection)
	case from.Certificate != nil:
		m, diags = b.certificates(from.Certificate)
	}
	b.add(diags)
	if diags.HasErrors() || m == nil {
		return nil
	}
	for _, field := range m.Fields() {
		if field != "Authorization" {
			b.credentials = append(b.credentials, field)
		}
	}
	b.parameters = append(b.parameters, m.Parameters()...)
	if b.Method != nil {
		m = b.Method(from, m)
	}
	b.methods[from] = m
	return m
}

func (b *builder) apiKeys(from *catalogue.APIKey) (identity.Method, hcl.Diagnostics) {
	src, diags := b.read(from.Keys)
	if diags.HasErrors() {
		return nil, diags
	}
	keys, diags := identity.ParseKeys(from.Keys.Path, src)
	if diags.HasErrors() {
		return nil, diags
	}
	b.pins[from] = keys.Pins()
	return identity.NewAPIKeys(identity.APIKeyConfig{Header: from.Header, Bearer: from.Bearer, Query: from.Query, Keys: from.Keys.Path}, keys)
}

// read reads a file that the catalogue names.
func (b *builder) read(f catalogue.File) ([]byte, hcl.Diagnostics) {
	if f.Path == "" { // its mistake has been told
		return nil, hcl.Diagnostics{}
	}
	src, err := os.ReadFile(f.Path)
	if err != nil {
		return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Unreadable file", Detail: err.Error(), Subject: f.Range.Ptr()}}
	}
	b.sources[f.Path] = src
	return src, nil
}

// limit builds the stage that counts; nil where there is nothing to count.
func (b *builder) limit(terms catalogue.Terms) *limit.Stage {
	if len(terms.Limits) == 0 {
		return nil
	}
	var limits []limit.Limit
	for _, from := range terms.Limits {
		limits = append(limits, b.limitOf(from))
	}
	if b.Broken && slices.ContainsFunc(limits, func(l limit.Limit) bool { return l.Check().HasErrors() }) {
		b.add(limit.CheckTogether(limits)) // what is wrong with each of them has been told
		return nil
	}
	stage, diags := limit.New(b.Counter, limits...)
	b.add(diags)
	return stage
}

func (b *builder) limitOf(from *catalogue.Limit) limit.Limit {
	if l, done := b.limits[from]; done {
		return l
	}
	to := limit.Limit{Config: limit.Config{Name: from.Name, Range: from.Range}}
	if b.QuotaUsed != nil {
		to.Used = func(quota string, window time.Duration) func(string, float64) {
			return b.QuotaUsed(from.Name, quota, to.Needs.Header, window)
		}
	}
	to.Quotas, to.Concurrent, to.Hidden = quotas(from.Quotas), from.Concurrent, from.Hidden
	for _, p := range from.Plans {
		to.Plans = append(to.Plans, limit.Plan{Name: p.Name, Quotas: quotas(p.Quotas), Concurrent: p.Concurrent, Range: p.Range})
	}
	if from.Key != nil {
		key := b.expression(from.Key, rule.Environment{Roots: rule.All &^ rule.Body &^ rule.Path}, rule.Key)
		if key != nil {
			to.KeyOf, to.Needs = key.Key, key.Needs()
		}
	}
	if from.Cost != nil {
		cost := b.expression(from.Cost, rule.Environment{Roots: rule.All &^ rule.Path}, rule.Integer)
		if cost != nil {
			to.Cost, to.CostOf, to.CostNeeds = cost.Text(), cost.Integer, cost.Needs()
		}
	}
	b.limits[from] = to
	return to
}

func quotas(from []catalogue.Quota) []limit.Quota {
	var to []limit.Quota
	for _, q := range from {
		to = append(to, limit.Quota{Name: q.Name, Requests: q.Requests, Window: duration.Duration(q.Window), Range: q.Range})
	}
	return to
}

// authorize builds the stage that asks the policy; nil on a public route.
func (b *builder) authorize(terms catalogue.Terms) *policy.Query {
	if terms.Authorize == nil {
		return nil
	}
	name := terms.Authorize.Query
	if q, done := b.queries[name]; done {
		return q
	}
	if b.Policies == nil {
		if !b.PoliciesBroken {
			b.fault(terms.Authorize.Range, "No policies", fmt.Sprintf("This route is authorized by %s, but no policies are configured: name their folder in the Caddyfile's global option api_gateway.", name))
		}
		return nil
	}
	q, diags := b.Policies.Prepare(name, terms.Authorize.Range)
	b.add(diags)
	b.queries[name] = q
	return q
}

// upstream gives what the route's requests are sent to.
func (b *builder) upstream(terms catalogue.Terms) Upstream {
	if terms.Upstream == nil { // its mistake has been told
		return nil
	}
	if u, done := b.upstreams[terms.Upstream]; done {
		return u
	}
	u, err := b.Upstream(terms.Upstream)
	if err != nil {
		b.fault(terms.Upstream.Range, "Unusable upstream", err.Error())
	}
	b.upstreams[terms.Upstream] = u
	return u
}
