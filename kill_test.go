package wicketgate_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	mrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// killed is a gateway that is killed again and again while events come, and what its service was told.
type killed struct {
	t       testing.TB
	binary  string
	dir     string
	https   int
	service *httptest.Server
	client  *http.Client
	process *os.Process // of the last start

	mu        sync.Mutex
	delivered map[int][32]byte // the body's hash, by the event's number
	order     map[string][]int // numbers in the order of their first coming, by key
	answered  map[int][32]byte // of events that were answered 2xx
	next      atomic.Int64
	ready     []time.Duration // from each start until the first event was answered 2xx
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

// TestWebhooksKilled kills the gateway at random moments while signed events arrive as fast as they can. Every event that
// was answered 2xx is delivered after the last start, whole; those of one key are, when they first come, in order. It kills
// three times, or as often as WICKETGATE_KILLS says.
func TestWebhooksKilled(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no SIGKILL")
	}
	kills := times(t)
	k := &killed{t: t, binary: build(t), dir: t.TempDir(), https: gatewaytest.FreePort(t),
		delivered: map[int][32]byte{}, order: map[string][]int{}, answered: map[int][32]byte{}}
	k.service = httptest.NewServer(http.HandlerFunc(k.take))
	t.Cleanup(k.service.Close)
	k.write(killedHooks)
	for range kills {
		stop := k.run(k.takes)
		done := k.send(8)
		time.Sleep(time.Duration(100+mrand.IntN(900)) * time.Millisecond) // the moment is what is tried, not waited for
		stop()
		done()
	}
	stop := k.run(k.takes)
	defer stop()
	k.arrives()
	k.mu.Lock()
	defer k.mu.Unlock()
	for key, all := range k.order {
		for i, n := range all[1:] {
			if n < all[i] {
				t.Errorf("of key %s, %d came after %d", key, n, all[i])
			}
		}
	}
	slices.Sort(k.ready)
	t.Logf("killed %d times: %d events answered 2xx, %d delivered, ready within %v, half of the times within %v", kills, len(k.answered), len(k.delivered),
		k.ready[len(k.ready)-1], k.ready[len(k.ready)/2])
	if len(k.answered) == 0 {
		t.Error("no event was answered 2xx")
	}
}

// arrives waits until every event that was answered 2xx is delivered, and looks whether it is whole.
func (k *killed) arrives() {
	k.t.Helper()
	k.within("every event that was answered 2xx is delivered", func() bool {
		k.mu.Lock()
		defer k.mu.Unlock()
		for n := range k.answered {
			if _, ok := k.delivered[n]; !ok {
				return false
			}
		}
		return true
	})
	k.mu.Lock()
	defer k.mu.Unlock()
	for n, sum := range k.answered {
		if k.delivered[n] != sum {
			k.t.Errorf("event %d came with another body", n)
		}
	}
}

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
func (k *killed) takes() bool {
	n, body := k.event("probe")
	k.post(n, body)
	k.mu.Lock()
	defer k.mu.Unlock()
	_, ok := k.answered[n]
	return ok
}

// take is the service.
func (k *killed) take(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var e struct {
		N   int    `json:"n"`
		Key string `json:"key"`
	}
	if err == nil {
		err = json.Unmarshal(body, &e)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		k.t.Errorf("the service was told %q: %v", body, err)
		return
	}
	if _, again := k.delivered[e.N]; !again {
		k.order[e.Key] = append(k.order[e.Key], e.N)
	}
	k.delivered[e.N] = sha256.Sum256(body)
}

func (k *killed) write(catalogue string) {
	gatewaytest.Write(k.t, filepath.Join(k.dir, "hooks.hcl"), catalogue)
	gatewaytest.Write(k.t, filepath.Join(k.dir, "stripe.secret"), "whsec_of_the_test\n")
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
	k.process = run.Process
	began := time.Now()
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
	k.ready = append(k.ready, time.Since(began))
	return func() {
		run.Process.Kill() //nolint:errcheck // it may be gone
		run.Wait()         //nolint:errcheck // it was killed
		k.client.CloseIdleConnections()
		if k.t.Failed() {
			k.t.Logf("its log:\n%s", log.Bytes())
		}
	}
}

// send sends events from so many senders at once, until the gateway is gone; what it returns waits for that.
func (k *killed) send(senders int) (wait func()) {
	var all sync.WaitGroup
	for s := range senders {
		all.Go(func() {
			for failed := 0; failed < 3; {
				n, body := k.event(strconv.Itoa(s))
				if !k.post(n, body) {
					failed++
				}
			}
		})
	}
	return all.Wait
}

// event makes one of a key, with what no other has in it.
func (k *killed) event(key string) (int, []byte) {
	n := int(k.next.Add(1))
	noise := make([]byte, 500)
	rand.Read(noise) //nolint:errcheck // never fails
	return n, fmt.Appendf(nil, `{"id":"evt_%d","type":"x","n":%[1]d,"key":%q,"noise":"%x"}`, n, key, noise)
}

// post sends an event, and notes it if it was answered 2xx.
func (k *killed) post(n int, body []byte) bool {
	status, _ := k.postTo(k.client, k.https, body)
	if status == 200 {
		k.notes(n, body)
		return true
	}
	return status == 503
}

// notes notes that an event was answered 2xx.
func (k *killed) notes(n int, body []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.answered[n] = sha256.Sum256(body)
}

// postTo sends an event to a gateway, and gives the status and the header of its answer, 0 where there is none.
func (k *killed) postTo(client *http.Client, https int, body []byte) (int, http.Header) {
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte("whsec_of_the_test"))
	fmt.Fprintf(mac, "%s.%s", stamp, body)
	req, err := http.NewRequest("POST", fmt.Sprintf("https://localhost:%d/hooks/stripe", https), bytes.NewReader(body))
	if err != nil {
		k.t.Error(err)
		return 0, nil
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Stripe-Signature", "t="+stamp+",v1="+hex.EncodeToString(mac.Sum(nil)))
	res, err := client.Do(req)
	if err != nil {
		return 0, nil
	}
	res.Body.Close() //nolint:errcheck // nothing is in it
	return res.StatusCode, res.Header
}

func (k *killed) within(what string, ok func() bool) {
	k.t.Helper()
	for end := time.Now().Add(60 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			k.t.Fatalf("not within 60 s: %s", what)
		}
	}
}
