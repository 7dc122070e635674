// Package wicketgate links every module of the gateway into a Caddy binary: `xcaddy build --with
// github.com/wicketgate/wicketgate`. It has no code of its own.
package wicketgate

import (
	_ "github.com/wicketgate/wicketgate/modules/accesslog"
	_ "github.com/wicketgate/wicketgate/modules/command"
	_ "github.com/wicketgate/wicketgate/modules/framing"
	_ "github.com/wicketgate/wicketgate/modules/gateway"
	_ "github.com/wicketgate/wicketgate/modules/health"
	_ "github.com/wicketgate/wicketgate/modules/ledger"
	_ "github.com/wicketgate/wicketgate/modules/listener"
	_ "github.com/wicketgate/wicketgate/modules/logformat"
	_ "github.com/wicketgate/wicketgate/modules/tracing"

	// The stages, in the order of a request.

	_ "github.com/wicketgate/wicketgate/modules/auth"

	_ "github.com/wicketgate/wicketgate/modules/limit"

	_ "github.com/wicketgate/wicketgate/modules/validate"

	_ "github.com/wicketgate/wicketgate/modules/policy"

	_ "github.com/wicketgate/wicketgate/modules/transform"

	_ "github.com/wicketgate/wicketgate/modules/webhook"

	_ "github.com/wicketgate/wicketgate/modules/console"
)
