package identity

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/dpop"
	"github.com/wicketgate/wicketgate/internal/dpop/dpoptest"
	"github.com/wicketgate/wicketgate/internal/duration"
	"github.com/wicketgate/wicketgate/internal/introspection"
	"github.com/wicketgate/wicketgate/internal/secret"
)

// endpoint says of each token what a test has it say, over HTTPS.
type endpoint struct {
	*introspection.Client
	says  map[string]map[string]any // by token; of others, that they are not active
	down  atomic.Bool
	asked atomic.Int64
}

func newEndpoint(t *testing.T, says map[string]map[string]any) *endpoint {
	t.Helper()
	e := &endpoint{says: says}
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.asked.Add(1)
		if e.down.Load() {
			http.Error(w, "down", http.StatusInternalServerError)
			return
		}
		answer := map[string]any{"active": false}
		if said, ok := e.says[r.FormValue("token")]; ok {
			answer = map[string]any{"active": true}
			for name, value := range said {
				answer[name] = value
			}
		}
		raw, err := json.Marshal(answer)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write(raw) //nolint:errcheck // the client may be gone
	}))
	t.Cleanup(s.Close)
	var err error
	e.Client, err = introspection.New(introspection.Config{
		URL: s.URL, Client: "gateway", Secret: secret.New("x"), Timeout: 20 * time.Second,
		CA: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() }) //nolint:errcheck // it never fails
	return e
}

