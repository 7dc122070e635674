package modules_test

import (
	"strings"
	"testing"
)

// Each Caddyfile has one mistake in api_webhook; what is said of it names the file and the line.
func TestWebhookMistakes(t *testing.T) {
	site := func(lines ...string) string { return ":80 {\n\t" + strings.Join(lines, "\n\t") + "\n}\n" }
	for _, test := range []struct{ name, caddyfile, want string }{
		{"no path", site("api_webhook {", "\tverify stripe {env.X}", "\tdeliver http://127.0.0.1:1/x", "}"), "expected: api_webhook <path> { with verify and deliver, at Caddyfile:2"},
		{"no canonical path", site("api_webhook hooks/ {", "\tverify stripe {env.X}", "\tdeliver http://127.0.0.1:1/x", "}"), `api_webhook takes a canonical path such as /hooks/stripe, not "hooks/", at Caddyfile:2`},
		{"a path with dots", site("api_webhook /a/../b {", "\tverify stripe {env.X}", "\tdeliver http://127.0.0.1:1/x", "}"), `api_webhook takes a canonical path such as /hooks/stripe, not "/a/../b", at Caddyfile:2`},
		{"nothing in it", site("api_webhook /hooks"), "api_webhook needs verify and deliver, at Caddyfile:2"},
		{"no such word", site("api_webhook /hooks {", "\tverfy stripe {env.X}", "}"), `api_webhook has no keyword "verfy"; did you mean verify?, at Caddyfile:3`},
		{"verify twice", site("api_webhook /hooks {", "\tverify stripe {env.X}", "\tverify stripe {env.X}", "\tdeliver http://127.0.0.1:1/x", "}"), "api_webhook: verify is given twice, at Caddyfile:4"},
		{"no secret", site("api_webhook /hooks {", "\tverify stripe", "}"), "expected: verify <scheme> <secrets...>, at most 8, at Caddyfile:3"},
		{"no such scheme", site("api_webhook /hooks {", "\tverify strip {env.X}", "}"), `there is no scheme "strip". Did you mean "stripe"?, at Caddyfile:3`},
		{"no such word of verify", site("api_webhook /hooks {", "\tverify hmac {env.X} {", "\t\tprefx x", "\t}", "}"), `verify has no keyword "prefx"; did you mean prefix?, at Caddyfile:4`},
		{"prefix twice", site("api_webhook /hooks {", "\tverify hmac {env.X} {", "\t\tprefix x", "\t\tprefix x", "\t}", "}"), "verify: prefix is given twice, at Caddyfile:5"},
		{"prefix what", site("api_webhook /hooks {", "\tverify hmac {env.X} {", "\t\tprefix", "\t}", "}"), "expected: prefix <value>, at Caddyfile:4"},
		{"deliver where", site("api_webhook /hooks {", "\tdeliver", "}"), "expected: deliver <address>, at Caddyfile:3"},
		{"no address", site("api_webhook /hooks {", "\tdeliver localhost:1", "}"), "the address is none, such as http://127.0.0.1:9000/stripe, at Caddyfile:3"},
		{"a password", site("api_webhook /hooks {", "\tdeliver http://a:s3cr3t@127.0.0.1/x", "}"), "the address has a user or a password, which is not sent, at Caddyfile:3"},
		{"no such word of deliver", site("api_webhook /hooks {", "\tdeliver http://127.0.0.1:1/x {", "\t\tonyl x", "\t}", "}"), `deliver has no keyword "onyl"; it takes only, order, sign, retry, at Caddyfile:4`},
		{"order twice", site("api_webhook /hooks {", "\tdeliver http://127.0.0.1:1/x {", "\t\torder a", "\t\torder b", "\t}", "}"), "deliver: order is given twice, at Caddyfile:5"},
		{"retry for too short", site("api_webhook /hooks {", "\tdeliver http://127.0.0.1:1/x {", "\t\tretry 1ms", "\t}", "}"), `retry takes a span from 1s to 8784h0m0s, not "1ms", at Caddyfile:4`},
		{"dedupe what", site("api_webhook /hooks {", "\tdedupe", "}"), `expected: dedupe "<expression>" [<span>], at Caddyfile:3`},
		{"remembered too long", site("api_webhook /hooks {", "\tdedupe body.id 400d", "}"), `dedupe takes a span from 1m0s to 8784h0m0s, not "400d", at Caddyfile:3`},
		{"a wrong name", site("api_webhook /hooks {", "\tname a.b", "}"), `name takes 1 to 64 letters, digits, _ and -, not "a.b", at Caddyfile:3`},
		{"a wrong tolerance", site("api_webhook /hooks {", "\ttolerance 2h", "}"), `tolerance takes a span from 1s to 1h0m0s, not "2h", at Caddyfile:3`},
		{"an endless wait", site("api_webhook /hooks {", "\ttimeout 11m", "}"), `timeout takes a span from 1s to 10m0s, not "11m", at Caddyfile:3`},
		{"a large body", site("api_webhook /hooks {", "\tmax_body 26MiB", "}"), `max_body takes at most 25MiB, not "26MiB", at Caddyfile:3`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := adapt(test.caddyfile)
			if err == nil {
				t.Fatalf("no mistake found in\n%s", test.caddyfile)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %s\nwant %s", err, test.want)
			}
		})
	}
}
