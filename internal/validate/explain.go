package validate

import (
	"fmt"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/rule"
)

// Note tells how a request meets a rule, for an explanation.
type Note struct {
	Rule     string       `json:"rule"`
	When     string       `json:"when"`
	At       string       `json:"at"` // file:line:column
	Met      bool         `json:"met"`
	Reported bool         `json:"reported,omitempty"` // one that is not met only reports
	Wrong    string       `json:"wrong,omitempty"`    // why the rule has no result
	Values   []rule.Named `json:"values,omitempty"`
}

// note tells of a rule that was tried.
func (s *Stage) note(x *exchange.Exchange, r *Rule, met bool, err error) {
	at := r.Program.Range()
	n := Note{Rule: r.Name, When: r.Program.Text(), At: fmt.Sprintf("%s:%d:%d", at.Filename, at.Start.Line, at.Start.Column),
		Met: met, Reported: s.checks.Report != nil, Values: r.Program.Names(x)}
	if err != nil {
		n.Wrong = err.Error()
	}
	x.Account.Note(n)
}
