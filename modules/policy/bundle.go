package policy

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/hashicorp/hcl/v2"
	"go.uber.org/zap"

	"github.com/wicketgate/wicketgate/internal/bundle"
	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/modules/gateway"
	"github.com/wicketgate/wicketgate/modules/peer"
)

func init() {
	caddy.RegisterModule(new(Bundle))
}

// feeds are the bundles in use, so that a reload of Caddy begins with those in force. A feed is told from others by all
// that its configuration says, and by what lies in the files it names.
var feeds = caddy.NewUsagePool()

// Defaults and bounds of the fields of Bundle.
const (
	defaultPollMin  = 60 * time.Second
	defaultPollMax  = 120 * time.Second
	mostPoll        = 24 * time.Hour
	mostLongPolling = 10 * time.Minute
	defaultSize     = 64 << 20
	mostSize        = 1 << 30
	unpackedTimes   = 4
	mostUnpacked    = 4 << 30
	mostKeys        = 16
	mostKeyFile     = 64 << 10 // bytes of a key, a certificate or a list of them
)

// Bundle takes policies from an OPA bundle over HTTPS. It asks the server for a new one again and again; one that its
// signature vouches for, that compiles and that has all that the gateway asks for is swapped in, any other changes
// nothing. The last good one is kept below Caddy's data folder, for a start while the server is away. Until there is
// one, all that a policy decides about is answered 503.
type Bundle struct {
	// Where the bundle is, https:// but on loopback or with verify. Required.
	URL string `json:"url"`

	// The keys that bundles are signed with, at most 16. Default: none, for bundles without a signature: then whoever
	// runs the server writes the policies.
	Verify []VerifyKey `json:"verify,omitempty"`

	// The time between two requests at least, in whole seconds. Default: 60s. Bound: 1s to 24h.
	PollMin caddy.Duration `json:"poll_min,omitempty"`

	// The time between two requests at most, also after mistakes, in whole seconds. Default: 120s, or poll_min if that
	// is more. Bound: 24h.
	PollMax caddy.Duration `json:"poll_max,omitempty"`

	// How long a server that can may wait for a new bundle before it answers, in whole seconds. Default: it is not
	// asked to. Bound: 10m.
	LongPolling caddy.Duration `json:"long_polling,omitempty"`

	// The token that requests bear, as a placeholder that is read anew for each: "{env.BUNDLE_TOKEN}" or
	// "{file./run/secrets/token}". It is sent only to the server that url names. Default: none.
	Bearer string `json:"bearer,omitempty"`

	// The certificate that the gateway shows to the server. Default: none.
	ClientCertificate *ClientCertificate `json:"client_certificate,omitempty"`

	// A file of the authorities that the server's certificate may come from, in PEM. Default: the system's.
	CA string `json:"ca,omitempty"`

	Evaluation

	// The size of a bundle's archive at most, in bytes. Default: 64 MiB. Bound: 1 GiB.
	MaxSize int64 `json:"max_size,omitempty"`

	// The size of all files in it together at most, in bytes. In memory, data takes little more than that, and what
	// policies read of it in one piece some six times that. Default: four times max_size. Bound: 4 GiB.
	MaxUnpacked int64 `json:"max_unpacked,omitempty"`

	// A hash of the files that are named, which the Caddyfile adapter writes so that a reload of Caddy sees a change of
	// theirs; it says nothing to the gateway. Default: none.
	FilesHash string `json:"files_hash,omitempty"`

	feed    *bundle.Feed
	key     string // in feeds
	shown   string // the URL, as it may be shown
	given   *policy.Snapshot
	member  *bundle.Member
	beside  bool   // it is tried out beside other policies
	inForce string // the revision of the bundle in force, for the log
	none    bool   // there is none
	logger  *zap.Logger
	metrics *bundleMetrics
	ctx     caddy.Context
	told    *gateway.Announcer // of what happens
}

// String names the bundle, without what may be secret in its address.
func (b *Bundle) String() string { return b.shown }

