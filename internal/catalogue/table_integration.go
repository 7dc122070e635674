package catalogue

import (
	"errors"
	"net/http"
	"time"

	"golang.org/x/net/http/httpguts"
)

var headerWord = word{"the name of a header field", headerPattern.MatchString}

var integrationBlock = &block{
	name: "integration", label: nameLabel, max: 256,
	doc: "A third party's service that routes are answered by; [integrations](integrations.md) says how it is asked. Its requests are made anew: nothing of the caller's goes there but what is written.",
	attributes: []attribute{
		{name: "url", kind: word{"an https address without a user, query or fragment, http only with allow_private", integrationURL}, required: true,
			doc: "Where the service is; the paths of `send` are below its path. Its host is the only one that gets credentials."},
		{name: "timeout", kind: brief, def: 10 * time.Second, doc: "How long a try may take until its answer begins, and until its end where the answer is looked at whole; a longer answer may pause for as long."},
		{name: "deadline", kind: brief, def: 30 * time.Second, doc: "How long all tries together may take until the answer begins, with the pauses between them."},
		{name: "dial_timeout", kind: brief, def: 3 * time.Second, doc: "How long connecting may take."},
		{name: "concurrent", kind: integer{1, 10_000}, def: int64(256), doc: "How many requests may be under way at once, until their answers have ended. As many again wait for one of them to end, no longer than `dial_timeout`; the rest are answered 503 at once."},
		{name: "headers", kind: fields{"header fields and their values"}, absent: "none", doc: "Header fields that every request carries."},
		{name: "query", kind: fields{"query parameters and their values"}, absent: "none", doc: "Query parameters that every request carries."},
		{name: "redirects", kind: integer{0, 5}, def: int64(0), doc: "How many redirections of a GET or HEAD are followed. One to another host goes there over https only and without credentials, header fields and signature. What is not followed is an error."},
		{name: "allow_private", kind: truth{}, def: false, doc: "Whether the hosts of `url` and `token_url` may have private, link-local, loopback and other addresses that are not public, which are refused otherwise once the names are resolved."},
		{name: "ca_file", kind: file{"certificates in PEM"}, absent: "the system's authorities", doc: "The authorities that the service's certificate is checked against."},
		{name: "certificate", kind: file{"a certificate in PEM"}, absent: "none", doc: "The certificate that the gateway shows (mutual TLS)."},
		{name: "certificate_key", kind: file{"a private key in PEM"}, absent: "none", doc: "Its key, required with it."},
		{name: "request_id", kind: each{of: headerWord, min: 1, max: 8}, def: []string{"Request-Id", "X-Request-Id"},
			doc: "The header fields in which the service names its requests. The first that is there goes to the log, and into problems as `provider_request_id`."},
		{name: "problems", kind: word{"an http or https address", webURL}, absent: "`urn:problem:` and the integration's name and a colon",
			doc: "What the types of the problems of `error` blocks begin with: `\"https://dev.acme.example/problems/\"`."},
	},
	blocks: []*block{
		authBlock, signBlock,
		{
			name: "retry", max: 1,
			doc: "Sends requests again: those with an idempotent method, and those with an idempotency key; after a connection that could not be made, all. Of a hundred requests at most 20 are sent again, and 10 besides after a quiet time. Without it none is sent twice.",
			attributes: []attribute{
				{name: "attempts", kind: integer{2, 10}, def: int64(2), doc: "How often a request is sent, the first time included."},
				{name: "on", kind: retryOn, def: []string{"connect"}, doc: "What a request is sent again on: a connection that cannot be made, or a status."},
				{name: "max", kind: brief, def: 8 * time.Second, doc: "Up to what Retry-After is obeyed; where it is longer, the request is not sent again. Pauses between tries grow from 100 ms up to this, each by chance shorter."},
			},
		},
		{
			name: "idempotency", max: 1, doc: "Sends an idempotency key with POST and PATCH, the same for all tries of a request; requests of the other methods may be sent twice without one.",
			attributes: []attribute{
				{name: "header", kind: headerWord, def: "Idempotency-Key", doc: "The header field that carries the key."},
				{name: "key", kind: computed, required: true, doc: "The key: `\"${consumer.id}:${request.id}\"`. The request is answered 422 where there is none."},
			},
		},
		breakerBlock, errorBlock,
	},
}

