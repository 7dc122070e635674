package gateway

import "github.com/wicketgate/wicketgate/internal/policy"

// observed gives policies whose decisions are recorded, if any are.
func (a *App) observed(s *policy.Snapshot) *policy.Snapshot {
	if a.DecisionLog == nil || a.DecisionLog.Recorder() == nil {
		return s
	}
	return s.Observed(a.DecisionLog.Recorder())
}
