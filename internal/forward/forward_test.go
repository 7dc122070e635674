package forward

import (
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

func stage(t testing.TB, headers ...HeaderConfig) *Stage {
	t.Helper()
	told, diags := (&Config{Headers: headers}).Told(hcl.Range{}, nil)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return New(told)
}

func ada() *exchange.Consumer {
	return &exchange.Consumer{ID: "ada", Name: "Ada Žižek", Method: "jwt", Groups: []string{"staff", "sales"}, Claims: map[string]any{
		"tenant": "t1", "level": 3, "rate": 0.5, "vip": true, "empty": "", "org": map[string]any{"id": "o1"},
		"crlf": "a\r\nX-User: admin", "nul": "a\x00b", "next": "a\u0085b", "line": "a\u2028b", "space": " a", "nbsp": "a\u00a0", "bytes": "a\xffb",
		"list": []any{"a", 1, true}, "forged": []any{"a,admin"}, "hole": []any{"a", ""}, "deep": []any{[]any{"a"}}, "long": strings.Repeat("x", 4097),
	}}
}

func TestHandle(t *testing.T) {
	for _, test := range []struct {
		value     string
		anonymous bool
		want      string // "" for no field
		status    int    // of the problem; 0 for none
	}{
		{value: "consumer.id", want: "ada"},
		{value: "consumer.name", want: "Ada Žižek"},
		{value: "consumer.groups", want: "staff,sales"},
		{value: "consumer.scopes"},
		{value: "claims.tenant", want: "t1"},
		{value: "claims.level", want: "3"},
		{value: "claims.rate", want: "0.5"},
		{value: "claims.vip", want: "true"},
		{value: "claims.list", want: "a,1,true"},
		{value: "claims.org.id", want: "o1"},
		{value: "claims.empty"},
		{value: "claims.none"},
		{value: "claims.none.id"},
		{value: "claims.none?.id"},
		{value: "'t-' + claims.tenant", want: "t-t1"},
		{value: "'t-' + (claims.none ?? 'x')", want: "t-x"},
		{value: "client.address", want: "192.0.2.7"},
		{value: "api.name + '/' + request.method", want: "orders/GET"},

		{value: "consumer.id", anonymous: true},
		{value: "claims.tenant", anonymous: true},
		{value: "client.address", anonymous: true, want: "192.0.2.7"},

		{value: "'t-' + claims.none", status: 500},
		{value: "claims.tenant.id", status: 500},
		{value: "claims.org", status: 403},
		{value: "claims.deep", status: 403},
		{value: "claims.crlf", status: 403},
		{value: "claims.nul", status: 403},
		{value: "claims.next", status: 403},
		{value: "claims.line", status: 403},
		{value: "claims.bytes", status: 403},
		{value: "claims.space", status: 403},
		{value: "claims.nbsp", status: 403},
		{value: "claims.forged", status: 403},
		{value: "claims.hole", status: 403},
		{value: "claims.long", status: 403},
	} {
		s := stage(t, HeaderConfig{Name: "x-tenant", Value: test.value})
		x := &exchange.Exchange{API: "orders", Method: "GET", Consumer: ada(), Header: http.Header{"X-Tenant": {"forged"}, "Accept": {"*/*"}},
			Client: netip.MustParseAddr("192.0.2.7")}
		if test.anonymous {
			x.Consumer = nil
		}
		prob := s.Handle(x)
		if x.Header["X-Tenant"] != nil || x.Header["Accept"] == nil {
			t.Errorf("%s: the client's fields are %v", test.value, x.Header)
		}
		status := 0
		if prob != nil {
			status = prob.StatusCode()
		}
		if got := x.Forward.Get("X-Tenant"); status != test.status || got != test.want || len(x.Forward["X-Tenant"]) > 1 {
			t.Errorf("%s: told %q, %v; want %q, %d", test.value, got, prob, test.want, test.status)
		}
		if _, there := x.Forward["X-Tenant"]; there && test.want == "" {
			t.Errorf("%s: an empty field is sent", test.value)
		}
		if prob != nil && (prob.Type != problem.Forbidden && prob.Type != problem.Internal || strings.Contains(prob.Error(), "admin")) {
			t.Errorf("%s: %v", test.value, prob)
		}
	}
}

// What another stage said in the field before does not stand where there is nothing to say.
func TestNothingOfBeforeStands(t *testing.T) {
	x := &exchange.Exchange{Consumer: ada(), Header: http.Header{}, Forward: http.Header{"X-Tenant": {"old"}}}
	if prob := stage(t, HeaderConfig{Name: "X-Tenant", Value: "claims.none"}).Handle(x); prob != nil || x.Forward["X-Tenant"] != nil {
		t.Errorf("%v, %v", x.Forward, prob)
	}
}

func TestPlain(t *testing.T) {
	told, diags := (*Config)(nil).Told(hcl.Range{}, nil)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	x := &exchange.Exchange{Consumer: ada(), Header: http.Header{"X-Consumer-Id": {"admin"}}}
	if prob := New(told).Handle(x); prob != nil || !reflect.DeepEqual(x.Forward, http.Header{"X-Consumer-Id": {"ada"}}) || len(x.Header) > 0 {
		t.Errorf("%v, %v, %v", prob, x.Header, x.Forward)
	}
}

func TestMistakes(t *testing.T) {
	many := make([]HeaderConfig, MaxHeaders+1)
	for i := range many {
		many[i] = HeaderConfig{Name: "X-" + strings.Repeat("a", i+1), Value: "consumer.id"}
	}
	for _, test := range []struct {
		name    string
		headers []HeaderConfig
		want    string
	}{
		{"a field of HTTP's", []HeaderConfig{{"Content-Type", "consumer.id"}}, "Invalid header field"},
		{"a credential's", []HeaderConfig{{"Authorization", "consumer.id"}}, "Invalid header field"},
		{"no field", []HeaderConfig{{"x y", "consumer.id"}}, "Invalid header field"},
		{"an underscore", []HeaderConfig{{"X_User", "consumer.id"}}, "Invalid header field"},
		{"twice", []HeaderConfig{{"X-A", "consumer.id"}, {"x-a", "consumer.id"}}, "Duplicate header field"},
		{"too many", many, "Too many header fields"},
		{"the client's own word", []HeaderConfig{{"X-A", "header.x_b"}}, "Name not available here"},
		{"the body", []HeaderConfig{{"X-A", "body.user"}}, "Name not available here"},
		{"no expression", []HeaderConfig{{"X-A", ""}}, "Empty expression"},
	} {
		_, diags := (&Config{Headers: test.headers}).Told(hcl.Range{}, nil)
		if len(diags) != 1 || diags[0].Summary != test.want {
			t.Errorf("%s: %v, want %s", test.name, diags, test.want)
		}
	}
	if _, diags := (&Config{Headers: []HeaderConfig{{"Remote-User", "consumer.id"}}}).Told(hcl.Range{}, nil); diags.HasErrors() {
		t.Error(diags)
	}
}

// FuzzWrite looks whether any text, alone or in a list, becomes one field's value that is read as what it was.
func FuzzWrite(f *testing.F) {
	for _, s := range []string{"a", "Žižek", "a\r\nX-User: admin", "a,b", " a", "\xff", "a\u0085", ""} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, value := range []any{a, []string{a, b}, []any{b, a}} {
			text, err := Write(value)
			if err != nil {
				continue
			}
			if len(text) > maxValue || strings.TrimSpace(text) != text || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
				t.Errorf("%q is written %q", value, text)
			}
			if _, list := value.(string); !list && strings.Count(text, ",") != 1 {
				t.Errorf("%q has other items: %q", value, text)
			}
		}
	})
}

func BenchmarkHandle(b *testing.B) {
	plain, _ := (*Config)(nil).Told(hcl.Range{}, nil)
	for _, bench := range []struct {
		name  string
		stage *Stage
	}{
		{"default", New(plain)},
		{"two fields", stage(b, HeaderConfig{"X-Tenant", "claims.tenant"}, HeaderConfig{"X-Groups", "consumer.groups"})},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			c := ada()
			for b.Loop() {
				x := exchange.Exchange{Consumer: c}
				if prob := bench.stage.Handle(&x); prob != nil {
					b.Fatal(prob)
				}
			}
		})
	}
}
