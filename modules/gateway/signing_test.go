package gateway_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/modules/filestorage"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"github.com/wicketgate/wicketgate/internal/assertion"
)

// signs has the services of the catalogue of who is told what told in tokens too.
func signs(lines ...string) func(*server) {
	return func(s *server) {
		s.replace("examples/shop/shop.hcl", `    header "X-Tenant" { value = claims.tenant }`, `    header "X-Tenant" { value = claims.tenant }
    token {
      claims = { tenant = claims.tenant }
    }`)
		s.replace("examples/shop/shop.hcl", `    forward { credential = true }`, `    forward {
      token {
        header   = "Authorization"
        audience = ["kept", "other"]
        lifetime = "10s"
      }
    }`)
		s.caddyfile = strings.Replace(s.caddyfile, "		watch 10ms\n", "		watch 10ms\n		signing {\n			issuer https://gw.example\n"+strings.Join(lines, "\n")+"\n		}\n", 1)
	}
}

// keys fetches the published keys, as a service does.
func (s *server) keys() jwk.Set {
	s.t.Helper()
	a := s.do(s.client(true), "GET", "/.well-known/jwks.json", "")
	if a.status != 200 || a.header.Get("Content-Type") != "application/jwk-set+json" || a.header.Get("Cache-Control") != "public, max-age=300" {
		s.t.Fatalf("the keys: %d %v %s", a.status, a.header, a.body)
	}
	if strings.Contains(a.body, `"d"`) {
		s.t.Fatalf("a private key is published: %s", a.body)
	}
	set, err := jwk.Parse([]byte(a.body))
	if err != nil {
		s.t.Fatal(err)
	}
	return set
}

func ids(set jwk.Set) (all []string) {
	for i := range set.Len() {
		k, _ := set.Key(i)
		id, _ := k.KeyID()
		all = append(all, id)
	}
	return all
}

// verified is a token as a service that verifies it by the published keys takes it.
func (s *server) verified(token, audience string) jwt.Token {
	s.t.Helper()
	parsed, err := jwt.Parse([]byte(token), jwt.WithKeySet(s.keys()), jwt.WithIssuer("https://gw.example"), jwt.WithAudience(audience))
	if err != nil {
		s.t.Fatalf("the service does not take %q: %v", token, err)
	}
	return parsed
}

