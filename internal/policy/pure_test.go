package policy

import (
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
)

// impure are those that do not, and why. time.now_ns is not among them: it gives the second of the decision.
var impure = map[string]string{
	"crypto.x509.parse_and_verify_certificates":              "looks at the clock and at the machine's own roots",
	"crypto.x509.parse_and_verify_certificates_with_options": "looks at the clock and at the machine's own roots",
	"http.send":              "asks somebody else",
	"internal.test_case":     "is part of the test runner",
	"io.jwt.decode_verify":   "looks at the clock",
	"io.jwt.encode_sign":     "signs with randomness",
	"io.jwt.encode_sign_raw": "signs with randomness",
	"json.match_schema":      "may load what a schema refers to",
	"json.verify_schema":     "may load what a schema refers to",
	"net.lookup_ip_addr":     "asks somebody else",
	"opa.runtime":            "looks at the process",
	"providers.aws.sign_req": "is about one request",
	"rand.intn":              "is random",
	"uuid.rfc4122":           "is random",
}

// Every built-in function has been reviewed.
func TestPure(t *testing.T) {
	known := map[string]bool{ast.NowNanos.Name: true}
	for _, b := range ast.Builtins {
		known[b.Name] = true
		if _, no := impure[b.Name]; pure[b.Name] == no && b.Name != ast.NowNanos.Name {
			t.Errorf("%s: listed as pure %v, as impure %v", b.Name, pure[b.Name], no)
		}
		if b.IsNondeterministic() && pure[b.Name] {
			t.Errorf("%s is nondeterministic by OPA's own mark", b.Name)
		}
	}
	for name := range pure {
		if !known[name] {
			t.Errorf("%s is listed and not known", name)
		}
	}
}
