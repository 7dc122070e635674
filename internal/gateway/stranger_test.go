package gateway

import (
	"net/http"
	"testing"
)

// TestKeyForAnotherAPI sends an API key to an API that takes none: the service does not get it, in none of the places where
// another API takes keys. What is no key there is the service's own affair.
func TestKeyForAnotherAPI(t *testing.T) {
	s := &service{}
	g := serving(t, s, acme, `
  base_path = "/shop"
  identify  = [identity.partners]
  route "GET /orders" {}
}
identity "others" {
  api_key {
    keys   = "partners.keys"
    header = "Shop-Key"
    query  = "shop_key"
  }
}
api "others" {
  base_path = "/others"
  upstream  = upstream.shop
  identify  = [identity.others]
  authorize = public
  route "GET /orders" {
    forward { credential = true }
  }
}
api "open" {
  base_path = "/open"
  upstream  = upstream.shop
  identify  = [anonymous]
  authorize = public
  route "GET /orders" {}
`)
	for _, c := range []struct {
		name, target string
		fields       []string
		want         string // of the query
		keeps        []string
	}{
		{"a key", "/open/orders", []string{"X-API-Key: " + acmeKey}, "", nil},
		{"of another API", "/open/orders?a=1&shop_key=" + acmeKey + "&b=2", []string{"Shop-Key: " + acmeKey}, "a=1&b=2", nil},
		{"as a bearer token", "/open/orders", []string{"Authorization: Bearer " + acmeKey}, "", nil},
		{"one of two", "/open/orders?shop_key=1&shop_key=" + acmeKey, nil, "", nil},
		{"mistyped", "/open/orders", []string{"X-API-Key: " + acmeKey[:60]}, "", nil},
		{"the service's own", "/open/orders?shop_key=1", []string{"X-API-Key: 1", "Shop-Key: wg", "Authorization: Basic YTpi"}, "shop_key=1", []string{"X-Api-Key", "Shop-Key", "Authorization"}},
		{"at an API that takes another", "/shop/orders?shop_key=" + acmeKey, []string{"X-API-Key: " + acmeKey, "Shop-Key: " + acmeKey}, "", nil},
		{"where it goes on", "/others/orders", []string{"Shop-Key: " + acmeKey, "X-API-Key: " + acmeKey}, "", []string{"Shop-Key"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.saw = nil
			if w := send(g, "GET https://gw.test"+c.target, c.fields...); w.Code != 200 || s.saw == nil {
				t.Fatalf("got %d %s", w.Code, w.Body)
			}
			if s.saw.URL.RawQuery != c.want {
				t.Errorf("the query is %q, want %q", s.saw.URL.RawQuery, c.want)
			}
			left := http.Header{}
			for _, name := range []string{"X-Api-Key", "Shop-Key", "Authorization"} {
				if s.saw.Header[name] != nil {
					left[name] = s.saw.Header[name]
				}
			}
			for _, name := range c.keeps {
				if left[name] == nil {
					t.Errorf("%s is missing", name)
				}
				delete(left, name)
			}
			if len(left) > 0 {
				t.Errorf("the service is given %v", left)
			}
		})
	}
}

// TestStrangersAreCounted sends wrong keys: the limit by address counts them, where routes come first and where the
// credential names the version.
func TestStrangersAreCounted(t *testing.T) {
	for name, versions := range map[string]string{
		"a route":        "",
		"pinned version": "  versioning {\n    header = \"Shop-Version\"\n    pin    = consumer.api_version\n    default = version.v1\n  }\n  version \"v1\" { released = \"2020-01-01\" }\n",
	} {
		t.Run(name, func(t *testing.T) {
			g := serving(t, &service{}, acme, versions+`
  identify = [identity.partners]
  limits   = [limit.per_address, limit.per_consumer]
  route "GET /orders" {}
}
limit "per_consumer" {
  quota "few" {
    requests = 2
    window   = "1h"
  }
}
limit "per_address" {
  key = client.address
  quota "few" {
    requests = 3
    window   = "1h"
  }
`)
			wrong := acmeKey[:len(acmeKey)-1] + "2"
			for i, step := range []struct {
				key  string
				want int
			}{{wrong, 401}, {acmeKey, 200}, {wrong, 401}, {wrong, 429}, {acmeKey, 429}} {
				w := send(g, "GET https://gw.test/orders", "X-API-Key: "+step.key)
				if w.Code != step.want {
					t.Errorf("request %d: %d %s, want %d", i, w.Code, w.Body, step.want)
				}
				if step.want == 429 && w.Header().Get("Retry-After") == "" {
					t.Errorf("request %d: %v", i, w.Header())
				}
			}
		})
	}
}
