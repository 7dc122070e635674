package gateway_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/wicketgate/wicketgate/internal/oauthtest"
)

const plainRoutes = `
  route "GET /x" {
    integration = integration.payments
    send        = "GET /x"
  }
  route "GET /whole" {
    integration = integration.payments
    send        = "GET /whole"
    answer { member = "data" }
  }
  route "POST /x" {
    integration = integration.payments
    send        = "POST /x"
  }
`

// TestIntegrationFailures has a third party fail in every way: each is a problem, within its time, that says nothing of
// the third party's.
func TestIntegrationFailures(t *testing.T) {
	tests := []struct {
		name    string
		path    string
		handler http.HandlerFunc
		status  int
	}{
		{"no answer in time", "/paid/x", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, 504},
		{"a body in drips", "/paid/whole", drip, 504},
		{"an error in drips", "/paid/x", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500); drip(w, r) }, 502},
		{"no HTTP", "/paid/x", say("SECRET\r\n\r\n"), 502},
		{"no answer", "/paid/x", say(""), 502},
		{"half a head", "/paid/x", say("HTTP/1.1 200 OK\r\nX-SEC"), 502},
		{"a head of 10 MB", "/paid/x", hijacked(func(c net.Conn) {
			io.WriteString(c, "HTTP/1.1 200 OK\r\n")
			for i := range 1000 {
				if _, err := fmt.Fprintf(c, "X-%d: %s\r\n", i, strings.Repeat("a", 10<<10)); err != nil {
					return
				}
			}
			io.WriteString(c, "\r\n")
		}), 502},
		{"half a body", "/paid/whole", say("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"data\""), 502},
		{"broken JSON", "/paid/whole", says(200, `{"data":{"SECRET"`), 502},
		{"a member twice", "/paid/whole", says(200, `{"data":1,"data":"SECRET"}`), 502},
		{"two media types", "/paid/whole", func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = []string{"text/html", "application/json"}
			io.WriteString(w, `{"data":"SECRET"}`)
		}, 502},
		{"a content coding", "/paid/x", says(200, "SECRET", "Content-Encoding: gzip"), 502},
		{"over 8 MiB", "/paid/whole", says(200, `{"data":"`+strings.Repeat("a", 8<<20)+`"}`), 502},
		{"another protocol", "/paid/x", say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nSECRET"), 502},
		{"a redirection to where a cloud tells credentials", "/paid/x", says(302, "SECRET", "Location: https://169.254.169.254/latest/meta-data"), 502},
		{"a redirection to a private address", "/paid/x", says(302, "SECRET", "Location: https://10.0.0.1/"), 502},
	}
	p := newProvider(t, nil)
	s := start(t, asking(p, `
  timeout   = "1500ms"
  redirects = 3
  auth "bearer" { token = secret.key }`, plainRoutes))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p.answers(test.handler)
			began := time.Now()
			isProblem(t, s.do(s.client(true), "GET", test.path, ""), test.status)
			if took := time.Since(began); took > 20*time.Second { // of 1.5 s: machines that run tests are slow
				t.Errorf("it took %s", took)
			}
		})
	}
	p.answers(says(200, `{"data":1}`))
	if a := s.do(s.client(true), "GET", "/paid/whole", ""); a.status != 200 || a.body != "1" {
		t.Errorf("afterwards: got %d %s", a.status, a.body)
	}
	p.Close()
	isProblem(t, s.do(s.client(true), "GET", "/paid/x", ""), 502)
}

// Without a word of the operator's, an address that is not public is not dialled, whoever answers there.
func TestIntegrationPrivate(t *testing.T) {
	p := newProvider(t, says(200, `{}`))
	s := start(t, asking(p, "", plainRoutes), func(s *server) {
		s.replace("examples/shop/paid.hcl", "allow_private = true", "")
		s.replace("examples/shop/paid.hcl", "127.0.0.1", "localhost")
	})
	isProblem(t, s.do(s.client(true), "GET", "/paid/x", ""), 502)
	if _, _, n := p.last(); n > 0 {
		t.Error("it was asked")
	}
}

// An answer that breaks off breaks the caller's off.
func TestIntegrationBreaksOff(t *testing.T) {
	p := newProvider(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "half")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	s := start(t, asking(p, "", plainRoutes))
	res, err := s.client(true).Get(fmt.Sprintf("https://localhost:%d/paid/x", s.port))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); err == nil || res.StatusCode != 200 {
		t.Errorf("got %d %q whole", res.StatusCode, b)
	}
}

