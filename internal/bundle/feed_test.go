package bundle

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/bundle/bundletest"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/leaktest"
	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/internal/secret"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// gateway stands for the app: it takes policies that define what it asks for.
type gateway struct {
	t      *testing.T
	server *bundletest.Server
	config *Config
	feed   *Feed
	member *Member

	mu     sync.Mutex
	asks   string
	has    *policy.Snapshot
	events []Event
}

// newGateway makes a gateway beside a server; change sets up the configuration.
func newGateway(t *testing.T, server *bundletest.Server, change ...func(*Config)) *gateway {
	t.Helper()
	address, err := url.Parse(server.At() + "?sig=geheim")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	g := &gateway{t: t, server: server, asks: "data.a", config: &Config{
		URL: address, PollMin: time.Second, PollMax: time.Second, LongPolling: 30 * time.Second,
		TLS:    &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		Bounds: Bounds{Packed: 1 << 20, Unpacked: 4 << 20},
		Folder: t.TempDir() + "/bundles",
		Policy: policy.Options{Limit: 10 * time.Second},
	}}
	for _, c := range change {
		c(g.config)
	}
	return g
}

// start runs the gateway until stop, or the test's end; it gives what was wrong with the policies on disk.
func (g *gateway) start() error {
	g.t.Helper()
	feed, kept, err := New(context.Background(), g.config)
	if err != nil {
		g.t.Fatal(err)
	}
	g.feed = feed
	if err := g.take(feed.Snapshot()); err != nil {
		g.t.Fatal(err)
	}
	if g.member, err = feed.Join(feed.Snapshot(), g.take, g.report); err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(g.stop)
	return kept
}

func (g *gateway) stop() {
	if g.member != nil {
		g.member.Leave()
		g.member = nil
	}
}

func (g *gateway) take(s *policy.Snapshot) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, diags := s.Prepare(g.asks, hcl.Range{}); diags.HasErrors() {
		return diags
	}
	g.has = s
	return nil
}

func (g *gateway) report(e Event) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.events = append(g.events, e)
}

// saw says whether an event of a kind whose error has all of a text's parts has happened.
func (g *gateway) saw(kind Kind, parts ...string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.ContainsFunc(g.events, func(e Event) bool {
		if e.Kind != kind {
			return false
		}
		for _, part := range parts {
			if e.Err == nil || !strings.Contains(e.Err.Error(), part) {
				return false
			}
		}
		return true
	})
}

// decides gives the status of a decision: 0 lets through.
func (g *gateway) decides() int {
	g.t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	q, diags := g.has.Prepare(g.asks, hcl.Range{})
	if diags.HasErrors() {
		g.t.Fatal(diags)
	}
	if _, p := q.Decide(&exchange.Exchange{Method: http.MethodGet, Time: time.Now()}); p != nil {
		return p.StatusCode()
	}
	return 0
}

func (g *gateway) within(what string, ok func() bool) {
	g.t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			g.t.Fatalf("not within 20s: %s; the status is %+v, and happened has %v", what, g.feed.Status(), g.events)
		}
	}
}

func (g *gateway) active(revision string) {
	g.t.Helper()
	g.within("revision "+revision+" is active", func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.has.Revision() == revision
	})
}

// allows is a bundle that lets everybody through.
func allows(revision string) bundletest.Files {
	return bundletest.Files{".manifest": fmt.Sprintf(`{"revision": %q}`, revision), "a.rego": "package a\n\nallow if true\n"}
}

func polling(c *Config)                { c.LongPolling = 0 }
func longPolling(s *bundletest.Server) { s.LongPolling = true }

func signedBy(t *testing.T, key *bundletest.Key) func(*Config) {
	return func(c *Config) {
		verify, err := Verification([]Key{{Text: []byte(key.Public)}})
		if err != nil {
			t.Fatal(err)
		}
		c.Verify = verify
	}
}

