package modules_test

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// Without a catalogue, api_policy hides in whatever the handlers behind it answer.
func TestObligationsOfAPolicyAlone(t *testing.T) {
	g, s, _ := alone(t, map[string]string{
		"policies/fields.rego": `package fields

allow if true

drop contains pointer if some pointer in input.request.headers["x-drop"]

filter := {"/data": {"owner": owner}} if some owner in input.request.headers["x-owner"]
`,
		"policies/object.rego": `package object

answer := {"allow": true, "mask": ["/card"]}
`,
		"policies/quotas.rego": `package quotas

answer := {"allow": true, "limits": {"a": {"b": 1}}}
`,
		"policies/counted.rego": "package counted\n\nallow if true\n\nlimits.a.b := 1\n",
	}, "api_gateway {\n\tpolicies {DIR}/policies {\n\t\tlimit 10s\n\t}\n}", `
	route /quotas {
		api_policy data.quotas.answer
		{PROXY}
	}
	route /counted {
		api_policy data.counted {
			report_only
		}
		{PROXY}
	}
	route /report {
		api_policy data.fields {
			report_only
		}
		{PROXY}
	}
	route /changed {
		api_policy data.object.answer
		api_policy data.fields
		api_transform {
			response {
				rename number card_number
			}
		}
		{PROXY}
	}
	route {
		api_policy data.fields
		{PROXY}
	}
`)
	long := strings.Repeat(`{"owner":"secret","v":"`+strings.Repeat("x", 100)+`"},`, 1_000)
	for _, test := range []struct {
		name, path string
		fields     []string
		kind, body string
		status     int
		want       string // "" for any that does not have the secret
	}{
		{"nothing to hide", "/a", nil, "text/plain", "secret", 200, "secret"},
		{"a member", "/a", []string{"X-Drop: /b/c"}, "application/json", `{"a": 1.0, "b":{"c":"secret"} }`, 200, `{"a": 1.0, "b":{} }`},
		{"text", "/a", []string{"X-Drop: /b/c"}, "text/plain", `secret`, 403, ""},
		{"not well formed", "/a", []string{"X-Drop: /b/c"}, "application/json", `{"b":{"c":"secret"}`, 403, ""},
		{"another type", "/a", []string{"X-Drop: /b/c"}, "application/json", `{"b":"secret"}`, 403, ""},
		{"a list", "/a", []string{"X-Owner: ada"}, "application/json", `{"data":[{"owner":"secret"},{"owner":"ada"}]}`, 200, `{"data":[{"owner":"ada"}]}`},
		{"a long list", "/a", []string{"X-Owner: ada"}, "application/json", `{"data":[` + long + `{"owner":"ada"}]}`, 200, `{"data":[{"owner":"ada"}]}`},
		{"a long text", "/a", []string{"X-Owner: ada"}, "text/plain", long, 403, ""},
		{"only reported", "/report", []string{"X-Drop: /b/c"}, "application/json", `{"b":{"c":"secret"}}`, 200, `{"b":{"c":"secret"}}`},
		{"two policies, and a change behind them", "/changed", []string{"X-Drop: /card_number"}, "application/json", `{"number":"secret","card":"secret","a":1}`, 200, `{"card":"***","a":1}`},
		{"one of the two", "/changed", nil, "application/json", `{"number":7,"card":"secret"}`, 200, `{"card_number":7,"card":"***"}`},
		{"quotas, only reported", "/counted", nil, "application/json", `{"a":"secret"}`, 200, `{"a":"secret"}`},
		{"quotas, which nobody counts", "/quotas", nil, "application/json", `{"a":"secret"}`, 403, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s.text(200, test.kind, test.body, `Etag: "7"`)
			a := g.Do("GET", test.path, "", test.fields...)
			if a.Status != test.status || test.want != "" && a.Body != test.want || test.want == "" && strings.Contains(a.Body, "secret") {
				t.Fatalf("got %d %.300s", a.Status, a.Body)
			}
			if a.Status != 200 {
				return
			}
			hidden := test.path != "/report" && a.Body != test.body
			if tag := a.Header.Get("Etag"); strings.Contains(tag, ";~") != hidden || (a.Header.Get("Cache-Control") == "private") != hidden {
				t.Errorf("got %v", a.Header)
			}
		})
	}
	s.answers(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"data":[%s{"owner":`, strings.Repeat(`{"owner":"ada"},`, 5_000))
	})
	req, err := http.NewRequestWithContext(t.Context(), "GET", g.URL+"/a", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Owner", "ada")
	res, err := g.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.ReadAll(res.Body); err == nil {
		t.Error("a broken list came to its end")
	}
}

// A policy that stands alone has nobody behind it who counts.
func TestQuotasOfAPolicyAlone(t *testing.T) {
	dir := t.TempDir()
	gatewaytest.Write(t, filepath.Join(dir, "policies", "a.rego"), "package a\n\nallow if true\n\nlimits.a.b := 1\n")
	path := filepath.Join(dir, "Caddyfile")
	gatewaytest.Write(t, path, "{\n\tapi_gateway {\n\t\tpolicies "+dir+"/policies\n\t}\n}\nhttps://localhost:{$HTTPS_PORT} {\n\ttls internal\n\tapi_policy data.a\n}\n")
	if err := gatewaytest.Load(t, path); err == nil || !strings.Contains(err.Error(), "Quotas that nobody counts") {
		t.Errorf("got %v", err)
	}
}

// Requests share what a policy said, and Caddy's handler header changes values where they are.
func TestHandlersBeforeAPolicyChangeNoSharedAnswer(t *testing.T) {
	g, _, _ := alone(t, map[string]string{"policies/a.rego": `package a

allow if true

response_headers_to_add["X-Note"] := "a"
`}, "api_gateway {\n\tpolicies {DIR}/policies\n}", `
	route {
		header >X-Note a aa
		api_policy data.a
		respond "fine"
	}
`)
	for range 3 {
		if res := g.Do("GET", "/", ""); res.Status != 200 || res.Header.Get("X-Note") != "aa" {
			t.Fatalf("got %d %v", res.Status, res.Header)
		}
	}
}
