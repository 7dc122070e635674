package limit

import "slices"

// taking is one Take of a Memory.
type taking struct {
	m       *Memory
	charges []Charge
	at      int64
	keys    [maxLimits]digest // of the charges
	slots   [maxLimits]*slot  // theirs, locked; nil for a key not met before
}

// lock locks the slots of all keys. Where all must be there and one is not, it locks none and says so.
//
// It waits only while it holds nothing: for the first of them, and where another is busy for that one the next time. So no
// two requests wait for each other, in whatever order they name their keys.
func (t *taking) lock(all bool) bool {
	for first := 0; ; {
		busy := -1
		for n := range t.charges {
			i := first + n
			if i >= len(t.charges) {
				i -= len(t.charges)
			}
			key := t.keys[i]
			sl, no := t.m.tables[key.where&t.m.mask].Load().find(key, n == 0)
			if no {
				busy = i
				break
			}
			if sl == nil && all {
				t.unlock()
				return false
			}
			t.slots[i] = sl
		}
		if busy < 0 {
			return true
		}
		t.unlock()
		first = busy
	}
}

func (t *taking) unlock() {
	for i := range t.charges {
		if sl := t.slots[i]; sl != nil {
			t.slots[i] = nil
			sl.mu.Unlock()
		}
	}
}

// admits says whether the charges fit, and marks their keys as used: one that is refused is not idle.
func (t *taking) admits() bool {
	ok := true
	for i := range t.charges {
		sl := t.slots[i]
		if sl == nil {
			continue // all its buckets are full and none of its places is taken
		}
		c := &t.charges[i]
		sl.since = stamp(t.at)
		for j, r := range c.Rates {
			ok = ok && r.wait(r.credit(sl.tat[j], t.at), c.Cost) == 0
		}
		ok = ok && (c.AtOnce == 0 || int64(sl.held) < c.AtOnce)
	}
	return ok
}

// settle charges the costs and gives the places, if the request is admitted, and tells where its keys stand.
func (t *taking) settle(ok bool, states []State) {
	k := 0
	for i := range t.charges {
		c, sl := &t.charges[i], t.slots[i]
		for j, r := range c.Rates {
			tat := t.at
			if sl != nil {
				tat = sl.tat[j]
			}
			credit := r.credit(tat, t.at)
			state := &states[k]
			k++
			if ok {
				if credit -= c.Cost * int64(r.Interval); sl != nil {
					sl.tat[j] = r.tat(credit, t.at)
				}
				state.set(r, credit)
			} else {
				state.set(r, credit)
				state.Wait = r.wait(credit, c.Cost)
				state.Refused = state.Wait > 0
			}
		}
		if c.AtOnce > 0 {
			states[k] = t.place(i, ok)
			k++
		}
	}
}

// place gives a charge its place, if the request is admitted, and tells how many are left.
func (t *taking) place(i int, ok bool) State {
	c, sl := &t.charges[i], t.slots[i]
	if sl == nil { // and not admitted, or it would have one
		return State{Remaining: c.AtOnce}
	}
	if ok {
		if sl.held++; sl.held == 1 {
			t.m.shards[t.keys[i].where&t.m.mask].held.Add(1)
		}
		c.Place = 1 // of a key's places none is another than the others
	}
	left := max(0, c.AtOnce-int64(sl.held))
	return State{Remaining: left, Refused: !ok && left == 0}
}

// meet takes where some keys may not have been met before. The locks of their shards keep others from adding the same ones.
func (t *taking) meet(states []State) bool {
	var all [maxLimits]uint64
	for i := range t.charges {
		all[i] = t.keys[i].where & t.m.mask
	}
	// In ascending order, each once, so that two requests cannot wait for each other. Who holds slots waits for no shard.
	shards := all[:len(t.charges)]
	slices.Sort(shards)
	shards = slices.Compact(shards)
	for _, n := range shards {
		s := &t.m.shards[n]
		s.mu.Lock()
		s.reserve(len(t.charges), t.at)
	}
	t.lock(false)
	t.at = t.m.instant(t.at)
	ok := t.admits()
	if ok {
		for i := range t.charges {
			if c := &t.charges[i]; t.slots[i] == nil && (c.Cost > 0 || c.AtOnce > 0) {
				t.slots[i] = t.m.shards[t.keys[i].where&t.m.mask].add(t.keys[i], t.at)
			}
		}
	}
	t.settle(ok, states)
	t.unlock()
	for _, n := range shards {
		t.m.shards[n].mu.Unlock()
	}
	return ok
}
