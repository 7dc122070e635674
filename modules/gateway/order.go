package gateway

import "github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

// Every directive's place among Caddy's, in one list: packages initialise in an order of their own, and places given
// one by one would come out in that order.
//
// The single stages stand in the order of a request, after Caddy's own authentication, whose users they see, and
// before everything that answers. The gateway stands before handle, so that what no API claims is handled as usual, and the
// console before the gateway, so that no API claims its path. The health route stands before whatever sends requests
// elsewhere or asks for credentials: balancers have none. Traces begin where Caddy's begin, within
// what the access log tells of.
func init() {
	httpcaddyfile.RegisterDirectiveOrder("api_access_log", httpcaddyfile.Before, "tracing")
	httpcaddyfile.RegisterDirectiveOrder("api_tracing", httpcaddyfile.After, "tracing")
	for _, directive := range []string{"api_auth", "api_limit", "api_validate", "api_policy", "api_transform", "api_webhook"} {
		httpcaddyfile.RegisterDirectiveOrder(directive, httpcaddyfile.Before, "request_header")
	}
	httpcaddyfile.RegisterDirectiveOrder("api_health", httpcaddyfile.Before, "redir")
	for _, directive := range []string{"api_console", "api_gateway"} {
		httpcaddyfile.RegisterDirectiveOrder(directive, httpcaddyfile.Before, "handle")
	}
}
