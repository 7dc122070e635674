package admit

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/problem"
)

var stages = Config{Reserved: []string{"Acme-Tenant"}, Credentials: []string{"X-API-Key", "X-User-Token"}}

// Each of these ends with 400: two parties could read it in two ways.
func TestRefusedFields(t *testing.T) {
	for _, fields := range [][]string{
		{"X_User: admin"},
		{"X.User: admin"},
		{"x_user_id: admin"},
		{"X~User: admin"},
		{"Remote_User: admin"},
		{"SSL_Client_Cert: x"},
		{"X_Forwarded_For: 127.0.0.1"},
		{"X_Forwarded_Prefix: /admin"},
		{"X-Forwarded.Host: evil.test"},
		{"Content_Length: 3"},
		{"content.type: text/html"},
		{"transfer_encoding: chunked"},
		{"Authorization_: Basic x", "Authorization: Basic y", "Authorization: Basic z"},
		{"X_API_Key: k"},
		{"Acme_Tenant: other"},
		{"X-HTTP-Method-Override: DELETE"},
		{"X-HTTP-Method: DELETE"},
		{"X-Method-Override: DELETE"},
		{"X_HTTP_Method_Override: DELETE"},
		{"Authorization: Bearer a", "Authorization: Bearer b"},
		{"Authorization: Bearer a", "authorization: Bearer a"},
		{"X-API-Key: a", "X-API-Key: a"},
		{"Content-Type: application/json", "Content-Type: text/html"},
		{"Idempotency-Key: 1", "Idempotency-Key: 2"},
		{"If-Modified-Since: a", "If-Modified-Since: b"},
		{"Traceparent: a", "Traceparent: b"},
	} {
		t.Run(strings.Join(fields, ", "), func(t *testing.T) {
			refused(t, stages, get(t, "/", fields...), problem.AmbiguousHeader)
		})
	}
}

// None of these reaches a stage or the upstream, and the request goes on without them.
func TestFieldsTakenOff(t *testing.T) {
	for _, name := range []string{
		"X-User", "X-User-Id", "X-Username", "X-Consumer-Name", "X-Consumer-Custom-Id", "X-Credential-Identifier", "X-Authenticated-Userid", "X-Authenticated-Scope",
		"Remote-User", "Remote-Groups", "Remote-Name", "Remote-Email", "X-Authentik-Username", "X-Pomerium-Jwt-Assertion", "X-Vouch-User", "X-JWT-Assertion", "X-Goog-Iap-Jwt-Assertion",
		"X-Endpoint-Api-Userinfo", "X-Apigateway-Api-Userinfo", "X-Remote-User", "X-Remote-Groups", "X-Auth-Request-Email", "X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups",
		"X-Client-Cert", "X-Client-Cert-Dn", "X-SSL-Client-S-Dn", "X-SSL-Client-Verify", "SSL-Client-Cert", "Client-Cert", "Client-Cert-Chain",
		"X-Forwarded-Prefix", "X-Forwarded-Port", "X-Forwarded-Uri", "X-Forwarded-Server", "X-Forwarded-Ssl", "X-Forwarded-Method", "Forwarded",
		"X-Real-IP", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP", "X-Cluster-Client-IP", "X-Original-URL", "X-Original-URI", "X-Rewrite-URL",
		"Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Trailer", "Proxy", "HTTP2-Settings", "Acme-Tenant",
	} {
		r := get(t, "/", name+": x", name+": y")
		if r.Header.Get(name) == "" {
			t.Fatalf("%s is not there to begin with", name)
		}
		if p := New(stages).fields(r); p != nil {
			t.Errorf("%s: %v", name, p)
		}
		if got := r.Header.Values(name); got != nil {
			t.Errorf("%s: %q stays", name, got)
		}
	}
}

