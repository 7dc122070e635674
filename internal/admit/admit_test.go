package admit

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// request parses a request as the server would, bytes from the wire and all.
func request(t testing.TB, lines ...string) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.Join(lines, "\r\n") + "\r\n\r\n")))
	if err != nil {
		t.Fatalf("the server itself refuses this: %v", err)
	}
	return r
}

func get(t testing.TB, target string, fields ...string) *http.Request {
	t.Helper()
	return request(t, append([]string{"GET " + target + " HTTP/1.1", "Host: gw.test"}, fields...)...)
}

func admitted(t testing.TB, r *http.Request) *exchange.Exchange {
	t.Helper()
	var x exchange.Exchange
	if p := New(Config{}).Admit(&x, r, netip.Addr{}); p != nil {
		t.Fatalf("refused: %v", p)
	}
	return &x
}

func refused(t testing.TB, config Config, r *http.Request, want *problem.Type) *problem.Problem {
	t.Helper()
	var x exchange.Exchange
	p := New(config).Admit(&x, r, netip.Addr{})
	if p == nil {
		t.Fatalf("admitted as %s %s, want %s", x.Method, x.Path.Escaped, want.URI)
	}
	if p.Type != want {
		t.Fatalf("%v, want %s", p, want.URI)
	}
	return p
}

func TestAnExchangeHoldsTheCanonicalForm(t *testing.T) {
	arrived := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	r := request(t, "POST /api/v1/caf%c3%a9/?q=1&q=2 HTTP/1.1", "Host: GW.test.:8443", "Content-Length: 2", "X-User-Id: admin", "", "{}")
	r.TLS = &tls.ConnectionState{}
	var x exchange.Exchange
	a := New(Config{Now: func() time.Time { return arrived }})
	if p := a.Admit(&x, r, netip.MustParseAddr("::ffff:192.0.2.7")); p != nil {
		t.Fatal(p)
	}
	got := []any{x.Method, x.Scheme, x.Host, x.Port, x.Path.Escaped, x.Query.Raw, x.Client, x.Proto, x.Time, x.Body.Length, len(x.ID), x.Header.Get("X-User-Id")}
	want := []any{"POST", "https", "gw.test", ":8443", "/api/v1/caf%C3%A9", "q=1&q=2", netip.MustParseAddr("192.0.2.7"), "HTTP/1.1", arrived, int64(2), 36, ""}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if want := []string{"api", "v1", "café"}; !slices.Equal(x.Path.Segments, want) {
		t.Errorf("segments %q, want %q", x.Path.Segments, want)
	}
	if x.Context == nil || x.TLS != r.TLS {
		t.Error("the context or the connection's state is missing")
	}
}

func TestTheCallersIdentifierTimeAndContextStay(t *testing.T) {
	x := exchange.Exchange{ID: "given", Time: time.Unix(1, 0), Context: exchange.NewContext(context.Background(), nil)}
	ctx := x.Context
	if p := New(Config{}).Admit(&x, get(t, "/"), netip.Addr{}); p != nil {
		t.Fatal(p)
	}
	if x.ID != "given" || x.Time != time.Unix(1, 0) || x.Context != ctx {
		t.Errorf("they were replaced: %q %v", x.ID, x.Time)
	}
}

