package gateway_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// obliging makes the shop's policy oblige to what the caller's own fields say: "X-Drop: /customer/email".
func obliging(s *server) {
	s.write("policies/shop/orders.rego", s.read("policies/shop/orders.rego")+`
drop contains pointer if some pointer in input.request.headers["x-drop"]

mask contains pointer if some pointer in input.request.headers["x-mask"]

filter := {list: {member: value}} if [list, member, value] = split(input.request.headers["x-filter"][0], " ")
`)
}

const two = `{"data":[{"id":"acme-1","owner":"acme","customer":{"name":"Ada","email":"ada@x"},"status":"verified","lines":[{"sku":"A-1","qty":1.0}], "later":1e2},` +
	` {"id":"other-1","owner":"other","customer":{"name":"Bob","email":"bob@x"},"status":"verified","lines":[]}], "next":null}`

// TestObligations has the service answer the same to callers who see different parts of it, in three versions.
func TestObligations(t *testing.T) {
	s := start(t, obliging)
	c := s.client(true)
	for _, test := range []struct {
		name, version, path string
		fields              []string
		kind, body          string // of the service; JSON by default
		status              int    // of the service, 200 by default
		want                string // nothing: denied, or the status below
		wantStatus          int
	}{
		{name: "nothing", version: "2026-11-01", path: "/orders", body: two, want: two},
		{name: "the newest version", version: "2026-11-01", path: "/orders", body: two, fields: []string{"X-Drop: /data/*/customer/email", "X-Mask: /data/*/customer/name", "X-Filter: /data owner acme"},
			want: `{"data":[{"id":"acme-1","owner":"acme","customer":{"name":"***"},"status":"verified","lines":[{"sku":"A-1","qty":1.0}], "later":1e2}], "next":null}`},
		{name: "an older one", version: "v1", path: "/orders", body: two, fields: []string{"X-Drop: /data/*/customer/email", "X-Mask: /data/*/customer/name", "X-Filter: /data owner acme"},
			want: `{"data":[{"id":"acme-1","owner":"acme","customer_name":"***","verified":true,"lines":[{"article":"A-1","qty":1.0}], "later":1e2}], "next":null}`},
		{name: "its own names are not the policy's", version: "v1", path: "/orders/acme-1001", body: order, fields: []string{"X-Drop: /customer_email"},
			want: `{"id":"acme-1001","owner":"acme","customer_name":"Ada","customer_email":"ada@example.org","verified":true,"currency":"EUR","total":{"amount":1230},"lines":[{"article":"A-1","qty":2}]}`},
		{name: "an object", version: "v1", path: "/orders/acme-1001", body: order, fields: []string{"X-Drop: /customer", "X-Mask: /status", "X-Mask: /total", "X-Drop: /lines/*/sku"},
			want: `{"id":"acme-1001","owner":"acme","verified":"***","currency":"EUR","total":null,"lines":[{"qty":2}]}`},
		{name: "text", version: "2026-11-01", path: "/orders", kind: "text/plain", body: two, fields: []string{"X-Drop: /a"}},
		{name: "no type", version: "v1", path: "/orders", kind: "none", body: two, fields: []string{"X-Drop: /a"}},
		{name: "not well formed", version: "2026-11-01", path: "/orders", body: two + "}", fields: []string{"X-Drop: /a"}},
		{name: "twice the same name", version: "2026-11-01", path: "/orders", body: `{"a":1,"\u0061":2}`, fields: []string{"X-Drop: /a"}},
		{name: "a list where an object should be", version: "v1", path: "/orders", body: two, fields: []string{"X-Drop: /data/customer"}},
		{name: "an object where a list should be", version: "2026-11-01", path: "/orders", body: order, fields: []string{"X-Mask: /customer/*/email"}},
		{name: "a pointer that is none", version: "2026-11-01", path: "/orders", body: two, fields: []string{"X-Drop: email"}},
		{name: "too large", version: "2026-11-01", path: "/orders/acme-1001", body: `{"a":"` + strings.Repeat("x", 8<<20) + `"}`, fields: []string{"X-Drop: /b"}},
		{name: "a failure", version: "v1", path: "/orders/acme-1001", status: 404, kind: "application/problem+json", body: `{"title":"gone","card":"4111"}`, fields: []string{"X-Drop: /card"}, want: `{"title":"gone"}`},
		{name: "a failure as text", version: "2026-11-01", path: "/orders/acme-1001", status: 404, kind: "text/html", body: `<p>secret`, fields: []string{"X-Drop: /card"}, wantStatus: 404},
		{name: "a failure of another shape", version: "v1", path: "/orders", status: 409, body: `{"data":"secret"}`, fields: []string{"X-Mask: /data/*/card"}, wantStatus: 409},
		{name: "a redirection", version: "2026-11-01", path: "/orders/acme-1001", status: 303, kind: "text/html", body: `<p>secret`, fields: []string{"X-Drop: /card"}, wantStatus: 303},
	} {
		t.Run(test.name, func(t *testing.T) {
			var asked http.Header
			s.upstream.answers(func(w http.ResponseWriter, r *http.Request) {
				asked = r.Header
				w.Header().Set("Content-Type", "application/json")
				switch test.kind {
				case "":
				case "none":
					w.Header()["Content-Type"] = nil
				default:
					w.Header().Set("Content-Type", test.kind)
				}
				w.Header().Set("Etag", `"7"`)
				w.Header().Set("Last-Modified", "Wed, 01 Jul 2026 00:00:00 GMT")
				w.Header().Set("Content-Digest", "sha-256=:AAAA:")
				w.Header().Set("Content-Length", strconv.Itoa(len(test.body)))
				if test.status != 0 {
					w.WriteHeader(test.status)
				}
				io.WriteString(w, test.body)
			})
			a := s.do(c, "GET", "/api/"+test.version+test.path, "", append(test.fields, "X-API-Key: "+acme, "Accept-Encoding: gzip")...)
			obliged := test.fields != nil
			if obliged && asked != nil && asked.Get("Accept-Encoding") != "identity" {
				t.Errorf("the service was asked for %q", asked.Get("Accept-Encoding"))
			}
			if test.want == "" {
				want := test.wantStatus
				if want == 0 {
					want = 403
				}
				if a.status != want || strings.Contains(a.body, "acme-1") || strings.Contains(a.body, "secret") || strings.Contains(a.body, "xxx") {
					t.Fatalf("got %d %.300s", a.status, a.body)
				}
				if want >= 400 && (a.header.Get("Content-Type") != "application/problem+json" || !strings.Contains(a.body, `"instance":"urn:uuid:`)) {
					t.Errorf("got %v %s", a.header, a.body)
				}
				return
			}
			if want := max(test.status, 200); a.status != want || a.body != test.want {
				t.Fatalf("got  %d %s\nwant %d %s", a.status, a.body, want, test.want)
			}
			tag, hidden := a.header.Get("Etag"), strings.Contains(a.header.Get("Etag"), ";~")
			if hidden != obliged || (a.header.Get("Cache-Control") == "private") != obliged || (a.header.Get("Last-Modified") == "") != obliged || obliged && a.header.Get("Content-Digest") != "" {
				t.Errorf("got the tag %s, %v", tag, a.header)
			}
			if got := a.header.Get("Content-Length"); got != strconv.Itoa(len(a.body)) {
				t.Errorf("got Content-Length %s for %d bytes", got, len(a.body))
			}
		})
	}
}

