package gateway

import (
	"net/http"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/exchange"
)

// TestLocation gives callers who named their version in the path addresses of that version.
func TestLocation(t *testing.T) {
	tests := []struct {
		base, selected, from, want string
	}{
		{"/", "path", "?page=2", "?page=2"},
		{"/", "path", "/", "/v1"},
		{"/", "header", "/orders", "/orders"},
		{"/api", "path", "/api/orders/7", "/api/v1/orders/7"},
		{"/api", "path", "/api", "/api/v1"},
		{"/api", "path", "/api?page=2", "/api/v1?page=2"},
		{"/api", "path", "/api/orders?page=2#end", "/api/v1/orders?page=2#end"},
		{"/api", "header", "/api/orders/7", "/api/orders/7"},
		{"/api", "default", "/api/orders/7", "/api/orders/7"},
		{"/api", "path", "/apis/7", "/apis/7"},
		{"/api", "path", "/login", "/login"},
		{"/api", "path", "orders/7", "orders/7"},
		{"/api", "path", "//evil.example/api/orders", "//evil.example/api/orders"},
		{"/api", "path", "https://shop.example/api/orders/7", "https://shop.example/api/v1/orders/7"},
		{"/api", "path", "http://SHOP.example:8080/api/orders/7", "http://SHOP.example:8080/api/v1/orders/7"},
		{"/api", "path", "https://other.example/api/orders/7", "https://other.example/api/orders/7"},
		{"/api", "path", "https://shop.example@other.example/api/orders/7", "https://shop.example@other.example/api/orders/7"},
		{"/api", "path", "https://shop.example", "https://shop.example"},
		{"/", "path", "/orders/7", "/v1/orders/7"},
		{"/", "path", "https://shop.example/orders/7", "https://shop.example/v1/orders/7"},
		{"/", "path", "https://shop.example", "https://shop.example"},
		{"/", "path", "//evil.example/orders", "//evil.example/orders"},
		{"/", "path", "orders/7", "orders/7"},
	}
	for _, test := range tests {
		t.Run(test.base+" "+test.selected+" "+test.from, func(t *testing.T) {
			a := newAnswers(&catalogue.API{BasePath: test.base})
			x := &exchange.Exchange{Host: "shop.example", Version: "v1", Selected: test.selected}
			r := &exchange.Response{Status: http.StatusCreated, Header: http.Header{"Location": {test.from}}}
			if prob := a.Return(x, r); prob != nil {
				t.Fatal(prob)
			}
			if got := r.Header.Get("Location"); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// TestLocationOfARewrittenPath brings addresses below what the service has for the base path back below it.
func TestLocationOfARewrittenPath(t *testing.T) {
	tests := []struct {
		base, rewrite, selected, from, want string
	}{
		{"/api", "/internal", "path", "/internal/orders/7", "/api/v1/orders/7"},
		{"/api", "/internal", "header", "/internal/orders/7?a=b#c", "/api/orders/7?a=b#c"},
		{"/api", "/internal", "", "https://shop.example/internal/orders/7", "https://shop.example/api/orders/7"},
		{"/api", "/internal", "", "https://orders-1.internal/internal/orders/7", "https://orders-1.internal/internal/orders/7"},
		{"/api", "/internal", "header", "/internal", "/api"},
		{"/api", "/internal", "path", "/internal?page=2", "/api/v1?page=2"},
		{"/api", "/internal", "path", "/internals/7", "/internals/7"},
		{"/api", "/internal", "path", "/api/orders/7", "/api/orders/7"},
		{"/api", "/internal", "path", "/login", "/login"},
		{"/api", "/internal", "path", "orders/7", "orders/7"},
		{"/api", "/", "path", "/orders/7", "/api/v1/orders/7"},
		{"/api", "/", "header", "/", "/api"},
		{"/api", "/", "header", "?page=2", "?page=2"},
		{"/api", "/", "header", "//evil.example/orders", "//evil.example/orders"},
		{"/", "/internal", "path", "/internal/orders", "/v1/orders"},
		{"/", "/internal", "header", "/internal/orders", "/orders"},
		{"/", "/internal", "header", "/internal", "/"},
		{"/", "/internal", "header", "/internal?page=2", "/?page=2"},
		{"/", "/internal", "header", "/internal//evil.example", "/internal//evil.example"},
		{"/", "/internal", "header", `/internal/\evil.example`, `/internal/\evil.example`},
	}
	for _, test := range tests {
		t.Run(test.base+" "+test.rewrite+" "+test.selected+" "+test.from, func(t *testing.T) {
			a := newAnswers(&catalogue.API{BasePath: test.base, Rewrite: test.rewrite})
			x := &exchange.Exchange{Host: "shop.example", Version: "v1", Selected: test.selected}
			r := &exchange.Response{Status: http.StatusCreated, Header: http.Header{"Content-Location": {test.from}}}
			if prob := a.Return(x, r); prob != nil {
				t.Fatal(prob)
			}
			if got := r.Header.Get("Content-Location"); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// TestRetryAfterOfAFailure lets a failing service say when to try again, and nothing else.
func TestRetryAfterOfAFailure(t *testing.T) {
	tests := map[string]struct {
		sent []string
		want string
	}{
		"seconds":          {[]string{"7"}, "7"},
		"a date":           {[]string{"Fri, 01 Mar 2030 00:00:00 GMT"}, "Fri, 01 Mar 2030 00:00:00 GMT"},
		"nothing":          {nil, ""},
		"the first of two": {[]string{"7", "8"}, "7"},
		"words":            {[]string{"ask ops@db-1.internal", "7"}, ""},
		"less than none":   {[]string{"-1"}, ""},
		"without end":      {[]string{"99999999999999"}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := newAnswers(&catalogue.API{BasePath: "/"})
			prob := a.Return(&exchange.Exchange{}, &exchange.Response{Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": test.sent}})
			if prob == nil {
				t.Fatal("the failure passed")
			}
			if got := strings.Join(prob.Header["Retry-After"], ", "); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// TestFailure says which failures of a service its callers get in its own words.
func TestFailure(t *testing.T) {
	for kind, passes := range map[string]bool{
		"application/problem+json; charset=utf-8": true,
		"Application/Problem+XML":                 true,
		"application/problem+jsonish":             false, // only begins like one
		"text/html":                               false,
		"":                                        false,
	} {
		r := &exchange.Response{Status: http.StatusServiceUnavailable, Header: http.Header{"Content-Type": {kind}}}
		if prob := newAnswers(&catalogue.API{}).Return(&exchange.Exchange{}, r); (prob == nil) != passes {
			t.Errorf("%q: %v", kind, prob)
		}
	}
}
