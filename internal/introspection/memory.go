package introspection

import (
	"container/list"
	"time"
)

const (
	maxRemembered = 10_000   // answers, of active tokens and of others each
	maxBytes      = 32 << 20 // of the answers as they came, of active tokens
	negative      = 5 * time.Second
)

// memory is what was said of tokens: the longest unused are forgotten first.
type memory struct {
	byKey map[hash]*list.Element
	used  list.List // of remembered, the last used first
	bytes int
}

type remembered struct {
	key    hash
	answer *Answer
	until  time.Time
}

// recall gives an answer that still holds; nil for none. The caller holds i.mu.
func (i *Client) recall(key hash, now time.Time) *Answer {
	for _, m := range [...]*memory{&i.active, &i.inactive} {
		e := m.byKey[key]
		if e == nil {
			continue
		}
		if r := e.Value.(*remembered); now.Before(r.until) {
			m.used.MoveToFront(e)
			return r.answer
		}
		m.forget(e)
	}
	return nil
}

// remember notes an answer to a question of now: not longer than the token lasts. The caller holds i.mu.
func (i *Client) remember(key hash, a *Answer, now time.Time) {
	m, until := &i.active, now.Add(i.cache)
	switch {
	case !a.Active:
		m, until = &i.inactive, now.Add(min(i.cache, negative))
	case !a.expires.IsZero() && a.expires.Before(until):
		until = a.expires
	}
	if !now.Before(until) {
		return
	}
	if m.byKey == nil {
		m.byKey = make(map[hash]*list.Element)
	}
	if e := m.byKey[key]; e != nil {
		m.forget(e)
	}
	m.byKey[key] = m.used.PushFront(&remembered{key, a, until})
	m.bytes += a.size
	for m.used.Len() > maxRemembered || m.bytes > maxBytes {
		m.forget(m.used.Back())
	}
}

func (m *memory) forget(e *list.Element) {
	r := m.used.Remove(e).(*remembered)
	m.bytes -= r.answer.size
	delete(m.byKey, r.key)
}
