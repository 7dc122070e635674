package admit

import (
	"net/http"
	"strings"
)

// kind is what becomes of a header field of a certain name.
type kind uint8

const (
	ordinary   kind = iota
	guarded         // passes, but no other spelling of its name does
	single          // takes one value: repeats are refused when they differ, joined when they do not
	once            // takes one value: a second is refused whatever it says
	strip           // never a client's to send: taken off
	override        // asks for another method than the one routed and authorized: refused
	connection      // rewritten, see Connection below
	upgrade         // only to a WebSocket
	te              // only "trailers", which some servers (gRPC) insist on
	hostField       // HTTP/2 lets it stand beside :authority: refused when it differs, else taken off
	protocol        // the pseudo-header of an extended CONNECT
)

// protocolField is where net/http leaves the :protocol pseudo-header of RFC 8441. It is no token, so no client can
// send a field of this name.
const protocolField = ":protocol"

// The table of field names. A name in it holds for every spelling that some server folds onto it: "X_User" and
// "x.user" are refused because "X-User" stands here.
var table = []struct {
	kind  kind
	names []string
}{
	// Fields of one hop (RFC 9110, section 7.6.1) end here. Proxy-Authorization is meant for a forward proxy, which
	// this is not; Proxy would become HTTP_PROXY in a CGI program; HTTP2-Settings belongs to an upgrade to h2c.
	{strip, []string{"Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "Trailer", "Proxy", "Http2-Settings"}},
	{connection, []string{"Connection"}},
	{upgrade, []string{"Upgrade"}},
	{te, []string{"Te"}},
	{hostField, []string{"Host"}},

	// Where a request came from, as a proxy in front would tell it. Whom to trust is Caddy's to know: it overwrites
	// the three guarded ones towards the upstream, and gives the caller's address.
	{guarded, []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"}},
	{strip, []string{"Forwarded", "X-Real-Ip", "X-Client-Ip", "True-Client-Ip", "X-True-Client-Ip", "X-Cluster-Client-Ip", "Cf-Connecting-Ip",
		"Fastly-Client-Ip", "X-Azure-Clientip", "X-Originating-Ip", "X-Remote-Ip", "X-Remote-Addr", "X-Host", "X-Scheme", "Front-End-Https"}},

	// Another address than the one routed.
	{strip, []string{"X-Original-Url", "X-Original-Uri", "X-Original-Host", "X-Original-Method", "X-Rewrite-Url", "X-Envoy-Original-Path"}},
	{override, []string{"X-Http-Method-Override", "X-Http-Method", "X-Method-Override"}},

	// Who calls: only the gateway says so. Client-Cert is RFC 9440; the four of Remote- are what Authelia tells, and
	// Caddy's forward_auth copies.
	{strip, []string{"Remote-User", "Remote-Groups", "Remote-Name", "Remote-Email", "Client-Cert", "Client-Cert-Chain", "X-Anonymous-Consumer", "X-Ms-Client-Principal",
		"X-Jwt-Assertion", "X-Goog-Iap-Jwt-Assertion", "X-Endpoint-Api-Userinfo", "X-Apigateway-Api-Userinfo"}},

	// Fields of one value. Lists (If-Match, Accept, Content-Encoding, Cookie over HTTP/2) are not among them.
	{once, []string{"Authorization"}},
	{single, []string{"Content-Type", "Content-Length", "Content-Range", "Content-Location", "Idempotency-Key", "Date", "From", "Origin", "Range",
		"Referer", "User-Agent", "If-Range", "If-Modified-Since", "If-Unmodified-Since", "Max-Forwards", "Expect", "Traceparent",
		"Access-Control-Request-Method", "Sec-Websocket-Key", "Sec-Websocket-Version"}},
	{guarded, []string{"Cookie", "Transfer-Encoding", "Content-Encoding", "Accept", "If-Match", "If-None-Match", "Cache-Control", "Via", "Dpop"}},
}

// prefixes are families of names that are taken off whole, whatever follows: identity as common gateways and proxies
// write it, and what is left of X-Forwarded-* besides the guarded three.
var prefixes = []string{
	"X-Forwarded-", "X-User", "X-Consumer-", "X-Credential-", "X-Authenticated-", "X-Auth-Request-", "X-Auth-User",
	"X-Remote-User", "X-Remote-Group", "X-Remote-Extra-", "X-Client-Cert", "X-Ssl-Client", "X-Webauth-", "X-Goog-Authenticated-User-", "X-Amzn-Oidc-",
	"X-Ms-Client-Principal-", "X-Authentik-", "X-Pomerium-", "X-Vouch-", "Ssl-Client", "Cf-Access-", "Tailscale-User-", "Remote-User-",
}

// tabulate makes the lookup by canonical name. Credentials come last: an operator who names one has decided.
func tabulate(reserved, credentials []string) map[string]kind {
	names := map[string]kind{protocolField: protocol}
	for _, row := range table {
		for _, name := range row.names {
			names[name] = row.kind
		}
	}
	for _, name := range reserved {
		names[fold(name)] = strip
	}
	for _, name := range credentials {
		names[fold(name)] = once
	}
	return names
}

// kind tells what becomes of a field, and whether its name is another's in disguise.
func (a *Admit) kind(name string) (k kind, disguised bool) {
	if k, ok := a.names[name]; ok {
		return k, false
	}
	canonical := name
	if !isCanonical(name) {
		canonical = fold(name)
		if k := a.names[canonical]; k != ordinary {
			return k, true
		}
	}
	// All prefixes begin with one of these letters, most fields' names do not.
	switch canonical[0] {
	case 'X', 'S', 'C', 'T', 'R':
		for _, prefix := range prefixes {
			if strings.HasPrefix(canonical, prefix) {
				return strip, canonical != name
			}
		}
	}
	return ordinary, false
}

// isCanonical says whether name is spelt with letters, digits and hyphens alone, in net/http's letter case.
func isCanonical(name string) bool {
	upper := true
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case c == '-':
		case '0' <= c && c <= '9':
		case 'A' <= c && c <= 'Z':
			if !upper {
				return false
			}
		case 'a' <= c && c <= 'z':
			if upper {
				return false
			}
		default:
			return false
		}
		upper = c == '-'
	}
	return name != ""
}

// fold gives the canonical name that the laxest server would read: CGI programs see one variable for all bytes that
// are neither letter nor digit.
func fold(name string) string {
	return http.CanonicalHeaderKey(strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' {
			return r
		}
		return '-'
	}, name))
}
