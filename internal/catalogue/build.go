package catalogue

import (
	"bytes"
	"net/http"
	"os"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/secret"
)

// builder makes the catalogue of decoded blocks. What could not be decoded is left out, and so is what needs it.
type builder struct {
	d            *decoder
	secrets      map[string]*Secret
	identities   map[string]*Identity
	limits       map[string]*Limit
	upstreams    map[string]*Upstream
	integrations map[string]*Integration
	subscribers  map[string]*Subscriber
	withScopes   map[string]*Identity // by their names and the scopes that documents ask for
}

func (d *decoder) build(root *node) *Catalogue {
	b := &builder{d, make(map[string]*Secret), make(map[string]*Identity), make(map[string]*Limit), make(map[string]*Upstream),
		make(map[string]*Integration), make(map[string]*Subscriber), make(map[string]*Identity)}
	c := &Catalogue{}
	for _, n := range root.all("secret") {
		s := b.secret(n)
		c.Secrets = append(c.Secrets, s)
		b.secrets[s.Name] = s
	}
	for _, n := range root.all("identity") {
		i := b.identity(n)
		c.Identities = append(c.Identities, i)
		b.identities[i.Name] = i
	}
	for _, n := range root.all("limit") {
		l := b.limit(n)
		c.Limits = append(c.Limits, l)
		b.limits[l.Name] = l
	}
	for _, n := range root.all("upstream") {
		u := b.upstream(n)
		c.Upstreams = append(c.Upstreams, u)
		b.upstreams[u.Name] = u
	}
	for _, n := range root.all("integration") {
		i := b.integration(n)
		c.Integrations = append(c.Integrations, i)
		b.integrations[i.Name] = i
	}
	for _, n := range root.all("subscriber") {
		s := b.subscriber(n)
		c.Subscribers = append(c.Subscribers, s)
		b.subscribers[s.Name] = s
	}
	for _, n := range root.all("api") {
		c.APIs = append(c.APIs, b.api(n))
	}
	for _, n := range root.all("webhook") {
		c.Webhooks = append(c.Webhooks, b.webhook(n))
	}
	return c
}

func (b *builder) secret(n *node) *Secret {
	s := &Secret{Name: n.label, Range: n.rng}
	if name := take[string](n, "env"); name != "" {
		value, ok := os.LookupEnv(name)
		switch {
		case !ok:
			b.d.wrong(n.place("env"), "Missing secret", "The environment variable %q is not set.", name)
		case value == "":
			b.d.wrong(n.place("env"), "Empty secret", "The environment variable %q is empty.", name)
		}
		s.Value = secret.New(value)
	}
	if f := take[File](n, "file"); f.Path != "" {
		value, err := read(f.Path, maxSecret)
		value = bytes.TrimSuffix(bytes.TrimSuffix(value, []byte("\n")), []byte("\r"))
		switch {
		case err != nil:
			b.d.wrong(f.Range, "Missing secret", "The file %q cannot be read: %v.", f.Path, err)
		case len(value) == 0:
			b.d.wrong(f.Range, "Empty secret", "The file %q is empty.", f.Path)
		}
		s.Value = secret.New(string(value))
	}
	return s
}

func (b *builder) identity(n *node) *Identity {
	i := &Identity{Name: n.label, Range: n.rng}
	if j := n.one("jwt"); j != nil {
		i.JWT = &JWT{
			Issuer:     take[string](j, "issuer"),
			Keys:       take[File](j, "keys"),
			JWKS:       take[string](j, "jwks"),
			CAFile:     take[File](j, "ca_file"),
			MaxStale:   take[time.Duration](j, "max_stale"),
			Audience:   texts(j, "audience"),
			Algorithms: texts(j, "algorithms"),
			Consumer:   kept(j, "consumer"),
			Plan:       kept(j, "plan"),
			Version:    kept(j, "version"),
			Groups:     kept(j, "groups"),
			Required:   texts(j, "required"),
			Type:       take[string](j, "type"),
			Scopes:     texts(j, "scopes"),
			Leeway:     take[time.Duration](j, "leeway"),
			Possession: b.possession(j),
			Range:      j.rng,
		}
	}
	if t := n.one("introspection"); t != nil {
		i.Introspection = b.introspection(t)
	}
	if c := n.one("certificate"); c != nil {
		i.Certificate = b.certificate(c)
	}
	if k := n.one("api_key"); k != nil {
		i.APIKey = &APIKey{
			Header: http.CanonicalHeaderKey(take[string](k, "header")),
			Bearer: take[bool](k, "bearer"),
			Query:  take[string](k, "query"),
			Keys:   take[File](k, "keys"),
			Range:  k.rng,
		}
	}
	return i
}

func (b *builder) limit(n *node) *Limit {
	l := &Limit{Name: n.label, Key: kept(n, "key"), Cost: kept(n, "cost"), Quotas: b.quotas(n),
		Concurrent: take[int64](n, "concurrent"), Hidden: take[bool](n, "hidden"), Range: n.rng}
	for _, p := range n.all("plan") {
		l.Plans = append(l.Plans, Plan{Name: p.label, Quotas: b.quotas(p), Concurrent: take[int64](p, "concurrent"), Range: p.rng})
	}
	return l
}

func (b *builder) quotas(n *node) []Quota {
	var quotas []Quota
	for _, q := range n.all("quota") {
		quotas = append(quotas, Quota{
			Name:     q.label,
			Requests: take[int64](q, "requests"),
			Window:   take[time.Duration](q, "window"),
			Range:    q.rng,
		})
	}
	return quotas
}

func (b *builder) upstream(n *node) *Upstream {
	u := &Upstream{
		Name:        n.label,
		Servers:     texts(n, "servers"),
		CAFile:      take[File](n, "ca_file"),
		Timeout:     take[time.Duration](n, "timeout"),
		DialTimeout: take[time.Duration](n, "dial_timeout"),
		Range:       n.rng,
	}
	if r := n.one("retry"); r != nil {
		u.Retry = &Retry{Attempts: int(take[int64](r, "attempts")), On: texts(r, "on"), Range: r.rng}
	}
	if k := n.one("breaker"); k != nil {
		u.Breaker = breakerOf(k)
	}
	if h := n.one("health"); h != nil {
		u.Health = &Health{Path: take[string](h, "path"), Interval: take[time.Duration](h, "interval"), Range: h.rng}
	}
	return u
}

// kept gives an expression that is compiled elsewhere, nil for none.
func kept(n *node, name string) hcl.Expression {
	e, _ := n.values[name].value.(hcl.Expression)
	return e
}
