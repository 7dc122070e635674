// Package drift keeps what services answer that their API does not say: for each route, which values broke which keyword
// of a schema, how often, and when first and last.
package drift

import (
	"strings"
	"sync"
	"time"
)

// Bounds of what is kept. What is beyond is counted, and not told apart.
const (
	maxRoutes   = 4096 // routes in the shapes of their versions
	maxFindings = 100  // findings of a route
	maxPlace    = 512  // bytes of a pointer, and of a message
)

// Result is what became of an answer.
type Result string

// Results. The last three are of answers that were not held against anything.
const (
	Valid   Result = "valid"
	Drifted Result = "drifted"

	TooLarge Result = "too_large" // for what is held of an answer
	Unread   Result = "unread"    // a part of the whole, or in a content coding
	Broken   Result = "broken"    // the answer broke off, or the caller left
)

// Key names a route in the shape that its service speaks.
type Key struct {
	API   string // "" of api_validate
	Shape string // the version whose shape it is; "" where there are no versions
	Route string // the route's label; of api_validate, the files of its schemas

	Enforced bool // answers in which something is found are refused
}

// Finding is one thing in an answer that the API does not say.
type Finding struct {
	Pointer string // into the answer; an item of a list is "*"
	Keyword string // of the schema; "json" of what is no strict JSON, "content-type" of what is called something else
	Message string // what would be right
}

// Config says who is told of what is noted.
type Config struct {
	// Counted is told of each answer. Nil tells nobody.
	Counted func(api string, became Result)

	// Now is the clock; time.Now by default.
	Now func() time.Time
}

// Recorder keeps what is found on all routes. Many goroutines may use it at once.
type Recorder struct {
	config Config
	mu     sync.Mutex
	routes map[Key]*Route // bound: maxRoutes
}

// New makes a recorder.
func New(c Config) *Recorder {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Recorder{config: c, routes: make(map[Key]*Route)}
}

// Route gives what is kept of a route. Above the bound of routes what it is told is counted and not kept.
func (r *Recorder) Route(k Key) *Route {
	r.mu.Lock()
	defer r.mu.Unlock()
	to := r.routes[k]
	if to == nil {
		to = &Route{of: r, key: k, since: r.config.Now(), results: make(map[Result]uint64), findings: make(map[found]*tally)}
		if len(r.routes) < maxRoutes {
			r.routes[k] = to
		}
	}
	return to
}

// Keep forgets the routes of APIs that are not among keys: the catalogue has them no more. What api_validate is told
// stays.
func (r *Recorder) Keep(keys []Key) {
	kept := make(map[Key]bool, len(keys))
	for _, k := range keys {
		kept[k] = true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for k := range r.routes {
		if k.API != "" && !kept[k] {
			delete(r.routes, k)
		}
	}
}

// Route is what is kept of one route.
type Route struct {
	of  *Recorder
	key Key

	mu       sync.Mutex
	since    time.Time
	results  map[Result]uint64
	findings map[found]*tally // bound: maxFindings
	others   uint64           // findings beyond it
}

// found is a kind of finding.
type found struct {
	status           int
	pointer, keyword string
}

type tally struct {
	message     string // of the first
	count       uint64
	first, last time.Time
}

// Skipped notes an answer that was not held against anything.
func (r *Route) Skipped(why Result) { r.note(why, 0, nil) }

// Checked notes an answer of a status, and what was found in it; nothing where it is valid.
func (r *Route) Checked(status int, all []Finding) {
	if len(all) == 0 {
		r.note(Valid, status, nil)
		return
	}
	r.note(Drifted, status, all)
}

func (r *Route) note(became Result, status int, all []Finding) {
	if counted := r.of.config.Counted; counted != nil {
		counted(r.key.API, became)
	}
	now := r.of.config.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.results[became]++
	seen := make(map[found]bool, len(all))
	for _, f := range all {
		k := found{status, cut(f.Pointer), f.Keyword}
		if seen[k] { // items of one list
			continue
		}
		seen[k] = true
		t := r.findings[k]
		if t == nil {
			if len(r.findings) >= maxFindings {
				r.others++
				continue
			}
			t = &tally{message: cut(f.Message), first: now}
			r.findings[k] = t
		}
		t.count++
		t.last = now
	}
}

func cut(s string) string {
	if len(s) <= maxPlace {
		return s
	}
	return strings.ToValidUTF8(s[:maxPlace], "") + "…"
}
