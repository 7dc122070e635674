package policy

import (
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/wicketgate/wicketgate/internal/problem"
)

// Waiting gives a snapshot for a gateway that has no policies yet: whatever is asked, the answer is 503 until it is
// replaced. Nobody is let in meanwhile.
func Waiting(ctx context.Context, opts Options) (*Snapshot, hcl.Diagnostics) {
	opts, diags := opts.checked()
	if diags.HasErrors() {
		return nil, diags
	}
	f := &folders{sources: sources{}, modules: map[string]*ast.Module{}}
	s, diags := f.snapshot(ctx, "", "", opts, diags)
	if s != nil {
		s.waiting = noneYet
	}
	return s, diags
}

// noneYet is what a snapshot waits for that decides nothing.
const noneYet = "there are no policies yet"

// Waits says whether these are no policies, so that every decision is 503.
func (s *Snapshot) Waits() bool { return s.waiting == noneYet }

// Unconfirmed gives the same policies, of which nobody knows whether there are newer ones: a query that they do not
// define is no mistake, but answers 503, since the newer ones may well define it.
func (s *Snapshot) Unconfirmed() *Snapshot {
	unconfirmed := *s
	unconfirmed.waiting = "its policy is not there yet"
	return &unconfirmed
}

// Confirmed gives the same policies, known to be the newest: a query that they do not define is a mistake.
func (s *Snapshot) Confirmed() *Snapshot {
	confirmed := *s
	confirmed.waiting = ""
	return &confirmed
}

// Observed gives the same policies, whose decisions more observers are told of.
func (s *Snapshot) Observed(observers ...Observer) *Snapshot {
	observed := *s
	observed.observers = slices.Concat(s.observers, observers)
	return &observed
}

// retryAfter is when a caller may ask again who came before the policies, in seconds. Bundles are looked for more often.
const retryAfter = "10"

// notReady is what a caller is told who came before the policies.
func (q *Query) notReady() *problem.Problem {
	return problem.New(problem.NotReady, "").WithHeader("Retry-After", retryAfter).
		Because(fmt.Errorf("deciding by %s: %s", q.name, q.snapshot.waiting))
}
