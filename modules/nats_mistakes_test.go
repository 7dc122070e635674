package modules_test

import (
	"strings"
	"testing"
)

// Each Caddyfile has one mistake in ledger nats; what is said of it names the file and the line.
func TestNATSMistakes(t *testing.T) {
	global := func(lines ...string) string {
		return "{\n\tapi_gateway {\n\t\t" + strings.Join(lines, "\n\t\t") + "\n\t}\n}\n"
	}
	nats := func(lines ...string) string {
		return global(append(append([]string{"ledger nats nats://10.0.0.5:4222 {"}, lines...), "}")...)
	}
	for _, test := range []struct{ name, caddyfile, want string }{
		{"nowhere", global("ledger nats"), "expected: ledger nats <address>[,<address>...], at Caddyfile:3"},
		{"no address", global("ledger nats n1:4222"), "the address of a server of NATS is expected, such as nats://10.0.0.5:4222, or tls:// for TLS, at Caddyfile:3"},
		{"an empty address", global("ledger nats nats://n1:4222,"), "the address of a server of NATS is expected"},
		{"a password in the address", global("ledger nats nats://gw:s3cr3t@n1:4222"), "the address has a user or a password, which would show in Caddy's configuration; use username and password, or token, at Caddyfile:3"},
		{"no such word", nats("\treplica 3"), `ledger nats has no keyword "replica"; did you mean replicas?, at Caddyfile:4`},
		{"replicas twice", nats("\treplicas 3", "\treplicas 3"), "ledger nats: replicas is given twice, at Caddyfile:5"},
		{"replicas what", nats("\treplicas"), "expected: replicas <number>, at Caddyfile:4"},
		{"many replicas", nats("\treplicas 7"), `replicas takes a number from 1 to 5, not "7", at Caddyfile:4`},
		{"a small size", nats("\tsize 1MiB"), `size takes a size from 256MiB to 1TiB, not "1MiB", at Caddyfile:4`},
		{"a wrong span", nats("\tkeep 1m"), `keep takes a span from 1h to 366d, not "1m", at Caddyfile:4`},
		{"a user alone", nats("\tusername gw"), "username and password belong together, at Caddyfile:3"},
		{"username what", nats("\tusername"), "expected: username <name>, at Caddyfile:4"},
		{"a password", nats("\tpassword s3cr3t"), "password takes a placeholder, {env.NAME} or {file.PATH}, so that the secret itself is not in the configuration, at Caddyfile:4"},
		{"a token", nats("\ttoken s3cr3t"), "token takes a placeholder, {env.NAME} or {file.PATH}"},
		{"token what", nats("\ttoken"), "expected: token <placeholder>, {env.NAME} or {file.PATH}, at Caddyfile:4"},
		{"a seed", nats("\tnkey SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"), "nkey takes a placeholder, {env.NAME} or {file.PATH}"},
		{"credentials what", nats("\tcredentials"), "expected: credentials <file>, at Caddyfile:4"},
		{"two ways", nats("\ttoken {env.A}", "\tcredentials a.creds"), "one of password, token, nkey and credentials says who the gateway is, at Caddyfile:3"},
		{"ca what", nats("\tca"), "expected: ca <file>, at Caddyfile:4"},
		{"half a certificate", nats("\tclient_certificate a.pem"), "expected: client_certificate <certificate> <key>, at Caddyfile:4"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := adapt(test.caddyfile)
			if err == nil {
				t.Fatalf("no mistake found in\n%s", test.caddyfile)
			}
			if !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "Caddyfile:") {
				t.Errorf("got  %s\nwant %s", err, test.want)
			}
			if strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("it quotes the secret: %s", err)
			}
		})
	}
}
