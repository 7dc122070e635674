package change

import (
	"encoding/json"
	"strings"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// table is an enum in one direction: the counterpart of each value.
type table struct {
	pairs    map[string]counterpart // by jsonspan.AppendScalar
	longest  int                    // bytes of the longest spelling of a value that can be in pairs
	expected string                 // what a caller whose value is not in the table is told
}

type counterpart struct {
	literal
	same bool   // the value is its own counterpart, and keeps its spelling
	key  string // the value as it is spelt in the pair
}

// newTable makes a table of pairs; of two pairs with the same value the first counts. place makes a literal.
func newTable(pairs []Pair, up bool, place func(json.RawMessage) literal) *table {
	t := &table{pairs: make(map[string]counterpart, len(pairs))}
	var words []string
	for _, p := range pairs {
		from, to := p.Old, p.New
		if !up {
			from, to = to, from
		}
		key := scalar(from)
		if _, ok := t.pairs[key]; ok {
			continue
		}
		t.pairs[key] = counterpart{place(to), key == scalar(to), string(from)}
		words = append(words, string(from))
		// Any character may be written as an escape of six bytes, and any number with zeros and an exponent.
		t.longest = max(t.longest, 6*len(key)+2, jsonspan.DefaultNumber)
	}
	const most = 10
	if len(words) > most {
		words = append(words[:most], "…")
	}
	t.expected = "must be one of " + strings.Join(words, ", ")
	return t
}

// scalar is a key for raw that any two spellings of the same value have in common.
func scalar(raw json.RawMessage) string { return string(jsonspan.AppendScalar(nil, raw)) }

// distinct says whether no two pairs have the same value on the side that pick picks.
func distinct(pairs []Pair, pick func(Pair) json.RawMessage) bool {
	seen := make(map[string]bool, len(pairs))
	for _, p := range pairs {
		key := scalar(pick(p))
		if seen[key] {
			return false
		}
		seen[key] = true
	}
	return true
}
