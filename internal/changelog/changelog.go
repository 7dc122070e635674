// Package changelog tells what an API's versions changed, in the words of the catalogue's summaries: for callers who
// move from one version to another.
package changelog

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/change"
)

// Log is what changed between two versions of an API.
type Log struct {
	API  string  `json:"api"`
	From Version `json:"from"`
	// Steps are the versions after From, up to the one moved to, oldest first.
	Steps []Step `json:"steps"`
}

// Version is a version and its dates. Those that are not set are "".
type Version struct {
	Name       string     `json:"version"`
	Released   string     `json:"released"`
	Deprecated string     `json:"deprecated,omitempty"`
	Sunset     string     `json:"sunset,omitempty"`
	Preview    bool       `json:"preview,omitempty"`
	Docs       string     `json:"docs,omitempty"`
	Brownouts  []Brownout `json:"brownouts,omitempty"`
}

// Brownout is a stretch of time in which a version is switched off.
type Brownout struct {
	From  string `json:"from"`
	Until string `json:"until"`
}

// Step is what a version changed of the one before it.
type Step struct {
	Version
	Changes []Change `json:"changes,omitempty"`
	Added   []string `json:"routes_added,omitempty"`
	Removed []string `json:"routes_removed,omitempty"`
}

// Change is one change of an object.
type Change struct {
	Name       string      `json:"name"`
	Summary    string      `json:"summary"`
	On         string      `json:"on"`
	Class      Class       `json:"class"` // what all its operations keep
	Operations []Operation `json:"operations,omitempty"`
	Params     []Param     `json:"params,omitempty"`
}

// Operation is a step of a change, in words.
type Operation struct {
	Kind   change.Kind `json:"kind"`
	Path   string      `json:"path"`
	Text   string      `json:"text"`
	Class  Class       `json:"class"`
	Loss   string      `json:"loss,omitempty"`   // what is lost on the way, in words
	Accept string      `json:"accept,omitempty"` // why it may be
}

// Param is a query parameter that got another name.
type Param struct {
	Old string `json:"old"`
	New string `json:"new"`
}

// Class says which of the laws of a change holds: R, down(up(x)) = x, and S, up(down(y)) = y.
type Class string

// The classes.
const (
	Iso  Class = "iso"  // both
	R    Class = "R"    // what older callers send comes back to them; what they cannot see, a PUT of theirs resets unless it is merged
	S    Class = "S"    // what newer callers send comes back to them; what older callers send is lost
	None Class = "none" // neither
)

func classOf(r, s bool) Class {
	switch {
	case r && s:
		return Iso
	case r:
		return R
	case s:
		return S
	}
	return None
}

// Between tells what changed from one version of an API to another, whichever of them is named first. changes[i] is
// what the API's version i changed of the one before it.
func Between(a *catalogue.API, changes [][]*change.Change, one, other *catalogue.Version) Log {
	from, to := slices.Index(a.Versions, one), slices.Index(a.Versions, other)
	if from > to {
		from, to = to, from
	}
	log := Log{API: a.Name, From: version(a.Versions[from]), Steps: []Step{}}
	for i := from + 1; i <= to; i++ {
		v := a.Versions[i]
		step := Step{Version: version(v)}
		for _, c := range changes[i] {
			step.Changes = append(step.Changes, changed(c, resets(a)))
		}
		for _, r := range a.Routes {
			switch v {
			case r.Since:
				step.Added = append(step.Added, r.Label)
			case r.Until:
				step.Removed = append(step.Removed, r.Label)
			}
		}
		log.Steps = append(log.Steps, step)
	}
	return log
}

func version(v *catalogue.Version) Version {
	to := Version{
		Name: v.Name, Released: day(v.Released), Deprecated: day(v.Deprecated), Sunset: day(v.Sunset), Preview: v.Preview, Docs: v.Docs,
	}
	for _, b := range v.Brownouts {
		to.Brownouts = append(to.Brownouts, Brownout{day(b.From), day(b.From.Add(b.For))})
	}
	return to
}

// resets says whether a PUT of an older version takes the place of all that is there, what it does not know included.
func resets(a *catalogue.API) bool {
	return slices.ContainsFunc(a.Routes, func(r *catalogue.Route) bool { return r.Method == http.MethodPut && !r.Merge })
}

func changed(c *change.Change, resets bool) Change {
	to := Change{Name: c.Name, Summary: c.Summary, On: c.On}
	r, s := true, true
	for i := range c.Operations {
		o := &c.Operations[i]
		keepsR, keepsS := o.Laws()
		r, s = r && keepsR, s && keepsS
		class := classOf(keepsR, keepsS)
		to.Operations = append(to.Operations, Operation{
			Kind: o.Kind, Path: o.Path, Text: words(o), Class: class, Loss: loss(o.Kind, class, resets), Accept: o.Accept,
		})
	}
	for _, p := range c.Params {
		to.Params = append(to.Params, Param{p.Name, p.To})
	}
	to.Class = classOf(r, s)
	return to
}

// day writes an instant; "" for none.
func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return catalogue.Day(t)
}

// life tells a version's dates in a line.
func (v *Version) life() string {
	parts := []string{"released " + v.Released}
	if v.Preview {
		parts = append(parts, "a preview")
	}
	if v.Deprecated != "" {
		parts = append(parts, "deprecated "+v.Deprecated)
	}
	if v.Sunset != "" {
		parts = append(parts, "retired "+v.Sunset)
	}
	for _, b := range v.Brownouts {
		parts = append(parts, "switched off "+b.From+" to "+b.Until)
	}
	return strings.Join(parts, ", ")
}
