// Package webhook faces Caddy for webhooks that stand alone in a Caddyfile: the directive api_webhook.
package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/delivery"
	"github.com/wicketgate/wicketgate/internal/exchange"
	core "github.com/wicketgate/wicketgate/internal/gateway"
	"github.com/wicketgate/wicketgate/internal/ledger"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/rule"
	"github.com/wicketgate/wicketgate/internal/secret"
	"github.com/wicketgate/wicketgate/internal/webhook"
	"github.com/wicketgate/wicketgate/modules/gateway"
	"github.com/wicketgate/wicketgate/modules/stage"
	"github.com/wicketgate/wicketgate/modules/upstream"
)

func init() {
	caddy.RegisterModule(Handler{})
}

// Defaults and bounds of the fields of Handler.
const (
	defaultMaxBody = 1 << 20
	mostMaxBody    = 25 << 20
	defaultFor     = 72 * time.Hour
	mostFor        = 366 * 24 * time.Hour
	mostKinds      = 64
	timeout        = 30 * time.Second // of a service, until its answer begins
	mostTimeout    = 10 * time.Minute // of a call, to come whole
	dialTimeout    = 3 * time.Second
)

// Handler receives a third party's calls at a path: it verifies them, keeps them in the ledger of the global option
// api_gateway, answers 2xx once they are synced, and delivers them from there. Stages that stand alone before it see its
// calls as they see any request: api_validate and api_policy refuse what they refuse before it is kept.
type Handler struct {
	// The canonical path where calls are received, with POST: "/hooks/stripe". Required.
	Path string `json:"path"`

	// What the webhook is called in the ledger, in metrics and by caddy gateway webhooks: 1 to 64 letters, digits, _
	// and -. Default: the path, with - in the place of what is none of these.
	Name string `json:"name,omitempty"`

	// How calls are signed: stripe, github, slack, shopify, twilio, paypal, standard, hmac or ed25519. Required.
	Scheme string `json:"scheme"`

	// The secrets shared with the sender, or its public keys, as placeholders: "{env.STRIPE_HOOK}" or
	// "{file./run/secrets/hook}"; 1 to 8 while one takes another's place.
	Secrets []string `json:"secrets"`

	// What hmac and ed25519 look at. Default: as their lines of the table say.
	Custom webhook.Custom `json:"custom,omitzero"`

	// How far the time of a call may lie from ours. Default: 5m. Bounds: 1s to 1h.
	Tolerance caddy.Duration `json:"tolerance,omitempty"`

	// The id that PayPal gave the endpoint. Default: none; paypal needs it.
	WebhookID string `json:"webhook_id,omitempty"`

	// The largest body of a call, in bytes. Default: 1048576. Bound: 26214400 (25 MiB).
	MaxBody int64 `json:"max_body,omitempty"`

	// How long a call may take to come whole, besides the 15 s for each piece of it; then it is answered 408. A read_timeout
	// of the server takes the place of both. Default: 30s. Bounds: 1s to 10m.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// Where events are delivered, with POST: "http://127.0.0.1:9000/stripe". Required.
	Deliver string `json:"deliver"`

	// The kinds of event that are delivered, with * for any text; at most 64. Default: all.
	Only []string `json:"only,omitempty"`

	// An expression; events for which it is the same are delivered one after the other. Default: none.
	Order string `json:"order,omitempty"`

	// An expression that names an event, such as "body.id": one of a name that is remembered is not delivered again. At most
	// 1000000 names are remembered, the newest. Default: none, and events of the same name are known for 6 minutes.
	Dedupe string `json:"dedupe,omitempty"`

	// How long names are remembered; with dedupe. Default: 72h. Bounds: 1m to 8784h.
	Keep caddy.Duration `json:"keep,omitempty"`

	// The secret with which deliveries are signed in the form of Standard Webhooks, as a placeholder. Default: none.
	Sign string `json:"sign,omitempty"`

	// How long an event is delivered again and again. Default: 72h. Bounds: 1s to 8784h.
	For caddy.Duration `json:"for,omitempty"`

	app      *gateway.App
	stage    *stage.Stage
	upstream *upstream.Upstream
	target   string // path and query of Deliver
	signer   *webhook.Signer
	receiver *webhook.Receiver
}

