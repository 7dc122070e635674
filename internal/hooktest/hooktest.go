// Package hooktest sends signed events to a gateway, as a third party does, and takes them, as the service does that they
// are for: what was answered 2xx has to come, whole, and of one key in order.
package hooktest

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Secret is what events are signed with, as Stripe signs its own.
const Secret = "whsec_of_the_test"

// Events are those of a test. Its methods may be called by several goroutines at once.
type Events struct {
	t    testing.TB
	next atomic.Int64

	mu        sync.Mutex
	answered  map[int][32]byte // the body's hash, by number, of those that were answered 2xx
	delivered map[int][32]byte // of those that came
	order     map[string][]int // numbers in the order of their first coming, by key
	came      int              // deliveries, again or not
}

// New begins without any.
func New(t testing.TB) *Events {
	return &Events{t: t, answered: map[int][32]byte{}, delivered: map[int][32]byte{}, order: map[string][]int{}}
}

// Make makes an event of a key, "" for one that no other has, with so many bytes in it that are in no other.
func (e *Events) Make(key string, noise int) (n int, body []byte) {
	n = int(e.next.Add(1))
	if key == "" {
		key = "alone " + strconv.Itoa(n)
	}
	unlike := make([]byte, noise/2)
	rand.Read(unlike) //nolint:errcheck // never fails
	return n, fmt.Appendf(nil, `{"id":"evt_%d","type":"x","n":%[1]d,"key":%q,"noise":"%x"}`, n, key, unlike)
}

// Send sends an event, and gives the status and the header of its answer, 0 where there is none.
func (e *Events) Send(client *http.Client, url string, n int, body []byte) (int, http.Header) {
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(Secret))
	fmt.Fprintf(mac, "%s.%s", stamp, body) //nolint:errcheck // it never fails
	req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		e.t.Error(err)
		return 0, nil
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Stripe-Signature", "t="+stamp+",v1="+hex.EncodeToString(mac.Sum(nil)))
	res, err := client.Do(req)
	if err != nil {
		return 0, nil
	}
	res.Body.Close() //nolint:errcheck // nothing is in it
	if res.StatusCode == http.StatusOK {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.answered[n] = sha256.Sum256(body)
	}
	return res.StatusCode, res.Header
}

// ServeHTTP is the service: it takes an event.
func (e *Events) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var told struct {
		N   int    `json:"n"`
		Key string `json:"key"`
	}
	if err == nil {
		err = json.Unmarshal(body, &told)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil {
		e.t.Errorf("the service was told %q: %v", body, err)
		return
	}
	if _, again := e.delivered[told.N]; !again {
		e.order[told.Key] = append(e.order[told.Key], told.N)
	}
	e.delivered[told.N] = sha256.Sum256(body)
	e.came++
}

// Count says how many events were answered 2xx, how many of all have come, and how often.
func (e *Events) Count() (answered, delivered, came int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.answered), len(e.delivered), e.came
}

// Missing is how many events were answered 2xx and have not come.
func (e *Events) Missing() (missing int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for n := range e.answered {
		if _, ok := e.delivered[n]; !ok {
			missing++
		}
	}
	return missing
}

// Check fails the test where an event that was answered 2xx has come with another body, or after a later one of its key.
// Events that were not answered may come at any time, or never: nobody was told.
func (e *Events) Check(t testing.TB) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	for n, sum := range e.answered {
		if came, ok := e.delivered[n]; ok && came != sum {
			t.Errorf("event %d came with another body", n)
		}
	}
	for key, all := range e.order {
		last := 0
		for _, n := range all {
			if _, ok := e.answered[n]; !ok {
				continue
			}
			if n < last {
				t.Errorf("of key %s, %d came after %d", key, n, last)
			}
			last = n
		}
	}
}
