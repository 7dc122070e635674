package policy

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/admit"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/validate"
)

// arrival is a request to the library, as it comes in.
type arrival struct {
	line   string // "GET /books?page=1"
	fields []string
	body   string
	by     testCertificate
	from   string // an address; 192.0.2.7 unless it says otherwise
}

func (a arrival) exchange(t *testing.T) *exchange.Exchange {
	t.Helper()
	method, target, _ := strings.Cut(a.line, " ")
	r := httptest.NewRequest(method, "https://library.example:8443"+target, strings.NewReader(a.body))
	if a.body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	for _, field := range a.fields {
		name, value, _ := strings.Cut(field, ": ")
		r.Header.Add(name, value)
	}
	if a.from == "" {
		a.from = "192.0.2.7"
	}
	if a.by.state == nil {
		a.by.state = &tls.ConnectionState{}
	}
	r.Proto, r.ProtoMajor, r.ProtoMinor, r.RemoteAddr, r.TLS = "HTTP/2.0", 2, 0, a.from+":41000", a.by.state
	r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 8443}))
	x := &exchange.Exchange{Time: time.Unix(1790000000, 0)}
	if p := admit.New(admit.Config{}).Admit(x, r, netip.MustParseAddr(a.from)); p != nil {
		t.Fatal(p)
	}
	return x
}

// signed makes a token of claims.
func signed(claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode([]byte(claims))
	mac := hmac.New(sha256.New, []byte("a secret of the library's own making"))
	mac.Write([]byte(text))
	return text + "." + encode(mac.Sum(nil))
}

func basic(user string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":secret"))
}

