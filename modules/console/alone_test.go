package console_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/console"
	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

const alonePolicy = `package app

default allow := false

allow if input.request.path == "/open"

allow if input.consumer
`

// TestAlone has directives that stand alone, in a Caddyfile without a catalogue, refuse requests, and asks the console for
// all that its page shows of them.
func TestAlone(t *testing.T) {
	const canary = "c4n4ry-0f-the-m1ne"
	dir := t.TempDir()
	gatewaytest.Write(t, filepath.Join(dir, "rego", "app.rego"), alonePolicy)
	gatewaytest.Write(t, filepath.Join(dir, "keys"), "")
	gatewaytest.Write(t, filepath.Join(dir, "Caddyfile"), fmt.Sprintf(`{
	api_gateway {
		policies rego
	}
}
https://localhost:{$HTTPS_PORT} {
	tls internal
	basic_auth /console* {
		%s %s
	}
	api_auth /keys/* {
		key X-API-Key keys
	}
	api_limit /limited callers {
		quota 3 1h
	}
	api_limit /secret tokens {
		key header.authorization
		quota 1 1h
	}
	api_validate /orders {
		body json max 64B
	}
	@policed not path /console* /limited /secret
	api_policy @policed data.app
	api_console
	respond "fine"
}
`, user, hash))
	g := gatewaytest.Start(t, filepath.Join(dir, "Caddyfile"))
	by := "Authorization: " + basic()
	for _, sent := range []struct {
		method, path, body string
		fields             []string
		status             int
	}{
		{"GET", "/open", "", nil, 200},
		{"GET", "/closed", "", nil, 403},
		{"GET", "/limited", "", nil, 200}, {"GET", "/limited", "", nil, 200}, {"GET", "/limited", "", nil, 200}, {"GET", "/limited", "", nil, 429},
		{"GET", "/secret", "", []string{"Authorization: Bearer " + canary}, 200},
		{"POST", "/orders", `{"a":1,"a":2}`, []string{"Content-Type: application/json"}, 400},
		{"GET", "/keys/a?access_token=" + canary, "", []string{"X-API-Key: wg_" + canary, "Authorization: Bearer " + canary, "Cookie: a=" + canary}, 401},
		{"GET", "/../open", "", nil, 400},
	} {
		if a := g.Do(sent.method, sent.path, sent.body, sent.fields...); a.Status != sent.status {
			t.Fatalf("%s %s: %d %s", sent.method, sent.path, a.Status, a.Body)
		}
	}

	var told struct {
		Count   int
		Refused []struct{ ID, Stage, Alone, Problem, URL, API string }
	}
	list := g.Do("GET", "/console/api/refused", "", by).Body
	if err := json.Unmarshal([]byte(list), &told); err != nil {
		t.Fatalf("%v: %s", err, list)
	}
	all := list
	found := make(map[string]string)
	for _, r := range told.Refused {
		found[r.Alone+" "+r.Stage+" "+r.Problem] = g.Do("POST", "/console/api/explain", `{"refused":"`+r.ID+`"}`, by, "Content-Type: application/json", "X-Console: 1", "Sec-Fetch-Site: same-origin").Body
		if r.API != "" || !strings.HasPrefix(r.URL, g.URL+"/") {
			t.Errorf("told of API %q at %s", r.API, r.URL)
		}
	}
	for what, want := range map[string]string{
		"api_policy authorize forbidden":     "authorize, by api_policy: ends here",
		"api_limit limit quota-exceeded":     `"violated-policies":["1h"]`,
		"api_validate validate invalid-body": "two members of the same name",
		"api_auth identify unauthorized":     "because ",
		"api_policy admit ambiguous-path":    "admit, by api_policy: ends here",
	} {
		if !strings.Contains(found[what], want) {
			t.Errorf("%s: explained as %q, want %q", what, found[what], want)
		}
		all += found[what]
		delete(found, what)
	}
	if len(found) > 0 || told.Count != 5 {
		t.Errorf("%d are counted, and told besides: %q", told.Count, found)
	}
	quotas := g.Do("GET", "/console/api/quotas", "", by).Body
	if !strings.Contains(quotas, `"limit":"callers","quota":"1h","key":"127.0.0.1"`) || !strings.Contains(quotas, `"limit":"tokens","quota":"1h","key":"key `) {
		t.Errorf("quotas near their end: %s", quotas)
	}
	all += quotas
	if at := strings.Index(all, canary); at >= 0 {
		t.Errorf("a credential is shown: %.200s", all[max(0, at-100):])
	}
	if a := g.Do("GET", "/console/api/refused?api=(stages+alone)&version=api_limit", "", by); strings.Count(a.Body, `"id"`) != 1 || !strings.Contains(a.Body, "quota-exceeded") {
		t.Errorf("refused by api_limit: %s", a.Body)
	}

	for _, want := range []string{`"policies":{"source":"folder"`, `"query":"data.app"`} {
		if a := g.Do("GET", "/console/api/status", "", by); !strings.Contains(a.Body, want) {
			t.Errorf("in force: want %s in %s", want, a.Body)
		}
	}
	var went console.Past
	g.Within(10*time.Second, "the traffic is told", func() bool {
		var h struct {
			Of []struct {
				API     string
				Minutes [][4]float64
			}
		}
		if err := json.Unmarshal([]byte(g.Do("GET", "/console/api/traffic", "", by).Body), &h); err != nil {
			t.Fatal(err)
		}
		went = console.Past{}
		for _, of := range h.Of {
			for _, m := range of.Minutes {
				if of.API != console.Alone {
					t.Fatalf("traffic of %q", of.API)
				}
				went.Minutes = append(went.Minutes, console.Minute{Requests: uint32(m[0]), Refused: uint32(m[1]), Failed: uint32(m[2])})
			}
		}
		return len(went.Minutes) > 0
	})
	var sum console.Minute
	for _, m := range went.Minutes {
		sum.Requests += m.Requests
		sum.Refused += m.Refused
		sum.Failed += m.Failed
	}
	if sum != (console.Minute{Requests: 10, Refused: 5}) {
		t.Errorf("the traffic is %+v, want 10 requests of which 5 were refused, and none of the console's own", sum)
	}
}
