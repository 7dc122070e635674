package wire_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// pebble is Let's Encrypt's own ACME server for tests, on loopback.
type pebble struct {
	t         *testing.T
	folder    string
	gate      *gate // before it
	directory string
	roots     string // where it tells its root certificate
	resolver  string
	client    *http.Client
	run       *exec.Cmd

	mu      sync.Mutex
	trusted *x509.CertPool // its roots so far: it makes itself a new one at each start
}

// newPebble starts one that reaches a gateway's ports and gives certificates for as long as is said.
func newPebble(t *testing.T, gateway *process, validity time.Duration) *pebble {
	t.Helper()
	p := &pebble{t: t, folder: t.TempDir(), resolver: resolver(t), trusted: x509.NewCertPool()}
	own := newAuthority(t, "pebble's own")
	certificate, key := own.issue(t, &x509.Certificate{DNSNames: []string{"localhost"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	p.file("cert.pem", certificate)
	p.file("key.pem", key)
	p.file("ca.pem", own.pem)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(own.pem))
	p.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}, Timeout: 10 * time.Second}
	listen, manage := gatewaytest.FreePort(t), gatewaytest.FreePort(t)
	p.gate = &gate{t: t, address: fmt.Sprintf("127.0.0.1:%d", gatewaytest.FreePort(t)), to: fmt.Sprintf("127.0.0.1:%d", listen)}
	p.directory, p.roots = "https://"+strings.Replace(p.gate.address, "127.0.0.1", "localhost", 1)+"/dir", fmt.Sprintf("https://localhost:%d/roots/0", manage)
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": fmt.Sprintf("127.0.0.1:%d", listen), "managementListenAddress": fmt.Sprintf("127.0.0.1:%d", manage),
		"certificate": p.folder + "/cert.pem", "privateKey": p.folder + "/key.pem",
		"httpPort": gateway.HTTP, "tlsPort": gateway.HTTPS, "keyAlgorithm": "ecdsa",
		"retryAfter": map[string]int{"authz": 1, "order": 1},
		"profiles":   map[string]any{"short": map[string]any{"description": "short-lived", "validityPeriod": int(validity.Seconds())}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	p.file("config.json", string(config))
	p.start()
	t.Cleanup(p.kill)
	p.gate.open()
	t.Cleanup(p.gate.shut)
	return p
}

func (p *pebble) file(name, content string) { gatewaytest.Write(p.t, p.folder+"/"+name, content) }

// start starts it, and trusts the root that it has this time.
func (p *pebble) start() {
	p.t.Helper()
	said := &locked{}
	p.run = exec.Command(tool(p.t, "github.com/letsencrypt/pebble/v2/cmd/pebble", "v2.10.3"), "-config", p.folder+"/config.json", "-dnsserver", p.resolver, "-strict")
	// It asks for what it is told at once instead of after some seconds, and checks every time anew.
	p.run.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_AUTHZREUSE=0")
	p.run.Stdout, p.run.Stderr = said, said
	if err := p.run.Start(); err != nil {
		p.t.Fatal(err)
	}
	within(p.t, 30*time.Second, "Pebble serves", func() bool {
		res, err := p.client.Get(p.roots)
		if err != nil {
			return false
		}
		defer res.Body.Close() //nolint:errcheck // read to its end
		root, err := io.ReadAll(res.Body)
		p.mu.Lock()
		defer p.mu.Unlock()
		trusted := p.trusted.Clone() // whoever verifies reads the old one
		if err != nil || !trusted.AppendCertsFromPEM(root) {
			return false
		}
		p.trusted = trusted
		return true
	})
	p.t.Cleanup(func() {
		if p.t.Failed() {
			p.t.Logf("Pebble said:\n%s", tail(said.String(), 10_000))
		}
	})
}

func (p *pebble) kill() {
	p.run.Process.Kill() //nolint:errcheck // it may be gone
	p.run.Wait()         //nolint:errcheck // it was killed
}

func (p *pebble) pool() *x509.CertPool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.trusted
}

