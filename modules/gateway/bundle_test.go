package gateway_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/compile"

	"github.com/wicketgate/wicketgate/internal/bundle/bundletest"
	"github.com/wicketgate/wicketgate/internal/leaktest"
)

// bundled is a gateway whose policies are a bundle.
type bundled struct {
	*server
	bundles *bundletest.Server
	key     *bundletest.Key
}

// prepareBundled has the example shop take its policies from a server of signed bundles, of which it has none yet.
func prepareBundled(t *testing.T, change ...func(*server)) *bundled {
	t.Helper()
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	b := &bundled{
		bundles: bundletest.NewServer(t, func(s *bundletest.Server) { s.LongPolling, s.Token = true, "t0ken" }),
		key:     bundletest.NewKey(t),
	}
	t.Setenv("BUNDLE_TOKEN", "t0ken")
	key, ca := b.key.File(t), b.bundles.CA(t)
	b.server = prepare(t, append([]func(*server){func(s *server) {
		policies := fmt.Sprintf("policies %s/policies {", s.dir)
		if !strings.Contains(s.caddyfile, policies) {
			t.Fatal("the Caddyfile has changed")
		}
		s.caddyfile = strings.Replace(s.caddyfile, policies, fmt.Sprintf(`policies bundle %s?sig=geheim {
			verify %s
			ca %s
			poll 1s
			long_polling 30s
			bearer {env.BUNDLE_TOKEN}`, b.bundles.At(), key, ca), 1)
	}}, change...)...)
	return b
}

// run starts Caddy, to the test's end.
func (b *bundled) run() {
	b.t.Helper()
	if err := b.load(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			b.t.Error(err)
		}
	})
	b.trust()
}

// build makes a bundle of the policies as they stand, as `opa build --bundle` does, and signs it.
func (b *bundled) build(revision string) []byte {
	b.t.Helper()
	compiler := compile.New().WithPaths(b.path("policies")).WithAsBundle(true).WithRevision(revision).WithRegoVersion(ast.RegoV1)
	if err := compiler.Build(context.Background()); err != nil {
		b.t.Fatal(err)
	}
	built := compiler.Bundle()
	if err := built.GenerateSignature(bundle.NewSigningConfig(b.key.Private, "ES256", ""), "default", false); err != nil {
		b.t.Fatal(err)
	}
	var archive bytes.Buffer
	if err := bundle.NewWriter(&archive).DisableFormat(true).Write(*built); err != nil {
		b.t.Fatal(err)
	}
	return archive.Bytes()
}

// bundleState is the source's part of the status.
type bundleState struct {
	URL, Revision        string
	Waiting, Unconfirmed bool
	Unreachable, Error   *struct {
		Kind, Detail string
		Mistakes     []struct {
			File            string
			Line            int
			Summary, Detail string
		}
	}
}

func (b *bundled) state() bundleState {
	b.t.Helper()
	res, err := http.Get(fmt.Sprintf("http://localhost:%d/api_gateway/status", b.admin))
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	if strings.Contains(string(text), "geheim") || strings.Contains(string(text), "t0ken") {
		b.t.Errorf("the status tells a secret: %s", text)
	}
	var now struct{ Policies bundleState }
	if err := json.Unmarshal(text, &now); err != nil {
		b.t.Fatal(err)
	}
	return now.Policies
}

func (b *bundled) active(revision string) {
	b.t.Helper()
	b.within(20*time.Second, "revision "+revision+" is active", func() bool { return b.state().Revision == revision })
}

func (b *bundled) get() answer {
	b.t.Helper()
	return b.do(b.client(true), "GET", "/api/v1/orders/acme-1001", "", "X-API-Key: "+acme)
}

