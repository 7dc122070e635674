package faults

import (
	"slices"
	"time"
)

// sampled is what a gateway held at a moment of the soak.
type sampled struct {
	heap, resident    int64
	goroutines, files int
}

type samples []sampled

// sample looks at the gateway again and again, for as long as the soak lasts.
func (s *soaked) sample(took time.Duration) samples {
	const many = 30
	var all samples
	for range many {
		s.pause(took / many)
		heap, _ := s.gw.Heap()
		all = append(all, sampled{heap, s.gw.Resident(), s.gw.Goroutines(), s.gw.Files()})
	}
	return all
}

// What memory may grow by from the second sixth of the soak to the last third: the larger of a part and of so many bytes, for what
// is still being filled, such as what is remembered for minutes, is bounded and does not go on.
const (
	growsPart  = 4 // a quarter
	growsHeap  = 12 << 20
	growsTotal = 48 << 20
)

// flat looks whether the gateway holds at the end what it held soon after the beginning.
func (all samples) flat(c *check) {
	c.Helper()
	early, late := all[len(all)/6:len(all)/3], all[len(all)*2/3:]
	median := func(part samples, of func(sampled) int64) int64 {
		var values []int64
		for _, one := range part {
			values = append(values, of(one))
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	for _, one := range []struct {
		what string
		of   func(sampled) int64
		may  int64
	}{
		{"heap", func(s sampled) int64 { return s.heap }, growsHeap},
		{"resident memory", func(s sampled) int64 { return s.resident }, growsTotal},
		{"goroutines", func(s sampled) int64 { return int64(s.goroutines) }, 40},
		{"files", func(s sampled) int64 { return int64(s.files) }, 40},
	} {
		first, last := median(early, one.of), median(late, one.of)
		c.Logf("%s: %d early, %d late", one.what, first, last)
		if first < 0 || last > first+max(first/growsPart, one.may) {
			c.Errorf("%s grew from %d to %d", one.what, first, last)
		}
	}
}
