package route

import (
	"net/http"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// Reading Accept never fails where a caller's list is sound, and never finds a version that the text does not hold.
func FuzzAccept(f *testing.F) {
	for _, s := range []string{vnd1 + ";q=0.5, " + vnd2, `a/b;c="\",` + vnd1 + `"`, "*/*;q=.2", vnd1 + " ; Q=1", ",,;;", `"`, `\`} {
		f.Add(s)
	}
	config := orders()
	a, err := compile(&config)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		x := &exchange.Exchange{Header: http.Header{"Accept": {accept}}}
		var r accepted
		if p := a.readAccept(x, &r); p != nil {
			return
		}
		if r.n > 0 && !r.listed || r.n > maxCandidates {
			t.Errorf("%d candidates, listed %v", r.n, r.listed)
		}
		for _, c := range r.candidates[:r.n] {
			if c.quality < 1 || c.quality > 1000 {
				t.Errorf("quality %d", c.quality)
			}
		}
	})
}

// The answer is of the version's media type where the caller asked for that one, and JSON like any other elsewhere.
func TestTheAnswersMediaType(t *testing.T) {
	for _, c := range []struct{ fields, accept, contentType, answer string }{
		{"", "", "", ""},
		{"Accept: application/json", "application/json", "", ""},
		{"Accept: " + vnd2, "application/json", "", vnd2},
		{"Accept: " + vnd2 + ";q=0.3, */*", "application/json", "", vnd2},
		{"Content-Type: " + vnd2, "", "application/json", vnd2},
		{"Content-Type: " + vnd2 + "|Accept: */*", "*/*", "application/json", vnd2},
		{"Content-Type: " + vnd2 + ";charset=utf-8|Accept: application/json", "application/json", "application/json;charset=utf-8", ""},
		{"Content-Type: application/json|Accept: " + vnd2, "application/json", "application/json", vnd2},
	} {
		var fields []string
		if c.fields != "" {
			fields = strings.Split(c.fields, "|")
		}
		x := ask(t, "POST /api/orders", fields...)
		m, p := table(t, orders()).Match(x)
		if p != nil {
			t.Errorf("%s: %v", c.fields, p)
			continue
		}
		if got := x.Header.Get("Accept"); got != c.accept {
			t.Errorf("%s: the upstream gets Accept %q, want %q", c.fields, got, c.accept)
		}
		if got := x.Header.Get("Content-Type"); got != c.contentType {
			t.Errorf("%s: the upstream gets Content-Type %q, want %q", c.fields, got, c.contentType)
		}
		if m.MediaType != c.answer {
			t.Errorf("%s: the answer is %q, want %q", c.fields, m.MediaType, c.answer)
		}
	}
}

// With XML, a version's media type has a sibling, and Accept stays a choice between the forms of one version.
func TestTheAnswersMediaTypeWithXML(t *testing.T) {
	const xml1, xml2 = "application/vnd.acme.v1+xml", "application/vnd.acme.v2+xml"
	api := orders()
	api.XML = true
	for _, c := range []struct{ fields, version, accept, contentType, json, xml string }{
		{"", "v1", "", "", "", ""},
		{"Accept: application/xml", "v1", "application/xml", "", "", ""},
		{"Accept: " + xml2, "v2", "application/xml", "", "", xml2},
		{"Accept: " + strings.ToUpper(xml2), "v2", "application/xml", "", "", xml2},
		{"Accept: " + vnd2 + ", " + xml2 + ";q=0.5, text/xml;q=0.2", "v2", "application/json, application/xml;q=0.5, text/xml;q=0.2", "", vnd2, xml2},
		{"Accept: " + xml1 + ";q=0.9, " + xml2 + ", */*;q=0.1", "v2", "application/xml, */*;q=0.1", "", "", xml2},
		{"Accept: " + xml2 + "|Acme-Version: v1|Accept: text/xml;q=0.3", "v1", "text/xml;q=0.3", "", "", ""},
		{"Content-Type: " + xml2, "v2", "", "application/xml", vnd2, ""},
		{"Content-Type: " + xml2 + "; charset=utf-8|Accept: " + xml2, "v2", "application/xml", "application/xml; charset=utf-8", "", xml2},
	} {
		var fields []string
		if c.fields != "" {
			fields = strings.Split(c.fields, "|")
		}
		x := ask(t, "POST /api/orders", fields...)
		m, p := table(t, api).Match(x)
		if p != nil {
			t.Errorf("%s: %v", c.fields, p)
			continue
		}
		if got := x.Header.Get("Accept"); got != c.accept || x.Version != c.version {
			t.Errorf("%s: %s and Accept %q, want %s and %q", c.fields, x.Version, got, c.version, c.accept)
		}
		if got := x.Header.Get("Content-Type"); got != c.contentType {
			t.Errorf("%s: Content-Type is %q, want %q", c.fields, got, c.contentType)
		}
		if m.MediaType != c.json || m.XMLType != c.xml {
			t.Errorf("%s: the answer is %q or %q, want %q or %q", c.fields, m.MediaType, m.XMLType, c.json, c.xml)
		}
	}
	for _, fields := range []string{"Accept: application/vnd.acme.v9+xml", "Content-Type: " + xml1 + "|Accept: " + xml2} {
		if _, p := table(t, api).Match(ask(t, "POST /api/orders", strings.Split(fields, "|")...)); p == nil {
			t.Errorf("%s is taken", fields)
		}
	}
	// Without XML it is a media type like any other.
	if x := ask(t, "POST /api/orders", "Content-Type: "+xml2); x != nil {
		if _, p := table(t, orders()).Match(x); p != nil || x.Version != "v1" || x.Header.Get("Content-Type") != xml2 {
			t.Errorf("%v, %s, %s", p, x.Version, x.Header.Get("Content-Type"))
		}
	}
}
