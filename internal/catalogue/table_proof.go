package catalogue

import (
	"regexp"
	"time"
)

var (
	fingerprintPattern = regexp.MustCompile(`^[0-9A-Fa-f]{64}$`)

	boundKind = each{of: choice{of: []string{"dpop", "certificate"}}, min: 1, max: 2}
)

const boundDoc = "What the token must be bound to, one of these: a key of its holder's (`cnf.jkt`; `dpop` is written too) or a client certificate (`cnf.x5t#S256`). What a token says it is bound to is checked in any case."

var dpopBlock = &block{
	name: "dpop", max: 1,
	doc: "Accepts tokens that are bound to a key of their holder's, sent with the scheme DPoP beside a proof in the field DPoP (RFC 9449). Without it they are refused.",
	attributes: []attribute{
		{name: "algorithms", kind: each{of: choice{of: []string{"ES256", "ES384", "ES512", "EdDSA", "Ed25519", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"}}, min: 1, max: 11},
			absent: "all of them", doc: "The signatures of proofs that are accepted."},
		{name: "window", kind: span{min: 5 * time.Second, max: 5 * time.Minute, whole: true}, def: time.Minute, doc: "How far the time at which a proof was made may be from now. Each proof is believed once."},
		{name: "nonce", kind: truth{}, def: false, doc: "Demands that proofs hold a nonce that the gateway tells, so that none is made long before it is sent. Each process knows its own."},
	},
}

var introspectionBlock = &block{
	name: "introspection", max: 1, oneOf: [][]string{{"client_secret", "client_key", "client_certificate"}},
	doc: "A bearer token that only its issuer can read: the issuer is asked what it means (RFC 7662), and while it gives no answer requests are answered 503. Beside a `jwt`, tokens in the form of a JWT of that issuer are read there, and all others here.",
	attributes: []attribute{
		{name: "url", kind: word{"an https address", secureURL}, required: true, doc: "The issuer's introspection endpoint."},
		{name: "client_id", kind: anyText, required: true, doc: "The client by which the gateway asks."},
		{name: "client_secret", kind: secretRef, doc: "The client's secret."},
		{name: "client_auth", kind: choice{of: []string{"basic", "post"}}, def: "basic", doc: "Where the secret is sent: in Authorization, or in the form."},
		{name: "client_key", kind: file{"a private key, in PEM or as a JSON Web Key"}, doc: "The key with which the client signs assertions (private_key_jwt), for `issuer` or, where none is written, for `url`."},
		{name: "client_certificate", kind: file{"a certificate in PEM"}, doc: "The certificate by which the client is known (tls_client_auth, self_signed_tls_client_auth)."},
		{name: "client_certificate_key", kind: file{"a private key in PEM"}, doc: "Its key, required with it."},
		{name: "ca_file", kind: file{"certificates in PEM"}, absent: "the system's authorities", doc: "The authorities that the endpoint's certificate is checked against."},
		{name: "issuer", kind: anyText, absent: "not looked at", doc: "What the answer's `iss` must be."},
		{name: "audience", kind: each{of: anyText, min: 1, max: 16}, absent: "not looked at", doc: "One of these must be in the answer's `aud`, exactly."},
		{name: "scopes", kind: each{of: word{"a scope: at most 256 characters, no blanks, quotes and backslashes", scopePattern.MatchString}, min: 1, max: 16}, doc: "All of these must be granted by the token; otherwise the answer is 403."},
		{name: "consumer", kind: claimed, absent: "`claims.sub`", doc: "Who the caller is: who is counted and pinned. The claims are the members of the answer."},
		{name: "plan", kind: claimed, doc: "The name of the consumer's plan of quotas; null is none."},
		{name: "version", kind: claimed, doc: "The version that the consumer is pinned to, `consumer.api_version`; null is none."},
		{name: "groups", kind: claimed, absent: "`claims.groups`", doc: "The consumer's groups: a list of texts, or one text; null is none."},
		{name: "cache", kind: span{min: time.Second, max: time.Hour, whole: true}, def: time.Minute, doc: "How long an answer holds, and so a token that has been revoked; never past its end. That a token is not good holds for at most 5 s. 10,000 answers are kept."},
		{name: "timeout", kind: span{min: 100 * time.Millisecond, max: 30 * time.Second}, def: 2 * time.Second, doc: "How long the endpoint may take to answer."},
		{name: "bound", kind: boundKind, absent: "a token need not be bound", doc: boundDoc},
	},
	blocks: []*block{dpopBlock},
}

var certificateBlock = &block{
	name: "certificate", max: 1,
	doc: "The client certificate of the connection, which Caddy asks for and verifies (`client_auth` in the site's `tls`). It decides where the request carries no other credential.",
	attributes: []attribute{
		{name: "consumer", kind: expression{"an expression over certificate"}, absent: "the common name, else the first URI, host name or address of mail",
			doc: "Who the caller is, of `certificate.common_name`, `.subject`, `.issuer`, `.serial`, `.fingerprint`, `.sans.dns`, `.sans.email`, `.sans.uri`, `.sans.ip`."},
		{name: "fingerprints", kind: each{of: word{"the SHA-256 of a certificate: 64 hexadecimal digits", fingerprintPattern.MatchString}, min: 1, max: 1000}, absent: "all that are verified",
			doc: "The only certificates that count; they need not be verified otherwise."},
		{name: "issuers", kind: each{of: anyText, min: 1, max: 100}, absent: "all", doc: "The only issuers whose certificates count, by name, as `certificate.issuer` has it."},
		{name: "trusted_ca_file", kind: file{"certificates in PEM"}, absent: "those that Caddy trusts", doc: "The authorities that issue the certificates, whatever Caddy trusts; it need only ask for certificates then."},
	},
}
