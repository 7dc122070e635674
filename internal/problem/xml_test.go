package problem

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

func TestPrefersXML(t *testing.T) {
	for accept, want := range map[string]bool{
		"":                                  false,
		"*/*":                               false,
		"application/*":                     false,
		"application/json":                  false,
		"application/problem+json":          false,
		"application/xml":                   true,
		"TEXT/XML":                          true,
		"application/problem+xml":           true,
		"application/vnd.acme.v1+xml":       true,
		"application/xml, application/json": false,
		"application/xml;q=0.9, application/json;q=0.8":                      true,
		"application/json, application/problem+xml;q=0.9":                    false,
		"application/xml;q=0.9, */*;q=0.8":                                   true,
		"application/xml;q=0.5, */*;q=0.8":                                   false,
		"application/xml;q=0":                                                false,
		"application/json;q=0, */*":                                          true,
		"application/json;q=0, application/*;q=0, */*":                       false,
		"text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8": false,
		"application/xml, text/html;q=0.1":                                   false,
		"application/xml;q=bad, application/json;q=0.1":                      false,
		"image/png": false,
	} {
		if got := prefersXML([]string{accept}); got != want {
			t.Errorf("%q: %v", accept, got)
		}
	}
}

func TestWriteXML(t *testing.T) {
	const start = `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<problem xmlns="urn:ietf:rfc:7807">`
	for _, c := range []struct {
		name, accept string
		p            *Problem
		want         string // "" for JSON
	}{
		{"all members", "application/problem+xml", func() *Problem {
			p := New(VersionRetired, "v1 <is> gone").With("successor", "v2").With("versions", []string{"v2", "v3"}).With("left", nil)
			p.Instance = "urn:uuid:1"
			return p
		}(), `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<problem xmlns="urn:ietf:rfc:7807" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><type>` + base + `version-retired</type>` +
			`<title>This version has been retired</title><status>410</status><detail>v1 &lt;is&gt; gone</detail><instance>urn:uuid:1</instance>` +
			`<successor>v2</successor><versions><i>v2</i><i>v3</i></versions><left xsi:nil="true"/></problem>`},
		{"errors", "text/xml", New(InvalidContent, "").With("errors", []any{map[string]any{"pointer": "/a", "detail": "is missing"}}),
			start + `<type>` + base + `invalid-content</type><title>The request breaks the API's rules</title><status>422</status>` +
				`<errors><i><detail>is missing</detail><pointer>/a</pointer></i></errors></problem>`},
		{"a name that is none in XML", "application/xml", (&Problem{Type: BadGateway, URI: "about:blank", Title: "x"}).With("a b", 1),
			start + `<type>about:blank</type><title>x</title><status>502</status><a_x0020_b>1</a_x0020_b></problem>`},
		{"a text that XML cannot carry", "application/xml", New(BadRequest, "\x00"), ""},
		{"JSON", "application/json", New(BadRequest, ""), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				w, r := httptest.NewRecorder(), httptest.NewRequest(method, "/", nil)
				r.Header.Set("Accept", c.accept)
				w.Header().Set("Vary", "Acme-Version")
				if err := c.p.Write(w, r); err != nil {
					t.Fatal(err)
				}
				kind := ContentType
				if c.want != "" {
					kind = ContentTypeXML
					want := c.want
					if method == http.MethodHead {
						want = ""
					}
					if w.Body.String() != want || w.Header().Get("Content-Length") != strconv.Itoa(len(c.want)) {
						t.Errorf("got  %s\nwant %s", w.Body, want)
					}
				}
				if got := w.Header().Get("Content-Type"); got != kind || w.Code != c.p.StatusCode() || w.Header().Get("Cache-Control") != "no-store" {
					t.Errorf("%d, %s", w.Code, got)
				}
				vary := strings.Join(w.Header()["Vary"], ", ")
				if wants := c.accept != "application/json"; wants != (vary == "Acme-Version, Accept") || !wants && vary != "Acme-Version" {
					t.Errorf("Vary: %s", vary)
				}
			}
		})
	}
}
