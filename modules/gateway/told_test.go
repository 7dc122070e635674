package gateway_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"
)

// telling is a catalogue whose services are told of who calls in fields of their own; apis are more blocks of it.
const telling = `
variable "orders" { default = "http://127.0.0.1:9080" }
identity "partners" {
  api_key { keys = "partners.keys" }
}
identity "staff" {
  jwt {
    issuer   = "https://id.example"
    keys     = "staff.jwks.json"
    audience = ["orders"]
    consumer = claims.sub
  }
}
upstream "orders" { servers = [var.orders] }
api "orders" {
  base_path = "/api"
  upstream  = upstream.orders
  identify  = [identity.partners, identity.staff, anonymous]
  authorize = public
  forward {
    header "X-Tenant" { value = claims.tenant }
    header "Remote-User" { value = consumer.id }
    header "Acme-Groups" { value = consumer.groups }
  }
  route "GET /orders" {}
  route "POST /orders" {}
  route "GET /quiet" {
    forward {}
  }
  route "GET /kept" {
    forward { credential = true }
  }
}
api "open" {
  base_path = "/open"
  upstream  = upstream.orders
  identify  = [anonymous]
  authorize = public
  route "GET /orders" {}
}
`

// staff makes a key set, and a function that signs tokens for it.
func staff(t *testing.T) (keys string, sign func(claims map[string]any) string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := jwk.Import(private)
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(map[string]any{"keys": []jwk.Key{public}})
	if err != nil {
		t.Fatal(err)
	}
	return string(set), func(claims map[string]any) string {
		b := jwt.NewBuilder().Issuer("https://id.example").Audience([]string{"orders"}).Subject("ada").Expiration(time.Now().Add(time.Hour))
		for name, value := range claims {
			b = b.Claim(name, value)
		}
		token, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		signed, err := jwt.Sign(token, jwt.WithKey(jwa.ES256(), key))
		if err != nil {
			t.Fatal(err)
		}
		return "Authorization: Bearer " + string(signed)
	}
}

// tells serves the catalogue of who is told what.
func tells(t *testing.T, change ...func(*server)) (*server, func(claims map[string]any) string) {
	keys, sign := staff(t)
	return start(t, append([]func(*server){func(s *server) {
		s.write("examples/shop/shop.hcl", telling)
		s.write("examples/shop/staff.jwks.json", keys)
	}}, change...)...), sign
}

// TestTold asks what services are told of callers, who send the same fields, in every way that a request has for it.
func TestTold(t *testing.T) {
	s, sign := tells(t)
	told := []string{"X-Tenant", "Remote-User", "Acme-Groups", "X-Consumer-Id"}
	groups := map[string]any{"tenant": "t1", "groups": []string{"a", "b"}}
	for _, test := range []struct {
		path, credential string
		want             string // Name: value, in the order of told
		kept             string // the field of the credential that goes on
	}{
		{"/api/orders", sign(groups), "X-Tenant: t1, Remote-User: ada, Acme-Groups: a,b", ""},
		{"/api/orders", sign(nil), "Remote-User: ada", ""},
		{"/api/orders", "X-API-Key: " + acme, "Remote-User: acme", ""},
		{"/api/orders", "Accept: */*", "", ""},
		{"/api/quiet", sign(groups), "", ""},
		{"/api/kept", sign(groups), "", "Authorization"},
		{"/api/kept", "X-API-Key: " + acme, "", "X-Api-Key"},
		{"/open/orders", "Accept: */*", "", ""},
	} {
		for _, http2 := range []bool{false, true} {
			fields := []string{test.credential}
			for _, name := range told {
				fields = append(fields, name+": admin", name+": root")
			}
			if !http2 {
				fields = append(fields, "Connection: close, X-Tenant, Remote-User, Acme-Groups, X-Consumer-Id", "Te: trailers")
			}
			a := s.do(s.client(http2), "GET", test.path, "", fields...)
			if a.status != 200 {
				t.Fatalf("%s, HTTP/2 %t: got %d %s", test.path, http2, a.status, a.body)
			}
			saw, _ := s.upstream.saw()
			var got []string
			for _, name := range told {
				if values, there := saw.Header[name]; there {
					got = append(got, name+": "+strings.Join(values, "|"))
				}
			}
			if strings.Join(got, ", ") != test.want {
				t.Errorf("%s, HTTP/2 %t: the service was told %q, want %q", test.path, http2, got, test.want)
			}
			for _, name := range []string{"Authorization", "X-Api-Key"} {
				if (saw.Header[name] != nil) != (name == test.kept) {
					t.Errorf("%s, HTTP/2 %t: the service was given %s: %t", test.path, http2, name, saw.Header[name] != nil)
				}
			}
		}
	}
}

