package modules_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// ownLine is a line of api_access_log.
type ownLine struct {
	Level, Logger, Msg string
	TS, Duration       float64
	Status, Size       int
	Read               int    `json:"bytes_read"`
	User               string `json:"user_id"`
	Request            struct {
		Method, Host, URI, Proto string
		Headers                  http.Header
		TLS                      struct{ Version int }
	}
	Matchers []string `json:"api_policy_matchers"`
}

// TestAccessLogOfAnySite has handlers answer, fail, break off and be left out, without a catalogue, and looks at the lines; then
// Caddy loads another configuration, which goes on with the same file, and stops, and not a line is missing.
func TestAccessLogOfAnySite(t *testing.T) {
	acme, line := apiKey(t, "acme")
	g, s, dir := alone(t, map[string]string{"partners.keys": line}, "", `
	api_access_log {
		output file {DIR}/access.log {
			roll_disabled
		}
		headers X-API-Key X-Told Authorization User-Agent
	}
	log_skip /quiet
	api_auth /api/* {
		key X-API-Key partners.keys
		anonymous
	}
	request_header X-Told changed
	error /fail "no" 503
	respond /hello hello 201
	basic_auth /staff {
		ada $2a$04$DvMFgPzT.Q7AKpm1uIQjdO3c4JWnc2z9gjqfSbIyoXJX7nMNLQqT2
	}
	{PROXY}`)
	s.answers(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/breaks") {
			panic(http.ErrAbortHandler)
		}
		fmt.Fprint(w, "done")
	})
	read := func(want int) (lines []ownLine) {
		t.Helper()
		g.Within(10*time.Second, "the lines are written", func() bool {
			text, _ := os.ReadFile(filepath.Join(dir, "access.log"))
			lines = lines[:0]
			for one := range bytes.Lines(text) {
				var l ownLine
				if err := json.Unmarshal(one, &l); err != nil {
					return false
				}
				lines = append(lines, l)
			}
			return len(lines) >= want
		})
		return lines
	}
	g.Do("GET", "/quiet", "")
	g.Do("POST", "/api/x?api_key="+acme, "a body", "X-API-Key: "+acme, "X-Told: as it came", "Authorization: Basic x", "Cookie: a=b")
	g.Do("GET", "/fail", "")
	g.Do("GET", "/hello", "")
	g.Do("GET", "/breaks", "")
	g.Do("GET", "/staff", "")
	lines := read(5)
	if len(lines) != 5 {
		t.Fatalf("there are %d lines", len(lines))
	}
	if l := lines[0]; l.Level != "info" || l.Logger != "http.log.access" || l.Msg != "handled request" || l.Status != 200 || l.Size != 4 || l.Read != 6 || l.User != "acme" || l.TS < 1e9 || l.Duration <= 0 ||
		l.Request.Method != "POST" || l.Request.Host == "" || l.Request.Proto == "" || l.Request.TLS.Version < 0x303 {
		t.Errorf("answered: %+v", l)
	}
	if h := lines[0].Request.Headers; h.Get("X-Told") != "as it came" || h.Get("X-Api-Key") != "REDACTED" || h.Get("Authorization") != "REDACTED" || h.Get("Cookie") != "" || len(h["User-Agent"]) != 1 {
		t.Errorf("the header is %v", h)
	}
	if strings.Contains(lines[0].Request.URI, acme[20:]) || !strings.HasPrefix(lines[0].Request.URI, "/api/x?api_key=") {
		t.Errorf("the address is %s", lines[0].Request.URI)
	}
	for i, want := range []struct {
		level        string
		status, size int
	}{1: {"error", 503, 0}, 2: {"info", 201, 5}, 3: {"error", 502, 0}, 4: {"info", 401, 0}} {
		if l := lines[i]; i > 0 && (l.Level != want.level || l.Status != want.status || l.Size != want.size || l.User != "") {
			t.Errorf("%d: %+v, want %+v", i, l, want)
		}
	}
	path := filepath.Join(dir, "Caddyfile")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	gatewaytest.Write(t, path, strings.Replace(string(text), "respond /hello hello", "respond /hello good", 1))
	g.Do("GET", "/hello", "")
	g.Reload(path)
	if a := g.Do("GET", "/hello", ""); a.Body != "good" {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	if lines = read(7); len(lines) != 7 || lines[5].Size != 5 || lines[6].Size != 4 {
		t.Errorf("after another configuration there are %d lines: %+v", len(lines), lines[5:])
	}
}
