package modules_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

func TestLimit(t *testing.T) {
	g, s, _ := alone(t, nil, "", `
	basic_auth /team/* {
		ada $2a$04$wl2s7Yw3rQphrXvSJZqCj.bXWOOKWrEA/vrN6OOLJ1J4fNJ.B7XFO
		bob $2a$04$wl2s7Yw3rQphrXvSJZqCj.bXWOOKWrEA/vrN6OOLJ1J4fNJ.B7XFO
	}
	api_limit callers {
		quota 3 1h
	}
	api_limit /tenants/* tenants {
		key header.x_tenant
		quota 1 1h
	}
	{PROXY}`)
	s.text(200, "text/plain", "fine", `RateLimit: "theirs";r=9`)
	for i := range 2 {
		res := g.Do("GET", "/", "")
		is(t, "within the quota", res, 200, "fine")
		if got, want := fmt.Sprint(res.Header["Ratelimit"]), fmt.Sprintf(`["1h";r=%d;t=1200]`, 2-i); got != want || res.Header.Get("Ratelimit-Policy") != `"1h";q=3;w=3600` {
			t.Errorf("got %s, %v; want %s, and nothing of the service's", got, res.Header["Ratelimit-Policy"], want)
		}
	}
	is(t, "a tenant", g.Do("GET", "/tenants/a", "", "X-Tenant: a"), 200, "fine")
	res := g.Do("GET", "/", "")
	is(t, "over the quota", res, 429, `"violated-policies":["1h"]`)
	if res.Header.Get("Retry-After") == "" || !strings.Contains(res.Body, `"instance":"urn:uuid:`) {
		t.Errorf("got %v %s", res.Header, res.Body)
	}

	// Caddy's own users count each on their own, and not as the address that is used up.
	user := func(name string) string {
		req, _ := http.NewRequest("GET", "/", nil)
		req.SetBasicAuth(name, "secret")
		return "Authorization: " + req.Header.Get("Authorization")
	}
	for range 3 {
		is(t, "ada", g.Do("GET", "/team/x", "", user("ada")), 200, "fine")
	}
	is(t, "ada again", g.Do("GET", "/team/x", "", user("ada")), 429, "")
	is(t, "bob", g.Do("GET", "/team/x", "", user("bob")), 200, "fine")
	if n, _, _, _ := s.saw(); n != 7 {
		t.Errorf("%d requests reached the service, want 7", n)
	}
}

