package wicketgate_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"github.com/wicketgate/wicketgate/internal/bundle/bundletest"
	"github.com/wicketgate/wicketgate/internal/ledger/natstest"
	"github.com/wicketgate/wicketgate/internal/limit/redistest"
	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

const production = "examples/production"

// installed gives the path of a program, or skips the test where it is not installed. In CI it must be.
func installed(t *testing.T, program, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed", program)
	}
	t.Skipf("%s is not installed; .ci/needs installs it, Debian's package is %s", program, pkg)
	return ""
}

// site is examples/production as it runs in a test: real servers behind it and in front of it.
type site struct {
	t       *testing.T
	folder  string // of certificates, credentials and what is shared
	env     []string
	nodes   []*running
	client  *http.Client
	front   string // the balancer's address
	orders  atomic.Int64
	partner atomic.Int64 // events delivered
}

func (s *site) file(name, content string) string {
	s.t.Helper()
	path := filepath.Join(s.folder, name)
	gatewaytest.Write(s.t, path, content)
	return path
}

// certificate writes one for servers on loopback, which is its own authority, and gives it.
func (s *site) certificate() string {
	s.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "internal"}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		s.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		s.t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	s.file("internal.pem", text)
	s.file("internal.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	return text
}

// background runs a program until the test ends.
func (s *site) background(program string, env []string, args ...string) {
	s.t.Helper()
	run := exec.Command(program, args...)
	var said bytes.Buffer
	run.Env, run.Stdout, run.Stderr = append(os.Environ(), env...), &said, &said
	if err := run.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		run.Process.Kill() //nolint:errcheck // it may be gone
		run.Wait()         //nolint:errcheck // it was killed
		if s.t.Failed() {
			s.t.Logf("%s said:\n%s", program, said.Bytes())
		}
	})
}

// redis runs one on the example's configuration, with TLS and the example's users.
func (s *site) redis(password string) (address string) {
	s.t.Helper()
	program := redistest.Need(s.t)
	sum := sha256.Sum256([]byte(password))
	users := strings.Replace(string(read(s.t, production+"/users.acl")), strings.Repeat("0", 64), hex.EncodeToString(sum[:]), 1)
	port := strconv.Itoa(gatewaytest.FreePort(s.t))
	s.background(program, nil, production+"/redis.conf", "--bind", "127.0.0.1", "--tls-port", port, "--dir", s.folder,
		"--tls-cert-file", s.folder+"/internal.pem", "--tls-key-file", s.folder+"/internal.key", "--tls-ca-cert-file", s.folder+"/internal.pem",
		"--aclfile", s.file("users.acl", users))
	return "rediss://127.0.0.1:" + port
}

// nats runs three servers that ask for the example's key of the gateway.
func (s *site) nats() (addresses string) {
	s.t.Helper()
	user, err := nkeys.CreateUser()
	if err != nil {
		s.t.Fatal(err)
	}
	seed, _ := user.Seed()
	public, _ := user.PublicKey()
	s.file("credentials/nats", string(seed))
	for name, value := range map[string]string{"GATEWAY_NKEY": public, "NATS_CERTIFICATE": s.folder + "/internal.pem", "NATS_KEY": s.folder + "/internal.key"} {
		s.t.Setenv(name, value)
	}
	all := natstest.Addresses(natstest.ClusterWith(s.t, 3, string(read(s.t, production+"/clients.conf"))))
	return strings.ReplaceAll(strings.Join(all, ","), "nats://", "tls://")
}

// deploy starts everything: what nodes share, two nodes, and a balancer before them.
func deploy(t *testing.T) *site {
	t.Helper()
	balancer := installed(t, "haproxy", "haproxy")
	s := &site{t: t, folder: t.TempDir()}
	authority := s.certificate()
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/internal/partner" {
			s.partner.Add(1)
			return
		}
		s.orders.Add(1)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `[]`)
	}))
	t.Cleanup(service.Close)

	bundles, key := bundletest.NewServer(t, func(b *bundletest.Server) { b.Token = "t0ken" }), bundletest.NewKey(t)
	bundles.Serve(key.Sign(t, bundletest.Files{"gateway/orders.rego": string(read(t, production+"/policies/orders.rego"))}).Pack(t))
	s.file("credentials/bundles", "t0ken")
	s.file("credentials/redis", "s3cr3t of redis")
	ca := s.file("ca.pem", authority+string(read(t, bundles.CA(t))))

	s.env = []string{
		"CREDENTIALS_DIRECTORY=" + s.folder + "/credentials", "CA=" + ca, "STORAGE=" + s.folder + "/storage", "SITE=localhost", "TLS=internal", "DRAIN=8s", "BALANCER=127.0.0.1/32",
		"ORDERS=" + service.URL, "BUNDLES=" + bundles.At(), "BUNDLE_KEY=" + key.File(t), "REDIS=" + s.redis("s3cr3t of redis"), "NATS=" + s.nats(),
	}
	binary := build(t)
	for range 2 {
		s.nodes = append(s.nodes, start(t, binary, production+"/Caddyfile", append(s.env, "USAGE="+t.TempDir())...))
	}
	root := filepath.Join(s.folder, "storage", "pki", "authorities", "local", "root.crt")
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(read(t, root))
	s.client = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots}}}

	s.front = "localhost:" + strconv.Itoa(gatewaytest.FreePort(t))
	config := []string{"FRONT=127.0.0.1:" + s.front[len("localhost:"):], "SITE=localhost", "SITE_NAME=localhost", "CA=" + root}
	for i, n := range s.nodes {
		config = append(config, fmt.Sprintf("GW%d=127.0.0.1:%d", i+1, n.https))
		s.within("the node is ready", func() bool { return s.ask(n.address(), "/healthz") == 200 })
	}
	s.background(balancer, config, "-db", "-f", production+"/haproxy.cfg")
	s.within("the balancer takes nodes for ready", func() bool { return s.ask(s.front, "/healthz") == 200 })
	return s
}