// CaddyModule returns the Caddy module information.
func (Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.api_webhook",
		New: func() caddy.Module { return new(Handler) },
	}
}

var (
	pathPattern = regexp.MustCompile(`^(/[A-Za-z0-9._~!$&'()*+,=:@-]+)+$`)
	namePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	notInNames  = regexp.MustCompile(`[^A-Za-z0-9_]+`)
)

// canonical says whether a path is the one form in which it is received: no empty segment, no dots, nothing escaped.
func canonical(path string) bool {
	return pathPattern.MatchString(path) && !strings.Contains(path+"/", "/./") && !strings.Contains(path+"/", "/../")
}

// Provision makes the webhook ready.
func (h *Handler) Provision(ctx caddy.Context) error {
	app, err := ctx.App("api_gateway")
	if err != nil {
		return err
	}
	h.app = app.(*gateway.App)
	if err := h.complete(); err != nil {
		return err
	}
	if err := h.provisionReceiver(); err != nil {
		return err
	}
	if err := h.provisionTarget(ctx); err != nil {
		return err
	}
	if err := h.app.Deliver(h.Name, delivery.Target{For: time.Duration(h.For), Send: h.send}); err != nil {
		return err
	}
	h.stage, err = stage.New(ctx, func(l *gateway.Load) []pipeline.Stage {
		r := *h.receiver
		r.Store = l.Events()
		return []pipeline.Stage{webhook.Taking{Receiver: &r}}
	})
	if err == nil {
		h.stage.ReadWithin(time.Duration(h.Timeout))
	}
	return err
}

// complete fills in what is left open, and checks the rest.
func (h *Handler) complete() error {
	if h.Name == "" {
		h.Name = strings.Trim(notInNames.ReplaceAllString(h.Path, "-"), "-")
	}
	if h.MaxBody == 0 {
		h.MaxBody = defaultMaxBody
	}
	if h.Timeout == 0 {
		h.Timeout = caddy.Duration(webhook.DefaultTimeout)
	}
	if h.For == 0 {
		h.For = caddy.Duration(defaultFor)
	}
	if h.Keep == 0 && h.Dedupe != "" {
		h.Keep = caddy.Duration(defaultFor)
	}
	switch {
	case !canonical(h.Path):
		return fmt.Errorf("path: %q is no canonical path such as /hooks/stripe", h.Path)
	case !namePattern.MatchString(h.Name):
		return fmt.Errorf("name: %q is not 1 to 64 letters, digits, _ and -", h.Name)
	case h.MaxBody < 1 || h.MaxBody > mostMaxBody:
		return fmt.Errorf("max_body: %d is not between 1 and %d bytes", h.MaxBody, mostMaxBody)
	case h.Timeout < caddy.Duration(time.Second) || h.Timeout > caddy.Duration(mostTimeout):
		return errors.New("timeout: a span of 1s to 10m is expected")
	case h.For < caddy.Duration(time.Second) || h.For > caddy.Duration(mostFor):
		return errors.New("for: a span of 1s to 8784h is expected")
	case h.Dedupe == "" && h.Keep != 0:
		return errors.New("keep: nothing is remembered without dedupe")
	case h.Dedupe != "" && (h.Keep < caddy.Duration(time.Minute) || h.Keep > caddy.Duration(mostFor)):
		return errors.New("keep: a span of 1m to 8784h is expected")
	case h.Tolerance < 0 || h.Tolerance > caddy.Duration(time.Hour):
		return errors.New("tolerance: a span of 1s to 1h is expected")
	case len(h.Only) > mostKinds:
		return fmt.Errorf("only: at most %d kinds", mostKinds)
	case len(h.Only) > 0 && !webhook.Kinds(h.Scheme):
		return fmt.Errorf("only: calls of %s tell no kind of event", h.Scheme)
	}
	return nil
}

