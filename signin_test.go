package wicketgate_test

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/wicketgate/wicketgate/internal/oauthtest"
)

const appAddress = "com.shop.app:/signed-in" // of the app on a telephone (RFC 8252, section 7.1)

// TestSignIn signs in at an OpenID provider that is none of ours, as an app on a telephone does, and runs the example's
// page with the tokens that it gives.
func TestSignIn(t *testing.T) {
	issuer := oauthtest.Start(t, oauthtest.Config{SignIn: true, Clients: []map[string]any{
		{
			"client_id": "app", "token_endpoint_auth_method": "none", "application_type": "native", "grant_types": []string{"authorization_code"},
			"response_types": []string{"code"}, "redirect_uris": []string{appAddress}, "scope": "openid " + oauthtest.Scopes,
		},
		{"client_id": "shop"},
	}})
	t.Setenv("ISSUER", issuer.URL)
	t.Setenv("AUDIENCE", oauthtest.Resource("ES256"))
	t.Setenv("ISSUER_CA", issuer.CAFile)
	t.Setenv("SIGNIN_CLIENT_SECRET", issuer.Secret("shop"))
	g := start(t, build(t), "examples/signin/Caddyfile")
	token := signIn(t, issuer, "ada")
	id, ok := token.Extra("id_token").(string)
	if !ok {
		t.Fatal("the provider gave no ID token")
	}
	g.env = append(g.env, "TOKEN="+token.AccessToken, "ID_TOKEN="+id)
	testPage(t, "examples/signin/README.md", g)
	if n := issuer.Asked("/token"); n != 2 { // the app's, and the shop's, whoever calls
		t.Errorf("%d requests for tokens", n)
	}
}

// signIn gets the tokens of somebody who signs in: the app begins, a browser goes to the provider's pages and comes back with
// a code, and the app has that exchanged.
func signIn(t *testing.T, issuer *oauthtest.Issuer, who string) *oauth2.Token {
	t.Helper()
	app := &oauth2.Config{
		ClientID: "app", RedirectURL: appAddress, Scopes: []string{"openid", "orders:read"},
		Endpoint: oauth2.Endpoint{AuthURL: issuer.URL + "/auth", TokenURL: issuer.URL + "/token", AuthStyle: oauth2.AuthStyleInParams},
	}
	resource := oauth2.SetAuthURLParam("resource", oauthtest.Resource("ES256"))
	verifier := oauth2.GenerateVerifier()
	back := browse(t, issuer, app.AuthCodeURL("state-1", oauth2.S256ChallengeOption(verifier), resource), who)
	if back.Query().Get("state") != "state-1" || back.Query().Get("code") == "" {
		t.Fatalf("the provider answers %s", back)
	}
	ctx := context.WithValue(t.Context(), oauth2.HTTPClient, issuer.Client)
	token, err := app.Exchange(ctx, back.Query().Get("code"), oauth2.VerifierOption(verifier), resource)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// browse is a browser in which somebody signs in and agrees, and which goes where it is sent until that is the app.
func browse(t *testing.T, issuer *oauthtest.Issuer, to, who string) *url.URL {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	var back *url.URL
	browser := &http.Client{Transport: issuer.Client.Transport, Jar: jar, Timeout: time.Minute, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), appAddress) {
			back = r.URL
			return http.ErrUseLastResponse
		}
		return nil
	}}
	res, err := browser.Get(to)
	for _, form := range []url.Values{{"prompt": {"login"}, "login": {who}, "password": {"any"}}, {"prompt": {"consent"}}} {
		if err != nil {
			t.Fatal(err)
		}
		page, _ := io.ReadAll(res.Body)
		res.Body.Close() //nolint:errcheck // read to its end
		if res.StatusCode != http.StatusOK || !strings.Contains(res.Request.URL.Path, "/interaction/") {
			t.Fatalf("instead of a page that asks: %d %s %s", res.StatusCode, res.Request.URL, page)
		}
		res, err = browser.PostForm(res.Request.URL.String(), form)
	}
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close() //nolint:errcheck // the address is what matters
	if back == nil {
		t.Fatalf("the provider does not send the browser back: %d %s", res.StatusCode, res.Request.URL)
	}
	return back
}