var breakerBlock = &block{
	name: "breaker", max: 1, doc: "Stops asking a host that fails: another of the upstream's servers is asked, and where there is none, requests are answered 503 at once. Then one is let through, and what becomes of it decides. A connection that fails, a time-out and a status of 500 to 599 are failures, of an integration an answer that breaks off, too.",
	attributes: []attribute{
		{name: "failures", kind: integer{1, 1_000_000}, required: true, doc: "How many failures open it."},
		{name: "within", kind: brief, required: true, doc: "The time in which they are counted."},
		{name: "open_for", kind: brief, required: true, doc: "How long it stays open."},
	},
}

var authBlock = &block{
	name: "auth", max: 1,
	label: oneLabelOf("bearer", "basic", "header", "query", "oauth2_client_credentials"),
	doc:   "The credentials that every request carries. They are put on last.",
	attributes: []attribute{
		{name: "token", kind: secretRef, doc: "bearer: the token."},
		{name: "username", kind: anyText, doc: "basic: the user's name."},
		{name: "password", kind: secretRef, doc: "basic: the password."},
		{name: "name", kind: word{"the name of a header field or query parameter", func(s string) bool { return headerPattern.MatchString(s) || queryPattern.MatchString(s) }}, doc: "header and query: the name of the field or parameter."},
		{name: "value", kind: secretRef, doc: "header and query: the value."},
		{name: "prefix", kind: anyText, absent: "none", doc: "header: what comes before the value, such as `\"Token \"`."},
		{name: "token_url", kind: word{"an https address, http only with allow_private", integrationURL}, doc: "oauth2_client_credentials: where tokens are got (RFC 6749, section 4.4)."},
		{name: "client_id", kind: anyText, doc: "oauth2_client_credentials: the client's name."},
		{name: "client_secret", kind: secretRef, doc: "oauth2_client_credentials: the client's secret."},
		{name: "client_auth", kind: choice{of: []string{"basic", "post"}}, absent: "`\"basic\"`", doc: "oauth2_client_credentials: where the secret is sent: in Authorization, or in the form."},
		{name: "scopes", kind: each{of: word{"a scope", scopePattern.MatchString}, min: 1, max: 64}, absent: "none", doc: "oauth2_client_credentials: the scopes asked for."},
		{name: "parameters", kind: fields{"parameters and their values"}, absent: "none", doc: "oauth2_client_credentials: further parameters of the request for a token, such as `{ audience = \"https://api.example\" }`."},
	},
}

var signBlock = &block{
	name: "sign", max: 1,
	label: oneLabelOf("hmac", "message"),
	doc:   "Signs every request: with a keyed hash in a header field, or as an HTTP message (RFC 9421).",
	attributes: []attribute{
		{name: "key", kind: secretRef, required: true, doc: "hmac: the secret. message: the secret of `hmac-sha256`, for the other algorithms a private key in PEM (PKCS #8)."},
		{name: "header", kind: headerWord, doc: "hmac: the header field that carries the signature."},
		{name: "hash", kind: choice{of: []string{"sha256", "sha512"}}, absent: "`\"sha256\"`", doc: "hmac: the hash."},
		{name: "encoding", kind: choice{of: []string{"hex", "base64"}}, absent: "`\"hex\"`", doc: "hmac: how the signature is written."},
		{name: "prefix", kind: anyText, absent: "none", doc: "hmac: what comes before the signature, such as `\"sha256=\"`."},
		{name: "over", kind: each{of: choice{of: []string{"timestamp", "method", "host", "path", "query", "body"}}, min: 1, max: 6}, absent: "`[\"body\"]`", doc: "hmac: what is signed, in this order. `path` is the escaped path without the query."},
		{name: "separator", kind: anyText, absent: "a line feed", doc: "hmac: what stands between the parts."},
		{name: "timestamp", kind: headerWord, doc: "hmac: the header field that says when the request was signed, in seconds since 1970; required where `over` has it."},
		{name: "algorithm", kind: choice{of: []string{"ed25519", "ecdsa-p256-sha256", "rsa-pss-sha512", "hmac-sha256"}}, doc: "message: the algorithm."},
		{name: "key_id", kind: word{"printable ASCII", printable}, absent: "none", doc: "message: the key's name, as `keyid`."},
		{name: "components", kind: each{of: word{`the name of a header field in lower case, or one of "@method", "@target-uri", "@authority", "@scheme", "@path" and "@query"`, component}, min: 1, max: 16},
			absent: "`[\"@method\", \"@target-uri\", \"content-digest\"]`", doc: "message: what is signed. `content-digest` (RFC 9530) is made for the body; fields that a request does not have are left out."},
		{name: "expires", kind: span{min: time.Second, max: 24 * time.Hour, whole: true}, absent: "it does not expire", doc: "message: how long the signature is good."},
	},
}

