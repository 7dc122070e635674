package gateway_test

import (
	"strings"
	"testing"
)

// TestXML serves the example shop in XML, too: over HTTP/1.1 and 2, in the shape of an older version, from the caller to
// the service and back. What is no XML of that shape never gets there.
func TestXML(t *testing.T) {
	s := start(t, func(s *server) {
		s.replace("examples/shop/shop.hcl", "  upstream  = upstream.orders\n", "  upstream  = upstream.orders\n  formats   = [\"json\", \"xml\"]\n")
	})
	const (
		head = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
		sent = `<order><customer_name>Ada</customer_name><customer_email>ada@example.org</customer_email><verified>true</verified>` +
			`<currency>EUR</currency><total><amount>1230</amount></total><lines><article>A-1</article><qty>2</qty></lines></order>`
		newest = `"customer":{"name":"Ada","email":"ada@example.org"}`
		line   = `<lines><article>A-1</article><qty>2</qty></lines>`
	)
	key := "X-API-Key: " + acme
	for _, http2 := range []bool{false, true} {
		c := s.client(http2)
		a := s.do(c, "POST", "/api/v1/orders", sent, key, "Content-Type: application/xml", "Accept: application/xml")
		r, body := s.upstream.saw()
		if a.status != 200 || a.header.Get("Content-Type") != "application/xml" || !strings.HasPrefix(a.body, head+"<order>") || !strings.Contains(a.body, line) {
			t.Errorf("%d, %s: %s", a.status, a.header.Get("Content-Type"), a.body)
		}
		if r.Header.Get("Content-Type") != "application/json" || r.Header.Get("Accept") != "application/json" || !strings.Contains(body, newest) ||
			!strings.Contains(body, `"lines":[{"sku":"A-1","qty":2}]`) || !strings.Contains(body, `"status":"verified"`) {
			t.Errorf("the service gets %v: %s", r.Header, body)
		}
		a = s.do(c, "GET", "/api/orders", "", key, "Accept: application/vnd.shop.v1+xml, application/json;q=0.5")
		if a.status != 200 || a.header.Get("Content-Type") != "application/vnd.shop.v1+xml" || !strings.HasPrefix(a.body, head+"<response><data>") || !strings.Contains(a.body, line) {
			t.Errorf("%d, %s: %s", a.status, a.header.Get("Content-Type"), a.body)
		}
		if a = s.do(c, "GET", "/api/v1/orders", "", "Accept: text/xml"); a.status != 401 || a.header.Get("Content-Type") != "application/problem+xml" || !strings.Contains(a.body, "<status>401</status>") {
			t.Errorf("%d, %s: %s", a.status, a.header.Get("Content-Type"), a.body)
		}
	}

	before := s.upstream.count.Load()
	for name, c := range map[string]struct {
		kind, body string
		status     int
	}{
		"deep":               {"application/xml", strings.Repeat("<order>", 10_001), 422},
		"deep and malformed": {"application/xml", "<order>" + strings.Repeat("<", 10_001), 400},
		"a DOCTYPE":          {"application/xml", `<!DOCTYPE order SYSTEM "file:///etc/passwd">` + sent, 400},
		"an entity":          {"application/xml", strings.Replace(sent, "Ada", "&x;", 1), 400},
		"two roots":          {"text/xml", sent + sent, 400},
		"UTF-7":              {"application/xml; charset=utf-7", sent, 415},
		"UTF-7 inside":       {"application/xml", `<?xml version="1.0" encoding="UTF-7"?>` + sent, 400},
		"twice":              {"application/xml", strings.Replace(sent, "<currency>", "<currency>USD</currency><currency>", 1), 422},
		"another case":       {"application/xml", strings.Replace(sent, "customer_name>", "CUSTOMER_NAME>", 2), 422},
		"too large":          {"application/xml", "<order><currency>" + strings.Repeat("x", 2<<20), 413},
	} {
		a := s.do(s.client(true), "POST", "/api/v1/orders", c.body, key, "Content-Type: "+c.kind)
		if a.status != c.status || a.header.Get("Content-Type") != "application/problem+json" || strings.Contains(a.body, "/order.json") {
			t.Errorf("%s: %d, want %d: %s", name, a.status, c.status, a.body)
		}
	}
	if n := s.upstream.count.Load() - before; n > 0 {
		t.Errorf("%d requests reached the service", n)
	}
}
