package shadow

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// Kind says what a comparison compares.
type Kind string

// Kinds of comparisons.
const (
	Candidate  Kind = "candidate"   // a candidate with what is in force
	ReportOnly Kind = "report_only" // a policy that is not in force with none at all
)

// key names a comparison.
type key struct {
	kind      Kind
	query     string // the live one's
	candidate string // where the candidate comes from
}

// Comparison is one query and its candidate. It observes the decisions of the live one.
type Comparison struct {
	key
	shadow    *Shadow
	live      *policy.Query
	candidate *policy.Query // nil where it has mistakes
	mistakes  []string
	tally     *tally
}

// Observe implements policy.Observer. It builds what the candidate reads of the request, and leaves the rest to others.
func (c *Comparison) Observe(x *exchange.Exchange, o *policy.Observation) *problem.Problem {
	defer func() {
		if r := recover(); r != nil { // the candidate's affair, never the request's
			c.skip(Unreadable)
		}
	}()
	switch {
	case c.candidate == nil:
		c.skip(Mistaken)
		return nil
	case !c.candidate.CanRead(x):
		c.skip(NoBody)
		return nil
	}
	input, err := c.candidate.Input(x)
	if err != nil {
		c.skip(Unreadable)
		return nil
	}
	t := &trial{of: c, input: input, at: c.candidate.Time(x), live: o.Decision.Verdict, about: aboutOf(x, o.Decision)}
	if o.Err == nil {
		t.result = o.Result
	}
	if c.candidate.Needs().Body != exchange.None {
		t.size = int64(len(x.Body.Bytes))
	}
	if !c.shadow.enqueue(t) {
		c.skip(Dropped)
	}
	return nil
}

func aboutOf(x *exchange.Exchange, d *exchange.Decision) about {
	a := about{id: d.ID(), api: x.API, route: x.Route}
	if x.Route == "" { // a policy that stands alone knows no routes, and a path may hold what nobody should keep
		a.route = x.Method
	}
	if x.Consumer != nil {
		a.caller = x.Consumer.Method + " " + x.Consumer.ID
	}
	return a
}

// Reported notes what a policy that is not in force would have done to a request: p is nil where it would have let it
// pass.
func (c *Comparison) Reported(x *exchange.Exchange, d *exchange.Decision, p *problem.Problem) {
	switch {
	case d == nil:
		c.skip(NoBody)
	case p == nil:
		c.count(Agreed, about{}, nil, nil)
	case p.Cause != nil:
		c.count(Failed, aboutOf(x, d), nil, codes(d.Reasons))
	default:
		c.count(WouldDeny, aboutOf(x, d), []string{"allow"}, codes(d.Reasons))
	}
}

// skip counts a decision about which the candidate was not asked.
func (c *Comparison) skip(why Result) { c.count(why, about{}, nil, nil) }

func (c *Comparison) count(became Result, a about, rules, reasons []string) {
	c.tally.add(became, a, rules, reasons)
	if counted := c.shadow.config.Counted; counted != nil {
		counted(c.query, became, rules, reasons)
	}
}

// Difference is a decision that a candidate would have made differently, or could not make. It holds no value of the
// request.
type Difference struct {
	Query, Candidate string
	Decision         string // the live decision's id
	API, Route       string
	Input            string // the hash of what the candidate was given: SHA-256 of its canonical JSON, in hexadecimal
	Live, Would      string // "allow" or "deny"
	Became           Result
	Rules            []string // keys of the answer that differ
	Reasons          []string // codes
	Err              error    // why the candidate has no answer
	Untold           uint64   // differences that were not told since the last one that was
}

