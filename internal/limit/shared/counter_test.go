package shared

import (
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/leaktest"
	"github.com/wicketgate/wicketgate/internal/limit"
	"github.com/wicketgate/wicketgate/internal/limit/limittest"
	"github.com/wicketgate/wicketgate/internal/limit/redistest"
)

func TestMain(m *testing.M) { leaktest.Main(m) } // go-redis looks once a second whether its client was closed

// config is that of a counter which waits for Redis as long as a slow machine may take, and counts nothing without it.
func config(address string) Config {
	return Config{Server: Server{Address: address, PoolSize: 8}, Prefix: "wicketgate", Timeout: 5 * time.Second, OnError: Deny}
}

func open(t testing.TB, c Config) *Counter {
	t.Helper()
	counter, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	counter.Start(func(change Change) { t.Logf("%+v", change) })
	t.Cleanup(func() {
		if err := counter.Close(); err != nil {
			t.Error(err)
		}
	})
	return counter
}

func TestKeepsTheContract(t *testing.T) {
	s := redistest.Start(t)
	limittest.Counter(t, func(t *testing.T) limit.Counter {
		s.CLI("FLUSHALL")
		return open(t, config(s.Address))
	})
}

// FuzzAnswer reads answers that no script of ours gives: they are an error or make sense.
func FuzzAnswer(f *testing.F) {
	rates := []limit.Rate{limit.NewRate(10, time.Second), limit.NewRate(1, 366*24*time.Hour)}
	f.Add("", uint8(1), int64(5))
	f.Add("\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07\x00\x00\x00", uint8(2), int64(5))
	f.Add("\x00\xff\xff\xff\xff\xff\xff\xff\xff", uint8(1), int64(0))
	f.Fuzz(func(t *testing.T, text string, n uint8, atOnce int64) {
		charges := []limit.Charge{{Cost: 1, Rates: rates[:n%3], AtOnce: max(atOnce, 0)}}
		got := make([]limit.State, 3)
		ok, err := answer(text, charges, got)
		for i, s := range got {
			most := charges[0].AtOnce
			if i < len(charges[0].Rates) {
				most = charges[0].Rates[i].Burst
			}
			if s.Remaining < 0 || s.Remaining > most || s.Next < 0 || s.Wait < 0 || ok && (s.Refused || err != nil) {
				t.Errorf("%v %v %+v", ok, err, s)
			}
		}
	})
}
