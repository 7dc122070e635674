package modules_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/shadow"
	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// asker asks the admin API of a gateway that runs on a port.
type asker struct {
	t    *testing.T
	port int
}

func (a asker) get(path string) string {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), "GET", "http://localhost:"+strconv.Itoa(a.port)+path, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 {
		a.t.Fatalf("%s: %d %s, %v", path, res.StatusCode, text, err)
	}
	return string(text)
}

// report gives the comparison of a query with a candidate.
func (a asker) report(query, candidate string) shadow.Compared {
	a.t.Helper()
	var r shadow.Report
	if err := json.Unmarshal([]byte(a.get("/api_gateway/shadow")), &r); err != nil {
		a.t.Fatal(err)
	}
	for _, c := range r.Comparisons {
		if c.Query == query && c.Candidate == candidate {
			return c
		}
	}
	a.t.Fatalf("%s is not compared with %s: %+v", query, candidate, r)
	return shadow.Compared{}
}

const (
	// liveAuthz allows what is read, and what acme writes.
	liveAuthz = `package httpapi.authz

allow if input.request.method == "GET"

allow if input.request.headers["x-client"] == ["acme"]

headers := {"X-Decided": "live"}
`
	// nextAuthz also looks at bodies, where somebody else reads them.
	nextAuthz = `package httpapi.authz

allow if input.request.method == "GET"

reasons contains "not-yours" if not allow

headers := {"X-Decided": "next"}
`
	bodyAuthz = `package httpapi.body

allow if input.request.body.ok
`
)

