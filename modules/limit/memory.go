// Package limit faces Caddy for the limit stage: the directive api_limit, and what counts.
package limit

import (
	"fmt"
	"strconv"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/wicketgate/wicketgate/internal/limit"
	"github.com/wicketgate/wicketgate/modules/gateway"
)

func init() {
	caddy.RegisterModule(Memory{})
}

// memories holds the counters of the process, so that a reload of Caddy forgets nothing. The key is the bound on keys.
var memories = caddy.NewUsagePool()

// Memory counts in the gateway's memory. It suits one node: several nodes each admit a whole quota.
type Memory struct {
	// How many keys are counted at once; beyond them the one idle longest is forgotten. Default: 1000000.
	// Bounds: 1000 to 100000000.
	MaxKeys int `json:"max_keys,omitempty"`

	counter *limit.Memory
}

// CaddyModule returns the Caddy module information.
func (Memory) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "api_gateway.counters.memory",
		New: func() caddy.Module { return new(Memory) },
	}
}

// Provision finds the counters of an earlier configuration, or makes new ones.
func (m *Memory) Provision(ctx caddy.Context) error {
	if err := registerMemoryMetrics(ctx.GetMetricsRegistry()); err != nil {
		return err
	}
	if m.MaxKeys == 0 {
		m.MaxKeys = limit.DefaultMaxKeys
	}
	if m.MaxKeys < 1000 || m.MaxKeys > 100_000_000 {
		return fmt.Errorf("max_keys: %d is not between 1000 and 100000000", m.MaxKeys)
	}
	counter, _, err := memories.LoadOrNew(m.MaxKeys, func() (caddy.Destructor, error) {
		return pooled{limit.NewMemory(m.MaxKeys)}, nil
	})
	if err != nil {
		return err
	}
	m.counter = counter.(pooled).Memory
	return nil
}

// pooled is a counter as the pool wants it: it holds nothing but memory.
type pooled struct{ *limit.Memory }

// Destruct lets the collector have it.
func (p pooled) Destruct() error {
	forgotten.Add(p.Forgotten())
	return nil
}

// Cleanup gives the counters up, which ends them when no configuration uses them.
func (m *Memory) Cleanup() error {
	if m.counter == nil {
		return nil
	}
	_, err := memories.Delete(m.MaxKeys)
	return err
}

// Counter gives the counters.
func (m *Memory) Counter() limit.Counter { return m.counter }

// UnmarshalCaddyfile sets up the counters:
//
//	counters memory [<most keys>]
//
// The number is how many keys are counted at most, 1000 to 100000000. Default: 1000000.
func (m *Memory) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the engine's name
	if d.NextArg() {
		var err error
		if m.MaxKeys, err = strconv.Atoi(d.Val()); err != nil || m.MaxKeys < 1000 {
			return d.Errf("counters memory takes how many keys are counted at most, from 1000 on, not %q", d.Val())
		}
	}
	if d.NextArg() || d.NextBlock(0) {
		return d.ArgErr()
	}
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner     = (*Memory)(nil)
	_ caddy.CleanerUpper    = (*Memory)(nil)
	_ caddyfile.Unmarshaler = (*Memory)(nil)
	_ gateway.CounterSource = (*Memory)(nil)
)
