package change_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/wicketgate/wicketgate/internal/change"
)

// BenchmarkGrowth changes a message of 1 KB through ever more versions, each of which called a field otherwise, and ever larger
// messages through one of five changes.
func BenchmarkGrowth(b *testing.B) {
	up := func(p *change.Program, doc []byte) func(*testing.B) {
		return func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Up(doc); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	for _, n := range []int{1, 2, 5, 10, 20, 50} {
		chain, name := make([]*change.Change, n), "verified"
		for i := range chain {
			next := fmt.Sprintf("verified_%d", i)
			chain[i] = on("order", rename(name, next))
			chain[i].Name, name = "renamed-"+strconv.Itoa(i), next
		}
		b.Run("versions="+strconv.Itoa(n), up(compile(b, chain, objects(), ""), order(3)))
	}
	for _, kilobytes := range []int{1, 10, 100, 1000, 10000} {
		doc := order(max(3, kilobytes*10))
		b.Run("body="+strconv.Itoa(len(doc)), up(compile(b, five, objects(), ""), doc))
	}
}