// VerifyKey is a key that bundles are signed with.
type VerifyKey struct {
	// The file: a public key in PEM, or the secret of an HMAC, at least 32 bytes. Required.
	File string `json:"file"`

	// The id by which signatures name the key; of several keys, each needs one. Default: none, the key is used
	// whatever they name.
	KeyID string `json:"key_id,omitempty"`

	// The algorithm of signatures: RS256, PS256, ES256, HS256 and their longer forms, EdDSA. Default: RS256, HS256, or
	// what an elliptic key is for.
	Algorithm string `json:"algorithm,omitempty"`

	// What signatures must say they are for. Default: nothing.
	Scope string `json:"scope,omitempty"`
}

// ClientCertificate is a certificate and its key. The files are read for each connection, so that a new certificate needs
// no reload.
type ClientCertificate struct {
	// The file of the certificate, with those between it and the authority, in PEM. Required.
	Certificate string `json:"certificate"`

	// The file of its private key, in PEM. Required.
	Key string `json:"key"`
}

// CaddyModule returns the Caddy module information.
func (*Bundle) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "api_gateway.policies.bundle",
		New: func() caddy.Module { return new(Bundle) },
	}
}

// Provision takes up the bundle in force, or the one kept on disk; it asks the server nothing.
func (b *Bundle) Provision(ctx caddy.Context) error {
	b.ctx, b.logger = ctx, ctx.Logger()
	if err := b.provision(ctx); err != nil {
		return err
	}
	config, fingerprint, err := b.config()
	if err != nil {
		return fmt.Errorf("policies bundle: %w", err)
	}
	if b.metrics, err = registerBundleMetrics(ctx.GetMetricsRegistry()); err != nil {
		return err
	}
	feed, _, err := feeds.LoadOrNew(fingerprint, func() (caddy.Destructor, error) {
		feed, kept, err := bundle.New(ctx, config)
		if kept != nil {
			b.logger.Error("the bundle kept on disk is of no use", zap.Error(kept))
		}
		return shared{feed}, err
	})
	if err != nil {
		return fmt.Errorf("policies bundle: %w", err)
	}
	b.feed, b.key = feed.(shared).Feed, fingerprint
	b.shown = b.feed.Status().URL
	return nil
}

// shared is a feed in the pool.
type shared struct{ *bundle.Feed }

// Destruct implements caddy.Destructor: a feed without members holds nothing.
func (shared) Destruct() error { return nil }

// Cleanup lets go of the feed.
func (b *Bundle) Cleanup() error {
	if b.feed == nil {
		return nil
	}
	_, err := feeds.Delete(b.key)
	return err
}

// config checks the fields, and makes of them what a feed is told. The fingerprint tells it from others.
func (b *Bundle) config() (config *bundle.Config, fingerprint string, err error) {
	b.setDefaults()
	if err := b.check(); err != nil {
		return nil, "", err
	}
	at, err := b.address()
	if err != nil {
		return nil, "", err
	}
	alone := *b
	alone.ShadowRaw = nil // another candidate is no other bundle
	written, err := json.Marshal(&alone)
	if err != nil {
		return nil, "", err
	}
	hash := sha256.New()
	read := func(path string) ([]byte, error) {
		text, err := readSmall(path)
		if err == nil {
			hash.Write(fmt.Appendf(nil, "%d:%s%d:%s", len(path), path, len(text), text)) //nolint:errcheck // a hash takes all
		}
		return text, err
	}
	config = &bundle.Config{
		URL: at, PollMin: time.Duration(b.PollMin), PollMax: time.Duration(b.PollMax), LongPolling: time.Duration(b.LongPolling),
		Bounds: bundle.Bounds{Packed: b.MaxSize, Unpacked: b.MaxUnpacked},
		Folder: filepath.Join(caddy.AppDataDir(), "api_gateway", "bundles"),
		Policy: b.options(),
	}
	hash.Write(written)               //nolint:errcheck // a hash takes all
	hash.Write([]byte(config.Folder)) //nolint:errcheck // a hash takes all
	var keys []bundle.Key
	for _, k := range b.Verify {
		text, err := read(k.File)
		if err != nil {
			return nil, "", fmt.Errorf("verify: %w", err)
		}
		keys = append(keys, bundle.Key{ID: k.KeyID, Text: text, Algorithm: k.Algorithm, Scope: k.Scope})
	}
	if config.Verify, err = bundle.Verification(keys); err != nil {
		return nil, "", fmt.Errorf("verify: %w", err)
	}
	if config.TLS, err = b.tls(read); err != nil {
		return nil, "", err
	}
	config.Token = peer.Secret(b.Bearer)
	return config, hex.EncodeToString(hash.Sum(nil)), nil
}

