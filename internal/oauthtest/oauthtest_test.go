package oauthtest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestIssuer shows what a test may have the server do.
func TestIssuer(t *testing.T) {
	i := Start(t, Config{Clients: []map[string]any{{"client_id": "shop"}}})
	for _, kind := range []string{"ES256", "RS256", "PS256", "EdDSA"} {
		if token := i.Token("shop", kind, "orders:read"); strings.Count(token, ".") != 2 {
			t.Errorf("%s: %q is no JWT", kind, token)
		}
	}
	opaque := i.Token("shop", "opaque", "orders:read")
	active := func() any {
		return i.Post("/token/introspection", "shop", url.Values{"token": {opaque}}, nil)["active"]
	}
	if active() != true {
		t.Error("a token is not active")
	}
	keys := func() string {
		res, err := i.Client.Get(i.URL + "/jwks")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close() //nolint:errcheck // not of interest
		return res.Header.Get("Content-Length")
	}
	before := keys()
	i.RotateKeys(true)
	if active() != true {
		t.Error("new keys end an opaque token")
	}
	if keys() == before {
		t.Error("the keys stayed what they were")
	}
	i.RotateKeys(false)
	i.Revoke("shop", opaque)
	if active() != false {
		t.Error("a revoked token is active")
	}
	i.Stop()
	if res, err := i.Client.Get(i.URL + "/jwks"); err == nil {
		t.Errorf("a server that is down answers %d", res.StatusCode)
	}
	i.Restart()
	if res, err := i.Client.Get(i.URL + "/jwks"); err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("a server that came back: %v", err)
	}
	if n := i.Asked("/jwks"); n != 3 {
		t.Errorf("it was asked for its keys %d times", n)
	}
}
