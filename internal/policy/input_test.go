package policy

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// fullExchange is a request of which everything is known.
func fullExchange() *exchange.Exchange {
	return &exchange.Exchange{
		Time:       time.Unix(1790000000, 5),
		Method:     "PUT",
		Scheme:     "https",
		Host:       "shop.example",
		Path:       exchange.Path{Escaped: "/api/orders/a%20b", Segments: []string{"api", "orders", "a b"}},
		Query:      exchange.Query{Raw: "tag=x&tag=y&page=2"},
		Header:     http.Header{"If-Match": {`"1"`}, "X-Tenant": {"a", "b"}},
		Client:     netip.MustParseAddr("192.0.2.7"),
		API:        "orders",
		Version:    "v2",
		Route:      "PUT /orders/{id}",
		Parameters: []exchange.Parameter{{Name: "id", Value: "a b"}},
		Target:     "/api/orders/a%20b?tag=x&tag=y&page=2",
		Consumer: &exchange.Consumer{
			ID: "ada", Name: "Ada", Method: "jwt", Scopes: []string{"orders.write"}, Groups: []string{"staff"},
			Claims: map[string]any{"sub": "ada", "exp": json.Number("1790000600"), "roles": []any{"clerk"}, "tenant": map[string]any{"n": 1.5}},
		},
		Body: exchange.Body{Read: true, Valid: true, Bytes: []byte(`{"total":1.10,"lines":[{"qty":2}]}`)},
	}
}

const fullInput = `{
	"request": {
		"method": "PUT", "path": "/api/orders/a%20b", "segments": ["api", "orders", "a b"],
		"query": {"tag": ["x", "y"], "page": ["2"]},
		"headers": {"if-match": ["\"1\""], "x-tenant": ["a", "b"]},
		"host": "shop.example", "scheme": "https", "address": "192.0.2.7",
		"body": {"total": 1.10, "lines": [{"qty": 2}]}
	},
	"api": {"name": "orders", "version": "v2", "route": "PUT /orders/{id}", "parameters": {"id": "a b"}},
	"consumer": {
		"id": "ada", "name": "Ada", "method": "jwt", "scopes": ["orders.write"], "groups": ["staff"],
		"claims": {"sub": "ada", "exp": 1790000600, "roles": ["clerk"], "tenant": {"n": 1.5}}
	},
	"time": 1790000000000000005
}`

func TestInput(t *testing.T) {
	all := Query{reach: reach{parts: partTime<<1 - 1, everyHeader: true}}
	for _, c := range []struct {
		name   string
		reach  reach
		change func(*exchange.Exchange)
		want   string
	}{
		{"everything", all.reach, func(*exchange.Exchange) {}, fullInput},
		{"nothing", reach{}, func(*exchange.Exchange) {}, `{}`},
		{"anonymous, nothing sent", all.reach, func(x *exchange.Exchange) { *x = exchange.Exchange{Method: "GET", Time: time.Unix(0, 1)} },
			`{"request":{"method":"GET","path":"","segments":[],"query":{},"headers":{},"host":"","scheme":""},"api":{"name":"","version":"","route":"","parameters":{}},"time":1}`},
		{"a key, not a token", reach{parts: partClaims | partScopes | partConsumerID}, func(x *exchange.Exchange) { x.Consumer = &exchange.Consumer{ID: "acme"} },
			`{"consumer":{"id":"acme","scopes":[]}}`},
		{"named headers", reach{parts: partHeaders, headers: map[string]struct{}{"x-tenant": {}, "X-Tenant": {}, "x-none": {}}}, func(*exchange.Exchange) {},
			`{"request":{"headers":{"x-tenant":["a","b"]}}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := fullExchange()
			c.change(x)
			got, err := (&Query{reach: c.reach, headerKeys: headerKeys(c.reach.headers)}).input(x)
			if err != nil {
				t.Fatal(err)
			}
			if want := ast.MustParseTerm(c.want).Value; got.Compare(want) != 0 {
				t.Errorf("got\n%v\nwant\n%v", got, want)
			}
		})
	}
}

// TestSchemaSaysWhatIsBuilt compares the schema that policies are checked against with the parts that are built.
func TestSchemaSaysWhatIsBuilt(t *testing.T) {
	type node struct{ Properties map[string]*node }
	var schema node
	if err := json.Unmarshal(InputSchema, &schema); err != nil {
		t.Fatal(err)
	}
	var said [][]string
	for name, n := range schema.Properties {
		if name == "time" {
			said = append(said, []string{name})
		}
		for inner := range n.Properties {
			said = append(said, []string{name, inner})
		}
	}
	for _, p := range parts {
		found := false
		for _, path := range said {
			found = found || reflect.DeepEqual(path, p.path)
		}
		if !found {
			t.Errorf("%v is built, but not in the schema", p.path)
		}
	}
	if len(said) != len(parts) {
		t.Errorf("the schema has %d parts, %d are built", len(said), len(parts))
	}
}