// TestIntegrationCredentials shows who asks in each way, over real connections.
func TestIntegrationCredentials(t *testing.T) {
	cert, key := oauthtest.Certificate(t, "gateway")
	mac := func(text string) string {
		h := hmac.New(sha256.New, []byte("sk_SECRET_51"))
		h.Write([]byte(text))
		return hex.EncodeToString(h.Sum(nil))
	}
	for _, test := range []struct {
		name, settings string
		shows          func(r *http.Request, body string) bool
	}{
		{"mutual TLS", "certificate = \"gw.pem\"\ncertificate_key = \"gw.key\"", func(r *http.Request, _ string) bool {
			return len(r.TLS.PeerCertificates) == 1 && r.TLS.PeerCertificates[0].Subject.CommonName == "gateway"
		}},
		{"query", `auth "query" {
    name  = "key"
    value = secret.key
  }`, func(r *http.Request, _ string) bool { return r.URL.RawQuery == "key=sk_SECRET_51" }},
		{"a keyed hash", `sign "hmac" {
    key       = secret.key
    header    = "X-Signature"
    prefix    = "sha256="
    over      = ["timestamp", "method", "path", "body"]
    timestamp = "X-Timestamp"
  }`, func(r *http.Request, body string) bool {
			return r.Header.Get("X-Signature") == "sha256="+mac(r.Header.Get("X-Timestamp")+"\nPOST\n/base/x\n"+body)
		}},
		{"a message signature", `sign "message" {
    key       = secret.key
    algorithm = "hmac-sha256"
    key_id    = "gw"
  }`, func(r *http.Request, _ string) bool {
			return strings.HasPrefix(r.Header.Get("Signature-Input"), `sig1=("@method" "@target-uri" "content-digest");created=`) &&
				strings.HasSuffix(r.Header.Get("Signature-Input"), `;keyid="gw"`) && strings.HasPrefix(r.Header.Get("Signature"), "sig1=:")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := &provider{handler: says(200, `{}`)}
			p.Server = httptest.NewUnstartedServer(http.HandlerFunc(p.serve))
			p.Server.Config.ErrorLog = log.New(io.Discard, "", 0)
			p.Server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
			p.Server.StartTLS()
			defer p.Close()
			s := start(t, asking(p, test.settings, plainRoutes), func(s *server) {
				s.write("examples/shop/gw.pem", string(cert))
				s.write("examples/shop/gw.key", string(key))
			})
			a := s.do(s.client(true), "POST", "/paid/x", `{"a": 1}`, "Content-Type: application/json")
			if r, body, _ := p.last(); a.status != 200 || !test.shows(r, body) {
				t.Errorf("got %d %s", a.status, a.body)
			}
		})
	}
}

// TestIntegrationTokens gets tokens of an OAuth server that is none of ours: a hundred callers at once cause one request
// for a token, and one that is refused is got anew. The test of clienttoken has a thousand, who wait for no network.
func TestIntegrationTokens(t *testing.T) {
	issuer := oauthtest.Start(t, oauthtest.Config{Clients: []map[string]any{{"client_id": "gateway"}}})
	var refused sync.Map
	p := &provider{}
	p.handler = func(w http.ResponseWriter, r *http.Request) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if _, gone := refused.Load(token); !ok || strings.Count(token, ".") != 2 || gone {
			w.WriteHeader(401)
			return
		}
		w.Header().Set("X-Token", token)
		says(200, `{}`)(w, r)
	}
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(p.serve))
	p.Server.EnableHTTP2 = true
	p.Server.StartTLS()
	defer p.Close()
	ca, err := os.ReadFile(issuer.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, asking(p, fmt.Sprintf(`
  timeout      = "1m"
  deadline     = "1m"
  dial_timeout = "1m"
  auth "oauth2_client_credentials" {
    token_url     = "%s/token"
    client_id     = "gateway"
    client_secret = secret.key
    scopes        = ["orders:read"]
    parameters    = { resource = "%s" }
  }`, issuer.URL, oauthtest.Resource("ES256")), strings.Replace(plainRoutes, `send        = "GET /x"`, `send        = "GET /x"
    answer { headers = ["X-Token"] }`, 1)), func(s *server) {
		s.write("examples/shop/key.txt", issuer.Secret("gateway"))
		s.write("examples/shop/ca.pem", s.read("examples/shop/ca.pem")+string(ca))
	})
	c := s.client(true)
	var callers sync.WaitGroup
	for range 100 {
		callers.Go(func() {
			res, err := c.Get(fmt.Sprintf("https://localhost:%d/paid/x", s.port))
			if err != nil {
				t.Error(err)
				return
			}
			defer res.Body.Close()
			if body, err := io.ReadAll(res.Body); res.StatusCode != 200 || err != nil {
				t.Errorf("got %d %s, %v", res.StatusCode, body, err)
			}
		})
	}
	callers.Wait()
	if n := issuer.Asked("/token"); n != 1 {
		t.Errorf("100 callers caused %d requests for a token", n)
	}
	a := s.do(c, "GET", "/paid/x", "")
	refused.Store(a.header.Get("X-Token"), true)
	if b := s.do(c, "GET", "/paid/x", ""); b.status != 200 || b.header.Get("X-Token") == a.header.Get("X-Token") || issuer.Asked("/token") != 2 {
		t.Errorf("a refused token: got %d %s, %d requests for a token", b.status, b.body, issuer.Asked("/token"))
	}
	// It stays over a load that leaves the integration as it is.
	s.write("examples/shop/paid.hcl", s.read("examples/shop/paid.hcl")+"\n# touched\n")
	s.within(10*time.Second, "the load is in force", func() bool { return strings.Contains(s.admits("/api_gateway/status"), `"generation":2`) })
	if b := s.do(c, "GET", "/paid/x", ""); b.status != 200 || issuer.Asked("/token") != 2 {
		t.Errorf("after a load: got %d, %d requests for a token", b.status, issuer.Asked("/token"))
	}
	if strings.Contains(s.admits("/api_gateway/status")+s.admits("/config/"), issuer.Secret("gateway")) {
		t.Error("the secret shows")
	}
}

