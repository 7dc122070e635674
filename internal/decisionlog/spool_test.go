package decisionlog

import (
	"math/rand/v2"
	"testing"
)

// An event that is larger than the spool is not in the way of all that come after it.
func TestAnEventLargerThanTheSpool(t *testing.T) {
	to := &receiver{status: 503}
	log, m, _ := uploading(t, to, func(e *Endpoint, _ *Settings) { e.ChunkSize, e.SpoolSize = 64, 128 })
	log.Start()
	large := make([]byte, 16<<10)
	for i := range large {
		large[i] = 'a' + byte(rand.IntN(26))
	}
	if !log.append(t.Context(), text(string(large))) {
		t.Fatal("refused")
	}
	await(t, "it lies in the spool", func() bool { return m.get(&m.failure) > 0 })
	to.answer(0)
	await(t, "it has arrived", func() bool { return len(to.got()) == 1 })
}
