package rule

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// BenchmarkGrowth holds a body of 1 KB against ever more rules.
func BenchmarkGrowth(b *testing.B) {
	body := strings.Replace(order, "[\n", "["+strings.Repeat(`{"sku": "A1", "qty": 2, "price": 100, "text": "a longer text"},`, 10)+"\n", 1)
	for _, n := range []int{1, 3, 10, 30, 100} {
		b.Run("rules="+strconv.Itoa(n), func(b *testing.B) {
			programs := make([]*Program, n)
			for i := range programs {
				p, diags := fromHCL(b, fmt.Sprintf(`body.total.amount > %d && contains(["EUR", "USD"], body.currency)`, i-n), everything, Bool)
				if diags.HasErrors() {
					b.Fatal(diags)
				}
				programs[i] = p
			}
			x := request(body)
			b.ReportAllocs()
			for b.Loop() {
				for _, p := range programs {
					if yes, err := p.Bool(x); !yes {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
