package schema

import (
	"bytes"
	"hash/maphash"
	"math/bits"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// items holds the array at i against a in one pass over its items, and a second one where they must differ.
func (e *evaluator) items(a *array, i int, evaluated region) (end int, ok bool) {
	ok = true
	contained := 0
	var others *sink // what all items that are not contained say
	if e.sink != nil && a.contains != nil {
		others = newSink(len(e.way))
	}
	c, count := e.open(i), 0
	for e.next(&c) {
		if e.sink != nil {
			e.way = append(e.way, itoa(count))
		}
		end, good := e.item(a, count, c.Value, evaluated)
		if a.contains != nil && (good || e.sink != nil) {
			matched, wrong := e.attempt(a.contains, c.Value, none)
			if matched {
				contained++
				if evaluated.wanted() {
					e.set(evaluated, count)
				}
			} else if wrong != nil {
				others.inherit(wrong)
			}
		}
		if e.sink != nil {
			e.way = e.way[:len(e.way)-1]
		}
		if ok = ok && good; !ok && e.sink == nil {
			return 0, false
		}
		if end == 0 {
			end = e.skip(c.Value)
		}
		c.At = end
		count++
	}
	if e.breaks(&c) || e.spent {
		return 0, false
	}
	if count < a.min {
		ok = e.refuse("minItems", about{n: a.min})
	}
	if a.max >= 0 && count > a.max {
		ok = e.refuse("maxItems", about{n: a.max})
	}
	if a.contains != nil && !e.contains(a, contained, others) {
		ok = false
	}
	if a.unique && count > 1 && (ok || e.sink != nil) && !e.unique(i, count) {
		ok = false
	}
	return c.At, ok && !e.spent && !e.broken
}

// item holds the item at i, the k-th, against what a says of it.
func (e *evaluator) item(a *array, k, i int, evaluated region) (end int, ok bool) {
	n := a.items
	if k < len(a.prefix) {
		n = a.prefix[k]
	}
	if n == nil {
		return 0, true
	}
	if evaluated.wanted() {
		e.set(evaluated, k)
	}
	return e.eval(n, i, none)
}

func (e *evaluator) contains(a *array, contained int, others *sink) bool {
	ok := true
	switch {
	case a.minContains >= 0 && contained < a.minContains:
		ok = e.refuse("minContains", about{n: a.minContains})
	case a.minContains < 0 && contained == 0:
		ok = e.refuse("contains", about{})
	}
	if !ok && e.sink != nil {
		e.sink.inherit(others)
	}
	if a.maxContains >= 0 && contained > a.maxContains {
		ok = e.refuse("maxContains", about{n: a.maxContains})
	}
	return ok
}

// hashSeed is one that nobody outside can know, so that no choice of items makes their comparison slow.
var hashSeed = maphash.MakeSeed()

// unique says whether no two items of the array at i are equal. Each is hashed, with those of equal value alike, so that
// it takes time linear in the length of the array.
func (e *evaluator) unique(i, count int) bool {
	size := 1 << bits.Len(uint(2*count))
	if cap(e.table) < size {
		e.table = make([]uint32, size)
	}
	table := e.table[:size]
	clear(table)
	if !e.spend(size / 8) {
		return false
	}
	e.hashes, e.starts = e.hashes[:0], e.starts[:0]
	c := e.open(i)
	for e.next(&c) {
		hash, end := e.hash(c.Value)
		if end < 0 {
			return false
		}
		c.At = end
		for slot := hash; ; slot++ {
			at := &table[slot&uint64(size-1)]
			if *at == 0 {
				e.hashes, e.starts = append(e.hashes, hash), append(e.starts, uint32(c.Value))
				*at = uint32(len(e.hashes))
				break
			}
			if k := *at - 1; e.hashes[k] == hash && e.same(int(e.starts[k]), c.Value) {
				return e.refuse("uniqueItems", about{n: int(k), second: len(e.hashes)})
			}
			if e.spent {
				return false
			}
		}
	}
	return !e.breaks(&c) && !e.spent
}

// Where the hashes of arrays and objects begin.
var arrayHash, objectHash = maphash.String(hashSeed, "["), maphash.String(hashSeed, "{")

// mix makes one hash of two, and another one of the same two the other way round.
func mix(a, b uint64) uint64 {
	high, low := bits.Mul64(a^arrayHash, b|1)
	return high ^ low ^ bits.RotateLeft64(b, 29)
}

// hash gives the hash of the value at i, and its end; -1 where there are too few steps or there is no value.
func (e *evaluator) hash(i int) (h uint64, end int) {
	if !e.spend(1) || !e.enter() {
		return 0, -1
	}
	defer e.leave()
	switch e.first(i) {
	case '[':
		h = arrayHash
		c := e.open(i)
		for e.next(&c) {
			var item uint64
			if item, c.At = e.hash(c.Value); c.At < 0 {
				return 0, -1
			}
			h = mix(h, item)
		}
		if e.breaks(&c) || e.spent {
			return 0, -1
		}
		return h, c.At
	case '{':
		h = objectHash
		c := e.open(i)
		for e.next(&c) {
			name := maphash.Bytes(hashSeed, e.name(&c))
			var member uint64
			if member, c.At = e.hash(c.Value); c.At < 0 {
				return 0, -1
			}
			h += mix(name, member) // in whatever order
		}
		if e.breaks(&c) || e.spent {
			return 0, -1
		}
		return h, c.At
	}
	raw, end := e.raw(i)
	if end < 0 {
		return 0, -1
	}
	e.text = jsonspan.AppendScalar(e.text[:0], raw)
	return maphash.Bytes(hashSeed, e.text), end
}

// same says whether the values at i and j are equal.
func (e *evaluator) same(i, j int) bool {
	if !e.spend(1) || !e.enter() {
		return false
	}
	defer e.leave()
	if is := typeOf[e.first(i)]; is == 0 || is != typeOf[e.first(j)] {
		return false
	}
	switch e.first(i) {
	case '[':
		a, b := e.open(i), e.open(j)
		for e.next(&a) {
			if !e.next(&b) || !e.same(a.Value, b.Value) {
				return false
			}
			a.At, b.At = e.skip(a.Value), e.skip(b.Value)
		}
		return !e.next(&b) && !e.spent
	case '{':
		if e.count(i) != e.count(j) {
			return false
		}
		a := e.open(i)
		b := a
		begun := false
		for e.next(&a) {
			// Most often the members come in the same order.
			if !begun || !e.next(&b) || !e.sameName(&a, &b) {
				if b = e.find(j, &a); b.Broken {
					return false
				}
			}
			begun = true
			if !e.same(a.Value, b.Value) {
				return false
			}
			a.At, b.At = e.skip(a.Value), e.skip(b.Value)
		}
		return true
	}
	one, to := e.raw(i)
	other, end := e.raw(j)
	if to < 0 || end < 0 {
		return false
	}
	e.text = jsonspan.AppendScalar(e.text[:0], one)
	e.other = jsonspan.AppendScalar(e.other[:0], other)
	return bytes.Equal(e.text, e.other)
}

func (e *evaluator) sameName(a, b *jsonspan.Cursor) bool {
	if !a.Escaped && !b.Escaped {
		return bytes.Equal(e.doc[a.Name:a.NameEnd], e.doc[b.Name:b.NameEnd])
	}
	e.text = jsonspan.AppendText(e.text[:0], e.doc[a.Name:a.NameEnd])
	e.other = jsonspan.AppendText(e.other[:0], e.doc[b.Name:b.NameEnd])
	return bytes.Equal(e.text, e.other)
}

// find finds the member of the object at i that has the name of the one that a found; it is broken if there is none.
func (e *evaluator) find(i int, a *jsonspan.Cursor) jsonspan.Cursor {
	c := e.open(i)
	for e.next(&c) {
		if e.sameName(a, &c) {
			return c
		}
		c.At = e.skip(c.Value)
	}
	c.Broken = true
	return c
}
