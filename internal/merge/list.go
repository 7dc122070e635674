package merge

import "github.com/wicketgate/wicketgate/internal/jsonspan"

// list writes the merged list. Which item of mine is which of base is told, in this order,
//
//  1. by their being equal, those before and behind all changes first;
//  2. by what names the rest: the member id or, without it, the plain member by which the most are found again, of
//     those that all have and that differ in all of each list;
//  3. by their order, where nothing named id tells them apart and as many are left of both.
//
// An item that is found is merged with what the caller did not see of it; any other item of mine is new, and any other
// of base is taken away, with all that was in it. So a caller who, at once, changes all that names an item and the
// number of items loses what is hidden in that item, unless items have an id.
func (m *merger) list(base, theirs, mine []byte) {
	b, t, own := items(base), items(theirs), items(mine)
	if len(b) != len(t) {
		m.out = append(m.out, mine...)
		return
	}
	found := match(b, own)
	mark := len(m.path)
	m.path = append(m.path, "/0"...) // what is done with one item is done with any
	m.out = append(m.out, '[')
	for i, item := range own {
		if i > 0 {
			m.out = append(m.out, ',')
		}
		if at := found[i]; at >= 0 {
			m.value(b[at], t[at], item)
		} else {
			m.out = append(m.out, item...)
		}
	}
	m.out = append(m.out, ']')
	m.path = m.path[:mark]
}

// match gives for each item of mine which item of base it is, -1 for none. It takes time linear in both, but for the
// names that are tried in step 2, at most maxNames.
func match(base, mine [][]byte) []int {
	p := &pairing{base: base, mine: mine, found: make([]int, len(mine)), taken: make([]bool, len(base)), left: len(base), open: len(mine)}
	for i := range p.found {
		p.found[i] = -1
	}
	p.byValue()
	if p.left > 0 && p.open > 0 && !p.byName() && p.left == p.open {
		p.byOrder()
	}
	return p.found
}

// pairing is the state of one match.
type pairing struct {
	base, mine [][]byte
	found      []int // of each item of mine
	taken      []bool
	left, open int // items of base and of mine without a counterpart
}

func (p *pairing) pair(base, mine int) {
	p.found[mine], p.taken[base] = base, true
	p.left--
	p.open--
}

// byValue pairs equal items: those before and behind all that changed, so that of items that look alike each stays the
// one it was, then the others, the first by the first.
func (p *pairing) byValue() {
	from, to, end := 0, len(p.base), len(p.mine)
	for ; from < min(to, end) && Equal(p.base[from], p.mine[from]); from++ {
		p.pair(from, from)
	}
	for ; to > from && end > from && Equal(p.base[to-1], p.mine[end-1]); to, end = to-1, end-1 {
		p.pair(to-1, end-1)
	}
	if from == to || from == end {
		return
	}
	places := make(map[uint64][]int, to-from)
	for i := from; i < to; i++ {
		h := hash(p.base[i])
		places[h] = append(places[h], i)
	}
	for k := from; k < end; k++ {
		h := hash(p.mine[k])
		if at := places[h]; len(at) > 0 && Equal(p.base[at[0]], p.mine[k]) {
			places[h] = at[1:]
			p.pair(at[0], k)
		}
	}
}

// identifier is the member that names an item wherever there is one.
const identifier = "id"

// maxNames is how many members are tried for what names an item: 16.
const maxNames = 16

// byName pairs items by what names them. It says whether that is their id, which leaves no room for guesses.
func (p *pairing) byName() bool {
	var first []byte
	for i, item := range p.base {
		if !p.taken[i] {
			first = item
			break
		}
	}
	names := []string{identifier}
	for _, text := range []bool{true, false} {
		for name, value := range jsonspan.Members(first) {
			if plain(value) && (value[0] == '"') == text && len(names) < maxNames && !jsonspan.Is(name, identifier) {
				names = append(names, jsonspan.Text(name))
			}
		}
	}
	var best [][2]int
	for i, name := range names {
		pairs, named := p.named(name)
		if i == 0 && named {
			p.all(pairs)
			return true
		}
		if len(pairs) > len(best) {
			best = pairs
		}
	}
	p.all(best)
	return false
}

func (p *pairing) all(pairs [][2]int) {
	for _, pair := range pairs {
		p.pair(pair[0], pair[1])
	}
}

// named finds the items that have the same value of a member. named says whether it tells those of base apart and any
// of mine has it. A member other than the id must also be in all of mine and tell them apart: what changes or is left
// out names nothing.
func (p *pairing) named(name string) (pairs [][2]int, named bool) {
	places := make(map[string]int, p.left)
	for i, item := range p.base {
		if p.taken[i] {
			continue
		}
		key, ok := scalar(item, name)
		if _, twice := places[key]; !ok || twice {
			return nil, false
		}
		places[key] = i
	}
	seen := make(map[string]bool, p.open)
	for k, item := range p.mine {
		if p.found[k] >= 0 {
			continue
		}
		key, ok := scalar(item, name)
		if (!ok || seen[key]) && name != identifier {
			return nil, false
		}
		named = named || ok
		if at, there := places[key]; ok && there && !seen[key] { // of two with one id the first has it
			pairs = append(pairs, [2]int{at, k})
		}
		seen[key] = true
	}
	return pairs, named
}

// scalar gives a plain member of an item in the one spelling that equal values have in common.
func scalar(item []byte, name string) (string, bool) {
	if item[0] != '{' {
		return "", false
	}
	value, ok := jsonspan.Get(item, name)
	if !ok || !plain(value) {
		return "", false
	}
	return string(jsonspan.AppendScalar(nil, value)), true
}

// plain says whether a value can name something: a text, a number or a boolean.
func plain(value []byte) bool { return value[0] != '{' && value[0] != '[' && value[0] != 'n' }

func (p *pairing) byOrder() {
	at := 0
	for k := range p.mine {
		if p.found[k] >= 0 {
			continue
		}
		for p.taken[at] {
			at++
		}
		p.pair(at, k)
	}
}