// TestShadow has candidates decide beside live policies, of which nobody sees anything but the reports.
func TestShadow(t *testing.T) {
	admin := gatewaytest.FreePort(t)
	g, s, dir := alone(t, map[string]string{
		"policies/authz.rego": liveAuthz,
		"policies/next.rego":  strings.Replace(nextAuthz, "httpapi.authz", "httpapi.next", 1),
		"policies/body.rego":  bodyAuthz,
		"policies/same.rego":  strings.Replace(liveAuthz, "httpapi.authz", "httpapi.same", 1),
		"next/authz.rego":     nextAuthz,
		"all/authz.rego":      liveAuthz,
	}, `
	admin localhost:`+strconv.Itoa(admin)+`
	metrics
	api_gateway {
		policies policies {
			shadow all
		}
		watch 10ms
	}
	log default {
		output file {DIR}/default.log {
			roll_disabled
		}
	}`, `
	@query path /query
	api_policy @query data.httpapi.authz {
		shadow data.httpapi.next
	}
	@folder path /folder
	api_policy @folder data.httpapi.authz {
		shadow next
	}
	@body path /body
	api_policy @body data.httpapi.authz {
		shadow data.httpapi.body
	}
	@same path /same
	api_policy @same data.httpapi.authz {
		shadow data.httpapi.same
	}
	@wrong path /wrong
	api_policy @wrong data.httpapi.authz {
		shadow data.httpapi.none
	}
	@report path /report
	api_policy @report data.httpapi.authz {
		report_only
	}
	{PROXY}`)
	a := asker{t, admin}
	next := filepath.Join(dir, "next")
	all := filepath.Join(dir, "all")
	const acme = "X-Client: acme"
	for _, path := range []string{"/query", "/folder", "/body", "/same", "/wrong"} {
		is(t, path, g.Do("POST", path, `{"ok":true}`, acme, "Content-Type: application/json"), 200, `{"ok":true}`)
		if _, _, header, _ := s.saw(); header.Get("X-Decided") != "live" {
			t.Errorf("%s: the service sees %v", path, header)
		}
		is(t, path, g.Do("GET", path, ""), 200, "")
		is(t, path, g.Do("POST", path, "", "Content-Type: application/json"), 403, "")
	}
	is(t, "reported", g.Do("POST", "/report", "x"), 200, "x")
	is(t, "reported, and not changed", g.Do("GET", "/report", "", "X-Decided: me"), 200, "")
	if _, _, header, _ := s.saw(); header.Get("X-Decided") != "me" {
		t.Errorf("a policy that only reports changes %v", header)
	}

	asked := func(candidate string, n uint64) (c shadow.Compared) {
		g.Within(20*time.Second, candidate+" has been asked", func() bool {
			c = a.report("data.httpapi.authz", candidate)
			return c.Evaluated+c.NoBody+c.Mistaken >= n
		})
		return c
	}
	for _, candidate := range []string{"data.httpapi.next", next} {
		c := asked(candidate, 3)
		if c.Evaluated != 3 || c.WouldDeny != 1 || c.Differs != 2 || c.Rules["allow"] != 1 || c.Rules["headers"] != 3 || c.Anonymous != 1 {
			t.Errorf("%s: %+v", candidate, c)
		}
		if want := (shadow.Example{Route: "POST", Became: shadow.WouldDeny, Reasons: "not-yours", Count: 1}); c.Examples[len(c.Examples)-1] != want && c.Examples[0] != want && c.Examples[1] != want {
			t.Errorf("%s: %+v", candidate, c.Examples)
		}
	}
	// The candidate reads bodies, but has none read; where there is none, it is asked all the same.
	if c := asked("data.httpapi.body", 3); c.NoBody != 1 || c.Evaluated != 2 {
		t.Errorf("%+v", c)
	}
	if c := asked("data.httpapi.same", 3); c.Agreed != 3 || !strings.HasPrefix(c.Verdict, "safe to promote: no difference in 3 decisions") {
		t.Errorf("%+v", c)
	}
	if c := asked("data.httpapi.none", 3); c.Mistaken != 3 || len(c.Mistakes) != 1 || !strings.Contains(c.Mistakes[0], "No such policy") {
		t.Errorf("%+v", c)
	}
	if c := asked("", 2); c.Kind != shadow.ReportOnly || c.WouldDeny != 1 || c.Agreed != 1 {
		t.Errorf("%+v", c)
	}
	if c := asked(all, 17); c.Agreed != 17 {
		t.Errorf("%+v", c)
	}
	metrics := a.get("/metrics")
	for _, line := range []string{
		`caddy_api_gateway_shadow_decisions_total{query="data.httpapi.authz",result="would_deny"} `,
		`caddy_api_gateway_shadow_differences_total{query="data.httpapi.authz",rule="headers"} `,
		`caddy_api_gateway_shadow_reasons_total{query="data.httpapi.authz",reason="not-yours"} `,
	} {
		if !strings.Contains(metrics, line) {
			t.Errorf("the metrics have no %s", line)
		}
	}
	log, err := os.ReadFile(filepath.Join(dir, "default.log"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(log), `"would":"deny","became":"would_deny","rules":["allow","headers","reasons"],"reasons":["not-yours"]`) || strings.Contains(string(log), "acme") {
		t.Errorf("the log tells no difference, or a value:\n%s", log)
	}

	// A candidate with a mistake is told of and stops nothing; mended, it is asked again.
	gatewaytest.Write(t, filepath.Join(all, "authz.rego"), "package httpapi.authz\n\nallow if nothing\n")
	g.Within(20*time.Second, "the mistake is told", func() bool { return strings.Contains(a.get("/api_gateway/status"), "A candidate cannot be tried out") })
	is(t, "beside a mistake", g.Do("GET", "/same", ""), 200, "")
	if c := a.report("data.httpapi.authz", all); c.Mistaken != 1 || len(c.Mistakes) != 1 || !strings.Contains(c.Mistakes[0], "authz.rego:3") || c.Evaluated != 0 {
		t.Errorf("%+v", c)
	}
	gatewaytest.Write(t, filepath.Join(all, "authz.rego"), "package httpapi.authz\n\nallow := false\n")
	g.Within(20*time.Second, "it is mended", func() bool { return len(a.report("data.httpapi.authz", all).Mistakes) == 0 })
	is(t, "beside another candidate", g.Do("GET", "/same", ""), 200, "")
	if c := asked(all, 1); c.WouldDeny != 1 || c.Evaluated != 1 {
		t.Errorf("%+v", c)
	}
	if c := a.report("data.httpapi.authz", "data.httpapi.same"); c.Evaluated < 4 {
		t.Errorf("a change of another candidate forgets what was counted: %+v", c)
	}
}

// Header fields are bytes, and labels of metrics are not: reasons that quote a caller's end no request, and no process.
func TestShadowOfReasonsThatAreNoText(t *testing.T) {
	admin := gatewaytest.FreePort(t)
	const quoting = "package httpapi.quoting\n\nallow if false\n\nreasons contains sprintf(\"no-%s\", input.request.headers[\"x-who\"])\n"
	g, _, _ := alone(t, map[string]string{
		"policies/live.rego":    "package httpapi.live\n\nallow if true\n",
		"policies/quoting.rego": quoting,
	}, `
	admin localhost:`+strconv.Itoa(admin)+`
	api_gateway {
		policies policies
	}`, `
	api_policy data.httpapi.live {
		shadow data.httpapi.quoting
	}
	api_policy data.httpapi.quoting {
		report_only
	}
	respond "fine"`)
	is(t, "reported", g.Do("GET", "/", "", "X-Who: \xff"), 200, "fine")
	a := asker{t, admin}
	g.Within(20*time.Second, "it has been asked", func() bool {
		c := a.report("data.httpapi.live", "data.httpapi.quoting")
		return c.WouldDeny == 1 && len(c.Examples) == 1 && c.Examples[0].Reasons == "no-\ufffd"
	})
}
