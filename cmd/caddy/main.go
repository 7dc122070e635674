// Command caddy is Caddy with its standard modules, the gateway, and the backend of the example shop, which only
// the quick start uses. Binaries to deploy are made by cmd/build and leave the shop out.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "github.com/caddyserver/caddy/v2/modules/standard"
	_ "github.com/wicketgate/wicketgate"
	_ "github.com/wicketgate/wicketgate/examples/shop/backend"
)

func main() {
	caddycmd.Main()
}
