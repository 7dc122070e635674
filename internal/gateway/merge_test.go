package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/limit"
	"github.com/wicketgate/wicketgate/internal/merge"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// parcels is an API whose callers of v1 do not see the parcel's note, nor that a line is a gift, nor the name's parts.
const parcels = `
upstream "parcels" { servers = ["https://parcels.example"] }
api "parcels" {
  upstream  = upstream.parcels
  identify  = [anonymous]
  authorize = public
  versioning { path = true }
  object "parcel" {
    schema = "parcel.json"
    holds  = { "lines[*]" = object.line }
  }
  object "line" { schema = "line.json" }
  route "GET /parcels/{id}" { returns = object.parcel }
  route "PUT /parcels/{key}" {
    accepts = object.parcel
    returns = object.parcel
    merge   = true
  }
  version "v1" { released = "2025-01-01" }
  version "v2" {
    released = "2026-01-01"
    change "notes" {
      summary = "Parcels have a note, and count became amount."
      on      = object.parcel
      rename "count" { to = "amount" }
      add "note" { value = null }
    }
    change "names" {
      summary = "The name is in two parts."
      on      = object.parcel
      split "name" {
        into      = ["first", "last"]
        separator = " "
      }
    }
    change "gifts" {
      summary = "Lines may be gifts."
      on      = object.line
      add "gift" { value = false }
    }
  }
  version "v3" {
    released = "2026-06-01"
    change "weight" {
      summary = "grams is called weight."
      on      = object.parcel
      rename "grams" { to = "weight" }
    }
  }
}
`

// load builds a gateway of a catalogue.
func load(t *testing.T, text string, to Upstream) (*Gateway, hcl.Diagnostics) {
	t.Helper()
	folder := t.TempDir()
	for name, content := range map[string]string{
		"parcels.hcl": text,
		"parcel.json": `{"type":"object","properties":{"id":{},"amount":{"type":"integer"},"note":{},"first":{},"last":{},"lines":{"items":{"$ref":"line.json"}},"weight":{},"to":{"type":"object","required":["city"]}}}`,
		"line.json":   `{"type":"object"}`,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, sources, diags := catalogue.Load([]string{folder}, nil)
	g, _, _, more := Build(Config{Catalogue: c, Broken: diags.HasErrors(), Sources: sources, Counter: limit.NewMemory(0),
		Upstream: func(*catalogue.Upstream) (Upstream, error) { return to, nil }})
	return g, append(diags, more...)
}

// serve runs the gateway before the store, over TLS both.
func serve(t *testing.T, s *store) *httptest.Server {
	t.Helper()
	client := s.Client()
	client.Transport.(*http.Transport).MaxIdleConnsPerHost = 64
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	g, diags := load(t, parcels, over{s.URL, client})
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	front := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := &exchange.Exchange{Context: r.Context(), ID: "1", Time: time.Now()}
		_, err := g.Serve(w, r, x, netip.MustParseAddr("192.0.2.1"), func(string) bool { return true })
		if refused := (*problem.Problem)(nil); err != nil && !errors.As(err, &refused) {
			// The caller is gone. It may still read while it closes, and would take what net/http answers by itself for
			// the gateway's: an empty 200.
			panic(http.ErrAbortHandler)
		}
	}))
	front.Client().Transport.(*http.Transport).MaxIdleConnsPerHost = 64
	t.Cleanup(front.Close)
	return front
}

type answer struct {
	status    int
	tag, body string
}

func ask(t testing.TB, front *httptest.Server, method, path, body string, fields ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, front.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		req.Header.Set(name, value)
	}
	res, err := front.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header.Get("Etag"), string(text)}
}

const (
	stored  = `{"id":7,"amount":1,"note":"fragile","first":"Ada B","last":"C","lines":[{"sku":"A","gift":true},{"sku":"B","gift":false}],"weight":5}`
	asV1    = `{"id":7,"count":1,"name":"Ada B C","lines":[{"sku":"A"},{"sku":"B"}],"grams":5}`
	editV1  = `{"id":7,"count":2,"name":"Ada B C","lines":[{"sku":"C"},{"sku":"A"}],"grams":6}`
	edited  = `{"id":7,"amount":2,"note":"fragile","first":"Ada B","last":"C","lines":[{"sku":"C","gift":false},{"sku":"A","gift":true}],"weight":6}`
	created = `{"id":7,"amount":2,"note":null,"first":"Ada","last":"B C","lines":[{"sku":"C","gift":false},{"sku":"A","gift":false}],"weight":6}`
)

