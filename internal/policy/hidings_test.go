package policy

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/wicketgate/wicketgate/internal/change"
)

// Equal answers share what is made of them, and no others do, however they are spelt.
func TestHidings(t *testing.T) {
	var h hidings
	filter := func(list, member, value string) []change.Filter {
		return []change.Filter{{List: list, Equals: []change.Condition{{Member: member, Value: json.RawMessage(value)}}}}
	}
	answers := []answer{
		{drop: []string{"/a", "/b"}}, {mask: []string{"/a", "/b"}}, {drop: []string{"/a"}, mask: []string{"/b"}}, {drop: []string{"/a2 /b"}}, {drop: []string{"/a"}},
		{filters: filter("/a", "b", "1")}, {filters: filter("/a", "b", `"1"`)}, {filters: filter("/a", "1", `"b"`)}, {filters: filter("/b", "b", "1")},
	}
	seen := map[*change.Obligations]int{}
	for i := range 3 * len(answers) {
		o, err := h.of(&answers[i%len(answers)])
		if err != nil || o == nil {
			t.Fatal(err)
		}
		if before, there := seen[o]; there != (i >= len(answers)) || there && before != i%len(answers) {
			t.Errorf("answer %d shares with %d", i, before)
		}
		seen[o] = i % len(answers)
	}
	for i := range 3 * maxHidings {
		if _, err := h.of(&answer{drop: []string{fmt.Sprint("/n", i)}}); err != nil {
			t.Fatal(err)
		}
	}
	if len(h.known) != maxHidings || len(h.order) != maxHidings || cap(h.order) > 2*maxHidings {
		t.Errorf("%d are known, %d in order", len(h.known), len(h.order))
	}
	if o, err := h.of(&answer{}); o != nil || err != nil {
		t.Errorf("nothing to hide: %v, %v", o, err)
	}
	if _, err := h.of(&answer{drop: []string{"a"}}); err == nil {
		t.Error("a mistake is known")
	}
}
