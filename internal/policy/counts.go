package policy

import "sync/atomic"

// Bypass is why a decision was evaluated though there is a cache.
type Bypass int

// The reasons, in the order in which they are looked for.
const (
	BypassOff        Bypass = iota // the operator wants no cache, or it turned itself off
	BypassImpure                   // the policy calls what may answer differently each time
	BypassBody                     // it sees the body
	BypassWholeInput               // it sees all of input
	BypassTooLarge                 // what it sees, or what it said, is too large to remember
	BypassUndefined                // it said nothing
	BypassError                    // it failed, or was called off

	bypasses
)

// String is the reason as a metric's label.
func (b Bypass) String() string {
	return [bypasses]string{"off", "impure", "body", "whole_input", "too_large", "undefined", "error"}[b]
}

// Bypasses are all reasons.
func Bypasses() []Bypass {
	all := make([]Bypass, bypasses)
	for i := range all {
		all[i] = Bypass(i)
	}
	return all
}

// Counts count decisions. Snapshots that follow each other may share them.
type Counts struct {
	hits, evaluations, disagreements atomic.Uint64
	bypassed                         [bypasses]atomic.Uint64
}

// Hits is how many decisions were remembered from an equal request.
func (c *Counts) Hits() uint64 { return c.hits.Load() }

// Evaluations is how many were evaluated, those that only checked a remembered one among them.
func (c *Counts) Evaluations() uint64 { return c.evaluations.Load() }

// Disagreements is how many remembered decisions turned out others when they were evaluated again.
func (c *Counts) Disagreements() uint64 { return c.disagreements.Load() }

// Bypassed is how many were evaluated and not remembered, for a reason.
func (c *Counts) Bypassed(b Bypass) uint64 { return c.bypassed[b].Load() }
