package transform

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/pipeline"
)

func expand(_ context.Context, text string) string {
	return strings.NewReplacer("{who}", "ada", "{evil}", "a\r\nX-Admin: 1").Replace(text)
}

func build(t *testing.T, config string) *pipeline.Pipeline {
	t.Helper()
	var c Config
	if err := json.Unmarshal([]byte(config), &c); err != nil {
		t.Fatal(err)
	}
	stages, diags := c.Stages(expand)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return pipeline.New(stages...)
}

func TestBodies(t *testing.T) {
	for _, test := range []struct {
		name, operations, from, to string
		status                     int // of the problem on the way there; on the way back it is 502
	}{
		{name: "rename", operations: `{"operation":"rename","field":"a","to":"b"}`, from: `{"x":1,"a": 2.50}`, to: `{"x":1,"b": 2.50}`},
		{name: "in written order", operations: `{"operation":"rename","field":"a","to":"b"},{"operation":"rename","field":"b","to":"c"}`, from: `{"a":1}`, to: `{"c":1}`},
		{name: "move", operations: `{"operation":"move","field":"total","to":"price.amount"}`, from: `{"total":7}`, to: `{"price":{"amount":7}}`},
		{name: "drop", operations: `{"operation":"drop","field":"card.number"}`, from: `{"card":{"number":"4111","brand":"v"}}`, to: `{"card":{"brand":"v"}}`},
		{name: "add", operations: `{"operation":"add","field":"currency","value":"EUR"}`, from: `{"a":1}`, to: `{"a":1,"currency":"EUR"}`},
		{name: "add over what is there", operations: `{"operation":"add","field":"a","value":0}`, from: `{"a":1}`, status: 422},
		{name: "rename over what is there", operations: `{"operation":"rename","field":"a","to":"b"}`, from: `{"a":1,"b":2}`, status: 422},
		{name: "enum", operations: `{"operation":"enum","field":"s","pairs":[["open",1],["shut",2],["closed",2]]}`, from: `{"s":"closed"}`, to: `{"s":2}`},
		{name: "enum of another value", operations: `{"operation":"enum","field":"s","pairs":[["open",1]]}`, from: `{"s":"ajar"}`, status: 422},
		{name: "each item of a list", operations: `{"operation":"rename","field":"data[*].a","to":"b"}`, from: `{"data":[{"a":1},{"a":2}]}`, to: `{"data":[{"b":1},{"b":2}]}`},
		{name: "a list", operations: `{"operation":"drop","field":"[*].secret"}`, from: `[{"secret":1,"a":1}]`, to: `[{"a":1}]`},
		{name: "lists in lists beside what holds them", operations: `{"operation":"rename","field":"orders[*].lines[*].sku","to":"article"},{"operation":"rename","field":"orders[*].no","to":"id"},{"operation":"drop","field":"debug"}`,
			from: `{"debug":1,"orders":[{"no":1,"lines":[{"sku":"x"}]}]}`, to: `{"orders":[{"id":1,"lines":[{"article":"x"}]}]}`},
		{name: "wrap", operations: `{"operation":"wrap","field":"total","member":"amount"}`, from: `{"total": 7 }`, to: `{"total": {"amount":7} }`},
		{name: "unwrap", operations: `{"operation":"unwrap","field":"total","member":"amount"}`, from: `{"total":{"amount":7.0}}`, to: `{"total":7.0}`},
		{name: "unwrap what has more", operations: `{"operation":"unwrap","field":"total","member":"amount"}`, from: `{"total":{"amount":7,"currency":"EUR"}}`, status: 422},
		{name: "list", operations: `{"operation":"list","field":"tags"},{"operation":"rename","field":"tags[*].a","to":"b"}`, from: `{"tags":{"a":1}}`, to: `{"tags":[{"b":1}]}`},
		{name: "unlist", operations: `{"operation":"unlist","field":"data[*].tags"}`, from: `{"data":[{"tags":["a"]},{}]}`, to: `{"data":[{"tags":"a"},{}]}`},
		{name: "unlist what has more", operations: `{"operation":"unlist","field":"tags"}`, from: `{"tags":["a","b"]}`, status: 422},
		{name: "scale", operations: `{"operation":"scale","field":"lines[*].price","decimals":2}`, from: `{"lines":[{"price":"12.30"},{"price":"0.05"}]}`, to: `{"lines":[{"price":1230},{"price":5}]}`},
		{name: "scale a number to the left", operations: `{"operation":"scale","field":"price","decimals":-2,"as":"number"}`, from: `{"price":1230}`, to: `{"price":12.30}`},
		{name: "scale what is none", operations: `{"operation":"scale","field":"price","decimals":2}`, from: `{"price":"12.3"}`, status: 422},
		{name: "cast", operations: `{"operation":"cast","field":"zip","from":"number","to":"string"}`, from: `{"zip":12345}`, to: `{"zip":"12345"}`},
		{name: "cast what is none", operations: `{"operation":"cast","field":"zip","from":"string","to":"number"}`, from: `{"zip":"01234"}`, status: 422},
		{name: "split", operations: `{"operation":"split","field":"name","separator":" ","parts":["first","last"]}`, from: `{"name":"Ada King Lovelace"}`, to: `{"first":"Ada","last":"King Lovelace"}`},
		{name: "join", operations: `{"operation":"join","field":"name","separator":" ","parts":["first","last"]}`, from: `{"last":"Lovelace","first":"Ada"}`, to: `{"name":"Ada Lovelace"}`},
		{name: "join what would not come apart", operations: `{"operation":"join","field":"name","separator":" ","parts":["first","last"]}`, from: `{"first":"Mary Ann","last":"Smith"}`, status: 422},
		{name: "a list in what is wrapped", operations: `{"operation":"wrap","field":"data","member":"items"},{"operation":"cast","field":"data.items[*].id","from":"number","to":"string"}`, from: `{"data":[{"id":1}]}`, to: `{"data":{"items":[{"id":"1"}]}}`},
		{name: "not strict JSON", operations: `{"operation":"drop","field":"a"}`, from: `{"a":1,"a":2}`, status: 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			there := build(t, `{"request":{"operations":[`+test.operations+`]}}`)
			x := &exchange.Exchange{Method: "POST", Header: http.Header{"Content-Type": {"application/json"}},
				Body: exchange.Body{Stream: strings.NewReader(test.from), Length: -1}}
			prob := there.Handle(x)
			if test.status != 0 {
				if prob == nil || prob.StatusCode() != test.status {
					t.Errorf("there: got %v, want %d", prob, test.status)
				}
			} else if prob != nil || string(x.Body.Bytes) != test.to {
				t.Errorf("there: got %s, %v", x.Body.Bytes, prob)
			}

			back := build(t, `{"response":{"operations":[`+test.operations+`]}}`)
			res := &exchange.Response{Status: 200, Header: http.Header{"Content-Type": {"application/json"}}, Read: true, Bytes: []byte(test.from)}
			prob = back.Return(&exchange.Exchange{}, res)
			if test.status != 0 {
				if prob == nil || prob.StatusCode() != 502 {
					t.Errorf("back: got %v, want a 502", prob)
				}
			} else if prob != nil || string(res.Bytes) != test.to {
				t.Errorf("back: got %s, %v", res.Bytes, prob)
			}
		})
	}
}

