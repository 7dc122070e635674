package explain

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/gateway"
	"github.com/wicketgate/wicketgate/internal/limit"
	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/internal/route"
	"github.com/wicketgate/wicketgate/internal/validate"
	"github.com/wicketgate/wicketgate/internal/webhook"
)

// Told is an explanation that can be written.
type Told struct {
	what *Explanation
	hide *redactor
}

// Denied says whether the request ended with a problem.
func (t *Told) Denied() bool { return t.what.Problem != nil || t.what.Broken != "" }

// JSON writes it for programs.
func (t *Told) JSON(w io.Writer) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(t.what); err != nil {
		return err
	}
	_, err := io.WriteString(w, t.hide.text(b.String()))
	return err
}

// Text writes it for people, perhaps in the colours of a terminal.
func (t *Told) Text(w io.Writer, colours bool) error {
	p := &printer{colours: colours}
	p.all(t.what)
	_, err := io.WriteString(w, t.hide.text(p.String()))
	return err
}

// printer writes an explanation. What comes from a request, a file or a service is cleaned of control characters.
type printer struct {
	strings.Builder
	colours bool
}

const (
	bold  = "1"
	good  = "32"
	bad   = "31"
	faint = "2"
)

// painted is text that has been cleaned, and perhaps coloured.
type painted string

func (p *printer) paint(colour, text string) painted {
	if text = diagnostic.Clean(text); !p.colours {
		return painted(text)
	}
	return painted("\x1b[" + colour + "m" + text + "\x1b[0m")
}

// line writes a line, indented.
func (p *printer) line(depth int, format string, args ...any) {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = diagnostic.Clean(s)
		}
	}
	p.WriteString(strings.Repeat("  ", depth) + fmt.Sprintf(format, args...) + "\n")
}