func (h *Handler) provisionReceiver() error {
	config := webhook.Config{Scheme: h.Scheme, Tolerance: time.Duration(h.Tolerance), WebhookID: h.WebhookID, Custom: h.Custom}
	for _, placeholder := range h.Secrets {
		text, err := secretOf(placeholder)
		if err != nil {
			return fmt.Errorf("verify: %w", err)
		}
		config.Secrets = append(config.Secrets, text)
	}
	verifier, err := webhook.New(config)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	h.receiver = &webhook.Receiver{Name: h.Name, Verifier: verifier, MaxBody: h.MaxBody, Only: h.Only}
	if h.Sign != "" {
		text, err := secretOf(h.Sign)
		if err != nil {
			return fmt.Errorf("sign: %w", err)
		}
		if h.signer, err = webhook.NewSigner(text); err != nil {
			return fmt.Errorf("sign: %w", err)
		}
	}
	if h.receiver.Order, err = h.expression("order", h.Order); err != nil {
		return err
	}
	h.receiver.Dedupe, err = h.expression("dedupe", h.Dedupe)
	h.receiver.Keep = time.Duration(h.Keep)
	return err
}

// expression compiles what names something of an event; nil for none.
func (h *Handler) expression(word, text string) (*rule.Program, error) {
	if text == "" {
		return nil, nil
	}
	at := hcl.Range{Filename: "api_webhook " + h.Path + " " + word, Start: hcl.InitialPos, End: hcl.InitialPos}
	p, diags := rule.CompileText(text, at, rule.Environment{Roots: webhook.Roots}, rule.Key)
	if diags.HasErrors() {
		return nil, &gateway.LoadError{Diagnostics: diags}
	}
	return p, nil
}

func (h *Handler) provisionTarget(ctx caddy.Context) error {
	u, err := parseTarget(h.Deliver)
	if err != nil {
		return fmt.Errorf("deliver: %w", err)
	}
	h.target = u.RequestURI()
	h.upstream, err = upstream.New(ctx, &catalogue.Upstream{Name: h.Name, Servers: []string{u.Scheme + "://" + u.Host}, Timeout: timeout, DialTimeout: dialTimeout},
		func() bool { return false }, upstream.Unreported) // the log tells each delivery that fails
	return err
}

// parseTarget reads the address that events are delivered to.
func parseTarget(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Fragment != "":
		return nil, errors.New("the address is none, such as http://127.0.0.1:9000/stripe")
	case u.User != nil:
		return nil, errors.New("the address has a user or a password, which is not sent")
	}
	return u, nil
}

// secretOf reads what a placeholder names: an environment variable or a file.
func secretOf(placeholder string) (secret.Text, error) {
	inner, ok := strings.CutPrefix(placeholder, "{")
	inner, closed := strings.CutSuffix(inner, "}")
	if !ok || !closed || strings.ContainsAny(inner, "{}") || !strings.HasPrefix(inner, "env.") && !strings.HasPrefix(inner, "file.") {
		return secret.Text{}, errors.New("a secret is a placeholder, {env.NAME} or {file.PATH}, so that it is not in the configuration itself")
	}
	text, err := caddy.NewReplacer().ReplaceOrErr(placeholder, true, true)
	if err != nil {
		return secret.Text{}, err
	}
	if text = strings.TrimRight(text, "\r\n"); text == "" {
		return secret.Text{}, fmt.Errorf("%s is empty", placeholder)
	}
	return secret.New(text), nil
}

// send makes one attempt.
func (h *Handler) send(ctx context.Context, e *ledger.Event) delivery.Result {
	ctx, cancel := context.WithTimeout(ctx, 2*timeout)
	defer cancel()
	return core.Send(ctx, h.upstream, e, h.target, h.signer, gateway.Outgoing)
}

// Cleanup ends the connections.
func (h *Handler) Cleanup() error {
	if h.upstream == nil {
		return nil
	}
	return h.upstream.Close()
}

// ServeHTTP takes a call, and hands on what is at another path.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if r.URL.EscapedPath() != h.Path {
		return next.ServeHTTP(w, r)
	}
	return h.stage.Run(w, r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		return core.Received(w, exchange.FromContext(r.Context()))
	}))
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddy.CleanerUpper          = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