// TestBundleColdStart starts without a bundle, gets one, reloads, and starts again with the server off.
func TestBundleColdStart(t *testing.T) {
	b := prepareBundled(t)
	log := filepath.Join(t.TempDir(), "log")
	b.caddyfile = strings.Replace(b.caddyfile, "level ERROR", "level ERROR\n\t\toutput file "+log, 1)
	logged := func(line string) {
		t.Helper()
		b.within(10*time.Second, "the log says "+line, func() bool {
			text, err := os.ReadFile(log)
			return err == nil && strings.Contains(string(text), line)
		})
	}
	b.run()
	logged(`"msg":"there is no bundle yet"`)
	a := b.get()
	if a.status != 503 || a.header.Get("Content-Type") != "application/problem+json" || a.header.Get("Retry-After") == "" {
		t.Errorf("without policies: %d %v %s", a.status, a.header, a.body)
	}
	b.within(10*time.Second, "the status says that there is none", func() bool {
		s := b.state()
		return s.Waiting && s.Unreachable != nil && strings.Contains(s.Unreachable.Detail, "404") && s.URL == b.bundles.At()
	})
	if v := b.metric("caddy_api_gateway_bundle_failing"); v != "1" {
		t.Errorf("the metric says %q", v)
	}
	if n := b.upstream.count.Load(); n > 0 {
		t.Errorf("%d requests passed without a policy", n)
	}
	b.bundles.Serve(b.build("r1"))
	b.active("r1")
	if a := b.get(); a.status != 200 {
		t.Errorf("with policies: %d %s", a.status, a.body)
	}
	if v := b.metric("caddy_api_gateway_bundle_failing"); v != "0" {
		t.Errorf("the metric says %q", v)
	}

	// A reload of Caddy goes on with the bundle in force.
	sent := count(b.bundles.Answered(), 200)
	b.caddyfile = strings.Replace(b.caddyfile, "watch 10ms", "watch 20ms", 1)
	if err := b.load(); err != nil {
		t.Fatal(err)
	}
	if a := b.get(); a.status != 200 {
		t.Errorf("after a reload: %d %s", a.status, a.body)
	}
	// One that changes the source begins with the bundle on disk.
	b.caddyfile = strings.Replace(b.caddyfile, "poll 1s", "poll 2s", 1)
	if err := b.load(); err != nil {
		t.Fatal(err)
	}
	if a := b.get(); a.status != 200 {
		t.Errorf("after a reload with another poll: %d %s", a.status, a.body)
	}
	b.within(10*time.Second, "the bundle on disk is confirmed", func() bool { return !b.state().Unconfirmed })
	b.bundles.Serve(b.build("r2"))
	b.active("r2")
	if got := count(b.bundles.Answered(), 200); got != sent+1 {
		t.Errorf("the bundle was sent %d times, and one was new", got-sent)
	}

	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	b.bundles.Close()
	archives, err := filepath.Glob(filepath.Join(caddy.AppDataDir(), "api_gateway", "bundles", "*.tar.gz"))
	if err != nil || len(archives) == 0 {
		t.Fatal(archives, err)
	}
	for _, name := range archives { // it came into force a while ago
		if err := os.Chtimes(name, time.Time{}, time.Unix(1_700_000_000, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.load(); err != nil {
		t.Fatal(err)
	}
	b.trust()
	if v := b.metric("caddy_api_gateway_bundle_last_activation_timestamp_seconds"); v != "1.7e+09" {
		t.Errorf("the bundle on disk is said to be of %q", v)
	}
	if v := b.metric("caddy_api_gateway_bundle_last_confirmed_timestamp_seconds"); v == "" || v == "0" {
		t.Errorf("the last time that the bundle was confirmed is said to be %q", v)
	}
	if a := b.get(); a.status != 200 {
		t.Errorf("with the server off: %d %s", a.status, a.body)
	}
	if s := b.state(); s.Revision != "r2" || !s.Unconfirmed {
		t.Errorf("the status is %+v", s)
	}
	logged(`"because":"unreachable","in_force":"r2"`)
}

func count(statuses []int, status int) (n int) {
	for _, s := range statuses {
		if s == status {
			n++
		}
	}
	return n
}

// TestBundleSwaps swaps bundles while callers come over HTTP/1.1 and HTTP/2. No request may fail.
func TestBundleSwaps(t *testing.T) {
	b := prepareBundled(t)
	b.bundles.Serve(b.build("r0"))
	b.run()
	b.active("r0")
	policy := b.read("policies/shop/orders.rego")
	var requests, failed atomic.Int64
	var first sync.Once
	stop := make(chan struct{})
	var callers sync.WaitGroup
	for _, c := range []*http.Client{b.client(false), b.client(true)} {
		callers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				req, _ := http.NewRequest("GET", fmt.Sprintf("https://localhost:%d/api/v1/orders/acme-1001", b.port), nil)
				req.Header.Set("X-API-Key", acme)
				res, err := c.Do(req)
				status := 0
				if err == nil {
					status = res.StatusCode
					_, err = io.Copy(io.Discard, res.Body)
					res.Body.Close()
				}
				requests.Add(1)
				if err != nil || status != 200 {
					failed.Add(1)
					first.Do(func() { t.Errorf("the first failure: %d %v", status, err) })
				}
			}
		})
	}
	c := b.client(true)
	for i := range 20 {
		revision := fmt.Sprintf("swap %d", i)
		b.write("policies/shop/orders.rego", strings.Replace(policy, "this order belongs to someone else", revision, 1))
		b.bundles.Serve(b.build(revision))
		b.active(revision)
		if a := b.do(c, "GET", "/api/v2/orders/globex-1001", "", "X-API-Key: "+acme); !strings.Contains(a.body, revision) {
			t.Fatalf("%s is not in force: %d %s", revision, a.status, a.body)
		}
	}
	close(stop)
	callers.Wait()
	t.Logf("20 swaps during %d requests", requests.Load())
	if failed.Load() > 0 || requests.Load() == 0 {
		t.Errorf("%d of %d requests failed", failed.Load(), requests.Load())
	}
	if v := b.metric(`caddy_api_gateway_bundle_activations_total{result="activated"}`); v == "" || v == "0" {
		t.Errorf("activations are counted as %q", v)
	}
}

