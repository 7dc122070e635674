package shared

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/wicketgate/wicketgate/internal/limit"
)

// Two scripts are all that Redis is asked. It runs a script from beginning to end before anything else, which is what makes
// a Take atomic, and knows the time, so that gateways whose clocks differ count alike.
var (
	//go:embed take.lua
	takeText string
	//go:embed keep.lua
	keepText string

	takeScript = newScript(takeText)
	keepScript = newScript(keepText)
)

// lease is how long the place of a request outlives the last word of its gateway: as long as a crashed gateway's places
// stay taken. Gateways renew theirs three times in that time.
const lease = 30 * time.Second

// maxCharges is limit's bound on the charges of a Take, which a script's cost is in proportion to.
const maxCharges = 8

// counts and places are the two kinds of keys. A key's name is made of a hash, or callers could choose names: of 128 bits of
// SHA-256, over the length of the limit's id, the id, and the key. What they hold:
//
//   - counts: of each rate the theoretical arrival time, 5 bytes of seconds since 1970 and 4 of nanoseconds. They expire a
//     second after all buckets are full again.
//   - places: a sorted set of the places in use, by when their leases end in milliseconds since 1970.
//
// All names have the prefix in braces, so that in a cluster all of them lie in one slot: a script can only reach keys of one,
// and a request's limits have keys of their own, the consumer's and the address's. That makes one node of a cluster count
// for all; what a cluster gives the counters is that another takes over when it fails. Who has more requests than one node
// counts gives groups of gateways prefixes of their own.
const (
	counts = ":q:"
	places = ":p:"
)

func (c *Counter) key(kind string, charge *limit.Charge) string {
	id, b := charge.Limit.String(), make([]byte, 0, 256)
	b = binary.AppendUvarint(b, uint64(len(id)))
	b = append(b, id...)
	b = append(b, charge.Key...)
	sum := sha256.Sum256(b)
	name := make([]byte, 0, len(c.tag)+len(kind)+22)
	name = append(name, c.tag...)
	name = append(name, kind...)
	return string(base64.RawURLEncoding.AppendEncode(name, sum[:16]))
}

// request is what a Take asks of the script: its keys, and its arguments.
type request struct {
	keys []string
	ask  []byte   // of each charge the number of rates, AtOnce, and three times a rate: see pair
	held []string // what the places asked for are called, where a charge has AtOnce
}

// pair is a time as the script reads it, seconds and nanoseconds of 4 bytes each: no time of a rate is over 136 years.
func pair(b []byte, d time.Duration) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(d/time.Second))
	return binary.LittleEndian.AppendUint32(b, uint32(d%time.Second))
}

// request makes the request for charges, and gives each charge with AtOnce the place that it asks for.
func (c *Counter) request(charges []limit.Charge) *request {
	r := &request{keys: make([]string, 0, len(charges)), ask: make([]byte, 0, 32*len(charges))}
	for i := range charges {
		charge := &charges[i]
		r.ask = append(r.ask, byte(len(charge.Rates)))
		r.ask = binary.LittleEndian.AppendUint32(r.ask, uint32(charge.AtOnce))
		if len(charge.Rates) > 0 {
			r.keys = append(r.keys, c.key(counts, charge))
		}
		for _, rate := range charge.Rates {
			full, cost := time.Duration(rate.Burst)*rate.Interval, time.Duration(charge.Cost)*rate.Interval
			r.ask = pair(pair(pair(r.ask, full), cost), full-cost)
		}
		charge.Place = 0
		if charge.AtOnce > 0 {
			n := c.placed.Add(1)
			charge.Place = limit.Place(n) | ours
			r.keys = append(r.keys, c.key(places, charge))
			r.held = append(r.held, c.member(n))
		}
	}
	return r
}

// ours marks the places that Redis gave; the others are of the counts in memory, which are used while it is away.
const ours limit.Place = 1 << 63

// member is what a place is called in Redis: the gateway and a number.
func (c *Counter) member(n uint64) string { return c.node + ":" + strconv.FormatUint(n, 36) }

var errAnswer = errors.New("the answer of Redis is not one of the script")

// answer reads what the script says: 1 or 0, of each rate how much is used as a pair, and of each charge with AtOnce how many
// places are.
func answer(text string, charges []limit.Charge, states []limit.State) (ok bool, err error) {
	b := []byte(text)
	size := 1
	for i := range charges {
		size += 8 * len(charges[i].Rates)
		if charges[i].AtOnce > 0 {
			size += 4
		}
	}
	if len(b) != size || b[0] > 1 {
		return false, errAnswer
	}
	ok, b = b[0] == 1, b[1:]
	n := 0
	for i := range charges {
		charge := &charges[i]
		for _, rate := range charge.Rates {
			used := time.Duration(binary.LittleEndian.Uint32(b))*time.Second + time.Duration(binary.LittleEndian.Uint32(b[4:]))
			states[n], b = rate.Standing(used, charge.Cost, ok), b[8:]
			n++
		}
		if charge.AtOnce > 0 {
			left := max(0, charge.AtOnce-int64(binary.LittleEndian.Uint32(b)))
			states[n], b = limit.State{Remaining: left, Refused: !ok && left == 0}, b[4:]
			n++
		}
	}
	return ok, nil
}

func check(charges []limit.Charge) error {
	if len(charges) > maxCharges {
		return fmt.Errorf("counting: more than %d limits at once", maxCharges)
	}
	for i := range charges {
		if err := charges[i].Check(); err != nil {
			return err
		}
	}
	return nil
}