// TestTokens has a service verify who calls, whatever callers send in the field of the token.
func TestTokens(t *testing.T) {
	s, sign := tells(t, signs())
	token := func(name, path string, fields ...string) string {
		t.Helper()
		a := s.do(s.client(true), "GET", path, "", append(fields, "X-Consumer-Token: forged", "X-Consumer-Token: twice")...)
		if a.status != 200 {
			t.Fatalf("%s: got %d %s", name, a.status, a.body)
		}
		saw, _ := s.upstream.saw()
		return strings.Join(saw.Header["X-Consumer-Token"], "|") + strings.TrimPrefix(saw.Header.Get("Authorization"), "Bearer ")
	}
	partner := s.verified(token("a partner", "/api/orders", "X-API-Key: "+acme), "orders")
	if sub, _ := partner.Subject(); sub != "acme" {
		t.Errorf("a partner is %q", sub)
	}
	first := token("one of the staff", "/api/orders", sign(map[string]any{"tenant": "t1"}))
	staff := s.verified(first, "orders")
	var tenant, method string
	if sub, _ := staff.Subject(); sub != "ada" || staff.Get("tenant", &tenant) != nil || tenant != "t1" || staff.Get("method", &method) != nil || method != "jwt" {
		t.Errorf("one of the staff is %v", staff)
	}
	kept := s.verified(token("in the place of the credential", "/api/kept", sign(nil)), "kept")
	issued, _ := kept.IssuedAt()
	if ends, _ := kept.Expiration(); ends.Sub(issued) != 10*time.Second {
		t.Errorf("it lives %s", ends.Sub(issued))
	}
	for name, path := range map[string]string{"anonymous": "/api/orders", "an API that tells nothing": "/open/orders", "nothing told": "/api/quiet"} {
		if got := token(name, path); got != "" {
			t.Errorf("%s: the service was told %q", name, got)
		}
	}
	// Where some service is told in Authorization, none gets a client's.
	if got := token("a client's own", "/open/orders", "Authorization: Bearer forged"); got != "" {
		t.Errorf("the service was told %q", got)
	}

	for method, want := range map[string]int{"HEAD": 200, "POST": 405, "DELETE": 405} {
		if a := s.do(s.client(true), method, "/.well-known/jwks.json", ""); a.status != want || a.status == 405 && a.header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s of the keys: %d %v", method, a.status, a.header)
		}
	}
	for _, path := range []string{"/config/", "/api_gateway/status"} {
		res, err := http.Get(fmt.Sprintf("http://localhost:%d%s", s.admin, path))
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if strings.Contains(string(text), "PRIVATE") || strings.Contains(string(text), `"private"`) || strings.Contains(path, "status") && !strings.Contains(string(text), ids(s.keys())[0]) {
			t.Errorf("%s says %s", path, text)
		}
	}

	// The keys stay the same over a reload of Caddy, over a restart, and on another node with the same storage.
	want := ids(s.keys())
	if err := s.load(); err != nil {
		t.Fatal(err)
	}
	s.verified(first, "orders")
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := s.load(); err != nil {
		t.Fatal(err)
	}
	s.trust()
	s.verified(first, "orders")
	storage, err := (filestorage.FileStorage{Root: s.dir}).CertMagicStorage()
	if err != nil {
		t.Fatal(err)
	}
	other := assertion.NewKeeper(assertion.DefaultRotate)
	if err := other.Look(t.Context(), storage, time.Now()); err != nil {
		t.Fatal(err)
	}
	if text, _ := other.Keys().Set(); len(want) != 1 || !strings.Contains(string(text), want[0]) || ids(s.keys())[0] != want[0] {
		t.Errorf("the keys were %v, are %v, and on another node %s", want, ids(s.keys()), text)
	}
	info, err := os.Stat(filepath.Join(s.dir, "api_gateway", "signing_keys.json"))
	if err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("others may read the keys: %v, %v", info, err)
	}
}

