package console_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

func basic() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// TestSize counts all that a browser loads, as it is sent without compression: less than 300 KB, licenses included.
func TestSize(t *testing.T) {
	const most = 300_000
	entries, err := os.ReadDir("dist")
	if err != nil {
		t.Fatal(err)
	}
	var sum int64
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		sum += info.Size()
	}
	if sum > most || sum == 0 {
		t.Errorf("the page has %d bytes, and may have %d", sum, most)
	}
}

// TestConsole asks the console as its page does, and as others may try to.
func TestConsole(t *testing.T) {
	g, refusing, _ := shop(t)
	busy(t, g, refusing)
	by := "Authorization: " + basic()
	own := []string{by, "Content-Type: application/json", "X-Console: 1", "Sec-Fetch-Site: same-origin", "Origin: " + g.URL}
	without := func(name string) (left []string) {
		for _, f := range own {
			if !strings.HasPrefix(f, name+":") {
				left = append(left, f)
			}
		}
		return left
	}
	with := func(field string) []string {
		name, _, _ := strings.Cut(field, ":")
		return append(without(name), field)
	}
	const try = `{"method":"GET","url":"https://localhost/api/v2/orders/acme-1001","header":[{"name":"X-API-Key","value":"` + acme + `"}],"body":""}`
	for _, test := range []struct {
		name, method, path, body string
		fields                   []string
		status                   int
		want                     string
	}{
		{"nobody", "GET", "/console/", "", nil, 401, ""},
		{"nobody, data", "GET", "/console/api/traffic", "", nil, 401, ""},
		{"the mount", "GET", "/console", "", []string{by}, 308, ""},
		{"the page", "GET", "/console/", "", []string{by}, 200, "<!doctype html>"},
		{"the page's script", "GET", "/console/app.js", "", []string{by}, 200, "EventSource"},
		{"the licenses", "GET", "/console/licenses.txt", "", []string{by}, 200, "preact"},
		{"no such page", "GET", "/console/app.map", "", []string{by}, 404, "not-found"},
		{"no way out", "GET", "/console/../console/dist/index.html", "", []string{by}, 404, ""},
		{"a page that is posted", "POST", "/console/", "x", []string{by}, 405, ""},
		{"traffic", "GET", "/console/api/traffic", "", []string{by}, 200, `{"api":"orders","version":"v1"`},
		{"traffic for another page", "GET", "/console/api/traffic", "", []string{by, "Sec-Fetch-Site: cross-site"}, 403, ""},
		{"traffic for another site's page", "GET", "/console/api/traffic", "", []string{by, "Sec-Fetch-Site: same-site"}, 403, ""},
		{"traffic that is posted", "POST", "/console/api/traffic", "{}", own, 405, ""},
		{"APIs", "GET", "/console/api/apis", "", []string{by}, 200, `"state":"deprecated"`},
		{"callers", "GET", "/console/api/callers?since=7d&api=orders", "", []string{by}, 200, `"consumer":"acme"`},
		{"callers since whenever", "GET", "/console/api/callers?since=9y", "", []string{by}, 400, "since is 1d, 7d, 14d or 30d"},
		{"refused", "GET", "/console/api/refused?api=orders&version=v1", "", []string{by}, 200, `"problem":"invalid-content"`},
		{"status", "GET", "/console/api/status", "", []string{by}, 200, `"generation":`},
		{"quotas", "GET", "/console/api/quotas", "", []string{by}, 200, `"quotas":`},
		{"events", "GET", "/console/api/webhooks?state=dead", "", []string{by}, 200, `"webhook":"hook"`},
		{"events of no state", "GET", "/console/api/webhooks?state=lost", "", []string{by}, 400, ""},
		{"a description", "GET", "/console/api/document?api=orders&version=v1", "", []string{by}, 200, `"openapi": "3.1`},
		{"no such description", "GET", "/console/api/document?api=orders&version=v9", "", []string{by}, 404, ""},
		{"no such data", "GET", "/console/api/config", "", []string{by}, 404, ""},
		{"tried", "POST", "/console/api/try", try, own, 200, `"status":200`},
		{"tried, read", "GET", "/console/api/try", "", []string{by}, 405, ""},
		{"tried by nobody", "POST", "/console/api/try", try, without("Authorization"), 401, ""},
		{"tried without the page's field", "POST", "/console/api/try", try, without("X-Console"), 403, ""},
		{"tried without the browser's field", "POST", "/console/api/try", try, without("Sec-Fetch-Site"), 403, ""},
		{"tried by another page", "POST", "/console/api/try", try, with("Sec-Fetch-Site: cross-site"), 403, ""},
		{"tried by another page of the site", "POST", "/console/api/try", try, with("Sec-Fetch-Site: same-site"), 403, ""},
		{"tried from another origin", "POST", "/console/api/try", try, with("Origin: https://evil.example"), 403, ""},
		{"tried by a form", "POST", "/console/api/try", try, with("Content-Type: text/plain"), 403, ""},
		{"tried without a body of its own", "POST", "/console/api/try", `{"methods":"GET"}`, own, 400, ""},
		{"tried elsewhere", "POST", "/console/api/try", strings.Replace(try, "https://localhost/api", "https://localhost:1/elsewhere", 1), own, 200, `"status":404`},
		{"tried without TLS", "POST", "/console/api/try", strings.Replace(try, "https:", "http:", 1), own, 400, ""},
		{"tried in pieces", "POST", "/console/api/try", strings.Replace(try, "X-API-Key", "Transfer-Encoding", 1), own, 200, `"status":4`},
		{"tried as another host", "POST", "/console/api/try", strings.Replace(try, "X-API-Key", "Host", 1), own, 400, "Host cannot be tried"},
		{"explained", "POST", "/console/api/explain", `{"question":{"url":"https://localhost/api/v2/orders/globex-1001","as":{"consumer":"acme"}}}`, own, 200, "authorize: ends here"},
		{"explained, nothing", "POST", "/console/api/explain", `{}`, own, 400, "name a request"},
		{"explained, gone", "POST", "/console/api/explain", `{"refused":"x"}`, own, 404, ""},
		{"replayed, nothing", "POST", "/console/api/replay", `{"ref":"x"}`, own, 400, ""},
		{"replayed, gone", "POST", "/console/api/replay", `{"ref":"dead/999"}`, own, 404, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := g.Do(test.method, test.path, test.body, test.fields...)
			if a.Status != test.status || !strings.Contains(a.Body, test.want) {
				t.Errorf("%d %.300s, want %d %s", a.Status, a.Body, test.status, test.want)
			}
			if strings.Contains(a.Body, acme) {
				t.Error("a key is shown")
			}
			if a.Status == 200 && (!strings.HasPrefix(a.Header.Get("Content-Security-Policy"), "default-src 'none';") || a.Header.Get("X-Content-Type-Options") != "nosniff" || a.Header.Get("Access-Control-Allow-Origin") != "") {
				t.Errorf("the header is %v", a.Header)
			}
		})
	}
	if a := g.Do("GET", "/console/app.js", "", by, "If-None-Match: "+g.Do("GET", "/console/app.js", "", by).Header.Get("Etag")); a.Status != 304 {
		t.Errorf("what the browser has is sent again: %d", a.Status)
	}
}

