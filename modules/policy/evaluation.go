package policy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/modules/gateway"
	"github.com/wicketgate/wicketgate/modules/stage"
)

// Evaluation is how policies are evaluated, wherever they come from.
type Evaluation struct {
	// How long one decision may take, after which it is a denial. Default: 100ms. Bound: 10s.
	Limit caddy.Duration `json:"limit,omitempty"`

	// How many bytes of decisions are remembered for equal requests; a negative number for none. Default: 32 MiB. Bound:
	// 1 GiB.
	Cache int64 `json:"cache,omitempty"`

	// Built-in functions that policies may call although they reach into the network or the process, or answer the same
	// question differently each time: http.send, net.lookup_ip_addr, opa.runtime, rand.intn. Decisions that can reach one are
	// not remembered. Default: none.
	AllowBuiltins []string `json:"allow_builtins,omitempty"`

	// Where policies come from that are tried out beside these: for each decision the same query is asked of them too, off
	// the request's path, and differences are counted and logged. Default: none.
	ShadowRaw json.RawMessage `json:"shadow,omitempty" caddy:"namespace=api_gateway.policies inline_key=source"`

	tried tried
}

// evaluationWords are its words in a Caddyfile.
var evaluationWords = []string{"limit", "cache", "allow_builtin", "shadow"}

// provision finds the candidate.
func (e *Evaluation) provision(ctx caddy.Context) error {
	if e.ShadowRaw == nil {
		return nil
	}
	guest, err := ctx.LoadModule(e, "ShadowRaw")
	if err != nil {
		return fmt.Errorf("loading the candidate for policies: %w", err)
	}
	return e.tried.set(guest)
}

// Candidate implements gateway.Candidate.
func (e *Evaluation) Candidate() (from gateway.PolicySource, called string) {
	return e.tried.source, e.tried.called()
}

func (e *Evaluation) options() policy.Options {
	return policy.Options{Limit: time.Duration(e.Limit), Cache: int(e.Cache), Allow: e.AllowBuiltins}
}

// Allowed are the built-in functions that policies may call although they are refused otherwise.
func (e *Evaluation) Allowed() []string { return e.AllowBuiltins }

// word reads the arguments of one of evaluationWords.
func (e *Evaluation) word(d *caddyfile.Dispenser, word string) error {
	switch word {
	case "limit":
		args, err := stage.Arguments(d, 1, 1, "limit <time>")
		if err != nil {
			return err
		}
		limit, err := caddy.ParseDuration(args[0])
		if err != nil || limit <= 0 {
			return d.Errf("limit takes a time such as 100ms, not %q", args[0])
		}
		if limit > policy.MaxLimit {
			return d.Errf("limit: a decision may be given at most %s, not %s", policy.MaxLimit, args[0])
		}
		e.Limit = caddy.Duration(limit)
	case "cache":
		args, err := stage.Arguments(d, 1, 1, "cache <size> | off")
		if err != nil {
			return err
		}
		if e.Cache = -1; args[0] != "off" {
			e.Cache, err = stage.Size(d, args[0])
		}
		return err
	case "allow_builtin":
		known := policy.Refusable()
		args, err := stage.Arguments(d, 1, len(known), "allow_builtin <names...>, such as http.send")
		if err != nil {
			return err
		}
		for _, name := range args {
			if !slices.Contains(known, name) {
				return d.Errf("allow_builtin: %q is not a built-in function that is refused otherwise.%s Those are: %s", name, diagnostic.DidYouMean(name, known), strings.Join(known, ", "))
			}
		}
		e.AllowBuiltins = args
	case "shadow":
		raw, err := parseShadow(d)
		e.ShadowRaw = raw
		return err
	}
	return nil
}
