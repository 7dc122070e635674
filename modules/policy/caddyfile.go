package policy

import (
	"encoding/json"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/wicketgate/wicketgate/modules/stage"
)

func init() {
	httpcaddyfile.RegisterHandlerDirective("api_policy", parse)
}

// missing says what api_policy cannot do without.
const missing = "needs policies, and none are configured: name their folder in the global option api_gateway, policies <folder>"

// UnmarshalCaddyfile sets up the handler:
//
//	api_policy [<matcher>] <query> {
//		report_only
//	}
//
// The words mean:
//
//   - query is the package or rule that is asked: data.httpapi.authz.
//   - report_only denies nothing, but logs and counts what would have been denied.
//
// The policies are those of the global option api_gateway. The block may be left out.
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the directive's name
	args, err := stage.Arguments(d, 1, 1, "api_policy <query>, such as data.httpapi.authz")
	if err != nil {
		return err
	}
	h.Query = args[0]
	words := stage.NewWords("api_policy", []string{"report_only"}, []string{"shadow"})
	for d.NextBlock(0) {
		word, err := words.Take(d)
		if err == nil {
			err = words.Once(d, word)
		}
		if err == nil {
			_, err = stage.Arguments(d, 0, 0, "report_only")
		}
		if err != nil {
			return err
		}
		h.ReportOnly = true
	}
	return nil
}

func parse(helper httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	h := &Handler{}
	begin := *helper.Dispenser
	if err := h.UnmarshalCaddyfile(helper.Dispenser); err != nil {
		return nil, err
	}
	if !configured(helper.Option("api_gateway")) {
		begin.Next()
		return nil, begin.Err("api_policy " + missing)
	}
	return h, nil
}

// configured says whether the global option names policies.
func configured(option any) bool {
	app, ok := option.(httpcaddyfile.App)
	if !ok {
		return false
	}
	var config struct {
		Policies json.RawMessage `json:"policies"`
	}
	return json.Unmarshal(app.Value, &config) == nil && config.Policies != nil
}

// Interface guards
var _ caddyfile.Unmarshaler = (*Handler)(nil)
