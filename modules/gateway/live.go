package gateway

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/internal/status"
	"github.com/wicketgate/wicketgate/internal/usage"
)

// LivePolicySource is a source that finds new policies by itself, rather than in files that the app watches.
type LivePolicySource interface {
	// Load gives the policies there are when a configuration is provisioned, without asking anybody.
	PolicySource

	// Start begins to look for new policies. Each time there are, it calls take, which loads everything with them and
	// swaps it in, or changes nothing and says why.
	Start(take func(*policy.Snapshot) error) error

	// Stop ends that: take is not called any more.
	Stop()

	// Status is what the status says of the source.
	Status() *status.Policies
}

// LiveCounterSource is a source of counters that reach over the network. What it starts ends when the last configuration
// that uses it is cleaned up.
type LiveCounterSource interface {
	// Counter gives the counters, without asking anybody.
	CounterSource

	// Start begins to reach for them, and does not block. It is called again when another configuration of Caddy that
	// uses the same begins to serve.
	Start()

	// Status is what the status says of the counters.
	Status() *status.Counters
}

// SharedCounterSource is one whose counters are also a board for usage.
type SharedCounterSource interface {
	CounterSource

	// Board gives the board, which works until let is called, and so longer than the source.
	Board() (b usage.Board, let func())
}

// take loads everything with new policies.
func (a *App) take(next *policy.Snapshot) error {
	a.loading.Lock()
	defer a.loading.Unlock()
	a.offered = next
	defer func() { a.offered = nil }()
	return a.load()
}

// loadPolicies reads the policies. Those of a live source stay what they are until it has others: only take, which
// knows whether they were taken, changes them.
func (a *App) loadPolicies() (snapshot *policy.Snapshot, files []string, sources map[string][]byte, diags hcl.Diagnostics) {
	if _, live := a.policies.(LivePolicySource); live {
		if a.offered != nil {
			return a.offered, nil, nil, nil
		}
		if given := a.given.Load(); given != nil {
			return given, nil, nil, nil
		}
	}
	return a.policies.Load(a.ctx)
}