// heard are the events that reached the test.
var heard struct {
	sync.Mutex
	all []string
}

// listener is an event handler of Caddy's.
type listener struct{}

func init() { caddy.RegisterModule(listener{}) }

func (listener) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "events.handlers.wicketgate_test", New: func() caddy.Module { return new(listener) }}
}

func (*listener) UnmarshalCaddyfile(d *caddyfile.Dispenser) error { d.Next(); return nil }

func (*listener) Handle(_ context.Context, e caddy.Event) error {
	heard.Lock()
	defer heard.Unlock()
	heard.all = append(heard.all, fmt.Sprintf("%v %v to %v", e.Data["integration"], e.Data["from"], e.Data["to"]))
	return nil
}

// TestIntegrationBreaker has a third party fail until it is left alone, which status, metrics and events tell, and is
// asked again later.
func TestIntegrationBreaker(t *testing.T) {
	heard.all = nil
	p := newProvider(t, says(500, "SECRET"))
	s := start(t, asking(p, `breaker {
    failures = 3
    within   = "1m"
    open_for = "1s"
  }`, plainRoutes))
	// With handlers of events, Caddy may tell them of a certificate that comes while it still starts them, which the race
	// detector sees (2.11.9). So the certificate is there first.
	s.caddyfile = strings.Replace(s.caddyfile, "	api_gateway {", "	metrics\n	events {\n		on api_gateway.breaker wicketgate_test\n	}\n	api_gateway {", 1)
	if err := s.load(); err != nil {
		t.Fatal(err)
	}
	c := s.client(true)
	for range 3 {
		isProblem(t, s.do(c, "GET", "/paid/x", ""), 502)
	}
	a := s.do(c, "GET", "/paid/x", "")
	if isProblem(t, a, 503); a.header.Get("Retry-After") != "1" {
		t.Errorf("got %v", a.header)
	}
	if _, _, n := p.last(); n != 3 {
		t.Errorf("asked %d times", n)
	}
	if state := s.admits("/api_gateway/status"); !strings.Contains(state, `"breaker":"open"`) {
		t.Errorf("the status says %s", state)
	}
	host := strings.TrimPrefix(p.URL, "https://")
	if metrics := s.admits("/metrics"); !strings.Contains(metrics, `caddy_api_gateway_integration_breaker_state{host="`+host+`",integration="payments"} 2`) {
		t.Errorf("the metrics do not tell of the breaker")
	}
	p.answers(says(200, `{}`))
	s.within(10*time.Second, "it is asked again", func() bool { return s.do(c, "GET", "/paid/x", "").status == 200 })
	want := "[payments closed to open payments open to half-open payments half-open to closed]"
	s.within(10*time.Second, "the events are told", func() bool {
		heard.Lock()
		defer heard.Unlock()
		return fmt.Sprint(heard.all) == want
	})
}