// TestBundleRefused serves what the catalogue does not fit, and what is broken: the last good bundle stays in force, and
// the status says what is wrong and where. When the catalogue fits, the bundle is taken.
func TestBundleRefused(t *testing.T) {
	b := prepareBundled(t)
	b.bundles.Serve(b.build("good"))
	b.run()
	b.active("good")
	policy := b.read("policies/shop/orders.rego")

	b.write("policies/shop/orders.rego", strings.Replace(policy, "package shop.orders", "package shop.goods", 1))
	b.bundles.Serve(b.build("renamed"))
	b.within(20*time.Second, "the missing query is told", func() bool {
		e := b.state().Error
		return e != nil && e.Kind == "refused" && strings.HasSuffix(e.Mistakes[0].File, "shop.hcl") && e.Mistakes[0].Line == 49 &&
			strings.Contains(e.Mistakes[0].Detail, "data.shop.orders")
	})
	if a := b.get(); a.status != 200 || b.state().Revision != "good" {
		t.Errorf("the last good one does not serve: %d %s", a.status, a.body)
	}
	// A change elsewhere is no worse for it.
	catalogue := b.read("examples/shop/shop.hcl")
	generation := b.status().Generation
	b.write("examples/shop/shop.hcl", strings.Replace(catalogue, "each line's qty is 1 to 99", "another text", 1))
	b.within(20*time.Second, "the catalogue is swapped in", func() bool { return b.status().Generation > generation })
	if b.state().Revision != "good" {
		t.Error("a bundle came with it")
	}
	// Both belong together: the new bundle is taken as soon as the server is heard of again.
	b.write("examples/shop/shop.hcl", strings.Replace(catalogue, "policy.shop.orders", "policy.shop.goods", 1))
	b.within(20*time.Second, "the catalogue is noticed", func() bool { return b.status().Error != nil })
	b.bundles.Serve(b.build("renamed again"))
	b.active("renamed again")
	if a := b.get(); a.status != 200 {
		t.Errorf("with both: %d %s", a.status, a.body)
	}

	broken := b.key.Sign(t, bundletest.Files{"shop/orders.rego": "package shop.goods\n\nallow if input.reqest\n", "b.rego": "package b\n\nallow if http.send({}).x\n"})
	b.bundles.Serve(broken.Pack(t))
	b.within(20*time.Second, "every mistake is told", func() bool {
		e := b.state().Error
		return e != nil && e.Kind == "broken" && len(e.Mistakes) == 2 && e.Mistakes[0].File == "gw.tar.gz:b.rego" && e.Mistakes[1].File == "gw.tar.gz:shop/orders.rego"
	})
	if a := b.get(); a.status != 200 {
		t.Errorf("after a broken one: %d %s", a.status, a.body)
	}
}

