package shared

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wicketgate/wicketgate/internal/limit"
	"github.com/wicketgate/wicketgate/internal/limit/limittest"
	"github.com/wicketgate/wicketgate/internal/limit/redistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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
