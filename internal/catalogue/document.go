package catalogue

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/wicketgate/wicketgate/internal/apidoc"
)

// schemes says which identity a security scheme of a document is. It gives a map of names to targets.
type schemes struct{}

func (schemes) String() string {
	return "security schemes and their identities, such as { oauth = identity.staff }"
}

func (k schemes) decode(d *decoder, e hclsyntax.Expression) (any, bool) {
	o, ok := e.(*hclsyntax.ObjectConsExpr)
	if !ok || len(o.Items) == 0 || len(o.Items) > maxPlaces {
		return nil, d.unsuitable(e.Range(), k)
	}
	all := make(map[string]target)
	whole := true
	for _, it := range o.Items {
		name, at, ok := d.key(it.KeyExpr)
		v, valueOK := reference{to: "identity"}.decode(d, it.ValueExpr)
		if !ok || !valueOK {
			whole = false
			continue
		}
		if _, twice := all[name]; twice {
			d.wrong(at, "Written twice", "The scheme %q is written twice.", name)
			whole = false
		}
		all[name] = v.(target)
	}
	return all, whole
}

// shaped is the schema of an object that comes out of a document.
type shaped struct {
	schemas *Schemas
	pointer string
}

// document reads the OpenAPI document of an API and makes blocks of it, as if they were written: each of them at its
// place in the document. What is written in the catalogue comes before it.
func (d *decoder) document(n *node) {
	f, ok := n.values["openapi"].value.(File)
	if !ok {
		d.partial = d.partial || n.written("openapi") // what is missing may stand in what cannot be read
		if n.written("security") && !n.written("openapi") {
			d.wrong(n.values["security"].name, "No document", "Security schemes are those of an OpenAPI document, which this API does not name: openapi = \"…\".")
		}
		return
	}
	doc, files, sources, diags := apidoc.Read(f.Path, filepath.Dir(f.Path), func(path string) ([]byte, error) { return read(path, maxTotal) })
	for _, path := range files {
		d.files[path] = true
	}
	for path, src := range sources {
		d.sources[path] = src
	}
	if len(d.diags) <= maxMistakes {
		d.diags = append(d.diags, diags...)
	}
	if doc == nil || diags.HasErrors() {
		d.partial = true // what is missing may stand in what was not understood
	}
	if doc == nil {
		return
	}
	n.imported = doc
	i := &importer{d: d, api: n, doc: doc, at: f}
	i.basePath()
	i.objects()
	for _, o := range doc.Operations {
		i.route(o)
	}
	if !n.written("identify") && doc.Security != nil {
		i.identify(n, doc.Security)
	}
}

// importer makes blocks of one document.
type importer struct {
	d   *decoder
	api *node
	doc *apidoc.Document
	at  File // where the catalogue names it
}

// basePath takes the path of the first server. Where that ends with the name of a version that requests name in the same
// place, it is what comes before.
func (i *importer) basePath() {
	if i.api.written("base_path") || i.doc.BasePath == "" {
		return
	}
	path := i.doc.BasePath
	if v := i.api.one("versioning"); v != nil && take[bool](v, "path") {
		last := path[strings.LastIndexByte(path, '/')+1:]
		if slices.ContainsFunc(i.api.all("version"), func(v *node) bool { return v.label == last }) {
			path = strings.TrimSuffix(path, "/"+last)
		}
	}
	if path == "" {
		path = "/"
	}
	if !basePath(path) {
		i.d.wrong(i.doc.BasePathAt, "Unsuitable base path", "The path %q of the server cannot be a base path; write base_path in the catalogue.", path)
		return
	}
	i.api.values["base_path"] = decoded{path, i.doc.BasePathAt, i.doc.BasePathAt}
}

// objects makes object blocks of the schemas that operations reach. One of that name in the catalogue takes its place.
func (i *importer) objects() {
	schemas := &Schemas{Name: i.at.Path, Text: i.doc.Schemas}
	own := make(map[string]bool)
	for _, o := range i.api.all("object") {
		own[o.label] = true
	}
	changes := slices.ContainsFunc(i.api.all("version"), func(v *node) bool { return len(v.all("change")) > 0 })
	for _, o := range i.doc.Objects {
		if own[o.Name] {
			continue
		}
		n := &node{spec: objectBlock, label: o.Name, named: o.Range, rng: o.Range, values: map[string]decoded{}, imported: shaped{schemas, "/$defs/" + o.Def}}
		n.values["schema"] = decoded{File{Path: i.at.Path, Range: o.Range}, o.Range, o.Range}
		if changes { // nothing else asks where objects lie in each other
			var spots []spot
			for _, h := range o.Holds {
				spots = append(spots, spot{h.Path, target{to: "object", name: h.Object, rng: h.Range}, h.Range})
			}
			if spots != nil {
				n.values["holds"] = decoded{spots, o.Range, o.Range}
			}
		}
		i.api.blocks = append(i.api.blocks, n)
	}
}

