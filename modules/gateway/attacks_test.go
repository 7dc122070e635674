package gateway_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"
)

// TestAttacks sends what must never reach the upstream. Each must get its 4xx, as problem+json unless the server
// itself refused to read on, and the upstream must not hear of it.
func TestAttacks(t *testing.T) {
	s := start(t)
	key := "X-API-Key: " + acme
	get := func(path string, fields ...string) string {
		return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + strings.Join(append(fields, key), "\r\n") + "\r\n\r\n"
	}
	post := func(body string, fields ...string) string {
		return "POST /api/v2/orders HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + key + "\r\n" +
			strings.Join(fields, "\r\n") + fmt.Sprintf("\r\nContent-Length: %d\r\n\r\n", len(body)) + body
	}
	json := func(body string) string { return post(body, "Content-Type: application/json") }
	good := `{"customer":{"name":"Ada","email":"ada@example.org"},"currency":"EUR","total":{"amount":1},"lines":[{"article":"A-1","qty":1}]}`
	with := func(old, new string) string { return json(strings.Replace(good, old, new, 1)) }

	if a := s.raw(json(good)); a.status != 200 {
		t.Fatalf("the request that the attacks vary: %d %s", a.status, a.body)
	}
	s.upstream.count.Store(0)

	tests := []struct {
		name    string
		request string
		want    int
	}{
		// One canonical path serves routing, policy, validation and upstream.
		{"path: empty segment", get("//api/v2/orders"), 400},
		{"path: encoded slash", get("/api/v2/ORDERS%2facme-1001"), 400},
		{"path: parent, encoded slash", get("/api/v2/public/..%2forders"), 400},
		{"path: encoded parent", get("/api/v2/x/%2e%2e/orders"), 400},
		{"path: parent", get("/api/v2/x/../orders"), 400},
		{"path: parameter", get("/api/v2/orders;a=b/x"), 400},
		{"path: parameter and parent", get("/api/v2/public;x/..;/orders"), 400},
		{"path: NUL", get("/api/v2/orders%00"), 400},
		{"path: encoded twice", get("/api/v2/%256frders"), 400},
		{"path: backslash", get("/api/v2/orders\\x"), 400},
		{"path: encoded backslash", get("/api/v2/public/..%5corders"), 400},
		{"path: invalid UTF-8", get("/api/v2/%ff%fe"), 400},
		{"path: dots after the version", get("/api/v2../orders"), 404},
		{"path: another case", get("/API/v2/orders"), 404},
		{"path: another case of the version", get("/api/V2/orders"), 404},
		{"path: too long", get("/api/v2/" + strings.Repeat("a", 9000)), 414},

		{"query: a percent sign alone", get("/api/v2/orders?a=%zz"), 400},
		{"query: semicolons", get("/api/v2/orders?a=1;b=2"), 400},
		{"query: too many parameters", get("/api/v2/orders?" + strings.Repeat("a=1&", 300) + "b=2"), 414},

		{"header: another method", get("/api/v2/orders", "X-HTTP-Method-Override: DELETE"), 400},
		{"header: two keys", get("/api/v2/orders", "X-API-Key: "+globex), 400},
		{"header: a key and a token", get("/api/v2/orders", "Authorization: Bearer a.b.c"), 400},
		{"header: two authorizations", get("/api/v2/orders", "Authorization: Bearer a.b.c", "Authorization: Bearer a.b.d"), 400},
		{"header: two versions", get("/api/v2/orders", "Shop-Version: v1"), 400},
		{"header: a version twice", get("/api/orders", "Shop-Version: v1", "Shop-Version: v2"), 400},
		{"header: too large", get("/api/v2/orders", "X-Filler: "+strings.Repeat("a", 17<<10)), 431},
		{"header: too many", get("/api/v2/orders", strings.Split(strings.Repeat("X-Filler: a\n", 120)+"X-Filler: a", "\n")...), 431},
		{"method: TRACE", strings.Replace(get("/api/v2/orders"), "GET", "TRACE", 1), 405},
		{"method: CONNECT", strings.Replace(get("localhost:443"), "GET", "CONNECT", 1), 405},

		{"smuggling: length and coding", "POST /api/v2/orders HTTP/1.1\r\nHost: localhost\r\n" + key + "\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n0\r\n\r\nGET /api/v2/orders/acme-1 HTTP/1.1\r\nHost: localhost\r\n" + key + "\r\n\r\n", 400},
		{"smuggling: a chunk size with 0x", "POST /api/v2/orders HTTP/1.1\r\nHost: localhost\r\n" + key + "\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n0x1\r\n{\r\n0\r\n\r\n", 400},
		{"smuggling: two lengths", "POST /api/v2/orders HTTP/1.1\r\nHost: localhost\r\n" + key + "\r\nContent-Length: 1\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}", 400},
		{"smuggling: a coding with a blank", "POST /api/v2/orders HTTP/1.1\r\nHost: localhost\r\n" + key + "\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400},
		{"smuggling: no host", "GET /api/v2/orders HTTP/1.1\r\n" + key + "\r\n\r\n", 400},
		{"smuggling: two hosts", "GET /api/v2/orders HTTP/1.1\r\nHost: localhost\r\nHost: other\r\n" + key + "\r\n\r\n", 400},

		{"body: none", json(""), 400},
		{"body: a name twice", with(`"currency":"EUR"`, `"currency":"EUR","currency":"USD"`), 400},
		{"body: a name twice, escaped", with(`"currency":"EUR"`, `"currency":"EUR","curr\u0065ncy":"USD"`), 400},
		{"body: a name in capitals", with(`"currency":"EUR"`, `"currency":"EUR","STATUS":"verified"`), 422},
		{"body: byte order mark", json("\ufeff" + good), 400},
		{"body: two values", json(good + good), 400},
		{"body: invalid UTF-8", with("Ada", "\xff"), 400},
		{"body: a lone surrogate", with("Ada", `\ud800`), 400},
		{"body: a number beyond all bounds", with(`"amount":1`, `"amount":1e1000000`), 400},
		{"body: 10,001 brackets", json(strings.Repeat("[", 10001)), 400},
		{"body: above the bound", json(`{"x":"` + strings.Repeat("a", 1<<20) + `"}`), 413},
		{"body: chunked above the bound", "POST /api/v2/orders HTTP/1.1\r\nHost: localhost\r\n" + key + "\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n110000\r\n" + strings.Repeat("a", 0x110000) + "\r\n0\r\n\r\n", 413},
		{"body: not called JSON", post(good, "Content-Type: text/json"), 415},
		{"body: another charset", post(good, "Content-Type: application/json; charset=utf-7"), 415},
		{"body: a bomb", post(zipped(strings.Repeat("a", 10<<20)), "Content-Type: application/json", "Content-Encoding: gzip"), 415},
		{"body: a line break for a header", with("Ada", `a\r\nX-User: admin\u0000`), 200},

		{"token: none", bearer("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ."), 401},
		{"token: None", bearer("eyJhbGciOiJOb25lIn0.eyJzdWIiOiJhZGEifQ."), 401},
		{"token: dots", bearer(strings.Repeat(".", 7000)), 401},
		{"token: encrypted", bearer("eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..AAAA.AAAA.AAAA"), 401},
		{"key: unknown", strings.Replace(get("/api/v2/orders"), acme, globex[:20]+acme[20:], 1), 401},
		{"key: cut short", strings.Replace(get("/api/v2/orders"), acme, acme[:40], 1), 401},
		{"key: none", strings.Replace(get("/api/v2/orders"), key+"\r\n", "", 1), 401},
		{"policy: another's order", get("/api/v2/orders/globex-1001"), 403},
		{"policy: another's order, in the newest version", get("/api/2026-11-01/orders/globex-1001"), 403},
		{"policy: a deed beyond the role", strings.Replace(get("/api/v2/orders/acme-1001"), "GET", "DELETE", 1), 403},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := s.upstream.count.Load()
			a := s.raw(test.request)
			if a.status != test.want {
				t.Errorf("got %d, want %d: %s", a.status, test.want, a.body)
			}
			reached := s.upstream.count.Load() - before
			if test.want >= 400 && reached != 0 {
				t.Errorf("%d requests reached the upstream", reached)
			}
			if test.want >= 400 && a.header.Get("Content-Type") != "application/problem+json" && !fromServer(a) {
				t.Errorf("the answer is no problem: %v %s", a.header, a.body)
			}
			if strings.Contains(a.body, acme) || strings.Contains(a.body, s.dir) {
				t.Errorf("the answer tells a secret or a path: %s", a.body)
			}
		})
	}
	if a := s.raw(json(good)); a.status != 200 {
		t.Errorf("after all of it, a good request gets %d %s", a.status, a.body)
	}
}

