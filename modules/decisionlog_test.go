package modules_test

import (
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// decided is an event of the decision log, as far as the tests look at it.
type decided struct {
	ID     string   `json:"decision_id"`
	Path   string   `json:"path"`
	Result any      `json:"result"`
	Erased []string `json:"erased"`
	Custom struct {
		Allowed  bool   `json:"allowed"`
		Consumer string `json:"consumer"`
	} `json:"custom"`
}

// lines reads a log of JSON lines.
func lines[T any](t *testing.T, path string) (all []T, text string) {
	t.Helper()
	src, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(strings.TrimSpace(string(src)), "\n") {
		var one T
		if line != "" {
			if err := json.Unmarshal([]byte(line), &one); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			all = append(all, one)
		}
	}
	return all, string(src)
}

const orders = `package orders

allow if input.request.method == "GET"

reasons contains "too-many-headers" if count(input.request.headers) > 1000
`

func TestDecisionLog(t *testing.T) {
	g, _, dir := alone(t, map[string]string{"policies/orders.rego": orders}, `
	api_gateway {
		policies {DIR}/policies {
			limit 10s
		}
		decision_log {DIR}/decisions.log {
			mask input.headers.x-session
		}
	}`, `
	log {
		output file {DIR}/access.log {
			roll_disabled # Caddy keeps what rotates until it has other logs
		}
	}
	basic_auth {
		ada $2a$04$wl2s7Yw3rQphrXvSJZqCj.bXWOOKWrEA/vrN6OOLJ1J4fNJ.B7XFO
	}
	api_policy data.orders
	{PROXY}`)
	const credentials = "Authorization: Basic YWRhOnNlY3JldA=="
	is(t, "allowed", g.Do("GET", "/orders", "", credentials, "X-Session: s-s3cr3t", "Cookie: id=c-s3cr3t", "X-API-Key: k-s3cr3t"), 200, "")
	denied := g.Do("PUT", "/orders", "{}", credentials)
	is(t, "denied", denied, 403, "urn:uuid:")
	var events []decided
	var text string
	g.Within(10*time.Second, "both decisions are logged", func() bool {
		events, text = lines[decided](t, filepath.Join(dir, "decisions.log"))
		return len(events) == 2
	})
	for _, secret := range []string{"s3cr3t", "YWRhOnNlY3JldA=="} {
		if strings.Contains(text, secret) {
			t.Errorf("%s is in %s", secret, text)
		}
	}
	first, second := events[0], events[1]
	if !first.Custom.Allowed || first.Path != "orders" || first.Custom.Consumer != "ada" {
		t.Errorf("the first decision is %+v", first)
	}
	if want := []string{"authorization", "cookie", "x-api-key", "x-session"}; len(first.Erased) != len(want) || !strings.HasSuffix(first.Erased[3], "x-session") {
		t.Errorf("erased are %q, want %q", first.Erased, want)
	}
	if second.Custom.Allowed || !strings.Contains(denied.Body, "urn:uuid:"+second.ID) {
		t.Errorf("the denied caller got %s, and the decision is %+v", denied.Body, second)
	}
	type access struct {
		Gateway struct {
			Decision string `json:"decision"`
			Consumer string `json:"consumer"`
		} `json:"api_gateway"`
	}
	g.Within(10*time.Second, "the access log names both decisions", func() bool {
		accesses, _ := lines[access](t, filepath.Join(dir, "access.log"))
		return len(accesses) == 2 && accesses[0].Gateway.Decision == first.ID && accesses[1].Gateway.Decision == second.ID && accesses[0].Gateway.Consumer == "ada"
	})
}

// The decisions that matchers ask for are in the access log too, beside that of the request.
func TestDecisionsOfMatchersInTheAccessLog(t *testing.T) {
	g, _, dir := alone(t, map[string]string{"policies/orders.rego": orders + "\nother if input.request.path == \"/other\"\n"}, `
	api_gateway {
		policies {DIR}/policies {
			limit 10s
		}
		decision_log {DIR}/decisions.log
	}`, `
	log {
		output file {DIR}/access.log {
			roll_disabled
		}
	}
	@other api_policy data.orders.other
	@neither not api_policy data.orders.allow
	route {
		respond @other 204
		respond @neither 404
		api_policy data.orders
		{PROXY}
	}`)
	is(t, "allowed", g.Do("GET", "/orders", ""), 200, "")
	is(t, "matched", g.Do("GET", "/other", ""), 204, "")
	var events []decided
	g.Within(10*time.Second, "all decisions are logged", func() bool {
		events, _ = lines[decided](t, filepath.Join(dir, "decisions.log"))
		return len(events) >= 4
	})
	type access struct {
		Gateway struct {
			Decision string `json:"decision"`
		} `json:"api_gateway"`
		Matchers []string `json:"api_policy_matchers"`
	}
	g.Within(10*time.Second, "the access log names them all", func() bool {
		accesses, _ := lines[access](t, filepath.Join(dir, "access.log"))
		var named []string
		for _, a := range accesses {
			named = append(named, a.Matchers...)
			if a.Gateway.Decision != "" {
				named = append(named, a.Gateway.Decision)
			}
		}
		if len(accesses) != 2 || len(named) != len(events) {
			return false
		}
		for _, e := range events {
			if !slices.Contains(named, e.ID) {
				t.Errorf("%s is not in the access log, %q are", e.ID, named)
			}
		}
		return true
	})
}

// endpoint takes what the gateway sends, with a certificate of its own, from clients that have one of its.
type endpoint struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	tokens []string
	events []decided
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tokens = append(e.tokens, r.Header.Get("Authorization")+" "+r.Header.Get("X-Team"))
	if e.status != 0 {
		w.WriteHeader(e.status)
		return
	}
	zip, err := gzip.NewReader(r.Body)
	var events []decided
	if err == nil {
		err = json.NewDecoder(zip).Decode(&events)
	}
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	e.events = append(e.events, events...)
}

