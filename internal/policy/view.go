package policy

import (
	"slices"
	"strings"
	"sync"
)

// View is what a query can see of input and what follows from it, as operators are told.
type View struct {
	// The query.
	Query string `json:"query"`
	// What it can see, as references below input.
	Sees []string `json:"sees"`
	// Whether equal requests share a decision.
	Remembered bool `json:"remembered"`
	// Why they do not, as the metric's label has it.
	Because string `json:"because,omitempty"`
	// What made a part of input count as a whole.
	Wide []Finding `json:"wide,omitempty"`
	// Calls that may answer differently each time.
	Impure []Finding `json:"impure,omitempty"`
}

// MarshalText spells a finding as a line of a log.
func (f Finding) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// asked are the queries that were prepared from the policies of a snapshot, one of each name.
type asked struct {
	mu    sync.Mutex
	count uint32
	last  map[string]*Query
}

// add notes a query and gives it a number, which queries of one name share: they are the same question.
func (a *asked) add(q *Query) uint32 {
	a.mu.Lock()
	defer a.mu.Unlock()
	if known := a.last[q.name]; known != nil {
		return known.id
	}
	a.count++
	a.last[q.name] = q
	return a.count
}

// Views tells what the queries see that were prepared from these policies, by name.
func (s *Snapshot) Views() []View {
	s.asked.mu.Lock()
	defer s.asked.mu.Unlock()
	views := make([]View, 0, len(s.asked.last))
	for _, q := range s.asked.last {
		views = append(views, q.view())
	}
	slices.SortFunc(views, func(a, b View) int { return strings.Compare(a.Query, b.Query) })
	return views
}

// view tells what the query sees.
func (q *Query) view() View {
	v := View{Query: q.name, Sees: q.sees.Input(), Wide: q.sees.wide, Impure: q.sees.impure}
	remembers, why := q.Remembers()
	if v.Remembered = remembers; !remembers {
		v.Because = why.String()
	}
	return v
}
