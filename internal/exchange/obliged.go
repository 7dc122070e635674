package exchange

import (
	"fmt"
	"io"
	"net/http"

	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// Obliged is what has to be done to the answer of a request, because a policy let it pass on that condition.
type Obliged struct {
	*change.Obligations

	by       any // the stage that sees to it
	decision string
	done     bool
}

// Oblige notes obligations of the decision in force, which the stage by sees to on the way back.
func (x *Exchange) Oblige(by any, o *change.Obligations) {
	x.obliged = append(x.obliged, &Obliged{Obligations: o, by: by, decision: x.Decision.ID()})
}

// Obliged gives what the stage by has noted; nil for nothing.
func (x *Exchange) Obliged(by any) *Obliged {
	for i := len(x.obliged) - 1; i >= 0; i-- {
		if x.obliged[i].by == by {
			return x.obliged[i]
		}
	}
	return nil
}

// Owed says whether an obligation has been noted that nobody has taken up.
func (x *Exchange) Owed() bool {
	for _, o := range x.obliged {
		if !o.done {
			return true
		}
	}
	return false
}

// Disoblige forgets all obligations: of a request of the gateway's own, whose answer no caller sees.
func (x *Exchange) Disoblige() { x.obliged = nil }

// Unfit is what takes the place of an answer whose body nobody can work on: a denial where a policy obliges, 502
// elsewhere.
func (x *Exchange) Unfit(err error) *problem.Problem {
	if len(x.obliged) > 0 {
		return x.obliged[len(x.obliged)-1].Denial(err)
	}
	return problem.New(problem.BadGateway, "").Because(err)
}

// Take says that the obligations are carried out from here on.
func (o *Obliged) Take() { o.done = true }

// Denial is the answer to a request whose obligations cannot be carried out.
func (o *Obliged) Denial(err error) *problem.Problem {
	p := problem.New(problem.Forbidden, "").Because(fmt.Errorf("carrying out what the policy obliges to: %w", err))
	p.Instance = "urn:uuid:" + o.decision
	return p
}

// Instead is what becomes of an answer on which the obligations cannot be carried out, of which nothing may be seen: a
// success is denied; a failure is told by its status alone; and a redirection keeps its fields and loses its body, for
// which the problem is nil.
func (o *Obliged) Instead(r *Response, err error) *problem.Problem {
	switch {
	case r.Status >= 400 && r.Status <= 599:
		p := o.Denial(err) // RFC 9457, section 4.2.1: no more is known than the status says
		p.Status, p.URI, p.Title = r.Status, "about:blank", http.StatusText(r.Status)
		if p.Title == "" {
			p.Title = "Failed"
		}
		for _, name := range []string{"Allow", "Www-Authenticate"} { // what such a status must say besides
			if values := r.Header[name]; values != nil {
				p.WithHeader(name, values...)
			}
		}
		return p
	case r.Status < 300 || r.Status > 399:
		return o.Denial(err)
	}
	if r.Bytes = nil; !r.Read {
		r.Replace(struct {
			io.Reader
			io.Closer
		}{http.NoBody, r.Stream})
	}
	for _, name := range []string{"Content-Type", "Content-Length", "Content-Encoding", "Content-Language"} {
		delete(r.Header, name)
	}
	return nil
}
