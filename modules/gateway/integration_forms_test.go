package gateway_test

import (
	"net/http"
	"strings"
	"testing"
)

// in answers in a media type.
func in(kind string, status int, body string) http.HandlerFunc {
	return says(status, body, "Content-Type: "+kind, "Etag: \"1\"")
}

// A third party that speaks XML is asked in it, and understood; so is one that answers in forms.
func TestIntegrationForms(t *testing.T) {
	p := newProvider(t, says(200, `{}`))
	s := start(t, asking(p, `
  error "no-such-parcel" {
    when   = response.body.Body.Fault.code == "7" || response.body.code == "7"
    status = 404
    title  = "No such parcel"
    detail = "${response.body.Body.Fault.reason}"
  }
`, `
  formats = ["json", "xml"]
  versioning { header = "Version" }
  object "rates" { schema = "rates.json" }
  version "v1" { released = "2024-01-01" }
  version "v2" {
    released = "2025-01-01"
    change "rates" {
      summary = "list is called rates."
      on      = object.rates
      rename "list" { to = "rates" }
    }
  }
  route "POST /parcels" {
    integration = integration.payments
    send        = "PUT /parcels"
    encode      = "xml"
    request {
      root = "parcel"
      set "to.name" { value = body.name }
      drop "name" {}
    }
  }
  route "GET /rates" {
    returns     = object.rates
    integration = integration.payments
    send        = "GET /rates"
    decode      = "xml"
    answer {
      root   = "Envelope"
      lists  = ["Body.rates.rate"]
      member = "Body.rates"
      rename "rate" { to = "rates" }
      move "rates[*].price.#text" { to = "rates[*].amount" }
      cast "rates[*].amount" { to = "number" }
      drop "rates[*].price" {}
      rename "rates[*].@service" { to = "service" }
      set "from" { value = response.body.Header.host }
      page {
        parameter = "after"
        next      = response.body.Body["@next"]
      }
    }
  }
  route "GET /plain" {
    integration = integration.payments
    send        = "GET /plain"
    decode      = "xml"
  }
  route "GET /form" {
    integration = integration.payments
    send        = "GET /form"
    decode      = "form"
    answer {
      lists = ["ERRORS"]
      rename "ACK" { to = "ok" }
      cast "ok" { to = "boolean" }
    }
  }
`), func(s *server) {
		s.write("examples/shop/rates.json", `{"type":"object","properties":{"rates":{"type":"array","items":{"type":"object","properties":{"service":{"type":"string"},"amount":{"type":"number"}}}},"from":{"type":"string"}},"required":["rates"]}`)
	})
	c := s.client(true)
	a := s.do(c, "POST", "/paid/parcels", `{"name":"Ada & <Bob>","weights":[1,2.50]}`, "Content-Type: application/json", "Version: v2")
	r, sent, _ := p.last()
	want := `<parcel><weights>1</weights><weights>2.50</weights><to><name>Ada &amp; &lt;Bob&gt;</name></to></parcel>`
	if a.status != 200 || r.Method != "PUT" || r.Header.Get("Content-Type") != "application/xml" || !strings.HasSuffix(strings.TrimSpace(sent), want) {
		t.Errorf("got %d; sent %s %s", a.status, r.Method, sent)
	}

	const head = `<s:Envelope xmlns:s="urn:s"><s:Header><host>a</host></s:Header>`
	const rates = `<?xml version="1.0"?>` + head + `<s:Body next="p2"><r:rates xmlns:r="urn:r"><rate service="letter"><price currency="EUR">1.20</price></rate></r:rates></s:Body></s:Envelope>`
	p.answers(in("text/xml; charset=utf-8", 200, rates))
	for _, test := range []struct{ version, accept, kind, body string }{
		{"v2", "application/json", "application/json", `{"rates":[{"service":"letter","amount":1.20}],"from":"a"}`},
		{"v1", "application/json", "application/json", `{"list":[{"service":"letter","amount":1.20}],"from":"a"}`},
		{"v2", "application/xml", "application/xml", `<rates><service>letter</service><amount>1.20</amount></rates><from>a</from></rates>`},
	} {
		a := s.do(c, "GET", "/paid/rates", "", "Accept: "+test.accept, "Version: "+test.version)
		if r, _, _ := p.last(); a.status != 200 || a.header.Get("Content-Type") != test.kind || !strings.HasSuffix(strings.TrimSpace(a.body), test.body) ||
			a.header.Get("Link") != `</paid/rates?after=p2>; rel="next"` || a.header.Get("Etag") != "" || r.Header.Get("Accept") != "application/xml, text/xml;q=0.9" {
			t.Errorf("%s in %s: got %d %v %s", test.version, test.accept, a.status, a.header, a.body)
		}
	}
	for _, test := range []struct {
		name, path, kind string
		status           int
		body, want       string
	}{
		{"a list with nothing in it", "/rates", "application/xml", 200, head + `<s:Body><rates/></s:Body></s:Envelope>`, `{"rates":[],"from":"a"}`},
		{"without a shape", "/plain", "application/vnd.x+xml", 200, `<a><b xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="1"/><c>1</c><c>"</c></a>`, `{"b":null,"c":["1","\""]}`},
		{"a form", "/form", "application/x-www-form-urlencoded", 200, "ACK=true&MSG=a+b%C3%A4&X=1&X=2", `{"ERRORS":[],"ok":true,"MSG":"a bä","X":["1","2"]}`},
		{"a form that is called text", "/form", "text/plain", 200, "ACK=true&ERRORS=1\r\n", `{"ERRORS":["1"],"ok":true}`},
	} {
		p.answers(in(test.kind, test.status, test.body))
		if a := s.do(c, "GET", "/paid"+test.path, "", "Version: v2"); a.status != 200 || a.body != test.want || a.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: got %d %v %s", test.name, a.status, a.header, a.body)
		}
	}
	for _, test := range []struct {
		name, path, kind string
		status           int
		body             string
		want             int
		details          string
	}{
		{"JSON", "/rates", "application/json", 200, `{"SECRET":1}`, 502, ""},
		{"HTML", "/rates", "text/html", 200, `<p>SECRET</p>`, 502, ""},
		{"another root", "/rates", "text/xml", 200, `<SECRET/>`, 502, ""},
		{"another shape", "/rates", "text/xml", 200, head + `<s:Body><SECRET/></s:Body></s:Envelope>`, 502, ""},
		{"an amount that is none", "/rates", "text/xml", 200, strings.Replace(rates, "1.20", "SECRET", 1), 502, ""},
		{"an entity", "/plain", "text/xml", 200, `<!DOCTYPE a [<!ENTITY x "SECRET">]><a>&x;</a>`, 502, ""},
		{"an external one", "/plain", "text/xml", 200, `<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>`, 502, ""},
		{"cut off", "/plain", "text/xml", 200, `<a><SECRET>`, 502, ""},
		{"deep", "/plain", "text/xml", 200, strings.Repeat("<SECRET>", 100), 502, ""},
		{"no UTF-8", "/plain", "text/xml", 200, "<a>SECRET\xff</a>", 502, ""},
		{"too long", "/plain", "text/xml", 200, "<a>" + strings.Repeat(" ", 8<<20) + "</a>", 502, ""},
		{"longer as JSON", "/plain", "text/xml", 200, "<a>" + strings.Repeat(`"`, 5<<20) + "</a>", 502, ""},
		{"a form with a percent sign", "/form", "text/plain", 200, "ACK=%SECRET", 502, ""},
		{"a form that is no UTF-8", "/form", "text/plain", 200, "ACK=true&a=SECRET%ff", 502, ""},
		{"a fault", "/rates", "text/xml", 500, head + `<s:Body><s:Fault><code>7</code><reason>It is gone.</reason></s:Fault></s:Body></s:Envelope>`, 404, `"detail":"It is gone."`},
		{"another", "/rates", "text/xml", 500, head + `<s:Body><s:Fault><code>8</code><reason>SECRET</reason></s:Fault></s:Body></s:Envelope>`, 502, ""},
		{"a fault in JSON", "/rates", "application/json", 500, `{"Body":{"Fault":{"code":"7","reason":"It is gone."}}}`, 404, `"detail":"It is gone."`},
		{"a fault that is cut off", "/rates", "text/xml", 500, head + `<s:Body><s:Fault><code>7</code>`, 502, ""},
	} {
		p.answers(in(test.kind, test.status, test.body))
		if a := s.do(c, "GET", "/paid"+test.path, "", "Version: v2"); strings.Contains(a.body, "SECRET") || !strings.Contains(a.body, test.details) {
			t.Errorf("%s: got %s", test.name, a.body)
		} else {
			t.Run(test.name, func(t *testing.T) { isProblem(t, a, test.want) })
		}
	}
}