func (e *endpoint) answers(status int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.status = status
}

func (e *endpoint) has(events int) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.events) >= events
}

func (e *endpoint) asked() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.tokens)
}

// receive starts an endpoint, and writes what a client needs into dir.
func receive(t *testing.T, dir string) *endpoint {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	gatewaytest.Write(t, filepath.Join(dir, "cert.pem"), string(certificate))
	gatewaytest.Write(t, filepath.Join(dir, "key.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(certificate)
	e := &endpoint{}
	e.Server = httptest.NewUnstartedServer(e)
	e.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, ClientCAs: roots, ClientAuth: tls.RequireAndVerifyClientCert}
	e.Config.ErrorLog = nil
	e.StartTLS()
	t.Cleanup(e.Close)
	return e
}

func TestDecisionUpload(t *testing.T) {
	dir := t.TempDir()
	to := receive(t, dir)
	to.answers(http.StatusInternalServerError)
	t.Setenv("LOG_TOKEN", "t-s3cr3t")
	start := func(t *testing.T) *gatewaytest.Gateway {
		g, _, _ := alone(t, map[string]string{"policies/orders.rego": orders}, `
	api_gateway {
		policies {DIR}/policies {
			limit 10s
		}
		decision_log `+to.URL+`/logs {
			delay 10ms 20ms
			spool `+dir+`/spool
			bearer {env.LOG_TOKEN}
			header X-Team gateway
			ca `+dir+`/cert.pem
			client_certificate `+dir+`/cert.pem `+dir+`/key.pem
		}
	}`, `
	api_policy data.orders
	{PROXY}`)
		return g
	}
	t.Run("while the endpoint fails", func(t *testing.T) {
		g := start(t)
		is(t, "allowed", g.Do("GET", "/1", ""), 200, "")
		is(t, "denied", g.Do("PUT", "/1", ""), 403, "")
		g.Within(10*time.Second, "the endpoint has been asked", func() bool { return to.asked() > 0 })
	})
	to.answers(0)
	t.Run("after a restart", func(t *testing.T) {
		g := start(t)
		is(t, "allowed", g.Do("GET", "/2", ""), 200, "")
		g.Within(10*time.Second, "all decisions have arrived", func() bool { return to.has(3) })
	})
	if len(to.events) != 3 || !to.events[0].Custom.Allowed || to.events[1].Custom.Allowed || !to.events[2].Custom.Allowed {
		t.Errorf("the endpoint got %+v", to.events)
	}
	if i := slices.IndexFunc(to.tokens, func(s string) bool { return s != "Bearer t-s3cr3t gateway" }); i >= 0 {
		t.Errorf("the endpoint was told %q", to.tokens[i])
	}
}

// No room is left where the endpoint is away and the spool is full. Then nothing passes unlogged, or decisions are lost.
func TestAFullDecisionLog(t *testing.T) {
	text := make([]byte, 512<<10)
	if _, err := io.ReadFull(rand.Reader, text); err != nil {
		t.Fatal(err)
	}
	for i := range text { // which cannot be compressed well
		text[i] = ' ' + 1 + text[i]%64
		if text[i] == '"' || text[i] == '\\' {
			text[i] = 'x'
		}
	}
	body := `{"text":"` + string(text[:500<<10]) + `"}`
	for _, full := range []string{"block", "drop"} {
		t.Run(full, func(t *testing.T) {
			dir := t.TempDir()
			to := receive(t, dir)
			to.answers(http.StatusServiceUnavailable)
			g, s, _ := alone(t, map[string]string{"policies/orders.rego": "package orders\n\nallow if input.request.body.text\n"}, `
	api_gateway {
		policies {DIR}/policies {
			limit 10s
		}
		decision_log `+to.URL+` {
			on_full `+full+`
			delay 10ms 10ms
			chunk_size 1KiB
			spool `+dir+`/spool 2KiB
			ca `+dir+`/cert.pem
			client_certificate `+dir+`/cert.pem `+dir+`/key.pem
		}
	}`, `
	metrics /metrics
	@api not path /metrics
	api_policy @api data.orders
	{PROXY}`)
			s.text(200, "text/plain", "")
			passed := 0
			for range 60 {
				a := g.Do("POST", "/", body, "Content-Type: application/json")
				if a.Status != 200 {
					is(t, "refused", a, 503, "temporary-reduced-capacity")
					if a.Header.Get("Retry-After") != "1" {
						t.Errorf("Retry-After: %s", a.Header.Get("Retry-After"))
					}
					break
				}
				passed++
			}
			if count, _, _, _ := s.saw(); count != passed {
				t.Errorf("%d requests reached the service, and %d passed", count, passed)
			}
			if full == "block" && passed == 60 || full == "drop" && passed != 60 {
				t.Errorf("%d passed", passed)
			}
			for _, want := range map[string][]string{
				"block": {"caddy_api_gateway_decision_log_refusals_total [1-9]", `caddy_api_gateway_decision_log_uploads_total{result="failure"}`},
				"drop":  {`caddy_api_gateway_decision_log_events_total{result="f`, "caddy_api_gateway_decision_log_spool_bytes"}, // full or failed
			}[full] {
				g.Within(10*time.Second, "the metrics have "+want, func() bool {
					return regexp.MustCompile(want).MatchString(g.Do("GET", "/metrics", "").Body)
				})
			}
		})
	}
}
