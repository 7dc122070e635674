package catalogue

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/wicketgate/wicketgate/internal/apidoc"
)

// scopedAPI is an API being made, with what its references name.
type scopedAPI struct {
	*builder
	objects  map[string]*Object
	versions map[string]*Version
}

func (b *builder) api(n *node) *API {
	s := &scopedAPI{b, make(map[string]*Object), make(map[string]*Version)}
	a := &API{
		Name:     n.label,
		Describe: Audience(take[string](n, "describe")),
		Hosts:    texts(n, "hosts"),
		BasePath: take[string](n, "base_path"),
		Rewrite:  take[string](n, "rewrite"),
		XML:      slices.Contains(texts(n, "formats"), "xml"),
		Terms:    s.terms(n),
		Range:    n.rng,
	}
	if doc, ok := n.imported.(*apidoc.Document); ok {
		a.Title, a.Summary = doc.Title, doc.Description
	}
	objects, versions := n.all("object"), n.all("version")
	for _, o := range objects { // all before any that holds another
		object := &Object{Name: o.label, Schema: take[File](o, "schema"), Range: o.rng}
		if from, ok := o.imported.(shaped); ok {
			object.Document, object.Pointer = from.schemas, from.pointer
		}
		a.Objects = append(a.Objects, object)
		s.objects[object.Name] = object
	}
	for i, o := range objects {
		a.Objects[i].Holds = s.places(o, "holds")
	}
	for _, v := range versions {
		version := s.version(v)
		a.Versions = append(a.Versions, version)
		s.versions[version.Name] = version
	}
	slices.SortStableFunc(a.Versions, func(v, w *Version) int { return v.Released.Compare(w.Released) })
	if v := n.one("versioning"); v != nil {
		a.Versioning = s.versioning(v)
	}
	if c := n.one("cors"); c != nil {
		a.CORS = &CORS{
			Origins: texts(c, "origins"), Headers: texts(c, "headers"), Expose: texts(c, "expose"),
			Credentials: take[bool](c, "credentials"), MaxAge: take[time.Duration](c, "max_age"), Range: c.rng,
		}
	}
	for _, r := range n.all("route") {
		if route, ok := s.route(r); ok {
			a.Routes = append(a.Routes, route)
		}
	}
	return a
}

func (s *scopedAPI) terms(n *node) Terms {
	t := Terms{
		Upstream: s.upstreams[take[target](n, "upstream").name],
		MaxBody:  int64(take[byteCount](n, "max_body")),
		Unknown:  Unknown(take[string](n, "unknown_query")),
		Forward:  s.forward(n),
		Bodies:   bodies(n),
	}
	for _, it := range take[[]item](n, "identify") {
		to := it.value.(target)
		if to.word != "" {
			t.Anonymous = true
		} else if len(to.scopes) > 0 {
			t.Identify = append(t.Identify, s.scoped(to)...)
		} else if i, ok := s.identities[to.name]; ok {
			t.Identify = append(t.Identify, i)
		}
	}
	for _, it := range take[[]item](n, "limits") {
		if l, ok := s.limits[it.value.(target).name]; ok {
			t.Limits = append(t.Limits, l)
		}
	}
	t.Authorize, t.Public = authorized(n)
	t.Rules = rules(n)
	return t
}

// authorized gives the policy that decides, or that everyone may.
func authorized(n *node) (decides *Policy, public bool) {
	to, ok := n.values["authorize"].value.(target)
	switch {
	case !ok:
		return nil, false
	case to.word != "":
		return nil, true
	}
	return &Policy{Query: "data." + to.name, Range: to.rng}, false
}

func rules(n *node) []*Rule {
	var all []*Rule
	for _, r := range n.all("rule") {
		if when := kept(r, "when"); when != nil {
			detail := take[quoted](r, "detail")
			all = append(all, &Rule{
				Name: r.label, When: when, Detail: detail.text, Quotes: detail.quotes, At: take[string](r, "at"), Range: r.rng,
			})
		}
	}
	return all
}

func (s *scopedAPI) versioning(n *node) *Versioning {
	v := &Versioning{
		Path:      take[bool](n, "path"),
		Host:      take[string](n, "host"),
		MediaType: take[string](n, "media_type"),
		Query:     take[string](n, "query"),
		Pin:       kept(n, "pin"),
		Default:   s.versions[take[target](n, "default").name],
		Range:     n.rng,
	}
	if name := take[string](n, "header"); name != "" {
		v.Header = http.CanonicalHeaderKey(name)
	}
	return v
}

