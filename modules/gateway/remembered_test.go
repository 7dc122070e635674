package gateway_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Equal requests share a decision, which metrics count and the status explains, until the policies or their data change.
func TestRemembered(t *testing.T) {
	s := start(t)
	client := s.client(true)
	get := func(key, id string) int {
		return s.do(client, "GET", "/api/v1/orders/"+id, "", "X-API-Key: "+key).status
	}
	count := func(by string) int {
		n, err := strconv.ParseFloat(s.metric(`caddy_api_gateway_decisions_total{by="`+by+`"}`), 64)
		if err != nil {
			t.Fatal(err)
		}
		return int(n)
	}
	evaluated, remembered := count("evaluation"), count("memory")
	for range 3 {
		for _, c := range []struct {
			key, id string
			want    int
		}{{acme, "acme-1001", 200}, {globex, "acme-1001", 403}, {acme, "globex-1001", 403}} {
			if status := get(c.key, c.id); status != c.want {
				t.Errorf("%s: %d, want %d", c.id, status, c.want)
			}
		}
	}
	// Files that were just written are loaded once more, after which each is evaluated anew.
	if evaluated, remembered = count("evaluation")-evaluated, count("memory")-remembered; evaluated < 3 || remembered < 3 || evaluated+remembered != 9 {
		t.Errorf("%d decisions were evaluated, %d remembered", evaluated, remembered)
	}
	decisions := s.status().Decisions
	if len(decisions) != 1 || decisions[0].Query != "data.shop.orders" || !decisions[0].Remembered || !slices.Contains(decisions[0].Sees, "input.api.parameters.id") {
		t.Errorf("the status tells %+v", decisions)
	}
	s.write("policies/shop/roles/data.json", strings.ReplaceAll(s.read("policies/shop/roles/data.json"), "read own orders", "look at own orders"))
	s.within(10*time.Second, "the table of roles is in force", func() bool { return get(acme, "acme-1001") == 403 })
}
