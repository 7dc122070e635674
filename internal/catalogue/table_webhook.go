package catalogue

import (
	"time"

	"github.com/wicketgate/wicketgate/internal/webhook"
)

var fieldName = word{"the name of a header field of letters, digits and -, none that HTTP or the gateway uses itself", headerName}

var webhookBlock = &block{
	name: "webhook", label: nameLabel, max: 256,
	doc: "Receives a third party's calls, keeps them in the ledger, and delivers them. [Webhooks](webhooks.md) says how.",
	attributes: []attribute{
		{name: "path", kind: word{`a canonical path such as "/hooks/stripe"`, basePath}, required: true, doc: "Where calls are received, with POST. It is looked at before the APIs' routes."},
		{name: "max_body", kind: size{1, 25 << 20}, absent: `"1MiB"`, doc: "The largest body of a call."},
		{name: "timeout", kind: span{min: time.Second, max: 10 * time.Minute}, def: webhook.DefaultTimeout, doc: "How long a call may take to come whole, besides the 15 s for each piece of it; then it is answered 408. A `read_timeout` of the server takes the place of both."},
		{name: "schema", kind: file{"a JSON Schema (2020-12)"}, absent: "the body is not looked at", doc: "What the bodies of events must be like, which are strict JSON then. Others are answered 4xx and not kept."},
		{name: "authorize", kind: policy{}, absent: "none", doc: "The policy that decides about verified events before they are kept, of which the route is `POST` and the path, and the API the webhook's name; `public` is as good as none."},
	},
	blocks: []*block{
		ruleBlock,
		{
			name: "verify", min: 1, max: 1,
			label: oneLabelOf(webhook.Schemes()...),
			doc:   "How calls are known to be the sender's, over the bytes as they came.",
			attributes: []attribute{
				{name: "secrets", kind: each{of: secretRef, min: 1, max: webhook.MaxSecrets}, required: true,
					doc: "The secrets shared with the sender, or its public keys, of PayPal its certificate in PEM; several while one takes another's place."},
				{name: "tolerance", kind: span{min: time.Second, max: time.Hour}, def: webhook.DefaultTolerance,
					doc: "How far the time of a call may lie from ours, where the sender signs one: all but github, shopify and twilio do."},
				{name: "webhook_id", kind: anyText, absent: "none", doc: "paypal: the id that PayPal gave the endpoint, which is part of what it signs."},
				{name: "signature", kind: fieldName, absent: `"X-Signature"`, doc: "hmac and ed25519: the header field with the signature."},
				{name: "prefix", kind: anyText, absent: "none", doc: "hmac and ed25519: what the signature begins with, such as `sha256=`."},
				{name: "encoding", kind: choice{of: []string{"hex", "base64"}}, absent: `"hex"`, doc: "hmac and ed25519: how the signature is written."},
				{name: "hash", kind: choice{of: []string{"sha256", "sha512", "sha1"}}, absent: `"sha256"`, doc: "hmac: the hash that it is made with."},
				{name: "timestamp", kind: fieldName, absent: "none; of ed25519 `X-Signature-Timestamp`", doc: "hmac and ed25519: the header field with the time, in seconds since 1970; `signed` must name it."},
				{name: "id", kind: fieldName, absent: "none", doc: "hmac and ed25519: the header field that names the call."},
				{name: "signed", kind: anyText, absent: "`{body}`; of ed25519 `{timestamp}{body}`", doc: "hmac and ed25519: what is signed, text with {body}, {timestamp}, {id} and {url} in it."},
			},
		},
		{
			name: "dedupe", max: 1, doc: "Takes each event once, for longer than the six minutes in which one of the same name is always known. At most 1,000,000 names are remembered, the newest.",
			attributes: []attribute{
				{name: "key", kind: computed, required: true, doc: "What names an event, such as `body.id`. Null is no name."},
				{name: "keep", kind: keepSpan, required: true, doc: "How long names are remembered."},
			},
		},
		{
			name: "deliver", min: 1, max: 1, doc: "Where events go.",
			attributes: []attribute{
				{name: "to", kind: reference{to: "upstream"}, required: true, doc: "The service that gets them."},
				{name: "path", kind: pathText, required: true, doc: "The path they are sent to, with POST."},
				{name: "only", kind: each{of: word{what: "a kind of event such as \"charge.*\", in which * stands for any text"}, min: 1, max: 64}, absent: "all",
					doc: "The kinds of event that are delivered, in which `*` stands for any text. Others are answered 2xx and let go."},
				{name: "order", kind: computed, absent: "none", doc: "Events for which this is the same are delivered one after the other, as they came; null is in no order."},
				{name: "sign", kind: secretRef, absent: "no signature", doc: "The secret, `whsec_` and base64, with which deliveries are signed in the form of Standard Webhooks."},
			},
			blocks: []*block{retryFor},
		},
	},
}
