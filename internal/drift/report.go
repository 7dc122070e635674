package drift

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Report is what was found on all routes.
type Report struct {
	// Checked is how many answers were held against a schema, Drifted in how many something was found.
	Checked uint64 `json:"checked"`
	Drifted uint64 `json:"drifted"`
	// Routes are those whose answers are held against schemas, by name.
	Routes []Found `json:"routes"`
}

// Found is what was found on a route since a time.
type Found struct {
	API     string `json:"api,omitempty"`
	Version string `json:"version,omitempty"` // whose shape the service speaks
	Route   string `json:"route"`
	// Enforced says that answers in which something is found are refused.
	Enforced bool      `json:"enforced,omitempty"`
	Since    time.Time `json:"since"`
	Checked  uint64    `json:"checked"`
	Drifted  uint64    `json:"drifted"`

	// What was not held against anything: too large, a part or in a content coding, broken off.
	TooLarge uint64 `json:"too_large,omitempty"`
	Unread   uint64 `json:"unread,omitempty"`
	Broken   uint64 `json:"broken,omitempty"`

	// Findings are the most frequent first; Others is how many there are besides those told apart.
	Findings []Told `json:"findings,omitempty"`
	Others   uint64 `json:"others,omitempty"`
}

// Told is a kind of finding, and how often it was.
type Told struct {
	Status  int       `json:"status"`
	Pointer string    `json:"pointer"`
	Keyword string    `json:"keyword"`
	Message string    `json:"message"`
	Count   uint64    `json:"count"`
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
}

// Report gives what was found so far.
func (r *Recorder) Report() *Report {
	r.mu.Lock()
	routes := make([]*Route, 0, len(r.routes))
	for _, one := range r.routes {
		routes = append(routes, one)
	}
	r.mu.Unlock()
	to := &Report{Routes: []Found{}}
	for _, one := range routes {
		f := one.read()
		to.Checked += f.Checked
		to.Drifted += f.Drifted
		to.Routes = append(to.Routes, f)
	}
	slices.SortFunc(to.Routes, func(a, b Found) int {
		return cmp.Or(strings.Compare(a.API, b.API), strings.Compare(a.Route, b.Route), strings.Compare(a.Version, b.Version))
	})
	return to
}

func (r *Route) read() Found {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := Found{API: r.key.API, Version: r.key.Shape, Route: r.key.Route, Enforced: r.key.Enforced, Since: r.since, Drifted: r.results[Drifted],
		TooLarge: r.results[TooLarge], Unread: r.results[Unread], Broken: r.results[Broken], Others: r.others}
	f.Checked = r.results[Valid] + f.Drifted
	for k, t := range r.findings {
		f.Findings = append(f.Findings, Told{k.status, k.pointer, k.keyword, t.message, t.count, t.first, t.last})
	}
	slices.SortFunc(f.Findings, func(a, b Told) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Status, b.Status), strings.Compare(a.Pointer, b.Pointer), strings.Compare(a.Keyword, b.Keyword))
	})
	return f
}
