package casetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/merge"
	"github.com/wicketgate/wicketgate/internal/problem"
)

func fault(at hcl.Range, summary, detail string, args ...any) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(detail, args...), Subject: &at}
}

// judge tells every difference between what was seen and what a step expects.
func (s *seen) judge(step *catalogue.Step) hcl.Diagnostics {
	var diags hcl.Diagnostics
	add := func(d *hcl.Diagnostic) {
		if d != nil {
			diags = append(diags, d)
		}
	}
	if s.err != nil {
		add(fault(step.Request.Range, "No whole answer", "The request was not answered to its end: %v.%s", s.err, s.because()))
	}
	if step.As != nil && s.taken == nil && s.x.Route != "" && s.x.Ended != "identify" {
		add(fault(step.As.Range, "Nobody asks who calls", "The route %s identifies nobody, so that the caller is not known.", s.x.Route))
	}
	if s.signed && !s.asked {
		add(fault(step.Request.SignedRange, "Nobody asks who signed", "The request is no call to a webhook, or does not get so far.%s", s.because()))
	}
	e := step.Expect
	if e == nil {
		return diags
	}
	another := s.verdict(e, add)
	text := func(name string, want *string, got string) {
		if want != nil && *want != got {
			add(unexpected(e, name, quoted(*want), quoted(got)))
		}
	}
	text("api", e.API, s.x.API)
	text("version", e.Version, s.x.Version)
	text("route", e.Route, s.x.Route)
	caller := ""
	if s.x.Consumer != nil {
		caller = s.x.Consumer.ID
	}
	text("consumer", e.Consumer, caller)
	s.decision(e, add)
	if !another {
		s.answer(e, add)
	}
	for _, d := range s.forwarded(e) {
		add(d)
	}
	return diags
}

// answer looks at what was answered.
func (s *seen) answer(e *catalogue.Expectation, add func(*hcl.Diagnostic)) {
	for _, d := range differentFields(e.Headers, s.w.header, "The answer") {
		add(d)
	}
	if e.Body != nil {
		add(differentBody(e.Body, s.w.body.Bytes(), "The answer's body"))
	}
	if e.Includes != nil {
		add(lacking(e.At("includes"), e.Includes, s.w.body.Bytes(), "The answer's body"))
	}
}

// verdict looks at the status and at the problem. It gives true for an answer so different from the one expected that
// how else it differs tells nothing.
func (s *seen) verdict(e *catalogue.Expectation, add func(*hcl.Diagnostic)) (another bool) {
	told := false
	if e.Status != nil && int(*e.Status) != s.w.status {
		add(fault(e.At("status"), "Unexpected status", "Expected %d, not %d.%s", *e.Status, s.w.status, s.because()))
		told, another = true, true
	}
	if e.Stage != nil && (s.prob == nil || *e.Stage != s.x.Ended) {
		add(fault(e.At("stage"), "Unexpected stage", "Expected the request to end in the stage %s.%s", *e.Stage, s.because()))
		told = true
	}
	got, slug := "", ""
	if s.prob != nil {
		got = s.prob.TypeURI()
		slug = slugOf(got)
	}
	switch {
	case e.Problem != nil && s.prob == nil:
		add(fault(e.At("problem"), "No problem", "Expected the problem %s%s, and there is none.", *e.Problem, meantProblem(*e.Problem)))
	case e.Problem != nil && *e.Problem != got && *e.Problem != slug:
		add(fault(e.At("problem"), "Unexpected problem", "Expected %s%s.%s", *e.Problem, meantProblem(*e.Problem), s.because()))
		another = true
	case e.Problem == nil && s.prob != nil && !told && !s.mayFail(e):
		add(fault(e.Range, "Unexpected problem", "No problem was expected.%s", s.because()))
		another = true
	}
	if e.Detail != nil {
		detail := ""
		if s.prob != nil {
			detail = s.prob.Detail
		}
		if detail != *e.Detail {
			add(unexpected(e, "detail", quoted(*e.Detail), quoted(detail)))
		}
	}
	return another
}

// mayFail says whether an expectation that names no problem can have meant one.
func (s *seen) mayFail(e *catalogue.Expectation) bool {
	return e.Status != nil && *e.Status >= 400 || e.Allow != nil && !*e.Allow || e.Detail != nil || e.Stage != nil
}

// because is what the gateway says of how the request ended, in a sentence with a space in front.
func (s *seen) because() string {
	if s.prob == nil {
		return ""
	}
	text := " The gateway answered " + slugOf(s.prob.TypeURI())
	if s.x.Ended != "" {
		text += " in the stage " + s.x.Ended
	}
	if s.prob.Detail != "" {
		text += ": " + s.prob.Detail
	}
	for _, m := range s.prob.Extensions {
		if m.Name != "errors" {
			continue
		}
		if errs, err := json.Marshal(m.Value); err == nil {
			text += ": " + brief(errs)
		}
	}
	if s.prob.Cause != nil {
		cause, _, _ := strings.Cut(s.prob.Cause.Error(), "\n")
		text += " (" + cause + ")"
	}
	return text + "."
}

// slugOf is the last part of a problem type's address.
func slugOf(uri string) string {
	if i := strings.LastIndexByte(uri, '#'); i >= 0 {
		return uri[i+1:]
	}
	return uri
}