// Without any bundle the answer is 503; a new one is in force as soon as it is served.
func TestColdStartAndLongPolling(t *testing.T) {
	t.Parallel()
	g := newGateway(t, bundletest.NewServer(t, longPolling))
	g.start()
	if status := g.decides(); status != 503 {
		t.Errorf("before there is a bundle: %d", status)
	}
	g.within("the server says that there is none", func() bool { return g.saw(Unreachable, "404 Not Found") })
	if s := g.feed.Status(); !s.Waiting || s.Unreachable == nil || s.Requested == nil {
		t.Errorf("the status is %+v", s)
	}
	for i := range 5 {
		revision := fmt.Sprint("r", i)
		g.server.Serve(allows(revision).Pack(t))
		g.active(revision)
		if status := g.decides(); status != 0 {
			t.Errorf("%s decides %d", revision, status)
		}
	}
	g.within("the status says so", func() bool {
		s := g.feed.Status()
		return s.Revision == "r4" && s.ETag == `"v5"` && s.Activated != nil && s.Unreachable == nil && s.Broken == nil && !s.Waiting
	})
	if s := g.feed.Status(); s.URL != g.server.At() {
		t.Errorf("the address is shown as %s", s.URL)
	}
	if p := g.server.Last().Header.Get("Prefer"); p != "modes=snapshot;wait=30" {
		t.Errorf("preferred is %q", p)
	}
}

// Polled, a server is asked by ETag and sends a bundle once.
func TestPolling(t *testing.T) {
	t.Parallel()
	server := bundletest.NewServer(t)
	server.Serve(allows("1").Pack(t))
	g := newGateway(t, server, polling)
	g.start()
	g.active("1")
	g.within("it is asked again", func() bool { return len(server.Answered()) >= 2 })
	server.Serve(allows("2").Pack(t))
	g.active("2")
	if answered := server.Answered(); answered[0] != 200 || answered[1] != 304 {
		t.Errorf("answered were %v", answered)
	}
	if p := server.Last().Header.Get("Prefer"); p != "modes=snapshot" {
		t.Errorf("preferred is %q", p)
	}
}

