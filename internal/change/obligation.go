package change

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// Mask is what a masked string becomes. Any other masked value becomes null.
const Mask = "***"

// Bounds of obligations. Each may be asked for by every request, so what they cost is small and known.
const (
	maxHides      = 64      // pointers and filters together
	maxPointer    = 1 << 10 // bytes of a pointer
	maxConditions = 16      // of a filter
	maxCondition  = 1 << 10 // bytes of the value of one, as JSON
	maxPaired     = 8       // programs that obligations remember themselves joined to: of the versions of a route, or of a few routes
)

// Filter keeps those items of a list that meet all conditions.
type Filter struct {
	List   string // a pointer, "" for a message that is a list
	Equals []Condition
}

// Condition says what a member of an item must be equal to.
type Condition struct {
	Member string          // a name or, where it begins with a slash, a pointer from the item
	Value  json.RawMessage // a string, number, boolean or null
}

// Obligations are what a caller does not see of messages. They speak of the newest shape, and are carried out on the way
// down, in one pass with the changes to an older one. They are immutable and serve many messages at once.
//
// Where they lead is as strict as they are: what is not there, or is null, hides nothing, but an object where a pointer
// goes into a list, or anything else where it goes into an object, is an error. It might have held what was to be
// hidden.
type Obligations struct {
	hides  []hide
	alone  *Program
	digest string
	mu     sync.Mutex
	paired []pair // at most maxPaired, the latest last
}

// hide is what is done at one place.
type hide struct {
	way        []string // item for each item of a list
	act        act
	conditions []condition // for each item at way
}

type condition struct {
	way []string
	key string // jsonspan.AppendScalar of the value

	written string // the value as the policy has it
}

// act is what becomes of a value.
type act uint8

const (
	shown  act = iota
	veiled     // it is masked
	gone       // it is taken away
)

type pair struct{ with, joined *Program }

// NewObligations reads obligations: JSON pointers (RFC 6901) in which "*" stands for each item of a list. They are nil
// where there is nothing to hide.
func NewObligations(drop, mask []string, filters []Filter) (*Obligations, error) {
	if len(drop)+len(mask)+len(filters) == 0 {
		return nil, nil
	}
	if len(drop)+len(mask)+len(filters) > maxHides {
		return nil, fmt.Errorf("there may be at most %d pointers and filters", maxHides)
	}
	o := &Obligations{}
	for _, hidden := range [...]struct {
		pointers []string
		act      act
	}{{drop, gone}, {mask, veiled}} {
		for _, pointer := range hidden.pointers {
			way, err := parseWay(pointer)
			if err != nil {
				return nil, err
			}
			if len(way) == 0 {
				return nil, errors.New(`the pointer "" is the whole answer, which is denied rather than hidden`)
			}
			o.hides = append(o.hides, hide{way: way, act: hidden.act})
		}
	}
	for i := range filters {
		h, err := filters[i].hide()
		if err != nil {
			return nil, err
		}
		o.hides = append(o.hides, h)
	}
	var err error
	if o.alone, err = o.join(&Program{places: make([]*place, 1)}); err != nil {
		return nil, err
	}
	o.digest = digest(o.hides)
	return o, nil
}

func (f *Filter) hide() (hide, error) {
	way, err := parseWay(f.List)
	if err != nil {
		return hide{}, err
	}
	if len(f.Equals) == 0 || len(f.Equals) > maxConditions {
		return hide{}, fmt.Errorf("the filter of %q has %d conditions; it may have 1 to %d", f.List, len(f.Equals), maxConditions)
	}
	h := hide{way: append(way, item)}
	if len(h.way) > maxPath {
		return hide{}, errDeep
	}
	for _, c := range f.Equals {
		at := []string{c.Member}
		if strings.HasPrefix(c.Member, "/") {
			if at, err = parseWay(c.Member); err != nil {
				return hide{}, err
			}
		}
		switch {
		case slices.Contains(at, item) || len(c.Member) > maxPointer:
			return hide{}, fmt.Errorf("a filter compares a member of the items of %q, by its name or a pointer without *", f.List)
		case len(c.Value) == 0 || len(c.Value) > maxCondition || c.Value[0] == '{' || c.Value[0] == '[':
			return hide{}, fmt.Errorf("a filter compares with a string, number, boolean or null of at most %d bytes", maxCondition)
		}
		h.conditions = append(h.conditions, condition{at, scalar(c.Value), string(c.Value)})
	}
	return h, nil
}

var errDeep = fmt.Errorf("a pointer may have at most %d steps", maxPath)

// parseWay splits a pointer into names and items.
func parseWay(pointer string) ([]string, error) {
	if pointer == "" {
		return nil, nil
	}
	if len(pointer) > maxPointer {
		return nil, fmt.Errorf("a pointer may have at most %d bytes", maxPointer)
	}
	if pointer[0] != '/' {
		return nil, fmt.Errorf("%.40q is no JSON pointer: it does not begin with a slash", pointer)
	}
	way := strings.Split(pointer[1:], "/")
	if len(way) > maxPath {
		return nil, errDeep
	}
	for i, token := range way {
		switch {
		case token == "":
			return nil, fmt.Errorf("%.40q has an empty name, which no pointer of an obligation may have", pointer)
		case token == "*":
			way[i] = item
			continue
		}
		for k := range len(token) {
			if token[k] == '~' && (k+1 == len(token) || token[k+1] != '0' && token[k+1] != '1') {
				return nil, fmt.Errorf("%.40q has a ~ that is followed by neither 0 nor 1 (RFC 6901, section 3)", pointer)
			}
		}
		way[i] = unescape.Replace(token)
	}
	return way, nil
}

var unescape = strings.NewReplacer("~1", "/", "~0", "~")

// digest is the same for obligations that hide the same, whatever order they are written in, and tells nothing of them.
func digest(hides []hide) string {
	lines := make([]string, len(hides))
	for i, h := range hides {
		conditions := make([]string, len(h.conditions))
		for k, c := range h.conditions {
			conditions[k] = fmt.Sprintf("%q %q", c.way, c.key)
		}
		slices.Sort(conditions)
		lines[i] = fmt.Sprintf("%d %q %q", h.act, h.way, conditions)
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(slices.Compact(lines), "\n")))
	return hex.EncodeToString(sum[:digestBytes])
}

// digestBytes is how much of a hash tells obligations apart: so few meet at one resource that 64 bits are plenty.
const digestBytes = 8

// Digest names what is hidden, in 16 hexadecimal digits.
func (o *Obligations) Digest() string { return o.digest }

// Local says that messages without changes can be carried as they arrive: see Program.Local.
func (o *Obligations) Local() bool { return o.alone.Local() }

// On gives what is done to messages that p, nil for nothing, changes as well: a program whose way down hides what is to
// be hidden. Its way up is that of p. The error says that p takes for an object what the obligations take for a list, or
// the other way round.
func (o *Obligations) On(p *Program) (*Program, error) {
	if p == nil || p.root == nil {
		return o.alone, nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, known := range o.paired {
		if known.with == p {
			return known.joined, nil
		}
	}
	joined, err := o.join(p)
	if err != nil {
		return nil, err
	}
	if len(o.paired) == maxPaired {
		o.paired = slices.Delete(o.paired, 0, 1)
	}
	o.paired = append(o.paired, pair{p, joined})
	return joined, nil
}

// pointerOf is a way as it was written.
func pointerOf(way []string) string {
	var b strings.Builder
	for _, token := range way {
		if token == item {
			token = "*"
		} else {
			token = jsonspan.Escape(token)
		}
		b.WriteString("/" + token)
	}
	return b.String()
}
