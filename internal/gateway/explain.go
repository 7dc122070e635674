package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/exchange"
)

// ChangeNote tells what one change between versions made of a body, for an explanation.
type ChangeNote struct {
	Change  string          `json:"change"`
	Summary string          `json:"summary,omitempty"`
	At      string          `json:"at"` // file:line
	Before  json.RawMessage `json:"before"`
	After   json.RawMessage `json:"after"`
}

// QueryNote tells what changes made of a query, for an explanation.
type QueryNote struct {
	Before string `json:"query_before"`
	After  string `json:"query_after"`
}

// each is the changes of a way one by one, which the programs that serve have joined into one.
type each struct {
	chain            []*change.Change          // oldest first
	objects          map[string]*change.Object // after all of them
	accepts, returns []change.Held
}

// visible is an answer's body without what a policy hides of it, which is carried out in one pass with the changes;
// nothing where that cannot be.
func visible(r *exchange.Response) []byte {
	if r.Obliged == nil {
		return r.Bytes
	}
	doc := r.Bytes
	for _, s := range r.Obliged.Steps() {
		hidden, err := s.Hide(doc)
		if err != nil {
			return nil
		}
		doc = hidden
	}
	return doc
}

// up tells what each change made of a request's body.
func (e *each) up(x *exchange.Exchange, doc []byte) {
	for i := range e.chain {
		doc = e.note(x, i, e.accepts, doc, (*change.Program).Up)
		if doc == nil {
			return
		}
	}
}

// down tells what each change made of an answer's body.
func (e *each) down(x *exchange.Exchange, doc []byte) {
	for i := len(e.chain) - 1; i >= 0; i-- {
		doc = e.note(x, i, e.returns, doc, (*change.Program).Down)
		if doc == nil {
			return
		}
	}
}

// note runs one change, and tells of it if it made anything else of a body. It gives nil where it does not work by
// itself.
func (e *each) note(x *exchange.Exchange, i int, held []change.Held, doc []byte, run func(*change.Program, []byte) ([]byte, error)) []byte {
	objects := maps.Clone(e.objects)
	for name, o := range objects {
		objects[name] = o.Before(e.chain[i+1:])
	}
	c := e.chain[i]
	program, diags := change.Compile(e.chain[i:i+1], objects, held)
	if diags.HasErrors() {
		return nil
	}
	after, err := run(program, doc)
	if err != nil {
		return nil
	}
	if !bytes.Equal(doc, after) {
		x.Account.Note(ChangeNote{Change: c.Name, Summary: c.Summary, At: fmt.Sprintf("%s:%d", c.Range.Filename, c.Range.Start.Line),
			Before: bytes.Clone(doc), After: bytes.Clone(after)})
	}
	return after
}
