package parameter

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

func set(t testing.TB, unknown Unknown) *Set {
	t.Helper()
	s, diags := New(Config{
		Parameters: []Parameter{
			{In: Header, Name: "x-trace", Schema: json.RawMessage(`{"pattern":"^[0-9a-f]{4}$"}`)},
			{In: Header, Name: "X-Tags", List: Comma, Types: Integer},
			{In: Path, Name: "id", Types: Integer, Schema: json.RawMessage(`{"type":"integer","minimum":1}`)},
			{In: Query, Name: "limit", Types: Integer, Schema: json.RawMessage(`{"type":"integer","minimum":1,"maximum":100}`)},
			{In: Query, Name: "status", List: Repeat, Schema: json.RawMessage(`{"type":"array","items":{"enum":["open","paid"]},"maxItems":2,"uniqueItems":true}`)},
			{In: Query, Name: "ids", List: Comma, Types: Integer},
			{In: Query, Name: "tags", List: Pipe},
			{In: Query, Name: "words", List: Space},
			{In: Query, Name: "day", Schema: json.RawMessage(`{"type":"string","format":"date"}`)},
			{In: Query, Name: "open", Types: Boolean, Empty: true},
			{In: Query, Name: "rate", Types: Number, Schema: json.RawMessage(`{"maximum":0.5}`)},
			{In: Query, Name: "filter", Deep: true, Schema: json.RawMessage(`{"type":"object","additionalProperties":false,"properties":{"age":{"type":"integer","minimum":0},` +
				`"tags":{"type":"array","items":{"type":"string"}},"home":{"type":"object","required":["city"],"properties":{"city":{"type":"string"}}}}}`)},
			{In: Query, Name: "odd", Deep: true, Schema: json.RawMessage(`{"type":"object","patternProperties":{"^a":{}}}`)},
			{In: Query, Name: "any", Types: Integer | String},
			{In: Query, Name: "customer.email", Told: "customer_email", Schema: json.RawMessage(`{"format":"email"}`)},
		},
		Unknown: unknown,
		Known:   []string{"api-version"},
	})
	if len(diags) != 1 || diags[0].Summary != "Not checked" || !strings.Contains(diags[0].Detail, `"odd"`) {
		t.Fatal(diags)
	}
	return s
}

func request(query string, header ...string) *exchange.Exchange {
	x := &exchange.Exchange{Query: exchange.Query{Raw: query}, Header: http.Header{}, Parameters: []exchange.Parameter{{Name: "id", Value: "7"}}}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		x.Header.Add(name, value)
	}
	return x
}

func told(found Found) string {
	var all []string
	for _, e := range found.Errors {
		all = append(all, fmt.Sprintf("%s %s %s: %s", e.In, e.Parameter, e.Keyword, e.Detail))
	}
	return strings.Join(all, "; ")
}

