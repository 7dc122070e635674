package wicketgate_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// stripeMock is Stripe's own stand-in for itself, which holds every request against the description of its API.
const stripeMock = "github.com/stripe/stripe-mock@v0.203.0"

// startStripe runs it until the test ends, on loopback, and gives its address and what it logs. It comes from Go's module
// proxy; where that cannot be reached the test is skipped, in CI it fails.
func startStripe(t *testing.T) (address string, log func() string) {
	t.Helper()
	folder := t.TempDir()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	install := exec.CommandContext(ctx, "go", "install", stripeMock)
	install.Dir = folder // outside of this module, whose go.mod it is no part of
	install.Env = append(os.Environ(), "GOBIN="+folder, "GOFLAGS=-mod=mod")
	if out, err := install.CombinedOutput(); err != nil {
		const why = "stripe-mock is needed: go install %s: %v\n%s"
		if os.Getenv("CI") != "" {
			t.Fatalf(why, stripeMock, err, out)
		}
		t.Skipf(why, stripeMock, err, out)
	}
	name := filepath.Join(folder, "stripe-mock")
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	address = fmt.Sprintf("127.0.0.1:%d", gatewaytest.FreePort(t))
	mock := exec.Command(name, "-http-addr", address, "-https-addr", fmt.Sprintf("127.0.0.1:%d", gatewaytest.FreePort(t)))
	out, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		t.Fatal(err)
	}
	mock.Stdout, mock.Stderr = out, out
	if err := mock.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		mock.Process.Kill() //nolint:errcheck // it may be gone
		mock.Wait()         //nolint:errcheck // it was killed
		out.Close()         //nolint:errcheck // only read from now on
	})
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close() //nolint:errcheck // it was only to see whether somebody listens
			break
		}
		if time.Now().After(end) {
			t.Fatalf("stripe-mock does not listen: %v", err)
		}
	}
	return "http://" + address, func() string {
		said, _ := os.ReadFile(out.Name())
		return string(said)
	}
}

// TestPayments pays in the example's shop, through Stripe's own stand-in: what the gateway makes of the shop's words is
// what Stripe takes, and what it makes of Stripe's is the shop's.
func TestPayments(t *testing.T) {
	stripe, log := startStripe(t)
	t.Setenv("STRIPE_SECRET_KEY", "sk_test_123")
	t.Setenv("STRIPE", stripe)
	t.Setenv("STRIPE_PRIVATE", "true")
	g := start(t, build(t), "examples/payments/Caddyfile")
	pem, err := os.ReadFile(filepath.Join(g.data, "pki", "authorities", "local", "root.crt"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: time.Minute}
	const key = "wg_sEjFTOGUyJaT_ICfiGS3rLlPKMsWZBKRjg3I5QrTWSFCUlJiyjHioFBK0XP9bY"
	ask := func(method, path, body string, keys ...string) (int, http.Header, map[string]any, string) {
		t.Helper()
		req, err := http.NewRequest(method, fmt.Sprintf("https://localhost:%d/shop%s", g.https, path), strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-API-Key", key)
		if body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		for _, key := range keys {
			req.Header.Set("Idempotency-Key", key)
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		var object map[string]any
		if bytes.HasPrefix(text, []byte("{")) {
			if err := json.Unmarshal(text, &object); err != nil {
				t.Fatal(err)
			}
		}
		return res.StatusCode, res.Header, object, string(text)
	}

	status, _, payment, text := ask("POST", "/orders/o-7/payment", `{"amount":"12.30","currency":"eur"}`)
	if status != 201 || payment["amount"] != "12.30" || payment["currency"] != "eur" || payment["order"] != "o-7" || payment["object"] != "payment_intent" || payment["client_secret"] != nil {
		t.Errorf("paying: got %d %s", status, text)
	}
	if !strings.Contains(log(), "Request data = map[amount:1230 currency:eur metadata:map[order:o-7 partner:acme]]") {
		t.Errorf("Stripe was asked otherwise:\n%s", log())
	}
	// With a key Stripe is asked once, however often the shop is. stripe-mock says nothing of keys: it would pay again.
	const paying, twice = "Request data = map[amount:4560", `{"amount":"45.60","currency":"eur"}`
	first, paid := 0, ""
	for end := time.Now().Add(time.Minute); first != 201 && time.Now().Before(end); time.Sleep(5 * time.Millisecond) { // 503 until the ledger is open
		first, _, _, paid = ask("POST", "/orders/o-8/payment", twice, "k1")
	}
	status, answered, _, text := ask("POST", "/orders/o-8/payment", twice, "k1")
	if first != 201 || status != 201 || text != paid || answered.Get("Idempotent-Replayed") != "true" || strings.Count(log(), paying) != 1 {
		t.Errorf("paying twice with one key: got %d %s, then %d %v %s\n%s", first, paid, status, answered, text, log())
	}
	status, _, payment, text = ask("GET", "/payments/pi_123", "")
	if status != 200 || payment["id"] != "pi_123" || payment["client_secret"] != nil {
		t.Errorf("looking: got %d %s", status, text)
	}
	status, header, _, text := ask("GET", "/payments?limit=3", "")
	if status != 200 || !strings.HasPrefix(text, "[") || !strings.Contains(text, `"payment_intent"`) || strings.Contains(text, "client_secret") || header.Get("Link") != "" {
		t.Errorf("listing: got %d %v %s", status, header, text)
	}
	status, _, refund, text := ask("POST", "/payments/pi_123/refund", "")
	if status != 201 || refund["object"] != "refund" || refund["payment_intent"] != "pi_123" {
		t.Errorf("refunding: got %d %s", status, text)
	}
	// What Stripe refuses is a problem of the shop's own, without a word of Stripe's.
	status, _, problem, text := ask("GET", "/payments?limit=many", "")
	if status != 422 || problem["type"] != "https://shop.example/problems/not-payable" || problem["provider_request_id"] != "req_123" || strings.Contains(text, "validat") {
		t.Errorf("asking for nonsense: got %d %s", status, text)
	}
}
