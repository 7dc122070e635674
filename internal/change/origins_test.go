package change_test

import (
	"slices"
	"testing"

	"github.com/wicketgate/wicketgate/internal/change"
)

func TestOriginsAndConverted(t *testing.T) {
	c := chain(
		on("order", move("customer_name", "customer.name"), move("customer_email", "customer.email"), rename("verified", "status"), enum("status", `true`, `"yes"`)),
		on("line", rename("article", "sku"), change.Operation{Kind: change.Scale, Path: "price", Decimals: 2}, change.Operation{Kind: change.Wrap, Path: "price", Member: "amount"}),
		on("order", change.Operation{Kind: change.Join, Path: "name", Parts: []string{"first", "last"}, Separator: " "}, rename("lines", "rows"),
			change.Operation{Kind: change.Split, Path: "phone", Parts: []string{"prefix", "number"}, Separator: "-"}),
	)
	p := compile(t, c, objects("order", "rows[*]", "line"), "data[*]")
	for _, test := range []struct {
		newest    string
		origins   []string
		converted bool
	}{
		{"", []string{""}, false},
		{"/data/0/customer", []string{"/data/0/customer_email", "/data/0/customer_name", "/data/0/customer"}, false},
		{"/data/0/customer/email", []string{"/data/0/customer_email"}, false},
		{"/data/0/status", []string{"/data/0/verified"}, true},
		{"/data/0/name", []string{"/data/0/first", "/data/0/last"}, true},
		{"/data/0/number", []string{"/data/0/phone"}, true},
		{"/data/3/rows/1/sku", []string{"/data/3/lines/1/article"}, false},
		{"/data/3/rows/1/price/amount", []string{"/data/3/lines/1/price"}, true},
		{"/data/3/rows/1/price", []string{"/data/3/lines/1/price"}, true},
		{"/other", []string{"/other"}, false},
	} {
		if got := p.Origins(test.newest); !slices.Equal(got, test.origins) {
			t.Errorf("%s comes from %q, want %q", test.newest, got, test.origins)
		}
		if got := p.Converted(test.newest); got != test.converted {
			t.Errorf("%s: converted %v", test.newest, got)
		}
	}
	same := compile(t, nil, objects(), "")
	if got := same.Origins("/a"); !slices.Equal(got, []string{"/a"}) || same.Converted("/a") {
		t.Error(got)
	}
}