func TestValidate(t *testing.T) {
	const schema = `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","required":["total"],"properties":{"total":{"type":"number"}}}`
	g, s, dir := alone(t, map[string]string{"schemas/order.json": schema}, `
	api_gateway {
		watch 10ms
	}
	log default {
		output file {DIR}/default.log {
			roll_disabled
		}
	}`, `
	metrics /metrics
	@report path /report
	api_validate @report {
		body json max 64B
		schema schemas/order.json
		rule "query.seen == nil" "is not to be sent"
		report_only
	}
	@orders path /orders
	api_validate @orders {
		body json max 64B
		schema schemas/order.json
		rule "body.total < 100" "must be less than 100" /total
		rule "query.dry == nil" "is not offered"
	}
	{PROXY}`)
	const json = "Content-Type: application/json"
	const right = `{ "total" : 1.50, "more": [1] }`
	is(t, "right", g.Do("POST", "/orders", right, json), 200, right)
	refused := []struct {
		what   string
		res    gatewaytest.Answer
		status int
		text   string
	}{
		{"misshapen", g.Do("POST", "/orders", `{"total":"1"}`, json), 422, `"pointer":"/total"`},
		{"against a rule", g.Do("POST", "/orders", `{"total":100}`, json), 422, "must be less than 100"},
		{"against two rules", g.Do("POST", "/orders?dry=1", `{"total":100}`, json), 422, "is not offered"},
		{"twice the same name", g.Do("POST", "/orders", `{"total":1,"total":2}`, json), 400, "same name"},
		{"not JSON by its type", g.Do("POST", "/orders", right, "Content-Type: text/json"), 415, ""},
		{"too large", g.Do("POST", "/orders", `{"total":1,"more":"`+strings.Repeat("x", 64)+`"}`, json), 413, "64 bytes"},
		{"nothing", g.Do("POST", "/orders", "", json), 400, "needs a body"},
	}
	for _, r := range refused {
		is(t, r.what, r.res, r.status, r.text)
	}
	if n, _, _, body := s.saw(); n != 1 || body != right {
		t.Errorf("%d requests reached the service, the last with %s", n, body)
	}

	const wrong = `{"total":"1" , "total": 2}`
	is(t, "reported", g.Do("POST", "/report", wrong, json), 200, wrong)
	is(t, "reported, not JSON at all", g.Do("POST", "/report", "a=b&c", "Content-Type: text/plain"), 200, "a=b&c")
	is(t, "reported, misshapen", g.Do("POST", "/report", `{"total":"1"}`, json), 200, `{"total":"1"}`)
	text, err := os.ReadFile(filepath.Join(dir, "default.log"))
	if err != nil {
		t.Fatal(err)
	}
	is(t, "reported by a rule", g.Do("POST", "/report?seen=1", `{"total":1}`, json), 200, `{"total":1}`)
	metrics := g.Do("GET", "/metrics", "").Body
	for _, rule := range []string{"rule 1", "rule 2"} {
		if !strings.Contains(metrics, `caddy_api_gateway_rules_unmet_total{api="",route="",rule="`+rule+`",version=""}`) {
			t.Errorf("%s is not counted", rule)
		}
	}
	if n := strings.Count(string(text), "request would have been refused"); n != 3 || !strings.Contains(string(text), `"pointer":"/total"`) {
		t.Errorf("%d reports in\n%s", n, text)
	}

	gatewaytest.Write(t, filepath.Join(dir, "schemas", "order.json"), `{"type":"object","required":["id"]}`)
	g.Within(10*time.Second, "the new schema holds", func() bool { return g.Do("POST", "/orders", right, json).Status == 422 })
}

const authz = `package httpapi.authz

default allow := false

allow if input.request.method == "GET"

allow if input.request.body.owner == input.consumer.id

query_parameters_to_set := {"owner": input.consumer.id} if input.consumer

headers := {"X-Decided": "yes"}
`

// rewritten allows what goes on to the service, and not what was asked for.
const rewritten = `package httpapi.rewritten

allow if input.request.path == "/orders"
`

func TestPolicy(t *testing.T) {
	acme, line := apiKey(t, "acme")
	g, s, dir := alone(t, map[string]string{"policies/authz.rego": authz, "policies/rewritten.rego": rewritten, "partners.keys": line}, `
	api_gateway {
		policies policies
		watch 10ms
	}`, `
	api_auth {
		key X-API-Key partners.keys
		anonymous
	}
	@enforced not path /report/*
	handle_path /stripped/* {
		api_policy data.httpapi.rewritten
		{PROXY}
	}
	api_policy @enforced data.httpapi.authz
	api_policy /report/* data.httpapi.authz {
		report_only
	}
	{PROXY}`)
	const json = "Content-Type: application/json"
	is(t, "anybody may read", g.Do("GET", "/orders", ""), 200, "")
	is(t, "nobody may write", g.Do("POST", "/orders", `{"owner":"acme"}`, json), 403, "")
	is(t, "acme may write its own", g.Do("POST", "/orders?a=1", `{"owner":"acme"}`, json, "X-API-Key: "+acme), 200, `{"owner":"acme"}`)
	if _, path, header, _ := s.saw(); path != "/orders?a=1&owner=acme" || header.Get("X-Decided") != "yes" {
		t.Errorf("the service is asked for %s with %v", path, header)
	}
	is(t, "acme may not write another's", g.Do("POST", "/orders", `{"owner":"globex"}`, json, "X-API-Key: "+acme), 403, "")
	is(t, "not JSON", g.Do("POST", "/orders", `owner=acme`, json, "X-API-Key: "+acme), 400, "")
	is(t, "reported", g.Do("POST", "/report/x", `{"owner":"globex"}`, json), 200, `{"owner":"globex"}`)
	is(t, "reported, not JSON", g.Do("POST", "/report/x", `owner`, json), 200, "owner")
	is(t, "rewritten between two policies", g.Do("GET", "/stripped/orders", ""), 200, "")
	is(t, "rewritten to something else", g.Do("GET", "/stripped/other", ""), 403, "")
	n, _, _, _ := s.saw()
	is(t, "an ambiguous path", g.Do("GET", "/public/..%2forders", ""), 400, "")
	if after, _, _, _ := s.saw(); n != 5 || after != n {
		t.Errorf("%d and %d requests reached the service, want 5", n, after)
	}

	gatewaytest.Write(t, filepath.Join(dir, "policies", "authz.rego"), "package httpapi.authz\n\nallow if false\n")
	g.Within(10*time.Second, "the new policy holds", func() bool { return g.Do("GET", "/orders", "").Status == 403 })
}

