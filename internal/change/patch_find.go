package change

import (
	"slices"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// target is what a pointer of the caller's leads to.
type target struct {
	patch  *Patch   // whose spot it is
	spot   *spot    // nil where no change touches the value
	base   []string // names and indices that lead to what patch carries, in the newest shape
	inside []string // from there on; of a spot, nothing
	behind bool     // it leads behind the last item of a list
}

// pointer leads to t in the newest shape.
func (t *target) pointer() string {
	if t.spot != nil {
		return jsonspan.Join(t.spot.seat.top().appendPath(slices.Clip(t.base)))
	}
	return jsonspan.Join(t.base) + jsonspan.Join(t.inside)
}

// find follows the tokens of a pointer in the caller's shape. Beside the target it gives the operation because of
// which, and the reason why, nothing there can be pointed at.
func (p *Patch) find(tokens []string) (t target, op *operation, reason string) {
	t = target{patch: p, spot: p.root}
	for k, token := range tokens {
		s := t.spot
		switch {
		case s.items != nil && !s.changed:
			if s.taken != nil {
				return t, s.taken, presentUp
			}
			if !isIndex(token) {
				return t, nil, mustBeList
			}
			t.base = append(s.seat.appendPath(t.base), token)
			t.behind = t.behind || token == "-"
			t.patch, t.spot = s.items, s.items.root
			continue
		case s.changed || s.items != nil:
			return t, nil, "can be given as a whole only, for it is another value in the newest version"
		case t.patch.refused != "":
			return t, nil, t.patch.refused
		}
		if t.spot = s.member(token); t.spot != nil {
			continue
		}
		switch {
		case s.taken != nil:
			return t, s.taken, presentUp
		case s.sole != nil:
			return t, s.sole, "is not a member of this object, which has but one"
		}
		t.inside = append(s.seat.appendPath(nil), tokens[k:]...)
		return t, nil, ""
	}
	if t.spot.taken != nil {
		return t, t.spot.taken, presentUp
	}
	return t, nil, ""
}

// isIndex says whether token is the index of an item (RFC 6901, section 4), "-" behind the last.
func isIndex(token string) bool {
	if token == "-" {
		return true
	}
	for i := range len(token) {
		if token[i] < '0' || token[i] > '9' {
			return false
		}
	}
	return token != "" && (token[0] != '0' || len(token) == 1)
}

// isPointer says whether text is a JSON pointer (RFC 6901, section 3).
func isPointer(text string) bool {
	if text != "" && text[0] != '/' {
		return false
	}
	for i := range len(text) {
		if text[i] == '~' && (i+1 == len(text) || text[i+1] != '0' && text[i+1] != '1') {
			return false
		}
	}
	return true
}
