package catalogue

import "time"

// What the language has and this version does not run: it is read and checked like everything else, and refused.

var oneLabelOf = func(names ...string) *label {
	return &label{"one of " + either(names), func(s string) bool {
		for _, n := range names {
			if s == n {
				return true
			}
		}
		return false
	}, false, nil}
}

var integrationBlock = &block{
	name: "integration", label: nameLabel, max: 256, refused: true,
	doc: "A third party's service that routes are answered by.",
	attributes: []attribute{
		{name: "url", kind: webPage, required: true, doc: "Where the service is."},
		{name: "timeout", kind: brief, def: 10 * time.Second, doc: "How long it may take until its answer begins."},
		{name: "headers", kind: fields{"header fields and their values"}, doc: "Header fields that every request carries."},
		{name: "allow_private", kind: truth{}, def: false, doc: "Whether private, link-local and loopback addresses may be dialled."},
	},
	blocks: []*block{
		{
			name: "auth", max: 1,
			label: oneLabelOf("bearer", "basic", "header", "query", "oauth2_client_credentials"),
			doc:   "The credentials that every request carries.",
			attributes: []attribute{
				{name: "token", kind: secretRef, doc: "bearer: the token."},
				{name: "username", kind: anyText, doc: "basic: the user's name."},
				{name: "password", kind: secretRef, doc: "basic: the password."},
				{name: "name", kind: anyText, doc: "header and query: the name of the field or parameter."},
				{name: "value", kind: secretRef, doc: "header and query: the value."},
				{name: "token_url", kind: webPage, doc: "oauth2_client_credentials: where tokens are got."},
				{name: "client_id", kind: anyText, doc: "oauth2_client_credentials: the client's name."},
				{name: "client_secret", kind: secretRef, doc: "oauth2_client_credentials: the client's secret."},
				{name: "scopes", kind: each{of: anyText, min: 1, max: 64}, doc: "oauth2_client_credentials: the scopes asked for."},
			},
		},
		{
			name: "retry", max: 1, doc: "Sends requests again.",
			attributes: []attribute{
				{name: "attempts", kind: integer{2, 10}, def: int64(2), doc: "How often a request is sent, the first time included."},
				{name: "on", kind: retryOn, def: []string{"connect"}, doc: "What a request is sent again on."},
				{name: "max", kind: brief, doc: "Up to what Retry-After is obeyed."},
			},
		},
		{
			name: "idempotency", max: 1, doc: "Sends an idempotency key.",
			attributes: []attribute{
				{name: "header", kind: word{"the name of a header field", headerPattern.MatchString}, required: true, doc: "The header field that carries the key."},
				{name: "key", kind: computed, required: true, doc: "The key."},
			},
		},
		{
			name: "breaker", max: 1, doc: "Stops asking a service that fails.",
			attributes: []attribute{
				{name: "failures", kind: integer{1, 1_000_000}, required: true, doc: "How many failures open it."},
				{name: "within", kind: brief, required: true, doc: "The time in which they are counted."},
				{name: "open_for", kind: brief, required: true, doc: "How long it stays open."},
			},
		},
		{
			name: "error", max: 64,
			label: &label{"the end of the problem's type: at most 64 letters, digits, _ and -", slugPattern.MatchString, true, nil},
			doc:   "Makes a problem of ours of an error of theirs.",
			attributes: []attribute{
				{name: "when", kind: yesOrNo, required: true, doc: "Which answers it is for."},
				{name: "status", kind: integer{400, 599}, required: true, doc: "The problem's status."},
				{name: "title", kind: anyText, required: true, doc: "The problem's title."},
				{name: "detail", kind: computed, doc: "The problem's detail."},
			},
		},
	},
}