func TestCheck(t *testing.T) {
	s := set(t, Refuse)
	for _, c := range []struct {
		name, query string
		header      []string
		typed       string // "": only what the path says
		told        string
	}{
		{name: "nothing"},
		{name: "a whole number", query: "limit=10", typed: `{"path":{"id":7},"query":{"limit":10},"header":{}}`},
		{name: "negative", query: "any=-5", typed: `{"path":{"id":7},"query":{"any":-5},"header":{}}`},
		{name: "a number or a text", query: "any=a5", typed: `{"path":{"id":7},"query":{"any":"a5"},"header":{}}`},
		{name: "beyond 2^53", query: "any=9007199254740993", typed: `{"path":{"id":7},"query":{"any":9007199254740993},"header":{}}`},
		{name: "a fraction", query: "rate=0.25", typed: `{"path":{"id":7},"query":{"rate":0.25},"header":{}}`},
		{name: "a list of items by themselves", query: "status=open&status=paid", typed: `{"path":{"id":7},"query":{"status":["open","paid"]},"header":{}}`},
		{name: "a list of one item", query: "status=open", typed: `{"path":{"id":7},"query":{"status":["open"]},"header":{}}`},
		{name: "commas", query: "ids=1,2,3", typed: `{"path":{"id":7},"query":{"ids":[1,2,3]},"header":{}}`},
		{name: "encoded commas", query: "ids=1%2C2%2c3", typed: `{"path":{"id":7},"query":{"ids":[1,2,3]},"header":{}}`},
		{name: "pipes", query: "tags=a%7Cb", typed: `{"path":{"id":7},"query":{"tags":["a","b"]},"header":{}}`},
		{name: "spaces", query: "words=a%20b+c", typed: `{"path":{"id":7},"query":{"words":["a","b","c"]},"header":{}}`},
		{name: "a name in escapes", query: "%6Cimit=10", typed: `{"path":{"id":7},"query":{"limit":10},"header":{}}`},
		{name: "no value where none is needed", query: "open", typed: `{"path":{"id":7},"query":{},"header":{}}`},
		{name: "true", query: "open=true", typed: `{"path":{"id":7},"query":{"open":true},"header":{}}`},
		{name: "others' own", query: "api-version=v1&odd[a]=1&odd%5Bb%5D=2&&"},
		{name: "an object", query: "filter[age]=7&limit=1&filter%5Bhome%5D[city]=Paris&filter[tags][]=a&filter[tags][]=b",
			typed: `{"path":{"id":7},"query":{"limit":1,"filter":{"age":7,"home":{"city":"Paris"},"tags":["a","b"]}},"header":{}}`},
		{name: "header fields", header: []string{"X-Trace: 00ff", "X-Tags: 1, 2", "X-Tags: 3"}, typed: `{"path":{"id":7},"query":{},"header":{"X-Trace":"00ff","X-Tags":[1,2,3]}}`},

		{name: "an object's member of another type", query: "filter[age]=old", told: "query filter type: [age] must be a number, in digits"},
		{name: "an object's member over its bound", query: "filter[age]=-1", told: "query filter minimum: [age] must be at least 0", typed: `{"path":{"id":7},"query":{"filter":{"age":-1}},"header":{}}`},
		{name: "an object's member that it does not have", query: "filter[x]=1", told: "query filter additionalProperties: [x] is not a known member", typed: `{"path":{"id":7},"query":{"filter":{"x":"1"}},"header":{}}`},
		{name: "an object's member that is missing", query: "filter[home][x]=1", told: "query filter required: [home][city] is missing", typed: `{"path":{"id":7},"query":{"filter":{"home":{"x":"1"}}},"header":{}}`},
		{name: "an object's member twice", query: "filter[age]=1&filter[age]=2", told: "query filter repeated: [age] is there 2 times and takes one value"},
		{name: "an object's member twice, in escapes", query: "filter[age]=1&f%69lter%5bage%5d=2", told: "query filter repeated: [age] is there 2 times and takes one value"},
		{name: "an object that is a text", query: "filter=1", told: "query filter type: is an object, whose members are written with brackets: name[member]"},
		{name: "an object that is both", query: "filter=1&filter[age]=1", told: "query filter type: is written in several ways; write all of it alike"},
		{name: "broken brackets", query: "filter[age=1", told: "query filter type: a name has brackets only where the schema has an object or a list there: address[city], tags[], lines[0][sku]"},
		{name: "over the bound", query: "limit=1000", told: "query limit maximum: must be at most 100", typed: `{"path":{"id":7},"query":{"limit":1000},"header":{}}`},
		{name: "no number", query: "limit=ten", told: "query limit type: must be of type integer"},
		{name: "empty", query: "limit=", told: "query limit type: must be of type integer"},
		{name: "no value", query: "limit", told: "query limit type: must be of type integer"},
		{name: "octal to some", query: "limit=010", told: "query limit type: must be of type integer"},
		{name: "an exponent", query: "limit=1e1", told: "query limit type: must be of type integer"},
		{name: "a sign", query: "limit=%2B1", told: "query limit type: must be of type integer"},
		{name: "a space", query: "limit=1+", told: "query limit type: must be of type integer"},
		{name: "foreign digits", query: "limit=%D9%A1", told: "query limit type: must be of type integer"},
		{name: "too exact", query: "limit=1" + strings.Repeat("0", 100), told: "query limit type: must be of type integer"},
		{name: "no fraction", query: "rate=.5", told: "query rate type: must be of type number"},
		{name: "infinite", query: "rate=1e9999", told: "query rate type: must be of type number"},
		{name: "NaN", query: "rate=NaN", told: "query rate type: must be of type number"},
		{name: "a truth in capitals", query: "open=True", told: "query open type: must be of type boolean"},
		{name: "twice", query: "limit=1&limit=2", told: "query limit repeated: is there 2 times and takes one value"},
		{name: "twice the same, once in escapes", query: "limit=1&%6Cimit=1", told: "query limit repeated: is there 2 times and takes one value"},
		{name: "a list twice", query: "ids=1,2&ids=3", told: "query ids repeated: is there 2 times and takes one value"},
		{name: "commas of two kinds", query: "ids=1,2%2C3", told: "query ids separator: has commas that are encoded and commas that are not; write all of them alike"},
		{name: "an item of another type", query: "ids=1,x,", told: "query ids type: item 2 must be of type integer; query ids type: item 3 must be of type integer"},
		{name: "an item that is none of a few", query: "status=open&status=lost", told: `query status enum: item 2 must be one of "open", "paid"`, typed: `{"path":{"id":7},"query":{"status":["open","lost"]},"header":{}}`},
		{name: "a list of too many", query: "status=open&status=paid&status=open", told: "query status maxItems: must have at most 2 items; query status uniqueItems: has the same item twice, at 0 and 2", typed: `{"path":{"id":7},"query":{"status":["open","paid","open"]},"header":{}}`},
		{name: "a format", query: "day=2026-02-30", told: "query day format: must be a valid date", typed: `{"path":{"id":7},"query":{"day":"2026-02-30"},"header":{}}`},
		{name: "the caller's own name", query: "customer.email=x", told: "query customer_email format: must be a valid email", typed: `{"path":{"id":7},"query":{"customer.email":"x"},"header":{}}`},
		{name: "unknown", query: "limt=1&x=2", told: "query limt unknown: is not a parameter of this resource; did you mean limit?; query x unknown: is not a parameter of this resource"},
		{name: "another case", query: "Limit=1", told: "query Limit unknown: is not a parameter of this resource; did you mean limit?"},
		{name: "a field twice", header: []string{"X-Trace: 00ff", "X-Trace: 00ff"}, told: "header x-trace repeated: is there 2 times and takes one value"},
		{name: "a field by its pattern", header: []string{"X-Trace: zz"}, told: `header x-trace pattern: must match the pattern "^[0-9a-f]{4}$"`, typed: `{"path":{"id":7},"query":{},"header":{"X-Trace":"zz"}}`},
		{name: "a field that is no UTF-8", header: []string{"X-Trace: \xff"}, told: "header x-trace type: must be UTF-8"},
		{name: "all at once", query: "limit=0&ids=x&who=me", header: []string{"X-Tags: a"},
			told:  "query who unknown: is not a parameter of this resource; query ids type: item 1 must be of type integer; header X-Tags type: item 1 must be of type integer; query limit minimum: must be at least 1",
			typed: `{"path":{"id":7},"query":{"limit":0},"header":{}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := request(c.query, c.header...)
			found := s.Check(x)
			if got := told(found); got != c.told {
				t.Errorf("told %s\nwant %s", got, c.told)
			}
			if (found.Repeated != "") != strings.Contains(c.told, " times and takes") {
				t.Errorf("repeated: %v", found.Repeated)
			}
			if c.typed == "" {
				c.typed = `{"path":{"id":7},"query":{},"header":{}}`
			}
			if string(x.Typed) != c.typed {
				t.Errorf("got  %s\nwant %s", x.Typed, c.typed)
			}
		})
	}
}

func TestUnknown(t *testing.T) {
	if found := set(t, "").Check(request("who=me")); len(found.Errors) != 0 || found.Unknown != nil {
		t.Errorf("allowed: %+v", found)
	}
	many := "who=me&" + strings.Repeat("x", 300) + "=1"
	for i := range 20 {
		many += fmt.Sprintf("&p%d=1", i)
	}
	found := set(t, Report).Check(request(many))
	if len(found.Errors) != 0 || len(found.Unknown) != maxTold || found.Unknown[0] != "who" || len(found.Unknown[1]) > maxQuoted+3 {
		t.Errorf("reported: %+v", found)
	}
	if found := set(t, Refuse).Check(request(many + many)); len(found.Errors) != maxErrors {
		t.Errorf("refused: %d are told", len(found.Errors))
	}
}

func TestRequired(t *testing.T) {
	s, diags := New(Config{Parameters: []Parameter{
		{In: Query, Name: "a", Required: true}, {In: Header, Name: "X-A", Required: true}, {In: Query, Name: "b", List: Repeat, Required: true},
	}})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if got, want := told(s.Check(request("b"))), "query a required: is missing; header X-A required: is missing"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestPath(t *testing.T) {
	x := request("")
	x.Parameters[0].Value = "x7"
	if got, want := told(set(t, Allow).Check(x)), "path id type: must be of type integer"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// A mistake in a schema is told of its parameter.
func TestMistakes(t *testing.T) {
	for _, c := range []struct{ schema, told string }{
		{`{"pattern":"("}`, `Invalid schema; The schema of the query parameter "a": `},
		{`{"minimum":"1"}`, `; The schema of the query parameter "a": `},
	} {
		_, diags := New(Config{Parameters: []Parameter{{In: Query, Name: "a", Schema: json.RawMessage(c.schema)}}})
		if len(diags) != 1 || !strings.Contains(diags[0].Error(), c.told) {
			t.Errorf("%s: %v", c.schema, diags)
		}
	}
}

func TestNeeds(t *testing.T) {
	n := set(t, Allow).Needs()
	if !n.Query || !slices.Equal(n.Header, []string{"X-Trace", "X-Tags"}) || n.Body != exchange.None {
		t.Errorf("%+v", n)
	}
	if s, _ := New(Config{}); !s.Empty() {
		t.Error("nothing is something")
	}
	if s, _ := New(Config{Unknown: Refuse}); s.Empty() {
		t.Error("a refusal of all parameters is nothing")
	}
}

// FuzzCheck: whatever net/url reads of a query is what is checked, and what is noted of it is JSON that says the same.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{"", "limit=10", "ids=1%2C2", "a=%zz", "a;b", "status=open&status=open", "=&&=x", "any=%ff", "tags=|%7C", "%6Cimit=1", "rate=1e5"} {
		f.Add(seed)
	}
	s := set(f, Refuse)
	f.Fuzz(func(t *testing.T, raw string) {
		values, err := url.ParseQuery(raw)
		x := request(raw)
		found := s.Check(x)
		if err != nil {
			if len(found.Errors) == 0 {
				t.Fatalf("%q is taken, and net/url says %v", raw, err)
			}
			return
		}
		ok := true
		for _, all := range values {
			for _, v := range all {
				ok = ok && strings.ToValidUTF8(v, "") == v
			}
		}
		if !ok {
			return // admission refuses it
		}
		var typed map[string]map[string]any
		if err := json.Unmarshal(x.Typed, &typed); err != nil {
			t.Fatalf("%q: %s: %v", raw, x.Typed, err)
		}
		if err := jsonspan.Check(x.Typed, jsonspan.Bounds{}); err != nil {
			t.Fatalf("%q: %s: %v", raw, x.Typed, err)
		}
		for name := range typed["query"] {
			if values[name] == nil {
				t.Fatalf("%q: %s is not in the query", raw, name)
			}
		}
		if len(found.Errors) > 0 {
			return
		}
		for name, all := range values {
			p, known := s.query[name]
			if !known && !s.others[name] && !strings.HasPrefix(name, "filter[") {
				t.Fatalf("%q: %q passed", raw, name)
			}
			if known && s.list[p].List != Repeat && len(all) > 1 {
				t.Fatalf("%q: %q is there %d times", raw, name, len(all))
			}
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	s := set(b, Refuse)
	x := request("limit=10&status=open&status=paid&day=2026-02-03&ids=1,2,3", "X-Trace: 00ff")
	b.ReportAllocs()
	for b.Loop() {
		if found := s.Check(x); found.Errors != nil {
			b.Fatal(found)
		}
	}
}