func TestIntrospected(t *testing.T) {
	key := dpoptest.New(t, "ES256")
	in := func(d time.Duration) int64 { return now.Add(d).Unix() }
	good := func(changes ...any) map[string]any {
		c := map[string]any{"sub": "ada", "client_id": "till", "scope": "orders:read orders:write", "exp": in(time.Hour), "iss": iss, "aud": "orders", "token_type": "Bearer", "name": "Ada"}
		for i := 0; i < len(changes); i += 2 {
			if c[changes[i].(string)] = changes[i+1]; changes[i+1] == nil {
				delete(c, changes[i].(string))
			}
		}
		return c
	}
	e := newEndpoint(t, map[string]map[string]any{
		"good": good(), "a.b~c_d-e+f/g==": good(), "no-end": good("exp", nil), "ended": good("exp", in(0)), "ends-soon": good("exp", in(time.Second)),
		"early": good("nbf", in(61*time.Second)), "nearly": good("nbf", in(60*time.Second)), "other-issuer": good("iss", "https://other"), "no-issuer": good("iss", nil),
		"other-audience": good("aud", "billing"), "two-audiences": good("aud", []string{"billing", "orders"}), "no-audience": good("aud", nil),
		"read": good("scope", "orders:read"), "no-scope": good("scope", nil), "no-sub": good("sub", nil), "odd-sub": good("sub", "ada\nadmin"), "number": good("sub", 7),
		"refresh": good("token_type", "refresh_token"), "typeless": good("token_type", nil), "dpop": good("token_type", "DPoP", "cnf", map[string]any{"jkt": key.Thumbprint(t)}),
		"aud-is-1": good("aud", 1), "nbf-is-text": good("nbf", "now"),
	})
	proof := func(token string) string { return key.Proof(t, "GET", ordersSeven, token, now) }
	const invalid = "the token is not valid"
	strict := IntrospectionConfig{Issuer: iss, Audience: []string{"orders", "orders-beta"}, Scopes: []string{"orders:read", "orders:write"}}
	bound := IntrospectionConfig{Possession: Possession{DPoP: &dpop.Config{Algorithms: []string{"ES256"}}}}
	for _, test := range []struct {
		config IntrospectionConfig
		fields []string
		status int
		detail string
	}{
		{fields: []string{"Authorization", "Bearer good"}},
		{fields: []string{"Authorization", "Bearer a.b~c_d-e+f/g=="}},
		{fields: []string{"Authorization", "Bearer no-end"}},
		{fields: []string{"Authorization", "Bearer ends-soon"}},
		{fields: []string{"Authorization", "Bearer ended"}, status: 401, detail: "the token has expired"},
		{fields: []string{"Authorization", "Bearer early"}, status: 401, detail: "the token is not valid yet"},
		{fields: []string{"Authorization", "Bearer nearly"}},
		{fields: []string{"Authorization", "Bearer unknown"}, status: 401, detail: invalid},
		{fields: []string{"Authorization", "Bearer other-issuer"}},
		{fields: []string{"Authorization", "Bearer refresh"}, status: 401, detail: invalid},
		{fields: []string{"Authorization", "Bearer typeless"}},
		{fields: []string{"Authorization", "Bearer no-sub"}, status: 401, detail: invalid},
		{fields: []string{"Authorization", "Bearer odd-sub"}, status: 401, detail: invalid},
		{fields: []string{"Authorization", "Bearer number"}, status: 401, detail: invalid},
		{fields: []string{"Authorization", "Bearer aud-is-1"}, status: 401, detail: invalid},
		{fields: []string{"Authorization", "Bearer nbf-is-text"}, status: 401, detail: invalid},
		{fields: []string{"Authorization", "Bearer good", "Authorization", "Bearer good"}, status: 400, detail: "the Authorization field was sent more than once"},
		{fields: []string{"Authorization", "Bearer good, Bearer good"}, status: 400, detail: "the Authorization field is not one bearer token"},
		{fields: []string{"Authorization", "Basic good"}, status: 401, detail: "the credentials are not a bearer token"},
		{fields: []string{"Authorization", "Bearer ="}, status: 401, detail: invalid},
		{fields: []string{"Authorization", "Bearer gööd"}, status: 401, detail: invalid},
		{fields: []string{"Authorization", "Bearer good&token=other"}, status: 401, detail: invalid},
		{fields: []string{"Authorization", "Bearer " + strings.Repeat("x", maxToken+1)}, status: 401, detail: invalid},

		{config: strict, fields: []string{"Authorization", "Bearer good"}},
		{config: strict, fields: []string{"Authorization", "Bearer two-audiences"}},
		{config: strict, fields: []string{"Authorization", "Bearer other-issuer"}, status: 401, detail: invalid},
		{config: strict, fields: []string{"Authorization", "Bearer no-issuer"}, status: 401, detail: invalid},
		{config: strict, fields: []string{"Authorization", "Bearer other-audience"}, status: 401, detail: invalid},
		{config: strict, fields: []string{"Authorization", "Bearer no-audience"}, status: 401, detail: invalid},
		{config: strict, fields: []string{"Authorization", "Bearer read"}, status: 403, detail: "the token does not grant what this needs"},
		{config: strict, fields: []string{"Authorization", "Bearer no-scope"}, status: 403, detail: "the token does not grant what this needs"},

		{fields: []string{"Authorization", "Bearer dpop"}, status: 401, detail: "the token is bound to a key and does not come with a proof of it"},
		{config: bound, fields: []string{"Authorization", "Bearer dpop"}, status: 401, detail: "the token is bound to a key and does not come with a proof of it"},
		{config: bound, fields: []string{"Authorization", "DPoP dpop", "DPoP", proof("dpop")}},
		{config: bound, fields: []string{"Authorization", "DPoP dpop", "DPoP", proof("good")}, status: 401, detail: "the DPoP proof is not valid"},
		{config: bound, fields: []string{"Authorization", "DPoP good", "DPoP", proof("good")}, status: 401, detail: "the token is not bound to a key"},
	} {
		t.Run(fmt.Sprintf("%v %.60s", test.config.Issuer+strings.Join(test.config.Audience, " "), strings.Join(test.fields, " ")), func(t *testing.T) {
			m, diags := NewIntrospected(test.config, e, Computed{})
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			s, diags := New(Config{}, m)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			x := holding("", test.fields...)
			x.Context = t.Context()
			p := s.Handle(x)
			if test.status == 0 {
				if p != nil {
					t.Fatal(p)
				}
				if c := x.Consumer; c.ID != "ada" || c.Name != "Ada" || c.Method != "introspection" || !slices.Equal(c.Scopes, []string{"orders:read", "orders:write"}) || c.Claims["client_id"] != "till" {
					t.Errorf("%+v", c)
				}
				if len(x.Header) != 1 {
					t.Errorf("to the upstream: %v", x.Header)
				}
				return
			}
			if p == nil || p.StatusCode() != test.status || p.Detail != test.detail {
				t.Errorf("%v %v, want %d %s", p, x.Consumer, test.status, test.detail)
			}
		})
	}
}

