package rule

import (
	"strconv"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// Named is something that an expression names of a request, and its value there.
type Named struct {
	Name  string `json:"name"` // as an expression writes it: body.total
	Value any    `json:"value"`
	Wrong string `json:"wrong,omitempty"` // why there is no value
}

// Names gives all that the expression names of a request, whether or not evaluating it needs each.
func (p *Program) Names(x *exchange.Exchange) []Named {
	all := make([]Named, len(p.slots))
	for i := range p.slots {
		all[i].Name = p.slots[i].String()
		if f := p.evaluate(x, func(r *run) { all[i].Value = r.plain(r.slot(i)) }); f != nil {
			all[i].Wrong = f.Message
		}
	}
	return all
}

// Range is where the expression is written.
func (p *Program) Range() hcl.Range { return p.at.whole() }

// String is the slot as an expression writes it.
func (s *slot) String() string {
	name := s.written(len(s.path))
	switch {
	case s.fact != nil:
		name += "." + s.fact.name
	case s.name != "" && s.list:
		name += ".all"
		fallthrough
	case s.name != "":
		name += "[" + strconv.Quote(s.name) + "]"
	}
	return name
}
