package shadow

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Report is what all comparisons in force have come to.
type Report struct {
	// Safe says that there were decisions, nothing that speaks against putting the candidates in force, and no candidate
	// that was asked about none of the decisions it would have had to make.
	Safe bool `json:"safe"`
	// Evaluated is how many decisions the candidates made, all together.
	Evaluated uint64 `json:"evaluated"`
	// Verdict is the same in words.
	Verdict string `json:"verdict"`
	// Comparisons are the queries with their candidates, by name.
	Comparisons []Compared `json:"comparisons"`
}

// Compared is one query and its candidate.
type Compared struct {
	Kind  Kind   `json:"kind"`
	Query string `json:"query"`
	// Candidate is where the candidate comes from: a query, or the files or the address of policies.
	Candidate string `json:"candidate,omitempty"`
	// Mistakes are what is wrong with a candidate that cannot be asked.
	Mistakes []string `json:"mistakes,omitempty"`
	Verdict  string   `json:"verdict"`
	Counts
}

// Counts are what became of decisions since a time.
type Counts struct {
	Since     time.Time `json:"since"`
	Evaluated uint64    `json:"evaluated"`

	Agreed     uint64 `json:"agreed"`
	WouldDeny  uint64 `json:"would_deny"`
	WouldAllow uint64 `json:"would_allow"`
	Differs    uint64 `json:"differs"`
	Failed     uint64 `json:"failed"`

	Dropped    uint64 `json:"dropped"`
	NoBody     uint64 `json:"no_body"`
	Unreadable uint64 `json:"unreadable"`
	Mistaken   uint64 `json:"mistaken"`

	// Callers is how many known callers would newly be denied something, MoreCallers that there are more than are told
	// apart, Anonymous how many requests of others would be.
	Callers     int    `json:"callers"`
	MoreCallers bool   `json:"more_callers,omitempty"`
	Anonymous   uint64 `json:"anonymous"`

	// Rules are differences by key of the answer.
	Rules map[string]uint64 `json:"rules,omitempty"`
	// Examples are differences by route and reasons, the most frequent first; Others is how many there are besides.
	Examples []Example `json:"examples,omitempty"`
	Others   uint64    `json:"others,omitempty"`
}

// Example is a kind of difference, and how often it was.
type Example struct {
	API     string `json:"api,omitempty"`
	Route   string `json:"route"`
	Became  Result `json:"became"`
	Reasons string `json:"reasons,omitempty"`
	Count   uint64 `json:"count"`
}

func (e Example) compare(o Example) int {
	return cmp.Or(cmp.Compare(o.Count, e.Count), cmp.Compare(e.API, o.API), cmp.Compare(e.Route, o.Route), cmp.Compare(e.Became, o.Became), cmp.Compare(e.Reasons, o.Reasons))
}

// Report gives what all comparisons in force have come to.
func (s *Shadow) Report() *Report {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := &Report{Comparisons: []Compared{}}
	for _, c := range s.inForce {
		compared := Compared{Kind: c.kind, Query: c.query, Candidate: c.key.candidate, Mistakes: c.mistakes, Counts: c.tally.read()}
		compared.Verdict = compared.words()
		r.Evaluated += compared.Evaluated
		r.Comparisons = append(r.Comparisons, compared)
	}
	slices.SortFunc(r.Comparisons, func(a, b Compared) int {
		return cmp.Or(cmp.Compare(a.Query, b.Query), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Candidate, b.Candidate))
	})
	different := r.Different()
	untried := slices.ContainsFunc(r.Comparisons, func(c Compared) bool { return c.Evaluated == 0 && c.skipped() > 0 })
	r.Safe = !different && !untried && r.Evaluated > 0
	switch {
	case len(r.Comparisons) == 0:
		r.Verdict = "no candidate is tried out"
	case r.Safe:
		r.Verdict = fmt.Sprintf("safe to promote: no difference in %s", count(r.Evaluated, "decision"))
	case !different && r.Evaluated > 0:
		r.Verdict = "not known to be safe: a candidate was asked about none of its decisions"
	case !different:
		r.Verdict = "nothing has been evaluated yet"
	default:
		r.Verdict = "not safe to promote"
	}
	return r
}

// silent says whether nothing speaks against the candidate. Decisions about which it was not asked say nothing of it, but
// a candidate that cannot be asked does.
func (c *Compared) silent() bool {
	return c.WouldDeny+c.WouldAllow+c.Differs+c.Failed == 0 && len(c.Mistakes) == 0
}

// skipped is how many decisions there were about which the candidate was not asked.
func (c *Counts) skipped() uint64 { return c.Dropped + c.NoBody + c.Unreadable + c.Mistaken }

// Different says whether something speaks against putting the candidates in force.
func (r *Report) Different() bool {
	return slices.ContainsFunc(r.Comparisons, func(c Compared) bool { return !c.silent() })
}

func (c *Compared) words() string {
	since := c.Since.UTC().Format(time.RFC3339)
	switch {
	case len(c.Mistakes) > 0:
		return "not safe to promote: the candidate has mistakes"
	case c.Evaluated == 0:
		return "nothing evaluated since " + since
	case c.silent():
		words := fmt.Sprintf("safe to promote: no difference in %s since %s", count(c.Evaluated, "decision"), since)
		if skipped := c.skipped(); skipped > 0 {
			words += fmt.Sprintf("; of %s more it was not asked", strconv.FormatUint(skipped, 10))
		}
		return words
	case c.WouldDeny > 0:
		return fmt.Sprintf("not safe to promote: %s would newly be denied, of %s", count(c.WouldDeny, "request"), c.whose())
	case c.WouldAllow > 0:
		return fmt.Sprintf("not safe to promote: %s would newly be allowed", count(c.WouldAllow, "request"))
	case c.Failed > 0:
		return fmt.Sprintf("not safe to promote: the candidate had no answer to %s", count(c.Failed, "request"))
	}
	return fmt.Sprintf("look at the differences: %s would be answered in another way", count(c.Differs, "request"))
}

// whose says how many callers would newly be denied.
func (c *Compared) whose() string {
	known := count(uint64(c.Callers), "caller")
	if c.MoreCallers {
		known = "more than " + known
	}
	switch {
	case c.Callers == 0:
		return "anonymous callers"
	case c.Anonymous > 0:
		return known + " and of anonymous ones"
	}
	return known
}

// count writes a number of things: "10,234 decisions".
func count(n uint64, of string) string {
	digits := strconv.FormatUint(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	if n == 1 {
		return digits + " " + of
	}
	return digits + " " + of + "s"
}
