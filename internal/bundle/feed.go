// Package bundle gets policies as OPA bundles over HTTPS, and keeps the last good one on disk. It stands on OPA's own
// downloader, which polls, polls long and compares ETags; of OPA's plugin manager nothing is needed, whose stores would
// make decisions wait for activations. The downloader would also read and verify what comes, and make maps of all its
// data on the way: so it is shown an empty bundle, and policy.ReadBundle reads the real one, in a fraction of the memory. One file, one subject: feed.go is the state and the
// way of a new bundle, offer.go offers it to the gateway, client.go reaches the server, unpack.go bounds what comes,
// kept.go is the disk, key.go are the signers' keys, status.go says how things are.
package bundle

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/url"
	"path"
	"sync"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/download"
	"github.com/open-policy-agent/opa/v1/plugins"

	"github.com/wicketgate/wicketgate/internal/archive"
	"github.com/wicketgate/wicketgate/internal/policy"
)

// Config says where bundles come from and what they may be.
type Config struct {
	URL         *url.URL
	PollMin     time.Duration // between requests, at least; whole seconds
	PollMax     time.Duration // at most; also between tries after a mistake
	LongPolling time.Duration // how long the server may wait for a new bundle before it answers; 0: it is not asked to
	Token       Token         // nil: none
	TLS         *tls.Config
	Verify      *bundle.VerificationConfig // nil: bundles are not signed
	Bounds      Bounds
	Folder      string // keeps the last good bundle
	Policy      policy.Options
}

// Feed is the policies that an address gives, as of now. It looks for new ones while it has a member.
type Feed struct {
	config *Config
	client *client
	kept   kept
	name   string // of the archive, in diagnostics

	// offering is held while new policies are offered, so that a member that has left is asked nothing more.
	offering sync.Mutex

	running  sync.Mutex // guards the next
	download *download.Downloader

	mu      sync.Mutex
	good    *policies // those in force, or the empty ones that answer 503
	offer   *policies // newer ones that the gateway has not taken yet
	broken  string    // the hash of the last bundle that had a mistake
	members []*Member
	status  Status
}

// policies are one bundle, compiled.
type policies struct {
	snapshot    *policy.Snapshot
	archive     []byte // until it is kept
	sum         string
	etag        string
	unconfirmed bool // from disk, and the server has not said yet that there are no newer ones
}

// New makes a feed that has the policies kept on disk, if there are any and their signature still holds. It asks the
// server nothing. The error is one of the configuration; kept is why the policies on disk are of no use.
func New(ctx context.Context, config *Config) (f *Feed, kept error, err error) {
	f = &Feed{config: config, client: newClient(config), name: path.Base(config.URL.Path)}
	if f.name == "/" || f.name == "." {
		f.name = config.URL.Host
	}
	f.kept = newKept(config.Folder, config.URL.String())
	f.status.URL = address(config.URL)
	empty, diags := policy.Waiting(ctx, config.Policy)
	if diags.HasErrors() {
		return nil, nil, diags
	}
	f.good = &policies{snapshot: empty}
	f.status.Waiting = true
	return f, f.recall(ctx), nil
}

// recall takes the policies kept on disk.
func (f *Feed) recall(ctx context.Context) error {
	files, hash, etag, err := f.kept.read(f.config.Bounds)
	if err != nil || files == nil {
		return err
	}
	snapshot, diags := policy.ReadBundle(ctx, f.name, files, f.config.Verify, f.config.Policy)
	if diags.HasErrors() {
		return fmt.Errorf("reading the bundle kept: %w", Mistakes(diags))
	}
	f.good = &policies{snapshot: snapshot.Unconfirmed(), sum: hash, etag: etag, unconfirmed: true}
	f.client.got(etag, true)
	f.status.Waiting, f.status.FromDisk = false, true
	f.status.Revision, f.status.ETag, f.status.Activated = snapshot.Revision(), etag, f.kept.since()
	return nil
}

