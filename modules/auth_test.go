package modules_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"github.com/wicketgate/wicketgate/internal/identity"
	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// apiKey makes a key of a consumer, and its line for a key file.
func apiKey(t *testing.T, consumer string) (printed, line string) {
	t.Helper()
	k := &identity.Key{Consumer: consumer}
	printed, err := identity.NewKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return printed, k.Line() + "\n"
}

// issuer makes a key set, and a function that signs tokens for it.
func issuer(t *testing.T) (keys string, sign func(claims map[string]any) string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := jwk.Import(private)
	if err != nil {
		t.Fatal(err)
	}
	if err := key.Set(jwk.KeyIDKey, "k1"); err != nil {
		t.Fatal(err)
	}
	public, err := key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{"keys": []jwk.Key{public}})
	if err != nil {
		t.Fatal(err)
	}
	return string(text), func(claims map[string]any) string {
		t.Helper()
		b := jwt.NewBuilder().Issuer("https://id.example").Audience([]string{"orders"}).Expiration(time.Now().Add(time.Hour))
		for name, value := range claims {
			b = b.Claim(name, value)
		}
		token, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		signed, err := jwt.Sign(token, jwt.WithKey(jwa.ES256(), key))
		if err != nil {
			t.Fatal(err)
		}
		return string(signed)
	}
}

func TestAuth(t *testing.T) {
	acme, acmeLine := apiKey(t, "acme")
	globex, globexLine := apiKey(t, "globex")
	keys, sign := issuer(t)
	g, s, dir := alone(t, map[string]string{"partners.keys": acmeLine, "staff.json": keys}, `
	api_gateway {
		watch 10ms
	}
	log default {
		output file {DIR}/default.log {
			roll_disabled
		}
		level DEBUG
		# Caddy tells of events, at this level only, while it still writes what it reads for that: a data race of its
		# own between obtaining a certificate and the end of starting.
		exclude events
	}`, `
	log {
		output file {DIR}/access.log {
			roll_disabled
		}
		format filter {
			request>headers>X-Api-Key delete
			request>uri query {
				replace api_key REDACTED
			}
		}
	}
	api_auth /open/* {
		key X-API-Key partners.keys
		anonymous
	}
	@closed not path /open/*
	api_auth @closed {
		key X-API-Key partners.keys {
			query api_key
		}
		jwt {
			issuer https://id.example
			jwks staff.json
			audience orders
			consumer "claims.tenant + ':' + claims.sub"
		}
	}
	header >X-User {http.auth.user.id}
	header >X-User-Facts "{http.auth.user.method} {http.auth.user.claims.tenant} {http.auth.user.plan}."
	{PROXY}`)

	is(t, "nobody", g.Do("GET", "/orders", ""), 401, "the request carries no credentials")
	is(t, "nobody where anybody may come", g.Do("GET", "/open/orders", ""), 200, "")
	is(t, "a stranger there", g.Do("GET", "/open/orders", "", "X-API-Key: "+globex), 401, "the API key is not valid")
	is(t, "two credentials", g.Do("GET", "/orders", "", "X-API-Key: "+acme, "Authorization: Bearer "+sign(nil)), 400, "two credentials")
	is(t, "a token for somebody else", g.Do("GET", "/orders", "", "Authorization: Bearer "+sign(map[string]any{"aud": []string{"billing"}})), 401, "")
	is(t, "a token without a tenant", g.Do("GET", "/orders", "", "Authorization: Bearer "+sign(map[string]any{"sub": "ada"})), 401, "the token is not valid")

	res := g.Do("GET", "/orders", "", "X-API-Key: "+acme, "X-Consumer-Id: admin")
	is(t, "a partner", res, 200, "")
	_, _, header, _ := s.saw()
	if got := header["X-Consumer-Id"]; len(got) != 1 || got[0] != "acme" || header["X-Api-Key"] != nil {
		t.Errorf("the service is told %v", header)
	}
	if got := res.Header.Get("X-User"); got != "acme" {
		t.Errorf("{http.auth.user.id} is %q", got)
	}

	is(t, "a partner by an address", g.Do("GET", "/orders?page=2&api_key="+acme, ""), 200, "")
	if _, path, _, _ := s.saw(); path != "/orders?page=2" {
		t.Errorf("the service is asked for %s", path)
	}
	is(t, "a stranger by an address", g.Do("GET", "/orders?api_key="+globex, ""), 401, "the API key is not valid")

	token := sign(map[string]any{"sub": "ada", "tenant": "shop"})
	res = g.Do("GET", "/orders", "", "Authorization: Bearer "+token)
	is(t, "one of the staff", res, 200, "")
	if got := res.Header.Get("X-User-Facts"); got != "jwt shop ." {
		t.Errorf("of the user it is known: %q", got)
	}
	if _, _, header, _ = s.saw(); header.Get("X-Consumer-Id") != "shop:ada" || header["Authorization"] != nil {
		t.Errorf("the service is told %v", header)
	}

	is(t, "a key that is not there yet", g.Do("GET", "/orders", "", "X-API-Key: "+globex), 401, "")
	gatewaytest.Write(t, filepath.Join(dir, "partners.keys"), globexLine)
	g.Within(10*time.Second, "the new key is known", func() bool { return g.Do("GET", "/orders", "", "X-API-Key: "+globex).Status == 200 })
	is(t, "a key that was taken away", g.Do("GET", "/orders", "", "X-API-Key: "+acme), 401, "")
	gatewaytest.Write(t, filepath.Join(dir, "partners.keys"), "half a li")
	g.Within(10*time.Second, "the mistake is told", func() bool {
		text, err := os.ReadFile(filepath.Join(dir, "default.log"))
		return err == nil && strings.Contains(string(text), "partners.keys:1:1")
	})
	is(t, "the last good file", g.Do("GET", "/orders", "", "X-API-Key: "+globex), 200, "")

	for _, name := range []string{"default.log", "access.log"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if name == "access.log" && !strings.Contains(string(text), `"user_id":"shop:ada"`) {
			t.Errorf("the access log does not say who called:\n%s", text)
		}
		for what, secret := range map[string]string{"acme's key": acme[16:], "globex's key": globex[16:], "the token": token} {
			if strings.Contains(string(text), secret) {
				t.Errorf("%s shows %s", name, what)
			}
		}
	}
}