// TestPoliciesWrittenForEnvoy asks policies in the shapes in which they are written for opa-envoy-plugin, unchanged, about
// requests as they arrive.
func TestPoliciesWrittenForEnvoy(t *testing.T) {
	guest, admin := signed(`{"role":"guest","nbf":1789999999,"exp":1790000600}`), signed(`{"role":"admin","nbf":1789999999,"exp":1790000600}`)
	form := "Content-Type: application/x-www-form-urlencoded"
	parts := "--x\r\nContent-Disposition: form-data; name=\"answer\"\r\n\r\n42\r\n--x\r\nContent-Disposition: form-data; name=\"tag\"\r\nContent-Type: application/json\r\n\r\n{\"a\":1}\r\n" +
		"--x\r\nContent-Disposition: form-data; name=\"tag\"; filename=\"t\"\r\n\r\n\xff\r\n--x--\r\n"
	queries := map[string]*Query{}
	for _, c := range []struct {
		file string
		arrival
		status int // 0 for allowed
	}{
		{"roles", arrival{line: "GET /books", fields: []string{basic("linus")}}, 0},
		{"roles", arrival{line: "GET /books/7", fields: []string{basic("linus")}}, 403},
		{"roles", arrival{line: "GET /books/7", fields: []string{basic("grace")}}, 0},
		{"roles", arrival{line: "POST /books", fields: []string{basic("grace")}}, 0},
		{"roles", arrival{line: "GET /books?page=2", fields: []string{basic("linus")}}, 403}, // the path has the query
		{"roles", arrival{line: "GET /books"}, 403},
		{"roles", arrival{line: "GET /books", fields: []string{"Authorization: Basic ***"}}, 403},

		{"path", arrival{line: "GET /"}, 0},
		{"path", arrival{line: "GET /status"}, 0},
		{"path", arrival{line: "GET /status/"}, 0}, // canonical: the same
		{"path", arrival{line: "GET /status/x"}, 403},
		{"path", arrival{line: "GET /members/ada/loans", fields: []string{"X-Member: ada"}}, 0},
		{"path", arrival{line: "GET /members/ada/loans", fields: []string{"X-Member: bob"}}, 403},
		{"path", arrival{line: "GET /a/files/read%20me.txt"}, 0},

		{"token", arrival{line: "GET /books", fields: []string{"Authorization: Bearer " + guest}}, 0},
		{"token", arrival{line: "DELETE /books", fields: []string{"Authorization: Bearer " + guest}}, 403},
		{"token", arrival{line: "DELETE /books", fields: []string{"Authorization: Bearer " + admin}}, 0},
		{"token", arrival{line: "DELETE /books", fields: []string{"Authorization: Bearer " + admin + "x"}}, 403},
		{"token", arrival{line: "GET /books", fields: []string{"Authorization: Bearer " + signed(`{"role":"guest","nbf":1,"exp":1790000000}`)}}, 403},
		{"token", arrival{line: "GET /books"}, 403},

		{"answer", arrival{line: "GET /books?debug=1", fields: []string{"X-Member: ada"}}, 0},
		{"answer", arrival{line: "POST /books", fields: []string{"X-Member: ada"}}, 404},

		{"body", arrival{line: "GET /orders"}, 0},
		{"body", arrival{line: "POST /orders", fields: []string{"Content-Type: application/json"}, body: `{"books": [{"id": 1}]}`}, 0},
		{"body", arrival{line: "POST /orders", fields: []string{"Content-Type: application/json; charset=utf-8"}, body: `{"books": [{"id": 1, "reference": true}]}`}, 403},
		{"body", arrival{line: "POST /orders", fields: []string{"Content-Type: application/json"}, body: `{"books": [1, 2, 3, 4]}`}, 403},
		{"body", arrival{line: "POST /orders", fields: []string{"Content-Type: application/json"}, body: `{"books": [`}, 400},
		{"body", arrival{line: "POST /orders", fields: []string{"Content-Type: application/json"}, body: `{"books": [], "books": []}`}, 400},
		{"body", arrival{line: "POST /orders", fields: []string{"Content-Type: text/plain"}, body: `{"books": []}`}, 403}, // null to the policy
		{"body", arrival{line: "POST /orders", body: `{"books": []}`}, 403},
		{"body", arrival{line: "POST /orders", fields: []string{"Content-Type: application/json", "Content-Encoding: gzip"}, body: `{"books": []}`}, 415},
		{"body", arrival{line: "POST /orders", fields: []string{"Content-Type: application/json"}, body: strings.Repeat(" ", 1<<20) + "1"}, 413},

		{"form", arrival{line: "POST /quiz", fields: []string{form}, body: "answer=42&tag=a&tag=%20b"}, 0},
		{"form", arrival{line: "POST /quiz", fields: []string{form}, body: "answer=41&tag=a&tag=b"}, 403},
		{"form", arrival{line: "POST /quiz", fields: []string{form}, body: "answer=42&tag=%zz"}, 400},
		{"form", arrival{line: "POST /quiz", fields: []string{form}, body: "answer=42;tag=a"}, 400},
		{"form", arrival{line: "POST /quiz", fields: []string{form}}, 403},
		{"form", arrival{line: "POST /quiz", fields: []string{"Content-Type: multipart/form-data; boundary=x"}, body: parts}, 0},
		{"form", arrival{line: "POST /quiz", fields: []string{"Content-Type: multipart/form-data; boundary=x"}, body: strings.Replace(parts, `{"a":1}`, `{"a":1`, 1)}, 400},
		{"form", arrival{line: "POST /quiz", fields: []string{"Content-Type: multipart/form-data; boundary=x"}, body: strings.TrimSuffix(parts, "--x--\r\n")}, 400},
		{"form", arrival{line: "POST /quiz", fields: []string{"Content-Type: multipart/form-data"}, body: parts}, 400},
		{"form", arrival{line: "PUT /quiz", fields: []string{"Content-Type: text/plain"}, body: "let me pass, please"}, 0},
		{"form", arrival{line: "PUT /quiz", body: "\xff let me pass, please"}, 0},
		{"form", arrival{line: "PUT /quiz", fields: []string{"Content-Type: text/plain, text/html"}, body: "please"}, 415},

		{"query", arrival{line: "GET /?shelf=a&shelf=open"}, 0},
		{"query", arrival{line: "GET /?shelf=open&shelf=closed"}, 403},
		{"query", arrival{line: "GET /"}, 403},

		{"istio", arrival{line: "GET /healthz"}, 0},
		{"istio", arrival{line: "POST /healthz"}, 403},
		{"istio", arrival{line: "GET /catalogue", fields: []string{basic("ada")}}, 0},
		{"istio", arrival{line: "GET /catalogue/lost?all=1", fields: []string{basic("ada")}}, 403},
		{"istio", arrival{line: "GET /catalogue/lost?all=1", fields: []string{basic("bob")}}, 0},

		{"peer", arrival{line: "GET /"}, 0},
		{"peer", arrival{line: "GET /", from: "198.51.100.1"}, 403},
		{"peer", arrival{line: "GET /", from: "198.51.100.1", by: theCertificate}, 0},
		{"peer", arrival{line: "GET /", from: "198.51.100.1", by: anotherCertificate}, 0},

		{"headers", arrival{line: "GET /", fields: []string{"X-Groups: readers", "X-Groups: members"}}, 0},
		{"headers", arrival{line: "GET /", fields: []string{"X-Groups: readers"}}, 403},
		{"headers", arrival{line: "HEAD /", fields: []string{"X-Groups: readers,members"}}, 403},
	} {
		q := queries[c.file]
		if q == nil {
			s, diags := Load(t.Context(), []string{filepath.Join("testdata", "envoy", c.file+".rego")}, Options{})
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			name := "data.envoy.authz.allow"
			if c.file == "istio" {
				name = "data.istio.authz.allow"
			}
			if q, diags = s.Prepare(name, here); diags.HasErrors() {
				t.Fatal(diags)
			}
			if q.Needs().Body == exchange.JSON {
				t.Errorf("%s: takes JSON alone", c.file)
			}
			queries[c.file] = q
		}
		everything := *q
		everything.document, everything.bypass = newDocument(&paths{whole: true}), BypassOff
		var x *exchange.Exchange
		var p *problem.Problem
		for _, ask := range []struct {
			how string
			q   *Query
		}{{"", q}, {" again", q}, {" given all of input", &everything}} {
			if c.body != "" && ask.q == &everything {
				continue // it would have to be JSON
			}
			x = c.exchange(t)
			p = pipeline.New(validate.NewContent(validate.ContentConfig{Any: true}), ask.q).Handle(x)
			if p == nil && c.status != 0 || p != nil && p.StatusCode() != c.status {
				t.Errorf("%s: %s %v%s: got %v, want %d", c.file, c.line, c.fields, ask.how, p, c.status)
			}
		}
		if c.file != "answer" {
			continue
		}
		if p != nil && (p.Detail != "ask at the desk" || p.Header.Get("X-Reason") != "not for you") {
			t.Errorf("denied with %+v", p)
		}
		if p == nil && (!reflect.DeepEqual(x.Forward, http.Header{"X-Reader": {"ada"}, "X-Shelves": {"a", "b"}}) || x.Answer.Get("X-Checked") != "yes" || x.Header["X-Member"] != nil || x.Query.Raw != "lang=en") {
			t.Errorf("allowed with %v, %v, %v, %s", x.Forward, x.Answer, x.Header, x.Query.Raw)
		}
	}
}

// FuzzForms reads bodies of any text as forms.
func FuzzForms(f *testing.F) {
	f.Add("application/x-www-form-urlencoded", "a=1&b=%20&a=2")
	f.Add("multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Type: application/json\r\n\r\n{\"b\":1}\r\n--x--\r\n")
	f.Add("multipart/form-data; boundary=x", "--x\nContent-Disposition: form-data; name=a\n\n1\n--x\n\n--x--")
	f.Add("application/json", "{}")
	f.Fuzz(func(t *testing.T, contentType, body string) {
		x := &exchange.Exchange{Header: http.Header{"Content-Type": {contentType}}, Body: exchange.Body{Read: true, Bytes: []byte(body)}}
		v, err := newDocument(pathsOf("parsed_body")).build(x, x.Time)
		if (v == nil) == (err == nil) {
			t.Errorf("%v, %v", v, err)
		}
	})
}
