package gateway_test

import (
	"strings"
	"testing"
)

// TestDescribe asks a running gateway what it serves, as a stranger and as a caller, at sites that serve all APIs, one,
// and another.
func TestDescribe(t *testing.T) {
	s := start(t, func(s *server) {
		s.write("examples/shop/other.hcl", `
api "other" {
  base_path = "/other"
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  describe  = "everyone"
  route "GET /things" {}
}
`)
		s.caddyfile = strings.Replace(s.caddyfile, "\tapi_gateway\n}\n", `	@other path /only/*
	handle @other {
		uri strip_prefix /only
		api_gateway other
	}
	api_gateway
}
`, 1)
	})
	c := s.client(true)
	list := s.do(c, "GET", "/.well-known/api-catalog", "")
	if list.status != 200 || !strings.Contains(list.body, "/api/v1/openapi.json") || !strings.Contains(list.body, "/other/openapi.json") {
		t.Errorf("the list: %d %s", list.status, list.body)
	}
	if one := s.do(c, "GET", "/only/.well-known/api-catalog", ""); one.status != 200 || strings.Contains(one.body, "/api/v1") {
		t.Errorf("a site's own list: %d %s", one.status, one.body)
	}
	if head := s.do(c, "HEAD", "/.well-known/api-catalog", ""); head.status != 200 || !strings.Contains(head.header.Get("Link"), `rel="api-catalog"`) {
		t.Errorf("HEAD: %d %v", head.status, head.header)
	}
	for _, test := range []struct {
		path, want string
		fields     []string
		status     int
	}{
		{"/api/v1/openapi.json", `"customer_name"`, []string{"X-API-Key: " + acme}, 200},
		{"/api/v1/openapi.json", "unauthorized", nil, 401},
		{"/api/v0/openapi.json", "version-retired", []string{"X-API-Key: " + acme}, 410},
		{"/other/openapi.json", `"/things"`, nil, 200},
	} {
		if a := s.do(c, "GET", test.path, "", test.fields...); a.status != test.status || !strings.Contains(a.body, test.want) {
			t.Errorf("%s: %d %s", test.path, a.status, a.body)
		}
	}
}
