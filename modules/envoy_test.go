package modules_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
)

// connection is a policy about the ends of a connection, as Envoy would tell of them.
const connection = `package envoy.peer

import input.attributes.request.http as http_request
import input.attributes.source as source

default allow := false

allow if {
	source.address.socketAddress.address == "127.0.0.1"
	source.address.socketAddress.portValue > 1023
	sprintf("localhost:%d", [input.attributes.destination.address.socketAddress.portValue]) == http_request.host
	http_request.headers[":authority"] == http_request.host
	http_request.headers[":path"] == "/peer?a=1"
	http_request.scheme == "https"
	http_request.protocol in {"HTTP/1.1", "HTTP/2"}
	input.attributes.tlsSession.sni == "localhost"
	input.attributes.request.time.seconds > 1700000000
	source.principal == "spiffe://acme.example/billing"
	input.consumer.certificate.subject == "CN=billing"
	input.consumer.certificate.sans.uri == [input.source_principal]
	contains(urlquery.decode(source.certificate), "-----BEGIN CERTIFICATE-----\n")
}
`

// slashes is a policy that tells paths apart by the slash at their end.
const slashes = `package envoy.slash

import input.attributes.request.http as http_request

default allow := false

allow if {
	not startswith(http_request.path, "/slash/admin/")
	not startswith(input.request.path, "/slash/admin/")
	glob.match("/slash/*", ["/"], input.request.path)
	input.parsed_path[count(input.parsed_path) - 1] == ""
	endswith(http_request.headers[":path"], "/?a=1")
}
`

// TestEnvoyPolicies serves policies that were written for Envoy, unchanged, in a Caddyfile that has nothing else.
func TestEnvoyPolicies(t *testing.T) {
	clients := newAuthority(t)
	files := map[string]string{"policies/peer.rego": connection, "policies/slash.rego": slashes, "clients.pem": clients.pem()}
	for _, name := range []string{"roles", "form"} {
		text, err := os.ReadFile("../internal/policy/testdata/envoy/" + name + ".rego")
		if err != nil {
			t.Fatal(err)
		}
		files["policies/"+name+".rego"] = strings.Replace(string(text), "package envoy.authz", "package envoy."+name, 1)
	}
	g, s, _ := alone(t, files, `
	api_gateway {
		policies policies
	}`, `
	tls {
		client_auth {
			mode verify_if_given
			trust_pool file {DIR}/clients.pem
		}
	}
	api_policy /books* data.envoy.roles.allow
	api_policy /quiz data.envoy.form.allow
	api_policy /peer data.envoy.peer.allow
	@unmatched {
		header Matched *
		path /slash*
		not {
			api_policy data.envoy.slash.allow
		}
	}
	@asked {
		header !Matched
		path /slash*
	}
	api_policy @asked data.envoy.slash.allow
	error @unmatched "" 403
	{PROXY}`)
	basic := func(user string) string {
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":secret"))
	}
	is(t, "a guest", g.Do("GET", "/books", "", basic("linus")), 200, "")
	if _, _, header, _ := s.saw(); header.Get("Authorization") == "" {
		t.Error("the policy took the credential off the request")
	}
	is(t, "a guest where staff may go", g.Do("GET", "/books/7", "", basic("linus")), 403, `"instance":"urn:uuid:`)
	is(t, "staff", g.Do("GET", "/books/7", "", basic("grace")), 200, "")
	is(t, "nobody", g.Do("GET", "/books", ""), 403, "")

	form := url.Values{"answer": {"42"}, "tag": {"a", "b"}}.Encode()
	const kind = "Content-Type: application/x-www-form-urlencoded"
	is(t, "a form", g.Do("POST", "/quiz", form, kind), 200, form)
	is(t, "a wrong form", g.Do("POST", "/quiz", "answer=41", kind), 403, "")
	is(t, "no form", g.Do("POST", "/quiz", "answer=%", kind), 400, "")
	is(t, "JSON", g.Do("POST", "/quiz", `{"answer":["42"],"tag":["a","b"]}`, "Content-Type: application/json"), 403, "")
	is(t, "what only calls itself JSON", g.Do("POST", "/quiz", form, "Content-Type: application/json"), 400, "")
	is(t, "a text", g.Do("PUT", "/quiz", "please", "Content-Type: text/plain"), 200, "please")
	is(t, "a large text", g.Do("PUT", "/quiz", "please"+strings.Repeat(" ", 1<<20), "Content-Type: text/plain"), 413, "")
	if n, _, _, body := s.saw(); n != 4 || body != "please" {
		t.Errorf("%d requests reached the service, the last with %.20q", n, body)
	}

	// The slash at the end reaches the service, so the policy sees it too, as the plugin gives it.
	for path, status := range map[string]int{"/slash": 403, "/slash/": 200, "/slash/admin/": 403} {
		is(t, path, g.Do("GET", path+"?a=1", ""), status, "")
		if matched := g.Do("GET", path+"?a=1", "", "Matched: 1"); matched.Status != status {
			t.Errorf("%s, asked by a matcher: got %d, want %d", path, matched.Status, status)
		}
		if _, at, _, _ := s.saw(); status == 200 && at != path+"?a=1" {
			t.Errorf("%s reached the service as %s", path, at)
		}
	}

	is(t, "without a certificate", g.Do("GET", "/peer?a=1", ""), 403, "")
	res, err := clients.client(t, g, "billing", "spiffe://acme.example/billing").Get(g.URL + "/peer?a=1")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("with a certificate: got %d", res.StatusCode)
	}
}
