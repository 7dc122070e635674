package gateway

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/identity"
	"github.com/wicketgate/wicketgate/internal/introspection"
	"github.com/wicketgate/wicketgate/internal/limit"
)

// TestProof builds what introspection and certificate blocks say, and tells what of them cannot be.
func TestProof(t *testing.T) {
	t.Setenv("INTROSPECTION_SECRET", "s3cret")
	const asked = "introspection {\nurl = \"https://id.acme.example/introspect\"\nclient_id = \"gateway\"\nclient_secret = secret.gateway\n"
	for _, test := range []struct {
		name, block string
		want        string // the summaries of the mistakes, "" for none
	}{
		{"a secret", asked + "}", ""},
		{"all of it", asked + "client_auth = \"post\"\nissuer = \"https://id.acme.example\"\naudience = [\"orders\"]\nscopes = [\"orders:read\"]\nconsumer = claims.client_id\nplan = claims.plan\nversion = claims.v\ngroups = claims.roles\ncache = \"10s\"\ntimeout = \"1s\"\nbound = [\"dpop\"]\ndpop {\nalgorithms = [\"ES256\"]\nwindow = \"30s\"\nnonce = true\n}\n}", ""},
		{"a literal secret", strings.Replace(asked, "secret.gateway", `"s3cret"`, 1) + "}", "Literal secret"},
		{"no such secret", strings.Replace(asked, "secret.gateway", "secret.getaway", 1) + "}", "Unknown secret"},
		{"http", strings.Replace(asked, "https:", "http:", 1) + "}", "Unsuitable value"},
		{"another consumer", asked + "consumer = consumer.id\n}", "Name not available here"},
		{"bound without dpop", asked + "bound = [\"dpop\"]\n}", "DPoP is off"},
		{"a wrong key", "introspection {\nurl = \"https://id.acme.example/introspect\"\nclient_id = \"gateway\"\nclient_key = \"text\"\n}", "Unusable introspection"},
		{"a certificate without key", "introspection {\nurl = \"https://id.acme.example/introspect\"\nclient_id = \"gateway\"\nclient_certificate = \"text\"\n}", "Unusable introspection"},
		{"a certificate", "certificate {}", ""},
		{"whom a certificate names", "certificate { consumer = certificate.sans.dns[0] }", ""},
		{"whom a token names", "certificate { consumer = claims.sub }", "Name not available here"},
		{"authorities that are none", "certificate { trusted_ca_file = \"text\" }", "No authorities"},
		{"a wrong fingerprint", "certificate { fingerprints = [\"aa\"] }", "Unsuitable value"},
	} {
		t.Run(test.name, func(t *testing.T) {
			folder := t.TempDir()
			path := filepath.Join(folder, "shop.hcl")
			for name, text := range map[string]string{"text": "s3cret", "shop.hcl": `
upstream "orders" { servers = ["http://127.0.0.1:1"] }
api "orders" {
  base_path = "/"
  upstream  = upstream.orders
  identify  = [identity.apps]
  authorize = public
  route "GET /orders" {}
}
secret "gateway" { env = "INTROSPECTION_SECRET" }
identity "apps" {
` + test.block + `
}
`} {
				if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			c, sources, diags := catalogue.Load([]string{path}, nil)
			_, _, _, more := Build(Config{
				Catalogue: c, Broken: diags.HasErrors(), Sources: sources, Counter: limit.NewMemory(0),
				Upstream: func(*catalogue.Upstream) (Upstream, error) { return nil, nil },
				Introspection: func(c introspection.Config) (identity.Introspector, error) {
					if c.Secret.Reveal() != "s3cret" && c.Key == nil && c.Certificate == nil && !diags.HasErrors() {
						t.Errorf("the client is %+v", c)
					}
					return introspection.New(c)
				},
			})
			var all []string
			for _, d := range append(diags, more...) {
				if d.Severity == hcl.DiagError {
					all = append(all, d.Summary)
				}
				if strings.Contains(d.Detail, "s3cret") {
					t.Errorf("a mistake shows a secret: %s", d.Detail)
				}
			}
			if got := strings.Join(all, ", "); got != test.want && !(test.want != "" && strings.HasPrefix(got, test.want)) {
				t.Errorf("%s, want %s: %v", got, test.want, append(diags, more...))
			}
		})
	}
}
