package gateway_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestValidators has a service whose order has the tag "7". Callers of an older version, in which it has another form,
// get a tag of their own: what they send back must mean to the service what it meant to them, on every route, and
// what belongs to another version's form must not make theirs pass for fresh.
func TestValidators(t *testing.T) {
	s := start(t, func(s *server) {
		s.replace("policies/shop/roles/data.json", `"create orders"`, `"create orders", "delete own orders"`)
	})
	s.upstream.answers(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", `"7"`)
		w.Header().Set("Content-Type", "application/json")
		if match := r.Header.Get("If-Match"); match != "" && match != "*" && !strings.Contains(match, `"7"`) {
			w.WriteHeader(http.StatusPreconditionFailed)
			return
		}
		if match := r.Header.Get("If-None-Match"); match == "*" || strings.Contains(match, `"7"`) {
			if r.Method == "GET" || r.Method == "HEAD" {
				w.WriteHeader(http.StatusNotModified)
			} else {
				w.WriteHeader(http.StatusPreconditionFailed)
			}
			return
		}
		if r.Method == "DELETE" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		io.WriteString(w, order)
	})
	const body = `{"customer_name":"Ada","customer_email":"ada@example.org","verified":true,"currency":"EUR","total":{"amount":1},"lines":[{"article":"A-1","qty":1}]}`
	tests := []struct {
		version, method, field string
		status                 int
		tag                    string
	}{
		{"v1", "GET", "", 200, `"7;v1"`},
		{"v1", "HEAD", "", 200, `"7;v1"`},
		{"v1", "GET", `If-None-Match: "7;v1"`, 304, `"7;v1"`},
		{"v1", "HEAD", `If-None-Match: "7;v1"`, 304, `"7;v1"`},
		{"v1", "GET", `If-None-Match: W/"7;v1"`, 304, `"7;v1"`},
		{"v1", "GET", `If-None-Match: "6;v1", "7;v1"`, 304, `"7;v1"`},
		{"v1", "GET", `If-None-Match: *`, 304, `"7;v1"`},
		{"v1", "GET", `If-None-Match: "7"`, 200, `"7;v1"`},
		{"v1", "GET", `If-None-Match: "7;v2"`, 200, `"7;v1"`},
		{"v1", "GET", `If-None-Match: "7", "6;v1"`, 200, `"7;v1"`},
		{"v1", "GET", `If-None-Match: "a,b;v1", "7"`, 200, `"7;v1"`},
		{"v1", "PUT", `If-Match: "7;v1"`, 200, `"7;v1"`},
		{"v1", "PUT", `If-Match: "6;v1"`, 412, ""},
		{"v1", "PUT", `If-Match: "7;v2"`, 412, ""},
		{"v1", "PUT", `If-None-Match: *`, 412, ""},
		{"v1", "DELETE", `If-Match: "7;v1"`, 204, ""},
		{"v1", "DELETE", `If-Match: "6;v1"`, 412, ""},
		{"2026-11-01", "GET", "", 200, `"7"`},
		{"2026-11-01", "GET", `If-None-Match: "7"`, 304, `"7"`},
		{"2026-11-01", "GET", `If-None-Match: "7;v1"`, 200, `"7"`},
		{"2026-11-01", "DELETE", `If-Match: "7"`, 204, ""},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.version, " ", test.method, " ", test.field), func(t *testing.T) {
			sent, fields := "", []string{"X-API-Key: " + acme}
			if test.method == "PUT" {
				sent, fields = body, append(fields, "Content-Type: application/json")
			}
			if test.field != "" {
				fields = append(fields, test.field)
			}
			a := s.do(s.client(true), test.method, "/api/"+test.version+"/orders/acme-1001", sent, fields...)
			if a.status != test.status {
				t.Errorf("got %d, want %d: %s", a.status, test.status, a.body)
			}
			if tag := a.header.Get("Etag"); test.tag != "" && tag != test.tag {
				t.Errorf("got the tag %s, want %s", tag, test.tag)
			}
		})
	}
}
