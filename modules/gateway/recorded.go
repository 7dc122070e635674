package gateway

import (
	"slices"

	"github.com/wicketgate/wicketgate/internal/policy"
)

// observed gives policies whose decisions are recorded, if any are.
func (a *App) observed(s *policy.Snapshot) *policy.Snapshot {
	if a.DecisionLog == nil || a.DecisionLog.Recorder() == nil {
		return s
	}
	return s.Observed(a.DecisionLog.Recorder())
}

// hide keeps credentials of what was loaded out of the record of decisions.
func (a *App) hide(l *Load) {
	if a.DecisionLog != nil && a.DecisionLog.Recorder() != nil {
		a.DecisionLog.Recorder().Hide(slices.Concat(l.Credentials, l.Signed), l.Parameters)
	}
}
