package auth

import (
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/wicketgate/wicketgate/internal/identity"
	"github.com/wicketgate/wicketgate/modules/stage"
)

func init() {
	httpcaddyfile.RegisterHandlerDirective("api_auth", parse)
}

// UnmarshalCaddyfile sets up the handler:
//
//	api_auth [<matcher>] {
//		key <header> <key file> {
//			bearer
//			query <parameter>
//		}
//		jwt {
//			issuer     <iss>
//			jwks       <file>|<url>
//			ca_file    <file>
//			max_stale  <duration>
//			audience   <names...>
//			algorithms <names...>
//			consumer   "<expression>"
//			plan       "<expression>"
//			version    "<expression>"
//			groups     "<expression>"
//			required   <claims...>
//			type       at+jwt
//			scopes     <scopes...>
//			leeway     <duration>
//			dpop {
//				algorithms <names...>
//				window     <duration>
//				nonce
//			}
//			bound      dpop|certificate...
//		}
//		introspection <url> {
//			client             <id> [<placeholder of its secret>]
//			client_auth        basic|post
//			client_key         <file>
//			client_certificate <file> <key file>
//			ca_file            <file>
//			issuer             <iss>
//			audience           <names...>
//			scopes             <scopes...>
//			consumer           "<expression>"
//			plan               "<expression>"
//			version            "<expression>"
//			groups             "<expression>"
//			cache              <duration>
//			timeout            <duration>
//			dpop {
//				algorithms <names...>
//				window     <duration>
//				nonce
//			}
//			bound              dpop|certificate...
//		}
//		certificate {
//			consumer        "<expression>"
//			fingerprints    <hashes...>
//			issuers         <names...>
//			trusted_ca_file <file>
//		}
//		metadata [<resource>]
//		anonymous
//		forward {
//			header <name> "<expression>"
//			token {
//				header   <name>
//				audience <names...>
//				lifetime <span>
//				claim    <name> "<expression>"
//			}
//			credential
//		}
//	}
//
// The words mean:
//
//   - key takes API keys in a header field of their own, such as X-API-Key, from a file that holds their hashes. It may
//     be given again for another header field. The block may be left out.
//   - bearer takes the key as a bearer token too, Authorization: Bearer wg_…, beside jwt as well.
//   - query takes the key in a parameter of the query too, which is taken off before the request goes on. An address is
//     written down in many places: only for callers that cannot send a header field.
//   - jwt takes bearer tokens in the field Authorization.
//   - issuer is what a token's iss must be, to the character. Required.
//   - jwks is the file of the issuer's key set, or the https address from which it is fetched, every 5m or as often as
//     its server says, and for a token with an unknown key, at most every 30s. Default: what the metadata at the issuer,
//     which then is an https address, say (OpenID Connect Discovery, RFC 8414).
//   - ca_file are the authorities that the certificates of the issuer's servers come from, in PEM. Default: the
//     system's.
//   - max_stale is how long fetched keys are good that the issuer does not confirm, from 5m to 30d; after it its tokens
//     are refused. They are kept in Caddy's storage for a start while the issuer is away. Default: 24h.
//   - audience are the names under which tokens address this API; one of them must be in a token's aud. Required.
//   - algorithms are those allowed. Default: all that are known but those with a shared secret (HS256, HS384, HS512),
//     which need a file of keys.
//   - consumer is an expression over claims for the consumer's id. Default: claims.sub.
//   - plan is one for the consumer's plan of quotas, version for the version that it is pinned to; null is none.
//     Default: none.
//   - groups is one for the consumer's groups, a list of texts or one. Default: claims.groups.
//   - required are claims that a token must have; one within another is written with dots, realm_access.roles.
//     Default: iss, exp and aud.
//   - type at+jwt accepts only access tokens of RFC 9068. Default: tokens that say they are JWTs, or nothing, will do
//     too.
//   - scopes must all be granted by the token; otherwise the answer is 403. Default: none.
//   - leeway is how far the issuer's clock and ours may differ, up to 5m. Default: 60s.
//   - dpop accepts tokens that are bound to a key of their holder's, sent with the scheme DPoP beside a proof in the
//     field DPoP (RFC 9449). algorithms are those of proofs; window is how far the time at which a proof was made may be
//     from now, 5s to 5m, and default 60s; nonce demands that proofs hold a nonce that the gateway tells. The block may be
//     left out. Default: such tokens are refused.
//   - bound is what a token must be bound to, one of these: dpop, or certificate, the client's (RFC 8705, section 3).
//     What a token says it is bound to is checked in any case.
//   - introspection takes bearer tokens that only their issuer can read, and asks its endpoint what they mean (RFC 7662);
//     while that gives no answer, requests are answered 503. Beside jwt, tokens in the form of a JWT of that issuer are
//     read there, and all others here. It takes the words of jwt that it names, claims being the members of the answer;
//     issuer and audience may be left out here.
//   - client is by whom the gateway asks. Its secret is a placeholder, {env.INTROSPECTION_SECRET} or
//     {file./run/secrets/introspection}; client_auth says where it is sent, in Authorization (basic, the default) or in
//     the form (post). Instead of a secret, client_key is a private key in PEM or a JWK that signs assertions for issuer
//     or the endpoint (private_key_jwt), and client_certificate a certificate with its key (tls_client_auth).
//   - cache is how long an answer holds, 1s to 1h and never past the token's end. Default: 60s; that a token is not good
//     holds for at most 5s.
//   - timeout is how long the endpoint may take to answer, 100ms to 30s. Default: 2s.
//   - certificate takes the client certificate of the connection, which Caddy asks for and verifies (client_auth in tls).
//     It decides where a request carries no other credential. consumer is an expression over certificate: common_name,
//     subject, issuer, serial, fingerprint, sans.dns, sans.email, sans.uri, sans.ip. Default: the common name or, where
//     there is none, the first URI, host name or address of mail.
//   - fingerprints are the SHA-256 hashes of the only certificates that count, which need not be verified otherwise;
//     issuers the names of the only issuers that do. Default: all that are verified.
//   - trusted_ca_file are the authorities that issue the certificates, in PEM, whatever Caddy trusts; it need only ask
//     for certificates then. Default: those that Caddy trusts.
//   - metadata publishes at /.well-known/oauth-protected-resource who issues the tokens of jwt (RFC 9728), and has
//     challenges name that address. The resource is the https address that clients know it by. Default: the scheme and
//     host that a request came to.
//   - anonymous lets requests without any credential pass; a wrong credential is a 401 all the same.
//   - forward is what the service is told of who calls, all of it. Default: consumer.id in X-Consumer-Id. What clients
//     send in these fields is taken off, wherever a stage of the gateway stands first.
//   - header is a header field and an expression over consumer, claims, client, api and request for its value, a list
//     with commas between its items. Null, an empty text, and what an anonymous caller or a credential without that
//     claim does not have, leave the field out. It may be given again, at most 16 times.
//   - token is a short-lived JSON Web Token that the gateway signs, as the global option's signing says. Anonymous callers
//     have none. The keys that verify it are at /.well-known/jwks.json, if requests for that come to this directive: a
//     matcher includes the path.
//   - token header is the field that carries it; Authorization carries it as a bearer token. Default: X-Consumer-Token.
//   - token audience is the aud of tokens, the names of the services that they are for, 1 to 16. Required.
//   - token lifetime is how long a token is valid, from 10s to 10m; it never outlives the caller's credential. Default: 1m.
//   - token claim adds a claim to those that the gateway writes, from an expression over consumer, claims, client and api. Null,
//     and what the credential does not have, leave it out. It may be given again, at most 32 times.
//   - credential lets the caller's own credential go on to the service. Default: it ends here.
//
// A block names at least one key, jwt, introspection or certificate. Relative paths are relative to the Caddyfile. The files are watched.
//
// Caddy's logs show a request's header fields as they came, Authorization and Cookie excepted. What keeps API keys out of
// them is their format, the default log's too, which tells of errors:
//
//	log {
//		format api_gateway
//	}
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the directive's name
	if d.NextArg() {
		return d.ArgErr()
	}
	begin := *d
	words := stage.NewWords("api_auth", []string{"key", "jwt", "introspection", "certificate", "metadata", "anonymous", "forward"}, nil)
	for d.NextBlock(0) {
		word, err := words.Take(d)
		if err != nil {
			return err
		}
		switch word {
		case "key":
			err = h.key(d, words)
		case "jwt":
			if err = words.Once(d, word); err == nil {
				err = h.jwt(d)
			}
		case "metadata":
			if err = words.Once(d, word); err == nil {
				err = h.publish(d)
			}
		case "introspection":
			if err = words.Once(d, word); err == nil {
				err = h.introspection(d)
			}
		case "certificate":
			if err = words.Once(d, word); err == nil {
				err = h.certificate(d)
			}
		case "anonymous":
			if err = words.Once(d, word); err == nil {
				_, err = stage.Arguments(d, 0, 0, "anonymous")
			}
			h.Anonymous = true
		case "forward":
			if err = words.Once(d, word); err == nil {
				err = h.told(d)
			}
		}
		if err != nil {
			return err
		}
	}
	if len(h.Methods) == 0 {
		return begin.Err("api_auth needs at least one way to identify: key, jwt, introspection or certificate")
	}
	if h.Metadata != nil && !slices.ContainsFunc(h.Methods, func(m identity.MethodConfig) bool { return m.JWT != nil || m.Introspection != nil }) {
		return begin.Err("metadata is about tokens, and api_auth takes none")
	}
	return nil
}

func parse(helper httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	h := &Handler{}
	return h, h.UnmarshalCaddyfile(helper.Dispenser)
}

// Interface guards
var _ caddyfile.Unmarshaler = (*Handler)(nil)
