package upstream

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/wicketgate/wicketgate/internal/provider"
	"github.com/wicketgate/wicketgate/internal/publicnet"
)

// redirecting answers for the service itself, which sends everybody elsewhere, and leaves elsewhere to the network.
type redirecting struct {
	to      string
	network http.RoundTripper
}

func (r redirecting) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Host != "api.example" {
		return r.network.RoundTrip(req)
	}
	return &http.Response{StatusCode: 302, Header: http.Header{"Location": {r.to}}, Body: io.NopCloser(strings.NewReader("")), Request: req}, nil
}

// A redirection leads to no address that is not public, not even where the service's own may be private; and neither does
// a name that resolves to one.
func TestThirdParty(t *testing.T) {
	var reached atomic.Int64
	inside := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer inside.Close()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	defer cancel()
	_, port, _ := strings.Cut(strings.TrimPrefix(inside.URL, "https://"), ":")
	for _, to := range []string{
		"https://169.254.169.254/latest/meta-data/iam", "https://[fd00:ec2::254]/latest", inside.URL, "https://localhost:" + port,
		"https://[::ffff:127.0.0.1]:" + port, "https://0:" + port, "https://2130706433:" + port, "https://0x7f.1:" + port,
	} {
		for _, private := range []bool{false, true} {
			c := provider.Config{Name: "a", URL: "https://api.example", Timeout: 5 * time.Second, Deadline: 5 * time.Second, DialTimeout: time.Second, Redirects: 2, AllowPrivate: private}
			network, err := ThirdParty(ctx, c)
			if err != nil {
				t.Fatal(err)
			}
			client, err := provider.New(c, redirecting{to, network})
			if err != nil {
				t.Fatal(err)
			}
			_, err = client.Send(t.Context(), &provider.Request{Method: "GET", Path: "/", Header: http.Header{}})
			unresolved := strings.Contains(to, "//0") || strings.Contains(to, "//2130706433")
			if err == nil || !errors.Is(err, publicnet.ErrNotPublic) && !unresolved {
				t.Errorf("%s: got %v", to, err)
			}
			client.Close()
			network.CloseIdleConnections()
		}
	}
	// The service itself, by a name and by an address.
	for _, url := range []string{inside.URL, "https://localhost:" + port} {
		c := provider.Config{Name: "a", URL: url, Timeout: 5 * time.Second, Deadline: 5 * time.Second, DialTimeout: time.Second}
		network, err := ThirdParty(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		client, err := provider.New(c, network)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Send(t.Context(), &provider.Request{Method: "GET", Path: "/", Header: http.Header{}}); !errors.Is(err, publicnet.ErrNotPublic) {
			t.Errorf("%s: got %v", url, err)
		}
	}
	if n := reached.Load(); n > 0 {
		t.Errorf("%d requests reached a private address", n)
	}
}
