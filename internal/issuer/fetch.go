package issuer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/identity"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// Bounds of what an issuer answers.
const (
	maxMetadata  = 64 << 10 // bytes
	maxHeader    = 64 << 10 // bytes
	maxRedirects = 3
)

// keys are a key set, as it was read and as it came.
type keys struct {
	set  *identity.JWKS
	text []byte
}

// fetched is what a fetch brought.
type fetched struct {
	keys
	from string // the address
	ttl  time.Duration
}

// overNetwork gives connections that are made anew each time: minutes lie between two fetches.
func overNetwork(roots *x509.CertPool) http.RoundTripper {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		DisableKeepAlives:      true,
		DisableCompression:     true, // nothing that is asked for here gains by it, and it could be a bomb
		MaxResponseHeaderBytes: maxHeader,
	}
}

// fetch asks for the keys once, and for where they are if that is not configured. A panic, of a library that reads what
// came, is a failure like others: no server is around it that would keep the process alive.
func (s *Source) fetch() (got *fetched, err error) {
	defer func() {
		if r := recover(); r != nil {
			got, err = nil, fmt.Errorf("reading what the issuer answers: panic: %v", r)
		}
	}()
	ctx, cancel := context.WithTimeout(s.ctx, fetchTimeout)
	defer cancel()
	at := s.config.JWKS
	if at == "" {
		if at, err = s.discover(ctx); err != nil {
			return nil, fmt.Errorf("discovering the keys: %w", err)
		}
	}
	text, header, err := s.get(ctx, at, identity.MaxKeySet)
	if err != nil {
		return nil, fmt.Errorf("fetching the keys: %w", err)
	}
	from := shown(at)
	set, err := parse(from, text)
	if err != nil {
		return nil, err
	}
	return &fetched{keys: keys{set, text}, from: from, ttl: ttl(header)}, nil
}

// shown is an address without its query, which may hold a secret.
func shown(at string) string {
	at, _, _ = strings.Cut(at, "?")
	return at
}

// parse reads a set, whose mistakes are told by their places in what came.
func parse(from string, text []byte) (*identity.JWKS, error) {
	set, diags := identity.ParseJWKS(from, text)
	for _, d := range diags {
		return nil, errors.New(diagnostic.Line(d))
	}
	return set, nil
}

// ttl is when to ask again, as the issuer says, within bounds.
func ttl(header http.Header) time.Duration {
	wanted := defaultTTL
	for _, field := range header["Cache-Control"] {
		for directive := range strings.SplitSeq(field, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
			switch strings.ToLower(name) {
			case "max-age":
				if n, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil {
					wanted = time.Duration(n) * time.Second
				}
			case "no-store", "no-cache":
				return leastTTL
			}
		}
	}
	return min(max(wanted, leastTTL), mostTTL)
}

// metadata gives where the metadata of an issuer is: behind its identifier (OpenID Connect Discovery 1.0, section 4), and
// before its path (RFC 8414, section 3).
func metadata(issuer *url.URL) []string {
	path := strings.TrimSuffix(issuer.EscapedPath(), "/")
	base := url.URL{Scheme: issuer.Scheme, Host: issuer.Host}
	return []string{
		base.String() + path + "/.well-known/openid-configuration",
		base.String() + "/.well-known/oauth-authorization-server" + path,
	}
}

// discover gives the address of the keys from the issuer's metadata.
func (s *Source) discover(ctx context.Context) (string, error) {
	var text []byte
	var err error
	for _, at := range s.where {
		var status *statusError
		if text, _, err = s.get(ctx, at, maxMetadata); !errors.As(err, &status) || status.code != http.StatusNotFound {
			break
		}
	}
	if err != nil {
		return "", err
	}
	return keysAddress(text, s.config.Issuer)
}

// keysAddress reads where the keys of an issuer are from its metadata.
func keysAddress(text []byte, issuer string) (string, error) {
	if err := jsonspan.Check(text, jsonspan.Bounds{Depth: 16, Number: 40}); err != nil {
		return "", fmt.Errorf("the metadata is not strict JSON: %w", err)
	}
	member := func(name string) string {
		value, ok := jsonspan.Get(text, name)
		if !ok || value[0] != '"' {
			return ""
		}
		return jsonspan.Text(value)
	}
	// Whoever may put a file below another's address must not speak for it (RFC 8414, section 3.3).
	if member("issuer") != issuer {
		return "", errors.New("the metadata is of another issuer")
	}
	at := member("jwks_uri")
	if _, err := address(at); err != nil {
		return "", fmt.Errorf("the metadata's jwks_uri: %w", err)
	}
	return at, nil
}

// statusError is an answer that is not 200.
type statusError struct{ code int }

func (e *statusError) Error() string { return fmt.Sprintf("the server answers %d", e.code) }

// get asks for an address and reads at most so many bytes.
func (s *Source) get(ctx context.Context, at string, most int) ([]byte, http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Accept", "application/json, application/jwk-set+json")
	client := http.Client{Transport: s.transport, CheckRedirect: redirect}
	res, err := client.Do(req)
	if err != nil {
		return nil, nil, plain(err)
	}
	defer res.Body.Close() //nolint:errcheck // it has been read, or is of no use
	if res.StatusCode != http.StatusOK {
		return nil, nil, &statusError{res.StatusCode}
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, int64(most)+1))
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("reading the answer: %w", err)
	case len(text) > most:
		return nil, nil, fmt.Errorf("the answer has more than %d bytes", most)
	}
	return text, res.Header, nil
}

// redirect follows the server that was asked to another path of its own, and nowhere else.
func redirect(r *http.Request, via []*http.Request) error {
	switch first := via[0].URL; {
	case len(via) > maxRedirects:
		return errors.New("the server redirects too often")
	case r.URL.Scheme != first.Scheme || r.URL.Host != first.Host:
		return errors.New("the server redirects to another one")
	}
	return nil
}

// plain is an error without the address, whose query may hold a secret, that net/http puts around it.
func plain(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