func TestFields(t *testing.T) {
	p := build(t, `{"request":{"set":{"x-tenant":"t-{who}"},"remove":["x-debug"]},"response":{"set":{"Cache-Control":"no-store"},"remove":["x-powered-by"]}}`)
	if p.Reads(&exchange.Exchange{}).Body || p.Needs().Body != exchange.None {
		t.Error("header fields alone must let bodies stream")
	}
	x := &exchange.Exchange{Context: t.Context(), Header: http.Header{"X-Tenant": {"forged"}, "X-Debug": {"1"}}, Forward: http.Header{"X-Tenant": {"earlier"}},
		Answer: http.Header{"Cache-Control": {"public"}}}
	if prob := p.Handle(x); prob != nil {
		t.Fatal(prob)
	}
	if x.Header.Get("X-Tenant") != "t-ada" || x.Header["X-Debug"] != nil || x.Forward["X-Tenant"] != nil {
		t.Errorf("got %v, forwarded %v", x.Header, x.Forward)
	}
	res := &exchange.Response{Status: 500, Header: http.Header{"X-Powered-By": {"PHP"}}}
	if prob := p.Return(x, res); prob != nil {
		t.Fatal(prob)
	}
	if res.Header.Get("Cache-Control") != "no-store" || res.Header["X-Powered-By"] != nil || x.Answer["Cache-Control"] != nil {
		t.Errorf("got %v, %v", res.Header, x.Answer)
	}
	p = build(t, `{"request":{"set":{"X-A":"{evil}"}}}`)
	if prob := p.Handle(&exchange.Exchange{Context: t.Context(), Header: http.Header{}}); prob == nil || prob.StatusCode() != 400 {
		t.Errorf("a line break in a value: got %v, want a 400", prob)
	}
}

