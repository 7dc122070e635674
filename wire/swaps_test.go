package wire_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// version counts the states of one file of a running gateway: each has its number in it, and answers show it.
type version struct {
	written atomic.Int64 // the newest that may be in force
	inForce atomic.Int64 // the newest that is known to be in force, so that none before it is
}

// kind is one of what is swapped: a file, what it says in a state, and what a caller sees of it. What has an odd number
// refuses the caller, with a status; what has an even number lets the request through to the service, which answers what it
// was told.
type kind struct {
	name, file, path string
	text             func(n int64) string
	refused          int
	told             *regexp.Regexp // finds the number that an answer shows
	version          *version
}

// Two keys of everybody's, of the example shop: the first is in the file in even states, the second in odd ones.
const (
	evenKey = "wg_5BhEtQB3LP1l_Wnh6Mvw6wIbZHbGsKo5LBFAQgREDoTRJ04cPU9STemz1tpAc1"
	evenRow = "5BhEtQB3LP1l sha256:0432820d1e2ea05cfb9934e28ff2ddf16bda8cebbf347ad745b223cabb5bb9fb consumer=c"
	oddRow  = "fxXmf7Meij2H sha256:f74c988f9a7d1fa77dff388779a185b56364bd80e1e14d716ff4a980617af41b consumer=c"
)

var kinds = []kind{
	{
		name: "catalogue", file: "api.hcl", path: "/api/catalogue", refused: 422, version: &version{},
		text: func(n int64) string { return strings.ReplaceAll(swappedCatalogue, "NUMBER", strconv.FormatInt(n, 10)) },
		told: regexp.MustCompile(`"catalogue":"(\d+)"|"detail":"catalogue (\d+)"`),
	},
	{
		name: "policy", file: "policies/p.rego", path: "/api/policy", refused: 403, version: &version{},
		text: func(n int64) string {
			return fmt.Sprintf("package p\n\nallow if %d %% 2 == 0\n\nproblem := {\"detail\": \"policy %[1]d\"} if not allow\n\nheaders := {\"X-Policy\": \"%[1]d\"} if allow\n", n)
		},
		told: regexp.MustCompile(`"policy":"(\d+)"|"detail":"policy (\d+)"`),
	},
	{
		name: "keys", file: "callers.keys", path: "/api/keys", refused: 401, version: &version{},
		text: func(n int64) string {
			row := evenRow
			if n%2 == 1 {
				row = oddRow
			}
			return fmt.Sprintf("%s%d\n", row, n)
		},
		told: regexp.MustCompile(`"consumer":"c(\d+)"`),
	},
}

const swappedCatalogue = `
variable "service" {}
upstream "service" { servers = [var.service] }
identity "callers" {
  api_key { keys = "callers.keys" }
}
api "swapped" {
  base_path = "/api"
  upstream  = upstream.service
  identify  = [anonymous]
  authorize = public
  route "GET /catalogue" {
    rule "even" {
      when   = NUMBER % 2 == 0
      detail = "catalogue NUMBER"
    }
    forward {
      header "X-Catalogue" { value = "NUMBER" }
    }
  }
  route "GET /policy" { authorize = policy.p }
  route "GET /keys" { identify = [identity.callers] }
}
`

// ask sends a request about a kind, and says why the answer fits no state that was in force meanwhile.
func (k kind) ask(c *http.Client, base string) error {
	least := k.version.inForce.Load()
	status, _, body, err := send(c, http.MethodGet, base+k.path, "", "X-API-Key: "+evenKey)
	most := k.version.written.Load()
	if err != nil {
		return err
	}
	wrong := fmt.Errorf("%s: %d %s, with the states %d to %d in force", k.name, status, body, least, most)
	told := strings.Join(append(k.told.FindStringSubmatch(body), "", "")[1:], "")
	if told == "" && status == k.refused && k.name == "keys" { // a 401 shows no state: there must have been an odd one
		if least == most && least%2 == 0 {
			return wrong
		}
		return nil
	}
	n, err := strconv.ParseInt(told, 10, 64)
	if err != nil || n < least || n > most {
		return wrong
	}
	if want := map[bool]int{true: http.StatusOK, false: k.refused}[n%2 == 0]; status != want {
		return wrong
	}
	return nil
}

// TestSwapsUnderFire swaps the catalogue, a policy and API keys in turn, every other time by watching the files and by the
// admin API, under mixed load: 250 times in all, or as often as WICKETGATE_SWAPS says. Every answer must be one that a state in
// force at some moment of the request gives.
func TestSwapsUnderFire(t *testing.T) {
	unix(t)
	t.Parallel()
	swaps := 250
	if n, err := strconv.Atoi(os.Getenv("WICKETGATE_SWAPS")); err == nil {
		swaps = n
	}
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"catalogue":%q,"policy":%q,"consumer":%q}`, r.Header.Get("X-Catalogue"), r.Header.Get("X-Policy"), r.Header.Get("X-Consumer-Id")) //nolint:errcheck // the client may be gone
	}))
	t.Cleanup(service.Close)
	p := prepare(t)
	for _, k := range kinds {
		p.Write(k.file, k.text(0))
	}
	p.Write("Caddyfile", fmt.Sprintf(`{
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
		catalogue %[2]s/api.hcl
		policies %[2]s/policies {
			limit 10s # a busy machine may keep any one request from its processors for longer than the default
		}
		variable service %[3]s
		watch 10ms
	}
}
https://localhost {
	tls internal
	api_gateway
}
`, p.global(), p.Folder, service.URL))
	p.start()
	base := fmt.Sprintf("https://localhost:%d", p.HTTPS)
	var turn atomic.Int64
	counts, stop := load(t, 2, p.roots(), func(_ form, c *http.Client) error {
		return kinds[turn.Add(1)%int64(len(kinds))].ask(c, base)
	})
	for i := range swaps {
		k := kinds[i%len(kinds)]
		n := k.version.written.Add(1)
		before := p.generation()
		p.Write(k.file, k.text(n))
		if i%2 == 0 {
			within(t, 30*time.Second, "the watched file is in force", func() bool { return p.generation() > before })
		} else {
			res, err := http.Post(p.api("/api_gateway/reload"), "", nil)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close() //nolint:errcheck // what it did is asked next
			if res.StatusCode != http.StatusOK || p.generation() <= before {
				t.Fatalf("loading the files: %d", res.StatusCode)
			}
		}
		k.version.inForce.Store(n)
	}
	stop()
	for _, f := range forms {
		c := counts[f.name]
		t.Logf("%d swaps, %s: %v", swaps, f.name, c)
		if c.failed.Load() > 0 || c.requests.Load() == 0 {
			t.Errorf("%s: %v", f.name, c)
		}
	}
}

// generation counts the loads that came into force.
func (p *process) generation() int64 {
	p.t.Helper()
	res, err := http.Get(p.api("/api_gateway/status"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	var status struct {
		Generation int64
		Error      json.RawMessage
	}
	if err := json.NewDecoder(res.Body).Decode(&status); err != nil || res.StatusCode != http.StatusOK || len(status.Error) > 0 && string(status.Error) != "null" {
		p.t.Fatalf("status: %d %v, %s", res.StatusCode, err, status.Error)
	}
	return status.Generation
}
