package wire_test

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestHTTP2Conformance runs h2spec, the conformance tests of RFC 9113's and RFC 7541's forerunners, against stock Caddy's
// reverse_proxy and against the gateway. What the gateway fails stock Caddy must fail too: its 4 of 145 are those of Go's
// HTTP/2, which both are served by.
func TestHTTP2Conformance(t *testing.T) {
	unix(t)
	t.Parallel()
	const all, stocks = 145, 141
	h2spec := tool(t, "github.com/summerwind/h2spec/cmd/h2spec", "v2.2.1+incompatible")
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{}`) //nolint:errcheck // the client may be gone
	}))
	t.Cleanup(service.Close)
	run := func(global, site string) (passed int, failed []string) {
		p := prepare(t)
		p.Write("api.hcl", reloadedCatalogue)
		p.Write("Caddyfile", fmt.Sprintf("{\n\t%s\tauto_https disable_redirects\n\tlog default {\n\t\tlevel FATAL\n\t}\n%s}\nhttps://localhost {\n\ttls internal\n\t%s\n}\n", p.global(), strings.Replace(global, "DIR", p.Folder, 1), site))
		p.start()
		p.roots()
		report := p.path("report.xml")
		// It waits that long for an answer that may not come; each wait is a test that passes or fails by it.
		run := exec.CommandContext(t.Context(), h2spec, "-t", "-k", "-h", "localhost", "-p", strconv.Itoa(p.HTTPS), "-P", "/api/things", "-o", "2", "-j", report)
		out, err := run.CombinedOutput() // fails if a test does
		text, missing := os.ReadFile(report)
		if missing != nil {
			t.Fatalf("h2spec: %v\n%s", err, out)
		}
		var suites struct {
			Suites []struct {
				Package string `xml:"package,attr"`
				Cases   []struct {
					Package string    `xml:"package,attr"`
					Name    string    `xml:"classname,attr"`
					Failure *struct{} `xml:"failure"`
					Error   *struct{} `xml:"error"`
				} `xml:"testcase"`
			} `xml:"testsuite"`
		}
		if err := xml.Unmarshal(text, &suites); err != nil {
			t.Fatal(err)
		}
		for _, s := range suites.Suites {
			for _, c := range s.Cases {
				if c.Failure == nil && c.Error == nil {
					passed++
					continue
				}
				failed = append(failed, c.Package+" "+c.Name)
			}
		}
		return passed, failed
	}
	began := time.Now()
	passed, failed := run("", "reverse_proxy "+service.URL)
	t.Logf("stock Caddy passes %d of %d, fails %q", passed, passed+len(failed), failed)
	ours, wrong := run("\tservers {\n\t\tlistener_wrappers {\n\t\t\tapi_framing\n\t\t}\n\t}\n\tapi_gateway {\n\t\tcatalogue DIR/api.hcl\n\t\tvariable service "+service.URL+"\n\t}\n", "api_gateway")
	t.Logf("the gateway passes %d of %d, fails %q, after %v", ours, ours+len(wrong), wrong, time.Since(began).Round(time.Second))
	if ours+len(wrong) != all || ours < stocks {
		t.Errorf("the gateway passes %d of %d", ours, ours+len(wrong))
	}
	for _, name := range wrong {
		if !slices.Contains(failed, name) {
			t.Errorf("stock Caddy passes, and the gateway fails: %s", name)
		}
	}
}
