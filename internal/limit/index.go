package limit

// index finds a shard's slots by their digests: a table with open addressing and linear probing, at most 3/4 full. A
// look-up reads one line of memory here and then the slot; a map of Go's reads two, and hashes the digest once more.
type index struct {
	entries []entry // a power of two of them
	used    int
}

// entry is 8 bytes.
type entry struct {
	tag  uint32 // of the digest: where the search begins, and what spares most looks at slots of others
	slot int32  // 0 for a free entry
}

func newIndex() index { return index{entries: make([]entry, 16)} }

// tag is the half of a digest that has not chosen the shard.
func (d digest) tag() uint32 { return uint32(d[1]) }

func (x *index) home(tag uint32) uint32 { return tag & x.mask() }
func (x *index) mask() uint32           { return uint32(len(x.entries) - 1) }

// find gives the slot of a digest; 0 for none.
func (x *index) find(d digest, slots []slot) int32 {
	tag, mask := d.tag(), x.mask()
	for i := tag & mask; ; i = (i + 1) & mask {
		switch e := x.entries[i]; {
		case e.slot == 0:
			return 0
		case e.tag == tag && slots[e.slot].key == d:
			return e.slot
		}
	}
}

// put adds the slot of a digest that is not there yet.
func (x *index) put(d digest, slot int32) {
	if x.used++; 4*x.used > 3*len(x.entries) {
		old := x.entries
		x.entries = make([]entry, 2*len(old))
		for _, e := range old {
			if e.slot != 0 {
				x.place(e)
			}
		}
	}
	x.place(entry{d.tag(), slot})
}

func (x *index) place(e entry) {
	mask := x.mask()
	i := x.home(e.tag)
	for x.entries[i].slot != 0 {
		i = (i + 1) & mask
	}
	x.entries[i] = e
}

// take removes a slot that is there, and moves up what stands behind it, so that no search ends in the gap.
func (x *index) take(d digest, slot int32) {
	mask := x.mask()
	i := x.home(d.tag())
	for x.entries[i].slot != slot {
		i = (i + 1) & mask
	}
	for j := (i + 1) & mask; x.entries[j].slot != 0; j = (j + 1) & mask {
		if home := x.home(x.entries[j].tag); (j-home)&mask >= (j-i)&mask {
			x.entries[i] = x.entries[j]
			i = j
		}
	}
	x.entries[i] = entry{}
	x.used--
}