// gate is the way to a server, which is there or not.
type gate struct {
	t           *testing.T
	address, to string

	mu       sync.Mutex
	listener net.Listener
	conns    []net.Conn
}

func (g *gate) open() {
	g.t.Helper()
	l, err := net.Listen("tcp", g.address)
	if err != nil {
		g.t.Fatal(err)
	}
	g.mu.Lock()
	g.listener = l
	g.mu.Unlock()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s, err := net.Dial("tcp", g.to)
			if err != nil {
				c.Close() //nolint:errcheck // the server is away
				continue
			}
			g.mu.Lock()
			g.conns = append(g.conns, c, s)
			g.mu.Unlock()
			for _, way := range [][2]net.Conn{{c, s}, {s, c}} {
				go func() {
					io.Copy(way[0], way[1]) //nolint:errcheck // whoever is at the end is told below
					way[0].Close()          //nolint:errcheck // it may be closed
				}()
			}
		}
	}()
}

// shut has nobody listen, and ends what is under way, as the end of the server's process does.
func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.listener.Close() //nolint:errcheck // it may be closed
	for _, c := range g.conns {
		c.Close() //nolint:errcheck // it may be closed
	}
	g.conns = nil
}

// resolver is a DNS server, over UDP and TCP, by which all names are this machine's.
func resolver(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.ListenPacket("udp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); l.Close() }) //nolint:errcheck // nothing is lost
	go func() {
		packet := make([]byte, 512)
		for {
			n, from, err := c.ReadFrom(packet)
			if err != nil {
				return
			}
			c.WriteTo(resolve(packet[:n]), from) //nolint:errcheck // it asks again
		}
	}()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close() //nolint:errcheck // it asks again
				length := make([]byte, 2)
				if _, err := io.ReadFull(c, length); err != nil {
					return
				}
				packet := make([]byte, binary.BigEndian.Uint16(length))
				if _, err := io.ReadFull(c, packet); err != nil {
					return
				}
				answer := resolve(packet)
				c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)) //nolint:errcheck // it asks again
			}()
		}
	}()
	return l.Addr().String()
}

// resolve answers a question for an IPv4 address, and any other with nothing.
func resolve(packet []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(packet) != nil || len(m.Questions) != 1 {
		return nil
	}
	m.Response, m.Authoritative, m.Additionals = true, true, nil
	if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
		m.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 1},
			Body:   &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
		}}
	}
	answer, err := m.Pack()
	if err != nil {
		return nil
	}
	return answer
}

// authority is one that issues certificates in a test.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         string
}

func newAuthority(t testing.TB, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{certificate, key, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))}
}

// issue issues a certificate that says what template says, and gives it and its key in PEM.
func (a *authority) issue(t testing.TB, template *x509.Certificate) (certificate, private string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber, template.NotBefore, template.NotAfter = big.NewInt(2), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}

// seen are the certificates that clients were shown, and what failed.
type seen struct {
	mu         sync.Mutex
	serials    []string
	handshakes map[string]int // by protocol
	failed     []string
}

// was notes one handshake, and the answer after it.
func (s *seen) was(protocol string, state *tls.ConnectionState, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handshakes[protocol]++
	if err != nil {
		s.failed = append(s.failed, fmt.Sprintf("%s %s: %v", time.Now().Format("15:04:05.000"), protocol, err))
		return
	}
	if serial := state.PeerCertificates[0].SerialNumber.String(); !slices.Contains(s.serials, serial) {
		s.serials = append(s.serials, serial)
	}
}

func (s *seen) certificates() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.serials)
}

