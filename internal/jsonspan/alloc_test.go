//go:build !race

// The race detector makes sync.Pool forget, so allocations are counted without it.

package jsonspan_test

import (
	"testing"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

func TestCheckAllocatesNothing(t *testing.T) {
	doc := kilobyte()
	if n := testing.AllocsPerRun(100, func() {
		if err := jsonspan.Check(doc, jsonspan.Bounds{}); err != nil {
			t.Fatal(err)
		}
	}); n >= 1 {
		t.Errorf("%v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() {
		index, err := jsonspan.Parse(doc, jsonspan.Bounds{})
		if err != nil {
			t.Fatal(err)
		}
		index.Release()
	}); n >= 1 {
		t.Errorf("%v allocations with an index", n)
	}
}
