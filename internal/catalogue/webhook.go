package catalogue

import (
	"net/http"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/webhook"
)

// Webhook is a webhook block: a third party's calls, and where they go.
type Webhook struct {
	Name      string
	Path      string
	MaxBody   int64
	Timeout   time.Duration
	Verify    webhook.Config
	Schema    File // of bodies; no path: none
	Rules     []*Rule
	Authorize *Policy // nil: none
	Dedupe    *Dedupe // nil: none
	Deliver   Deliver
	Range     hcl.Range

	verify *node // where its mistakes are told
}

// Dedupe is a dedupe block.
type Dedupe struct {
	Key   hcl.Expression
	Keep  time.Duration
	Range hcl.Range
}

// Deliver is a deliver block.
type Deliver struct {
	To    *Upstream // nil where it could not be decoded
	Path  string
	Only  []string       // empty: all kinds
	Order hcl.Expression // nil: none
	Sign  *Secret        // nil: no signature
	For   time.Duration
	Range hcl.Range
}

// deliverFor is how long an event is delivered again and again where nothing else is written.
const deliverFor = 72 * time.Hour

func (b *builder) webhook(n *node) *Webhook {
	w := &Webhook{Name: n.label, Path: take[string](n, "path"), MaxBody: int64(take[byteCount](n, "max_body")), Timeout: take[time.Duration](n, "timeout"), Range: n.rng}
	w.Schema, w.Rules = take[File](n, "schema"), rules(n)
	w.Authorize, _ = authorized(n)
	if w.MaxBody == 0 {
		w.MaxBody = defaultMaxBody
	}
	if v := n.one("verify"); v != nil {
		w.verify = v
		w.Verify = webhook.Config{
			Scheme: v.label, Tolerance: take[time.Duration](v, "tolerance"), WebhookID: take[string](v, "webhook_id"),
			Custom: webhook.Custom{
				Signature: http.CanonicalHeaderKey(take[string](v, "signature")), Prefix: take[string](v, "prefix"), Encoding: take[string](v, "encoding"),
				Hash: take[string](v, "hash"), Timestamp: take[string](v, "timestamp"), ID: take[string](v, "id"), Signed: take[string](v, "signed"),
			},
		}
		for _, it := range take[[]item](v, "secrets") {
			if s := b.secrets[it.value.(target).name]; s != nil {
				w.Verify.Secrets = append(w.Verify.Secrets, s.Value)
			}
		}
	}
	if x := n.one("dedupe"); x != nil {
		w.Dedupe = &Dedupe{Key: kept(x, "key"), Keep: take[time.Duration](x, "keep"), Range: x.rng}
	}
	if x := n.one("deliver"); x != nil {
		w.Deliver = Deliver{To: b.upstreams[take[target](x, "to").name], Path: take[string](x, "path"), Only: texts(x, "only"),
			Order: kept(x, "order"), Sign: b.secrets[take[target](x, "sign").name], For: deliverFor, Range: x.rng}
		if r := x.one("retry"); r != nil {
			w.Deliver.For = take[time.Duration](r, "for")
		}
	}
	return w
}

// checkWebhooks looks whether each webhook has a path of its own, and whether its calls can be verified.
func (d *decoder) checkWebhooks(c *Catalogue, nodes []*node) {
	paths := make(map[string]*node)
	for i, n := range nodes {
		w := c.Webhooks[i]
		if first := paths[w.Path]; first != nil && w.Path != "" {
			d.wrong(n.place("path"), "Ambiguous path", "The webhook %q, at %s, is received at the same path.", first.label, at(first.rng))
		}
		paths[w.Path] = n
		if v := w.verify; v != nil && !n.mistaken && len(w.Verify.Secrets) == len(take[[]item](v, "secrets")) {
			d.checkVerify(w, n)
		}
	}
}

func (d *decoder) checkVerify(w *Webhook, n *node) {
	for _, s := range w.Verify.Secrets {
		if s.Reveal() == "" {
			return // told where the secret is declared
		}
	}
	if _, err := webhook.New(w.Verify); err != nil {
		d.wrong(w.verify.named, "Unusable verification", "%s.", upper(err.Error()))
	}
	deliver := n.one("deliver")
	if s := w.Deliver.Sign; s != nil && s.Value.Reveal() != "" {
		if _, err := webhook.NewSigner(s.Value); err != nil {
			d.wrong(deliver.place("sign"), "Unusable secret", "%s.", upper(err.Error()))
		}
	}
	if len(w.Deliver.Only) > 0 && !webhook.Kinds(w.Verify.Scheme) {
		d.wrong(deliver.place("only"), "No kinds of event", "Calls of %s tell no kind of event, so that none would be delivered.", w.Verify.Scheme)
	}
}