// Whatever is wrong with a bundle or its server, the last good one stays in force; the next good one is taken.
func TestBadBundles(t *testing.T) {
	t.Parallel()
	key, other := bundletest.NewKey(t), bundletest.NewKey(t)
	server := bundletest.NewServer(t, longPolling)
	g := newGateway(t, server, signedBy(t, key))
	g.start()
	good := func(revision string) []byte { return key.Sign(t, allows(revision)).Pack(t) }
	server.Serve(good("0"))
	g.active("0")
	cut := good("cut")
	flipped := good("flipped")
	flipped[len(flipped)-6] ^= 1
	sized := bundletest.Files{"a.rego": "package a\n\nallow if true\n", "x/data.json": `"` + strings.Repeat("x", 3<<20) + `"`, "y/data.json": `"` + strings.Repeat("x", 3<<20) + `"`}
	noise := make([]byte, 2<<20)
	for i := range noise {
		noise[i] = byte(i * i >> 7)
	}
	for i, c := range []struct {
		name   string
		serve  []byte
		answer http.HandlerFunc
		kind   Kind
		told   []string
	}{
		{"unsigned", allows("x").Pack(t), nil, Broken, []string{"gw.tar.gz", ".signatures.json"}},
		{"wrongly signed", other.Sign(t, allows("x")).Pack(t), nil, Broken, []string{"verify JWT signature"}},
		{"cut off", cut[:len(cut)/2], nil, Broken, []string{"gw.tar.gz: it is cut off"}},
		{"damaged", flipped, nil, Broken, []string{"gw.tar.gz: it is damaged", "checksum"}},
		{"no archive", []byte("<html>"), nil, Broken, []string{"gw.tar.gz: it is not an archive"}},
		{"empty", []byte{}, nil, Broken, []string{"it is not an archive"}},
		{"two that do not parse", key.Sign(t, bundletest.Files{"a.rego": "package a\n\nallow if {\n", "b.rego": "package\n"}).Pack(t), nil, Broken, []string{"gw.tar.gz:a.rego:", "gw.tar.gz:b.rego:"}},
		{"two that do not compile", key.Sign(t, bundletest.Files{"a.rego": "package a\n\nallow if input.tme\n", "b.rego": "package b\n\nx if input.tme\n"}).Pack(t), nil, Broken, []string{"gw.tar.gz:a.rego:3", "gw.tar.gz:b.rego:3"}},
		{"what is not permitted", key.Sign(t, bundletest.Files{"a.rego": "package a\n\nallow if http.send({}).x\n"}).Pack(t), nil, Broken, []string{"Function not allowed"}},
		{"data in conflict", key.Sign(t, bundletest.Files{"a.rego": "package a\n\nallow if true\n", "a/data.json": `{"allow": true}`}).Pack(t), nil, Broken, []string{"gw.tar.gz:a.rego:3"}},
		{"too large unpacked", sized.Pack(t), nil, Broken, []string{"unpacked it has more than 4194304 bytes"}},
		{"what the gateway asks for is missing", key.Sign(t, bundletest.Files{"b.rego": "package b\n\nallow if true\n"}).Pack(t), nil, Refused, []string{"data.a"}},
		{"404", nil, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, Unreachable, []string{"404 Not Found"}},
		{"500", nil, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, Unreachable, []string{"500 Internal"}},
		{"too large", nil, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(noise) }, Unreachable, []string{"more than 1048576 bytes"}},
		{"broken off", nil, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write(cut[:10])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, Unreachable, []string{"reading the bundle"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g.mu.Lock()
			g.events = nil
			g.mu.Unlock()
			if c.answer != nil {
				server.Answer(c.answer)
			} else {
				server.Serve(c.serve)
			}
			g.within("it is told", func() bool { return g.saw(c.kind, c.told...) })
			if status := g.decides(); status != 0 {
				t.Errorf("the last good one decides %d", status)
			}
			s := g.feed.Status()
			stands := s.Broken
			if c.kind == Unreachable {
				stands = s.Unreachable
			}
			if stands == nil || stands.Kind != c.kind || strings.Contains(fmt.Sprint(stands.Err), "geheim") {
				t.Errorf("the status has %+v", stands)
			}
			next := fmt.Sprint(i + 1)
			server.Serve(good(next))
			g.active(next)
			g.within("the status is well", func() bool {
				s := g.feed.Status()
				return s.Broken == nil && s.Unreachable == nil && s.Revision == next
			})
		})
	}
}

// A bundle that lacks what is asked for is offered again, and taken when the gateway no longer asks for it.
func TestRefusedIsOfferedAgain(t *testing.T) {
	t.Parallel()
	server := bundletest.NewServer(t)
	server.Serve(allows("1").Pack(t))
	g := newGateway(t, server, polling)
	g.start()
	g.active("1")
	server.Serve(bundletest.Files{".manifest": `{"revision": "2"}`, "b.rego": "package b\n\nallow if true\n"}.Pack(t))
	g.within("it is refused", func() bool { return g.saw(Refused, "data.a") })
	g.mu.Lock()
	g.asks = "data.b"
	g.mu.Unlock()
	g.active("2")
	if answered := server.Answered(); answered[len(answered)-1] != 304 {
		t.Errorf("it was sent twice: %v", answered)
	}
}

