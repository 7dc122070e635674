package gateway

import (
	"log/slog"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/usage"
)

// BenchmarkUsage is all that it costs a request to be counted for who calls what: once it is answered, and nowhere else.
func BenchmarkUsage(b *testing.B) {
	keeper := usage.NewKeeper(b.TempDir(), slog.New(slog.DiscardHandler))
	g := &generation{usage: &usageKeeper{Keeper: keeper}}
	s := &served{Exchange: exchange.Exchange{API: "orders", Version: "v1", Selected: "path", Consumer: &exchange.Consumer{ID: "acme"}, Time: time.Now()}}
	s.Times.Begin()
	s.to(nil)
	s.answer.Status, s.answer.Bytes = 200, 1024
	for range 1000 { // each shard knows the consumer
		g.called(s, nil)
	}
	b.ReportAllocs()
	for b.Loop() {
		g.called(s, nil)
	}
}