// TestTagsOfWhatIsHidden has a service whose order has the tag "7": each choice of what is hidden has a tag of its own,
// which means to the service what it meant to the caller.
func TestTagsOfWhatIsHidden(t *testing.T) {
	s := start(t, obliging)
	c := s.client(true)
	s.upstream.answers(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", `"7"`)
		w.Header().Set("Cache-Control", "public, max-age=60, s-maxage=600")
		w.Header().Set("Content-Type", "application/json")
		if r.Header.Get("Range") != "" || r.Header.Get("If-Modified-Since") != "" {
			t.Errorf("the service is asked with %v", r.Header)
		}
		if strings.Contains(r.Header.Get("If-None-Match"), `"7"`) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		if m := r.Header.Get("If-Match"); m != "" && m != `"7"` {
			w.WriteHeader(http.StatusPreconditionFailed)
			return
		}
		if r.Method == "DELETE" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		io.WriteString(w, order)
	})
	for _, version := range []string{"v1", "2026-11-01"} {
		path, key := "/api/"+version+"/orders/acme-1001", "X-API-Key: "+acme
		tagOf := func(fields ...string) string {
			a := s.do(c, "GET", path, "", append(fields, key, "Range: bytes=0-1", "If-Modified-Since: Wed, 01 Jul 2026 00:00:00 GMT")...)
			if a.status != 200 || a.header.Get("Cache-Control") != "max-age=60, private" {
				t.Fatalf("got %d %v", a.status, a.header)
			}
			return a.header.Get("Etag")
		}
		mail, name := tagOf("X-Drop: /customer/email"), tagOf("X-Drop: /customer/name")
		if mail == name || !strings.HasPrefix(mail, `"7;~`) {
			t.Fatalf("the tags are %s and %s", mail, name)
		}
		for _, test := range []struct {
			method string
			status int
			fields []string
		}{
			{"GET", 304, []string{"X-Drop: /customer/email", "If-None-Match: " + mail}},
			{"HEAD", 304, []string{"X-Drop: /customer/email", "If-None-Match: " + mail}},
			{"HEAD", 200, []string{"X-Drop: /customer/email"}},
			{"GET", 200, []string{"X-Drop: /customer/name", "If-None-Match: " + mail}},
			{"GET", 200, []string{"X-Drop: /customer/name", `If-None-Match: "7"`}},
			{"GET", 200, []string{"If-None-Match: " + mail}},
			{"PUT", 200, []string{"X-Drop: /customer/email", "If-Match: " + mail}},
			{"PUT", 200, []string{"If-Match: " + mail}},
			{"PUT", 412, []string{"X-Drop: /customer/email", `If-Match: "6;~0123456789abcdef"`}},
		} {
			body := ""
			if test.method == "PUT" {
				if version == "v1" {
					continue // merged, which has a test of its own
				}
				body = newest
				test.fields = append(test.fields, "Content-Type: application/json")
			}
			if a := s.do(c, test.method, path, body, append(test.fields, key)...); a.status != test.status {
				t.Errorf("%s %s %q: got %d %s", version, test.method, test.fields, a.status, a.body)
			} else if test.method == "HEAD" && a.header.Get("Content-Length") != "" {
				t.Errorf("HEAD tells the length of what the caller does not get: %v", a.header)
			}
		}
	}
}