// route makes a route block of an operation, or adds what it says to the route that is written.
func (i *importer) route(o *apidoc.Operation) {
	label := o.Method + " " + o.Path
	r := &node{spec: routeBlock, label: label, named: o.Range, rng: o.Range, values: map[string]decoded{}, imported: o}
	if o.Body != nil {
		r.values["accepts"] = decoded{target{to: "object", name: o.Body.Object, rng: o.Body.Range}, o.Body.Range, o.Body.Range}
		i.formats(r, o.Body)
	}
	if o.Method != "HEAD" {
		i.answers(r, o)
	}
	for _, p := range o.Parameters {
		i.parameter(r, p)
	}
	for _, written := range i.api.all("route") {
		switch {
		case written.label != label:
			continue
		case written.imported != nil:
			i.d.warn(o.Range, "Operation left out", "The operation %s is there already, at %s: a slash at the end of a path says nothing.", label, at(written.rng))
			return
		}
		if o.Security != nil && !written.written("identify") {
			i.identify(r, o.Security)
		}
		written.take(r)
		return
	}
	if o.Security != nil {
		i.identify(r, o.Security)
	}
	i.api.blocks = append(i.api.blocks, r)
}

// formats makes a takes attribute of the formats of a body, where it has others than JSON, and a multipart block of the fields
// that are files.
func (i *importer) formats(r *node, b *apidoc.Body) {
	var items []item
	for _, name := range b.Formats {
		items = append(items, item{name, b.Range})
	}
	if len(items) > 1 || len(items) == 1 && b.Formats[0] != JSON {
		r.values["takes"] = decoded{items, b.Range, b.Range}
	}
	if b.Files == nil {
		return
	}
	parts := &node{spec: multipartBlock, named: b.Range, rng: b.Range, values: map[string]decoded{}, imported: b}
	for _, f := range b.Files {
		if !formField.MatchString(f.Field) {
			i.d.warn(f.Range, "Not used", "The field %q has a name that no file can have: it is no file here.", f.Field)
			continue
		}
		var types []item
		for _, t := range f.Types {
			types = append(types, item{t, f.Range})
		}
		parts.blocks = append(parts.blocks, &node{spec: multipartBlock.blocks[0], label: f.Field, named: f.Range, rng: f.Range, values: map[string]decoded{"types": {types, f.Range, f.Range}}, imported: b})
	}
	r.blocks = append(r.blocks, parts)
}

// answers makes a returns attribute of the answer that says what comes back, and response blocks of the others.
func (i *importer) answers(r *node, o *apidoc.Operation) {
	success := succeeds(o)
	for k := range o.Answers {
		a := &o.Answers[k]
		status := strings.ToLower(a.Status)
		if a.Object == "" || a != success && !statusOrClass.MatchString(status) {
			continue
		}
		returns := decoded{[]spot{{to: target{to: "object", name: a.Object, rng: a.Range}, rng: a.Range}}, a.Range, a.Range}
		if a == success {
			r.values["returns"] = returns
			continue
		}
		r.blocks = append(r.blocks, &node{spec: responseBlock, label: status, named: a.Range, rng: a.Range, values: map[string]decoded{"returns": returns}, imported: a})
	}
}

// take adds to a block that is written what the document says and the block does not.
func (n *node) take(from *node) {
	n.imported = from.imported
	for name, v := range from.values {
		if !n.written(name) {
			n.values[name] = v
		}
	}
	for _, b := range from.blocks {
		if !slices.ContainsFunc(n.blocks, func(o *node) bool {
			return o.spec == b.spec && (o.label == b.label || b.spec == headerBlock && strings.EqualFold(o.label, b.label))
		}) {
			n.blocks = append(n.blocks, b)
		}
	}
}

// succeeds is the answer of an operation that says what comes back: that of the least status from 200 to 299.
func succeeds(o *apidoc.Operation) *apidoc.Answer {
	var found *apidoc.Answer
	for k := range o.Answers {
		a := &o.Answers[k]
		if strings.HasPrefix(a.Status, "2") && a.Object != "" && (found == nil || a.Status < found.Status) {
			found = a
		}
	}
	return found
}

// parameter makes a block of a parameter.
func (i *importer) parameter(r *node, p *apidoc.Parameter) {
	spec := map[string]*block{"path": pathBlock, "query": queryBlock, "header": headerBlock}[p.In]
	if p.In == "header" && !headerName(p.Name) {
		i.d.warn(p.Range, "Not checked", "The header field %q is HTTP's or the gateway's own, and not looked at as a parameter.", p.Name)
		return
	}
	if p.In == "query" && !queryParameter(p.Name) {
		i.d.warn(p.Range, "Not checked", "The query parameter %q has a name that is not looked at: expected %s.", p.Name, queryBlock.label.what)
		return
	}
	r.blocks = append(r.blocks, &node{spec: spec, label: p.Name, named: p.Range, rng: p.Range, values: map[string]decoded{}, imported: p})
}