// Without its files a stage does not start, and says which is missing, and which line names it.
func TestMissingFiles(t *testing.T) {
	for name, test := range map[string]struct{ lines, want string }{
		"key file":  {"api_auth {\n key X-API-Key no.keys\n}", "no.keys: no such file or directory, at Caddyfile:3"},
		"key set":   {"api_auth {\n jwt {\n issuer a\n audience a\n jwks no.json\n}\n}", "no.json: no such file or directory, at Caddyfile:6"},
		"schema":    {"api_validate {\n schema no.json\n}", "no.json"},
		"policies":  {"api_policy data.httpapi.authz", "No policies"},
		"a private": {"api_auth {\n jwt {\n issuer a\n audience a\n jwks private.json\n}\n}", "it is a private key"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "Caddyfile")
			gatewaytest.Write(t, filepath.Join(dir, "private.json"), `{"keys":[{"kty":"oct","k":"c2VjcmV0","d":"c2VjcmV0"}]}`)
			gatewaytest.Write(t, filepath.Join(dir, "empty", "note.txt"), "")
			gatewaytest.Write(t, path, "{\n api_gateway {\n policies empty\n }\n}\nhttps://localhost:{$HTTPS_PORT} {\n"+test.lines+"\n}\n")
			if name != "policies" {
				gatewaytest.Write(t, path, "https://localhost:{$HTTPS_PORT} {\n"+test.lines+"\n}\n")
			}
			err := gatewaytest.Load(t, path)
			if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), dir+"/", ""), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "c2VjcmV0") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}