// fromServer says whether Go's server answered before any handler could: the request was no HTTP.
func fromServer(a answer) bool {
	return a.status == 400 && strings.HasPrefix(a.header.Get("Content-Type"), "text/plain")
}

func bearer(token string) string {
	return "GET /api/v2/orders HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer " + token + "\r\n\r\n"
}

func zipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(s))
	w.Close()
	return b.String()
}

// TestForgedIdentity sends, with good credentials, what a service might take for the gateway's word. It must not
// arrive, whatever the client has its Connection field say.
func TestForgedIdentity(t *testing.T) {
	s := start(t)
	forged := []string{"X-User-Id", "X-User", "X-Consumer-Id", "X-Real-Ip", "Remote-User", "Forwarded", "X-Original-Url", "X-Rewrite-Url",
		"X-Forwarded-Prefix", "X-Forwarded-Port", "X-Forwarded-Uri", "X-Forwarded-User"}
	for _, http2 := range []bool{false, true} {
		fields := []string{"X-API-Key: " + acme, "X-Forwarded-For: 6.6.6.6", "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: gopher"}
		for _, name := range forged {
			fields = append(fields, name+": admin")
		}
		fields = append(fields, "X_Consumer_Id: admin", "X.Consumer.Id: admin") // as CGI would spell it; Caddy drops these itself
		if !http2 {
			fields = append(fields, "Connection: close, X-Consumer-Id, X-Forwarded-For, Te", "Te: trailers", "Keep-Alive: x")
		}
		a := s.do(s.client(http2), "GET", "/api/v2/orders/acme-1001", "", fields...)
		if a.status != 200 {
			t.Fatalf("HTTP/2 %t: got %d %s", http2, a.status, a.body)
		}
		saw, _ := s.upstream.saw()
		for _, name := range forged {
			if v := saw.Header.Values(name); len(v) > 0 && name != "X-Consumer-Id" {
				t.Errorf("HTTP/2 %t: the upstream was told %s: %s", http2, name, v)
			}
		}
		for name := range saw.Header {
			if strings.ContainsAny(name, "_.") {
				t.Errorf("HTTP/2 %t: the upstream was told %s", http2, name)
			}
		}
		for name, want := range map[string]string{"X-Consumer-Id": "acme", "X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https", "X-Forwarded-Host": fmt.Sprintf("localhost:%d", s.port)} {
			if got := strings.Join(saw.Header.Values(name), ","); got != want {
				t.Errorf("HTTP/2 %t: %s: got %q, want %q", http2, name, got, want)
			}
		}
		if saw.Header.Get("X-Api-Key") != "" {
			t.Errorf("HTTP/2 %t: the upstream was given the caller's key", http2)
		}
	}
}

// TestTrailers sends an identity where the header checks have long been done.
func TestTrailers(t *testing.T) {
	s := start(t)
	body := `{"customer":{"name":"Ada","email":"ada@example.org"},"currency":"EUR","total":{"amount":1},"lines":[{"article":"A-1","qty":1}]}`
	a := s.raw("POST /api/v2/orders HTTP/1.1\r\nHost: localhost\r\nX-API-Key: " + acme + "\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nTrailer: X-Consumer-Id\r\nConnection: close\r\n\r\n" +
		fmt.Sprintf("%x\r\n%s\r\n0\r\nX-Consumer-Id: admin\r\n\r\n", len(body), body))
	if a.status != 200 {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	saw, got := s.upstream.saw()
	if len(saw.Trailer) > 0 || strings.Join(saw.Header.Values("X-Consumer-Id"), ",") != "acme" {
		t.Errorf("the upstream was told trailers %v, header %v", saw.Trailer, saw.Header)
	}
	if want := strings.Replace(body[:len(body)-1], "article", "sku", 1) + `,"note":null}`; got != want {
		t.Errorf("the upstream was sent %s, want %s", got, want)
	}
}
