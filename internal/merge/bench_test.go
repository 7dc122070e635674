package merge

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/change"
)

// resource is an order of about size bytes whose lines each have a member that older callers do not see.
func resource(size int) (theirs, body string) {
	var with, without []string
	for n := 0; n < size; n += 60 {
		line := fmt.Sprintf(`{"sku":"A-%06d","qty":%d,"text":"some goods"`, n, n%7)
		with, without = append(with, line+`,"gift":true}`), append(without, line+`}`)
	}
	without[len(without)/2] = strings.Replace(without[len(without)/2], "some goods", "other goods", 1)
	return `{"id":7,"note":"x","lines":[` + strings.Join(with, ",") + `]}`, `{"id":7,"lines":[` + strings.Join(without, ",") + `]}`
}

func BenchmarkOverlay(b *testing.B) {
	p := compile(b, []*change.Change{
		{Name: "note", On: "order", Operations: []change.Operation{{Kind: change.Add, Path: "note", Value: json.RawMessage(`null`)}}},
		{Name: "gift", On: "line", Operations: []change.Operation{{Kind: change.Add, Path: "gift", Value: json.RawMessage(`false`)}}},
	}, map[string]*change.Object{"order": {Name: "order", Holds: []change.Held{{Path: "lines[*]", Object: "line"}}}, "line": {Name: "line"}})
	for _, size := range []int{1 << 10, 100 << 10, 1 << 20} {
		b.Run(fmt.Sprint(size>>10, "KB"), func(b *testing.B) {
			theirs, body := resource(size)
			mine, err := p.Up([]byte(body))
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(theirs)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Overlay(p, []byte(theirs), mine, always); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Items in any other order, of which none is as it was: what takes longest.
func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		b.Run(fmt.Sprint(n, "items"), func(b *testing.B) {
			var base, mine [][]byte
			for i := range n {
				base = append(base, fmt.Appendf(nil, `{"a":%d,"b":%d,"c":"x"}`, i, i))
				mine = append(mine, fmt.Appendf(nil, `{"a":%d,"b":%d,"c":"y"}`, n-i, -i))
			}
			b.ReportAllocs()
			for b.Loop() {
				match(base, mine)
			}
		})
	}
}
