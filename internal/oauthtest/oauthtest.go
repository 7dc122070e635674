// Package oauthtest runs an OAuth server that is none of ours, the oidc-provider from npm, over HTTPS on loopback: it
// issues tokens, rotates its keys, introspects, revokes, goes down and comes back, as a test says.
package oauthtest

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"embed"
	"encoding/json"
	"encoding/pem"
	"io"
	"io/fs"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/npmtest"
)

//go:embed testdata/provider
var provider embed.FS

// Scopes are those that clients may ask for.
const Scopes = "orders:read orders:write"

// Issuer is a running server. It ends with its test.
type Issuer struct {
	// URL is its issuer identifier, https://localhost:…, without a slash at the end.
	URL string
	// CAFile is the certificate that its own is checked against, in PEM.
	CAFile string
	// Client trusts the server, and keeps no connections.
	Client *http.Client

	t       testing.TB
	mu      sync.Mutex // one command at a time
	in      io.Writer
	out     *bufio.Reader
	secrets map[string]string
}

// Config says what an Issuer begins with.
type Config struct {
	// Clients are the metadata of its clients (RFC 7591, section 2), which may use the grant client_credentials. One
	// with no more than a client_id gets a secret.
	Clients []map[string]any
	// SignIn has people sign in, too: at pages that take any name and any password, by an authorization code with PKCE.
	SignIn bool
	// TTL is how long its tokens last. Default: 5m.
	TTL time.Duration
}

// Start runs a server. The test is skipped where node or npm is missing, in CI it fails.
func Start(t testing.TB, c Config) *Issuer {
	t.Helper()
	files, err := fs.Sub(provider, "testdata/provider")
	if err != nil {
		t.Fatal(err)
	}
	folder := npmtest.Install(t, "oauth", files)
	cert, key := Certificate(t, "localhost")
	i := &Issuer{t: t, CAFile: filepath.Join(t.TempDir(), "issuer-ca.pem"), secrets: make(map[string]string)}
	if err := os.WriteFile(i.CAFile, cert, 0o600); err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cert)
	i.Client = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
	if c.TTL == 0 {
		c.TTL = 5 * time.Minute
	}
	for _, client := range c.Clients {
		id := client["client_id"].(string)
		if _, ok := client["token_endpoint_auth_method"]; !ok {
			i.secrets[id] = rand.Text() + rand.Text()
			client["client_secret"] = i.secrets[id]
		}
	}
	config := map[string]any{"cert": string(cert), "key": string(key), "clients": c.Clients, "scope": Scopes, "ttl": int(c.TTL / time.Second), "signIn": c.SignIn}

	node := exec.Command("node", "provider.mjs")
	node.Dir = folder
	var told strings.Builder
	node.Stderr = &told
	in, err := node.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	i.in, i.out = in, bufio.NewReader(out)
	t.Cleanup(func() {
		in.Close() //nolint:errcheck // the program may be gone already
		if err := node.Wait(); err != nil || t.Failed() {
			t.Logf("the OAuth server ended: %v\n%s", err, told.String())
		}
	})
	var began struct{ Issuer string }
	i.ask(config, &began)
	i.URL = began.Issuer
	return i
}

// ask sends a line and reads the answer.
func (i *Issuer) ask(line, answer any) {
	i.t.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	if err := json.NewEncoder(i.in).Encode(line); err != nil {
		i.t.Fatalf("telling the OAuth server: %v", err)
	}
	text, err := i.out.ReadBytes('\n')
	if err != nil {
		i.t.Fatalf("asking the OAuth server: %v", err)
	}
	var failed struct{ Error string }
	if err := json.Unmarshal(text, &failed); err != nil || failed.Error != "" {
		i.t.Fatalf("the OAuth server answers %s", text)
	}
	if answer != nil {
		if err := json.Unmarshal(text, answer); err != nil {
			i.t.Fatal(err)
		}
	}
}

// Stop takes the server off the network: nobody listens any more. It forgets nothing.
func (i *Issuer) Stop() { i.t.Helper(); i.ask(map[string]any{"do": "stop"}, nil) }

// Restart brings it back after Stop.
func (i *Issuer) Restart() { i.t.Helper(); i.ask(map[string]any{"do": "start"}, nil) }

// RotateKeys has it sign with new keys from now on. The old ones stay in its key set, or are withdrawn.
func (i *Issuer) RotateKeys(keepOld bool) {
	i.t.Helper()
	i.ask(map[string]any{"do": "rotate", "keep": keepOld}, nil)
}

// Asked is how often it was asked for a path, such as /jwks, by whomever.
func (i *Issuer) Asked(path string) int {
	i.t.Helper()
	var answer struct{ Times int }
	i.ask(map[string]any{"do": "asked", "path": path}, &answer)
	return answer.Times
}

// Secret is a client's.
func (i *Issuer) Secret(client string) string { return i.secrets[client] }

// Resource names the resource that tokens of a kind are for, which is their audience: those signed by an algorithm
// (ES256, RS256, PS256, EdDSA), JWTs of RFC 9068 all of them, or "opaque" ones.
func Resource(kind string) string { return "https://orders.example/?token=" + kind }

// Token gives a client with a secret an access token of a kind, with these scopes (divided by blanks).
func (i *Issuer) Token(client, kind, scopes string) string {
	i.t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "resource": {Resource(kind)}}
	if scopes != "" {
		form.Set("scope", scopes)
	}
	answer := i.Post("/token", client, form, nil)
	token, _ := answer["access_token"].(string)
	if token == "" {
		i.t.Fatalf("the OAuth server gives no token: %v", answer)
	}
	return token
}

// Revoke revokes an opaque token (RFC 7009).
func (i *Issuer) Revoke(client, token string) {
	i.t.Helper()
	if answer := i.Post("/token/revocation", client, url.Values{"token": {token}}, nil); len(answer) > 0 {
		i.t.Fatalf("the OAuth server revokes nothing: %v", answer)
	}
}

// Post posts a form as a client, with its secret if it has one, and further header fields, and gives the members of the
// answer.
func (i *Issuer) Post(path, client string, form url.Values, fields http.Header) map[string]any {
	i.t.Helper()
	req, err := http.NewRequestWithContext(i.t.Context(), http.MethodPost, i.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		i.t.Fatal(err)
	}
	for name, values := range fields {
		req.Header[name] = values
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if secret := i.secrets[client]; secret != "" {
		req.SetBasicAuth(url.QueryEscape(client), url.QueryEscape(secret))
	}
	res, err := i.Client.Do(req)
	if err != nil {
		i.t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	text, err := io.ReadAll(res.Body)
	if err != nil {
		i.t.Fatal(err)
	}
	var answer map[string]any
	if len(text) > 0 {
		if err := json.Unmarshal(text, &answer); err != nil {
			i.t.Fatalf("the OAuth server answers %d %s", res.StatusCode, text)
		}
	}
	return answer
}

// Certificate makes a certificate that names a host or a client, signed by itself, and its key, both in PEM.
func Certificate(t testing.TB, name string) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}
