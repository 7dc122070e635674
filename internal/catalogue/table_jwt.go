package catalogue

import "time"

var claimed = expression{"an expression over claims"}

var jwtBlock = &block{
	name: "jwt", max: 1,
	doc: "A JSON Web Token sent as a bearer token (RFC 6750). Its keys are in a file, or are fetched: from `jwks`, or without that from where the metadata at the issuer's address say (OpenID Connect Discovery, RFC 8414).",
	attributes: []attribute{
		{name: "issuer", kind: anyText, required: true, doc: "What the token's `iss` must be; without `keys` and `jwks`, an https address."},
		{name: "keys", kind: file{"a JSON Web Key Set"}, doc: "The keys that sign the tokens."},
		{name: "jwks", kind: word{"an https address", secureURL}, doc: "Where the keys that sign the tokens are fetched, every 5 minutes or as often as the server says, and for a token with an unknown key, at most every 30 s."},
		{name: "ca_file", kind: file{"certificates in PEM"}, absent: "the system's authorities", doc: "The authorities that the certificates of the issuer's servers are checked against."},
		{name: "max_stale", kind: span{min: 5 * time.Minute, max: 30 * 24 * time.Hour, whole: true}, absent: "24h",
			doc: "How long fetched keys are good that the issuer does not confirm; after it its tokens are refused. They are kept in Caddy's storage for a start while the issuer is away."},
		{name: "audience", kind: each{of: anyText, min: 1, max: 16}, required: true, doc: "One of these must be in the token's `aud`, exactly."},
		{name: "algorithms", kind: each{of: choice{of: []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "HS256", "HS384", "HS512"}}, min: 1, max: 13},
			absent: "those that the keys state", doc: "The signatures that are accepted; `none` never is, and those with a shared secret (HS) only with `keys`."},
		{name: "consumer", kind: claimed, absent: "`claims.sub`", doc: "Who the caller is: who is counted and pinned."},
		{name: "plan", kind: claimed, doc: "The name of the consumer's plan of quotas; null is none."},
		{name: "version", kind: claimed, doc: "The version that the consumer is pinned to, `consumer.api_version`; null is none."},
		{name: "groups", kind: claimed, absent: "`claims.groups`", doc: "The consumer's groups: a list of texts, or one text; null is none."},
		{name: "required", kind: each{of: word{"the name of a claim, of at most 256 bytes; one within another is written with dots: \"realm_access.roles\"", claimName}, min: 1, max: 16}, doc: "Claims that the token must have, beside `iss`, `exp` and `aud`."},
		{name: "type", kind: choice{of: []string{"at+jwt"}}, absent: "tokens that say they are JWTs, or nothing, will do too", doc: "Accepts only access tokens of RFC 9068."},
		{name: "scopes", kind: each{of: word{"a scope: at most 256 characters, no blanks, quotes and backslashes", scopePattern.MatchString}, min: 1, max: 16}, doc: "All of these must be granted by the token; otherwise the answer is 403."},
		{name: "leeway", kind: span{min: time.Second, max: 5 * time.Minute, whole: true}, def: time.Minute, doc: "How far the issuer's clock and ours may differ."},
		{name: "bound", kind: boundKind, absent: "a token need not be bound", doc: boundDoc},
	},
	blocks: []*block{dpopBlock},
}
