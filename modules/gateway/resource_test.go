package gateway_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestResource has clients learn, from the challenge of a 401 and the document that it names, who issues tokens.
func TestResource(t *testing.T) {
	s := start(t)
	client := s.client(true)
	a := s.do(client, "GET", "/api/v2/orders", "")
	const path = "/.well-known/oauth-protected-resource/api"
	challenge := strings.Join(a.header.Values("Www-Authenticate"), ", ")
	_, address, _ := strings.Cut(challenge, `resource_metadata="`)
	address, _, _ = strings.Cut(address, `"`)
	if a.status != 401 || !strings.HasPrefix(address, "https://localhost") || !strings.HasSuffix(address, path) {
		t.Fatalf("%d %s", a.status, challenge)
	}
	a = s.do(client, "GET", path, "")
	var document struct {
		Resource string   `json:"resource"`
		Servers  []string `json:"authorization_servers"`
		Name     string   `json:"resource_name"`
	}
	if err := json.Unmarshal([]byte(a.body), &document); err != nil || a.status != 200 {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	if strings.Replace(document.Resource, "/api", path, 1) != address || document.Name != "orders" || a.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%+v %v", document, a.header)
	}
	for _, other := range []string{"/.well-known/oauth-protected-resource", path + "/orders", "/.well-known/oauth-protected-resourceful/api"} {
		if a := s.do(client, "GET", other, ""); a.status != 404 {
			t.Errorf("%s: %d", other, a.status)
		}
	}
	if a := s.do(client, "POST", path, ""); a.status != 404 {
		t.Errorf("POST: %d", a.status)
	}
	if n := s.upstream.count.Load(); n != 0 {
		t.Errorf("%d requests reached the service", n)
	}
}
