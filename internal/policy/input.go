package policy

import (
	"net/netip"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// inputDocument is what policies are given as input: every place of it, and how it is made. InputSchema says the same to
// authors; a test compares.
var inputDocument = member{members: []member{
	{name: "request", members: []member{
		{name: "method", make: value(always(func(x *exchange.Exchange) string { return x.Method }))},
		{name: "path", make: value(always(func(x *exchange.Exchange) string { return x.Path.Escaped }))},
		{name: "segments", make: value(texts(func(x *exchange.Exchange) []string { return x.Path.Segments }))},
		{name: "query", make: query},
		{name: "headers", make: func(c *cut) part { return lists{c, header, true} }},
		{name: "host", make: value(always(func(x *exchange.Exchange) string { return x.Host }))},
		{name: "scheme", make: value(always(func(x *exchange.Exchange) string { return x.Scheme }))},
		{name: "body", make: jsonBody},
		{name: "address", make: value(address(func(x *exchange.Exchange) netip.Addr { return x.Client }))},
	}},
	{name: "api", members: []member{
		{name: "name", make: value(always(func(x *exchange.Exchange) string { return x.API }))},
		{name: "version", make: value(always(func(x *exchange.Exchange) string { return x.Version }))},
		{name: "route", make: value(always(func(x *exchange.Exchange) string { return x.Route }))},
		{name: "parameters", make: func(c *cut) part { return parameters{c} }},
	}},
	{name: "consumer", there: func(x *exchange.Exchange) bool { return x.Consumer != nil }, members: []member{
		{name: "id", make: value(always(func(x *exchange.Exchange) string { return x.Consumer.ID }))},
		{name: "name", make: value(always(func(x *exchange.Exchange) string { return x.Consumer.Name }))},
		{name: "method", make: value(always(func(x *exchange.Exchange) string { return x.Consumer.Method }))},
		{name: "plan", make: value(text(func(x *exchange.Exchange) (string, bool) { return x.Consumer.Plan, x.Consumer.Plan != "" }))},
		{name: "claims", make: func(c *cut) part { return claims{c} }},
		{name: "scopes", make: value(texts(func(x *exchange.Exchange) []string { return x.Consumer.Scopes }))},
		{name: "groups", make: value(texts(func(x *exchange.Exchange) []string { return x.Consumer.Groups }))},
		{
			name: "certificate", certified: true, members: certificateMembers,
			there: func(x *exchange.Exchange) bool { return certificate(x) != nil },
		},
	}},
	{name: "time", make: value(integer(func(_ *exchange.Exchange, now time.Time) (int64, bool) { return now.UnixNano(), true }))},

	// The rest is the request in the words of Envoy, as opa-envoy-plugin gives it to policies.
	{name: "attributes", members: attributes},
	{name: "parsed_path", make: value(texts(parsedPath))},
	{name: "parsed_query", make: query},
	{name: "parsed_body", make: parsedBody},
	{name: "truncated_body", make: value(constant{ast.Boolean(false)})},
	{name: "source_principal", certified: true, make: ofCertificate(principal)},
	{name: "version", members: []member{
		{name: "encoding", make: value(constant{ast.String("protojson")})},
		{name: "ext_authz", make: value(constant{ast.String("v3")})},
	}},
}}

func header(x *exchange.Exchange) map[string][]string { return x.Header }

func query(c *cut) part {
	return lists{c, func(x *exchange.Exchange) map[string][]string { return x.Query.Values() }, false}
}