func TestAnswers(t *testing.T) {
	p := build(t, `{"response":{"operations":[{"operation":"drop","field":"a"}]}}`)
	for _, test := range []struct {
		name   string
		status int
		header http.Header
		body   string
		want   string // "" for a 502
	}{
		{"an error has a shape of its own", 404, http.Header{"Content-Type": {"text/plain"}}, "gone", "gone"},
		{"JSON by suffix", 200, http.Header{"Content-Type": {"application/vnd.acme+json; charset=utf-8"}}, `{"a":1}`, `{}`},
		{"not JSON by its type", 200, http.Header{"Content-Type": {"text/html"}}, `{"a":1}`, ""},
		{"without a type", 200, http.Header{}, `{"a":1}`, ""},
		{"not JSON", 200, http.Header{"Content-Type": {"application/json"}}, `{"a":`, ""},
		{"in a content coding", 200, http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}}, `{"a":1}`, ""},
		{"a part", 206, http.Header{"Content-Type": {"application/json"}}, `{"a":1}`, ""},
	} {
		res := &exchange.Response{Status: test.status, Header: test.header, Read: true, Bytes: []byte(test.body)}
		prob := p.Return(&exchange.Exchange{}, res)
		switch {
		case test.want == "" && (prob == nil || prob.StatusCode() != 502):
			t.Errorf("%s: got %s, %v; want a 502", test.name, res.Bytes, prob)
		case test.want != "" && (prob != nil || string(res.Bytes) != test.want):
			t.Errorf("%s: got %s, %v", test.name, res.Bytes, prob)
		}
	}
}

// A changed answer is another representation, with a tag of its own; the service is asked for the one it knows.
func TestTags(t *testing.T) {
	p := build(t, `{"response":{"operations":[{"operation":"drop","field":"a"}]}}`)
	res := &exchange.Response{Status: 200, Header: http.Header{"Content-Type": {"application/json"}, "Etag": {`"v7"`}, "Repr-Digest": {"x"}}, Read: true, Bytes: []byte(`{}`)}
	if prob := p.Return(&exchange.Exchange{}, res); prob != nil {
		t.Fatal(prob)
	}
	tag := res.Header.Get("Etag")
	if tag == `"v7"` || res.Header["Repr-Digest"] != nil {
		t.Errorf("got %v", res.Header)
	}
	x := &exchange.Exchange{Header: http.Header{"If-None-Match": {`"v6", ` + tag}}}
	if prob := p.Handle(x); prob != nil {
		t.Fatal(prob)
	}
	if got := x.Header.Get("If-None-Match"); got != `"v6", "v7"` {
		t.Errorf("the service is asked for %s", got)
	}
	res = &exchange.Response{Status: 304, Header: http.Header{"Etag": {`"v7"`}}}
	if prob := p.Return(x, res); prob != nil || res.Header.Get("Etag") != tag {
		t.Errorf("not modified: got %v, %v", res.Header, prob)
	}
}

