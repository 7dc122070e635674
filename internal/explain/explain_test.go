package explain

import (
	"net/http"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/internal/secret"
)

// TestRedacted looks for credentials in all that may say them.
func TestRedacted(t *testing.T) {
	c := &catalogue.Catalogue{
		Secrets:    []*catalogue.Secret{{Name: "hook", Value: secret.New(`canary "of" the secret`)}},
		Identities: []*catalogue.Identity{{APIKey: &catalogue.APIKey{Header: "X-Partner", Query: "partner"}}},
		Integrations: []*catalogue.Integration{
			{Auth: &catalogue.Auth{Kind: "header", Name: "x-pay-key", Secret: secret.New("canary of the header")}},
			{Auth: &catalogue.Auth{Kind: "query", Name: "key", Secret: secret.New("canary+of+the+query")}, Sign: &catalogue.Sign{Header: "X-Signature", Key: secret.New("canary of the signature")}},
		},
	}
	q := Question{URL: "https://api.example/orders?partner=canary%20partner&page=2", Header: []Field{
		{"Authorization", "Bearer canary.of.the.token"}, {"x-partner", "canary-of-a-partner"}, {"Accept", "text/plain"}}}
	step, err := q.Step()
	if err != nil {
		t.Fatal(err)
	}
	hide := newRedactor(c, step, []Stage{{Name: "authorize", Notes: []any{policy.Note{Obliges: []policy.Obligation{
		{What: "upstream-header", At: "authorization", Value: "Basic canary:of a policy"}, {What: "query", At: "token", Value: "canary of a query"},
		{What: "upstream-header", At: "X-Tenant", Value: "north-east"}}}}}})
	for _, said := range []string{
		"canary.of.the.token", "canary-of-a-partner", "canary partner", "canary of the header", "canary+of+the+query", "canary of the signature",
		"Basic canary:of a policy", "/?token=canary of a query",
		`{"reason": "not canary \"of\" the secret"}`,
	} {
		if got := hide.text(said); strings.Contains(got, "canary") || !strings.Contains(got, redacted) {
			t.Errorf("of %s is left %s", said, got)
		}
	}
	if got := hide.text("X-Tenant: north-east"); got != "X-Tenant: north-east" {
		t.Errorf("what is no credential is gone: %s", got)
	}
	header := http.Header{
		"Authorization": {"Bearer canary"}, "X-Pay-Key": {"canary"}, "X-Signature": {"canary"}, "X-Consumer": {"eyJcanary.eyJcanary.canary"}, "Accept": {"text/plain"},
	}
	m := Message{URL: "https://pay.example/v1?key=canary&token=canary&page=2", Header: header}
	hide.message(&m)
	for name, values := range m.Header {
		if want := map[bool]string{true: "text/plain", false: redacted}[name == "Accept"]; values[0] != want {
			t.Errorf("%s: %s", name, values[0])
		}
	}
	if want := "https://pay.example/v1?key=" + redacted + "&token=" + redacted + "&page=2"; m.URL != want {
		t.Errorf("got %s, want %s", m.URL, want)
	}
	if header.Get("Authorization") != "Bearer canary" {
		t.Error("the message itself was changed")
	}
}

// TestTerminal has a request say what would change a terminal.
func TestTerminal(t *testing.T) {
	p := &printer{}
	p.message(&Message{Method: "GET", URL: "/\x1b[31m", Header: http.Header{"X-A": {"\u202e\x07"}}, Body: "\x1b[2J"})
	p.line(0, "%s", p.paint(bad, "\x1b]0;title\x07"))
	if strings.ContainsAny(p.String(), "\x1b\x07\u202e") {
		t.Errorf("got %q", p.String())
	}
}

// TestDifference shows only the lines that differ.
func TestDifference(t *testing.T) {
	p := &printer{}
	p.difference([]byte(`{"a":1,"b":2,"c":3}`), []byte(`{"a":1,"b":{"d":2},"c":3}`))
	want := "    -   \"b\": 2,\n    +   \"b\": {\n    +     \"d\": 2\n    +   },\n"
	if p.String() != want {
		t.Errorf("got\n%s\nwant\n%s", p.String(), want)
	}
}