func (g *running) address() string { return "localhost:" + strconv.Itoa(g.https) }

func (s *site) within(what string, ok func() bool) {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("not within a minute: %s", what)
		}
	}
}

// ask sends a GET, with header fields written "Name: value", and gives the status; 0 for no answer.
func (s *site) ask(address, path string, fields ...string) int {
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, "https://"+address+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.send(req, fields...)
}

func (s *site) send(req *http.Request, fields ...string) int {
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		req.Header.Set(name, value)
	}
	res, err := s.client.Do(req)
	if err != nil {
		return 0
	}
	defer res.Body.Close()        //nolint:errcheck // read to its end
	io.Copy(io.Discard, res.Body) //nolint:errcheck // only its status is looked at
	return res.StatusCode
}

// event sends one of the partner's, signed as Standard Webhooks says.
func (s *site) event(address, id string) int {
	const body = `{"type":"order.paid"}`
	secret, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(strings.TrimSpace(string(read(s.t, production+"/partner.secret"))), "whsec_"))
	if err != nil {
		s.t.Fatal(err)
	}
	at := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(id + "." + at + "." + body))
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, "https://"+address+"/hooks/partner", strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	return s.send(req, "Content-Type: application/json", "webhook-id: "+id, "webhook-timestamp: "+at, "webhook-signature: v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

// command runs one of a node's, and gives what it prints.
func (s *site) command(n *running, args ...string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	run := exec.CommandContext(ctx, n.binary, append([]string{"gateway"}, args...)...)
	run.Args = append(run.Args, "--address", "localhost:"+strconv.Itoa(n.admin))
	out, err := run.Output()
	if err != nil {
		s.t.Fatalf("%v: %v", run.Args, err)
	}
	return string(out)
}

// The keys of examples/production/partners.keys, which all the world knows.
const (
	acmesKey   = "X-API-Key: wg_sEjFTOGUyJaT_ICfiGS3rLlPKMsWZBKRjg3I5QrTWSFCUlJiyjHioFBK0XP9bY"
	globexsKey = "X-API-Key: wg_HrNL7kZ2c2Kt_UcmQWaL0qgeSwfNNGOeOxkRx5p5KxcVxEv97Z28urJc0Bcv2m"
)

// TestProduction runs the example for production: two nodes behind HAProxy, with Redis over TLS and its users, three servers
// of NATS, and a server of signed bundles. Nodes share quotas, events and usage; one that is to stop is taken out of the
// balancer before it does, and no caller notices.
func TestProduction(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no SIGTERM")
	}
	s := deploy(t)
	one, two := s.nodes[0], s.nodes[1]

	// The quota of 10 is one of both.
	admitted := 0
	for i := range 14 {
		switch got := s.ask(s.nodes[i%2].address(), "/api/v1/orders", acmesKey); got {
		case 200:
			admitted++
		case 429:
		default:
			t.Errorf("node %d: %d", i%2+1, got)
		}
	}
	if admitted != 10 || s.orders.Load() != 10 {
		t.Errorf("of a quota of 10, %d were admitted and %d came", admitted, s.orders.Load())
	}
	for _, address := range []string{one.address(), two.address(), s.front} {
		if got := s.ask(address, "/api/v1/orders"); got != 401 {
			t.Errorf("without a key: %d", got)
		}
	}

	// Whichever node takes an event, it is delivered.
	for i, n := range s.nodes {
		if got := s.event(n.address(), "msg_"+strconv.Itoa(i)); got != 200 {
			t.Errorf("an event at node %d: %d", i+1, got)
		}
	}
	s.within("both events are delivered", func() bool { return s.partner.Load() == 2 })
	if told := s.command(one, "status"); !regexp.MustCompile(`(?m)^gateway +ready`).MatchString(told) || !strings.Contains(told, "signature verified") || !strings.Contains(told, "redis; shared") {
		t.Errorf("node 1 says\n%s", told)
	}

	// One is to stop: balancers are told first, and callers do not notice.
	failed, asked := 0, 0
	call := func() {
		asked++
		if got := s.ask(s.front, "/healthz/none", globexsKey); got != 404 {
			failed++
			t.Logf("a caller got %d", got)
		}
	}
	if err := two.process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.within("node 2 is draining", func() bool { call(); return s.ask(two.address(), "/healthz") == 503 })
	if got := s.ask(two.address(), "/api/v1/orders", globexsKey); got != 200 {
		t.Errorf("a caller of node 2 meanwhile: %d", got)
	}
	s.within("node 2 is gone", func() bool { call(); return s.ask(two.address(), "/healthz") == 0 })
	for range 10 {
		call()
	}
	if got := s.event(s.front, "msg_after"); got != 200 {
		t.Errorf("an event after that: %d", got)
	}
	s.within("it is delivered", func() bool { return s.partner.Load() == 3 })
	if failed > 0 {
		t.Errorf("%d of %d callers noticed", failed, asked)
	}
	t.Logf("%d callers while a node stopped, %d noticed", asked, failed)

	// What both counted adds up: the second shared its last counts when it ended.
	told := ""
	want := regexp.MustCompile(`(?m)^acme +orders +v1 +path +14 +4 `)
	s.within("usage adds up", func() bool {
		told = s.command(one, "usage", "--since", "1h")
		return want.MatchString(told) && strings.Contains(told, "of 2 gateways")
	})
}

