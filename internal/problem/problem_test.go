package problem

import (
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

//go:generate go test -run TestTheReferencePageIsCurrent -update .

var update = flag.Bool("update", false, "write docs/problems.md anew")

const page = "../../docs/problems.md"

// reference makes docs/problems.md, whose headings the types' URIs point at.
func reference() string {
	var b strings.Builder
	b.WriteString("# Problems\n\n" +
		"Every error leaves the gateway as problem details (RFC 9457), `application/problem+json`, of one of these types; a\n" +
		"caller whose Accept prefers XML to JSON gets `application/problem+xml`.\n" +
		"The heading is the last part of the member `type`. The detail of each answer says what is wrong with that request.\n" +
		"An operator's policy or error mapping may answer with types of its own.\n\n" +
		"This page is made from the table in `internal/problem/types.go` by `go generate ./internal/problem`.\n")
	for _, t := range Types() {
		slug := t.URI[strings.LastIndexByte(t.URI, '#')+1:]
		b.WriteString("\n## " + slug + "\n\n" + strconv.Itoa(t.Status) + " " + http.StatusText(t.Status) + ". " + t.Title + ".\n\n" + t.Help + "\n")
		if !strings.HasPrefix(t.URI, base) {
			b.WriteString("\nIts type is `" + t.URI + "`.\n")
		}
	}
	return b.String()
}

func TestTheReferencePageIsCurrent(t *testing.T) {
	if *update {
		if err := os.WriteFile(page, []byte(reference()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != reference() {
		t.Error("docs/problems.md is not what the table says; run: go generate ./internal/problem")
	}
}

func TestTheTable(t *testing.T) {
	slug := regexp.MustCompile(`#[a-z0-9]+(-[a-z0-9]+)*$`)
	seen := map[string]bool{}
	last := 0
	for _, typ := range Types() {
		if !slug.MatchString(typ.URI) || seen[typ.URI] {
			t.Errorf("%s is no URI of its own that ends with a heading", typ.URI)
		}
		seen[typ.URI] = true
		if typ.Status < last {
			t.Errorf("%s breaks the order of statuses", typ.URI)
		}
		last = typ.Status
		if http.StatusText(typ.Status) == "" || typ.Status < 400 {
			t.Errorf("%s has the status %d", typ.URI, typ.Status)
		}
		if typ.Title == "" || strings.HasSuffix(typ.Title, ".") || !strings.HasSuffix(typ.Help, ".") {
			t.Errorf("%s: a title is no sentence, a help is one: %q %q", typ.URI, typ.Title, typ.Help)
		}
	}
}

func TestWrite(t *testing.T) {
	for _, c := range []struct {
		name string
		p    *Problem
		want string
	}{
		{"a type alone", New(NotFound, ""),
			`{"type":"` + base + `not-found","title":"There is nothing at this address","status":404}`},
		{"all members", func() *Problem {
			p := New(VersionRetired, "v1 is gone").With("successor", "v2").With("versions", []string{"v2", "v3"}).Because(errors.New("secret"))
			p.Instance = "urn:uuid:1"
			return p
		}(), `{"type":"` + base + `version-retired","title":"This version has been retired","status":410,"detail":"v1 is gone","instance":"urn:uuid:1","successor":"v2","versions":["v2","v3"]}`},
		{"an operator's own", &Problem{Type: BadGateway, Status: 402, Title: "The card was declined", URI: "https://a.test/card-declined"},
			`{"type":"https://a.test/card-declined","title":"The card was declined","status":402}`},
		{"hostile text", New(BadRequest, "</script>\"\r\n\x00\xff"),
			`{"type":"` + base + `bad-request","title":"The request is not well formed","status":400,"detail":"\u003c/script\u003e\"\r\n\u0000\ufffd"}`},
		{"a member that cannot be encoded", New(BadRequest, "").With("bad", func() {}).With("good", 1),
			`{"type":"` + base + `bad-request","title":"The request is not well formed","status":400,"good":1}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				w := httptest.NewRecorder()
				if err := c.p.Write(w, httptest.NewRequest(method, "/", nil)); err != nil {
					t.Fatal(err)
				}
				want := c.want
				if method == http.MethodHead {
					want = ""
				}
				if w.Body.String() != want {
					t.Errorf("%s got  %s\nwant %s", method, w.Body, want)
				}
				if w.Code != c.p.StatusCode() || w.Header().Get("Content-Length") != strconv.Itoa(len(c.want)) {
					t.Errorf("%s: %d with Content-Length %s", method, w.Code, w.Header().Get("Content-Length"))
				}
			}
			if !json.Valid([]byte(c.want)) {
				t.Error("that is no JSON")
			}
		})
	}
}

func TestFieldsSpeakOfTheProblemAlone(t *testing.T) {
	h := http.Header{"Etag": {`"1"`}, "Content-Encoding": {"gzip"}, "Last-Modified": {"x"}, "Cache-Control": {"public"}, "Content-Type": {"text/html"}, "Vary": {"Accept"}}
	New(MethodNotAllowed, "").WithHeader("allow", "GET", "PUT").Fields(h)
	for name, want := range map[string]string{
		"Etag": "", "Content-Encoding": "", "Last-Modified": "", "Cache-Control": "no-store", "Content-Type": ContentType,
		"Vary": "Accept", "Allow": "GET|PUT", "X-Content-Type-Options": "nosniff",
	} {
		if got := strings.Join(h[name], "|"); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestErrorIsForLogs(t *testing.T) {
	cause := errors.New("dial tcp 10.0.0.1: refused")
	p := New(Unavailable, "the service is down").Because(cause)
	if got, want := p.Error(), "503 "+base+"unavailable: the service is down: dial tcp 10.0.0.1: refused"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if !errors.Is(p, cause) {
		t.Error("the cause is lost")
	}
	if b, _ := p.MarshalJSON(); strings.Contains(string(b), "10.0.0.1") {
		t.Errorf("the client is told the cause: %s", b)
	}
}