func TestTargets(t *testing.T) {
	for target, want := range map[string]*problem.Type{
		"//admin":                         problem.AmbiguousPath,
		"/ADMIN%2fpanel":                  problem.AmbiguousPath,
		"/public/..%2fadmin/secret":       problem.AmbiguousPath,
		"/x/%2e%2e/admin":                 problem.AmbiguousPath,
		"/admin/../public":                problem.AmbiguousPath,
		"/admin;a=b/x":                    problem.AmbiguousPath,
		"/public;x/..;/admin":             problem.AmbiguousPath,
		"/admin%00":                       problem.AmbiguousPath,
		"/%2561dmin":                      problem.AmbiguousPath,
		`/admin\x`:                        problem.AmbiguousPath,
		"/public/..%5cadmin":              problem.AmbiguousPath,
		"/%ff%fe":                         problem.AmbiguousPath,
		"/a#b":                            problem.AmbiguousPath,
		"/a?b=%zz":                        problem.AmbiguousQuery,
		"/a?b=1;c=2":                      problem.AmbiguousQuery,
		"/a?b=%00":                        problem.AmbiguousQuery,
		"/a?b=%0d%0aX-User:%20admin":      problem.AmbiguousQuery,
		"/a?b=%ff":                        problem.AmbiguousQuery,
		"/a?b=%c2%85":                     problem.AmbiguousQuery,
		"/a?b=%c3&c=%a9":                  problem.AmbiguousQuery,
		"/a?b=%":                          problem.AmbiguousQuery,
		"/a?b#c":                          problem.AmbiguousQuery,
		"/a?" + strings.Repeat("&", 256):  problem.URITooLong,
		"/" + strings.Repeat("a", 8192):   problem.URITooLong,
		"/a?" + strings.Repeat("b", 8192): problem.URITooLong,
		"*":                               problem.BadRequest,
		"mailto:a@b":                      problem.BadRequest,
		"http://user:word@gw.test/a":      problem.BadRequest,
	} {
		name := target
		if len(name) > 40 {
			name = name[:40]
		}
		t.Run(name, func(t *testing.T) { refused(t, Config{}, get(t, target), want) })
	}

	for target, want := range map[string]string{
		"/":                              "/",
		"http://gw.test":                 "/",
		"http://gw.test/a/?b":            "/a",
		"/a?" + strings.Repeat("&", 255): "/a",
		"/a?b=%3B%26&c=caf%C3%A9+x&&d":   "/a",
		"/%7euser":                       "/~user",
		"/a|b":                           "/a%7Cb",
		"/a%3fb":                         "/a%3Fb",
		"/é":                             "/%C3%A9",
		"/100%25":                        "/100%25",
	} {
		t.Run(target, func(t *testing.T) {
			if x := admitted(t, get(t, target)); x.Path.Escaped != want {
				t.Errorf("path %q, want %q", x.Path.Escaped, want)
			}
		})
	}
}

// Another handler may have rewritten the URL: what it left is judged, never a RawPath that no longer spells the path.
func TestARewrittenPathIsTheOneJudged(t *testing.T) {
	r := get(t, "/a%21/b")
	r.URL.Path = "/c"
	if x := admitted(t, r); x.Path.Escaped != "/c" {
		t.Errorf("path %q, want /c", x.Path.Escaped)
	}
	r = get(t, "/a")
	r.URL.Path = "/a%2Fb"
	refused(t, Config{}, r, problem.AmbiguousPath)
}

func TestMethods(t *testing.T) {
	p := refused(t, Config{}, request(t, "TRACE / HTTP/1.1", "Host: gw.test"), problem.MethodNotAllowed)
	if got := p.Header.Get("Allow"); got != allowed {
		t.Errorf("Allow: %q", got)
	}
	refused(t, Config{}, request(t, "CONNECT gw.test:443 HTTP/1.1", "Host: gw.test"), problem.MethodNotAllowed)
	refused(t, Config{}, request(t, "OPTIONS * HTTP/1.1", "Host: gw.test"), problem.BadRequest)

	extended := func(major int, proto string, values ...string) *http.Request {
		r := get(t, "/socket")
		r.Method, r.ProtoMajor, r.Proto = http.MethodConnect, major, proto
		if values != nil {
			r.Header[":protocol"] = values
		}
		return r
	}
	for _, r := range []*http.Request{extended(2, "HTTP/2.0", "websocket"), extended(3, "websocket")} {
		x := admitted(t, r)
		if x.Method != http.MethodGet || x.Body.Stream != nil {
			t.Errorf("a WebSocket is routed as %s with the body %v", x.Method, x.Body.Stream)
		}
		if r.ProtoMajor == 2 && r.Header[":protocol"] == nil {
			t.Error("the pseudo-header is gone, the proxy needs it")
		}
	}
	for _, r := range []*http.Request{extended(2, "HTTP/2.0", "connect-udp"), extended(2, "HTTP/2.0"), extended(1, "HTTP/1.1", "websocket"), extended(3, "HTTP/3.0", "websocket")} {
		refused(t, Config{}, r, problem.MethodNotAllowed)
	}
	r := get(t, "/")
	r.Header[":protocol"] = []string{"websocket"}
	if admitted(t, r); r.Header[":protocol"] != nil {
		t.Error("a pseudo-header out of place stays")
	}
}

