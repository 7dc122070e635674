//go:build !race

// The race detector makes sync.Pool forget, so allocations are counted without it.

package change_test

import (
	"testing"

	"github.com/wicketgate/wicketgate/internal/change"
)

// One allocation is the message that comes out; nothing grows with the number of members, items or operations.
func TestAllocations(t *testing.T) {
	for _, m := range messages {
		p := compile(t, five, objects(), m.root)
		up, err := p.Up(m.doc)
		if err != nil {
			t.Fatal(err)
		}
		for way, run := range map[string]func() error{
			"up":   func() error { _, err := p.Up(m.doc); return err },
			"down": func() error { _, err := p.Down(up); return err },
		} {
			if n := testing.AllocsPerRun(50, func() {
				if err := run(); err != nil {
					t.Fatal(err)
				}
			}); n > 2 {
				t.Errorf("%s %s: %v allocations", m.name, way, n)
			}
		}
	}
}

// Nor does it with what is hidden.
func TestAllocationsOfObligations(t *testing.T) {
	with := compile(t, five, objects(), "data[*]")
	doc, err := with.Up(orders(120))
	if err != nil {
		t.Fatal(err)
	}
	hides := obligations(t, []string{"/data/*/payment/last4"}, []string{"/data/*/customer/email"}, filter("/data", "currency", `"EUR"`))
	for name, p := range map[string]*change.Program{"alone": on1(t, hides, nil), "with a change": on1(t, hides, with)} {
		if n := testing.AllocsPerRun(50, func() {
			if _, err := p.Down(doc); err != nil {
				t.Fatal(err)
			}
		}); n > 2 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