// start begins to look for bundles.
func (f *Feed) start() error {
	f.running.Lock()
	defer f.running.Unlock()
	if f.download != nil {
		return nil
	}
	client, err := f.client.rest()
	if err != nil {
		return err
	}
	seconds := func(d time.Duration) *int64 { s := int64(d / time.Second); return &s }
	config := download.Config{Polling: download.PollingConfig{MinDelaySeconds: seconds(f.config.PollMin), MaxDelaySeconds: seconds(f.config.PollMax)}}
	if f.config.LongPolling > 0 {
		config.Polling.LongPollingTimeoutSeconds = seconds(f.config.LongPolling)
	}
	trigger := plugins.TriggerPeriodic
	config.Trigger = &trigger
	if err := config.ValidateAndInjectDefaults(); err != nil {
		return fmt.Errorf("setting up the downloads: %w", err)
	}
	where := *f.config.URL
	where.Scheme, where.Host, where.User = "", "", nil
	f.download = download.New(config, client, where.String()).
		WithCallback(f.came).
		WithBundleParserOpts(ast.ParserOptions{RegoVersion: ast.RegoV1})
	f.download.Start(context.Background())
	return nil
}

// rest ends what start began, and waits for it, if there is no member.
func (f *Feed) rest() {
	f.running.Lock()
	defer f.running.Unlock()
	f.mu.Lock()
	members := len(f.members)
	f.mu.Unlock()
	if members > 0 {
		return
	}
	if f.download != nil {
		f.download.Stop(context.Background())
		f.download = nil
	}
	f.client.transport.CloseIdleConnections()
}

// came is told of every answer of the server, one after the other, in the downloader's goroutine. What it does not
// return is not tried again before its time.
func (f *Feed) came(ctx context.Context, u download.Update) error {
	packed, files := f.client.take()
	now := time.Now()
	f.mu.Lock()
	f.status.Requested = &now
	f.mu.Unlock()
	switch {
	case ctx.Err() != nil: // we are stopping
		return nil
	case u.Error != nil:
		f.failed(u.Error)
	case u.Bundle == nil:
		f.confirmed()
	default:
		f.activate(ctx, u.ETag, packed, files)
	}
	f.deliver()
	return nil
}

// confirmed notes that the server has nothing but what came last.
func (f *Feed) confirmed() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status.Unreachable = nil
	latest := f.good
	if f.offer != nil {
		latest = f.offer
	}
	if f.client.has() == latest.etag {
		f.mended()
	}
	if f.good.unconfirmed && f.client.has() == f.good.etag {
		f.good, f.status.FromDisk = f.good.confirm(), false
	}
	f.tell(Event{Kind: Unchanged})
}

// mended notes that the server no longer has the bundle with a mistake that it had. The caller holds f.mu.
func (f *Feed) mended() {
	if b := f.status.Broken; b != nil && b.Kind == Broken {
		f.broken, f.status.Broken = "", nil
	}
}

// confirm gives the same policies, of which a query that is not there is a mistake.
func (p *policies) confirm() *policies {
	confirmed := *p
	confirmed.snapshot, confirmed.unconfirmed = p.snapshot.Confirmed(), false
	return &confirmed
}

// activate compiles a bundle that came, unless it is one that is known.
func (f *Feed) activate(ctx context.Context, etag string, packed []byte, files []archive.File) {
	began := time.Now()
	hash := sum(packed)
	f.client.got(etag, false)
	f.mu.Lock()
	f.status.Unreachable = nil
	known := true
	switch {
	case hash == f.good.sum:
		f.good.etag, f.status.ETag = etag, etag
		if f.good.unconfirmed {
			f.good, f.status.FromDisk = f.good.confirm(), false
		}
		f.offer, f.broken, f.status.Broken = nil, "", nil
	case f.offer != nil && hash == f.offer.sum:
		f.offer.etag = etag
		f.mended()
	case hash == f.broken:
	default:
		known = false
	}
	if known {
		f.tell(Event{Kind: Unchanged})
	}
	f.mu.Unlock()
	if known {
		return
	}
	f.client.news()
	snapshot, diags := f.compile(ctx, files)
	f.mu.Lock()
	defer f.mu.Unlock()
	if diags.HasErrors() {
		f.broken = hash
		f.fail(Event{Kind: Broken, Err: Mistakes(diags)})
		return
	}
	f.broken = ""
	f.offer = &policies{snapshot: snapshot, archive: packed, sum: hash, etag: etag}
	f.status.took = time.Since(began)
}

// compile is ReadBundle; a panic of the compiler's is a mistake of the bundle's.
func (f *Feed) compile(ctx context.Context, files []archive.File) (s *policy.Snapshot, diags hcl.Diagnostics) {
	defer func() {
		if r := recover(); r != nil {
			s, diags = nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Bundle not taken", Detail: fmt.Sprintf("The compiler gave up: %v.", r)}}
		}
	}()
	return policy.ReadBundle(ctx, f.name, files, f.config.Verify, f.config.Policy)
}
