package command

import (
	"bytes"
	"encoding/json"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/drift"
	"github.com/wicketgate/wicketgate/modules/gatewaytest"
	_ "github.com/wicketgate/wicketgate/modules/validate" // the directive
)

// TestDrift asks a running gateway what a service answers that its schema does not say. The handler behind api_validate
// writes its answers itself.
func TestDrift(t *testing.T) {
	dir := t.TempDir()
	address := net.JoinHostPort("localhost", strconv.Itoa(gatewaytest.FreePort(t)))
	gatewaytest.Write(t, filepath.Join(dir, "order.json"), `{"type": "object", "required": ["total"], "properties": {"total": {"type": "integer"}}, "additionalProperties": false}`)
	gatewaytest.Write(t, filepath.Join(dir, "failure.json"), `{"type": "object", "required": ["code"]}`)
	gatewaytest.Write(t, filepath.Join(dir, "Caddyfile"), `{
	admin `+address+`
}
https://localhost:{$HTTPS_PORT} {
	tls internal
	header Content-Type application/json
	api_validate /report/* {
		responses report max 1KiB {
			schema order.json
			schema failure.json 404 5xx
		}
	}
	api_validate /enforce/* {
		responses enforce max 1KiB {
			schema order.json 200
		}
	}
	respond /*/good `+"`"+`{"total": 1}`+"`"+`
	respond /*/drifted `+"`"+`{"total": "1", "a\u001b[31m": 1}`+"`"+`
	respond /*/broken `+"`"+`{"total": 1`+"`"+`
	respond /*/missing `+"`"+`{"title": "gone"}`+"`"+` 404
	respond /*/odd `+"`"+`[]`+"`"+` 403
	respond /*/large `+"`"+`{"total": "`+strings.Repeat("x", 2000)+`"}`+"`"+`
	respond /*/empty 204
}
`)
	g := gatewaytest.Start(t, filepath.Join(dir, "Caddyfile"))
	ask := func(asJSON bool) (int, string) {
		t.Helper()
		var out bytes.Buffer
		code, err := driftReport.tell(&out, running{address: address, asJSON: asJSON})
		if err != nil {
			t.Fatal(err)
		}
		return code, out.String()
	}
	if code, out := ask(false); code != exitNothingYet || !strings.Contains(out, "no answer has been checked yet") {
		t.Errorf("at first: %d\n%s", code, out)
	}
	for _, c := range []struct {
		path   string
		status int
		body   string // in what is answered
	}{
		{"/report/good", 200, `{"total": 1}`},
		{"/report/drifted", 200, `{"total": "1"`},
		{"/report/drifted", 200, `{"total": "1"`},
		{"/report/broken", 200, `{"total": 1`},
		{"/report/missing", 404, "gone"},
		{"/report/odd", 403, "[]"},
		{"/report/large", 200, "xxx"},
		{"/report/empty", 204, ""},
		{"/enforce/good", 200, `{"total": 1}`},
		{"/enforce/drifted", 502, `"status":502`},
		{"/enforce/broken", 502, `"status":502`},
		{"/enforce/missing", 404, "gone"},
		{"/enforce/large", 502, `"status":502`},
		{"/enforce/empty", 204, ""},
	} {
		a := g.Do("GET", c.path, "")
		if a.Status != c.status || !strings.Contains(a.Body, c.body) || c.status == 502 && strings.Contains(a.Body, "total") {
			t.Errorf("%s: got %d %s", c.path, a.Status, a.Body)
		}
	}
	code, out := ask(true)
	var report drift.Report
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != exitDifferences || len(report.Routes) != 2 {
		t.Fatalf("%d, %v\n%s", code, err, out)
	}
	for _, r := range report.Routes {
		want := [...]uint64{5, 4, 1, 4}
		if r.Enforced {
			want = [...]uint64{3, 2, 0, 3}
		}
		if got := [...]uint64{r.Checked, r.Drifted, r.TooLarge, uint64(len(r.Findings))}; got != want {
			t.Errorf("got %v: %+v", got, r)
		}
	}
	if code, out := ask(false); code != exitDifferences || !strings.Contains(out, "2 × 200 /total: must be of type integer (type)") ||
		!strings.Contains(out, "1 × 404 /code: is missing (required)") || strings.ContainsRune(out, '\x1b') {
		t.Errorf("%d\n%s", code, out)
	}
}
