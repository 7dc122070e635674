package limit

import (
	"hash/maphash"
	"math/bits"
)

// ID is what a limit is called where it is counted: its name and its quotas' names. It is made when a configuration loads,
// for it holds what every request would have to compute from the name.
type ID struct {
	text string
	sum  digest
}

// NewID makes the ID of a text.
func NewID(text string) ID {
	// A rotation keeps limit "a" with key "b" apart from limit "b" with key "a".
	sum := digestOf(text)
	return ID{text, digest{bits.RotateLeft64(sum.where, 17), bits.RotateLeft64(sum.rest, 17)}}
}

// String is the text.
func (id ID) String() string { return id.text }

// digest stands for a limit and a key: 128 bits of two hashes whose seeds nobody outside this process knows, so that nobody
// can make a key that shares a stranger's count.
type digest struct {
	where uint64 // chooses the shard, and where in its table the search begins
	rest  uint64
}

var seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

func digestOf(text string) digest {
	return digest{maphash.String(seeds[0], text), maphash.String(seeds[1], text)}
}

func (c *Charge) digest() digest { return digest{c.where(), c.rest()} }

func (c *Charge) where() uint64 { return maphash.String(seeds[0], c.Key) ^ c.Limit.sum.where }

func (c *Charge) rest() uint64 { return maphash.String(seeds[1], c.Key) ^ c.Limit.sum.rest }