func TestTransform(t *testing.T) {
	g, s, _ := alone(t, nil, "", `
	@stream path /stream
	api_transform @stream {
		response {
			remove header X-Powered-By
		}
	}
	@body not path /stream
	api_transform @body {
		request {
			rename client customer
			add currency EUR
			remove header X-Debug
			set header X-Path "{http.request.uri.path}"
			max 256B
		}
		response {
			rename customer client
			drop lines[*].cost
			enum state o open c closed
			set header X-Shape 1
			max 256B
		}
	}
	{PROXY}`)
	const json = "Content-Type: application/json"
	s.text(200, "application/json", `{"customer":{"id":1},"state":"o","lines":[{"cost":1,"sku":"a"}]}`, `ETag: "7"`, "X-Powered-By: PHP")
	res := g.Do("POST", "/orders", `{"client": {"id": 1}}`, json, "X-Debug: 1", "X-Path: forged", "Accept-Encoding: gzip", "Range: bytes=0-1")
	is(t, "there and back", res, 200, `{"client":{"id":1},"state":"open","lines":[{"sku":"a"}]}`)
	if res.Header.Get("X-Shape") != "1" || res.Header.Get("Content-Length") != fmt.Sprint(len(res.Body)) || !strings.HasPrefix(res.Header.Get("Etag"), `"7;`) {
		t.Errorf("got %v", res.Header)
	}
	_, _, header, body := s.saw()
	if body != `{"customer": {"id": 1},"currency":"EUR"}` || header["X-Debug"] != nil || header.Get("X-Path") != "/orders" || header["Range"] != nil || header.Get("Accept-Encoding") != "identity" {
		t.Errorf("the service got %s, %v", body, header)
	}
	is(t, "a body that does not fit", g.Do("POST", "/orders", `{"currency":"USD"}`, json), 422, `"pointer":"/currency"`)
	is(t, "a body that is not JSON", g.Do("POST", "/orders", `{"currency"`, json), 400, "")
	is(t, "a large body", g.Do("POST", "/orders", `{"x":"`+strings.Repeat("x", 300)+`"}`, json), 413, "256 bytes")
	if n, _, _, _ := s.saw(); n != 1 {
		t.Errorf("%d requests reached the service, want 1", n)
	}

	// What cannot be changed never passes as it was, and nothing of it does.
	for what, answer := range map[string]func(){
		"another state": func() { s.text(200, "application/json", `{"state":"x","secret":1}`, "X-Secret: 1") },
		"not JSON":      func() { s.text(200, "text/html", `secret`, "X-Secret: 1") },
		"half of it":    func() { s.text(200, "application/json", `{"secret":`, "X-Secret: 1") },
		"too much of it": func() {
			s.text(200, "application/json", `{"secret":"`+strings.Repeat("x", 300)+`"}`, "X-Secret: 1")
		},
		"without an end": func() {
			s.answers(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("X-Secret", "1")
				for r.Context().Err() == nil {
					io.WriteString(w, `{"secret":1}`)
					w.(http.Flusher).Flush()
				}
			})
		},
	} {
		answer()
		res := g.Do("GET", "/orders", "")
		is(t, what, res, 502, "")
		if strings.Contains(res.Body, "secret") || res.Header["X-Secret"] != nil {
			t.Errorf("%s: the caller sees %v %s", what, res.Header, res.Body)
		}
	}
	s.text(404, "text/plain", "no such order")
	if res := g.Do("GET", "/orders", ""); res.Status != 404 || res.Body != "no such order" || res.Header.Get("X-Shape") != "1" {
		t.Errorf("an error of the service: got %d %v %s", res.Status, res.Header, res.Body)
	}
	s.text(200, "application/json", `{"customer":1}`)
	if res := g.Do("HEAD", "/orders", ""); res.Status != 200 || res.Header.Get("Content-Length") != "" {
		t.Errorf("HEAD: got %d %v", res.Status, res.Header)
	}

	// Where only header fields change, the body arrives piece by piece.
	more := make(chan struct{})
	s.answers(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Powered-By", "PHP")
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "data: 1\n\n")
		w.(http.Flusher).Flush()
		<-more
		io.WriteString(w, "data: 2\n\n")
	})
	stream, err := g.Client.Get(g.URL + "/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	first := make([]byte, len("data: 1\n\n"))
	if _, err := io.ReadFull(stream.Body, first); err != nil || stream.Header["X-Powered-By"] != nil {
		t.Errorf("got %q, %v, %v", first, stream.Header, err)
	}
	close(more)
	if rest, err := io.ReadAll(stream.Body); err != nil || string(rest) != "data: 2\n\n" {
		t.Errorf("got %q, %v", rest, err)
	}
}