// run evaluates the candidate and compares. A panic is a failure of the candidate's: nobody else would stop it here.
func (t *trial) run(ctx context.Context) {
	c := t.of
	defer func() {
		if r := recover(); r != nil {
			c.tally.add(Failed, t.about, nil, nil)
			c.shadow.find(&Difference{
				Query: c.query, Candidate: c.key.candidate, Decision: t.about.id, API: t.about.api, Route: t.about.route,
				Live: word(t.live.Allow), Would: word(false), Became: Failed, Err: fmt.Errorf("panic: %v\n%s", r, debug.Stack()),
			})
		}
	}()
	verdict, result, err := c.candidate.Try(ctx, t.input, t.at)
	if err != nil && ctx.Err() != nil { // nobody waits for it any more
		c.skip(Dropped)
		return
	}
	var rules, reasons []string
	became := Failed
	if err == nil {
		rules = differing(t.live, t.result, verdict, result)
		became = judge(t.live, verdict, rules)
		reasons = codes(verdict.Reasons)
		if became == WouldAllow { // by what it is denied now
			reasons = codes(t.live.Reasons)
		}
	}
	if became == Agreed {
		reasons = nil
	}
	c.count(became, t.about, rules, reasons)
	if became == Agreed {
		return
	}
	c.shadow.find(&Difference{
		Query: c.query, Candidate: c.key.candidate, Decision: t.about.id, API: t.about.api, Route: t.about.route, Input: hash(t.input),
		Live: word(t.live.Allow), Would: word(verdict.Allow), Became: became, Rules: rules, Reasons: reasons, Err: err,
	})
}

func word(allow bool) string {
	if allow {
		return "allow"
	}
	return "deny"
}

// hash is the SHA-256 of a value's JSON with the members of objects in order.
func hash(value ast.Value) string {
	plain, err := ast.JSON(value)
	if err != nil {
		return ""
	}
	text, err := json.Marshal(plain)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Set is the comparisons that one load makes. It is used by one goroutine.
type Set struct {
	shadow *Shadow
	made   map[key]*Comparison
}

// Begin begins a set.
func (s *Shadow) Begin() *Set { return &Set{shadow: s, made: map[key]*Comparison{}} }

// Compare has a live query compared with a candidate that comes from somewhere; nil, with what is wrong, where it has
// mistakes. What was counted so far goes on as long as neither changes.
func (s *Set) Compare(live, candidate *policy.Query, from string, mistakes []string) *Comparison {
	return s.add(&Comparison{key: key{Candidate, live.Asks(), from}, live: live, candidate: candidate, mistakes: mistakes})
}

// Report has a policy that is not in force counted.
func (s *Set) Report(q *policy.Query) *Comparison {
	return s.add(&Comparison{key: key{ReportOnly, q.Asks(), ""}, live: q})
}

func (s *Set) add(c *Comparison) *Comparison {
	c.shadow = s.shadow
	if made := s.made[c.key]; made != nil {
		return made
	}
	s.shadow.mu.RLock()
	before := s.shadow.inForce[c.key]
	s.shadow.mu.RUnlock()
	if before != nil && before.same(c) {
		c = before
	} else {
		c.tally = newTally(s.shadow.config.Now())
	}
	s.made[c.key] = c
	return c
}

func (c *Comparison) same(o *Comparison) bool {
	if !c.live.Same(o.live) || (c.candidate == nil) != (o.candidate == nil) || !slices.Equal(c.mistakes, o.mistakes) {
		return false
	}
	return c.candidate == nil || c.candidate.Same(o.candidate)
}

// Commit puts the set in the place of all comparisons in force. Add puts it beside them.
func (s *Set) Commit() {
	s.shadow.mu.Lock()
	defer s.shadow.mu.Unlock()
	s.shadow.inForce = s.made
}

// Add puts the set beside the comparisons in force.
func (s *Set) Add() {
	s.shadow.mu.Lock()
	defer s.shadow.mu.Unlock()
	for k, c := range s.made {
		s.shadow.inForce[k] = c
	}
}

// codes are the codes of reasons: a string is one, of an object its member code. A policy may make them of header fields,
// which can be no UTF-8, and labels of metrics must be.
func codes(reasons []any) []string {
	var all []string
	for _, r := range reasons {
		code := "(no code)"
		switch r := r.(type) {
		case string:
			code = r
		case map[string]any:
			if s, ok := r["code"].(string); ok {
				code = s
			}
		}
		all = append(all, strings.ToValidUTF8(fmt.Sprintf("%.*s", maxCode, code), "\ufffd"))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// maxCode bounds a reason's code where it is counted, in characters.
const maxCode = 100
