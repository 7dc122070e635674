package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/nats-io/nats.go"
	// The keys that NATS knows users by, as its own client reads them.
	"github.com/nats-io/nkeys"

	"github.com/wicketgate/wicketgate/internal/ledger"
	"github.com/wicketgate/wicketgate/modules/gateway"
	"github.com/wicketgate/wicketgate/modules/peer"
	"github.com/wicketgate/wicketgate/modules/stage"
)

func init() {
	caddy.RegisterModule(new(NATS))
}

// Bounds of the fields of NATS.
const (
	mostServers  = 64
	mostReplicas = 5
	mostFile     = 256 << 10 // bytes of a file of authorities
)

// NATS keeps events on servers of NATS, 2.12 or newer, with JetStream: an event is safe once most of its replicas have it.
// Gateways that use the same account of the same servers share the events: each takes them, and one at a time delivers those
// of a webhook. Another takes over within 15 s when it dies.
type NATS struct {
	// The servers: "nats://n1:4222", or "tls://n1:4222" for TLS; 1 to 64, all of one cluster. Required.
	Servers []string `json:"servers"`

	// On how many servers each event is kept: 1 to 5. Default: 3.
	Replicas int `json:"replicas,omitempty"`

	// How many bytes of events may wait; beyond them senders are answered 503. As many again may be parked, and be dead
	// letters. Default: 1073741824 (1 GiB). Bounds: 256 MiB to 1 TiB.
	Size int64 `json:"size,omitempty"`

	// How long dead letters are kept. Default: 720h. Bounds: 1h to 8784h.
	Keep caddy.Duration `json:"keep,omitempty"`

	// The user's name. Default: none.
	Username string `json:"username,omitempty"`

	// The user's password, as a placeholder that is read anew for each connection: "{env.NATS_PASSWORD}" or
	// "{file./run/secrets/nats}". Default: none.
	Password string `json:"password,omitempty"`

	// A token, as such a placeholder. Default: none.
	Token string `json:"token,omitempty"`

	// The seed of a user's nkey, as a placeholder that is read whenever the ledger is opened. Default: none.
	NKey string `json:"nkey,omitempty"`

	// A file of credentials, a JWT and a seed, which is read for each connection. Default: none.
	Credentials string `json:"credentials,omitempty"`

	// A file of the authorities that the servers' certificates may come from, in PEM, at most 256 KiB. It has all
	// connections use TLS. Default: the system's.
	CA string `json:"ca,omitempty"`

	// The certificate that the gateway shows. It has all connections use TLS. Default: none.
	ClientCertificate *ClientCertificate `json:"client_certificate,omitempty"`

	key string
}

// ClientCertificate is shown to servers. Its files are read for each connection.
type ClientCertificate struct {
	// The file of the certificate, in PEM. Required.
	Certificate string `json:"certificate"`

	// The file of its private key, in PEM. Required.
	Key string `json:"key"`
}

// CaddyModule returns the Caddy module information.
func (*NATS) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "api_gateway.ledgers.nats",
		New: func() caddy.Module { return new(NATS) },
	}
}

// Provision checks the fields. It connects to nobody.
func (n *NATS) Provision(caddy.Context) error {
	if n.Replicas == 0 {
		n.Replicas = ledger.DefaultReplicas
	}
	if err := check(&n.Size, &n.Keep); err != nil {
		return err
	}
	if len(n.Servers) == 0 || len(n.Servers) > mostServers {
		return fmt.Errorf("servers: 1 to %d are needed", mostServers)
	}
	for _, server := range n.Servers {
		if err := checkServer(server); err != nil {
			return err
		}
	}
	if n.Replicas < 1 || n.Replicas > mostReplicas {
		return fmt.Errorf("replicas: %d is not between 1 and %d", n.Replicas, mostReplicas)
	}
	if err := n.checkCredentials(); err != nil {
		return err
	}
	if _, err := n.options(); err != nil { // a gateway whose secrets are missing is not started
		return err
	}
	// What changes while the ledger is open makes no other one of it.
	fixed := *n
	fixed.Replicas, fixed.Size, fixed.Keep = 0, 0, 0
	written, err := json.Marshal(fixed)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(written)
	n.key = "nats " + hex.EncodeToString(sum[:])
	return nil
}

