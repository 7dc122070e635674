package policy

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// attributes are the request as Envoy tells of it to its external authorization, in the form in which opa-envoy-plugin
// (v1, ext_authz v3) hands that on: numbers are numbers, and what is empty is not there. What only an Envoy could know
// is never there.
var attributes = []member{
	{name: "request", members: []member{
		{name: "time", members: []member{
			{name: "seconds", make: value(integer(func(_ *exchange.Exchange, now time.Time) (int64, bool) { return present(now.Unix()) }))},
			{name: "nanos", make: value(integer(func(_ *exchange.Exchange, now time.Time) (int64, bool) { return present(int64(now.Nanosecond())) }))},
		}},
		{name: "http", members: []member{
			{name: "id", make: value(text(func(x *exchange.Exchange) (string, bool) { return x.ID, x.ID != "" }))},
			{name: "method", make: value(text(func(x *exchange.Exchange) (string, bool) { return x.Method, x.Method != "" }))},
			{name: "headers", make: func(c *cut) part { return newFields(c) }},
			{name: "path", make: value(joined(target))},
			{name: "host", make: value(joined(authority))},
			{name: "scheme", make: value(text(func(x *exchange.Exchange) (string, bool) { return x.Scheme, x.Scheme != "" }))},
			{name: "query"},
			{name: "fragment"},
			{name: "size", make: value(integer(func(x *exchange.Exchange, _ time.Time) (int64, bool) { return present(x.Body.Length) }))},
			{name: "protocol", make: value(text(protocol))},
			{name: "body", make: bodyText},
			{name: "rawBody"},
		}},
	}},
	{name: "source", members: []member{
		{name: "address", there: func(x *exchange.Exchange) bool { return x.Client.IsValid() }, members: socket(
			func(x *exchange.Exchange) netip.Addr { return x.Client },
			func(x *exchange.Exchange) uint16 {
				if peer, err := netip.ParseAddrPort(x.Peer); err == nil && peer.Addr().Unmap().WithZone("") == x.Client {
					return peer.Port()
				}
				return 0 // as Envoy has it where a proxy told the address
			},
		)},
		{name: "principal", certified: true, make: ofCertificate(principal)},
		{name: "certificate", certified: true, make: ofCertificate(encoded)},
		{name: "service"},
		{name: "labels"},
	}},
	{name: "destination", members: []member{
		{name: "address", there: func(x *exchange.Exchange) bool { return local(x).IsValid() }, members: socket(
			func(x *exchange.Exchange) netip.Addr { return local(x).Addr().Unmap() },
			func(x *exchange.Exchange) uint16 { return local(x).Port() },
		)},
		{name: "principal"},
		{name: "service"},
		{name: "labels"},
	}},
	{name: "contextExtensions"},
	{name: "metadataContext", members: []member{{name: "filterMetadata"}}},
	{name: "routeMetadataContext"},
	{name: "tlsSession", there: func(x *exchange.Exchange) bool { return x.TLS != nil }, members: []member{
		{name: "sni", make: value(text(func(x *exchange.Exchange) (string, bool) { return x.TLS.ServerName, x.TLS.ServerName != "" }))},
	}},
}

// present gives a number, nothing for the one that protobuf takes for nothing.
func present(n int64) (int64, bool) { return n, n != 0 }

func socket(addr func(*exchange.Exchange) netip.Addr, port func(*exchange.Exchange) uint16) []member {
	return []member{{name: "socketAddress", members: []member{
		{name: "address", make: value(address(addr))},
		{name: "portValue", make: value(integer(func(x *exchange.Exchange, _ time.Time) (int64, bool) { return int64(port(x)), true }))},
	}}}
}

// target is the canonical path with the query.
func target(x *exchange.Exchange) [3]string {
	if x.Query.Raw == "" {
		return [3]string{x.Path.Escaped}
	}
	return [3]string{x.Path.Escaped, "?", x.Query.Raw}
}

// authority is the host with the port, as far as the caller wrote one.
func authority(x *exchange.Exchange) [3]string { return [3]string{x.Host, x.Port} }

// parsedPath is as the plugin cuts it: the root has one empty segment, and a slash at the end another.
func parsedPath(x *exchange.Exchange) []string {
	switch n := len(x.Path.Segments); {
	case n == 0:
		return noSegments
	case strings.HasSuffix(x.Path.Escaped, "/"):
		return append(x.Path.Segments[:n:n], "")
	}
	return x.Path.Segments
}

var noSegments = []string{""}

// protocol is as Envoy calls it, which leaves out the minor version where there is no other.
func protocol(x *exchange.Exchange) (string, bool) {
	switch x.Proto {
	case "HTTP/2.0":
		return "HTTP/2", true
	case "HTTP/3.0", "websocket": // RFC 9220, as quic-go tells of it
		return "HTTP/3", true
	}
	return x.Proto, x.Proto != ""
}

// local is the address that the request came to.
func local(x *exchange.Exchange) netip.AddrPort {
	if x.Context == nil {
		return netip.AddrPort{}
	}
	switch a := x.Context.Value(http.LocalAddrContextKey).(type) {
	case *net.TCPAddr:
		return a.AddrPort()
	case *net.UDPAddr: // HTTP/3
		return a.AddrPort()
	}
	return netip.AddrPort{}
}
