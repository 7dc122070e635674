package modules_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

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
