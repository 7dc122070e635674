package cors

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

func from(method string, fields ...string) *exchange.Exchange {
	x := &exchange.Exchange{Method: method, Header: http.Header{}}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		x.Header.Add(name, value)
	}
	return x
}

func written(h http.Header) string {
	var b strings.Builder
	for _, name := range []string{"Vary", allowOrigin, allowCredentials, allowMethods, allowHeaders, maxAge, exposeHeaders} {
		if v, ok := h[name]; ok {
			b.WriteString(strings.TrimPrefix(name, "Access-Control-") + ": " + strings.Join(v, "|") + "\n")
		}
	}
	return b.String()
}

func TestAnswers(t *testing.T) {
	listed := New(Config{Origins: []string{"https://shop.test", "null"}, Headers: []string{"x-b", "X-A", "X-B"}, Expose: []string{"Link", "ETag"}, Credentials: true, MaxAge: 10 * time.Minute})
	all := New(Config{Origins: []string{"*"}})
	const vary = "Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\n"
	for _, c := range []struct {
		name      string
		policy    *Policy
		origin    string // "" for none
		preflight string
		answer    string
	}{
		{"a listed origin", listed, "https://shop.test",
			vary + "Allow-Origin: https://shop.test\nAllow-Credentials: true\nAllow-Methods: GET, PUT\nAllow-Headers: X-A, X-B\nMax-Age: 600\n",
			"Allow-Origin: https://shop.test\nAllow-Credentials: true\nExpose-Headers: Etag, Link\n"},
		{"null, which is listed", listed, "null",
			vary + "Allow-Origin: null\nAllow-Credentials: true\nAllow-Methods: GET, PUT\nAllow-Headers: X-A, X-B\nMax-Age: 600\n",
			"Allow-Origin: null\nAllow-Credentials: true\nExpose-Headers: Etag, Link\n"},
		{"an origin that ends like one", listed, "https://evil-shop.test", vary, ""},
		{"an origin below one", listed, "https://a.shop.test", vary, ""},
		{"an origin that begins like one", listed, "https://shop.test.evil.test", vary, ""},
		{"another scheme", listed, "http://shop.test", vary, ""},
		{"another port", listed, "https://shop.test:8443", vary, ""},
		{"another case", listed, "https://SHOP.test", vary, ""},
		{"two at once", listed, "https://shop.test https://evil.test", vary, ""},
		{"no page at all", listed, "", vary, ""},
		{"any origin", all, "https://shop.test", vary + "Allow-Origin: *\nAllow-Methods: GET, PUT\nMax-Age: 0\n", "Allow-Origin: *\n"},
		{"any origin is null too", all, "null", vary + "Allow-Origin: *\nAllow-Methods: GET, PUT\nMax-Age: 0\n", "Allow-Origin: *\n"},
		{"any origin, and no page", all, "", vary + "Allow-Origin: *\nAllow-Methods: GET, PUT\nMax-Age: 0\n", "Allow-Origin: *\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var fields []string
			if c.origin != "" {
				fields = append(fields, "Origin: "+c.origin)
			}
			x := from("OPTIONS", fields...)
			c.policy.AnswerPreflight(x, []string{"GET, PUT"})
			if got := written(x.Answer); got != c.preflight {
				t.Errorf("preflight:\n%s\nwant\n%s", got, c.preflight)
			}
			x = from("GET", fields...)
			c.policy.Answer(x)
			if got := written(x.Answer); got != c.answer {
				t.Errorf("answer:\n%s\nwant\n%s", got, c.answer)
			}
		})
	}
	if !listed.Varies() || all.Varies() {
		t.Error("only answers that depend on the origin vary by it")
	}
}

func TestPreflight(t *testing.T) {
	for x, want := range map[*exchange.Exchange]bool{
		from("OPTIONS", "Origin: https://shop.test", "Access-Control-Request-Method: PUT"): true,
		from("OPTIONS", "Origin: https://shop.test"):                                       false,
		from("OPTIONS", "Access-Control-Request-Method: PUT"):                              false,
		from("GET", "Origin: https://shop.test", "Access-Control-Request-Method: PUT"):     false,
	} {
		if got := Preflight(x); got != want {
			t.Errorf("%s %v: %t", x.Method, x.Header, got)
		}
	}
}

func TestStrip(t *testing.T) {
	h := http.Header{"Access-Control-Allow-Origin": {"*"}, "Access-Control-Allow-Private-Network": {"true"}, "Link": {"x"}}
	Strip(h)
	if len(h) != 1 || h.Get("Link") != "x" {
		t.Errorf("%v", h)
	}
}

func TestCheckOrigin(t *testing.T) {
	for s, want := range map[string]string{
		"https://shop.acme.example":      "",
		"https://shop.acme.example:8443": "",
		"http://localhost:3000":          "",
		"http://192.0.2.7":               "",
		"https://[2001:db8::1]:8443":     "",
		"https://xn--caf-dma.example":    "",
		"chrome-extension://abcdefghij":  "",
		"capacitor://localhost":          "",
		"null":                           "",
		"":                               "scheme",
		"shop.acme.example":              "scheme",
		"HTTPS://shop.acme.example":      "scheme",
		"Null":                           "scheme",
		"https://shop.acme.example/":     "no path",
		"https://shop.acme.example/a":    "no path",
		"https://*.acme.example":         "no wildcard",
		"https://a@shop.acme.example":    "no user",
		"https://shop.acme.example?":     "no path",
		"https://Shop.acme.example":      "lower case",
		"https://café.example":           "lower case",
		"https://":                       "lower case",
		"https://a b":                    "not well formed",
		"https://shop.acme.example:443":  "leave out the port 443",
		"http://shop.acme.example:80":    "leave out the port 80",
		"http://shop.acme.example:443":   "",
		"https://shop.acme.example:":     "port",
		"https://shop.acme.example:0":    "port",
		"https://shop.acme.example:0443": "port",
		"https://shop.acme.example:x":    "port",
		"https://shop.acme.example:9:9":  "port",
		"https://[::ffff:0:1":            "not well formed",
		"https://[2001:DB8::1]":          "IPv6",
		"https://[fe80::1%25eth0]":       "IPv6",
	} {
		switch err := CheckOrigin(s); {
		case want == "" && err != nil:
			t.Errorf("%q: %v", s, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: %v, want %s", s, err, want)
		}
	}
}

// An origin that is accepted is one that a browser's comparison can hit: it is as it is written again.
func FuzzCheckOrigin(f *testing.F) {
	for _, s := range []string{"https://a.test:8443", "null", "http://[::1]", "a-b://c", "https://a:99999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if CheckOrigin(s) != nil {
			return
		}
		u, err := url.Parse(s)
		if s != "null" && (err != nil || u.Scheme+"://"+u.Host != s || s != strings.ToLower(s) || strings.ContainsAny(s, " \t\r\n,*")) {
			t.Errorf("%q is accepted", s)
		}
	})
}

func BenchmarkAnswer(b *testing.B) {
	p := New(Config{Origins: []string{"https://shop.test", "https://b.test"}, Expose: []string{"Link"}, Credentials: true})
	x := from("GET", "Origin: https://shop.test")
	x.Answer = make(http.Header, 8)
	b.ReportAllocs()
	for b.Loop() {
		p.Answer(x)
	}
}
