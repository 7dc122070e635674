package policy

import (
	"encoding/json"
	"strings"

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
//		consumer <placeholder>
//		groups   <placeholder> [<separator>]
//		shadow   <query>|<folder>|<bundle>
//		report_only
//	}
//
// The words mean:
//
//   - query is the package or rule that is asked: data.httpapi.authz.
//   - consumer is who calls, whoever an earlier stage found: {rp.header.Remote-User} after forward_auth, a placeholder
//     {http.auth.user.…} of a plugin that authenticates, or {vars.…}. Where it is empty, nobody is known. Default: who
//     api_auth found; else the user of basic_auth; else whom a verified client certificate names.
//   - groups are that caller's, separated by commas unless another separator is given. Default: none.
//   - shadow is a candidate: another query, which begins with "data.", or a folder or a bundle (*.tar.gz) of which the
//     same query is asked. It is evaluated beside the live one, off the request's path, and changes nothing; differences
//     are counted and logged, and caddy gateway shadow tells whether it can take over. Its mistakes are warnings.
//     Default: none.
//   - report_only denies and changes nothing, but logs and counts what would have been denied.
//
// The policies are those of the global option api_gateway. The block may be left out.
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the directive's name
	args, err := stage.Arguments(d, 1, 1, "api_policy <query>, such as data.httpapi.authz")
	if err != nil {
		return err
	}
	h.Query = args[0]
	words := stage.NewWords("api_policy", []string{"consumer", "groups", "shadow", "report_only"}, nil)
	for d.NextBlock(0) {
		word, err := words.Take(d)
		if err == nil {
			err = words.Once(d, word)
		}
		if err == nil {
			err = h.word(d, word)
		}
		if err != nil {
			return err
		}
	}
	if h.Consumer != nil && h.Consumer.ID == "" {
		return d.Err("groups needs consumer: they are of whom it names")
	}
	return nil
}

func (h *Handler) word(d *caddyfile.Dispenser, word string) error {
	if word == "report_only" {
		h.ReportOnly = true
		_, err := stage.Arguments(d, 0, 0, word)
		return err
	}
	if word == "shadow" {
		args, err := stage.Arguments(d, 1, 1, "shadow <query>|<folder>|<bundle>, such as data.httpapi.next")
		if err != nil {
			return err
		}
		h.Shadow = shadowOf(d, args[0])
		return nil
	}
	usage, most := "consumer <placeholder>, such as {rp.header.Remote-User}", 1
	if word == "groups" {
		usage, most = "groups <placeholder> [<separator>], such as {rp.header.Remote-Groups}", 2
	}
	args, err := stage.Arguments(d, 1, most, usage)
	if err != nil {
		return err
	}
	name, ok := braced(args[0])
	if !ok {
		return d.Errf("expected: %s", usage)
	}
	if err := trusted(name); err != nil {
		return d.Errf("%s: %v", word, err)
	}
	if h.Consumer == nil {
		h.Consumer = &Consumer{}
	}
	if word == "consumer" {
		h.Consumer.ID = name
		return nil
	}
	h.Consumer.Groups = name
	if len(args) == 2 {
		h.Consumer.Separator = args[1]
	}
	return nil
}

// braced takes the braces off a placeholder, of which a word must be one and nothing else.
func braced(word string) (name string, ok bool) {
	name, opened := strings.CutPrefix(word, "{")
	name, closed := strings.CutSuffix(name, "}")
	return name, opened && closed && name != "" && !strings.ContainsAny(name, "{}")
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
