package webhook

import (
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/webhook"
	"github.com/wicketgate/wicketgate/modules/stage"
)

func init() {
	httpcaddyfile.RegisterDirective("api_webhook", parse)
}

// parse reads the directive, whose path is exact and so no matcher of Caddy's.
func parse(helper httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	h := &Handler{}
	if err := h.UnmarshalCaddyfile(helper.Dispenser); err != nil {
		return nil, err
	}
	return helper.NewRoute(nil, h), nil
}

// UnmarshalCaddyfile sets up the handler:
//
//	api_webhook <path> {
//		name       <name>
//		verify     <scheme> <secrets...> {
//			signature <field>
//			prefix    <text>
//			encoding  hex|base64
//			hash      sha256|sha512|sha1
//			timestamp <field>
//			id        <field>
//			signed    <text>
//		}
//		tolerance  <span>
//		webhook_id <id>
//		max_body   <size>
//		timeout    <span>
//		dedupe     "<expression>" [<span>]
//		deliver    <address> {
//			only  <kinds...>
//			order "<expression>"
//			sign  <secret>
//			retry <span>
//		}
//	}
//
// The words mean:
//
//   - path is where calls are received, exactly, with POST.
//   - name is what the webhook is called in the ledger and in metrics, another one for each. Default: the path, with - in
//     the place of slashes.
//   - verify says how calls are signed, stripe, github, slack, shopify, twilio, paypal, standard, hmac or ed25519, and with
//     which secrets: placeholders, {env.NAME} or {file.PATH}, at most 8 while one takes another's place. Required. hmac and
//     ed25519 are told what is signed, and where the signature stands, as the catalogue tells them.
//   - tolerance is how far the time of a call may lie from ours, 1s to 1h. Default: 5m.
//   - webhook_id is the id that PayPal gave the endpoint.
//   - max_body is the largest body of a call, at most 25MiB. Default: 1MiB.
//   - timeout is how long a call may take to come whole, 1s to 10m, besides the 15 s for each piece of it; then it is answered
//     408. A read_timeout of the server takes the place of both. Default: 30s.
//   - dedupe is an expression that names an event, such as "body.id", and how long names are remembered, 1m to 366d, 72h by
//     default. Default: none, and events of one name are known for 6 minutes.
//   - deliver is where events go, with POST. Required.
//   - only are the kinds of event that are delivered, in which * stands for any text; at most 64. Default: all.
//   - order is an expression over body, header, query and request: events for which it is the same are delivered one after
//     the other. Default: none.
//   - sign is the secret with which deliveries are signed in the form of Standard Webhooks: a placeholder. Default: none.
//   - retry is how long an event is delivered again and again, 1s to 366d. Default: 72h.
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the directive's name
	begin := *d
	args, err := stage.Arguments(d, 1, 1, "api_webhook <path> { with verify and deliver")
	if err != nil {
		return err
	}
	if h.Path = args[0]; !canonical(h.Path) {
		return d.Errf("api_webhook takes a canonical path such as /hooks/stripe, not %q", h.Path)
	}
	words := stage.NewWords("api_webhook", []string{"name", "verify", "tolerance", "webhook_id", "max_body", "timeout", "dedupe", "deliver"}, nil)
	for d.NextBlock(0) {
		word, err := words.Take(d)
		if err != nil {
			return err
		}
		if err := words.Once(d, word); err != nil {
			return err
		}
		if err := h.word(d, word); err != nil {
			return err
		}
	}
	if h.Scheme == "" || h.Deliver == "" {
		return begin.Errf("api_webhook needs verify and deliver")
	}
	return nil
}

func (h *Handler) word(d *caddyfile.Dispenser, word string) error {
	switch word {
	case "verify":
		return h.verify(d)
	case "dedupe":
		args, err := stage.Arguments(d, 1, 2, `dedupe "<expression>" [<span>]`)
		if err != nil {
			return err
		}
		if h.Dedupe = args[0]; len(args) == 2 {
			h.Keep, err = span(d, word, args[1], time.Minute, mostFor)
		}
		return err
	case "deliver":
		return h.deliver(d)
	}
	args, err := stage.Arguments(d, 1, 1, word+" <value>")
	if err != nil {
		return err
	}
	switch word {
	case "name":
		if h.Name = args[0]; !namePattern.MatchString(h.Name) {
			return d.Errf("name takes 1 to 64 letters, digits, _ and -, not %q", h.Name)
		}
	case "webhook_id":
		h.WebhookID = args[0]
	case "tolerance":
		h.Tolerance, err = span(d, word, args[0], time.Second, time.Hour)
	case "timeout":
		h.Timeout, err = span(d, word, args[0], time.Second, mostTimeout)
	case "max_body":
		if h.MaxBody, err = stage.Size(d, args[0]); err == nil && h.MaxBody > mostMaxBody {
			return d.Errf("max_body takes at most 25MiB, not %q", args[0])
		}
	}
	return err
}

func (h *Handler) verify(d *caddyfile.Dispenser) error {
	args, err := stage.Arguments(d, 2, 1+webhook.MaxSecrets, "verify <scheme> <secrets...>, at most 8")
	if err != nil {
		return err
	}
	if h.Scheme, h.Secrets = args[0], args[1:]; !slices.Contains(webhook.Schemes(), h.Scheme) {
		return d.Errf("there is no scheme %q.%s", h.Scheme, diagnostic.DidYouMean(h.Scheme, webhook.Schemes()))
	}
	c := &h.Custom
	fields := map[string]*string{"signature": &c.Signature, "prefix": &c.Prefix, "encoding": &c.Encoding, "hash": &c.Hash, "timestamp": &c.Timestamp, "id": &c.ID, "signed": &c.Signed}
	words := stage.NewWords("verify", []string{"signature", "prefix", "encoding", "hash", "timestamp", "id", "signed"}, nil)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		word, err := words.Take(d)
		if err != nil {
			return err
		}
		if err := words.Once(d, word); err != nil {
			return err
		}
		args, err := stage.Arguments(d, 1, 1, word+" <value>")
		if err != nil {
			return err
		}
		*fields[word] = args[0]
	}
	return nil
}

func (h *Handler) deliver(d *caddyfile.Dispenser) error {
	args, err := stage.Arguments(d, 1, 1, "deliver <address>")
	if err != nil {
		return err
	}
	h.Deliver = args[0]
	if _, err := parseTarget(h.Deliver); err != nil {
		return d.WrapErr(err)
	}
	words := stage.NewWords("deliver", []string{"only", "order", "sign", "retry"}, nil)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		word, err := words.Take(d)
		if err != nil {
			return err
		}
		if err := words.Once(d, word); err != nil {
			return err
		}
		most := 1
		if word == "only" {
			most = mostKinds
		}
		args, err := stage.Arguments(d, 1, most, word+" <value>")
		if err != nil {
			return err
		}
		switch word {
		case "only":
			h.Only = args
		case "order":
			h.Order = args[0]
		case "sign":
			h.Sign = args[0]
		case "retry":
			h.For, err = span(d, word, args[0], time.Second, mostFor)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// span reads a duration within bounds.
func span(d *caddyfile.Dispenser, word, text string, least, most time.Duration) (caddy.Duration, error) {
	v, err := caddy.ParseDuration(text)
	if err != nil || v < least || v > most {
		return 0, d.Errf("%s takes a span from %s to %s, not %q", word, least, most, text)
	}
	return caddy.Duration(v), nil
}

// Interface guards
var _ caddyfile.Unmarshaler = (*Handler)(nil)
