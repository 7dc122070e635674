package limit

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/wicketgate/wicketgate/internal/limit/shared"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A configuration that is started and given up again, for another part of it failed, leaves the metrics to the one before.
func TestMetricsOfTheConfigurationThatServes(t *testing.T) {
	engine := func(nodes int) *Redis { // of a pool so large that the client does not yet wait for a server that refuses all of it
		c, err := shared.New(shared.Config{Server: shared.Server{Address: "127.0.0.1:1", PoolSize: 1000}, Prefix: "p", Nodes: nodes})
		if err != nil {
			t.Fatal(err)
		}
		return &Redis{counter: c, logger: zap.NewNop()}
	}
	told := func() int {
		registry := prometheus.NewRegistry()
		registry.MustRegister(redisMetrics[0])
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() == "caddy_api_gateway_counters_gateways" {
				return int(f.GetMetric()[0].GetGauge().GetValue())
			}
		}
		return 0
	}
	serving, failing, next := engine(2), engine(3), engine(4)
	for i, step := range []struct {
		do   func()
		want int // gateways, by which they are told apart; 0 for nothing
	}{
		{func() {}, 0},
		{serving.Start, 2},
		{failing.Start, 3},
		{func() { connected{failing.counter}.Destruct() }, 2},
		{next.Start, 4},
		{func() { connected{serving.counter}.Destruct() }, 4},
		{next.Start, 4},
		{func() { connected{next.counter}.Destruct() }, 0},
	} {
		if step.do(); told() != step.want {
			t.Errorf("step %d: %d gateways are told of, want %d", i, told(), step.want)
		}
	}
}