// identify makes an identify attribute of security requirements.
func (i *importer) identify(n *node, s *apidoc.Security) {
	if s.Several != nil {
		i.d.wrong(*s.Several, "Not supported", "A request carries one credential; this asks for several at once. Write in the catalogue who is let in, on the API or on this route: identify = [identity.name].")
		return
	}
	mapped, _ := i.api.values["security"].value.(map[string]target)
	var items []item
	for _, w := range s.Ways {
		if i.doc.Schemes[w.Scheme] == nil {
			i.d.wrong(w.Range, "Unknown security scheme", "The components have no security scheme %q.%s", w.Scheme, i.d.near(w.Scheme, sortedKeys(i.doc.Schemes)))
			return
		}
		to := target{to: "identity", name: w.Scheme, rng: w.Range, scopes: w.Scopes}
		if m, ok := mapped[w.Scheme]; ok {
			to.name = m.name
		} else {
			to.hint = " A security scheme is the identity of its name, or that which the API says: security = { \"" + w.Scheme + "\" = identity.name }."
		}
		if slices.ContainsFunc(items, func(it item) bool { return it.value.(target).name == to.name }) {
			i.d.wrong(w.Range, "Not supported", "The identity %q is there already: alternatives of the same credential are not supported by this version. Write identify in the catalogue.", to.name)
			return
		}
		items = append(items, item{to, w.Range})
	}
	if s.Anonymous {
		items = append(items, item{target{word: "anonymous", rng: s.Range}, s.Range})
	}
	n.values["identify"] = decoded{items, s.Range, s.Range}
}

// about keeps what a document says of a route for people, and what else the blocks of HCL have no word for.
func (s *scopedAPI) about(r *Route, n *node) {
	o, ok := n.imported.(*apidoc.Operation)
	if !ok {
		return
	}
	r.Optional = o.Body != nil && !o.Body.Required
	r.About = &About{ID: o.ID, Summary: o.Summary, Description: o.Description, Tags: o.Tags, Deprecated: o.Deprecated}
	for _, a := range o.Answers {
		r.About.Answers = append(r.About.Answers, Answered{a.Status, a.Description, s.objects[a.Object]})
	}
}

// scoped gives the identity that a document asks for with scopes: one like it, which asks for them besides its own.
func (s *scopedAPI) scoped(to target) []*Identity {
	from, ok := s.identities[to.name]
	if !ok {
		return nil
	}
	key := strings.Join(append([]string{to.name}, to.scopes...), " ")
	if s.withScopes[key] == nil {
		with := *from
		switch {
		case from.JWT != nil:
			jwt := *from.JWT
			jwt.Scopes = union(jwt.Scopes, to.scopes)
			with.JWT = &jwt
		case from.Introspection != nil:
			in := *from.Introspection
			in.Scopes = union(in.Scopes, to.scopes)
			with.Introspection = &in
		default:
			s.d.warn(to.rng, "Not checked", "The identity %q grants no scopes, so these are not checked: let a policy decide.", to.name)
			return []*Identity{from}
		}
		s.withScopes[key] = &with
	}
	return []*Identity{s.withScopes[key]}
}

func union(a, b []string) []string {
	all := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

// checkDocument looks whether a document fits the catalogue around it.
func (d *decoder) checkDocument(c *Catalogue, a *API, n *node) {
	doc, ok := n.imported.(*apidoc.Document)
	if !ok {
		return
	}
	if newest := a.Newest(); newest != nil && doc.Version != newest.Name {
		for _, v := range a.Versions {
			if v.Name == doc.Version {
				d.wrong(doc.VersionAt, "Document of another version", "A document describes the newest version, %q; older ones follow from the changes.", newest.Name)
			}
		}
	}
	mapped, _ := n.values["security"].value.(map[string]target)
	for _, name := range sortedKeys(mapped) {
		if doc.Schemes[name] == nil {
			d.wrong(mapped[name].rng, "Unknown security scheme", "The document has no security scheme %q.%s", name, d.near(name, sortedKeys(doc.Schemes)))
		}
	}
	for _, name := range sortedKeys(doc.Schemes) {
		identity := name
		if to, ok := mapped[name]; ok {
			identity = to.name
		}
		for _, i := range c.Identities {
			if s := doc.Schemes[name]; i.Name == identity && !fits(s, i) {
				d.warn(s.Range, "Another way to identify", "Callers who read this identify themselves in another way than the identity %q, at %s, asks for, and are refused.", i.Name, at(i.Range))
			}
		}
	}
}

// fits says whether a security scheme describes what an identity takes.
func fits(s *apidoc.Scheme, i *Identity) bool {
	tokens := i.JWT != nil || i.Introspection != nil
	switch s.Type {
	case "apiKey":
		return i.APIKey != nil && (s.In == "header" && strings.EqualFold(s.Field, i.APIKey.Header) || s.In == "query" && s.Field == i.APIKey.Query)
	case "http":
		return s.HTTP == "bearer" && (tokens || i.APIKey != nil && i.APIKey.Bearer)
	case "oauth2", "openIdConnect":
		return tokens
	case "mutualTLS":
		return i.Certificate != nil
	}
	return false
}