var errorBlock = &block{
	name: "error", max: 64,
	label: &label{"the end of the problem's type: at most 64 letters, digits, _ and -", slugPattern.MatchString, true, nil},
	doc:   "Makes a problem of ours of an error of theirs: the first in written order whose `when` is true. It is asked of answers with a status of 300 and above, of which the first 64 KiB are read. What none is for is a 502, or a 504 for a time-out, without a word of theirs.",
	attributes: []attribute{
		{name: "when", kind: yesOrNo, required: true, doc: "Which answers it is for, by `response.status`, `response.header` and `response.body`, which must be JSON, or XML or a form that says so. Where it cannot be computed, it is not for that answer."},
		{name: "status", kind: integer{400, 599}, required: true, doc: "The problem's status."},
		{name: "title", kind: anyText, required: true, doc: "The problem's title."},
		{name: "detail", kind: quoting{}, absent: "none", doc: "The problem's detail. It may quote the answer and the request: `\"${response.body.error.message}\"`, each value cut to 128 bytes."},
	},
}

const (
	maxShaped  = 64  // header fields or query parameters of a request
	maxChanges = 100 // operations on one message
)

// shapePath labels what is done to a member, which may be one of each item of a list.
var shapePath = &label{`the path of a member, with [*] for each item of a list: "customer.name", "lines[*].sku"`, func(s string) bool { return placePattern.MatchString(s) && s[len(s)-1] != ']' }, false, nil}

// changesOnce are the operations of the change language, of messages that go one way.
func changesOnce() []*block {
	op := func(name, doc string, attributes ...attribute) *block {
		return &block{name: name, label: shapePath, max: maxChanges, doc: doc, attributes: attributes}
	}
	longPath := word{shapePath.what, shapePath.check}
	return []*block{
		op("rename", "Gives a member another name where it is.", attribute{name: "to", kind: memberName, required: true, doc: "The new name."}),
		op("move", "Puts a member elsewhere, within the same list.", attribute{name: "to", kind: longPath, required: true, doc: "The new path."}),
		op("drop", "Takes a member away."),
		op("enum", "Replaces values of a member; a message with another value does not fit.", attribute{name: "pairs", kind: pairs{}, required: true, doc: "The values, and what they become."}),
		op("wrap", "Puts a value into an object of its own.", attribute{name: "in", kind: memberName, required: true, doc: "The name of the object's only member."}),
		op("unwrap", "Takes a value out of the object around it.", attribute{name: "from", kind: memberName, required: true, doc: "The name of the object's only member."}),
		op("list", "Puts a value into a list of its own."),
		op("unlist", "Takes a value out of the list around it."),
		op("scale", "Moves a number's decimal point: `\"12.30\"` becomes `1230`.",
			attribute{name: "decimals", kind: integer{-18, 18}, required: true, doc: "By how many digits to the right, not 0; to the left where negative."},
			attribute{name: "as", kind: choice{of: []string{"string", "number"}}, def: "string", doc: "What the side with the decimal point is."}),
		op("cast", "Gives a value another type.",
			attribute{name: "from", kind: choice{of: []string{"string", "number", "boolean"}}, absent: "`\"number\"` to a string, else `\"string\"`", doc: "The type it has."},
			attribute{name: "to", kind: choice{of: []string{"string", "number", "boolean"}}, required: true, doc: "The type it gets; one of both is `\"string\"`."}),
		op("split", "Makes several members of one text.",
			attribute{name: "into", kind: memberList, required: true, doc: "The names of the members."},
			attribute{name: "separator", kind: anyText, required: true, doc: "What stands between the parts."}),
		op("join", "Makes one text of several members beside it.",
			attribute{name: "from", kind: memberList, required: true, doc: "The names of the members."},
			attribute{name: "separator", kind: anyText, required: true, doc: "What stands between the parts."}),
		{name: "set", max: maxChanges, label: &label{pathLabel.what, pathPattern.MatchString, false, nil},
			doc: "Gives a member the value of an expression, in the place of what it has; objects around it are made.",
			attributes: []attribute{
				{name: "value", kind: computed, required: true, doc: "The value. Names of bodies mean them as they came, before any change."},
			}},
	}
}

