package provider

import (
	"context"
	"net/http"
	"net/url"

	"github.com/wicketgate/wicketgate/internal/clienttoken"
)

// authorize puts the credentials on a request to the service's own host, after everything else.
func (c *Client) authorize(ctx context.Context, req *http.Request) (*clienttoken.Token, error) {
	a := c.config.Auth
	if a == nil {
		return nil, nil
	}
	switch a.Kind {
	case "bearer":
		req.Header["Authorization"] = []string{"Bearer " + a.Secret.Reveal()}
	case "basic":
		req.SetBasicAuth(a.Name, a.Secret.Reveal())
	case "header":
		req.Header[a.Name] = []string{a.Prefix + a.Secret.Reveal()}
	case "query":
		credential := url.QueryEscape(a.Name) + "=" + url.QueryEscape(a.Secret.Reveal())
		if req.URL.RawQuery != "" {
			credential = "&" + credential
		}
		req.URL.RawQuery += credential
	case "oauth2_client_credentials":
		token, err := c.tokens.Get(ctx)
		if err != nil {
			return nil, err
		}
		req.Header["Authorization"] = []string{"Bearer " + token.Reveal()}
		return token, nil
	}
	return nil, nil
}

// own says whether an address is one of the service's own host, which alone gets credentials.
func (c *Client) own(u *url.URL) bool { return u.Scheme == c.base.Scheme && u.Host == c.base.Host }
