// Package accesslog knows what a line of the access log has of a request that went through the gateway, and writes such lines as
// Caddy's own formats would, only cheaper.
package accesslog

import (
	"time"

	"github.com/google/uuid"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// Facts are what a line tells of an exchange. They hold nothing of it that is large, so that a line may wait for others when the
// exchange is over.
type Facts struct {
	ID, API, Version, Selected, Route, Stage, Problem string
	Consumer, Once, Provider                          string
	Decision                                          uuid.UUID // zero for none, which is written when a line is made: its text costs as much
	Unknown                                           []string
	Sent                                              bool
	Said, Tries                                       int
	Upstream, Own                                     time.Duration
}

// Of gives the facts of an exchange that has ended.
func Of(x *exchange.Exchange) *Facts {
	f := &Facts{}
	f.Note(x)
	return f
}

// Note notes the facts of an exchange that has ended, where there were none.
func (f *Facts) Note(x *exchange.Exchange) {
	f.ID, f.API, f.Version, f.Selected, f.Route, f.Stage = x.ID, x.API, x.Version, x.Selected, x.Route, x.Ended
	f.Consumer, f.Provider, f.Unknown = Consumer(x), x.Provider, x.Unknown
	f.Sent, f.Said, f.Tries = x.Sent, x.Said, x.Tries
	if x.Problem != nil {
		f.Problem = x.Problem.Type.Slug()
	}
	if x.Once != nil {
		f.Once = x.Once.Result
	}
	if x.Decision != nil {
		f.Decision = x.Decision.UUID()
	}
	f.Upstream, f.Own = x.Times.Shares()
}

// Field is one of those that a line may have of the gateway's. One of the five says what there is to tell, and whether there
// is anything.
type Field struct {
	Name, Help string

	Text   func(*Facts) string    // "" for nothing
	Theirs bool                   // the text is somebody else's, in which credentials may be
	UUID   func(*Facts) uuid.UUID // zero for nothing
	List   func(*Facts) []string  // nil for nothing
	Number func(*Facts) (int, bool)
	Took   func(*Facts) (time.Duration, bool)

	opens string // what stands in a line before the value, and opens it where it is a text
}

// Fields are all of them, in their order. docs/observability.md is made of it.
var Fields = []Field{
	{Name: "request_id", Help: "The request's own id, a UUID: `instance` of its problem names it, and so does the log.", Text: func(f *Facts) string { return f.ID }},
	{Name: "api", Help: "The API, by its label in the catalogue; or the webhook.", Text: func(f *Facts) string { return f.API }},
	{Name: "version", Help: "The caller's version of it.", Text: func(f *Facts) string { return f.Version }},
	{Name: "selected", Help: "How the version was chosen: `path`, `host`, `header`, `media type`, `query`, `pin` or `default`.", Text: func(f *Facts) string { return f.Selected }},
	{Name: "route", Help: "The route, as the catalogue has it: `GET /orders/{id}`.", Text: func(f *Facts) string { return f.Route }},
	{Name: "stage", Help: "The stage that ended the request; absent where none did.", Text: func(f *Facts) string { return f.Stage }},
	{Name: "problem", Help: "The type of the problem that the caller was told, or because of which the answer broke off, by its heading in [problems](problems.md).", Text: func(f *Facts) string { return f.Problem }},
	{Name: "consumer", Help: "Who calls; absent where nobody said so.", Text: func(f *Facts) string { return f.Consumer }, Theirs: true},
	{Name: "decision", Help: "The id of the policy's decision, which is the `decision_id` in the decision log.", UUID: func(f *Facts) uuid.UUID { return f.Decision }},
	{Name: "idempotency", Help: "What came of the idempotency key, as in [metrics](metrics.md).", Text: func(f *Facts) string { return f.Once }},
	{Name: "unknown_query", Help: "Query parameters that the route does not declare and reports, at most 8.", List: func(f *Facts) []string { return f.Unknown }},
	{Name: "provider_request_id", Help: "The id by which a third party knows the request.", Text: func(f *Facts) string { return f.Provider }, Theirs: true},
	{Name: "upstream_status", Help: "The status of the upstream's last answer, 0 where it gave none; absent, as the next two, where nothing was sent to it.", Number: func(f *Facts) (int, bool) { return f.Said, f.Sent }},
	{Name: "upstream_tries", Help: "How often the upstream was asked.", Number: func(f *Facts) (int, bool) { return f.Tries, f.Sent }},
	{Name: "upstream_duration", Help: "How long the upstream was waited for until its answer began, in all tries and with the pauses between them; in the unit of `duration`.", Took: func(f *Facts) (time.Duration, bool) { return f.Upstream, f.Sent && f.Upstream > 0 }},
	{Name: "gateway_duration", Help: "What the gateway's own stages took, both ways. What is left of `duration`, the caller took to send the body and to read the answer.", Took: func(f *Facts) (time.Duration, bool) { return f.Own, f.Own > 0 }},
}

func init() {
	for i := range Fields {
		f := &Fields[i]
		if f.opens = `,"` + f.Name + `":`; f.Text != nil || f.UUID != nil {
			f.opens += `"`
		}
	}
}

// Consumer is who calls, "" where nobody said so.
func Consumer(x *exchange.Exchange) string {
	if x.Consumer == nil {
		return ""
	}
	return x.Consumer.ID
}

// Decision is the id of the policy's decision, "" for none.
func Decision(x *exchange.Exchange) string {
	if x.Decision == nil {
		return ""
	}
	return x.Decision.ID()
}