// TestNoCredentials sends credentials in every place, is refused, and looks for them in all that is shown of that.
func TestNoCredentials(t *testing.T) {
	g, _, _ := shop(t)
	const canary = "c4n4ry-0f-the-m1ne"
	for _, fields := range [][]string{
		{"X-API-Key: " + canary}, {"X-API-Key: wg_" + canary + canary + canary}, {"Authorization: Bearer " + canary}, {"Authorization: Basic " + canary},
		{"Cookie: session=" + canary, "Proxy-Authorization: " + canary}, {"DPoP: " + canary, "Authorization: DPoP " + canary}, {"X-API-Key: " + acme + canary},
	} {
		if a := g.Do("GET", "/api/v2/orders/globex-1001", "", fields...); a.Status < 400 {
			t.Fatalf("%v: %d", fields, a.Status)
		}
	}
	by := "Authorization: " + basic()
	list := g.Do("GET", "/console/api/refused", "", by).Body
	var told struct{ Refused []struct{ ID string } }
	if err := json.Unmarshal([]byte(list), &told); err != nil || len(told.Refused) < 5 {
		t.Fatalf("%v: %s", err, list)
	}
	for _, r := range told.Refused {
		a := g.Do("POST", "/console/api/explain", `{"refused":"`+r.ID+`"}`, by, "Content-Type: application/json", "X-Console: 1", "Sec-Fetch-Site: same-origin")
		if a.Status != 200 {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		list += a.Body
	}
	if at := strings.Index(list, canary); at >= 0 {
		t.Errorf("a credential is shown: %.200s", list[max(0, at-100):])
	}
}

// TestLive follows the traffic, until a reload ends it: a page does not keep a server from ending.
func TestLive(t *testing.T) {
	g, _, caddyfile := shop(t)
	req, err := http.NewRequestWithContext(t.Context(), "GET", g.URL+"/console/api/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", basic())
	res, err := g.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if kind := res.Header.Get("Content-Type"); res.StatusCode != 200 || kind != "text/event-stream" {
		t.Fatalf("%d %s", res.StatusCode, kind)
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	g.Do("GET", "/api/v2/orders", "", "X-API-Key: "+acme)
	for lines.Scan() {
		if strings.Contains(lines.Text(), `"of":[{`) {
			break
		}
	}
	if !strings.Contains(lines.Text(), `"total":[1,0,0,`) {
		t.Fatalf("told %q, %v", lines.Text(), lines.Err())
	}
	g.Reload(caddyfile) // which waits for the requests under way
	for lines.Scan() {
	}
	// What was counted is there behind the reload.
	if a := g.Do("GET", "/console/api/traffic?api=orders&version=v2", "", "Authorization: "+basic()); !strings.Contains(a.Body, "[1,0,0,") {
		t.Errorf("traffic of before is gone: %.300s", a.Body)
	}
}

// A console without authentication answers this machine alone, by this machine's names.
func TestOpen(t *testing.T) {
	dir := t.TempDir()
	gatewaytest.Write(t, dir+"/Caddyfile", `https://localhost:{$HTTPS_PORT}, https://{$HTTPS_PORT}.example:{$HTTPS_PORT} {
	bind 127.0.0.1
	tls internal
	api_console /ops
}
`)
	g := gatewaytest.Start(t, dir+"/Caddyfile")
	for _, test := range []struct {
		path   string
		fields []string
		status int
	}{
		{"/ops/", nil, 200},
		{"/ops/api/traffic", nil, 200},
		{"/ops/api/apis", nil, 200},
		{"/ops/api/callers", nil, 200},
		{"/ops/api/webhooks?state=dead", nil, 200},
		{"/ops/api/document?api=x", nil, 404},
		{"/ops/api/traffic", []string{"X-Forwarded-For: 192.0.2.1"}, 421},
		{"/ops/", []string{"Forwarded: for=192.0.2.1"}, 421},
		{"/opsy", nil, 200}, // Caddy's own empty answer: not the console's
	} {
		if a := g.Do("GET", test.path, "", test.fields...); a.Status != test.status {
			t.Errorf("%s %v: %d %s", test.path, test.fields, a.Status, a.Body)
		}
	}
	req, err := http.NewRequestWithContext(context.Background(), "GET", g.URL+"/ops/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = fmt.Sprintf("%s.example", strings.TrimPrefix(g.URL, "https://localhost:")) // whose name leads here
	res, err := g.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("by another name: %d", res.StatusCode)
	}
}
