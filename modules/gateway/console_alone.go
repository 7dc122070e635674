package gateway

import (
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/wicketgate/wicketgate/internal/console"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// shownVar is the variable of a request that is not to be shown once more as one of stages that stand alone.
const shownVar = "api_console_shown"

// Shown says that consoles need not show a request as one of stages that stand alone: it came to an API, or is a console's.
func Shown(r *http.Request) { caddyhttp.SetVar(r.Context(), shownVar, true) }

// Passed shows consoles a request that came through stages that stand alone, once it has been answered with a status.
func (a *App) Passed(r *http.Request, status int, broken bool, took time.Duration) {
	live := a.live.Load()
	if live == nil || caddyhttp.GetVar(r.Context(), shownVar) != nil {
		return
	}
	live.Traffic.Record(&console.Call{Key: console.Key{API: console.Alone}, Status: status, Broken: broken, Took: took})
}

// Refused shows consoles a request that a directive has refused whose stage stands alone.
func (a *App) Refused(directive string, r *http.Request, x *exchange.Exchange, prob *problem.Problem) {
	live := a.live.Load()
	if live == nil || !live.Refused.Wants(console.Key{API: console.Alone, Version: directive}, time.Now()) {
		return
	}
	to, header, body := refusalOf(r, x.Query.Hidden, x, prob)
	to.Alone = directive
	if text, err := prob.MarshalJSON(); err == nil {
		to.Answer = []byte(Concealed().Text(string(text)))
	}
	live.Refused.Keep(to, header, body)
}
