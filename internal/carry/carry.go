// Package carry takes answers through a program of changes: as they arrive where all there is to do lies within lists,
// otherwise whole.
package carry

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/form"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// Answer is what becomes of the answers of one way, but for what policies oblige to. It is immutable and serves many at once.
type Answer struct {
	Program *change.Program // nil for nothing
	Up      bool            // which way of the program answers go
	Mark    form.Mark       // of the form they get

	// Max bounds what is held of an answer, in bytes: the whole, or each item of one that is changed as it arrives.
	Max int64
}

// Reads is what is read of answers: nothing where nothing is changed.
func (a *Answer) Reads() exchange.Reads {
	switch {
	case a.Program.Empty():
		return exchange.Reads{}
	case a.Program.Local():
		return exchange.Reads{Body: true}
	}
	return exchange.Reads{Body: true, Whole: a.Max}
}

// errNotRead says that whoever calls did not heed Reads.
var errNotRead = errors.New("it has not been read whole")

// Formed says whether an answer speaks of a form of the resource that the gateway makes: success, or that it is still
// what it was.
func Formed(r *exchange.Response) bool {
	return r.Status >= 200 && r.Status <= 299 || r.Status == http.StatusNotModified
}

// Content says whether such an answer has content, and why it is none that can be changed.
func Content(r *exchange.Response) (some bool, err error) {
	switch {
	case r.Status == http.StatusPartialContent, r.Status == http.StatusIMUsed:
		return false, errors.New("it is a part or a difference, although the whole was asked for")
	case r.Read && len(r.Bytes) == 0, !r.Read && r.Stream == nil:
		return false, nil
	case form.Coded(r.Header):
		return false, errors.New("it has a content coding, although none was asked for")
	}
	if len(r.Header["Content-Type"]) > 1 {
		return false, errors.New("it has two media types")
	}
	if kind := r.Header.Get("Content-Type"); !form.IsJSON(kind) {
		return false, fmt.Errorf("it is %q, not JSON", kind)
	}
	return true, nil
}

// Return changes an answer, and carries out what a policy obliges to in the same pass. Changes take only success for the
// route's objects: an error has a shape of its own. What is to be hidden may stand in any answer. One that cannot be
// changed is an error, and is not to be passed on.
func (a *Answer) Return(r *exchange.Response) error {
	var program *change.Program
	if Formed(r) && !a.Program.Empty() {
		program = a.Program
		a.Mark.Put(r.Header)
	}
	if o := r.Obliged; o != nil {
		r.Obliged = nil
		o.Take()
		if a.Up {
			return errors.New("what is changed to a newer shape hides nothing")
		}
		var err error
		if program, err = o.On(program); err != nil {
			return err
		}
	}
	if program == nil {
		return nil
	}
	if some, err := Content(r); !some || err != nil {
		return err
	}
	if !r.Read {
		return a.begin(r, program)
	}
	if err := jsonspan.Check(r.Bytes, jsonspan.Bounds{}); err != nil {
		return err
	}
	run := program.Down
	if a.Up {
		run = program.Up
	}
	doc, err := run(r.Bytes)
	if err != nil {
		return err
	}
	r.Bytes = doc
	return nil
}

// begin has an answer changed as it arrives.
func (a *Answer) begin(r *exchange.Response, program *change.Program) error {
	if !program.Local() {
		return errNotRead
	}
	run := program.DownStream
	if a.Up {
		run = program.UpStream
	}
	s := run(r.Stream, int(a.Max))
	r.Replace(s)
	return s.Begin()
}
