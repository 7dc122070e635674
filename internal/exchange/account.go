package exchange

import "github.com/wicketgate/wicketgate/internal/problem"

// Account is what the stages tell of a request's way, for who asked to have it explained. Every request that is served
// has none: a nil Account keeps nothing, and costs nothing.
type Account struct {
	Steps []Step
	open  bool // the last step goes on
}

// Step is what a stage did with the request, or with its answer.
type Step struct {
	Stage   string
	Back    bool             // on the way back
	Problem *problem.Problem // that ended the way here; nil for none
	Notes   []any            // each of a type of the stage's own, that tells itself as JSON
}

// maxSteps bounds the steps that are kept: more than the stages of a route have both ways. The last is what comes after.
const maxSteps = 64

// maxNotes bounds what is kept of a step: 200 notes.
const maxNotes = 200

// Begin says that a stage begins.
func (a *Account) Begin(stage string, back bool) {
	if a == nil {
		return
	}
	if len(a.Steps) == maxSteps {
		a.Steps = a.Steps[:maxSteps-1]
	}
	a.Steps = append(a.Steps, Step{Stage: stage, Back: back})
	a.open = true
}

// End says that the stage has ended, and by which problem; nil where the request goes on.
func (a *Account) End(p *problem.Problem) {
	if a == nil || !a.open {
		return
	}
	a.Steps[len(a.Steps)-1].Problem, a.open = p, false
}

// Note keeps what the stage that is under way tells.
func (a *Account) Note(note any) {
	if a == nil || !a.open {
		return
	}
	if last := &a.Steps[len(a.Steps)-1]; len(last.Notes) < maxNotes {
		last.Notes = append(last.Notes, note)
	}
}