// A mistake stands as long as the server has what it is about, also where that lies behind a bundle that was refused.
func TestMistakeThatIsTakenBack(t *testing.T) {
	t.Parallel()
	key := bundletest.NewKey(t)
	server := bundletest.NewServer(t)
	good := key.Sign(t, allows("1")).Pack(t)
	refused := key.Sign(t, bundletest.Files{".manifest": `{"revision": "2"}`, "b.rego": "package b\n\nallow if true\n"}).Pack(t)
	serve := func(archive []byte) { // as most servers do, it calls the same bundle the same
		etag := fmt.Sprintf("%q", sum(archive))
		server.Answer(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", etag)
			if r.Header.Get("If-None-Match") == etag {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			_, _ = w.Write(archive)
		})
	}
	serve(good)
	g := newGateway(t, server, polling, signedBy(t, key))
	g.start()
	g.active("1")
	stands := func(kind Kind) func() bool {
		return func() bool {
			b := g.feed.Status().Broken
			return kind == "" && b == nil || b != nil && b.Kind == kind
		}
	}
	serve(allows("3").Pack(t))
	g.within("it is not signed", stands(Broken))
	serve(good)
	g.within("what is in force is there again", stands(""))
	serve(refused)
	g.within("it is refused", stands(Refused))
	serve(allows("3").Pack(t))
	g.within("it is not signed, behind one that is refused", stands(Broken))
	asked := *g.feed.Status().Requested
	g.within("it is asked for again", func() bool { return g.feed.Status().Requested.After(asked) && stands(Broken)() })
	g.mu.Lock()
	g.events = nil
	g.mu.Unlock()
	g.within("the server says that it is what it was", func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return len(g.events) > 1
	})
	g.mu.Lock()
	for _, e := range g.events {
		if e.Kind != Unchanged || !e.Failing {
			t.Errorf("told anew of what stands: %+v", e)
		}
	}
	g.mu.Unlock()
	serve(refused)
	g.within("what is refused is there again", stands(Refused))
	serve(good)
	g.within("what is in force is there once more", stands(""))
}

// After a restart the policies on disk decide, whether or not the server is there; their signature is checked again.
func TestKept(t *testing.T) {
	t.Parallel()
	key := bundletest.NewKey(t)
	server := bundletest.NewServer(t, longPolling)
	server.Serve(key.Sign(t, allows("1")).Pack(t))
	g := newGateway(t, server, signedBy(t, key))
	g.start()
	g.active("1")
	file := g.feed.kept.archive()
	g.within("it is kept", func() bool { _, err := os.Stat(g.feed.kept.beside()); return err == nil })
	g.stop()
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("kept as %v, %v", info, err)
	}

	if kept := g.start(); kept != nil || g.decides() != 0 { // the server may have confirmed it by now
		t.Errorf("restarted: %v, %d, %+v", kept, g.decides(), g.feed.Status())
	}
	g.within("it is confirmed", func() bool { return !g.feed.Status().FromDisk })
	g.stop()
	for _, status := range server.Answered()[1:] {
		if status != 304 {
			t.Errorf("after a restart it was sent again: %v", server.Answered())
		}
	}

	// Away, the server is asked for nothing that the policies on disk have; what they lack is 503, and no mistake.
	server.Answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	g.asks = "data.b"
	g.start()
	if status := g.decides(); status != 503 {
		t.Errorf("what newer policies may define: %d", status)
	}
	g.within("the server is away", func() bool { return g.saw(Unreachable, "503") })
	if s := g.feed.Status(); !s.FromDisk || s.Revision != "1" || s.Activated == nil {
		t.Errorf("the status tells %+v", s)
	}
	g.stop()

	// Back, it has nothing newer: now it is a mistake.
	server.Answer(nil)
	g.start()
	g.within("what is missing is told", func() bool { return g.saw(Refused, "data.b") })
	g.stop()
	g.asks = "data.a"

	archive, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	server.Answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	for name, bad := range map[string][]byte{
		"cut off":          archive[:100],
		"another's":        bundletest.NewKey(t).Sign(t, allows("1")).Pack(t),
		"unsigned":         allows("1").Pack(t),
		"no archive":       []byte("x"),
		"too large a file": make([]byte, 2<<20),
	} {
		if err := os.WriteFile(file, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if kept := g.start(); kept == nil || g.decides() != 503 {
			t.Errorf("%s on disk: %v, %d", name, kept, g.decides())
		}
		g.stop()
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if kept := g.start(); kept != nil || g.decides() != 503 {
		t.Errorf("nothing on disk: %v, %d", kept, g.decides())
	}
}

// A folder that cannot be written to costs the copy, not the policies.
func TestNotKept(t *testing.T) {
	t.Parallel()
	server := bundletest.NewServer(t)
	server.Serve(allows("1").Pack(t))
	g := newGateway(t, server, polling)
	if err := os.WriteFile(g.config.Folder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	g.start()
	g.active("1")
	g.within("it is told", func() bool { return g.saw(NotKept, "keeping the bundle") })
}

func TestToken(t *testing.T) {
	t.Parallel()
	server := bundletest.NewServer(t, func(s *bundletest.Server) { s.Token = "s3cret" })
	server.Serve(allows("1").Pack(t))
	var mu sync.Mutex
	token, failure := "", error(nil)
	g := newGateway(t, server, polling, func(c *Config) {
		c.Token = func() (secret.Text, error) {
			mu.Lock()
			defer mu.Unlock()
			return secret.New(token), failure
		}
	})
	set := func(text string, err error) {
		mu.Lock()
		defer mu.Unlock()
		token, failure = text, err
	}
	g.start()
	g.within("it is empty", func() bool { return g.saw(Unreachable, "the bearer token is empty") })
	set("wr0ng", nil)
	g.within("it is wrong", func() bool { return g.saw(Unreachable, "401") })
	set("", errors.New("no such file"))
	g.within("it cannot be had", func() bool { return g.saw(Unreachable, "no such file") })
	set("s3cret\n", nil)
	g.within("it is no token", func() bool { return g.saw(Unreachable, "invalid header field value") })
	set("s3cret", nil)
	g.active("1")
	for _, e := range g.events {
		if strings.Contains(fmt.Sprint(e.Err), "s3cret") || strings.Contains(fmt.Sprint(e.Err), "wr0ng") {
			t.Errorf("the token is told: %v", e.Err)
		}
	}
}

// A redirect is followed, and takes no token to another server.
func TestRedirect(t *testing.T) {
	t.Parallel()
	other := bundletest.NewServer(t)
	other.Serve(allows("1").Pack(t))
	server := bundletest.NewServer(t)
	server.Answer(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.At(), http.StatusFound) })
	g := newGateway(t, server, polling, func(c *Config) {
		c.Token = func() (secret.Text, error) { return secret.New("s3cret"), nil }
	})
	g.start()
	g.active("1")
	if a := other.Last().Header.Get("Authorization"); a != "" {
		t.Errorf("the token went to another server: %s", a)
	}
	plain, err := url.Parse(other.At())
	if err != nil {
		t.Fatal(err)
	}
	plain.Scheme = "http"
	server.Answer(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, plain.String(), http.StatusFound) })
	g.within("plain HTTP is refused", func() bool { return g.saw(Unreachable, "another scheme") })
	server.Answer(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/gw.tar.gz", http.StatusFound) })
	g.within("a loop ends", func() bool { return g.saw(Unreachable, "redirects too often") })
}

