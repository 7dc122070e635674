package policy

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	tells "github.com/wicketgate/wicketgate/internal/certificate"
	"github.com/wicketgate/wicketgate/internal/exchange"
)

// fullExchange is a request of which everything is known, but for its body's being JSON in the eyes of Envoy.
func fullExchange() *exchange.Exchange {
	return &exchange.Exchange{
		Context:    context.WithValue(context.Background(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 8443}),
		ID:         "5ef4ed0e-6d27-4d2c-9e6c-0f2a0d3a7d11",
		Time:       time.Unix(1790000000, 5),
		Method:     "PUT",
		Scheme:     "https",
		Host:       "shop.example",
		Port:       ":8443",
		Path:       exchange.Path{Escaped: "/api/orders/a%20b", Segments: []string{"api", "orders", "a b"}},
		Query:      exchange.Query{Raw: "tag=x&tag=y&page=2"},
		Header:     http.Header{"If-Match": {`"1"`}, "X-Tenant": {"a", "b"}},
		Peer:       "192.0.2.7:41000",
		Client:     netip.MustParseAddr("192.0.2.7"),
		Proto:      "HTTP/2.0",
		TLS:        theCertificate.state,
		API:        "orders",
		Version:    "v2",
		Route:      "PUT /orders/{id}",
		Parameters: []exchange.Parameter{{Name: "id", Value: "a b"}},
		Target:     "/api/orders/a%20b?tag=x&tag=y&page=2",
		Consumer: &exchange.Consumer{
			ID: "ada", Name: "Ada", Method: "jwt", Plan: "gold", Scopes: []string{"orders.write"}, Groups: []string{"staff"},
			Claims: map[string]any{"sub": "ada", "exp": json.Number("1790000600"), "roles": []any{"clerk"}, "tenant": map[string]any{"n": 1.5}},
		},
		Body: exchange.Body{Read: true, Valid: true, Length: 34, Bytes: []byte(`{"total":1.10,"lines":[{"qty":2}]}`)},
	}
}

// theCertificate is what a caller may have.
var theCertificate = newCertificate("ada", 4711)

type testCertificate struct {
	*x509.Certificate
	state *tls.ConnectionState
}

func newCertificate(name string, serial int64) testCertificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		Subject:      pkix.Name{CommonName: name, Organization: []string{"Acme"}},
		NotBefore:    time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC),
		DNSNames: []string{name + ".example"}, EmailAddresses: []string{name + "@acme.example"},
		URIs:        []*url.URL{{Scheme: "spiffe", Host: "acme.example", Path: "/" + name}},
		IPAddresses: []net.IP{net.IPv4(192, 0, 2, 7), net.ParseIP("2001:db8::7")},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err == nil {
		c, err = x509.ParseCertificate(der)
	}
	if err != nil {
		panic(err)
	}
	return testCertificate{c, &tls.ConnectionState{
		ServerName: "shop.example", PeerCertificates: []*x509.Certificate{c}, VerifiedChains: [][]*x509.Certificate{{c}},
	}}
}

// fullInput is what policies are given of it; CERT and PRINT stand for the certificate in the words of Envoy and for its
// fingerprint.
const fullInput = `{
	"request": {
		"method": "PUT", "path": "/api/orders/a%20b", "segments": ["api", "orders", "a b"],
		"query": {"tag": ["x", "y"], "page": ["2"]},
		"headers": {"if-match": ["\"1\""], "x-tenant": ["a", "b"]},
		"host": "shop.example", "scheme": "https", "address": "192.0.2.7",
		"body": {"total": 1.10, "lines": [{"qty": 2}]}
	},
	"api": {"name": "orders", "version": "v2", "route": "PUT /orders/{id}", "parameters": {"id": "a b"}},
	"consumer": {
		"id": "ada", "name": "Ada", "method": "jwt", "plan": "gold", "scopes": ["orders.write"], "groups": ["staff"],
		"claims": {"sub": "ada", "exp": 1790000600, "roles": ["clerk"], "tenant": {"n": 1.5}},
		"certificate": {
			"subject": "CN=ada,O=Acme", "issuer": "CN=ada,O=Acme", "serial": "4711", "fingerprint": "PRINT",
			"not_before": "2026-01-01T00:00:00Z", "not_after": "2036-01-01T00:00:00Z",
			"sans": {"dns": ["ada.example"], "email": ["ada@acme.example"], "uri": ["spiffe://acme.example/ada"], "ip": ["192.0.2.7", "2001:db8::7"]}
		}
	},
	"time": 1790000000000000005,
	"attributes": {
		"request": {
			"time": {"seconds": 1790000000, "nanos": 5},
			"http": {
				"id": "5ef4ed0e-6d27-4d2c-9e6c-0f2a0d3a7d11", "method": "PUT", "scheme": "https", "protocol": "HTTP/2",
				"host": "shop.example:8443", "path": "/api/orders/a%20b?tag=x&tag=y&page=2",
				"headers": {
					":authority": "shop.example:8443", ":method": "PUT", ":path": "/api/orders/a%20b?tag=x&tag=y&page=2", ":scheme": "https",
					"if-match": "\"1\"", "x-tenant": "a,b"
				},
				"size": 34, "body": "{\"total\":1.10,\"lines\":[{\"qty\":2}]}"
			}
		},
		"source": {
			"address": {"socketAddress": {"address": "192.0.2.7", "portValue": 41000}},
			"principal": "spiffe://acme.example/ada", "certificate": "CERT"
		},
		"destination": {"address": {"socketAddress": {"address": "192.0.2.1", "portValue": 8443}}},
		"metadataContext": {},
		"tlsSession": {"sni": "shop.example"}
	},
	"parsed_path": ["api", "orders", "a b"],
	"parsed_query": {"tag": ["x", "y"], "page": ["2"]},
	"parsed_body": {"total": 1.10, "lines": [{"qty": 2}]},
	"truncated_body": false,
	"source_principal": "spiffe://acme.example/ada",
	"version": {"encoding": "protojson", "ext_authz": "v3"}
}`