func TestMergedPut(t *testing.T) {
	tests := []struct {
		name    string
		version string // v1 where not said
		stored  string // "" for nothing, "-" for what is stored otherwise
		body    string
		fields  []string
		status  int
		want    string // what is stored then; "" where it is as it was
		asked   []string
	}{
		{name: "nothing changed", stored: "-", body: asV1, status: 200, asked: []string{"GET", `PUT If-Match: "1"`}},
		{name: "what is not seen stays", stored: "-", body: editV1, status: 200, want: edited, asked: []string{"GET", `PUT If-Match: "1"`}},
		{name: "a name that was changed is changed whole", stored: "-", body: `{"name":"Bob D"}`, status: 200, want: `{"first":"Bob","last":"D","note":"fragile"}`,
			asked: []string{"GET", `PUT If-Match: "1"`}},
		{name: "nothing is there", body: editV1, status: 201, want: created, asked: []string{"GET", "PUT If-None-Match: *"}},
		{name: "the version before the newest, which sees all", version: "v2", stored: "-", body: `{"amount":3,"grams":1}`, status: 200, want: `{"amount":3,"weight":1}`, asked: []string{"PUT"}},
		{name: "the newest, which says all", version: "v3", stored: "-", body: `{"amount":3}`, status: 200, want: `{"amount":3}`, asked: []string{"PUT"}},

		{name: "the state that the caller names", stored: "-", body: editV1, fields: []string{`If-Match: "0;v1", "1;v1"`}, status: 200, want: edited, asked: []string{"GET", `PUT If-Match: "1"`}},
		{name: "another state", stored: "-", body: editV1, fields: []string{`If-Match: "0;v1"`}, status: 412, asked: []string{"GET"}},
		{name: "the state of another version's form", stored: "-", body: editV1, fields: []string{`If-Match: "1;v2"`}, status: 412, asked: []string{"GET"}},
		{name: "a weak tag names no state", stored: "-", body: editV1, fields: []string{`If-Match: W/"1;v1"`}, status: 412, asked: []string{"GET"}},
		{name: "any state", stored: "-", body: editV1, fields: []string{`If-Match: *`}, status: 200, want: edited, asked: []string{"GET", `PUT If-Match: "1"`}},
		{name: "any state, and there is none", body: editV1, fields: []string{`If-Match: *`}, status: 412, asked: []string{"GET"}},
		{name: "only if nothing is there", body: editV1, fields: []string{`If-None-Match: *`}, status: 201, want: created, asked: []string{"GET", "PUT If-None-Match: *"}},
		{name: "only if nothing is there, and something is", stored: "-", body: editV1, fields: []string{`If-None-Match: *`}, status: 412, asked: []string{"GET"}},
		{name: "unless it is in a state", stored: "-", body: editV1, fields: []string{`If-None-Match: W/"1;v1"`}, status: 412, asked: []string{"GET"}},
		{name: "unmodified", stored: "-", body: editV1, fields: []string{`If-Unmodified-Since: Wed, 01 Jul 2026 00:00:00 GMT`}, status: 200, want: edited, asked: []string{"GET", `PUT If-Match: "1"`}},
		{name: "modified", stored: "-", body: editV1, fields: []string{`If-Unmodified-Since: Tue, 30 Jun 2026 00:00:00 GMT`}, status: 412, asked: []string{"GET"}},
		{name: "a part and a digest are of another form", stored: "-", body: editV1, fields: []string{`Range: bytes=0-1`, `Content-Digest: md5=:AA==:`}, status: 200, want: edited, asked: []string{"GET", `PUT If-Match: "1"`}},

		{name: "a body that is wrong reads nothing", stored: "-", body: `{"count":"x"}`, status: 422},
		{name: "a resource that the caller's version has no form for", stored: `{"first":1}`, body: editV1, status: 502, asked: []string{"GET"}},
		{name: "what is hidden and cannot be kept", stored: `{"grams":{"x":1},"weight":{"y":1},"amount":1}`, body: `{"count":1}`, status: 409, asked: []string{"GET"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newStore(t)
			before := test.stored
			if before == "-" {
				before = stored
			}
			if before != "" {
				s.put("/parcels/7", before)
			}
			version := test.version
			if version == "" {
				version = "v1"
			}
			a := ask(t, serve(t, s), "PUT", "/"+version+"/parcels/7", test.body, test.fields...)
			if a.status != test.status {
				t.Errorf("got %d %s, want %d", a.status, a.body, test.status)
			}
			want := test.want
			if want == "" {
				want = before
			}
			if got := s.get("/parcels/7"); got != want && (got == "" || want == "" || !merge.Equal([]byte(got), []byte(want))) {
				t.Errorf("stored is\n%s\nwant\n%s", got, want)
			}
			if got := s.requests(); !slices.Equal(got, test.asked) {
				t.Errorf("the service was asked %q, want %q", got, test.asked)
			}
			if a.status == 200 && version == "v1" && (a.tag != `"2;v1"` || !merge.Equal([]byte(a.body), []byte(test.body))) {
				t.Errorf("the caller reads %s %s", a.tag, a.body)
			}
		})
	}
}