func (p *printer) all(e *Explanation) {
	p.line(0, "%s", p.paint(bold, e.Request.Method+" "+e.Request.URL))
	if e.Route != "" {
		p.line(1, "API %s, version %s, route %s", e.API, or(e.Version, "none")+by(e.Selected), e.Route)
	}
	for _, name := range slices.Sorted(maps.Keys(e.Parameters)) {
		p.line(2, "{%s} = %s", name, e.Parameters[name])
	}
	if c := e.Caller; c != nil {
		p.caller(c)
	}
	for i := range e.Stages {
		s := &e.Stages[i]
		if next := i + 1; s.Notes == nil && s.Problem == nil && next < len(e.Stages) && e.Stages[next].Name == s.Name && e.Stages[next].Back == s.Back {
			continue // the first of its pieces, which had nothing to say
		}
		p.stage(s)
	}
	for i := range e.Upstream {
		p.line(0, "%s", p.paint(bold, "to the upstream"))
		p.message(&e.Upstream[i])
	}
	if len(e.Upstream) == 0 {
		p.line(0, "%s", p.paint(bold, "nothing reaches the upstream"))
	}
	p.line(0, "%s", p.paint(bold, "to the caller"))
	p.message(&e.Answer)
	if e.Broken != "" {
		p.line(1, "%s", p.paint(bad, "broken off: "+e.Broken))
	}
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func by(how string) string {
	if how == "" {
		return ""
	}
	return " (by " + how + ")"
}

func (p *printer) caller(c *Caller) {
	text := c.ID + " by " + c.Method
	for _, more := range []struct{ name, value string }{{"scopes", strings.Join(c.Scopes, " ")}, {"groups", strings.Join(c.Groups, " ")},
		{"plan", c.Plan}, {"pinned to", c.Version}} {
		if more.value != "" {
			text += ", " + more.name + " " + more.value
		}
	}
	p.line(1, "caller %s", text)
	if len(c.Claims) > 0 {
		p.line(2, "claims %s", inJSON(c.Claims))
	}
}

func (p *printer) stage(s *Stage) {
	name := s.Name
	if s.Back {
		name += ", on the way back"
	}
	verdict := p.paint(good, "goes on")
	if s.Problem != nil {
		verdict = p.paint(bad, "ends here")
	}
	p.line(0, "%s: %s", p.paint(bold, name), verdict)
	for _, n := range s.Notes {
		p.note(n)
	}
	if s.Problem == nil {
		return
	}
	p.line(1, "%s", p.paint(bad, inJSON(s.Problem.Problem)))
	if s.Problem.Cause != "" {
		p.line(1, "because %s", s.Problem.Cause)
	}
}

func (p *printer) note(n any) {
	switch n := n.(type) {
	case route.Passed:
		p.passed(n)
	case limit.Note:
		p.quota(n)
	case validate.Note:
		p.rule(n)
	case policy.Note:
		p.policy(n)
	case policy.HiddenNote:
		text := obligation(n.Obligation)
		if n.Before != nil && bytes.Equal(n.Before, n.After) {
			text += ": nothing there"
		}
		p.line(1, "%s", text)
		p.difference(n.Before, n.After)
	case gateway.ChangeNote:
		p.line(1, "%s: change %s %s", n.At, n.Change, n.Summary)
		p.difference(n.Before, n.After)
	case webhook.Note:
		p.call(n)
	case gateway.QueryNote:
		p.line(1, "query %s → %s", n.Before, n.After)
	default:
		p.line(1, "%s", inJSON(n))
	}
}

func (p *printer) call(n webhook.Note) {
	switch {
	case n.Forged != "":
		p.line(1, "webhook %s: %s", n.Webhook, p.paint(bad, "not known to be the sender's: "+n.Forged))
	case n.Vouched:
		p.line(1, "webhook %s: taken for the sender's; no signature was looked at", n.Webhook)
	default:
		p.line(1, "webhook %s: %s", n.Webhook, p.paint(good, "signed by the sender"))
	}
	if n.Kind != "" || n.Only != nil {
		text := "kind " + or(n.Kind, "unknown")
		if n.Only != nil {
			text += " of " + strings.Join(n.Only, ", ")
		}
		p.line(2, "%s", text)
	}
	if n.Event != "" {
		p.line(2, "event %s", n.Event)
	}
	if n.Order != "" {
		p.line(2, "one after the other with all events of %s", n.Order)
	}
	if n.Became != "" {
		p.line(2, "%s", string(n.Became))
	}
}

func (p *printer) passed(n route.Passed) {
	for _, o := range n.Others {
		name := o.Route
		if name == "" {
			name = "the API " + o.API
		}
		p.line(1, "%s", p.paint(faint, "not "+name+": "+o.Why))
	}
	if n.More > 0 {
		p.line(1, "%s", p.paint(faint, fmt.Sprintf("and %d others", n.More)))
	}
}

func (p *printer) quota(n limit.Note) {
	text := fmt.Sprintf("limit %s, quota %s: %d of %d left after a cost of %d, counted by %s", n.Limit, n.Quota, n.Left, n.Most, n.Cost, n.By)
	if n.Plan != "" {
		text += ", plan " + n.Plan
	}
	switch {
	case n.Unknown:
		text += ": nobody counted"
	case n.Refused && n.Wait > 0:
		text += fmt.Sprintf(": refused for %d s", n.Wait)
	case n.Refused:
		text += ": refused"
	}
	p.line(1, "%s", text)
}

func (p *printer) rule(n validate.Note) {
	verdict := p.paint(good, "met")
	switch {
	case !n.Met && n.Reported:
		verdict = p.paint(bad, "not met, which is only reported")
	case !n.Met:
		verdict = p.paint(bad, "not met")
	}
	p.line(1, "rule %s (%s): %s", n.Rule, n.At, verdict)
	p.line(2, "%s", n.When)
	for _, v := range n.Values {
		if v.Wrong != "" {
			p.line(2, "%s has no value: %s", v.Name, v.Wrong)
			continue
		}
		p.line(2, "%s = %s", v.Name, inJSON(v.Value))
	}
	if n.Wrong != "" {
		p.line(2, "%s", n.Wrong)
	}
}

func (p *printer) policy(n policy.Note) {
	verdict := p.paint(bad, "denies")
	if n.Allow {
		verdict = p.paint(good, "allows")
	}
	p.line(1, "%s %s", n.Query, verdict)
	for _, r := range n.Reasons {
		p.line(2, "reason %s", inJSON(r))
	}
	for _, o := range n.Obliges {
		p.line(2, "obliges to %s", obligation(o))
	}
	if n.Wrong != "" {
		p.line(2, "%s", n.Wrong)
	}
	for _, l := range n.Trace {
		if l.Holds {
			p.line(2, "%s: %s = %s", l.At, l.Text, or(l.Value, "true"))
			continue
		}
		p.line(2, "%s: %s", l.At, p.paint(bad, strings.ReplaceAll(l.Text, "\n", " ")+" does not hold"))
		for _, w := range l.Where {
			p.line(3, "%s = %s", w.Name, w.Value)
		}
	}
	if n.Cut {
		p.line(2, "…")
	}
	switch {
	case n.Cached:
		p.line(2, "remembered from an equal request")
	case n.Remembered:
		p.line(2, "evaluated; equal requests share the decision")
	default:
		p.line(2, "evaluated; never remembered: %s", n.Because)
	}
	p.line(2, "sees %s", or(strings.Join(n.Sees, ", "), "nothing of input"))
	for _, f := range slices.Concat(n.Wide, n.Impure) {
		p.line(3, "for the sake of %s", f.String())
	}
}

// obligation is what a policy obliges to, in words.
func obligation(o policy.Obligation) string {
	switch o.What {
	case "filter":
		return fmt.Sprintf("keep only items of %s where %s", or(o.At, "the list"), o.Value)
	case "limit":
		return fmt.Sprintf("allow %s requests by limit and quota %s", o.Value, o.At)
	case "upstream-header":
		return fmt.Sprintf("tell the upstream %s: %s", o.At, o.Value)
	case "answer-header":
		return fmt.Sprintf("tell the caller %s: %s", o.At, o.Value)
	case "remove-header":
		return "take off the header field " + o.At
	case "query":
		return fmt.Sprintf("put %s=%s into the query", o.At, o.Value)
	case "remove-query":
		return "take " + o.At + " off the query"
	}
	return o.What + " " + o.At
}

func (p *printer) message(m *Message) {
	if m.Status != 0 {
		p.line(1, "%d %s", m.Status, http.StatusText(m.Status))
	} else {
		p.line(1, "%s %s", m.Method, m.URL)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Header)) {
		for _, v := range m.Header[name] {
			p.line(2, "%s: %s", name, v)
		}
	}
	if m.Body != nil {
		p.line(2, "%s", inJSON(m.Body))
	}
}

// difference writes the lines of two documents that differ.
func (p *printer) difference(before, after json.RawMessage) {
	from, to := lines(before), lines(after)
	start, end := 0, 0
	for start < len(from) && start < len(to) && from[start] == to[start] {
		start++
	}
	for end < len(from)-start && end < len(to)-start && from[len(from)-1-end] == to[len(to)-1-end] {
		end++
	}
	for _, l := range from[start : len(from)-end] {
		p.line(2, "%s", p.paint(bad, "- "+l))
	}
	for _, l := range to[start : len(to)-end] {
		p.line(2, "%s", p.paint(good, "+ "+l))
	}
}

func lines(doc json.RawMessage) []string {
	var b bytes.Buffer
	if json.Indent(&b, doc, "", "  ") != nil {
		return []string{string(doc)}
	}
	return strings.Split(b.String(), "\n")
}

func inJSON(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err.Error()
	}
	return strings.TrimSuffix(b.String(), "\n")
}
