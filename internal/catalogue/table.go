package catalogue

import (
	"fmt"
	"time"
)

// Labels.
var (
	nameLabel = &label{"a name of at most 64 letters, digits, _ and -, not beginning with a digit or -", identifier, true, nil}
	// pathLabel names a member; it is no identity, for a change may touch a member twice.
	pathLabel = &label{`the path of a member, at most 32 names: "name", "customer.name"`, pathPattern.MatchString, false, nil}
)

// defaultMaxBody is the largest body of a request where nothing else is written.
const defaultMaxBody = 1 << 20

// Kinds that several attributes have.
var (
	anyText   = word{what: fmt.Sprintf("a text of 1 to %d bytes", maxText)}
	yesOrNo   = expression{"an expression that is true or false"}
	computed  = expression{"an expression"}
	webPage   = word{"an http or https address", webURL}
	pathText  = word{"a path that begins with a slash", upstreamPathRegex.MatchString}
	keepSpan  = span{min: time.Second, max: 366 * 24 * time.Hour, whole: true}
	brief     = span{min: 100 * time.Millisecond, max: 10 * time.Minute}
	secretRef = reference{to: "secret"}
)

// retryOn is what a request may be sent again on.
var retryOn = each{of: word{`"connect", "409", "429" or a status of 500 to 599`, func(s string) bool { return s == "connect" || statusPattern.MatchString(s) }}, min: 1, max: 16}

// retryUpstreamOn leaves out 409, which an own service means for the caller.
var retryUpstreamOn = each{of: word{`"connect", "429" or a status of 500 to 599`, func(s string) bool { return s != "409" && retryOn.of.(word).check(s) }}, min: 1, max: 16}

// language is the table: all that a catalogue may say.
var language = block{
	what: "a catalogue",
	doc:  "One or more `*.hcl` files, merged. Labels are identity; references are bare (`upstream.orders`) and checked at load.",
	blocks: []*block{
		{
			name: "variable", label: nameLabel, max: maxNames,
			doc: "A value that the operator sets, named `var.x`.",
			attributes: []attribute{
				{name: "default", kind: value{}, absent: "it must be set",
					doc: "The value where the operator sets none; what the operator sets is of the same kind."},
			},
		},
		{name: "locals", free: true, doc: "Values with names, `local.x`, that other values are made of."},
		secretBlock,
		identityBlock, limitBlock, upstreamBlock, apiBlock, integrationBlock, webhookBlock, subscriberBlock,
	},
}

// In a secret block, any other attribute is taken for the secret itself.
var secretBlock = &block{
	name: "secret", label: nameLabel, max: maxNames, oneOf: [][]string{{"env", "file"}},
	doc: "A secret. It must be there and not be empty when the catalogue loads, and is never printed.",
	attributes: []attribute{
		{name: "env", kind: anyText, doc: "The environment variable that holds the secret."},
		{name: "file", kind: file{"a file"}, doc: "The file that holds the secret, at most 64 KiB; one line end at its end is no part of the secret."},
	},
}

var identityBlock = &block{
	name: "identity", label: nameLabel, max: 256, oneOf: [][]string{{"jwt", "api_key", "introspection", "certificate"}},
	doc: "A way in which callers say who they are.",
	blocks: []*block{
		jwtBlock,
		introspectionBlock,
		certificateBlock,
		{
			name: "api_key", max: 1,
			doc: "An API key, sent in a header field or where else it says.",
			attributes: []attribute{
				{name: "header", kind: word{"the name of a header field of letters, digits and -, none that HTTP or the gateway uses itself", headerName},
					def: "X-API-Key", doc: "The header field that carries the key."},
				{name: "bearer", kind: truth{}, def: false, doc: "The key may come as a bearer token too, `Authorization: Bearer wg_…`, also beside other ways to identify that take bearer tokens."},
				{name: "query", kind: word{"the name of a query parameter: at most 64 letters, digits, ., _, ~ and -", queryPattern.MatchString},
					doc: "The query parameter in which the key may come too; it is taken off before the request goes on. An address is written down in many places: only for callers that cannot send a header field."},
				{name: "keys", kind: file{"a file of hashed keys"}, required: true, doc: "The keys, as `caddy gateway keys add` writes them: hashes only."},
			},
		},
	},
}

