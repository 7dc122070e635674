package decisionlog

import (
	"slices"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
)

func TestParseMask(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"input.request.body.card", "input request body card"},
		{"input.body.card", "input request body card"},
		{"input.headers.x-session", "input request headers x-session"},
		{"/input/request/body/a~1b~0c/*/d", "input request body a/b~c * d"},
		{"/input/headers/Authorization", "input request headers Authorization"},
		{"input.body.items[_].card", "input request body items * card"},
		{`input.body["a.b"][3]`, "input request body a.b 3"},
		{"input.body.items.*.card", "input request body items * card"},
		{"input", "input"},
		{"result.reasons", "result reasons"},
		{"input.consumer.claims.email", "input consumer claims email"},
	} {
		m, err := ParseMask(c.text)
		if err != nil || strings.Join(m.Path(), " ") != c.want {
			t.Errorf("%s is %v, %v, want %s", c.text, m, err, c.want)
		}
	}
	for _, c := range []struct{ text, want string }{
		{"", "empty name"},
		{"input..card", "empty name"},
		{"/input/", "empty name"},
		{"headers.authorization", "a place in input or result"},
		{"data.users", "a place in input or result"},
		{"input.reqest.body", "input has no reqest; did you mean request?"},
		{"input.consumer.claim.email", "input.consumer has no claim; did you mean claims?"},
		{"input.body[", "no reference"},
		{"input.body[{1}]", "names, indices and _ only"},
		{"input.body" + strings.Repeat(".a", maxMaskDepth), "more than 32 names"},
	} {
		if m, err := ParseMask(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q is %v, %v, want an error that has %q", c.text, m, err, c.want)
		}
	}
}

// The document has a secret at every place where one may stand.
func TestMask(t *testing.T) {
	const document = `{"request": {
		"headers": {"authorization": ["S1"], "cookie": ["S2"], "x-partner-key": ["S3"], "accept": ["text/plain"], "x-session": ["s-1"], "referer": ["https://acme.example/?access_token=S4&q=q-1"]},
		"query": {"access_token": ["S4"], "Access_Token": ["S5"], "page": ["2"], "q": ["q-1"]},
		"body": {"card": {"number": "c-1"}, "items": [{"card": "c-2", "n": 1}, {"card": "c-3", "n": 2}]}},
	"attributes": {"request": {"http": {
		"headers": {"authorization": "S1", ":path": "/orders?access_token=S4&q=q-1", "x-session": "s-1", "x-partner-key": "S3",
			"referer": "https://acme.example/?access_token=S4&q=q-1"},
		"path": "/orders?access%5Ftoken=S4&q=q-1", "body": "{\"card\": {\"number\": \"c-1\"}}"}}},
	"parsed_body": {"card": {"number": "c-1"}, "items": [{"card": "c-2", "n": 1}]},
	"parsed_query": {"access_token": ["S4"], "q": ["q-1"]}}`
	v := ast.MustParseTerm(document).Value
	for _, c := range []struct {
		masks  string
		hidden string // beside all that begins with S
		shown  string
		erased int
	}{
		{"", "", "text/plain s-1 c-1 c-2 c-3", 12},
		{"input.headers.X-Session", "s-1", "text/plain c-1 q-1", 14},
		{"/input/attributes/request/http/headers/x-session", "s-1", "text/plain c-1 q-1", 14},
		{"input.body.card", "c-1", "s-1 c-2 c-3", 15},
		{"input.parsed_body.items[_].card", "c-2 c-3", "s-1 \"n\":2", 16},
		{"input.body.items[1]", "c-3", "c-2 c-1", 14},
		{"input.query.q", "q-1", "c-2 c-1", 14},
		{"input.body input.headers", "c-1 c-2 c-3 s-1 text/plain", "q-1", 0},
		{"input.headers.* input.query.*", "s-1 q-1 page", "c-1", 0},
		{"input.request.body.items.*.card /input/request/body/items/0/n", "c-2 c-3 \"n\":1", "\"n\":2", 0},
	} {
		var paths [][]string
		for _, text := range strings.Fields(c.masks) {
			m, err := ParseMask(text)
			if err != nil {
				t.Fatal(err)
			}
			paths = append(paths, m.path)
		}
		got, erased := written(v, newMask(paths, []string{"X-Partner-Key"}).below("input"))
		for _, secret := range append(strings.Fields(c.hidden), "S1", "S2", "S3", "S4", "S5") {
			if strings.Contains(got, secret) {
				t.Errorf("%s: %s is in %s", c.masks, secret, got)
			}
		}
		for _, text := range strings.Fields(c.shown) {
			if !strings.Contains(got, text) {
				t.Errorf("%s: %s is not in %s", c.masks, text, got)
			}
		}
		if c.erased > 0 && len(erased) != c.erased {
			t.Errorf("%s: %d places are erased, want %d: %q", c.masks, len(erased), c.erased, erased)
		}
		for _, path := range erased {
			if !strings.HasPrefix(path, "/input/") {
				t.Errorf("a place is called %s", path)
			}
		}
	}
	if again, _ := written(v, nil); !strings.Contains(again, "S1") || !strings.Contains(again, "c-3") {
		t.Error("masking changed the value")
	}
}

// A policy that gives the upstream a credential does not give it to the log.
func TestMaskOfResults(t *testing.T) {
	v := ast.MustParseTerm(`{"allow": true, "headers": {"Authorization": "S1", "X-Team": "blue"}, "response_headers_to_add": [{"Set-Cookie": ["S2"]}, {"X-A": "b"}], "query_parameters_to_set": {"access_token": "S3", "page": "2"}}`).Value
	e := newEvent()
	defer e.release()
	if err := e.document("result", v, newMask(nil, nil), nil); err != nil {
		t.Fatal(err)
	}
	if want := `,"result":{"allow":true,"headers":{"X-Team":"blue"},"query_parameters_to_set":{"page":"2"},"response_headers_to_add":[{},{"X-A":"b"}]}`; string(e.buf) != want {
		t.Errorf("got  %s\nwant %s", e.buf, want)
	}
	if want := []string{"/result/headers/Authorization", "/result/query_parameters_to_set/access_token", "/result/response_headers_to_add/0/Set-Cookie"}; !slices.Equal(e.erased, want) {
		t.Errorf("erased %q, want %q", e.erased, want)
	}
}
