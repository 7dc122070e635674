package gateway_test

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// provider is a third party over HTTPS. It notes what it is asked.
type provider struct {
	*httptest.Server
	mu      sync.Mutex
	asked   []*http.Request
	bodies  []string
	handler http.HandlerFunc
}

func newProvider(t *testing.T, handler http.HandlerFunc) *provider {
	p := &provider{handler: handler}
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(p.serve))
	p.Server.Config.ErrorLog = log.New(io.Discard, "", 0)
	p.Server.StartTLS()
	t.Cleanup(p.Close)
	return p
}

func (p *provider) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.mu.Lock()
	p.asked, p.bodies = append(p.asked, r), append(p.bodies, string(body))
	handler := p.handler
	p.mu.Unlock()
	handler(w, r)
}

func (p *provider) answers(handler http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handler, p.asked, p.bodies = handler, nil, nil
}

// last gives the last request, its body and how many there were.
func (p *provider) last() (*http.Request, string, int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.asked) == 0 {
		return nil, "", 0
	}
	return p.asked[len(p.asked)-1], p.bodies[len(p.bodies)-1], len(p.asked)
}

// asking is an API whose routes are answered by a third party. %s of the settings is the provider's address.
func asking(p *provider, settings, routes string) func(*server) {
	return func(s *server) {
		s.write("examples/shop/ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate().Raw})))
		s.write("examples/shop/key.txt", "sk_SECRET_51\n")
		s.write("examples/shop/paid.hcl", fmt.Sprintf(`
secret "key" { file = "key.txt" }
integration "payments" {
  url           = "%s/base"
  ca_file       = "ca.pem"
  allow_private = true
  %s
}
api "paid" {
  base_path = "/paid"
  identify  = [anonymous]
  authorize = public
  %s
}
`, p.URL, settings, routes))
	}
}

func says(status int, body string, fields ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for _, f := range fields {
			name, value, _ := strings.Cut(f, ": ")
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// TestIntegration asks a third party: with its own credentials, in its own form, and with nothing of the caller's that
// is not written.
func TestIntegration(t *testing.T) {
	p := newProvider(t, says(200, `{"data":{"id":"pi_1","state":"ok","secret":"SECRET"},"meta":1}`, "Request-Id: req_7", "Set-Cookie: a=SECRET", "X-Internal: SECRET"))
	s := start(t, asking(p, `
  headers = { "Api-Version" = "2026-09-30" }
  query   = { tenant = "acme & co" }
  auth "bearer" { token = secret.key }
  idempotency { key = "pay:${body.id}" }
  error "card-declined" {
    when   = response.status == 402 && response.body.error.type == "card_error"
    status = 402
    title  = "The card was declined"
    detail = "${response.body.error.message} (${response.body.error.code})"
  }
`, `
  route "POST /orders/{id}/payment" {
    integration = integration.payments
    send        = "POST /v1/orders/{id}/${body.kind}"
    encode      = "form"
    request {
      headers = { "X-Order" = path.id }
      query   = { expand = query.expand, all = list(query.tag) }
      rename "total" { to = "amount" }
      drop "kind" {}
      set "metadata.order" { value = body.id }
      set "metadata.parts" { value = [1, "b c"] }
    }
    answer {
      member = "data"
      status = 201
      rename "state" { to = "status" }
      drop "secret" {}
      set "order" { value = path.id }
      set "known" { value = response.header["Request-Id"] }
    }
  }
  route "GET /orders/{id}" {
    integration = integration.payments
    send        = "GET /v1/orders/{id}"
  }
`))
	c := s.client(true)
	const body = `{"id":"o1","kind":"card","total":12.50}`
	a := s.do(c, "POST", "/paid/orders/a%20b/payment?expand=x&tag=1&tag=2&admin=1", body, "Content-Type: application/json", "Cookie: c=1", "Authorization: Bearer caller", "X-Forwarded-For: 1.2.3.4", "X-Secret: 1")
	if a.status != 201 || a.body != `{"id":"pi_1","status":"ok","order":"a b","known":"req_7"}` {
		t.Errorf("got %d %s", a.status, a.body)
	}
	if a.header.Get("Set-Cookie") != "" || a.header.Get("X-Internal") != "" || a.header.Get("Content-Type") != "application/json" {
		t.Errorf("got %v", a.header)
	}
	r, sent, _ := p.last()
	if got, want := r.Method+" "+r.RequestURI, "POST /base/v1/orders/a%20b/card?tenant=acme+%26+co&expand=x&all=1&all=2"; got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
	if want := "id=o1&amount=12.50&metadata%5Border%5D=o1&metadata%5Bparts%5D%5B0%5D=1&metadata%5Bparts%5D%5B1%5D=b+c"; sent != want {
		t.Errorf("sent %s, want %s", sent, want)
	}
	want := map[string]string{
		"Authorization": "Bearer sk_SECRET_51", "Api-Version": "2026-09-30", "X-Order": "a b", "Idempotency-Key": "pay:o1",
		"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "wicketgate", "Accept": "application/json", "Accept-Encoding": "identity",
	}
	for name := range r.Header {
		if name != "Content-Length" && r.Header.Get(name) != want[name] {
			t.Errorf("sent %s: %q, want %q", name, r.Header[name], want[name])
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("not sent: %v", want)
	}

	// Its errors are problems of the gateway's own, with its words only where they are written.
	for _, test := range []struct {
		name    string
		status  int
		body    string
		want    int
		details string
	}{
		{"mapped", 402, `{"error":{"type":"card_error","message":"Your card was declined.","code":"generic_decline"}}`, 402,
			`"type":"urn:problem:payments:card-declined","title":"The card was declined","status":402,"detail":"Your card was declined. (generic_decline)"`},
		{"another of the status", 402, `{"error":{"type":"SECRET"}}`, 502, ""},
		{"another in HTML", 402, `<p>SECRET`, 502, ""},
		{"400", 400, `{"error":"SECRET"}`, 502, ""},
		{"401, of our credentials", 401, `{"error":"SECRET"}`, 502, ""},
		{"404", 404, `{"error":"SECRET"}`, 502, ""},
		{"500", 500, `SECRET`, 502, ""},
		{"504", 504, `SECRET`, 504, ""},
		{"a redirection", 302, `SECRET`, 502, ""},
		{"a success that is no JSON", 200, `SECRET`, 502, ""},
		{"a success without the member", 200, `{"SECRET":1}`, 502, ""},
		{"a success of another shape", 200, `{"data":["SECRET"]}`, 502, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			p.answers(says(test.status, test.body, "Request-Id: req_9", "Location: https://169.254.169.254/latest/meta-data", "X-Why: SECRET"))
			a := s.do(c, "POST", "/paid/orders/1/payment", body, "Content-Type: application/json")
			if isProblem(t, a, test.want); !strings.Contains(a.body, test.details) || !strings.Contains(a.body, `"provider_request_id":"req_9"`) {
				t.Errorf("got %s", a.body)
			}
			if _, _, n := p.last(); n != 1 {
				t.Errorf("asked %d times", n)
			}
		})
	}

	// What cannot be sent is not.
	p.answers(says(200, "{}"))
	for name, test := range map[string]struct {
		path, body, kind string
		status           int
	}{
		"a dot segment in the body":        {"/paid/orders/1/payment", `{"id":"o1","kind":"..","total":1}`, "application/json", 422},
		"a slash in the body":              {"/paid/orders/1/payment", `{"id":"o1","kind":"../admin","total":1}`, "application/json", 422},
		"an encoded slash in the body":     {"/paid/orders/1/payment", `{"id":"o1","kind":"..%2fadmin","total":1}`, "application/json", 422},
		"no value":                         {"/paid/orders/1/payment", `{"id":"o1","total":1}`, "application/json", 422},
		"no key":                           {"/paid/orders/1/payment", `{"kind":"card","total":1}`, "application/json", 422},
		"a line feed in the key":           {"/paid/orders/1/payment", `{"id":"a\r\nX-User: admin","kind":"card","total":1}`, "application/json", 422},
		"a name that is taken":             {"/paid/orders/1/payment", `{"id":"o1","kind":"card","total":1,"amount":2}`, "application/json", 422},
		"a body that is no object":         {"/paid/orders/1/payment", `["o1"]`, "application/json", 422},
		"a form":                           {"/paid/orders/1/payment", `id=o1`, "application/x-www-form-urlencoded", 415},
		"no JSON":                          {"/paid/orders/1/payment", `{"id":"o1"`, "application/json", 400},
		"a path that can be read two ways": {"/paid/orders/..%2fadmin/payment", body, "application/json", 400},
	} {
		t.Run(name, func(t *testing.T) {
			isProblem(t, s.do(c, "POST", test.path, test.body, "Content-Type: "+test.kind), test.status)
			if _, _, n := p.last(); n != 0 {
				t.Error("it was asked")
			}
		})
	}

	// An answer that nothing is done to streams, and a HEAD has none.
	p.answers(says(200, `{"any": "form"}`))
	if a := s.do(c, "GET", "/paid/orders/1", ""); a.status != 200 || a.body != `{"any": "form"}` {
		t.Errorf("got %d %s", a.status, a.body)
	}

	// The secret shows nowhere.
	state, config := s.admits("/api_gateway/status"), s.admits("/config/")
	if strings.Contains(state+config, "SECRET") || !strings.Contains(state, `"integration":"payments"`) {
		t.Errorf("the status says %s", state)
	}
	if !json.Valid([]byte(state)) {
		t.Error("the status is no JSON")
	}
}

// admits gives what the admin API says.
func (s *server) admits(path string) string {
	s.t.Helper()
	res, err := http.Get(fmt.Sprintf("http://localhost:%d%s", s.admin, path))
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

// Callers of an older version ask a third party, and are answered, in their own shape and by their own media type.
func TestIntegrationVersions(t *testing.T) {
	p := newProvider(t, says(200, `{"total":3}`))
	s := start(t, asking(p, "", `
  versioning {
    path       = true
    media_type = "application/vnd.paid.{version}+json"
  }
  object "sum" { schema = "sum.json" }
  route "POST /sums" {
    accepts     = object.sum
    returns     = object.sum
    integration = integration.payments
    send        = "POST /sums"
    request {
      headers = { "x-version" = api.version }
      set "at" { value = body.total }
    }
    answer {
      headers = ["X-None"]
    }
  }
  version "v1" { released = "2024-01-01" }
  version "v2" {
    released = "2025-01-01"
    change "total" {
      summary = "amount is called total."
      on      = object.sum
      rename "amount" { to = "total" }
    }
  }
`), func(s *server) {
		s.write("examples/shop/sum.json", `{"type":"object","properties":{"total":{"type":"integer"}},"required":["total"]}`)
	})
	c := s.client(true)
	for _, test := range []struct{ version, body, want string }{{"v1", `{"amount":2}`, `{"amount":3}`}, {"v2", `{"total":2}`, `{"total":3}`}} {
		kind := "application/vnd.paid." + test.version + "+json"
		a := s.do(c, "POST", "/paid/sums", test.body, "Content-Type: "+kind, "Accept: "+kind)
		r, sent, _ := p.last()
		if a.status != 200 || a.body != test.want || a.header.Get("Content-Type") != kind {
			t.Errorf("%s: got %d %v %s", test.version, a.status, a.header, a.body)
		}
		if sent != `{"total":2,"at":2}` || r.Header.Get("X-Version") != test.version {
			t.Errorf("%s: sent %v %s", test.version, r.Header, sent)
		}
	}
	// A validation error is in the caller's shape, and nobody is asked.
	p.answers(says(200, `{}`))
	a := s.do(c, "POST", "/paid/v1/sums", `{"amount":"x"}`, "Content-Type: application/json")
	if _, _, n := p.last(); a.status != 422 || !strings.Contains(a.body, `"/amount"`) || n > 0 {
		t.Errorf("got %d %s", a.status, a.body)
	}
}
