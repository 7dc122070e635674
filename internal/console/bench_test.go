package console

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"time"
)

// BenchmarkRecord is what a console costs each request.
func BenchmarkRecord(b *testing.B) {
	l := New(slog.New(slog.DiscardHandler))
	l.Traffic.Know([]Key{{"orders", "v1"}, {"orders", "v2"}})
	c := Call{Key: Key{"orders", "v2"}, Status: 200, Took: 300 * time.Microsecond}
	b.ReportAllocs()
	for b.Loop() {
		l.Traffic.Record(&c)
	}
}

// BenchmarkTick is what a second costs a gateway with as many versions as are told apart, all of them called, while as many
// watch as may: 1 ms of each second is 0.1 % of a core.
func BenchmarkTick(b *testing.B) {
	l := New(slog.New(slog.DiscardHandler))
	var keys []Key
	for i := range maxKeys {
		keys = append(keys, Key{fmt.Sprint("api", i), "v1"})
	}
	l.Traffic.Know(keys)
	for range MaxViewers {
		l.Traffic.View()
	}
	at := time.Unix(0, 0)
	b.ReportAllocs()
	for b.Loop() {
		for _, k := range keys {
			l.Traffic.Record(&Call{Key: k, Status: 200, Took: time.Millisecond})
		}
		at = at.Add(time.Second)
		l.Traffic.tick(at)
	}
}

// BenchmarkHistory is what the page costs that is opened.
func BenchmarkHistory(b *testing.B) {
	l := New(slog.New(slog.DiscardHandler))
	var keys []Key
	for i := range maxKeys {
		keys = append(keys, Key{fmt.Sprint("api", i), "v1"})
	}
	l.Traffic.Know(keys)
	for i := range 3600 {
		for _, k := range keys {
			l.Traffic.Record(&Call{Key: k, Status: 200, Took: time.Millisecond})
		}
		l.Traffic.tick(time.Unix(int64(i), 0))
	}
	b.ReportAllocs()
	for b.Loop() {
		text, err := json.Marshal(l.Traffic.History(nil))
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(text)))
	}
}
