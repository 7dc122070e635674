package rule

import (
	"crypto/x509"
	"net/http"
	"net/netip"
	"strings"

	"github.com/wicketgate/wicketgate/internal/certificate"
	"github.com/wicketgate/wicketgate/internal/exchange"
)

// Roots is a set of the names that an expression may begin with.
type Roots uint16

// The names that an expression may begin with.
const (
	Body     Roots = 1 << iota // body.total.amount: the JSON body; null where the last member is missing
	Query                      // query.page, query["page[size]"]: the parameter's value; null if absent, a failure if sent twice. list(query.tag): all
	Header                     // header["X-Foo"], header.x_foo: the field's lines joined by ", " (RFC 9110, section 5.3); null if absent. list(header.x_foo): its lines
	Path                       // path.id: a parameter of the route
	Consumer                   // consumer.id, .name, .method, .api_version, .plan; .scopes, .groups: lists. consumer == null: anonymous
	Claims                     // claims.tenant: of the token
	Client                     // client.address: in a key, of an IPv6 address the /64
	API                        // api.name, api.version, api.route
	Request                    // request.method, .path, .host, .scheme, .id; .size: the bytes of the body, which is read for it
	// certificate.common_name, .subject, .issuer, .serial, .fingerprint; .sans.dns, .sans.email, .sans.uri, .sans.ip: lists.
	Certificate

	// response.status, response.header["X-Foo"], response.body.error.type: what a third party has answered. The body must
	// be JSON.
	Response

	// All of them but Certificate and Response.
	All = Body | Query | Header | Path | Consumer | Claims | Client | API | Request
)

// Environment is what an expression may name in its place: the key of a limit cannot read a body, and who a token's
// consumer is follows from its claims alone.
type Environment struct {
	Roots Roots
	// Parameters are the parameters of the route's pattern; nil where they are not known.
	Parameters []string
	// Declared are the parameters that the route declares, of the path, the query and the header.
	Declared []Declared
	// Closed says that requests with query parameters that are not declared are refused.
	Closed bool
	// Body is what is known of the body by its schema; nil where nothing is.
	Body *Shape
}

// roots names the roots, in the order in which a diagnostic lists them.
var roots = []struct {
	name string
	root Roots
}{
	{"body", Body}, {"query", Query}, {"header", Header}, {"path", Path}, {"consumer", Consumer},
	{"claims", Claims}, {"client", Client}, {"api", API}, {"request", Request},
	{"certificate", Certificate}, {"response", Response},
}

func rootOf(name string) (Roots, bool) {
	for _, r := range roots {
		if r.name == name {
			return r.root, true
		}
	}
	return 0, false
}

// names lists the roots of the set.
func (r Roots) names() []string {
	var names []string
	for _, known := range roots {
		if r&known.root != 0 {
			names = append(names, known.name)
		}
	}
	return names
}

// A fact is a member of a root whose members are fixed.
type fact struct {
	name   string
	text   func(*exchange.Exchange) string   // one of the three
	list   func(*exchange.Exchange) []string // one of the three
	number func(*exchange.Exchange) int      // one of the three
	body   bool                              // whether it is known only once the body has been read
}

var facts = map[Roots][]fact{
	Consumer: { // the caller has checked that there is a consumer
		{name: "id", text: func(x *exchange.Exchange) string { return x.Consumer.ID }},
		{name: "name", text: func(x *exchange.Exchange) string { return x.Consumer.Name }},
		{name: "method", text: func(x *exchange.Exchange) string { return x.Consumer.Method }},
		{name: "api_version", text: func(x *exchange.Exchange) string { return x.Consumer.Version }},
		{name: "plan", text: func(x *exchange.Exchange) string { return x.Consumer.Plan }},
		{name: "scopes", list: func(x *exchange.Exchange) []string { return x.Consumer.Scopes }},
		{name: "groups", list: func(x *exchange.Exchange) []string { return x.Consumer.Groups }},
	},
	// Of the certificate that the client has; the caller has checked that there is one.
	Certificate: {
		{name: "common_name", text: func(x *exchange.Exchange) string { return leaf(x).Subject.CommonName }},
		{name: "subject", text: func(x *exchange.Exchange) string { return leaf(x).Subject.String() }},
		{name: "issuer", text: func(x *exchange.Exchange) string { return leaf(x).Issuer.String() }},
		{name: "serial", text: func(x *exchange.Exchange) string { return leaf(x).SerialNumber.String() }},
		{name: "fingerprint", text: func(x *exchange.Exchange) string { return certificate.Fingerprint(leaf(x)) }},
		{name: "sans.dns", list: func(x *exchange.Exchange) []string { return leaf(x).DNSNames }},
		{name: "sans.email", list: func(x *exchange.Exchange) []string { return leaf(x).EmailAddresses }},
		{name: "sans.uri", list: func(x *exchange.Exchange) []string { return certificate.URIs(leaf(x)) }},
		{name: "sans.ip", list: func(x *exchange.Exchange) []string { return certificate.IPs(leaf(x)) }},
	},
	Client: {
		{name: "address", text: func(x *exchange.Exchange) string { return x.Client.String() }},
	},
	API: {
		{name: "name", text: func(x *exchange.Exchange) string { return x.API }},
		{name: "version", text: func(x *exchange.Exchange) string { return x.Version }},
		{name: "route", text: func(x *exchange.Exchange) string { return x.Route }},
	},
	Request: {
		{name: "method", text: func(x *exchange.Exchange) string { return x.Method }},
		{name: "path", text: func(x *exchange.Exchange) string { return x.Path.Escaped }},
		{name: "host", text: func(x *exchange.Exchange) string { return x.Host }},
		{name: "scheme", text: func(x *exchange.Exchange) string { return x.Scheme }},
		{name: "id", text: func(x *exchange.Exchange) string { return x.ID }},
		{name: "size", number: func(x *exchange.Exchange) int { return x.Body.Received }, body: true},
	},
}

// networkOf is client.address in a key. An IPv6 caller usually owns a whole /64 and may send every request from another
// address of it, so that is what is told from others.
var networkOf = fact{name: "address", text: func(x *exchange.Exchange) string {
	addr := x.Client.Unmap()
	if !addr.Is6() {
		return addr.String()
	}
	return netip.PrefixFrom(addr, 64).Masked().String()
}}

func leaf(x *exchange.Exchange) *x509.Certificate { return x.TLS.PeerCertificates[0] }

// fieldName is the canonical name of the header field that an expression calls name: x_foo is X-Foo.
func fieldName(name string) string {
	return http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-"))
}