// TestCertificatesRenewed has the gateway get its certificates from a real ACME server, for 90 s each, and renew them when
// they are 6 s old, while clients come on new connections over HTTP/1.1, 2 and 3 and verify what they are shown. Then nobody
// reaches the server for 30 s, in which a renewal fails. Caddy tries again a minute later, which the certificate in use
// outlasts. No handshake may fail.
//
// With WICKETGATE_ACME=kill the server is killed for those 30 s and comes back without its memory: neither accounts, nor
// certificates to be replaced, nor its authority are what they were. Caddy succeeds three minutes later, and certificates
// are valid for so long.
func TestCertificatesRenewed(t *testing.T) {
	unix(t)
	t.Parallel()
	const name, outage, age = "gw.acme.test", 30 * time.Second, 6 * time.Second
	killed, validity := os.Getenv("WICKETGATE_ACME") == "kill", 90*time.Second
	if killed {
		validity = 210 * time.Second
	}
	g := prepare(t)
	ca := newPebble(t, g, validity)
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{}`) //nolint:errcheck // the client may be gone
	}))
	t.Cleanup(service.Close)
	g.Write("api.hcl", `
variable "service" {}
upstream "service" { servers = [var.service] }
api "things" {
  base_path = "/api"
  upstream  = upstream.service
  identify  = [anonymous]
  authorize = public
  route "GET /things" {}
}
`)
	g.Write("Caddyfile", fmt.Sprintf(`{
	%s
	renew_interval 1s
	renewal_window_ratio %.3f
	servers {
		listener_wrappers {
			api_framing
		}
	}
	api_gateway {
		catalogue %s/api.hcl
		variable service %s
	}
}
https://%s {
	tls {
		issuer acme {
			dir %s
			trusted_roots %s/ca.pem
			profile short
		}
	}
	api_gateway
}
`, g.global(), 1-age.Seconds()/validity.Seconds(), g.Folder, service.URL, name, ca.directory, ca.folder))
	g.start()

	s := &seen{handshakes: map[string]int{}}
	address := fmt.Sprintf("127.0.0.1:%d", g.HTTPS)
	ask := func(protocol string) (*tls.ConnectionState, error) {
		config := &tls.Config{RootCAs: ca.pool(), ServerName: name}
		var transport http.RoundTripper
		dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
			config.NextProtos = []string{protocol}
			return (&tls.Dialer{Config: config}).DialContext(ctx, network, address)
		}
		switch protocol {
		case "h3":
			three := &http3.Transport{TLSClientConfig: config}
			defer three.Close() //nolint:errcheck // it is asked once
			transport = three
		default:
			over := &http.Transport{DialTLSContext: dial, ForceAttemptHTTP2: protocol == "h2", DisableKeepAlives: protocol != "h2"}
			defer over.CloseIdleConnections()
			transport = over
		}
		res, err := (&http.Client{Transport: transport, Timeout: 20 * time.Second}).Get("https://" + address + "/api/things")
		if err != nil {
			return nil, err
		}
		defer res.Body.Close() //nolint:errcheck // read to its end
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			return nil, err
		}
		if res.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("answered %d", res.StatusCode)
		}
		return res.TLS, nil
	}
	within(t, time.Minute, "the first certificate is there", func() bool { _, err := ask("http/1.1"); return err == nil })

	ctx, stop := context.WithCancel(t.Context())
	var callers sync.WaitGroup
	for _, protocol := range []string{"http/1.1", "h2", "h3"} {
		callers.Go(func() {
			pace := time.NewTicker(25 * time.Millisecond) // other tests run beside this one
			defer pace.Stop()
			for ctx.Err() == nil {
				state, err := ask(protocol)
				s.was(protocol, state, err)
				<-pace.C
			}
		})
	}
	within(t, time.Minute, "it was renewed twice", func() bool { return s.certificates() >= 3 })
	if ca.gate.shut(); killed {
		ca.kill()
	}
	since, held := time.Now(), s.certificates()
	within(t, 2*outage, "the server was away for as long as is said", func() bool { return time.Since(since) >= outage })
	if n := s.certificates(); n > held+1 { // one may have been under way
		t.Errorf("%d certificates were issued while the server was away", n-held)
	}
	if killed {
		ca.start()
	}
	ca.gate.open()
	held = s.certificates()
	within(t, 2*validity, "it was renewed by the server that came back", func() bool { return s.certificates() > held })
	stop()
	callers.Wait()
	t.Logf("%v handshakes, %d certificates, %d failed", s.handshakes, s.certificates(), len(s.failed))
	if len(s.failed) > 0 {
		t.Errorf("failed: %q", s.failed[:min(10, len(s.failed))])
	}
}