// TestHidingWhatArrives has the service send lists that are longer than what is held of them.
func TestHidingWhatArrives(t *testing.T) {
	s := start(t, obliging)
	c := s.client(true)
	end := "]}"
	s.upstream.answers(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"data":[`)
		for i := range 3_000 {
			owner := "acme"
			if i%3 != 0 {
				owner = "secret"
			}
			fmt.Fprintf(w, `{"id":"%s-%d","owner":"%s","customer":{"name":"Ada","email":"secret"},"status":"verified"},`, owner, i, owner)
		}
		io.WriteString(w, `{"id":"secret"}`+end)
	})
	for _, version := range []string{"v1", "2026-11-01"} {
		end = "]}"
		fields := []string{"X-API-Key: " + acme, "X-Filter: /data owner acme", "X-Drop: /data/*/customer/email"}
		a := s.do(c, "GET", "/api/"+version+"/orders", "", fields...)
		var got struct{ Data []map[string]any }
		if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != 200 || len(got.Data) != 1_000 || strings.Contains(a.body, "secret") {
			t.Errorf("%s: got %d, %d items, %v", version, a.status, len(got.Data), err)
		}
		end = "]]" // a mistake that shows late
		req, err := http.NewRequest("GET", fmt.Sprintf("https://localhost:%d/api/%s/orders", s.port, version), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range fields {
			name, value, _ := strings.Cut(f, ": ")
			req.Header.Add(name, value)
		}
		res, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err == nil || strings.Contains(string(text), "secret") {
			t.Errorf("%s: a broken list came to its end: %v", version, err)
		}
	}
}

// TestMergedPutOfWhatIsHidden has a caller of v1 write back what it saw of an order, of which a policy hides a part. All
// that it did not see stays.
func TestMergedPutOfWhatIsHidden(t *testing.T) {
	s := start(t, obliging)
	c := s.client(true)
	s.shopOf(func(http.Handler, http.ResponseWriter, *http.Request) bool { return false })
	key := "X-API-Key: " + acme
	path := "/orders/acme-1001"
	whole := strings.Replace(newest, `"qty":1}`, `"qty":1},{"sku":"B-2","qty":2}`, 1)
	for _, test := range []struct {
		name   string
		fields []string
		change func(o map[string]any)
		status int
		want   map[string]string // pointers into what is there then
	}{
		{"as it was", []string{"X-Drop: /customer/email", "X-Mask: /customer/name"}, func(map[string]any) {}, 200, map[string]string{"email": "ada@example.org", "name": "Ada", "currency": "EUR"}},
		{"another member", []string{"X-Drop: /customer/email", "X-Mask: /customer/name"}, func(o map[string]any) { o["currency"] = "USD" }, 200, map[string]string{"email": "ada@example.org", "name": "Ada", "currency": "USD"}},
		{"over the mask", []string{"X-Mask: /customer/name"}, func(o map[string]any) { o["customer_name"] = "Bob" }, 200, map[string]string{"email": "ada@example.org", "name": "Bob", "currency": "EUR"}},
		{"items left out, and something else changed", []string{"X-Filter: /lines sku A-1"}, func(o map[string]any) { o["currency"] = "USD" }, 200, map[string]string{"sku": "A-1", "sku ": "B-2", "currency": "USD"}},
		{"items left out, and one changed", []string{"X-Filter: /lines sku A-1"}, func(o map[string]any) {
			o["lines"].([]any)[0].(map[string]any)["qty"] = 7
		}, 409, map[string]string{"sku": "A-1", "sku ": "B-2"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if a := s.do(c, "PUT", "/api/2026-11-01"+path, whole, key, "Content-Type: application/json"); a.status != 200 {
				t.Fatalf("got %d %s", a.status, a.body)
			}
			read := s.do(c, "GET", "/api/v1"+path, "", append(test.fields, key)...)
			var o map[string]any
			if err := json.Unmarshal([]byte(read.body), &o); err != nil || read.status != 200 {
				t.Fatalf("got %d %s", read.status, read.body)
			}
			test.change(o)
			if o["customer_email"] == nil { // the schema of v1 wants one
				o["customer_email"] = "ada@example.org"
			}
			body, err := json.Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			a := s.do(c, "PUT", "/api/v1"+path, string(body), append(test.fields, key, "Content-Type: application/json", "If-Match: "+read.header.Get("Etag"))...)
			if a.status != test.status || a.status == 200 && strings.Contains(a.body, "ada@example.org") && strings.Contains(test.fields[0], "email") {
				t.Errorf("got %d %s", a.status, a.body)
			}
			now := s.do(c, "GET", "/api/2026-11-01"+path, "", key)
			for name, value := range test.want {
				if !strings.Contains(now.body, fmt.Sprintf("%q:%q", strings.TrimSpace(name), value)) {
					t.Errorf("and now it is %s, without %s %s", now.body, name, value)
				}
			}
			if !strings.Contains(now.body, `"note":"fragile"`) {
				t.Errorf("the note is lost: %s", now.body)
			}
		})
	}
}

// TestHidingInXML has what is hidden be nowhere in answers in XML either.
func TestHidingInXML(t *testing.T) {
	s := start(t, obliging, func(s *server) {
		s.replace("examples/shop/shop.hcl", "  upstream  = upstream.orders\n", "  upstream  = upstream.orders\n  formats   = [\"json\", \"xml\"]\n")
	})
	s.upstream.answers(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Etag", `"7"`)
		io.WriteString(w, strings.NewReplacer("ada@example.org", "secret", "Ada", "secret", "1230", "4711").Replace(order))
	})
	c := s.client(true)
	for _, version := range []string{"v1", "2026-11-01"} {
		a := s.do(c, "GET", "/api/"+version+"/orders/acme-1001", "", "X-API-Key: "+acme, "Accept: application/xml", "X-Drop: /customer/email", "X-Mask: /customer/name", "X-Mask: /total/amount")
		if a.status != 200 || strings.Contains(a.body, "secret") || strings.Contains(a.body, "4711") || !strings.Contains(a.body, "***") || !strings.Contains(a.body, "<id>acme-1001</id>") {
			t.Errorf("%s: got %d %s", version, a.status, a.body)
		}
		tag := a.header.Get("Etag")
		if !strings.HasPrefix(tag, `"7;~`) || !strings.HasSuffix(tag, `;xml"`) {
			t.Errorf("%s: got the tag %s", version, tag)
		}
	}
}
