package modules_test

import (
	"strings"
	"testing"
)

// Each Caddyfile has one mistake; what is said of it names the file and the line.
func TestMistakes(t *testing.T) {
	site := func(lines ...string) string { return ":80 {\n\t" + strings.Join(lines, "\n\t") + "\n}\n" }
	global := func(lines ...string) string {
		return "{\n\tapi_gateway {\n\t\t" + strings.Join(lines, "\n\t\t") + "\n\t}\n}\n"
	}
	jwt := func(lines ...string) string {
		return site("api_auth {", "\tjwt {", "\t\t"+strings.Join(lines, "\n\t\t\t"), "\t}", "}")
	}
	request := func(lines ...string) string {
		return site("api_transform {", "\trequest {", "\t\t"+strings.Join(lines, "\n\t\t\t"), "\t}", "}")
	}
	for _, test := range []struct{ name, caddyfile, want string }{
		{"auth: nothing", site("api_auth"), "api_auth needs at least one way to identify: key or jwt, at Caddyfile:2"},
		{"auth: only anonymous", site("api_auth {", "\tanonymous", "}"), "api_auth needs at least one way to identify: key or jwt, at Caddyfile:2"},
		{"auth: an argument", site("api_auth keys"), "wrong argument count or unexpected line ending after 'keys', at Caddyfile:2"},
		{"auth: no such word", site("api_auth {", "\tkeys X-API-Key a.keys", "}"), `api_auth has no keyword "keys"; did you mean key?, at Caddyfile:3`},
		{"auth: nothing near", site("api_auth {", "\toauth", "}"), `api_auth has no keyword "oauth"; it takes key, jwt, anonymous, at Caddyfile:3`},
		{"auth: introspection", site("api_auth {", "\tintrospection https://login.acme.example/introspect", "}"), "introspection is not supported by this version, at Caddyfile:3"},
		{"auth: certificate", site("api_auth {", "\tcertificate", "}"), "certificate is not supported by this version, at Caddyfile:3"},
		{"auth: key without a file", site("api_auth {", "\tkey X-API-Key", "}"), "expected: key <header> <key file>, at Caddyfile:3"},
		{"auth: empty key", site("api_auth {", "\tkey X-API-Key \"\"", "}"), "expected: key <header> <key file>, at Caddyfile:3"},
		{"auth: key twice", site("api_auth {", "\tkey X-API-Key a.keys", "\tkey x-api-key b.keys", "}"), "key x-api-key is given twice, at Caddyfile:4"},
		{"auth: key in Authorization", site("api_auth {", "\tkey Authorization a.keys", "}"), `it cannot be "Authorization", at Caddyfile:3`},
		{"auth: anonymous twice", site("api_auth {", "\tanonymous", "\tanonymous", "}"), "anonymous is given twice, at Caddyfile:4"},
		{"auth: anonymous what", site("api_auth {", "\tanonymous true", "}"), "expected: anonymous, at Caddyfile:3"},

		{"jwt: twice", site("api_auth {", "\tjwt {", "\t\tissuer a", "\t\tjwks a.json", "\t\taudience a", "\t}", "\tjwt {", "\t}", "}"), "jwt is given twice, at Caddyfile:8"},
		{"jwt: on one line", site("api_auth {", "\tjwt staff.json", "}"), "expected: jwt {"},
		{"jwt: no such word", jwt("isuer a"), `jwt has no keyword "isuer"; did you mean issuer?, at Caddyfile:4`},
		{"jwt: no issuer", jwt("jwks a.json", "audience a"), "jwt needs issuer: a token is believed only from one, at Caddyfile:3"},
		{"jwt: no key set", jwt("issuer a", "audience a"), "jwt needs jwks: the file of the issuer's key set, at Caddyfile:3"},
		{"jwt: no audience", jwt("issuer a", "jwks a.json"), "jwt needs audience"},
		{"jwt: empty issuer", jwt("issuer"), "expected: issuer <value>, at Caddyfile:4"},
		{"jwt: issuer twice", jwt("issuer a", "issuer b"), "issuer is given twice, at Caddyfile:5"},
		{"jwt: two issuers", jwt("issuer a b"), "expected: issuer <value>, at Caddyfile:4"},
		{"jwt: empty key set", jwt("jwks"), "expected: jwks <file>, at Caddyfile:4"},
		{"jwt: a remote key set", jwt("jwks https://login.acme.example/jwks"), "a key set that is fetched from https://login.acme.example/jwks is not supported by this version; name a file, at Caddyfile:4"},
		{"jwt: empty audience", jwt("audience"), "expected: audience <names...>, 1 to 16, at Caddyfile:4"},
		{"jwt: empty algorithms", jwt("algorithms"), "expected: algorithms <names...>, 1 to 16, at Caddyfile:4"},
		{"jwt: unknown algorithm", jwt("algorithms none"), `"none" is not one of RS256`},
		{"jwt: unknown algorithm's place", jwt("issuer a", "algorithms ES265"), `Did you mean "ES256"?, at Caddyfile:5`},
		{"jwt: empty expression", jwt("consumer \"\""), `expected: consumer "<expression>", at Caddyfile:4`},
		{"jwt: wrong expression", jwt("consumer consumer.id"), "consumer: Name not available here: consumer cannot be used here; an expression in this place begins with claims, at Caddyfile:4"},
		{"jwt: unfinished expression", jwt("consumer `claims.sub +`"), "consumer: Invalid expression"},

		{"limit: no name", site("api_limit {", "\tquota 1 1s", "}"), "expected: api_limit <name> { and at least one quota, at Caddyfile:2"},
		{"limit: two names", site("api_limit a b {", "\tquota 1 1s", "}"), "expected: api_limit <name> { and at least one quota, at Caddyfile:2"},
		{"limit: a wrong name", site("api_limit a;b {", "\tquota 1 1s", "}"), `this one is "a;b", at Caddyfile:2`},
		{"limit: no quota", site("api_limit a"), `Limit "a" has 0 quotas`},
		{"limit: no such word", site("api_limit a {", "\tquotas 1 1s", "}"), `api_limit has no keyword "quotas"; did you mean quota?, at Caddyfile:3`},
		{"limit: quota without a window", site("api_limit a {", "\tquota 1", "}"), "expected: quota <requests> <window> [<name>], at Caddyfile:3"},
		{"limit: quota of words", site("api_limit a {", "\tquota many 1s", "}"), `quota: expected a number of requests, not "many", at Caddyfile:3`},
		{"limit: quota of nothing", site("api_limit a {", "\tquota 0 1s", "}"), "this one says 0."},
		{"limit: window of words", site("api_limit a {", "\tquota 1 day", "}"), `quota: expected a span of time such as 1m, not "day", at Caddyfile:3`},
		{"limit: too short a window", site("api_limit a {", "\tquota 1 10ms", "}"), "this one is 10ms, at Caddyfile:3"},
		{"limit: quota twice", site("api_limit a {", "\tquota 1 1s", "\tquota 2 1s", "}"), `has two quotas called "1s"`},
		{"limit: five quotas", site("api_limit a {", "\tquota 1 1s", "\tquota 2 2s", "\tquota 3 3s", "\tquota 4 4s", "\tquota 5 5s", "}"), "a limit has 1 to 4. Where more are wanted, write a second limit with the same key, at Caddyfile:7"},
		{"limit: key twice", site("api_limit a {", "\tkey claims.a", "\tkey claims.b", "}"), "key is given twice, at Caddyfile:4"},
		{"limit: empty key", site("api_limit a {", "\tkey", "}"), `expected: key "<expression>", at Caddyfile:3`},
		{"limit: unquoted key", site("api_limit a {", "\tkey claims.a + claims.b", "}"), `expected: key "<expression>", at Caddyfile:3`},
		{"limit: key of the body", site("api_limit a {", "\tkey body.a", "}"), "key: "},

		{"validate: nothing", site("api_validate"), "api_validate needs something to check: body, schema or rule, at Caddyfile:2"},
		{"validate: only report_only", site("api_validate {", "\treport_only", "}"), "api_validate needs something to check: body, schema or rule, at Caddyfile:2"},
		{"validate: an argument", site("api_validate json"), "unexpected line ending after 'json', at Caddyfile:2"},
		{"validate: no such word", site("api_validate {", "\tshema a.json", "}"), `api_validate has no keyword "shema"; did you mean schema?, at Caddyfile:3`},
		{"validate: empty body", site("api_validate {", "\tbody", "}"), "expected: body json [max <size>], at Caddyfile:3"},
		{"validate: xml", site("api_validate {", "\tbody xml", "}"), "body: xml is not supported by this version, at Caddyfile:3"},
		{"validate: form", site("api_validate {", "\tbody form", "}"), "body: form is not supported by this version, at Caddyfile:3"},
		{"validate: another body", site("api_validate {", "\tbody yaml", "}"), `body: expected json, not "yaml", at Caddyfile:3`},
		{"validate: body twice", site("api_validate {", "\tbody json", "\tbody json", "}"), "body is given twice, at Caddyfile:4"},
		{"validate: max without a size", site("api_validate {", "\tbody json max", "}"), "expected: body json [max <size>], at Caddyfile:3"},
		{"validate: min", site("api_validate {", "\tbody json min 1KiB", "}"), "expected: body json [max <size>], at Caddyfile:3"},
		{"validate: a size of words", site("api_validate {", "\tbody json max huge", "}"), `expected a size from 1B to 1GiB such as 64KiB, not "huge", at Caddyfile:3`},
		{"validate: a size of nothing", site("api_validate {", "\tbody json max 0", "}"), `not "0", at Caddyfile:3`},
		{"validate: empty schema", site("api_validate {", "\tschema", "}"), "expected: schema <file>, at Caddyfile:3"},
		{"validate: schema twice", site("api_validate {", "\tschema a.json", "\tschema b.json", "}"), "schema is given twice, at Caddyfile:4"},
		{"validate: rule without a detail", site("api_validate {", "\trule `body.a`", "}"), `expected: rule "<expression>" "<detail>" [<JSON pointer>], at Caddyfile:3`},
		{"validate: rule that is no yes or no", site("api_validate {", "\trule `'a' + 'b'` wrong", "}"), "at Caddyfile:3"},
		{"validate: rule of a route", site("api_validate {", "\trule `path.id == '1'` wrong", "}"), "rule: Name not available here: path cannot be used here"},
		{"validate: rule with a dotted path", site("api_validate {", "\trule `body.a == 1` wrong a.b", "}"), `Expected a JSON pointer such as "/a/b", at Caddyfile:3`},
		{"validate: report_only twice", site("api_validate {", "\treport_only", "\treport_only", "}"), "report_only is given twice, at Caddyfile:4"},
		{"validate: report_only what", site("api_validate {", "\treport_only yes", "}"), "expected: report_only, at Caddyfile:3"},

		{"policy: no query", site("api_policy"), "expected: api_policy <query>, such as data.httpapi.authz, at Caddyfile:2"},
		{"policy: two queries", site("api_policy data.a data.b"), "expected: api_policy <query>, such as data.httpapi.authz, at Caddyfile:2"},
		{"policy: no policies", site("api_policy data.a"), "none are configured: name their folder in the global option api_gateway, policies <folder>, at Caddyfile:2"},
		{"policy: a global option without policies", global("watch off") + site("api_policy data.a"), "none are configured: name their folder in the global option api_gateway, policies <folder>, at Caddyfile:7"},
		{"policy: no such word", site("api_policy data.a {", "\treportonly", "}"), `api_policy has no keyword "reportonly"; did you mean report_only?, at Caddyfile:3`},
		{"policy: shadow", site("api_policy data.a {", "\tshadow data.b", "}"), "shadow is not supported by this version, at Caddyfile:3"},
		{"policy: report_only twice", site("api_policy data.a {", "\treport_only", "\treport_only", "}"), "report_only is given twice, at Caddyfile:4"},
		{"policy: report_only what", site("api_policy data.a {", "\treport_only yes", "}"), "expected: report_only, at Caddyfile:3"},

		{"transform: nothing", site("api_transform"), "api_transform needs something to change: a request or a response block with a line in it, at Caddyfile:2"},
		{"transform: an argument", site("api_transform request"), "unexpected line ending after 'request', at Caddyfile:2"},
		{"transform: no such block", site("api_transform {", "\treply {", "\t}", "}"), `api_transform has no keyword "reply"; it takes request, response, at Caddyfile:3`},
		{"transform: an empty block", site("api_transform {", "\trequest {", "\t}", "}"), "request is empty: write what is changed, a line each, at Caddyfile:3"},
		{"transform: a block twice", site("api_transform {", "\tresponse {", "\t\tdrop a", "\t}", "\tresponse {", "\t}", "}"), "response is given twice, at Caddyfile:6"},
		{"transform: on one line", site("api_transform {", "\trequest drop a", "}"), "expected: request { and what is changed, a line each, at Caddyfile:3"},
		{"transform: only a bound", request("max 1KiB"), "api_transform needs something to change"},
		{"transform: no such word", request("renam a b"), `request has no keyword "renam"; did you mean rename?, at Caddyfile:4`},
		{"transform: a later word", request("split a b"), "split is not supported by this version, at Caddyfile:4"},
		{"transform: set what", request("set X-A 1"), "expected: set header <name> <value>, at Caddyfile:4"},
		{"transform: set of something else", request("set query a 1"), "expected: set header <name> <value>, at Caddyfile:4"},
		{"transform: set twice", request("set header X-A 1", "set header x-a 2"), "header X-A is given twice, at Caddyfile:5"},
		{"transform: set and removed", request("set header X-A 1", "remove header x-a"), "header X-A is given twice, at Caddyfile:5"},
		{"transform: remove what", request("remove header"), "expected: remove header <name>, at Caddyfile:4"},
		{"transform: a field of the connection", request("remove header Transfer-Encoding"), "belongs to the connection"},
		{"transform: rename to nothing", request("rename a"), "expected: rename <field> <name>, at Caddyfile:4"},
		{"transform: rename to two", request("rename a b c"), "expected: rename <field> <name>, at Caddyfile:4"},
		{"transform: rename to a path", request("rename a b.c"), `write move to bring "a" to "b.c", at Caddyfile:4`},
		{"transform: rename of what is gone", request("drop a", "rename a b"), "it is gone then, at Caddyfile:5"},
		{"transform: move to nothing", request("move a"), "expected: move <field> <path>, at Caddyfile:4"},
		{"transform: move out of a list", request("move a[*].b c"), `to begins with "a[*]" as well, at Caddyfile:4`},
		{"transform: drop nothing", request("drop"), "expected: drop <field>, at Caddyfile:4"},
		{"transform: drop two", request("drop a b"), "expected: drop <field>, at Caddyfile:4"},
		{"transform: add nothing", request("add a"), "expected: add <field> <value>, at Caddyfile:4"},
		{"transform: add two", request("add a 1 2"), "expected: add <field> <value>, at Caddyfile:4"},
		{"transform: add what is no JSON", request("add a `{b: 1}`"), "expected JSON in backquotes, not {b: 1}, at Caddyfile:4"},
		{"transform: enum of nothing", request("enum a"), "expected: enum <field> <from> <to> [<from> <to>...], at Caddyfile:4"},
		{"transform: half a pair", request("enum a 1 2 3"), "expected: enum <field> <from> <to> [<from> <to>...], at Caddyfile:4"},
		{"transform: enum into two", request("enum a 1 2 1 3"), "1 is to become two values, at Caddyfile:4"},
		{"transform: max twice", request("max 1KiB", "max 1KiB"), "max is given twice, at Caddyfile:5"},
		{"transform: max of nothing", request("max"), "expected: max <size>, at Caddyfile:4"},
		{"transform: max beyond all", request("max 2GiB"), `expected a size from 1B to 1GiB such as 64KiB, not "2GiB", at Caddyfile:4`},

		{"global: an argument", "{\n\tapi_gateway shop\n}\n", "unexpected line ending after 'shop', at Caddyfile:2"},
		{"global: twice", "{\n\tapi_gateway {\n\t}\n\tapi_gateway {\n\t}\n}\n", "api_gateway is given twice, at Caddyfile:4"},
		{"global: no such word", global("catalog shop"), "unrecognised option catalog; did you mean catalogue?, at Caddyfile:3"},
		{"global: empty catalogue", global("catalogue"), "after 'catalogue', at Caddyfile:3"},
		{"global: empty policies", global("policies"), "after 'policies', at Caddyfile:3"},
		{"global: policies twice", global("policies a", "policies b"), "policies is given twice, at Caddyfile:4"},
		{"global: bundles", global("policies bundle https://bundles.acme.example/gw.tar.gz"), "bundle is not supported by this version, at Caddyfile:3"},
		{"global: a limit of words", global("policies a {", "\tlimit soon", "}"), `limit takes a time such as 100ms, not "soon", at Caddyfile:4`},
		{"global: an empty limit", global("policies a {", "\tlimit", "}"), "after 'limit', at Caddyfile:4"},
		{"global: a limit twice", global("policies a {", "\tlimit 1s", "\tlimit 1s", "}"), "limit is given twice, at Caddyfile:5"},
		{"global: no such word of policies", global("policies a {", "\tlimits 1s", "}"), "unrecognised option limits; policies take limit, at Caddyfile:4"},
		{"global: empty counters", global("counters"), "after 'counters', at Caddyfile:3"},
		{"global: no such counters", global("counters memoy"), "did you mean memory?, at Caddyfile:3"},
		{"global: redis", global("counters redis redis://10.0.0.5:6379"), "redis is not supported by this version, at Caddyfile:3"},
		{"global: too few keys", global("counters memory 10"), `from 1000 on, not "10", at Caddyfile:3`},
		{"global: counters twice", global("counters memory", "counters memory"), "counters is given twice, at Caddyfile:4"},
		{"global: a variable without a value", global("variable region"), "at Caddyfile:3"},
		{"global: a variable twice", global("variable region a", "variable region b"), "variable region is given twice, at Caddyfile:4"},
		{"global: watch too often", global("watch 1ms"), `watch takes an interval of at least 10ms, or off, not "1ms", at Caddyfile:3`},
		{"global: watch twice", global("watch off", "watch off"), "watch is given twice, at Caddyfile:4"},
		{"global: empty watch", global("watch"), "after 'watch', at Caddyfile:3"},
		{"global: a decision log", global("decision_log /var/log/gw/decisions.log"), "decision_log is not supported by this version, at Caddyfile:3"},
		{"global: a ledger", global("ledger embedded"), "ledger is not supported by this version, at Caddyfile:3"},
		{"handler: an API twice", site("api_gateway orders orders"), "the API orders is named twice, at Caddyfile:2"},
		{"handler: a block", site("api_gateway {", "\tcatalogue shop", "}"), "api_gateway takes no block here: what it serves is in the catalogue, at Caddyfile:3"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := adapt(test.caddyfile)
			if err == nil {
				t.Fatalf("no mistake found in\n%s", test.caddyfile)
			}
			if !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "Caddyfile:") {
				t.Errorf("got  %s\nwant %s", err, test.want)
			}
		})
	}
}