// TestTransformOfAList has only items of a list change: the answer passes as it arrives, and what is wrong with it breaks
// it off unless nothing of it has gone out.
func TestTransformOfAList(t *testing.T) {
	g, s, _ := alone(t, nil, "", `
	api_transform {
		response {
			rename data[*].customer client
			enum data[*].state o open c closed
		}
	}
	{PROXY}`)
	const first, last = `{"data":[{"customer":1,"state":"o"}`, `,{"state":"c"}]}`
	more := strings.Repeat(`,{"state":"c","note":"twenty bytes or so"}`, 1_000)
	changed := strings.NewReplacer("customer", "client", `"o"`, `"open"`, `"c"`, `"closed"`)
	next := make(chan struct{})
	s.answers(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Etag", `"7"`)
		w.Header().Set("Trailer", "Content-Digest")
		io.WriteString(w, first+more)
		w.(http.Flusher).Flush()
		<-next
		io.WriteString(w, last)
		w.Header().Set("Content-Digest", "sha-256=:AA==:")
		w.Header().Set(http.TrailerPrefix+"Digest", "sha-256=AA==")
	})
	res, err := g.Client.Get(g.URL + "/orders")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	want := changed.Replace(first + more)
	got := make([]byte, len(want))
	if _, err := io.ReadFull(res.Body, got); err != nil || string(got) != want {
		t.Fatalf("got %.100s, %v", got, err)
	}
	close(next)
	if rest, err := io.ReadAll(res.Body); err != nil || string(rest) != changed.Replace(last) {
		t.Errorf("got %s, %v", rest, err)
	}
	if res.ContentLength != -1 || !strings.HasPrefix(res.Header.Get("Etag"), `"7;`) || len(res.Trailer) > 0 {
		t.Errorf("got %v, trailer %v", res.Header, res.Trailer)
	}

	s.text(200, "application/json", first+last)
	if res := g.Do("GET", "/orders", ""); res.Body != changed.Replace(first+last) || res.Header.Get("Content-Length") != fmt.Sprint(len(res.Body)) {
		t.Errorf("a short one: got %v %s", res.Header, res.Body)
	}
	s.text(404, "text/plain", more)
	if res := g.Do("GET", "/orders", ""); res.Status != 404 || res.Body != more {
		t.Errorf("a long error of the service: got %d %.100s", res.Status, res.Body)
	}
	s.text(200, "application/json", first+`,{"state":"x"}`+more+last)
	is(t, "another state at the start", g.Do("GET", "/orders", ""), 502, "")
	for what, rest := range map[string]string{"another state": `,{"state":"x"}` + more + last, "no end": "", "no JSON": ",}"} {
		s.text(200, "application/json", first+more+rest)
		res, err := g.Client.Get(g.URL + "/orders")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(res.Body); err == nil || strings.Contains(string(got), `"x"`) {
			t.Errorf("%s: a part looks whole: %d %.100s", what, res.StatusCode, got)
		}
		res.Body.Close()
	}
}
