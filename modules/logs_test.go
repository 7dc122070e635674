package modules_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// TestLogs sends API keys in every place and form, to requests that are answered and to such that fail, and looks for them
// in all logs at all levels: their format leaves them out, and hides nothing else.
func TestLogs(t *testing.T) {
	acme, line := apiKey(t, "acme")
	keys, sign := issuer(t)
	g, s, dir := alone(t, map[string]string{"partners.keys": line, "staff.json": keys, "shop.hcl": `
identity "partners" {
  api_key {
    keys   = "partners.keys"
    header = "Shop-Key"
    query  = "shop_key"
  }
}
upstream "shop" { servers = ["http://127.0.0.1:1"] }
api "shop" {
  base_path = "/shop"
  upstream  = upstream.shop
  identify  = [identity.partners]
  authorize = public
  route "GET /orders" {}
}
`}, `
	api_gateway {
		catalogue shop.hcl
	}
	log default {
		output file {DIR}/default.log {
			roll_disabled
		}
		level DEBUG
		exclude events
		format api_gateway
	}
	log text {
		output file {DIR}/text.log {
			roll_disabled
		}
		level DEBUG
		include http
		format api_gateway {
			wrap console
		}
	}
	servers {
		log_credentials
	}`, `
	log {
		output file {DIR}/access.log {
			roll_disabled
		}
		level DEBUG
		format api_gateway {
			request>remote_port delete
		}
	}
	log filtered {
		output file {DIR}/filtered.log {
			roll_disabled
		}
		format filter {
			wrap api_gateway
			request>headers>User-Agent delete
		}
	}
	handle /shop/* {
		api_gateway
	}
	handle {
		api_auth {
			key X-API-Key partners.keys {
				bearer
				query api_key
			}
			jwt {
				issuer https://id.example
				jwks staff.json
				audience orders
			}
		}
		rewrite /moved* /elsewhere?{query}&from={header.X-API-Key}
		respond /error "{uri}" 500
		error /fail "cannot serve {header.Referer}" 503
		{PROXY}
	}`)
	token := sign(map[string]any{"sub": "ada"})
	flipped := acme[:len(acme)-1] + map[bool]string{true: "1", false: "0"}[strings.HasSuffix(acme, "0")]
	ask := func(path string, status int, fields ...string) {
		t.Helper()
		if a := g.Do("GET", path, "", fields...); a.Status != status {
			t.Errorf("%s: got %d %s, want %d", path, a.Status, a.Body, status)
		}
	}
	for _, path := range []string{"/orders", "/moved"} {
		ask(path, 200, "X-API-Key: "+acme)
		ask(path, 200, "Authorization: Bearer "+acme)
		ask(path+"?page=2&api_key="+acme+"&sort=id", 200)
		ask(path+"?api%5Fkey="+strings.Replace(acme, "_", "%5F", 1), 200)
		ask(path, 200, "Authorization: Bearer "+token)
	}
	ask("/orders", 401, "X-API-Key: "+flipped)
	ask("/orders?api_key="+flipped, 401)
	ask("/orders?api_key="+acme+"&api_key="+acme, 400)
	ask("/orders", 400, "X-API-Key: "+acme, "X-API-Key: "+acme)
	ask("/orders", 400, "X-API-Key: "+acme, "Authorization: Bearer "+token)
	ask("/orders", 401, "Authorization: Basic "+acme)
	ask("/error", 500, "X-API-Key: "+acme)
	ask("/fail?api_key="+acme, 503, "Referer: https://www.example/?api_key="+acme)
	ask("/fail", 503, "X-API-Key: "+acme, "X-Other: "+acme, "Referer: https://www.example/?other="+acme)
	ask("/shop/orders", 502, "Shop-Key: "+acme)
	ask("/shop/orders?shop_key="+acme, 502)
	ask("/shop/orders", 401, "X-API-Key: "+acme) // which is none there, and one elsewhere
	s.answers(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	ask("/orders?api_key="+acme, 502)

	secrets := map[string]string{"the key": acme[16:59], "the token": token[strings.LastIndex(token, ".")+1:]}
	for name, want := range map[string]int{"access.log": 22, "filtered.log": 22, "default.log": 3, "text.log": 3} {
		var text []byte
		g.Within(10*time.Second, name+" is written", func() bool {
			var err error
			text, err = os.ReadFile(filepath.Join(dir, name))
			return err == nil && bytes.Count(text, []byte("\n")) >= want
		})
		for what, secret := range secrets {
			if i := bytes.Index(text, []byte(secret)); i >= 0 {
				t.Errorf("%s shows %s: %s", name, what, text[max(0, i-200):i+40])
			}
		}
		for _, want := range []string{"page=2&api_key=REDACTED&sort=id", `"X-Api-Key":["REDACTED"]`, acme[:15] + "_REDACTED", "shop_key=REDACTED"} {
			want = map[bool]string{true: strings.ReplaceAll(want, `":[`, `": [`), false: want}[name == "text.log"]
			if name != "default.log" && name != "text.log" && !bytes.Contains(text, []byte(want)) {
				t.Errorf("%s does not have %s", name, want)
			}
		}
		if name == "default.log" { // nothing in it is about a request
			continue
		}
		if bytes.Contains(text, []byte("remote_port")) != (name != "access.log") || bytes.Contains(text, []byte("User-Agent")) != (name != "filtered.log") {
			t.Errorf("%s: filters of fields do not do what they say", name)
		}
	}
}

// TestExampleLogs asks the example what its page asks, with a key, and looks for it in the example's access log.
func TestExampleLogs(t *testing.T) {
	const key = "wg_5BhEtQB3LP1l_Wnh6Mvw6wIbZHbGsKo5LBFAQgREDoTRJ04cPU9STemz1tpAc1"
	dir := t.TempDir()
	t.Setenv("DATA", dir)
	t.Setenv("ADMIN", "off")
	t.Setenv("SERVICE_PORT", strconv.Itoa(gatewaytest.FreePort(t)))
	example, err := filepath.Abs("../examples/identity")
	if err != nil {
		t.Fatal(err)
	}
	caddyfile, err := os.ReadFile(filepath.Join(example, "Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "Caddyfile")
	gatewaytest.Write(t, path, strings.NewReplacer(
		"catalogue .", "catalogue "+example,
		"/access.log\n", "/access.log {\n\t\t\troll_disabled\n\t\t}\n", // what rolls it would outlive the test
	).Replace(string(caddyfile)))
	g := gatewaytest.Start(t, path)
	if a := g.Do("GET", "/api/me", "", "X-API-Key: "+key); a.Status != 200 || !strings.Contains(a.Body, `"consumer":"acme"`) {
		t.Fatalf("got %d %s", a.Status, a.Body)
	}
	if a := g.Do("GET", "/api/me?key="+key, "", "X-API-Key: "+key+"x"); a.Status != 401 {
		t.Fatalf("got %d %s", a.Status, a.Body)
	}
	var text []byte
	g.Within(10*time.Second, "the access log is written", func() bool {
		text, _ = os.ReadFile(filepath.Join(dir, "access.log"))
		return bytes.Count(text, []byte("\n")) == 2
	})
	if !bytes.Contains(text, []byte(`"X-Api-Key":["REDACTED"]`)) || bytes.Contains(text, []byte(key[20:50])) {
		t.Errorf("the access log is\n%s", text)
	}
}
