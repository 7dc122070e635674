package decisionlog

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// Recorder writes the events of decisions and hands them to a log. Many goroutines may use it at once.
type Recorder struct {
	log    *Log
	labels []byte // the beginning of every event
	mask   atomic.Pointer[mask]

	mu          sync.Mutex
	paths       [][]string // of masks, and those of query parameters with credentials
	credentials []string   // header fields
}

// NewRecorder makes an observer that records in a log. Masks are what ParseMask gives; labels are what OPA's events
// tell of who decides, by name.
func NewRecorder(log *Log, masks []Mask, labels map[string]string) *Recorder {
	r := &Recorder{log: log}
	for _, m := range masks {
		r.paths = append(r.paths, m.path)
	}
	names := make([]string, 0, len(labels))
	for name := range labels {
		names = append(names, name)
	}
	slices.Sort(names)
	r.labels = append(r.labels, `{"labels":{`...)
	for i, name := range names {
		if i > 0 {
			r.labels = append(r.labels, ',')
		}
		r.labels = append(appendString(r.labels, name), ':')
		r.labels = appendString(r.labels, labels[name])
	}
	r.labels = append(r.labels, '}')
	r.mask.Store(newMask(r.paths, nil))
	return r
}

// Hide has header fields and query parameters left out of all events to come: those in which callers send credentials.
// What was hidden once stays hidden.
func (r *Recorder) Hide(fields, parameters []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := len(r.credentials) + len(r.paths)
	for _, field := range fields {
		if field = strings.ToLower(field); !slices.Contains(r.credentials, field) {
			r.credentials = append(r.credentials, field)
		}
	}
	for _, parameter := range parameters {
		path := []string{"input", "request", "query", strings.ToLower(parameter)}
		if !slices.ContainsFunc(r.paths, func(p []string) bool { return slices.Equal(p, path) }) {
			r.paths = append(r.paths, path)
		}
	}
	if len(r.credentials)+len(r.paths) > known {
		r.mask.Store(newMask(r.paths, r.credentials))
	}
}

// Observe implements policy.Observer.
func (r *Recorder) Observe(x *exchange.Exchange, o *policy.Observation) *problem.Problem {
	input := o.Input
	if input == nil {
		var err error
		if input, err = o.Query.Input(x); err != nil {
			input = nil // what is wrong with it is what is wrong with the decision
		}
	}
	e := newEvent()
	e.write(r, x, o, input)
	if r.log.append(x.Context, e) {
		return nil
	}
	return problem.New(problem.ReducedCapacity, "").WithHeader("Retry-After", "1").Because(errFull)
}

var errFull = errors.New("the decision log is full")

// Interface guards
var _ policy.Observer = (*Recorder)(nil)