var limitBlock = &block{
	name: "limit", label: nameLabel, max: maxNames,
	doc: "Quotas that are counted together; a request must fit into all of them. [Limits](limits.md) says how they are counted.",
	attributes: []attribute{
		{name: "key", kind: computed, absent: "`consumer.id`, for an anonymous caller the client's address", doc: "Who is counted; a list counts each combination of its parts. An IPv6 address counts by its /64."},
		{name: "cost", kind: computed, absent: "1", doc: "How many units of each quota a request takes, a whole number from 0 on: `len(body.items)`; `request.size` counts bytes."},
		{name: "concurrent", kind: atOnce, absent: "any number", doc: "How many requests of a key may be under way at once."},
		{name: "hidden", kind: truth{}, def: false, doc: "Whether callers are told nothing of the limit: no RateLimit fields, and a 429 without a reason."},
	},
	blocks: []*block{quotaBlock, {
		name: "plan", max: 16,
		label: &label{"the name of a consumer's plan: printable ASCII without a space at either end, at most 256 bytes", consumerName, true, nil},
		doc:   "What is different for the consumers of a plan. Its quotas take the place of the limit's of the same names.",
		attributes: []attribute{
			{name: "concurrent", kind: atOnce, absent: "that of the limit", doc: "How many requests of a key may be under way at once."},
		},
		blocks: []*block{quotaBlock},
	}},
}

var atOnce = integer{1, 1_000_000}

var quotaBlock = &block{
	name: "quota", max: 4,
	label: &label{"a name of at most 64 letters, digits, _, -, . and :, not \"concurrent\"", func(s string) bool { return quotaPattern.MatchString(s) && s != "concurrent" }, true, nil},
	doc:   "One allowance, named in the RateLimit fields.",
	attributes: []attribute{
		{name: "requests", kind: integer{1, 1_000_000_000_000}, required: true, doc: "How many requests, or units of `cost`, fit into the window, at most 1,000,000 for each of its seconds."},
		{name: "window", kind: keepSpan, required: true, doc: "The time in which the requests are counted."},
	},
}

var upstreamBlock = &block{
	name: "upstream", label: nameLabel, max: maxNames,
	doc: "A service behind the gateway.",
	attributes: []attribute{
		{name: "servers", kind: each{of: word{`an address such as "https://orders-1:8443": a scheme, a host and perhaps a port, no path`, serverURL}, min: 1, max: 64},
			required: true, doc: "The servers, all http or all https."},
		{name: "ca_file", kind: file{"certificates in PEM"}, absent: "the system's authorities", doc: "The authorities that https servers' certificates are checked against."},
		{name: "timeout", kind: brief, def: 30 * time.Second, doc: "How long a server may take until its answer begins, and until its end where a stage needs the answer whole."},
		{name: "dial_timeout", kind: brief, def: 3 * time.Second, doc: "How long connecting to a server may take."},
	},
	blocks: []*block{
		{
			name: "retry", max: 1,
			doc: "Sends idempotent requests again, to another server where there is one that is not left out. Of a hundred requests at most 20 are sent again for a status, and 10 besides after a quiet time. Without it none is sent twice.",
			attributes: []attribute{
				{name: "attempts", kind: integer{2, 10}, def: int64(2), doc: "How often a request is sent, the first time included."},
				{name: "on", kind: retryUpstreamOn, def: []string{"connect"}, doc: "What a request is sent again on: a connection that cannot be made, or a status."},
			},
		},
		{
			name: "health", max: 1,
			doc: "Probes the servers and leaves out those that do not answer 2xx. Without it none is probed.",
			attributes: []attribute{
				{name: "path", kind: pathText, required: true, doc: "The path that is asked for."},
				{name: "interval", kind: span{min: time.Second, max: time.Hour}, def: 10 * time.Second, doc: "The time between two probes of a server."},
			},
		},
		breakerBlock,
	},
}
