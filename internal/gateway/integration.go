package gateway

import (
	"strings"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/integration"
	"github.com/wicketgate/wicketgate/internal/rule"
	"github.com/wicketgate/wicketgate/internal/transform"
	"github.com/wicketgate/wicketgate/internal/xmlform"
)

// calling builds how a route asks a third party.
func (b *builder) calling(l *lineage, v *catalogue.Version, r *catalogue.Route, terms catalogue.Terms) *integration.Route {
	from := r.Calling
	_, declared := b.parametersOf(l, v, r, terms)
	env := rule.Environment{Roots: rule.All, Parameters: parameters(r), Declared: declared, Closed: terms.Unknown == catalogue.Refuse}
	answered := env
	answered.Roots |= rule.Response
	c := integration.Config{
		Name: from.Integration.Name, Method: from.Send.Method, Body: from.Send.HasBody(), Form: from.Encode, MaxBody: terms.MaxBody,
		Headers: b.fields(from.Headers, env), Query: b.fields(from.Query, env), Request: b.shaping(from.Request, env),
		Answer: b.shaping(from.Answer, answered), Passed: from.Passed, Status: from.Status, Page: b.page(from.Page, answered),
		Errors: b.providerErrors(from.Integration, answered),
	}
	for _, p := range from.Send.Parts {
		part := integration.Part{Text: p.Text, Parameter: p.Parameter}
		if p.Value != nil {
			part.Value = b.expression(p.Value, env, rule.String)
		}
		c.Path = append(c.Path, part)
	}
	if k := from.Integration.Idempotency; k != nil && k.Key != nil {
		c.Key = &integration.Computed{Name: k.Header, Value: b.expression(k.Key, env, rule.Any)}
	}
	if from.Unwrap != "" {
		c.Member = strings.Split(from.Unwrap, ".")
	}
	c.Reads = &integration.Reader{Form: from.Decode, XML: xmlform.NewForeign(from.AnswerRoot, from.Lists), Lists: from.Lists}
	if c.Form == "xml" {
		w, err := xmlform.NewWriter(from.Root)
		if err != nil {
			b.fault(from.Range, "No XML", err.Error())
		}
		c.XML = w
	}
	return integration.New(c, b.sender(from.Integration))
}

// sender gives what asks a third party; nil in a gateway that never serves, and after a mistake.
func (b *builder) sender(from *catalogue.Integration) integration.Sender {
	if b.Integration == nil {
		return nil
	}
	if s, done := b.senders[from]; done {
		return s
	}
	s, err := b.Integration(from)
	if err != nil {
		b.fault(from.Range, "Unusable integration", err.Error())
	}
	b.senders[from] = s
	return s
}

func (b *builder) fields(from []catalogue.Computed, env rule.Environment) []integration.Computed {
	var all []integration.Computed
	for _, c := range from {
		if p := b.expression(c.Value, env, rule.Any); p != nil {
			all = append(all, integration.Computed{Name: c.Name, Value: p})
		}
	}
	return all
}

// shaping builds what is done to a body; nil for nothing. Operations that stand together are one program.
func (b *builder) shaping(from []catalogue.Shaping, env rule.Environment) *integration.Shape {
	if len(from) == 0 {
		return nil
	}
	to := &integration.Shape{}
	for i := 0; i < len(from); {
		if from[i].Set != nil {
			if p := b.expression(from[i].Set, env, rule.Any); p != nil {
				to.Steps = append(to.Steps, integration.Step{Path: strings.Split(from[i].Path, "."), Value: p})
			}
			i++
			continue
		}
		first := i
		var ops []transform.Operation
		for ; i < len(from) && from[i].Set == nil; i++ {
			ops = append(ops, oneWay(from[i].Operation))
		}
		program, diags := transform.Compile(ops)
		for _, d := range diags {
			d.Subject = from[first].Range.Ptr()
		}
		b.add(diags)
		if program != nil && !program.Empty() {
			to.Steps = append(to.Steps, integration.Step{Program: program})
		}
	}
	return to
}

// oneWay is an operation on messages that go one way.
func oneWay(from catalogue.Operation) transform.Operation {
	to := transform.Operation{Kind: string(from.Kind), Field: from.Path, To: from.To, Member: from.Member, Decimals: from.Decimals,
		As: from.As, From: from.From, Parts: from.Parts, Separator: from.Separator}
	if from.Kind == catalogue.Cast {
		to.To, to.As = from.As, ""
	}
	for _, p := range from.Pairs {
		to.Pairs = append(to.Pairs, [2]transform.Value{p.Old, p.New})
	}
	return to
}

func (b *builder) page(from *catalogue.Page, env rule.Environment) *integration.Page {
	if from == nil {
		return nil
	}
	to := &integration.Page{Parameter: from.Parameter, Link: from.Link}
	if from.Next != nil {
		to.Next = b.expression(from.Next, env, rule.Any)
	}
	if from.Previous != nil {
		to.Previous = b.expression(from.Previous, env, rule.Any)
	}
	return to
}

func (b *builder) providerErrors(from *catalogue.Integration, env rule.Environment) []integration.Error {
	// What an integration is asked by many routes may not depend on the parameters of one.
	env.Parameters, env.Declared, env.Closed = nil, nil, false
	env.Roots &^= rule.Path
	var all []integration.Error
	for _, e := range from.Errors {
		when := b.expression(e.When, env, rule.Bool)
		if when == nil {
			continue
		}
		to := integration.Error{When: when, Status: e.Status, Type: from.Problems + e.Name, Title: e.Title, Detail: e.Detail}
		if e.Quotes != nil {
			t, diags := rule.CompileTemplate(e.Quotes, b.Sources[e.Quotes.Range().Filename], env)
			b.add(diags)
			to.Quotes = t
		}
		all = append(all, to)
	}
	return all
}
