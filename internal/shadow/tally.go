package shadow

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds of what a tally keeps of each comparison. What is beyond is summed.
const (
	maxExamples = 100  // routes with reasons
	maxCallers  = 1000 // told apart
)

// tally counts what became of the decisions of one comparison.
type tally struct {
	mu       sync.Mutex
	since    time.Time
	results  map[Result]uint64
	rules    map[string]uint64   // differences by key of the answer
	examples map[example]uint64  // bound: maxExamples
	others   uint64              // differences beyond the examples
	callers  map[string]struct{} // who would newly be denied; bound: maxCallers
	strayed  bool                // there are more callers
	nameless uint64              // requests of anonymous callers that would newly be denied
}

// example is a kind of difference.
type example struct {
	api, route string
	became     Result
	reasons    string
}

func newTally(since time.Time) *tally {
	return &tally{since: since, results: map[Result]uint64{}, rules: map[string]uint64{}, examples: map[example]uint64{}, callers: map[string]struct{}{}}
}

func (t *tally) add(became Result, a about, rules, reasons []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.results[became]++
	for _, r := range rules {
		t.rules[r]++
	}
	switch became {
	case WouldDeny:
		t.deny(a.caller)
	case WouldAllow, Differs, Failed:
	default:
		return
	}
	e := example{a.api, a.route, became, strings.Join(reasons, ", ")}
	if _, known := t.examples[e]; !known && len(t.examples) >= maxExamples {
		t.others++
		return
	}
	t.examples[e]++
}

func (t *tally) deny(caller string) {
	if caller == "" {
		t.nameless++
		return
	}
	if _, known := t.callers[caller]; known {
		return
	}
	if len(t.callers) >= maxCallers {
		t.strayed = true
		return
	}
	t.callers[caller] = struct{}{}
}

// read gives what was counted.
func (t *tally) read() Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := Counts{
		Since: t.since, Agreed: t.results[Agreed], WouldDeny: t.results[WouldDeny], WouldAllow: t.results[WouldAllow],
		Differs: t.results[Differs], Failed: t.results[Failed], Dropped: t.results[Dropped],
		NoBody: t.results[NoBody], Unreadable: t.results[Unreadable], Mistaken: t.results[Mistaken],
		Callers: len(t.callers), MoreCallers: t.strayed, Anonymous: t.nameless, Others: t.others,
	}
	c.Evaluated = c.Agreed + c.WouldDeny + c.WouldAllow + c.Differs + c.Failed
	if len(t.rules) > 0 {
		c.Rules = make(map[string]uint64, len(t.rules))
		for name, n := range t.rules {
			c.Rules[name] = n
		}
	}
	for e, n := range t.examples {
		c.Examples = append(c.Examples, Example{API: e.api, Route: e.route, Became: e.became, Reasons: e.reasons, Count: n})
	}
	slices.SortFunc(c.Examples, func(a, b Example) int { return a.compare(b) })
	return c
}