// TestBundleStartStop starts and stops with a bundle server, and leaves nothing behind.
func TestBundleStartStop(t *testing.T) {
	b := prepareBundled(t, func(s *server) { // Caddy keeps its admin endpoint over a stop
		s.caddyfile = strings.Replace(s.caddyfile, fmt.Sprintf("admin localhost:%d", s.admin), "admin off", 1)
	})
	b.bundles.Serve(b.build("1"))
	round := func() {
		t.Helper()
		if err := b.load(); err != nil {
			t.Fatal(err)
		}
		b.trust()
		c := b.client(true)
		b.within(20*time.Second, "it serves", func() bool {
			return b.do(c, "GET", "/api/v1/orders/acme-1001", "", "X-API-Key: "+acme).status == 200
		})
		c.CloseIdleConnections()
		if err := caddy.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	round() // what Caddy starts once for the process
	b.upstream.CloseClientConnections()
	b.bundles.CloseClientConnections()
	ended := leaktest.Note(t)
	for range 5 {
		round()
	}
	b.upstream.CloseClientConnections()
	b.bundles.CloseClientConnections()
	ended()
}

// TestBundleDecisionsAreRecordedOnce loads other files again, with the bundle as it is: a decision has one line in the
// record, with the bundle's revision.
func TestBundleDecisionsAreRecordedOnce(t *testing.T) {
	b := prepareBundled(t, func(s *server) {
		s.caddyfile = strings.Replace(s.caddyfile, "watch 10ms", "watch 10ms\n\t\tdecision_log "+s.path("decisions.log"), 1)
	})
	b.bundles.Serve(b.build("r1"))
	b.run()
	b.active("r1")
	catalogue := b.read("examples/shop/shop.hcl")
	for i := range 3 {
		generation := b.status().Generation
		b.write("examples/shop/shop.hcl", strings.Replace(catalogue, "each line's qty is 1 to 99", fmt.Sprint("text ", i), 1))
		b.within(20*time.Second, "the catalogue is swapped in", func() bool { return b.status().Generation > generation })
	}
	for range 2 {
		if a := b.get(); a.status != 200 {
			t.Fatalf("got %d %s", a.status, a.body)
		}
	}
	if err := caddy.Stop(); err != nil { // writes what is left
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.read("decisions.log")), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], `"r1"`) {
		t.Errorf("two decisions have %d lines: %s", len(lines), lines)
	}
}

// TestBundleClientCertificate shows the server a certificate, which it asks for.
func TestBundleClientCertificate(t *testing.T) {
	certificate, key, pool := bundletest.Certificate(t)
	b := prepareBundled(t)
	b.bundles.Close()
	b.bundles = bundletest.NewServer(t, func(s *bundletest.Server) {
		s.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	})
	b.bundles.Serve(b.build("1"))
	without := fmt.Sprintf("policies bundle %s {\n\t\t\tverify %s\n\t\t\tca %s\n\t\t\tpoll 1s\n", b.bundles.At(), b.key.File(t), b.bundles.CA(t))
	begin, end := strings.Index(b.caddyfile, "policies bundle"), strings.Index(b.caddyfile, "\t\t\tlimit 10s")
	rest, head := b.caddyfile[end:], b.caddyfile[:begin]
	b.caddyfile = head + without + rest
	b.run()
	b.within(20*time.Second, "the server does not know us", func() bool {
		s := b.state()
		return s.Unreachable != nil && strings.Contains(s.Unreachable.Detail, "certificate required")
	})
	b.caddyfile = head + without + fmt.Sprintf("\t\t\tclient_certificate %s %s\n", certificate, key) + rest
	if err := b.load(); err != nil {
		t.Fatal(err)
	}
	b.active("1")
	if a := b.get(); a.status != 200 {
		t.Errorf("got %d %s", a.status, a.body)
	}
}

// TestBundleValidates adapts and validates with no network, no bundle and no token, and finds what is wrong with the
// files that are named.
func TestBundleValidates(t *testing.T) {
	for _, test := range []struct{ name, old, new, want string }{
		{"as it is", "", "", ""},
		{"no such key", "verify ", "verify /nowhere", "verify: "},
		{"no such authority", "ca ", "ca /nowhere", "ca: "},
		{"a key of another kind", "ca ", "verify %CA% {\n\t\t\t\tkey_id other\n\t\t\t}\n\t\t\tca ", "key_id"},
		{"an authority that is none", "ca ", "ca %KEY% #", "holds no certificate"},
		{"no such client certificate", "poll 1s", "client_certificate /nowhere.pem /nowhere.key", "client_certificate: "},
		{"a limit beyond all", "poll 1s", "limit 20s #", "at most 10s, not 20s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := prepareBundled(t)
			b.bundles.Close()
			os.Unsetenv("BUNDLE_TOKEN")
			with := strings.NewReplacer("%CA%", b.bundles.CA(t), "%KEY%", b.key.File(t)).Replace(test.new)
			if test.old == "ca " {
				b.caddyfile = strings.Replace(b.caddyfile, "\t\t\tca ", "\t\t\t"+with, 1)
			} else if test.old != "" {
				b.caddyfile = strings.Replace(b.caddyfile, test.old, with, 1)
			}
			if strings.Contains(with, "limit 20s") {
				b.caddyfile = strings.Replace(b.caddyfile, "limit 10s", "#", 1)
			}
			err := validate(b.caddyfile)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// validate does what caddy validate does.
func validate(caddyfile string) error {
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfile), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		return err
	}
	var config caddy.Config
	if err := caddy.StrictUnmarshalJSON(adapted, &config); err != nil {
		return err
	}
	return caddy.Validate(&config)
}