// Services that a PUT cannot be merged with: nothing is written, and the caller learns what it can do something about.
func TestUnreadable(t *testing.T) {
	tests := []struct {
		name   string
		answer func(w http.ResponseWriter)
		status int
	}{
		{"no entity tag", func(w http.ResponseWriter) { io.WriteString(w, stored) }, 502},
		{"a weak entity tag", func(w http.ResponseWriter) { w.Header().Set("Etag", `W/"1"`); io.WriteString(w, stored) }, 502},
		{"a tag that is none", func(w http.ResponseWriter) { w.Header().Set("Etag", `1`); io.WriteString(w, stored) }, 502},
		{"no JSON by its word", func(w http.ResponseWriter) { w.Header().Set("Content-Type", "text/html"); tagged(w, stored) }, 502},
		{"no JSON", func(w http.ResponseWriter) { tagged(w, `{"a":1,"a":2}`) }, 502},
		{"nothing", func(w http.ResponseWriter) { tagged(w, ``) }, 502},
		{"too much", func(w http.ResponseWriter) { tagged(w, `"`+strings.Repeat("x", maxAnswer)+`"`) }, 502},
		{"no content", func(w http.ResponseWriter) { w.WriteHeader(204) }, 502},
		{"elsewhere", func(w http.ResponseWriter) { w.Header().Set("Location", "/x"); w.WriteHeader(307) }, 502},
		{"not for this caller", func(w http.ResponseWriter) { w.WriteHeader(403) }, 403},
		{"not for this gateway", func(w http.ResponseWriter) { w.WriteHeader(401) }, 403},
		{"gone", func(w http.ResponseWriter) { w.WriteHeader(410) }, 201},
		{"too often", func(w http.ResponseWriter) { w.Header().Set("Retry-After", "3"); w.WriteHeader(429) }, 503},
		{"a failure", func(w http.ResponseWriter) { w.WriteHeader(500); io.WriteString(w, "secret") }, 500},
		{"an outage", func(w http.ResponseWriter) { w.WriteHeader(503) }, 503},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newStore(t)
			s.answer = func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method == "GET" {
					w.Header().Set("Content-Type", "application/json")
					test.answer(w)
				}
				return r.Method == "GET"
			}
			a := ask(t, serve(t, s), "PUT", "/v1/parcels/7", editV1)
			if a.status != test.status || strings.Contains(a.body, "secret") {
				t.Errorf("got %d %s, want %d", a.status, a.body, test.status)
			}
			if written := s.get("/parcels/7") != ""; written != (a.status == 201) {
				t.Errorf("written: %t", written)
			}
		})
	}
}

func tagged(w http.ResponseWriter, body string) {
	w.Header().Set("Etag", `"1"`)
	_, _ = io.WriteString(w, body)
}

// Another writer comes between the read and the write.
func TestContention(t *testing.T) {
	const others = `{"id":7,"amount":1,"note":"very fragile","weight":5}`
	tests := []struct {
		name   string
		stored string
		meets  int // writes of the caller's that another comes before
		fields string
		status int
		want   string
		asked  int
	}{
		{"once: both effects are there", stored, 1, "", 200, `{"amount":2,"note":"very fragile"}`, 4},
		{"where nothing was: both are there", "", 1, "", 200, `{"amount":2,"note":"very fragile"}`, 4},
		{"always: the caller is told", stored, 9, "", 409, others, 4},
		{"the caller named the state", stored, 1, `If-Match: "1;v1"`, 412, others, 3},
		{"the caller wants none there", "", 1, `If-None-Match: *`, 412, others, 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newStore(t)
			if test.stored != "" {
				s.put("/parcels/7", test.stored)
			}
			met := 0
			s.before = func(r *http.Request) {
				if r.Method == "PUT" && met < test.meets {
					met++
					s.put("/parcels/7", others)
				}
			}
			var fields []string
			if test.fields != "" {
				fields = append(fields, test.fields)
			}
			a := ask(t, serve(t, s), "PUT", "/v1/parcels/7", `{"count":2}`, fields...)
			if a.status != test.status {
				t.Errorf("got %d %s, want %d", a.status, a.body, test.status)
			}
			if got := s.get("/parcels/7"); !merge.Equal([]byte(got), []byte(test.want)) {
				t.Errorf("stored is %s, want %s", got, test.want)
			}
			if got := s.requests(); len(got) != test.asked {
				t.Errorf("the service was asked %q", got)
			}
		})
	}
}

