package exchange

import (
	"slices"
	"testing"
)

// Requests share verdicts: what one adds to a field of its answer, no other sees.
func TestAddAnswerLeavesSharedValuesAlone(t *testing.T) {
	shared := append(make([]string, 0, 8), "Origin")
	var first, second Exchange
	first.SetAnswer("Vary", shared...)
	second.SetAnswer("Vary", shared...)
	first.AddAnswer("Vary", "Accept")
	second.AddAnswer("Vary", "X-Tenant")
	if got, want := first.Answer["Vary"], []string{"Origin", "Accept"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