// What net/http makes of a request over HTTP/2 that ends with its head, and names a length nevertheless.
func TestALengthWithoutABody(t *testing.T) {
	for length, ok := range map[string]bool{"2": false, "": true, "0": true, "00": true, "9999999999999999999999": false} {
		r := get(t, "/")
		r.ProtoMajor, r.ContentLength = 2, 0
		r.Header.Set("Content-Length", length)
		if !ok {
			refused(t, Config{}, r, problem.BadRequest)
		} else {
			admitted(t, r)
		}
	}
	admitted(t, request(t, "POST / HTTP/1.1", "Host: gw.test", "Content-Length: 2", "", "{}"))
}

// TestNoBody has a request without a body have none where a server before the gateway wrapped it, as Caddy does. With one that
// never comes, a refusal would bound how long the server waits for it, and a server that waits for nothing takes the end of that
// for the end of the connection.
func TestNoBody(t *testing.T) {
	for length, has := range map[int64]bool{0: false, 5: true, -1: true} {
		r := request(t, "POST /a HTTP/1.1", "Host: gw.test")
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader("12345")), length
		if x := admitted(t, r); (x.Body.Stream != nil) != has {
			t.Errorf("of a length of %d the body is %v", length, x.Body.Stream)
		}
	}
}

func TestHosts(t *testing.T) {
	long := strings.Repeat("a", 63)
	for host, want := range map[string]string{
		"gw.test":                       "gw.test",
		"gw.test.":                      "gw.test",
		"GW.Test:8443":                  "gw.test",
		"gw.test.:":                     "gw.test",
		"192.0.2.1:80":                  "192.0.2.1",
		"[::1]":                         "[::1]",
		"[0:0::1]:443":                  "[::1]",
		"xn--caf-dma.fr":                "xn--caf-dma.fr",
		"a_b.test":                      "a_b.test",
		long + ".test":                  long + ".test",
		"":                              "",
		".":                             "",
		"..":                            "",
		"gw.test..":                     "",
		"gw..test":                      "",
		".gw.test":                      "",
		"gw.test:http":                  "",
		"gw.test:65536":                 "",
		"gw.test:80:80":                 "",
		"gw.test/admin":                 "",
		"a@gw.test":                     "",
		"gw test":                       "",
		"gw%2etest":                     "",
		"café.fr":                       "",
		"::1":                           "",
		"[::1":                          "",
		"[::1]x":                        "",
		"[::1]:x":                       "",
		"[192.0.2.1]":                   "",
		"[fe80::1%25eth]":               "",
		long + "a.test":                 "",
		strings.Repeat("a.", 127) + "a": "",
	} {
		got, p := Host(host)
		if (p == nil) != (want != "") || got != want {
			t.Errorf("Host(%q) = %q, %v, want %q", host, got, p, want)
		}
		if p == nil {
			if again, p := Host(got); p != nil || again != got {
				t.Errorf("Host(%q) is no fixed point: %q, %v", got, again, p)
			}
		}
	}
	for host, want := range map[string]string{"gw.test": "", "gw.test:": "", "gw.test:8443": ":8443", "[::1]": "", "[::1]:443": ":443"} {
		if got := portOf(host); got != want {
			t.Errorf("portOf(%q) = %q, want %q", host, got, want)
		}
	}
	r := get(t, "/")
	r.Host = "gw test"
	refused(t, Config{}, r, problem.BadRequest)
}

func FuzzHost(f *testing.F) {
	for _, s := range []string{"gw.test.:443", "[::1]:1", "a..b", "[::ffff:1.2.3.4]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, host string) {
		got, p := Host(host)
		if p != nil {
			return
		}
		if again, p := Host(got); p != nil || again != got {
			t.Errorf("Host(%q) = %q, of which Host is %q, %v", host, got, again, p)
		}
		if strings.ToLower(got) != got {
			t.Errorf("Host(%q) = %q", host, got)
		}
	})
}

// Most requests pay for their identifier and for their segments.
func BenchmarkAdmit(b *testing.B) {
	r := get(b, "/api/v1/orders/7?status=open", "User-Agent: curl/8", "Accept: application/json", "Authorization: Bearer abcdefghijklmnop",
		"Accept-Encoding: gzip", "X-Request-Id: 1", "Content-Type: application/json", "Connection: keep-alive", "Traceparent: 00-1-1-01")
	a := New(Config{Reserved: []string{"X-Tenant"}, Credentials: []string{"X-API-Key"}})
	b.ReportAllocs()
	for b.Loop() {
		var x exchange.Exchange
		if p := a.Admit(&x, r, netip.Addr{}); p != nil {
			b.Fatal(p)
		}
	}
}