// TestToldInDisguise sends names that a service may take for those in which it is told who calls.
func TestToldInDisguise(t *testing.T) {
	s, _ := tells(t)
	for _, name := range []string{"Acme_Groups", "acme.groups", "ACME~GROUPS"} {
		s.upstream.count.Store(0)
		a := s.raw("GET /open/orders HTTP/1.1\r\nHost: localhost\r\n" + name + ": admin\r\nConnection: close\r\n\r\n")
		saw, _ := s.upstream.saw()
		switch reached := s.upstream.count.Load(); {
		case a.status == 400 && reached == 0:
		case a.status == 200: // Caddy drops some of these before any handler
			for got := range saw.Header {
				if strings.HasPrefix(strings.ToLower(got), "acme") {
					t.Errorf("%s arrives", name)
				}
			}
		default:
			t.Errorf("%s: got %d, and %d reached the service", name, a.status, reached)
		}
	}
	body := "{}"
	a := s.raw("POST /api/orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nTrailer: Acme-Groups\r\nConnection: close\r\n\r\n" +
		fmt.Sprintf("%x\r\n%s\r\n0\r\nAcme-Groups: admin\r\n\r\n", len(body), body))
	saw, _ := s.upstream.saw()
	if a.status != 200 || len(saw.Trailer) > 0 || saw.Header["Acme-Groups"] != nil {
		t.Errorf("got %d; the service was told trailers %v, header %v", a.status, saw.Trailer, saw.Header)
	}
}

// TestToldNothingForged has an issuer whose claims its users choose: none of them becomes another field or another group.
func TestToldNothingForged(t *testing.T) {
	s, sign := tells(t)
	for _, claims := range []map[string]any{
		{"tenant": "a\r\nX-User: admin"}, {"tenant": "a\nRemote-User: admin"}, {"tenant": "a\x00"}, {"tenant": "a\u0085b"}, {"tenant": " a"},
		{"tenant": strings.Repeat("a", 5000)}, {"tenant": map[string]any{"a": 1}}, {"groups": []string{"a,admin"}},
	} {
		s.upstream.count.Store(0)
		a := s.do(s.client(true), "GET", "/api/orders", "", sign(claims))
		if a.status != http.StatusForbidden || s.upstream.count.Load() != 0 || strings.Contains(a.body, "admin") {
			t.Errorf("%v: got %d %s, and %d reached the service", claims, a.status, a.body, s.upstream.count.Load())
		}
	}
}

// TestToldWithAPin identifies callers before their route is known: what is told still follows the route.
func TestToldWithAPin(t *testing.T) {
	s := start(t, func(s *server) {
		s.replace("examples/shop/shop.hcl", `  route "GET /orders/{id}" { returns = object.order }`, `  route "GET /orders/{id}" {
    returns = object.order
    forward {
      header "X-Who" { value = consumer.name }
      credential = true
    }
  }`)
	})
	for _, test := range []struct {
		path, who, consumer string
		kept                bool
	}{
		{"/api/v2/orders", "", "acme", false},
		{"/api/v2/orders/acme-1001", "Acme Ltd, demo key", "", true},
	} {
		a := s.do(s.client(true), "GET", test.path, "", "X-API-Key: "+acme, "X-Who: admin")
		if a.status != 200 {
			t.Fatalf("got %d %s", a.status, a.body)
		}
		saw, _ := s.upstream.saw()
		if saw.Header.Get("X-Who") != test.who || saw.Header.Get("X-Consumer-Id") != test.consumer || (saw.Header["X-Api-Key"] != nil) != test.kept {
			t.Errorf("%s: the service was told %v", test.path, saw.Header)
		}
	}
}
