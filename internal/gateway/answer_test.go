package gateway

import (
	"net/http"
	"testing"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// TestLocation gives callers who named their version in the path addresses of that version.
func TestLocation(t *testing.T) {
	tests := []struct {
		base, selected, from, want string
	}{
		{"/api", "path", "/api/orders/7", "/api/v1/orders/7"},
		{"/api", "path", "/api", "/api/v1"},
		{"/api", "path", "/api?page=2", "/api/v1?page=2"},
		{"/api", "path", "/api/orders?page=2#end", "/api/v1/orders?page=2#end"},
		{"/api", "header", "/api/orders/7", "/api/orders/7"},
		{"/api", "default", "/api/orders/7", "/api/orders/7"},
		{"/api", "path", "/apis/7", "/apis/7"},
		{"/api", "path", "/login", "/login"},
		{"/api", "path", "orders/7", "orders/7"},
		{"/api", "path", "//evil.example/api/orders", "//evil.example/api/orders"},
		{"/api", "path", "https://shop.example/api/orders/7", "https://shop.example/api/v1/orders/7"},
		{"/api", "path", "http://SHOP.example:8080/api/orders/7", "http://SHOP.example:8080/api/v1/orders/7"},
		{"/api", "path", "https://other.example/api/orders/7", "https://other.example/api/orders/7"},
		{"/api", "path", "https://shop.example@other.example/api/orders/7", "https://shop.example@other.example/api/orders/7"},
		{"/api", "path", "https://shop.example", "https://shop.example"},
		{"/", "path", "/orders/7", "/v1/orders/7"},
		{"/", "path", "https://shop.example/orders/7", "https://shop.example/v1/orders/7"},
		{"/", "path", "https://shop.example", "https://shop.example"},
		{"/", "path", "//evil.example/orders", "//evil.example/orders"},
		{"/", "path", "orders/7", "orders/7"},
	}
	for _, test := range tests {
		t.Run(test.base+" "+test.selected+" "+test.from, func(t *testing.T) {
			a := &answers{base: test.base}
			x := &exchange.Exchange{Host: "shop.example", Version: "v1", Selected: test.selected}
			r := &exchange.Response{Status: http.StatusCreated, Header: http.Header{"Location": {test.from}}}
			if prob := a.Return(x, r); prob != nil {
				t.Fatal(prob)
			}
			if got := r.Header.Get("Location"); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
