package policy

import (
	"strconv"
	"sync"

	"github.com/wicketgate/wicketgate/internal/change"
)

// hidings are the obligations of answers, each made once for all equal ones: policies hide the same of most of their
// callers, and what is made of obligations and a route's changes goes with them.
type hidings struct {
	mu    sync.Mutex
	known map[string]*change.Obligations
	order []string // of known, the oldest first
}

const (
	maxHidings     = 256     // of a snapshot
	maxHidingBytes = 4 << 10 // of one as its answer spells it; a larger one is made anew for each answer
)

// of gives the obligations of an answer, nil where it has none.
func (h *hidings) of(a *answer) (*change.Obligations, error) {
	var key []byte
	part := func(text string) {
		key = append(strconv.AppendInt(key, int64(len(text)), 10), ' ')
		key = append(key, text...)
	}
	for _, list := range [][]string{a.drop, a.mask} {
		key = append(strconv.AppendInt(key, int64(len(list)), 10), ' ')
		for _, pointer := range list {
			part(pointer)
		}
	}
	for _, f := range a.filters {
		part(f.List)
		key = append(strconv.AppendInt(key, int64(len(f.Equals)), 10), ' ')
		for _, c := range f.Equals {
			part(c.Member)
			part(string(c.Value))
		}
	}
	h.mu.Lock()
	o := h.known[string(key)]
	h.mu.Unlock()
	if o != nil {
		return o, nil
	}
	o, err := change.NewObligations(a.drop, a.mask, a.filters)
	if err != nil || o == nil || len(key) > maxHidingBytes {
		return o, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.known == nil:
		h.known = map[string]*change.Obligations{}
	case h.known[string(key)] != nil: // made by another meanwhile
		return h.known[string(key)], nil
	case len(h.order) == maxHidings:
		delete(h.known, h.order[0])
		h.order = append(h.order[:0], h.order[1:]...)
	}
	h.known[string(key)] = o
	h.order = append(h.order, string(key))
	return o, nil
}