// While nobody can tell, a token is neither good nor bad.
func TestIntrospectedAway(t *testing.T) {
	e := newEndpoint(t, map[string]map[string]any{"good": {"sub": "ada"}, "other": {"sub": "bob"}})
	m, diags := NewIntrospected(IntrospectionConfig{}, e, Computed{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	s, diags := New(Config{Anonymous: true}, m)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	send := func(token string) int {
		x := request("Authorization", "Bearer "+token)
		x.Context = t.Context()
		p := s.Handle(x)
		if p == nil {
			return 200
		}
		if p.StatusCode() == 503 && (p.Header.Get("Retry-After") == "" || p.TypeURI() != "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity" || p.Header.Get("WWW-Authenticate") != "") {
			t.Errorf("%v %v", p, p.Header)
		}
		if strings.Contains(p.Error(), token) {
			t.Errorf("the problem holds the token: %v", p)
		}
		return p.StatusCode()
	}
	if got := send("good"); got != 200 {
		t.Fatal(got)
	}
	e.down.Store(true)
	if got := []int{send("good"), send("other"), send("opaque")}; !slices.Equal(got, []int{200, 503, 503}) {
		t.Errorf("while the endpoint is down: %v", got)
	}
	e.down.Store(false)
	if got := []int{send("good"), send("other"), send("opaque")}; !slices.Equal(got, []int{200, 200, 401}) {
		t.Errorf("after that: %v", got)
	}
	if n := e.asked.Load(); n != 5 {
		t.Errorf("the endpoint was asked %d times", n)
	}
}

// Beside a JWT method, each takes its own tokens.
func TestIntrospectedBesideTokens(t *testing.T) {
	i := newIssuer(t)
	ours := i.sign(t, "ES256", header("ES256"), claimsWith(nil))
	theirs := i.sign(t, "ES256", header("ES256"), claimsWith(map[string]any{"iss": "https://id.globex.example"}))
	e := newEndpoint(t, map[string]map[string]any{"opaque": {"sub": "bob"}, theirs: {"sub": "carol"}, ours: {"sub": "mallory"}})
	opaque, diags := NewIntrospected(IntrospectionConfig{}, e, Computed{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	tokens := i.tokens(t, JWTConfig{}, nil)
	for _, methods := range [][]Method{{opaque, tokens}, {tokens, opaque}} {
		s, diags := New(Config{}, methods...)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		for token, want := range map[string]string{ours: "ada", theirs: "carol", "opaque": "bob", ours[:len(ours)-4] + "AAAA": "", "unknown": ""} {
			x := request("Authorization", "Bearer "+token)
			x.Context = t.Context()
			p := s.Handle(x)
			if want == "" {
				if p == nil || p.StatusCode() != 401 || len(p.Header["Www-Authenticate"]) != 2 {
					t.Errorf("%.20s: %v", token, p)
				}
				continue
			}
			if p != nil || x.Consumer.ID != want {
				t.Errorf("%.20s: %v, %+v", token, p, x.Consumer)
			}
		}
	}
}

func TestIntrospectedMistakes(t *testing.T) {
	for _, test := range []struct {
		config IntrospectionConfig
		want   string
	}{
		{IntrospectionConfig{Audience: []string{""}}, "Invalid audience"},
		{IntrospectionConfig{Cache: duration.Duration(time.Millisecond)}, "Invalid cache"},
		{IntrospectionConfig{Cache: duration.Duration(2 * time.Hour)}, "Invalid cache"},
		{IntrospectionConfig{Certificate: "a"}, "Certificate without key"},
		{IntrospectionConfig{Post: true}, "No secret to post"},
		{IntrospectionConfig{Scopes: []string{"a b"}}, "Invalid scopes"},
		{IntrospectionConfig{Possession: Possession{Bound: []string{"dpop"}}}, "DPoP is off"},
	} {
		if _, diags := NewIntrospected(test.config, nil, Computed{}); len(diags) != 1 || diags[0].Summary != test.want {
			t.Errorf("%+v: %v", test.config, diags)
		}
	}
}