func TestMistakes(t *testing.T) {
	for config, want := range map[string]string{
		`{"set":{"A b":"1"}}`:                  `"A b" is not the name of a header field`,
		`{"set":{"Content-Length":"1"}}`:       "belongs to the connection",
		`{"set":{"X-A":"1"},"remove":["x-a"]}`: "x-a is named twice",
		`{"set":{"X-A":"1\n2"}}`:               "The value of X-A has characters",
		`{"max":-1}`:                           "The largest body",
		`{"operations":[{"operation":"renam","field":"a","to":"b"}]}`:                                                                                        `Did you mean "rename"?`,
		`{"operations":[{"operation":"wrap","field":"a"}]}`:                                                                                                  "needs the name of the only member",
		`{"operations":[{"operation":"list","field":"a","member":"b","as":"string"}]}`:                                                                       "takes no member and no as",
		`{"operations":[{"operation":"cast","field":"a","from":"number"}]}`:                                                                                  `not from "number" to ""`,
		`{"operations":[{"operation":"scale","field":"a"}]}`:                                                                                                 "-18 to 18, not 0",
		`{"operations":[{"operation":"split","field":"a","parts":["b","c"]}]}`:                                                                               "needs separator",
		`{"operations":[{"operation":"join","field":"a","separator":" ","parts":["b"]}]}`:                                                                    "2 to 16 members",
		`{"operations":[{"operation":"drop","field":"a[*].b"},{"operation":"unlist","field":"a"}]}`:                                                          `unlist "a" stands below operations on "a[*]"`,
		`{"operations":[{"operation":"drop","field":"a.b[*].c"},{"operation":"wrap","field":"a","member":"x"}]}`:                                             `wrap "a" stands below operations on "a.b[*]"`,
		`{"operations":[{"operation":"drop","field":"a.b[*].c"},{"operation":"list","field":"a.b[*].d"},{"operation":"renam","field":"a.b[*].d","to":"e"}]}`: `Did you mean "rename"?`,
		`{"operations":[{"operation":"rename","field":"a"}]}`:                                                                                                "needs to",
		`{"operations":[{"operation":"rename","field":"a","to":"b","value":1}]}`:                                                                             "takes no value",
		`{"operations":[{"operation":"move","field":"a[*].b","to":"c"}]}`:                                                                                    "a member stays within its list",
		`{"operations":[{"operation":"drop","field":"a[*]"}]}`:                                                                                               "The path is empty",
		`{"operations":[{"operation":"drop","field":"a"},{"operation":"rename","field":"a","to":"b"}]}`:                                                      "it is gone then",
		`{"operations":[{"operation":"add","field":"a"}]}`:                                                                                                   "needs value",
		`{"operations":[{"operation":"enum","field":"a"}]}`:                                                                                                  "needs pairs",
		`{"operations":[{"operation":"enum","field":"a","pairs":[[1,2],[1,3]]}]}`:                                                                            "1 is to become two values",
		`{"operations":[{"operation":"drop","field":"[*].a"},{"operation":"drop","field":"b"}]}`:                                                             "begins with a name",
	} {
		var m Message
		if err := json.Unmarshal([]byte(config), &m); err != nil {
			t.Fatal(err)
		}
		if diags := m.Check(); !diags.HasErrors() || !strings.Contains(diags.Error(), want) {
			t.Errorf("%s: got %v, want %s", config, diags, want)
		}
	}
}

func BenchmarkAnswer(b *testing.B) {
	var c Config
	if err := json.Unmarshal([]byte(`{"response":{"operations":[{"operation":"rename","field":"a","to":"b"}]}}`), &c); err != nil {
		b.Fatal(err)
	}
	stages, _ := c.Stages(expand)
	p := pipeline.New(stages...)
	body := []byte(`{"x":1,"a": 2.50}`)
	header := http.Header{"Content-Type": {"application/json"}}
	b.ReportAllocs()
	for b.Loop() {
		if prob := p.Return(&exchange.Exchange{}, &exchange.Response{Status: 200, Header: header, Read: true, Bytes: body}); prob != nil {
			b.Fatal(prob)
		}
	}
}
