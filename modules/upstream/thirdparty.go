package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/wicketgate/wicketgate/internal/provider"
	"github.com/wicketgate/wicketgate/internal/publicnet"
)

// handshake is how long TLS with a third party may take: 10 s.
const handshake = 10 * time.Second

// ThirdParty makes the network on which a third party is asked: Caddy's HTTP transport, which dials public addresses
// only, but for the hosts that the configuration names where it allows others, and goes through no proxy that the environment names, for what that
// dials nobody here could look at. It dials nothing yet.
func ThirdParty(ctx caddy.Context, c provider.Config) (*http.Transport, error) {
	t := &reverseproxy.HTTPTransport{
		DialTimeout:           caddy.Duration(c.DialTimeout),
		MaxResponseHeaderSize: maxResponseHeader,
		Compression:           new(bool),
		KeepAlive:             &reverseproxy.KeepAlive{MaxIdleConnsPerHost: idleConnections},
		MaxConnsPerHost:       2 * c.Concurrent, // those that requests hold, and as many that are still dialled for callers who left
		TLS:                   &reverseproxy.TLSConfig{HandshakeTimeout: caddy.Duration(handshake)},
	}
	if err := t.Provision(ctx); err != nil {
		return nil, err
	}
	t.Transport.Proxy = nil
	public, whichever := &net.Dialer{Timeout: c.DialTimeout, Control: publicnet.Control}, &net.Dialer{Timeout: c.DialTimeout}
	private := ownHosts(c)
	t.Transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if slices.Contains(private, address) {
			return whichever.DialContext(ctx, network, address)
		}
		return public.DialContext(ctx, network, address)
	}
	config := t.Transport.TLSClientConfig
	config.MinVersion = tls.VersionTLS12
	if len(c.CA) > 0 {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(c.CA) {
			return nil, errors.New("ca_file holds no certificate in PEM form")
		}
	}
	if len(c.Certificate) > 0 {
		pair, err := tls.X509KeyPair(c.Certificate, c.CertificateKey)
		if err != nil {
			return nil, errors.New("certificate and certificate_key do not belong together, or are not in PEM form") // the error may quote them
		}
		// Also to a server that says it trusts other authorities: to one that knows the certificate itself, they do not
		// matter.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	return t.Transport, nil
}

// ownHosts are the addresses that need not be public: those that the operator wrote, where that is allowed. What the
// service redirects to is not among them.
func ownHosts(c provider.Config) []string {
	if !c.AllowPrivate {
		return nil
	}
	written := []string{c.URL}
	if c.Auth != nil && c.Auth.TokenURL != "" {
		written = append(written, c.Auth.TokenURL)
	}
	var hosts []string
	for _, address := range written {
		if u, err := url.Parse(address); err == nil {
			hosts = append(hosts, net.JoinHostPort(u.Hostname(), portOf(u)))
		}
	}
	return hosts
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http":
		return "80"
	}
	return "443"
}