// checkCredentials looks whether it is said in one way who the gateway is.
func (n *NATS) checkCredentials() error {
	if (n.Username == "") != (n.Password == "") {
		return errors.New("username and password belong together")
	}
	ways := 0
	for _, one := range []struct{ name, value string }{{"password", n.Password}, {"token", n.Token}, {"nkey", n.NKey}} {
		if one.value == "" {
			continue
		}
		ways++
		if !peer.Placeholder(one.value) { // which may be the secret itself
			return fmt.Errorf("%s: a placeholder is expected, {env.NAME} or {file.PATH}, so that the secret itself is not in the configuration", one.name)
		}
	}
	if n.Credentials != "" {
		ways++
	}
	if ways > 1 {
		return errOneWay
	}
	return nil
}

var errOneWay = errors.New("one of password, token, nkey and credentials says who the gateway is")

// checkServer takes an address without a user or a password, and does not quote one that has them.
func checkServer(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "nats" && u.Scheme != "tls" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return errors.New("the address of a server of NATS is expected, such as nats://10.0.0.5:4222, or tls:// for TLS")
	case u.User != nil:
		return errors.New("the address has a user or a password, which would show in Caddy's configuration; use username and password, or token")
	}
	return nil
}

// Ledger implements gateway.LedgerSource.
func (n *NATS) Ledger() (string, ledger.Config) {
	return n.key, ledger.Config{Servers: n.Servers, Options: n.options, Replicas: n.Replicas, MaxBytes: n.Size, Keep: time.Duration(n.Keep)}
}

// options reads what connecting needs, files and placeholders included.
func (n *NATS) options() ([]nats.Option, error) {
	all, err := n.identity()
	if err != nil {
		return nil, err
	}
	if n.CA == "" && n.ClientCertificate == nil {
		return all, nil
	}
	config, err := peer.TLS(n.CA, (*peer.Certificate)(n.ClientCertificate), func(path string) ([]byte, error) {
		pem, err := stage.Read(path, mostFile)
		if err == nil && len(pem) > mostFile {
			err = fmt.Errorf("%s is larger than 256 KiB", path)
		}
		return pem, err
	})
	if err != nil {
		return nil, err
	}
	return append(all, nats.Secure(config)), nil
}

// identity gives what says who the gateway is.
func (n *NATS) identity() ([]nats.Option, error) {
	read := func(name, placeholder string) (string, error) {
		text, err := peer.Secret(placeholder)()
		if err == nil && text.Reveal() == "" {
			err = errors.New("the secret is empty")
		}
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		return text.Reveal(), nil
	}
	switch {
	case n.Password != "":
		_, err := read("password", n.Password)
		return []nats.Option{nats.UserInfoHandler(func() (string, string) {
			text, _ := read("password", n.Password) //nolint:errcheck // without it the server refuses
			return n.Username, text
		})}, err
	case n.Token != "":
		_, err := read("token", n.Token)
		return []nats.Option{nats.TokenHandler(func() string {
			text, _ := read("token", n.Token) //nolint:errcheck // without it the server refuses
			return text
		})}, err
	case n.NKey != "":
		seed, err := read("nkey", n.NKey)
		if err != nil {
			return nil, err
		}
		pair, err := nkeys.FromSeed([]byte(seed))
		if err != nil {
			return nil, errors.New("nkey: the secret is no seed of an nkey")
		}
		public, err := pair.PublicKey()
		if err != nil || !nkeys.IsValidPublicUserKey(public) {
			return nil, errors.New("nkey: the secret is no seed of a user's nkey")
		}
		return []nats.Option{nats.Nkey(public, pair.Sign)}, nil
	case n.Credentials != "":
		if _, err := os.Stat(n.Credentials); err != nil {
			return nil, fmt.Errorf("credentials: %w", err)
		}
		return []nats.Option{nats.UserCredentials(n.Credentials)}, nil
	}
	return nil, nil
}

// Interface guards
var (
	_ caddy.Provisioner    = (*NATS)(nil)
	_ gateway.LedgerSource = (*NATS)(nil)
)
