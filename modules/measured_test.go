package modules_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// measuredOrder is 1 KB of an order in its first version, as the load generator of bench/load sends it.
const measuredOrder = "../bench/load/order.json"

// TestMeasured has the configuration that bench measures do the work that bench says it does: a request is changed from the first
// version to the newest, and its answer back, with a body and without; and what should be refused is.
func TestMeasured(t *testing.T) {
	s := &service{}
	server := httptest.NewServer(s)
	server.Config.SetKeepAlivesEnabled(false)
	t.Cleanup(server.Close)
	keys, sign := issuer(t)
	dir := t.TempDir()
	rendered := strings.NewReplacer("@H@", dir, "http://127.0.0.1:29000", server.URL, "https://127.0.0.1:28443", "https://localhost:{$HTTPS_PORT}",
		"tls @H@/run/cert.pem @H@/run/key.pem", "tls internal")
	for _, folder := range []string{"conf", "policy"} {
		paths, err := filepath.Glob(filepath.Join("../bench", folder, "wicketgate*"))
		if err != nil || len(paths) == 0 {
			t.Fatalf("there is nothing: %v", err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			gatewaytest.Write(t, filepath.Join(dir, folder, filepath.Base(path)), rendered.Replace(string(text)))
		}
	}
	gatewaytest.Write(t, filepath.Join(dir, "run", "es256.json"), keys)
	g := gatewaytest.Start(t, filepath.Join(dir, "conf", "wicketgate.caddyfile"))
	token := func(who string) string {
		return "Authorization: Bearer " + sign(map[string]any{"iss": "https://issuer.test", "aud": []string{"api"}, "sub": who, "roles": []string{"editor", "viewer"}})
	}
	as, in := token("user42"), func(version string) string { return "Bench-Version: " + version }

	const item = `{"items":[{"id":0,"name":"item-000","price":10.50,"active":true}],"page":1}`
	s.text(http.StatusOK, "application/json", item)
	for version, named := range map[string]struct{ parameter, answer string }{
		"v1": {"p", item},
		"v2": {"page_no", strings.NewReplacer(`"name"`, `"label"`, "true", `"yes"`).Replace(item)},
		"v3": {"page", item},
	} {
		is(t, version, g.Do("GET", "/api/items/7?"+named.parameter+"=1", "", as, in(version)), 200, named.answer)
		if _, path, _, _ := s.saw(); path != "/api/items/7?page=1" {
			t.Errorf("of %s the service was asked %s", version, path)
		}
	}

	s.answers(func(w http.ResponseWriter, _ *http.Request) { // as the load generator's service does
		_, _, _, body := s.saw()
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, body) //nolint:errcheck // the test reads it
	})
	text, err := os.ReadFile(measuredOrder)
	if err != nil {
		t.Fatal(err)
	}
	order := strings.TrimSpace(string(text))
	if n := len(order); n < 1000 || n > 1100 {
		t.Errorf("the order has %d bytes", n)
	}
	const kind = "Content-Type: application/json"
	got := g.Do("POST", "/api/items/7/orders", order, as, kind)
	if got.Status != 200 || got.Body != order {
		t.Errorf("got %d %s\nand sent\n%s", got.Status, got.Body, order)
	}
	_, _, _, body := s.saw()
	newest := strings.NewReplacer(`"customer_name":"Ada King",`, "", `"customer_email":"ada@example.org"`, `"customer":{"name":"Ada King","email":"ada@example.org"}`,
		`"verified":true`, `"status":"verified"`, `"total":"1234.50"`, `"total":{"amount":123450}`, `"article"`, `"sku"`).Replace(order)
	if body != newest {
		t.Errorf("the service got\n%s\nwant\n%s", body, newest)
	}
	n, _, _, _ := s.saw()

	for what, c := range map[string]struct {
		got    gatewaytest.Answer
		status int
	}{
		"nobody":                    {g.Do("GET", "/api/items/7", ""), 401},
		"somebody else's item":      {g.Do("GET", "/api/items/10", "", as), 403},
		"a parameter of the newest": {g.Do("GET", "/api/items/7?page=1", "", as), 422},
		"a page that is not there":  {g.Do("GET", "/api/items/7?p=2", "", as), 422},
		"an id with a letter":       {g.Do("GET", "/api/items/x7", "", as), 422},
		"a body of the newest":      {g.Do("POST", "/api/items/7/orders", newest, as, kind), 422},
		"a body without lines":      {g.Do("POST", "/api/items/7/orders", `{"customer_name":"a","customer_email":"a@b","verified":true,"currency":"EUR","total":"1.00","lines":[]}`, as, kind), 422},
		"an order of nothing":       {g.Do("POST", "/api/items/7/orders", strings.Replace(order, "1234.50", "0.00", 1), as, kind), 422},
	} {
		is(t, what, c.got, c.status, "")
	}
	if after, _, _, _ := s.saw(); after != n {
		t.Errorf("%d requests reached the service that should not", after-n)
	}
}