func (s *scopedAPI) places(n *node, name string) []Place {
	var places []Place
	for _, spot := range take[[]spot](n, name) {
		if o, ok := s.objects[spot.to.name]; ok {
			places = append(places, Place{spot.path, o, spot.rng})
		}
	}
	return places
}

func (s *scopedAPI) route(n *node) (*Route, bool) {
	method, segments, err := parseRoute(n.label)
	if err != nil {
		return nil, false // the table's check has told
	}
	r := &Route{
		Label:    n.label,
		Method:   method,
		Path:     n.label[len(method)+1:],
		Segments: segments,
		Rewrite:  take[string](n, "rewrite"),
		Accepts:  s.objects[take[target](n, "accepts").name],
		Returns:  s.places(n, "returns"),
		Answers:  s.responses(n),
		Sanitize: sanitizes(n),
		Parts:    formParts(n),
		Since:    s.versions[take[target](n, "since").name],
		Until:    s.versions[take[target](n, "until").name],
		Merge:    take[bool](n, "merge"),
		Publish:  s.publish(n),

		Idempotency: idempotent(n),
		Parameters:  s.parameters(n),
		Calling:     s.calling(n),

		Terms: s.terms(n),
		Range: n.rng,
	}
	s.about(r, n)
	return r, true
}

func (s *scopedAPI) version(n *node) *Version {
	v := &Version{
		Name:       n.label,
		Released:   take[time.Time](n, "released"),
		Deprecated: take[time.Time](n, "deprecated"),
		Sunset:     take[time.Time](n, "sunset"),
		Docs:       take[string](n, "docs"),
		Preview:    take[bool](n, "preview"),
		Terms:      s.terms(n),
		Range:      n.rng,
	}
	if !n.written("released") {
		if t, ok := parseDate(n.label); ok {
			v.Released = t
		}
	}
	for _, b := range n.all("brownout") {
		v.Brownouts = append(v.Brownouts, Brownout{take[time.Time](b, "from"), take[time.Duration](b, "for"), b.rng})
	}
	for _, c := range n.all("change") {
		v.Incomplete = v.Incomplete || c.mistaken || s.objects[take[target](c, "on").name] == nil
		if on := s.objects[take[target](c, "on").name]; on != nil {
			v.Changes = append(v.Changes, s.change(c, on))
		}
	}
	return v
}

func (s *scopedAPI) change(n *node, on *Object) *Change {
	c := &Change{Name: n.label, Summary: take[string](n, "summary"), On: on, Range: n.rng}
	for _, b := range n.blocks {
		if b.mistaken {
			continue
		}
		kind, ok := operations[b.spec.name]
		switch b.spec.name {
		case "param":
			c.Params = append(c.Params, Param{b.label, take[string](b, "to"), b.rng})
		case "example":
			c.Examples = append(c.Examples, Example{take[json.RawMessage](b, "old"), take[json.RawMessage](b, "new"), b.rng})
		}
		if !ok {
			continue
		}
		c.Operations = append(c.Operations, operationOf(kind, b))
	}
	return c
}

// operationOf is a step of a change. Of messages that go one way, drop says nothing of what it loses.
func operationOf(kind Kind, b *node) Operation {
	op := Operation{Kind: kind, Path: b.label, PathRange: b.named, Range: b.rng}
	switch kind {
	case Rename, Move:
		op.To, op.ToRange = take[string](b, "to"), b.place("to")
	case Drop:
		op.Value, op.Accept = optional[json.RawMessage](b, "restore"), optional[string](b, "accept")
	case Add:
		op.Value, op.Accept = take[json.RawMessage](b, "value"), take[string](b, "accept")
	case Enum:
		op.Pairs, op.Accept = take[[]Pair](b, "pairs"), optional[string](b, "accept")
	case Wrap:
		op.Member = take[string](b, "in")
	case Unwrap:
		op.Member = take[string](b, "from")
	case Scale:
		op.Decimals, op.As = int(take[int64](b, "decimals")), take[string](b, "as")
	case Cast:
		op.From, op.As = take[string](b, "from"), take[string](b, "to")
		if op.From == "" {
			op.From = "string"
			if op.As == "string" {
				op.From = "number"
			}
		}
	case Split:
		op.Parts, op.Separator, op.Accept = texts(b, "into"), take[string](b, "separator"), optional[string](b, "accept")
	case Join:
		op.Parts, op.Separator, op.Accept = texts(b, "from"), take[string](b, "separator"), optional[string](b, "accept")
	}
	return op
}