// TestTokensByAFile has an operator's keys sign, and be replaced.
func TestTokensByAFile(t *testing.T) {
	key := func() string {
		private, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(private)
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	}
	first, second := key(), key()
	s, _ := tells(t, signs("			key gw.pem"), func(s *server) { s.write("gw.pem", first) })
	before := ids(s.keys())
	ask := func() {
		t.Helper()
		if a := s.do(s.client(true), "GET", "/api/orders", "", "X-API-Key: "+acme); a.status != 200 {
			t.Fatalf("got %d %s", a.status, a.body)
		}
		saw, _ := s.upstream.saw()
		s.verified(saw.Header.Get("X-Consumer-Token"), "orders")
	}
	ask()
	s.write("gw.pem", second+first)
	s.within(10*time.Second, "the new key is published", func() bool { return len(ids(s.keys())) == 2 })
	if after := ids(s.keys()); after[1] != before[0] {
		t.Errorf("the keys were %v and are %v", before, after)
	}
	ask()
	good := ids(s.keys())
	s.write("gw.pem", second[:100])
	s.within(10*time.Second, "the mistake is told", func() bool {
		res, err := http.Get(fmt.Sprintf("http://localhost:%d/api_gateway/status", s.admin))
		if err != nil {
			return false
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		return strings.Contains(string(text), "Broken key") && strings.Contains(string(text), "gw.pem")
	})
	if after := ids(s.keys()); len(after) != 2 || after[0] != good[0] {
		t.Errorf("the last good keys were %v, and in force are %v", good, after)
	}
	if _, err := os.Stat(filepath.Join(s.dir, "api_gateway")); err == nil {
		t.Error("the gateway made keys of its own")
	}
}

// TestTokensFromOn has an edit of the catalogue ask for tokens of a gateway that made none.
func TestTokensFromOn(t *testing.T) {
	var without string
	s, _ := tells(t, func(s *server) {
		without = s.read("examples/shop/shop.hcl")
		signs()(s)
		s.write("with.hcl", s.read("examples/shop/shop.hcl"))
		s.write("examples/shop/shop.hcl", without)
	})
	if a := s.do(s.client(true), "GET", "/.well-known/jwks.json", ""); a.status != 404 {
		t.Errorf("without tokens, the keys are %d %s", a.status, a.body)
	}
	s.write("examples/shop/shop.hcl", s.read("with.hcl"))
	s.within(10*time.Second, "keys are published", func() bool {
		return s.do(s.client(true), "GET", "/.well-known/jwks.json", "").status == 200
	})
	if len(ids(s.keys())) != 1 {
		t.Error("there is no key")
	}
}

// TestTokensWithoutKeys starts where no key can be had: it does not. A configuration that is only validated makes none.
func TestTokensWithoutKeys(t *testing.T) {
	keys, _ := staff(t)
	s := prepare(t, func(s *server) {
		s.write("examples/shop/shop.hcl", telling)
		s.write("examples/shop/staff.jwks.json", keys)
		signs()(s)
		s.caddyfile = strings.NewReplacer("https://localhost {\n	tls internal\n", "http://localhost {\n").Replace(s.caddyfile)
		s.caddyfile = strings.Replace(s.caddyfile, "	auto_https disable_redirects\n", "	auto_https off\n", 1)
	})
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(s.caddyfile), map[string]any{"filename": filepath.Join(s.dir, "Caddyfile")})
	if err != nil {
		t.Fatal(err)
	}
	var config caddy.Config
	if err := caddy.StrictUnmarshalJSON(adapted, &config); err != nil {
		t.Fatal(err)
	}
	if err := caddy.Validate(&config); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(s.dir, "api_gateway")); err == nil {
		t.Error("validating made keys")
	}
	s.write("api_gateway/signing_keys.json", `{"keys":[]}`)
	if err := s.load(); err == nil || !strings.Contains(err.Error(), "there is no key to sign tokens with: the record of signing keys in the storage is broken") {
		t.Errorf("got %v", err)
	}
	s.replace("examples/shop/shop.hcl", `      claims = { tenant = claims.tenant }`, `      claims = { iss = claims.tenant }`)
	if err := s.load(); err == nil || !strings.Contains(err.Error(), "The claim iss is the gateway's own to write") {
		t.Errorf("got %v", err)
	}
	s.replace("examples/shop/shop.hcl", `claims = { iss = claims.tenant }`, `lifetime = "20s"`)
	s.caddyfile = strings.Replace(s.caddyfile, "signing {\n			issuer https://gw.example\n\n		}", "", 1)
	if err := s.load(); err == nil || !strings.Contains(err.Error(), "shop.hcl:") || !strings.Contains(err.Error(), "No issuer") {
		t.Errorf("got %v", err)
	}
}

// TestRoutesAtThePlaceOfKeys has APIs with routes where the keys are published: one that is written to be there is served,
// one that is there by its parameters is not reached, and the load tells of both.
func TestRoutesAtThePlaceOfKeys(t *testing.T) {
	for _, test := range []struct {
		route     string
		published bool
	}{
		{"GET /{file}", true},
		{"GET /jwks.json", false},
	} {
		t.Run(test.route, func(t *testing.T) {
			s, _ := tells(t, signs(), func(s *server) {
				s.write("examples/shop/shop.hcl", s.read("examples/shop/shop.hcl")+fmt.Sprintf(`
api "near" {
  base_path = "/.well-known"
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  route %q {}
}
`, test.route))
			})
			a := s.do(s.client(true), "GET", "/.well-known/jwks.json", "")
			if published := a.header.Get("Content-Type") == "application/jwk-set+json"; a.status != 200 || published != test.published {
				t.Errorf("%s: got %d %v", test.route, a.status, a.header)
			}
			res, err := http.Get(fmt.Sprintf("http://localhost:%d/api_gateway/status", s.admin))
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(res.Body)
			res.Body.Close()
			if !strings.Contains(string(text), "Route at the place of keys") {
				t.Errorf("%s: the status is %s", test.route, text)
			}
		})
	}
}