// meantProblem offers the known problem that an unknown one may have meant.
func meantProblem(name string) string {
	var slugs []string
	for _, t := range problem.Types() {
		slugs = append(slugs, slugOf(t.URI))
	}
	if slices.Contains(slugs, slugOf(name)) || strings.Contains(name, "/") {
		return ""
	}
	if s := diagnostic.Suggest(name, slugs); s != "" {
		return " (did you mean " + s + "?)"
	}
	return ""
}

// decision looks at what the policy said.
func (s *seen) decision(e *catalogue.Expectation, add func(*hcl.Diagnostic)) {
	d := s.x.Decision
	if d == nil {
		for _, name := range []string{"allow", "reasons"} {
			if name == "allow" && e.Allow != nil || name == "reasons" && e.Reasons != nil {
				add(fault(e.At(name), "No decision", "No policy was asked.%s", s.because()))
			}
		}
		return
	}
	reasons := make([]string, len(d.Reasons))
	var raw []json.RawMessage
	for i, r := range d.Reasons {
		text, err := json.Marshal(r)
		if err != nil {
			text = []byte(fmt.Sprintf("%q", fmt.Sprint(r)))
		}
		raw = append(raw, text)
		reasons[i] = string(text)
	}
	said := ""
	if len(reasons) > 0 {
		said = " Its reasons: " + strings.Join(reasons, ", ") + "."
	}
	if e.Allow != nil && *e.Allow != d.Allow {
		add(fault(e.At("allow"), "Unexpected decision", "Expected %s, and %s said %t.%s%s", verdict(*e.Allow), d.Query, d.Allow, said, s.because()))
	}
	if e.Reasons != nil && !sameSet(e.Reasons, raw) {
		want := make([]string, len(e.Reasons))
		for i := range e.Reasons {
			want[i] = string(e.Reasons[i])
		}
		add(unexpected(e, "reasons", "["+strings.Join(want, ", ")+"]", "["+strings.Join(reasons, ", ")+"]"))
	}
}

func verdict(allow bool) string {
	if allow {
		return "the policy to allow"
	}
	return "the policy to deny"
}

// sameSet says whether two lists hold the same values in any order.
func sameSet(a, b []json.RawMessage) bool {
	if len(a) != len(b) {
		return false
	}
	left := slices.Clone(b)
	for _, want := range a {
		i := slices.IndexFunc(left, func(got json.RawMessage) bool { return merge.Equal(want, got) })
		if i < 0 {
			return false
		}
		left = slices.Delete(left, i, i+1)
	}
	return true
}

func unexpected(e *catalogue.Expectation, name, want, got string) *hcl.Diagnostic {
	return fault(e.At(name), "Unexpected "+name, "Expected %s, not %s.", want, got)
}

func quoted(s string) string {
	if s == "" {
		return "none"
	}
	return fmt.Sprintf("%q", s)
}

// forwarded looks at what reached the upstream.
func (s *seen) forwarded(e *catalogue.Expectation) hcl.Diagnostics {
	list := make([]string, len(s.arrived))
	for i, a := range s.arrived {
		list[i] = a.method + " " + a.target
	}
	what := "; these did: " + strings.Join(list, ", ")
	if len(list) == 0 {
		what = "; none did"
	}
	if e.Forwarded != nil && *e.Forwarded != (len(list) > 0) {
		if *e.Forwarded {
			return hcl.Diagnostics{fault(e.At("forwarded"), "Nothing forwarded", "Expected a request to reach the upstream.%s", s.because())}
		}
		return hcl.Diagnostics{fault(e.At("forwarded"), "Request forwarded", "Expected no request to reach the upstream%s.", what)}
	}
	if e.Upstream == nil {
		return nil
	}
	var diags hcl.Diagnostics
	for i, want := range e.Upstream {
		if i >= len(list) {
			return append(diags, fault(want.Range, "Nothing forwarded", "Expected this request to reach the upstream%s.%s", what, s.because()))
		}
		got := &s.arrived[i]
		if want.Method != got.method || want.Target != got.target {
			diags = append(diags, fault(want.Range, "Another request forwarded", "Expected %s %s to reach the upstream, not %s.", want.Method, want.Target, list[i]))
			continue
		}
		diags = append(diags, differentFields(want.Headers, got.header, "The request that reaches the upstream")...)
		if want.Body != nil {
			diags = appendNotNil(diags, differentBody(want.Body, got.body, "The body that reaches the upstream"))
		}
		if want.Includes != nil {
			diags = appendNotNil(diags, lacking(want.IncludesRange, want.Includes, got.body, "The body that reaches the upstream"))
		}
	}
	if len(list) > len(e.Upstream) {
		diags = append(diags, fault(e.Upstream[len(e.Upstream)-1].Range, "More requests forwarded", "Expected no request to reach the upstream after this%s.", what))
	}
	return diags
}

func appendNotNil(diags hcl.Diagnostics, d *hcl.Diagnostic) hcl.Diagnostics {
	if d == nil {
		return diags
	}
	return append(diags, d)
}

// differentFields tells which header fields are not those expected.
func differentFields(want []catalogue.Field, got http.Header, whose string) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, f := range want {
		has := got[f.Name]
		if slices.Equal(f.Values, has) || len(has) > 0 && strings.Join(f.Values, ", ") == strings.Join(has, ", ") {
			continue
		}
		diags = append(diags, fault(f.Range, "Unexpected header field", "%s has %s, where %s was expected.", whose, field(f.Name, has), field(f.Name, f.Values)))
	}
	return diags
}

func field(name string, values []string) string {
	if len(values) == 0 {
		return "no " + name
	}
	return name + ": " + strings.Join(values, ", ")
}