func TestFieldsThatPass(t *testing.T) {
	r := get(t, "/", "X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: a.test", "X-API-Key: k", "X-User-Token: t", "TE: trailers",
		"Accept: a/b", "Accept: c/d", "Accept-Language: fr\tde", "If-Match: a", "If-Match: b", "my_field: x", "X-Tenant.Id: y", "Cookie: a=b", "Referer: /a", "Referer: /a", "X-Usage: z")
	if p := New(stages).fields(r); p != nil {
		t.Fatal(p)
	}
	for name, want := range map[string]string{
		"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "a.test", "X-Api-Key": "k", "X-User-Token": "t", "Te": "trailers",
		"Accept": "a/b|c/d", "Accept-Language": "fr\tde", "If-Match": "a|b", "My_field": "x", "X-Tenant.id": "y", "Cookie": "a=b", "Referer": "/a", "X-Usage": "z",
	} {
		if got := strings.Join(r.Header[name], "|"); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// "Connection: close, X-User" would make the proxy delete what a stage has put on.
func TestConnection(t *testing.T) {
	for _, c := range []struct{ connection, upgrade, wantConnection, wantUpgrade string }{
		{"keep-alive", "", "keep-alive", ""},
		{"Close", "", "close", ""},
		{"close, X-User", "", "close", ""},
		{"X-User, Authorization", "", "keep-alive", ""},
		{"Upgrade", "websocket", "Upgrade", "websocket"},
		{"keep-alive, Upgrade, X-User", "WebSocket", "Upgrade", "WebSocket"},
		{"Upgrade, HTTP2-Settings", "h2c", "keep-alive", ""},
		{"Upgrade", "websocket, h2c", "keep-alive", ""},
		{"close", "websocket", "close", ""},
		{"", "h2c", "", ""},
	} {
		var fields []string
		if c.connection != "" {
			fields = append(fields, "Connection: "+c.connection)
		}
		if c.upgrade != "" {
			fields = append(fields, "Upgrade: "+c.upgrade)
		}
		r := get(t, "/", fields...)
		admitted(t, r)
		if got := r.Header.Get("Connection"); got != c.wantConnection {
			t.Errorf("Connection: %s, Upgrade: %s: Connection is %q, want %q", c.connection, c.upgrade, got, c.wantConnection)
		}
		if got := r.Header.Get("Upgrade"); got != c.wantUpgrade {
			t.Errorf("Connection: %s, Upgrade: %s: Upgrade is %q, want %q", c.connection, c.upgrade, got, c.wantUpgrade)
		}
	}
	r := get(t, "/", "Connection: close", "Connection: X-User")
	if admitted(t, r); len(r.Header["Connection"]) != 1 {
		t.Errorf("Connection: %q", r.Header["Connection"])
	}
	r = request(t, "POST / HTTP/1.1", "Host: gw.test", "Connection: Upgrade", "Upgrade: websocket")
	if admitted(t, r); r.Header.Get("Upgrade") != "" {
		t.Error("a POST upgrades")
	}
}

func TestTE(t *testing.T) {
	r := get(t, "/", "TE: trailers, deflate")
	if admitted(t, r); r.Header.Get("Te") != "" {
		t.Error("TE stays")
	}
}

func TestTrailersAreDropped(t *testing.T) {
	r := request(t, "POST / HTTP/1.1", "Host: gw.test", "Transfer-Encoding: chunked", "Trailer: X-User-Id", "", "0", "X-User-Id: admin")
	if r.Trailer == nil {
		t.Fatal("no trailer to begin with")
	}
	if admitted(t, r); r.Trailer != nil {
		t.Errorf("trailer %v", r.Trailer)
	}
}

// net/http drops the Content-Length of a chunked request and the Host it took the address from; another server in
// front of these handlers may not.
func TestWhatOnlyAnotherServerLetsThrough(t *testing.T) {
	r := get(t, "/")
	r.TransferEncoding, r.Header["Content-Length"] = []string{"chunked"}, []string{"3"}
	refused(t, Config{}, r, problem.BadRequest)

	r = get(t, "/", "X-A: b")
	r.Header["Transfer-Encoding"] = []string{"chunked"}
	refused(t, Config{}, r, problem.BadRequest)

	r = get(t, "/")
	r.Header["X-A"] = []string{"a\r\nX-User: admin"}
	refused(t, Config{}, r, problem.BadRequest)

	r = get(t, "/")
	r.Header[""] = []string{"a"}
	refused(t, Config{}, r, problem.BadRequest)

	r = get(t, "/")
	r.Header["x-user-id"] = []string{"admin"}
	refused(t, Config{}, r, problem.AmbiguousHeader)

	r = get(t, "/")
	r.Header["Host"] = []string{"other.test"}
	refused(t, Config{}, r, problem.AmbiguousHeader)

	r = get(t, "/")
	r.Header["Host"] = []string{"GW.test"}
	if admitted(t, r); r.Header["Host"] != nil {
		t.Error("Host stays among the fields")
	}
}

func TestFieldBounds(t *testing.T) {
	many := func(n int) (fields []string) {
		for i := range n {
			fields = append(fields, "X-"+strconv.Itoa(i)+": a")
		}
		return fields
	}
	admitted(t, get(t, "/", many(100)...))
	refused(t, Config{}, get(t, "/", many(101)...), problem.HeaderTooLarge)
	refused(t, Config{}, get(t, "/", strings.Split(strings.Repeat("A: b\n", 101), "\n")[:101]...), problem.HeaderTooLarge)
	admitted(t, get(t, "/", "X-Long: "+strings.Repeat("a", 16000)))
	refused(t, Config{}, get(t, "/", "X-Long: "+strings.Repeat("a", 16384)), problem.HeaderTooLarge)
	refused(t, Config{MaxHeader: 20}, get(t, "/", "X-A: 0123456789", "X-B: 0123456789"), problem.HeaderTooLarge)
}

// No spelling of a name of the table reaches the upstream as an ordinary field.
func FuzzFieldName(f *testing.F) {
	for _, s := range []string{"X_User", "x-user", "X.Forwarded_For", "Content-Length", "A", "X-", "-X"} {
		f.Add(s)
	}
	a := New(stages)
	f.Fuzz(func(t *testing.T, name string) {
		if name == "" {
			return
		}
		name = http.CanonicalHeaderKey(name)
		k, disguised := a.kind(name)
		folded, _ := a.kind(fold(name))
		if name != protocolField && folded != ordinary && k == ordinary {
			t.Errorf("%q passes and folds onto %q", name, fold(name))
		}
		if disguised && fold(name) == name {
			t.Errorf("%q is canonical and taken for a disguise", name)
		}
	})
}
