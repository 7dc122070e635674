package catalogue

import (
	"net/http"
	"slices"
	"strings"
)

// answerer names what answers a route by its own.
func answerer(r *Route) string {
	if r.Calling != nil {
		return r.Calling.Integration.Name
	}
	return r.Upstream.Name
}

// asksIntegration says whether a route is answered by an integration, mistaken or not.
func (d *decoder) asksIntegration(n *node, r *Route) bool {
	return slices.ContainsFunc(n.all("route"), func(level *node) bool { return level.rng == r.Range && level.written("integration") })
}

// needs and may are the attributes that a kind of auth or sign block has to have, and may have.
type having struct{ needs, may []string }

var authHas = map[string]having{
	"bearer":                    {[]string{"token"}, nil},
	"basic":                     {[]string{"username", "password"}, nil},
	"header":                    {[]string{"name", "value"}, []string{"prefix"}},
	"query":                     {[]string{"name", "value"}, nil},
	"oauth2_client_credentials": {[]string{"token_url", "client_id", "client_secret"}, []string{"client_auth", "scopes", "parameters"}},
}

var signHas = map[string]having{
	"hmac":    {[]string{"key", "header"}, []string{"hash", "encoding", "prefix", "over", "separator", "timestamp"}},
	"message": {[]string{"key", "algorithm"}, []string{"key_id", "components", "expires"}},
}

func (d *decoder) checkIntegration(n *node) {
	private := take[bool](n, "allow_private")
	plain := func(at *node, name string) {
		if strings.HasPrefix(take[string](at, name), "http://") && !private {
			d.wrong(at.place(name), "Not encrypted", "Credentials and requests of an integration travel over https. Only where allow_private is true, for a service of the own network, may it be http.")
		}
	}
	plain(n, "url")
	if n.written("certificate") != n.written("certificate_key") {
		d.wrong(n.rng, "Incomplete certificate", "A certificate and its key are written together: certificate and certificate_key.")
	}
	field := func(at *node, name string) {
		if said := take[string](at, name); said != "" && checkFieldName(said) != nil {
			d.wrong(at.place(name), "Unsuitable header field", "%q is no name of a header field, or one that the gateway writes itself.", said)
		}
	}
	if k := n.one("idempotency"); k != nil {
		field(k, "header")
	}
	if a := n.one("auth"); a != nil {
		d.has(a, authHas)
		plain(a, "token_url")
		if a.label == "header" {
			field(a, "name")
		}
	}
	if s := n.one("sign"); s != nil {
		d.has(s, signHas)
		field(s, "header")
		field(s, "timestamp")
		over := texts(s, "over")
		if slices.Contains(over, "timestamp") != s.written("timestamp") {
			d.wrong(s.rng, "Incomplete signature", "Where a timestamp is signed, timestamp names the header field that tells it, and over has it.")
		}
	}
}

// has looks whether a block that has a kind for its label has what that kind needs, and nothing of another.
func (d *decoder) has(n *node, kinds map[string]having) {
	own, ok := kinds[n.label]
	if !ok {
		return // told with the label
	}
	for _, name := range own.needs {
		if !n.written(name) && !n.spec.attribute(name).required {
			d.absent(&n.rng, "Missing attribute", upper(n.spec.title())+" of the kind \""+n.label+"\" needs the attribute \""+name+"\".")
		}
	}
	for _, name := range sortedKeys(n.values) {
		if !slices.Contains(own.needs, name) && !slices.Contains(own.may, name) {
			d.wrong(n.values[name].name, "Unsuitable attribute", "%s of the kind %q has no attribute %q; it has %s.", upper(n.spec.title()), n.label, name, either(slices.Concat(own.needs, own.may)))
		}
	}
}

// checkCalling looks at how the routes of an API ask integrations.
func (d *decoder) checkCalling(n *node) {
	for _, r := range n.all("route") {
		if !r.written("integration") {
			for _, name := range []string{"send", "encode", "decode"} {
				if v, ok := r.values[name]; ok {
					d.wrong(v.name, "Nobody to ask", "The attribute %q says how an integration is asked; this route has none.", name)
				}
			}
			for _, name := range []string{"request", "answer"} {
				if b := r.one(name); b != nil {
					d.wrong(b.rng, "Nobody to ask", "The block %q says how an integration is asked; this route has none.", name)
				}
			}
			continue
		}
		if !r.written("send") {
			d.absent(&r.rng, "Missing attribute", "A route that asks an integration needs the attribute \"send\": "+sending{}.String()+".")
		}
		for _, name := range []string{"upstream", "rewrite", "merge", "forward"} {
			if r.written(name) {
				d.wrong(r.place(name), "Contradictory route", "An integration answers this route: %q is for services of one's own.", name)
			}
		}
		d.checkSent(r)
	}
}

// checkSent looks whether what is sent has a body, where something is done to it, and names parameters that there are.
func (d *decoder) checkSent(r *node) {
	send := take[Send](r, "send")
	_, segments, err := parseRoute(r.label)
	for _, p := range send.Parts {
		if p.Parameter != "" && err == nil && !slices.ContainsFunc(segments, func(s Segment) bool { return s.Parameter == p.Parameter }) {
			d.wrong(r.place("send"), "Unknown parameter", "The route has no parameter {%s}.", p.Parameter)
		}
	}
	q := r.one("request")
	if q != nil && q.written("root") && take[string](r, "encode") != "xml" {
		d.wrong(q.place("root"), "No XML", "The outermost element is that of XML: encode = \"xml\".")
	}
	d.checkRead(r)
	if send.Method == "" || send.HasBody() {
		return
	}
	if v, ok := r.values["encode"]; ok {
		d.wrong(v.name, "No body", "A %s has no body to encode.", send.Method)
	}
	if q != nil && len(q.blocks) > 0 {
		d.wrong(q.blocks[0].rng, "No body", "A %s has no body to change.", send.Method)
	}
}

// checkRead looks whether what is said of other forms of answers is of use.
func (d *decoder) checkRead(r *node) {
	a, decode := r.one("answer"), take[string](r, "decode")
	if a == nil {
		return
	}
	if a.written("root") && decode != "xml" {
		d.wrong(a.place("root"), "No XML", "The outermost element is that of XML: decode = \"xml\".")
	}
	if a.written("lists") && decode != "xml" && decode != "form" {
		d.wrong(a.place("lists"), "JSON has lists", "JSON tells what is a list. In XML and forms, one and a list of one look the same: decode = \"xml\" or \"form\".")
	}
}

// HasBody says whether what is sent has a body.
func (s *Send) HasBody() bool {
	return s.Method == http.MethodPost || s.Method == http.MethodPut || s.Method == http.MethodPatch
}