// TestProductionUnit has systemd read the unit, and judge how much it may do.
func TestProductionUnit(t *testing.T) {
	analyze := installed(t, "systemd-analyze", "systemd")
	unit := filepath.Join(t.TempDir(), "gateway.service")
	text := strings.ReplaceAll(string(read(t, production+"/gateway.service")), "/usr/local/bin/caddy", "/bin/true")
	gatewaytest.Write(t, unit, text)
	run := func(args ...string) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		out, err := exec.CommandContext(ctx, analyze, args...).CombinedOutput()
		if err != nil {
			t.Errorf("systemd-analyze %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	if said := run("verify", "--man=no", unit); strings.Contains(said, "gateway.service:") {
		t.Errorf("systemd says\n%s", said)
	}
	run("security", "--offline=yes", "--threshold=20", unit) // 2.0 of 10, whatever is below is "OK"
}

// TestProductionConfigurations has the programs read their configurations as they stand.
func TestProductionConfigurations(t *testing.T) {
	s := &site{t: t, folder: t.TempDir()}
	s.certificate()
	t.Run("haproxy", func(t *testing.T) {
		run := exec.CommandContext(t.Context(), installed(t, "haproxy", "haproxy"), "-c", "-f", production+"/haproxy.cfg")
		run.Env = append(os.Environ(), "FRONT=127.0.0.1:443", "SITE=gw.acme.example", "SITE_NAME=gw.acme.example", "CA="+s.folder+"/internal.pem", "GW1=127.0.0.1:1", "GW2=127.0.0.1:2")
		if out, err := run.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
	t.Run("nats", func(t *testing.T) {
		user, err := nkeys.CreateUser()
		if err != nil {
			t.Fatal(err)
		}
		public, _ := user.PublicKey()
		for name, value := range map[string]string{"NAME": "n1", "LISTEN": "127.0.0.1:4222", "CLUSTER": "127.0.0.1:6222", "ROUTES": "[nats://n2.internal:6222, nats://n3.internal:6222]",
			"GATEWAY_NKEY": public, "NATS_CERTIFICATE": s.folder + "/internal.pem", "NATS_KEY": s.folder + "/internal.key"} {
			t.Setenv(name, value)
		}
		s.file("clients.conf", string(read(t, production+"/clients.conf")))
		text := strings.NewReplacer("/etc/nats/nats.pem", s.folder+"/internal.pem", "/etc/nats/nats.key", s.folder+"/internal.key", "/etc/nats/ca.pem", s.folder+"/internal.pem").
			Replace(string(read(t, production+"/nats.conf")))
		o, err := server.ProcessConfigFile(s.file("nats.conf", text))
		if err != nil {
			t.Fatal(err)
		}
		if !o.JetStream || !o.SyncAlways || len(o.Routes) != 2 || len(o.Nkeys) != 1 || o.TLSConfig == nil || o.Cluster.TLSConfig == nil {
			t.Errorf("it says %+v", o)
		}
	})
}
