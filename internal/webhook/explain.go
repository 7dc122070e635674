package webhook

import (
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// Note tells what a receiver made of a call, for an explanation.
type Note struct {
	Webhook string   `json:"webhook"`
	Vouched bool     `json:"vouched,omitempty"` // who asks says that the sender signed it; no signature was looked at
	Forged  string   `json:"forged,omitempty"`  // why it is not known to be the sender's
	Event   string   `json:"event,omitempty"`   // by what name it is kept
	Kind    string   `json:"kind,omitempty"`
	Only    []string `json:"only,omitempty"`  // the kinds that are delivered
	Order   string   `json:"order,omitempty"` // events for which this is the same are delivered one after the other
	Became  Received `json:"became,omitempty"`
}

// explained is Receive for a request that is explained.
func (r *Receiver) explained(x *exchange.Exchange) (Received, string, *problem.Problem) {
	n := &Note{Webhook: r.Name, Vouched: r.Signed != nil && r.Signed(x.Context)}
	what, answer, prob := r.receive(x, n)
	n.Became = what
	x.Account.Note(*n)
	return what, answer, prob
}

// forged notes why a call is not known to be the sender's.
func (n *Note) forged(err error) {
	if n != nil {
		n.Forged = err.Error()
	}
}

// kind notes an event's kind, and which are delivered.
func (n *Note) kind(kind string, only []string) {
	if n != nil {
		n.Kind, n.Only = kind, only
	}
}

// stored notes by what name an event is kept, and in which order.
func (n *Note) stored(id, key string) {
	if n != nil {
		n.Event, n.Order = id, key
	}
}
