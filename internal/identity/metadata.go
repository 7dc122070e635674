package identity

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// MetadataConfig publishes what clients have to know to get tokens for a resource (RFC 9728).
type MetadataConfig struct {
	// Resource is the resource's identifier, the https address that clients know it by, without a query. Default: the
	// scheme and host that the request came to.
	Resource string `json:"resource,omitempty"`

	// Name is what people call the resource. Default: none.
	Name string `json:"name,omitempty"`

	// Path is where the resource lies on the host that the request came to, canonical; "" or "/" for all of it.
	Path string `json:"-"`
}

// wellKnown is what goes between the host and the path of a resource's identifier (RFC 9728, section 3.1).
const wellKnown = "/.well-known/oauth-protected-resource"

// MetadataPath is where the document about a resource at a path is.
func MetadataPath(path string) string { return wellKnown + strings.TrimSuffix(path, "/") }

// Metadata is the document about a protected resource (RFC 9728, section 2).
type Metadata struct {
	Resource         string   `json:"resource"`
	Servers          []string `json:"authorization_servers,omitempty"`
	Scopes           []string `json:"scopes_supported,omitempty"`
	BearerMethods    []string `json:"bearer_methods_supported,omitempty"`
	Name             string   `json:"resource_name,omitempty"`
	CertificateBound bool     `json:"tls_client_certificate_bound_access_tokens,omitempty"`
	DPoPAlgorithms   []string `json:"dpop_signing_alg_values_supported,omitempty"`
	DPoPBound        bool     `json:"dpop_bound_access_tokens_required,omitempty"`

	methods, dpop int // all that take tokens, and those that take none but such as are bound by DPoP
}

// grant adds what a method takes: the tokens of an issuer, which have all of scopes.
func (m *Metadata) grant(issuer string, scopes []string, p *possession) {
	add := func(list *[]string, values ...string) {
		for _, v := range values {
			if !slices.Contains(*list, v) {
				*list = append(*list, v)
			}
		}
	}
	if strings.HasPrefix(issuer, "https://") { // what else an issuer is called, no client can ask
		add(&m.Servers, issuer)
	}
	add(&m.Scopes, scopes...)
	add(&m.BearerMethods, "header")
	if p.proofs != nil {
		add(&m.DPoPAlgorithms, p.proofs.Algorithms()...)
	}
	m.methods++
	if slices.Equal(p.bound, []string{boundDPoP}) {
		m.dpop++
	}
	m.DPoPBound = m.dpop == m.methods
	m.CertificateBound = m.CertificateBound || slices.Contains(p.bound, boundCertificate)
}

// granted is a Method whose credentials an authorization server grants.
type granted interface{ describe(m *Metadata) }

// Resource is a protected resource whose metadata is published.
type Resource struct {
	config   MetadataConfig
	path     string // of the document
	document Metadata
}

// NewResource makes the resource of c, to which methods let callers; nil where no authorization server has a say.
func NewResource(c MetadataConfig, methods ...Method) (*Resource, hcl.Diagnostics) {
	r := &Resource{config: c, document: Metadata{Name: c.Name}}
	path := c.Path
	if c.Resource != "" {
		u, err := url.Parse(c.Resource)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || !quotable(c.Resource) {
			return nil, hcl.Diagnostics{{
				Severity: hcl.DiagError, Summary: "Invalid resource",
				Detail: "A resource is known by an https address without a query, such as https://api.acme.example/orders.",
			}}
		}
		path = u.EscapedPath()
	}
	r.path = MetadataPath(path)
	grants := false
	for _, m := range methods {
		if w, ok := m.(interface{ Unwrap() Method }); ok { // which takes a test's word
			m = w.Unwrap()
		}
		if g, ok := m.(granted); ok {
			g.describe(&r.document)
			grants = true
		}
	}
	if !grants {
		return nil, nil
	}
	return r, nil
}

// address is where the document of the resource that a request came to is.
func (r *Resource) address(x *exchange.Exchange) string {
	return r.origin(x) + r.path
}

// origin is the scheme and host of the resource. Whoever lies about the host he asked is told no more than his lie.
func (r *Resource) origin(x *exchange.Exchange) string {
	if r.config.Resource == "" {
		return x.Scheme + "://" + x.Host + x.Port
	}
	u, _ := url.Parse(r.config.Resource) // it was found to be one
	return u.Scheme + "://" + u.Host
}

// Asked says whether a request is for the document.
func (r *Resource) Asked(x *exchange.Exchange) bool {
	return r != nil && (x.Method == http.MethodGet || x.Method == http.MethodHead) && x.Path.Escaped == r.path
}

// Serve answers a request for the document, which anyone may read: a client needs it before it has a token.
func (r *Resource) Serve(w http.ResponseWriter, x *exchange.Exchange) {
	document := r.document
	if document.Resource = r.config.Resource; document.Resource == "" {
		document.Resource = r.origin(x) + strings.TrimSuffix(r.config.Path, "/")
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(document); err != nil { // texts and truth values always can be
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(text.Len())}
	h["Cache-Control"] = []string{"public, max-age=300"}
	h["Access-Control-Allow-Origin"] = []string{"*"}
	h["X-Content-Type-Options"] = []string{"nosniff"}
	w.WriteHeader(http.StatusOK)
	if x.Method != http.MethodHead {
		w.Write(text.Bytes()) //nolint:errcheck // the caller is gone
	}
}