var shapeRequestBlock = &block{
	name: "request", max: 1,
	doc: "How the request to the integration is made of the caller's. The body is the caller's in the newest shape, or `{}`; what is done to it is done in written order. A body that does not fit, and an expression without a value, are answered 422.",
	attributes: []attribute{
		{name: "headers", kind: computedMembers{what: "expressions by the names of header fields", max: maxShaped, check: checkFieldName}, absent: "none", doc: "Header fields: `{ \"X-Order\" = path.id }`. Null leaves the field out."},
		{name: "query", kind: computedMembers{what: "expressions by the names of query parameters", max: maxShaped, check: checkParameterName}, absent: "none", doc: "Query parameters: `{ limit = query.limit }`. A list repeats the parameter, null leaves it out. Nothing else of the caller's query goes on."},
		{name: "root", kind: word{"the name of an XML element", xmlName}, absent: "`request`", doc: "With `encode = \"xml\"`, the outermost element."},
	},
	blocks: changesOnce(),
}

var shapeAnswerBlock = &block{
	name: "answer", max: 1,
	doc: "How the answer is made of the integration's, where that is a success, and JSON or what `decode` names, of at most 8 MiB; one that does not fit is a 502. `response` is the integration's answer, `body` the caller's request.",
	attributes: []attribute{
		{name: "root", kind: word{"the name of an XML element", xmlName}, absent: "any", doc: "With `decode = \"xml\"`, the outermost element, without a prefix; a success with another is a 502."},
		{name: "lists", kind: each{of: word{pathLabel.what, pathPattern.MatchString}, min: 1, max: 64}, absent: "what is there more than once", doc: "With `decode = \"xml\"` or `\"form\"`, the members that are lists however many there are: `[\"parcels.parcel\"]`."},
		{name: "member", kind: memberPath, absent: "the whole", doc: "The member that is the answer: `\"data\"`. It is taken out before anything else is done."},
		{name: "headers", kind: each{of: headerWord, min: 1, max: maxShaped}, absent: "none", doc: "Header fields of the integration's answer that go on to the caller besides those that say what the content is and how long it may be kept."},
		{name: "status", kind: integer{200, 299}, absent: "that of the integration", doc: "The answer's status."},
	},
	blocks: append([]*block{{
		name: "page", max: 1,
		doc: "Tells callers where the next page of a list is, as `Link` header fields (RFC 8288) on the gateway's own address, however the integration tells it.",
		attributes: []attribute{
			{name: "parameter", kind: word{"the name of a query parameter", queryPattern.MatchString}, required: true, doc: "The query parameter in which callers name a page."},
			{name: "next", kind: computed, absent: "none", doc: "Its value for the next page, null on the last: `response.body.next_cursor`."},
			{name: "previous", kind: computed, absent: "none", doc: "Its value for the page before, null on the first."},
			{name: "link", kind: word{"the name of a query parameter", queryPattern.MatchString}, absent: "none", doc: "The query parameter that names the page in the addresses of the integration's own `Link` header fields; its values become those of `parameter`."},
		},
	}}, changesOnce()...),
}

func checkFieldName(name string) error {
	if !headerPattern.MatchString(name) || ownField(name) {
		return errors.New("this is no name of a header field, or one that the gateway writes itself")
	}
	return nil
}

// ownField says whether a header field of a request belongs to whoever sends it.
func ownField(name string) bool {
	switch http.CanonicalHeaderKey(name) {
	case "Connection", "Content-Length", "Content-Type", "Host", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Expect", "Accept-Encoding":
		return true
	}
	return false
}

func checkParameterName(name string) error {
	if name == "" || len(name) > 128 || !httpguts.ValidHeaderFieldValue(name) {
		return errors.New("this is no name of a query parameter")
	}
	return nil
}
