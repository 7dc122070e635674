package modules_test

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// api_auth tells the service of callers what its block says. What clients send in these fields ends at the first stage of
// any route, also of one that tells nobody anything.
func TestAuthTells(t *testing.T) {
	acme, line := apiKey(t, "acme")
	keys, sign := issuer(t)
	g, s, _ := alone(t, map[string]string{"partners.keys": line, "staff.json": keys}, "", `
	@open path /open/*
	api_validate @open {
		rule "request.method == 'GET'" "only GET"
	}
	@kept path /kept/*
	api_auth @kept {
		key X-API-Key partners.keys
		forward {
			credential
		}
	}
	@closed not path /open/* /kept/*
	api_auth @closed {
		key X-API-Key partners.keys
		jwt {
			issuer https://id.example
			jwks staff.json
			audience orders
		}
		anonymous
		forward {
			header X-Tenant "claims.tenant"
			header Remote-User "consumer.id"
			header Acme-Method "consumer.method"
		}
	}
	{PROXY}`)
	told := []string{"Acme-Method", "Remote-User", "X-Consumer-Id", "X-Tenant"}
	token := func(claims map[string]any) string { return "Authorization: Bearer " + sign(claims) }
	for _, test := range []struct {
		path, credential string
		want             map[string]string
	}{
		{"/orders", "X-API-Key: " + acme, map[string]string{"Remote-User": "acme", "Acme-Method": "api_key"}},
		{"/orders", token(map[string]any{"sub": "ada", "tenant": "t1"}), map[string]string{"Remote-User": "ada", "Acme-Method": "jwt", "X-Tenant": "t1"}},
		{"/orders", "Accept: */*", nil},
		{"/open/orders", "Accept: */*", nil},
		{"/kept/orders", "X-API-Key: " + acme, map[string]string{"X-Api-Key": acme}},
	} {
		fields := []string{test.credential}
		for _, name := range told {
			fields = append(fields, name+": admin", name+": root")
		}
		is(t, test.path, g.Do("GET", test.path, "", fields...), 200, "")
		_, _, header, _ := s.saw()
		got := map[string]string{}
		for _, name := range append(slices.Clone(told), "X-Api-Key", "Authorization") {
			if values, there := header[name]; there {
				got[name] = strings.Join(values, "|")
			}
		}
		if !maps.Equal(got, test.want) {
			t.Errorf("%s with %.12s: the service was told %v, want %v", test.path, test.credential, got, test.want)
		}
	}
	before, _, _, _ := s.saw()
	is(t, "an injected field", g.Do("GET", "/orders", "", token(map[string]any{"sub": "ada", "tenant": "a\r\nX-User: admin"})), http.StatusForbidden, "cannot be told")
	if after, _, _, _ := s.saw(); after != before {
		t.Error("it reached the service")
	}
}

// A field cannot carry one's credential and tell another who calls.
func TestAuthTellsInTheFieldOfAKey(t *testing.T) {
	_, line := apiKey(t, "acme")
	dir := t.TempDir()
	gatewaytest.Write(t, dir+"/partners.keys", line)
	gatewaytest.Write(t, dir+"/Caddyfile", `https://localhost:{$HTTPS_PORT} {
	tls internal
	api_auth /a/* {
		key X-Partner partners.keys
	}
	api_auth /b/* {
		key X-API-Key partners.keys
		forward {
			header X-Partner "consumer.id"
		}
	}
}
`)
	if err := gatewaytest.Load(t, dir+"/Caddyfile"); err == nil || !strings.Contains(err.Error(), "The header field X-Partner carries a credential") {
		t.Errorf("got %v", err)
	}
}

// api_auth tells the service in a token, which a service verifies by the keys that are published.
func TestAuthTellsInATokenOfTheGateway(t *testing.T) {
	acme, line := apiKey(t, "acme")
	g, s, dir := alone(t, map[string]string{"partners.keys": line}, `
	api_gateway {
		signing {
			issuer https://gw.example
		}
	}`, `
	log {
		output file {DIR}/access.log {
			roll_disabled
		}
	}
	@closed not path /open/*
	api_auth @closed {
		key X-API-Key partners.keys
		anonymous
		forward {
			token {
				header Authorization
				audience orders
				claim who "consumer.name"
			}
		}
	}
	{PROXY}`)
	is(t, "a partner", g.Do("GET", "/orders", "", "X-API-Key: "+acme, "Authorization: Bearer forged"), 200, "")
	_, _, header, _ := s.saw()
	token, ok := strings.CutPrefix(header.Get("Authorization"), "Bearer ")
	keys := g.Do("GET", "/.well-known/jwks.json", "")
	if !ok || len(header["Authorization"]) != 1 || keys.Status != 200 || keys.Header.Get("Content-Type") != "application/jwk-set+json" {
		t.Fatalf("the service was told %v; the keys are %d %s", header, keys.Status, keys.Body)
	}
	set, err := jwk.Parse([]byte(keys.Body))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jwt.Parse([]byte(token), jwt.WithKeySet(set), jwt.WithIssuer("https://gw.example"), jwt.WithAudience("orders"))
	if err != nil {
		t.Fatal(err)
	}
	var who string
	if sub, _ := parsed.Subject(); sub != "acme" || parsed.Get("who", &who) != nil || who != "acme" {
		t.Errorf("the token says %v", parsed)
	}
	is(t, "anonymous", g.Do("GET", "/orders", "", "Authorization: Bearer forged"), 200, "")
	if _, _, header, _ = s.saw(); header["Authorization"] != nil {
		t.Errorf("the service was told %v", header)
	}
	is(t, "writing the keys", g.Do("PUT", "/.well-known/jwks.json", "{}"), 405, "can only be read")
	g.Within(10*time.Second, "the access is logged", func() bool {
		text, err := os.ReadFile(filepath.Join(dir, "access.log"))
		return err == nil && strings.Count(string(text), "\n") >= 4
	})
	if text, _ := os.ReadFile(filepath.Join(dir, "access.log")); strings.Contains(string(text), token) {
		t.Errorf("the access log has the token: %s", text)
	}
}
