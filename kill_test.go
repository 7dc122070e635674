package wicketgate_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/hooktest"
	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// killed is a gateway that is killed again and again, and what its service was told.
type killed struct {
	t       testing.TB
	binary  string
	dir     string
	https   int
	service *httptest.Server
	client  *http.Client
	events  *hooktest.Events
}

const killedHooks = `
variable "shop" {}
secret "stripe" { file = "stripe.secret" }
upstream "shop" { servers = [var.shop] }
webhook "stripe" {
  path = "/hooks/stripe"
  verify "stripe" { secrets = [secret.stripe] }
  deliver {
    to    = upstream.shop
    path  = "/"
    order = body.key
  }
}
`

// times is how often the gateway is killed.
func times(t *testing.T) int {
	text := os.Getenv("WICKETGATE_KILLS")
	if text == "" {
		return 3
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// takes says whether events are taken.
func (k *killed) takes() bool { return k.post("") }

func (k *killed) write(catalogue string) {
	gatewaytest.Write(k.t, filepath.Join(k.dir, "hooks.hcl"), catalogue)
	gatewaytest.Write(k.t, filepath.Join(k.dir, "stripe.secret"), hooktest.Secret+"\n")
	gatewaytest.Write(k.t, filepath.Join(k.dir, "Caddyfile"), fmt.Sprintf(`{
	admin off
	http_port %d
	https_port %d
	persist_config off
	skip_install_trust
	auto_https disable_redirects
	storage file_system %[3]s/data
	api_gateway {
		catalogue hooks.hcl
		variable shop %s
		ledger embedded {
			folder ledger
		}
	}
}
https://localhost {
	tls internal
	api_gateway
}
`, gatewaytest.FreePort(k.t), k.https, k.dir, k.service.URL))
}

// run starts the gateway and waits until it serves, and takes what is sent; what it returns kills it.
func (k *killed) run(takes func() bool) (kill func()) {
	k.t.Helper()
	run := exec.Command(k.binary, "run", "--config", filepath.Join(k.dir, "Caddyfile"))
	run.Env = append(os.Environ(), "XDG_CONFIG_HOME="+k.dir, "XDG_DATA_HOME="+k.dir)
	var log bytes.Buffer
	run.Stdout, run.Stderr = &log, &log
	if err := run.Start(); err != nil {
		k.t.Fatal(err)
	}
	k.within("it serves", func() bool {
		pem, err := os.ReadFile(filepath.Join(k.dir, "data", "pki", "authorities", "local", "root.crt"))
		roots := x509.NewCertPool()
		if err != nil || !roots.AppendCertsFromPEM(pem) {
			return false
		}
		config := &tls.Config{RootCAs: roots}
		c, err := tls.Dial("tcp", fmt.Sprintf("localhost:%d", k.https), config)
		if err != nil {
			return false
		}
		k.client = &http.Client{Transport: &http.Transport{TLSClientConfig: config, MaxIdleConnsPerHost: 64}, Timeout: 30 * time.Second}
		return c.Close() == nil
	})
	k.within("it takes what is sent", takes)
	return func() {
		run.Process.Kill() //nolint:errcheck // it may be gone
		run.Wait()         //nolint:errcheck // it was killed
		k.client.CloseIdleConnections()
		if k.t.Failed() {
			k.t.Logf("its log:\n%s", log.Bytes())
		}
	}
}

// post sends an event of a key, and says whether it was answered 2xx.
func (k *killed) post(key string) bool {
	n, body := k.events.Make(key, 1000)
	status, _ := k.events.Send(k.client, fmt.Sprintf("https://localhost:%d/hooks/stripe", k.https), n, body)
	return status == http.StatusOK
}

// arrives waits until every event that was answered 2xx is delivered, and looks whether it is whole.
func (k *killed) arrives() {
	k.t.Helper()
	k.within("every event that was answered 2xx is delivered", func() bool { return k.events.Missing() == 0 })
	k.events.Check(k.t)
}

func (k *killed) within(what string, ok func() bool) {
	k.t.Helper()
	for end := time.Now().Add(60 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			k.t.Fatalf("not within 60 s: %s", what)
		}
	}
}
