package wire_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// mutual is a gateway whose names below acme.test want a client certificate, but for one.
type mutual struct {
	*process
	trust    *x509.CertPool // of the servers' certificates
	callers  [2]*authority  // of clients' certificates
	hosts    atomic.Int64   // requests that came to the service
	nameless atomic.Int64   // of those, how many had no consumer of a certificate
}

const mutualCatalogue = `
variable "service" {}
upstream "service" { servers = [var.service] }
identity "caddys" {
  certificate { consumer = certificate.common_name }
}
identity "ours" {
  certificate {
    consumer        = certificate.common_name
    trusted_ca_file = "tills.pem"
  }
}
api "things" {
  hosts     = ["orders.acme.test"]
  base_path = "/api"
  upstream  = upstream.service
  identify  = [identity.caddys]
  authorize = public
  route "GET /things" {}
}
api "tills" {
  hosts     = ["one.tills.test"]
  base_path = "/api"
  upstream  = upstream.service
  identify  = [identity.ours]
  authorize = public
  route "GET /things" {}
}
`

// startMutual starts one. With more sites than 30, Caddy looks up its policies of connections by name.
func startMutual(t *testing.T, sites int) *mutual {
	t.Helper()
	m := &mutual{process: prepare(t), trust: x509.NewCertPool()}
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if m.hosts.Add(1); !strings.HasPrefix(r.Header.Get("X-Consumer-Id"), "caller-") {
			m.nameless.Add(1)
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{}`) //nolint:errcheck // the client may be gone
	}))
	t.Cleanup(service.Close)
	servers := newAuthority(t, "servers")
	m.trust.AppendCertsFromPEM([]byte(servers.pem))
	certificate, key := servers.issue(t, &x509.Certificate{DNSNames: []string{"*.acme.test", "*.tills.test", "*.more.test"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	m.Write("server.pem", certificate)
	m.Write("server.key", key)
	for i := range m.callers {
		m.callers[i] = newAuthority(t, fmt.Sprintf("callers %d", i))
	}
	m.Write("callers.pem", m.callers[0].pem)
	m.Write("tills.pem", m.callers[0].pem)
	m.Write("api.hcl", mutualCatalogue)
	var more strings.Builder
	for i := range sites {
		fmt.Fprintf(&more, "https://s%d.more.test {\n\ttls server.pem server.key {\n\t\tclient_auth {\n\t\t\tmode require\n\t\t}\n\t}\n\trespond more\n}\n", i)
	}
	text := fmt.Sprintf(`{
	%s
	auto_https disable_redirects
	log default {
		level ERROR
	}
	servers {
		listener_wrappers {
			api_framing
		}
	}
	api_gateway {
		catalogue DIR/api.hcl
		variable service %s
		watch 10ms
	}
}
https://*.acme.test {
	tls server.pem server.key {
		client_auth {
			mode require_and_verify
			trust_pool file DIR/callers.pem
		}
	}
	api_gateway
}
https://open.acme.test {
	tls server.pem server.key
	respond open
}
https://*.tills.test {
	tls server.pem server.key {
		client_auth {
			mode request
		}
	}
	api_gateway
}
%s`, m.global(), service.URL, more.String())
	m.Write("Caddyfile", strings.NewReplacer("server.pem", m.Folder+"/server.pem", "server.key", m.Folder+"/server.key", "DIR", m.Folder).Replace(text))
	m.start()
	within(t, time.Minute, "it serves", func() bool {
		c, err := tls.Dial("tcp", m.address(), &tls.Config{RootCAs: m.trust, ServerName: "open.acme.test"})
		return err == nil && c.Close() == nil
	})
	return m
}

func (m *mutual) address() string { return fmt.Sprintf("127.0.0.1:%d", m.HTTPS) }

// caller gives a certificate of one of the two authorities, as clients have it.
func (m *mutual) caller(authority int) []tls.Certificate {
	m.t.Helper()
	certificate, key := m.callers[authority].issue(m.t, &x509.Certificate{Subject: pkix.Name{CommonName: fmt.Sprintf("caller-%d", authority)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	pair, err := tls.X509KeyPair([]byte(certificate), []byte(key))
	if err != nil {
		m.t.Fatal(err)
	}
	return []tls.Certificate{pair}
}

// client makes one that names a host in its handshakes, and shows a certificate, whoever the server says it trusts.
func (m *mutual) client(protocol, sni string, certificates []tls.Certificate, change ...func(*tls.Config)) *http.Client {
	m.t.Helper()
	config := &tls.Config{RootCAs: m.trust, ServerName: sni, NextProtos: []string{protocol}}
	if sni == "" { // the name is verified against the certificate all the same
		config.InsecureSkipVerify = true //nolint:gosec // what the server takes is asked, not who it is
	}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if len(certificates) == 0 {
			return new(tls.Certificate), nil
		}
		return &certificates[0], nil
	}
	for _, c := range change {
		c(config)
	}
	if protocol == "h3" {
		transport := &http3.Transport{TLSClientConfig: config, Dial: func(ctx context.Context, _ string, tlsConfig *tls.Config, q *quic.Config) (*quic.Conn, error) {
			tlsConfig.ServerName = sni
			return quic.DialAddr(ctx, m.address(), tlsConfig, q)
		}}
		m.t.Cleanup(func() { transport.Close() }) //nolint:errcheck // nothing is under way
		return &http.Client{Transport: transport, Timeout: 10 * time.Second}
	}
	transport := &http.Transport{ForceAttemptHTTP2: protocol == "h2", DialTLSContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&tls.Dialer{Config: config}).DialContext(ctx, network, m.address())
	}}
	m.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 10 * time.Second}
}

// ask sends a request for a host, and gives the answer's status, 0 where TLS let nobody in.
func (m *mutual) ask(c *http.Client, host string) int {
	m.t.Helper()
	req, err := http.NewRequestWithContext(m.t.Context(), http.MethodGet, "https://"+m.address()+"/api/things", nil)
	if err != nil {
		m.t.Fatal(err)
	}
	req.Host = host
	res, err := c.Do(req)
	if err != nil {
		return 0
	}
	defer res.Body.Close()        //nolint:errcheck // read to its end
	io.Copy(io.Discard, res.Body) //nolint:errcheck // only its status is looked at
	return res.StatusCode
}

var protocols = []string{"http/1.1", "h2", "h3"}

// TestMutualNames asks for names that want a client certificate, and for one that does not, spelt in several ways in the
// handshake and in the request. Without a certificate nobody reaches the service, and nobody gets past one name's
// handshake to another name.
func TestMutualNames(t *testing.T) {
	unix(t)
	t.Parallel()
	const none, good, wrong = "none", "of the authority", "of another authority"
	tests := []struct {
		sni, host, certificate string
		want                   int // 0 for no handshake
	}{
		{"orders.acme.test", "orders.acme.test", good, 200},
		{"ORDERS.Acme.TEST", "orders.acme.test", good, 200},
		{"orders.acme.test", "ORDERS.Acme.TEST", good, 200},
		{"orders.acme.test", "orders.acme.test", none, 0},
		{"ORDERS.Acme.TEST", "orders.acme.test", none, 0},
		{"oRDERS.acme.tesT", "oRDERS.acme.tesT", none, 0},
		{"orders.acme.test", "orders.acme.test", wrong, 0},
		{"ORDERS.ACME.TEST", "orders.acme.test", wrong, 0},

		{"open.acme.test", "open.acme.test", none, 200},
		{"OPEN.acme.test", "open.acme.test", none, 200},
		{"open.acme.test", "orders.acme.test", none, 421},
		{"open.acme.test", "ORDERS.acme.test", none, 421},
		{"Open.Acme.Test", "orders.acme.test", none, 421},
		{"open.acme.test", "orders.acme.test", good, 421},
		{"s1.more.test", "orders.acme.test", wrong, 421}, // asks for any certificate
		{"S1.more.test", "Orders.acme.test", wrong, 421},
		{"", "orders.acme.test", none, 0},
		{"elsewhere.test", "orders.acme.test", none, 0},
		{"a.orders.acme.test", "orders.acme.test", none, 0}, // a wildcard is one label

		{"one.tills.test", "one.tills.test", good, 200},
		{"ONE.Tills.test", "one.tills.test", good, 200},
		{"one.tills.test", "one.tills.test", wrong, 401},
		{"one.tills.test", "one.tills.test", none, 401},
		{"one.tills.test", "orders.acme.test", wrong, 421},
	}
	for _, sites := range []int{2, 40} {
		t.Run(fmt.Sprintf("%d more sites", sites), func(t *testing.T) {
			m := startMutual(t, sites)
			certificates := map[string][]tls.Certificate{good: m.caller(0), wrong: m.caller(1)}
			for _, test := range tests {
				for _, protocol := range protocols {
					reached := m.hosts.Load()
					got := m.ask(m.client(protocol, test.sni, certificates[test.certificate]), test.host)
					if got != test.want {
						t.Errorf("%s: SNI %q, host %q, certificate %s: %d, want %d", protocol, test.sni, test.host, test.certificate, got, test.want)
					}
					if came := m.hosts.Load() - reached; came > 0 && test.certificate != good {
						t.Errorf("%s: SNI %q, host %q, certificate %s: the service was reached", protocol, test.sni, test.host, test.certificate)
					}
				}
			}
			if n := m.nameless.Load(); n > 0 {
				t.Errorf("%d requests reached the service without a consumer", n)
			}
		})
	}
}

// sessions is a client's cache that gives any session for any name, as an attacker's would.
type sessions struct {
	mu   sync.Mutex
	last *tls.ClientSessionState
	n    int
}

func (s *sessions) Get(string) (*tls.ClientSessionState, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last, s.last != nil
}

func (s *sessions) Put(_ string, state *tls.ClientSessionState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state != nil {
		s.last = state
		s.n++
	}
}

// TestMutualResumption changes the authorities of clients' certificates, with a reload where Caddy verifies them and
// without where the gateway does, while callers have connections and sessions of before. What an authority that is trusted
// no longer has vouched for lets nobody in: not on a new connection, nor by a session, of this name or of one that wants no
// certificate, nor on a connection that was made before. CVE-2025-68121 is of sessions that outlive their authorities.
func TestMutualResumption(t *testing.T) {
	unix(t)
	t.Parallel()
	m := startMutual(t, 2)
	before, after := m.caller(0), m.caller(1)
	type way struct {
		protocol string
		version  uint16
	}
	ways := []way{{"http/1.1", tls.VersionTLS12}, {"http/1.1", tls.VersionTLS13}, {"h2", tls.VersionTLS12}, {"h2", tls.VersionTLS13}, {"h3", tls.VersionTLS13}}
	with := func(w way, sni string, s *sessions, certificates []tls.Certificate) *http.Client {
		return m.client(w.protocol, sni, certificates, func(c *tls.Config) {
			c.MinVersion, c.MaxVersion, c.ClientSessionCache = w.version, w.version, s
		})
	}
	const orders, tills, open = "orders.acme.test", "one.tills.test", "open.acme.test"
	type held struct {
		way
		orders, tills, open *sessions
		toOrders, toTills   *http.Client // with connections of before
	}
	var all []*held
	for _, w := range ways {
		h := &held{way: w, orders: &sessions{}, tills: &sessions{}, open: &sessions{}}
		h.toOrders, h.toTills = with(w, orders, h.orders, before), with(w, tills, h.tills, before)
		if a, b := m.ask(h.toOrders, orders), m.ask(h.toTills, tills); a != 200 || b != 200 {
			t.Fatalf("%v before the change: %d, %d", w, a, b)
		}
		if got := m.ask(with(w, open, h.open, nil), open); got != 200 {
			t.Fatalf("%v: the name that wants no certificate: %d", w, got)
		}
		all = append(all, h)
	}
	issued := 0
	for _, h := range all {
		issued += h.open.n
		// A session of the name that wants no certificate is none of the name that does.
		if got := m.ask(with(h.way, orders, h.open, nil), orders); got != 0 {
			t.Errorf("%v: without a certificate, by a session of %s: %d", h.way, open, got)
		}
	}
	if issued == 0 {
		t.Error("no session was issued at all, so that none was tried")
	}

	m.Write("callers.pem", m.callers[1].pem)
	m.reload()
	m.Write("tills.pem", m.callers[1].pem) // watched
	for _, h := range all {
		within(t, 20*time.Second, fmt.Sprintf("%v: connections of before are let in no longer", h.way), func() bool {
			return m.ask(h.toOrders, orders) == 0 && m.ask(h.toTills, tills) == 401
		})
	}
	reached := m.hosts.Load()
	for _, h := range all {
		for range 5 {
			if a, b := m.ask(h.toOrders, orders), m.ask(h.toTills, tills); a != 0 || b != 401 {
				t.Errorf("%v, connections of before: %d, %d", h.way, a, b)
			}
		}
		for _, certificates := range [][]tls.Certificate{before, nil} {
			for _, s := range []*sessions{h.orders, h.tills, h.open} {
				if got := m.ask(with(h.way, orders, s, certificates), orders); got != 0 {
					t.Errorf("%v: a session of before, %d certificates: %d", h.way, len(certificates), got)
				}
				if got := m.ask(with(h.way, tills, s, certificates), tills); got != 401 {
					t.Errorf("%v: a session of before, %d certificates, where the gateway verifies: %d", h.way, len(certificates), got)
				}
			}
		}
	}
	if n := m.hosts.Load() - reached; n > 0 {
		t.Errorf("%d requests reached the service", n)
	}
	for _, h := range all {
		if a, b := m.ask(with(h.way, orders, &sessions{}, after), orders), m.ask(with(h.way, tills, &sessions{}, after), tills); a != 200 || b != 200 {
			t.Errorf("%v: certificates of the new authority: %d, %d", h.way, a, b)
		}
	}
}