// The write arrived and its answer got lost; whoever sends it again is told that the resource is no longer what was
// read. It is what was to be written, but may be another's who wrote the same.
func TestLostAnswer(t *testing.T) {
	for field, status := range map[string]int{`If-Match: "1;v1"`: 412, `If-Match: *`: 200} {
		s := newStore(t)
		s.put("/parcels/7", stored)
		lost := false
		s.answer = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != "PUT" || lost {
				return false
			}
			lost = true
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			s.put("/parcels/7", string(body))
			w.WriteHeader(http.StatusPreconditionFailed)
			return true
		}
		a := ask(t, serve(t, s), "PUT", "/v1/parcels/7", editV1, field)
		if got := s.get("/parcels/7"); a.status != status || !merge.Equal([]byte(got), []byte(edited)) {
			t.Errorf("%s: got %d %s, and stored is %s", field, a.status, a.body, got)
		}
	}
}

// Callers of the old version read, add one and write back if nothing changed, and of the newest count something else
// that the old do not see. Nothing that any of them was told is written is lost.
func TestNothingIsLost(t *testing.T) {
	s := newStore(t)
	s.put("/parcels/7", `{"amount":0,"note":0}`)
	front := serve(t, s)
	const callers, each = 50, 1
	var conflicts atomic.Int64
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			version, member := "v1", "count"
			if i%5 == 0 {
				version, member = "v3", "note"
			}
			for done := 0; done < each; {
				read := ask(t, front, "GET", "/"+version+"/parcels/7", "")
				var doc map[string]any
				if err := json.Unmarshal([]byte(read.body), &doc); err != nil {
					t.Error(err)
					return
				}
				n, _ := doc[member].(float64)
				doc[member] = n + 1
				body, err := json.Marshal(doc)
				if err != nil {
					t.Error(err)
					return
				}
				switch a := ask(t, front, "PUT", "/"+version+"/parcels/7", string(body), "If-Match: "+read.tag); a.status {
				case 200:
					done++
				case 412:
					conflicts.Add(1)
				default:
					t.Errorf("got %d %s", a.status, a.body)
					return
				}
			}
		})
	}
	all.Wait()
	want := fmt.Sprintf(`{"amount":%d,"note":%d}`, callers*4/5*each, callers/5*each)
	if got := s.get("/parcels/7"); !merge.Equal([]byte(got), []byte(want)) {
		t.Errorf("stored is %s, want %s", got, want)
	}
	if conflicts.Load() == 0 {
		t.Error("nobody met anybody")
	}
}

// The gateway is told when the caller has gone, and writes nothing more.
func TestCallerGone(t *testing.T) {
	s := newStore(t)
	s.put("/parcels/7", stored)
	front := serve(t, s)
	arrived := make(chan struct{})
	s.answer = func(_ http.ResponseWriter, r *http.Request) bool {
		close(arrived)
		<-r.Context().Done()
		return true
	}
	req, err := http.NewRequestWithContext(t.Context(), "PUT", front.URL+"/v1/parcels/7", strings.NewReader(editV1))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	gone := errors.New("gone")
	ctx, leave := context.WithCancelCause(req.Context())
	go func() {
		<-arrived
		leave(gone)
	}()
	if _, err := front.Client().Do(req.WithContext(ctx)); !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
	front.Close()
	if got := s.requests(); len(got) != 1 {
		t.Errorf("the service was asked %q", got)
	}
}

func TestLostUpdateWarnings(t *testing.T) {
	told := func(text string) (lines []string) {
		_, diags := load(t, text, over{})
		for _, d := range diags {
			line := diagnostic.Line(d)
			lines = append(lines, line[strings.Index(line, "parcels.hcl"):])
		}
		return lines
	}
	if got := told(parcels); got != nil {
		t.Errorf("merged, and yet %q", got)
	}
	unmerged := strings.Replace(parcels, "merge   = true", "", 1)
	got := strings.Join(told(unmerged), "\n")
	for _, want := range []string{`parcels.hcl:26:7: warning: Lost update on PUT /parcels/{key}: Callers of older versions do not see all that add "note" makes`, `split "name"`, `add "gift"`, "merge = true", "accept"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not told:\n%s", want, got)
		}
	}
	if n := strings.Count(got, "\n") + 1; n != 3 {
		t.Errorf("%d warnings:\n%s", n, got)
	}
	for name, text := range map[string]string{
		"no version with the route is older": strings.Replace(unmerged, "returns = object.parcel\n    \n", "since = version.v2\n", 1),
		"no PUT":                             strings.Replace(unmerged, "PUT", "POST", 1),
		"accepted": strings.NewReplacer("value = null }", "value = null\naccept = \"x\"\n}", "value = false }", "value = false\naccept = \"x\"\n}", "separator = \" \"", "separator = \" \"\naccept = \"x\"",
			"add \"note\" {", "add \"note\" {\n", "add \"gift\" {", "add \"gift\" {\n").Replace(unmerged),
	} {
		if got := told(text); got != nil {
			t.Errorf("%s, and yet %q", name, got)
		}
	}
}