func (b *Bundle) setDefaults() {
	if b.PollMin == 0 {
		b.PollMin = caddy.Duration(defaultPollMin)
	}
	if b.PollMax == 0 {
		b.PollMax = max(caddy.Duration(defaultPollMax), b.PollMin)
	}
	if b.MaxSize == 0 {
		b.MaxSize = defaultSize
	}
	if b.MaxUnpacked == 0 {
		b.MaxUnpacked = b.MaxSize * unpackedTimes
	}
}

func (b *Bundle) check() error {
	whole := func(d caddy.Duration, most time.Duration) bool {
		return d >= caddy.Duration(time.Second) && d <= caddy.Duration(most) && time.Duration(d)%time.Second == 0
	}
	switch {
	case !whole(b.PollMin, mostPoll) || !whole(b.PollMax, mostPoll):
		return fmt.Errorf("poll takes whole seconds from 1s to %s", mostPoll)
	case b.PollMax < b.PollMin:
		return errors.New("poll: the most is less than the least")
	case b.LongPolling != 0 && !whole(b.LongPolling, mostLongPolling):
		return fmt.Errorf("long_polling takes whole seconds from 1s to %s", mostLongPolling)
	case b.MaxSize < 1 || b.MaxSize > mostSize:
		return fmt.Errorf("max_size: the archive may have 1 to %d bytes", mostSize)
	case b.MaxUnpacked < 1 || b.MaxUnpacked > mostUnpacked:
		return fmt.Errorf("max_size: unpacked, a bundle may have 1 to %d bytes", mostUnpacked)
	case len(b.Verify) > mostKeys:
		return fmt.Errorf("verify: there may be at most %d keys", mostKeys)
	case b.Bearer != "" && !strings.Contains(b.Bearer, "{"):
		return errors.New("bearer: what is written here shows in Caddy's configuration; say where the token is instead, {env.BUNDLE_TOKEN} or {file./run/secrets/token}")
	}
	return nil
}

// address checks where bundles come from. Over plain HTTP whoever is on the way writes the policies, and reads a token.
func (b *Bundle) address() (*url.URL, error) {
	at, err := url.Parse(b.URL)
	switch {
	case err != nil || at.Host == "" || at.Scheme != "https" && at.Scheme != "http" || at.Fragment != "":
		return nil, errors.New("expected the address of a bundle, such as https://bundles.acme.example/gw.tar.gz")
	case at.User != nil:
		return nil, errors.New("the address holds a user, which would show in Caddy's configuration; use bearer or client_certificate")
	case at.Scheme == "https" || loopback(at.Hostname()):
		return at, nil
	case len(b.Verify) == 0:
		return nil, errors.New("over http, anybody on the way could write the policies: use https, or verify a signature")
	case b.Bearer != "":
		return nil, errors.New("over http, anybody on the way could read the bearer token: use https")
	}
	return at, nil
}

func (b *Bundle) tls(read func(string) ([]byte, error)) (*tls.Config, error) {
	return peer.TLS(b.CA, (*peer.Certificate)(b.ClientCertificate), read)
}

func readSmall(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > mostKeyFile {
		return nil, fmt.Errorf("%s is no file of at most %d bytes", path, mostKeyFile)
	}
	return os.ReadFile(path)
}

// Load gives the policies in force.
func (b *Bundle) Load(context.Context) (*policy.Snapshot, []string, map[string][]byte, hcl.Diagnostics) {
	b.given = b.feed.Snapshot()
	return b.given, nil, nil, nil
}

// Interface guards
var (
	_ caddy.Provisioner        = (*Bundle)(nil)
	_ caddy.CleanerUpper       = (*Bundle)(nil)
	_ gateway.LivePolicySource = (*Bundle)(nil)
)
