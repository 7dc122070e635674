package gateway

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/identity"
	"github.com/wicketgate/wicketgate/internal/issuer"
	"github.com/wicketgate/wicketgate/internal/limit"
)

// TestTokens builds what a jwt block says, and tells what of it cannot be.
func TestTokens(t *testing.T) {
	for _, test := range []struct {
		name string
		jwt  string // lines of the block beside audience
		want string // the summary and place of the mistake, "" for none
	}{
		{"discovery", `issuer = "https://id.acme.example"`, ""},
		{"an address", "issuer = \"acme\"\njwks = \"https://id.acme.example/keys\"", ""},
		{"claims within claims", "issuer = \"https://id.acme.example\"\ngroups = claims.realm_access.roles\nplan = expr(\"claims.billing?.plan\")\nversion = claims.v", ""},
		{"an issuer without an address", `issuer = "acme"`, "Unusable issuer"},
		{"an issuer over http", `issuer = "http://id.acme.example"`, "Unusable issuer"},
		{"an address over http", "issuer = \"acme\"\njwks = \"http://id.acme.example/keys\"", "Unsuitable value"},
		{"a file and an address", "issuer = \"acme\"\njwks = \"https://id.acme.example/keys\"\nkeys = \"keys.json\"", "Two key sets"},
		{"authorities of a file", "issuer = \"acme\"\nca_file = \"keys.json\"\nkeys = \"keys.json\"", "Nothing is fetched"},
		{"authorities that are none", "issuer = \"https://id.acme.example\"\nca_file = \"keys.json\"", "Unusable issuer"},
		{"authorities of nowhere", "issuer = \"https://id.acme.example\"\nca_file = \"no.pem\"", "Missing file"},
		{"a fetched secret", "issuer = \"https://id.acme.example\"\nalgorithms = [\"HS256\"]", "A secret cannot be fetched"},
		{"the age of keys", "issuer = \"https://id.acme.example\"\nmax_stale = \"1m\"", "Unsuitable value"},
		{"another type", "issuer = \"https://id.acme.example\"\ntype = \"JWT\"", "Unsuitable value"},
		{"scopes in one text", "issuer = \"https://id.acme.example\"\nscopes = [\"a b\"]", "Unsuitable value"},
		{"a plan of something else", "issuer = \"https://id.acme.example\"\nplan = consumer.id", "Name not available here"},
	} {
		t.Run(test.name, func(t *testing.T) {
			folder := t.TempDir()
			write := func(name, text string) string {
				path := filepath.Join(folder, name)
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				return path
			}
			write("keys.json", `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"a"}]}`)
			path := write("shop.hcl", `
upstream "orders" { servers = ["http://127.0.0.1:1"] }
api "orders" {
  base_path = "/"
  upstream  = upstream.orders
  identify  = [identity.staff]
  authorize = public
  route "GET /orders" {}
}
identity "staff" {
  jwt {
    audience = ["orders"]
`+test.jwt+`
  }
}
`)
			c, sources, diags := catalogue.Load([]string{path}, nil)
			_, _, _, more := Build(Config{
				Catalogue: c, Broken: diags.HasErrors(), Sources: sources, Counter: limit.NewMemory(0),
				Upstream: func(*catalogue.Upstream) (Upstream, error) { return nil, nil },
				IssuerKeys: func(c issuer.Config, authorities []byte) (identity.KeySource, error) {
					if authorities != nil {
						return nil, os.ErrInvalid
					}
					return issuer.New(c)
				},
			})
			var all []string
			for _, d := range append(diags, more...) {
				if d.Severity == hcl.DiagError {
					all = append(all, d.Summary)
					if d.Subject == nil || d.Subject.Filename != path || d.Subject.Start.Line < 9 {
						t.Errorf("%s has no place in the block: %v", d.Summary, d.Subject)
					}
				}
			}
			if got := strings.Join(all, ", "); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}