// One feed serves two gateways for a while, as one configuration takes the place of another; nothing is fetched anew.
func TestMembers(t *testing.T) {
	t.Parallel()
	server := bundletest.NewServer(t, longPolling)
	server.Serve(allows("1").Pack(t))
	g := newGateway(t, server)
	g.start()
	g.active("1")
	next := &gateway{t: t, server: server, asks: "data.a", feed: g.feed}
	if err := next.take(g.feed.Snapshot()); err != nil {
		t.Fatal(err)
	}
	member, err := g.feed.Join(g.feed.Snapshot(), next.take, next.report)
	if err != nil {
		t.Fatal(err)
	}
	server.Serve(allows("2").Pack(t))
	next.active("2")
	if g.has.Revision() != "1" {
		t.Error("the one on its way out was offered something")
	}
	member.Leave() // it did not start after all
	server.Serve(allows("3").Pack(t))
	g.active("3")
	g.stop()
	if fetched := server.Answered(); len(fetched) > 4 {
		t.Errorf("answered were %v", fetched)
	}
	idle := len(server.Answered())
	server.Serve(allows("4").Pack(t))
	if len(server.Answered()) != idle {
		t.Error("without members it went on asking")
	}
}

// A server that stands still is given up.
func TestServerThatStandsStill(t *testing.T) {
	t.Parallel()
	server := bundletest.NewServer(t)
	server.Answer(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "x")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	g := newGateway(t, server, polling)
	g.start()
	g.within("it is asked", func() bool { return g.feed.client.answered() == 200 })
	g.stop() // does not wait for it
}
