package histogram

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// TestPlace holds where durations are counted against what math.Frexp says of them, as client_golang does it: at all bounds, and between.
func TestPlace(t *testing.T) {
	check := func(d time.Duration) {
		t.Helper()
		fraction, exponent := math.Frexp(float64(d) / float64(time.Second))
		octave, bucket := exponent-lowest, 0
		for bucket < perOctave && math.Exp2(float64(bucket)/perOctave-1) < fraction {
			bucket++
		}
		if bucket == perOctave {
			octave, bucket = octave+1, 0
		}
		switch {
		case octave < 0:
			octave, bucket = 0, 0
		case octave >= octaves:
			octave, bucket = octaves-1, perOctave-1
		}
		if gotOctave, gotBucket := place(d); gotOctave != octave || gotBucket != bucket {
			t.Errorf("%d ns are in %d/%d, want %d/%d", d, gotOctave, gotBucket, octave, bucket)
		}
	}
	for _, bound := range bounds {
		for i := range time.Duration(3) {
			check(max(time.Duration(bound)+i-1, 1))
		}
	}
	for power := range 63 {
		for i := range time.Duration(3) {
			check(max(time.Duration(1)<<power+i-1, 1))
		}
	}
	for range 1_000_000 {
		check(1 + time.Duration(rand.Uint64()>>1>>rand.IntN(63)))
	}
	check(math.MaxInt64)
}
