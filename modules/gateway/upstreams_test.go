package gateway_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// upstreamed is an API over the recorder whose upstream a test describes: `servers = [var.orders]` and what it adds.
func upstreamed(settings string) func(*server) {
	return func(s *server) {
		s.write("examples/shop/plain.hcl", fmt.Sprintf(`
upstream "plain" {
  servers = [var.orders]
  %s
}
api "plain" {
  base_path = "/plain"
  upstream  = upstream.plain
  identify  = [anonymous]
  authorize = public
  route "GET /x" {}
  route "POST /x" {}
  route "PUT /x" {}
}
`, settings))
	}
}

// isProblem checks that an answer is a problem of its own status which says nothing that the service said.
func isProblem(t *testing.T, a answer, status int) {
	t.Helper()
	var p struct {
		Type, Title, Instance string
		Status                int
	}
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Errorf("the answer is no problem: %d %s", a.status, a.body)
		return
	}
	if a.status != status || p.Status != status || p.Type == "" || p.Title == "" || !strings.HasPrefix(p.Instance, "urn:uuid:") || a.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("got %d, want the problem %d: %v %s", a.status, status, a.header, a.body)
	}
	if strings.Contains(a.body, "SECRET") || strings.Contains(fmt.Sprint(a.header), "SECRET") || strings.Contains(a.body, "127.0.0.1") {
		t.Errorf("the answer tells what the service said: %v %s", a.header, a.body)
	}
}

// TestRetry fails first tries: what may be sent again is, with its body, as often as the catalogue says; what may not
// be is answered.
func TestRetry(t *testing.T) {
	s := start(t, upstreamed(`retry {
    attempts = 2
    on       = ["connect", "503"]
  }`))
	var order = `{"customer":{"name":"Ada","email":"ada@example.org"},"currency":"EUR","total":{"amount":1},"lines":[{"sku":"A-1","qty":1}]}`
	retried := func(path string) string {
		if strings.HasPrefix(path, "/plain") {
			return s.metric(`caddy_api_gateway_upstream_retries_total{upstream="plain"}`)
		}
		return s.metric(`caddy_api_gateway_upstream_retries_total{upstream="orders"}`)
	}
	tests := []struct {
		name, method, path, body string
		failing                  int // tries that fail
		with                     int // status they fail with
		status, tries            int
	}{
		{"GET, once", "GET", "/plain/x", "", 1, 503, 200, 2},
		{"GET, for ever", "GET", "/plain/x", "", 9, 503, 503, 2},
		{"GET, another status", "GET", "/plain/x", "", 9, 500, 500, 1},
		{"GET, on a way with changes", "GET", "/api/v1/orders/acme-1001", "", 1, 503, 200, 2},
		{"PUT, its body read", "PUT", "/api/2026-11-01/orders/acme-1001", order, 1, 503, 200, 2},
		{"PUT, its body streamed: not sent again", "PUT", "/plain/x", "whole", 1, 503, 503, 1},
		{"POST, its body read", "POST", "/api/2026-11-01/orders", order, 1, 503, 503, 1},
		{"POST, without body", "POST", "/plain/x", "", 1, 503, 503, 1},
	}
	for _, http2 := range []bool{false, true} {
		for _, test := range tests {
			t.Run(fmt.Sprintf("%s, HTTP/2 %t", test.name, http2), func(t *testing.T) {
				var tries atomic.Int64
				s.upstream.answers(func(w http.ResponseWriter, r *http.Request) {
					body, err := io.ReadAll(r.Body)
					n := tries.Add(1)
					if err != nil || string(body) != test.body {
						t.Errorf("try %d: got the body %q, %v", n, body, err)
					}
					if n <= int64(test.failing) {
						w.Header().Set("X-Why", "SECRET")
						w.WriteHeader(test.with)
						io.WriteString(w, "SECRET")
						return
					}
					w.Header().Set("Content-Type", "application/json")
					io.WriteString(w, order)
				})
				before, _ := strconv.Atoi(retried(test.path))
				a := s.do(s.client(http2), test.method, test.path, test.body, "X-API-Key: "+acme, "Content-Type: application/json")
				after, _ := strconv.Atoi(retried(test.path))
				if got := after - before; got != test.tries-1 {
					t.Errorf("%d retries are counted, want %d", got, test.tries-1)
				}
				if tries.Load() != int64(test.tries) {
					t.Errorf("%d tries, want %d", tries.Load(), test.tries)
				}
				if test.status != 200 {
					isProblem(t, a, test.status)
				} else if a.status != 200 {
					t.Errorf("got %d: %s", a.status, a.body)
				}
			})
		}
	}
}

// TestFailures has upstreams fail in every way: each is a problem of the right status, and says nothing of the
// service's.
func TestFailures(t *testing.T) {
	dead := func(s *server) { s.upstream.Close() }
	slowly := func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	const plain, changed = "/plain/x", "/api/v1/orders/acme-1001"
	tests := []struct {
		name    string
		path    string
		handler http.HandlerFunc
		before  func(*server)
		status  int
	}{
		{"500 in HTML", plain, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<p>SECRET", 500) }, nil, 500},
		{"503 in HTML", plain, func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "<p>SECRET", http.StatusServiceUnavailable)
		}, nil, 503},
		{"501", plain, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(501) }, nil, 501},
		{"no HTTP", plain, say("SECRET\r\n\r\n"), nil, 502},
		{"no answer", plain, say(""), nil, 502},
		{"half a head", plain, say("HTTP/1.1 200 OK\r\nX-SEC"), nil, 502},
		{"a head too large", plain, say("HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("a", 65<<10) + "\r\n\r\n"), nil, 502},
		{"no answer in time", plain, slowly, nil, 504},
		{"a body in drips", changed, drip, nil, 504},
		{"half a body", changed, say("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"id\""), nil, 502},
		{"HTML where JSON is changed", changed, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<p>SECRET") }, nil, 502},
		{"broken JSON", changed, say("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{\"SECRET\""), nil, 502},
		{"a content coding", changed, say("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"), nil, 502},
		{"over 8 MiB", changed, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, `"`+strings.Repeat("a", 8<<20)+`"`)
		}, nil, 502},
		{"another protocol where JSON is changed", changed, say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nSECRET"), nil, 502},
		{"another protocol, unasked", plain, say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nSECRET"), nil, 502},
		{"nobody there", plain, nil, dead, 502},
	}
	for _, timeout := range []string{"1500ms", "15s"} { // what is not about time has enough of it
		t.Run(timeout, func(t *testing.T) {
			s := start(t, upstreamed(`timeout = "`+timeout+`"`), func(s *server) {
				s.replace("examples/shop/shop.hcl", `timeout = "5s"`, `timeout = "`+timeout+`"`)
				s.replace("examples/shop/shop.hcl", `health { path = "/healthz" }`, ``)
			})
			for _, test := range tests {
				if (test.status == 504) != (timeout == "1500ms") {
					continue
				}
				t.Run(test.name, func(t *testing.T) {
					if test.before != nil {
						test.before(s)
					} else {
						s.upstream.answers(test.handler)
					}
					for _, http2 := range []bool{false, true} {
						isProblem(t, s.do(s.client(http2), "GET", test.path, "", "X-API-Key: "+acme), test.status)
					}
				})
			}
		})
	}
}