// pathsOf is the set of places written thus: "request.headers.x-tenant"; "" is all of input.
func pathsOf(places ...string) *paths {
	p := &paths{}
	for _, place := range places {
		if place == "" {
			p.add()
		} else {
			p.add(strings.Split(place, ".")...)
		}
	}
	return p
}

func TestInput(t *testing.T) {
	full := strings.NewReplacer("CERT", encoded(theCertificate.Certificate), "PRINT", tells.Fingerprint(theCertificate.Certificate)).Replace(fullInput)
	for _, c := range []struct {
		name    string
		reached []string
		change  func(*exchange.Exchange)
		want    string
	}{
		{"everything", []string{""}, nil, full},
		{"nothing", nil, nil, `{}`},
		{
			"anonymous, nothing sent", []string{"request", "api", "consumer", "time"},
			func(x *exchange.Exchange) { *x = exchange.Exchange{Method: "GET", Time: time.Unix(0, 1)} },
			`{"request":{"method":"GET","path":"","segments":[],"query":{},"headers":{},"host":"","scheme":""},"api":{"name":"","version":"","route":"","parameters":{}},"time":1}`,
		},
		{
			"the same to Envoy", []string{"attributes", "parsed_path", "parsed_query", "parsed_body", "source_principal"},
			func(x *exchange.Exchange) {
				*x = exchange.Exchange{Method: "GET", Path: exchange.Path{Escaped: "/"}, Time: time.Unix(1, 0)}
			},
			`{
				"attributes": {
					"request": {"time": {"seconds": 1}, "http": {"method": "GET", "host": "", "path": "/", "headers": {":authority": "", ":method": "GET", ":path": "/", ":scheme": ""}}},
					"source": {}, "destination": {}, "metadataContext": {}
				},
				"parsed_path": [""], "parsed_query": {}, "parsed_body": null
			}`,
		},
		{
			"a key, not a token", []string{"consumer.claims", "consumer.plan", "consumer.scopes", "consumer.id"},
			func(x *exchange.Exchange) { x.Consumer = &exchange.Consumer{ID: "acme"} },
			`{"consumer":{"id":"acme","scopes":[]}}`,
		},
		{
			"named headers", []string{"request.headers.x-tenant", "request.headers.X-Tenant", "request.headers.x-none"}, nil,
			`{"request":{"headers":{"x-tenant":["a","b"]}}}`,
		},
		{
			"named headers of Envoy", []string{"attributes.request.http.headers.x-tenant", "attributes.request.http.headers.:path", "attributes.request.http.headers.X-Tenant"}, nil,
			`{"attributes":{"request":{"http":{"headers":{"x-tenant":"a,b",":path":"/api/orders/a%20b?tag=x&tag=y&page=2"}}}}}`,
		},
		{
			"cookies", []string{"attributes.request.http.headers.cookie"}, func(x *exchange.Exchange) { x.Header["Cookie"] = []string{"a=1", "b=2"} },
			`{"attributes":{"request":{"http":{"headers":{"cookie":"a=1; b=2"}}}}}`,
		},
		{
			"a field with a name that no message has", []string{"request.headers"}, func(x *exchange.Exchange) { x.Header = http.Header{"x-tenant": {"c"}, "A b": {"d"}} },
			`{"request":{"headers":{}}}`,
		},
		{
			"some of what is deeper", []string{"consumer.claims.tenant.n", "consumer.claims.none", "request.body.total", "request.query.page", "api.parameters.none"}, nil,
			`{"request":{"query":{"page":["2"]},"body":{"total":1.10}},"api":{"parameters":{}},"consumer":{"claims":{"tenant":{"n":1.5}}}}`,
		},
		{
			"deeper than the value", []string{"request.method.x", "consumer.scopes.x", "consumer.claims.roles.x"}, nil,
			`{"request":{"method":"PUT"},"consumer":{"scopes":["orders.write"],"claims":{"roles":["clerk"]}}}`,
		},
		{
			"a claim of another type", []string{"consumer.claims.t.a"},
			func(x *exchange.Exchange) {
				x.Consumer.Claims = map[string]any{"t": struct {
					A int `json:"a"`
					B int `json:"b"`
				}{1, 2}}
			},
			`{"consumer":{"claims":{"t":{"a":1}}}}`,
		},
		{
			"a certificate that nobody verified", []string{"consumer.certificate", "attributes.source.certificate", "source_principal"},
			func(x *exchange.Exchange) { x.TLS = &tls.ConnectionState{PeerCertificates: x.TLS.PeerCertificates} },
			`{"attributes":{"source":{}},"consumer":{}}`,
		},
		{
			"behind a proxy", []string{"attributes.source.address"}, func(x *exchange.Exchange) { x.Peer = "10.0.0.1:40000" },
			`{"attributes":{"source":{"address":{"socketAddress":{"address":"192.0.2.7","portValue":0}}}}}`,
		},
		{
			"over HTTP/3", []string{"attributes.request.http.protocol", "attributes.destination"},
			func(x *exchange.Exchange) {
				x.Proto = "HTTP/3.0"
				x.Context = context.WithValue(context.Background(), http.LocalAddrContextKey, &net.UDPAddr{IP: net.IPv6loopback, Port: 443})
			},
			`{"attributes":{"request":{"http":{"protocol":"HTTP/3"}},"destination":{"address":{"socketAddress":{"address":"::1","portValue":443}}}}}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := fullExchange()
			if c.change != nil {
				c.change(x)
			}
			got, err := newDocument(pathsOf(c.reached...)).build(x, x.Time)
			if err != nil {
				t.Fatal(err)
			}
			if want := ast.MustParseTerm(c.want).Value; got.Compare(want) != 0 {
				t.Errorf("got\n%v\nwant\n%v", got, want)
			}
		})
	}
}

// TestSchemaSaysWhatIsBuilt compares the schema that policies are checked against with the places that are built.
func TestSchemaSaysWhatIsBuilt(t *testing.T) {
	type node struct {
		AdditionalProperties *bool
		Properties           map[string]*node
	}
	var schema node
	if err := json.Unmarshal(InputSchema, &schema); err != nil {
		t.Fatal(err)
	}
	var compare func(at string, m *member, n *node)
	compare = func(at string, m *member, n *node) {
		if len(m.members) > maxMembers {
			t.Errorf("%s has %d members, room is for %d", at, len(m.members), maxMembers)
		}
		if (n.Properties != nil) != (m.members != nil) || (n.Properties != nil) != (n.AdditionalProperties != nil && !*n.AdditionalProperties) {
			t.Errorf("%s: the schema and what is built differ in what members it has", at)
		}
		var built []string
		for i := range m.members {
			inner := &m.members[i]
			built = append(built, inner.name)
			if said := n.Properties[inner.name]; said != nil {
				compare(at+"."+inner.name, inner, said)
			}
		}
		slices.Sort(built)
		if said := slices.Sorted(maps.Keys(n.Properties)); !reflect.DeepEqual(built, said) {
			t.Errorf("%s: built are %v, the schema has %v", at, built, said)
		}
	}
	compare("input", &inputDocument, &schema)
}

func TestNeeds(t *testing.T) {
	for _, c := range []struct {
		reached []string
		want    exchange.Needs
	}{
		{nil, exchange.Needs{}},
		{[]string{"request.method", "consumer", "attributes.request.http.method"}, exchange.Needs{}},
		{[]string{""}, exchange.Needs{Header: []string{"*"}, Query: true, Body: exchange.JSON}},
		{[]string{"request.body.total", "parsed_query.a"}, exchange.Needs{Query: true, Body: exchange.JSON}},
		{[]string{"request.headers.x-b", "request.headers.a", "request.headers.A", "attributes.request.http.headers.a"}, exchange.Needs{Header: []string{"A", "X-B"}}},
		{[]string{"request.headers", "attributes.request.http.headers.a"}, exchange.Needs{Header: []string{"*"}}},
		{[]string{"attributes.request.http.headers.:path"}, exchange.Needs{Query: true}},
		{[]string{"parsed_body.total"}, exchange.Needs{Header: []string{"Content-Type"}, Body: exchange.Whole}},
		{[]string{"attributes.request.http"}, exchange.Needs{Header: []string{"*"}, Query: true, Body: exchange.Whole}},
	} {
		if got := newDocument(pathsOf(c.reached...)).needs(); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v: got %+v, want %+v", c.reached, got, c.want)
		}
	}
}
