// Package accesslog knows what a line of the access log has of a request that went through the gateway, and writes such lines as
// Caddy's own formats would, only cheaper.
package accesslog

import (
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// Field is one of those that a line may have of the gateway's. One of the four says what there is to tell, and whether there
// is anything.
type Field struct {
	Name, Help string

	Text   func(*exchange.Exchange) string   // "" for nothing
	Theirs bool                              // the text is somebody else's, in which credentials may be
	List   func(*exchange.Exchange) []string // nil for nothing
	Number func(*exchange.Exchange) (int, bool)
	Took   func(*exchange.Exchange) (time.Duration, bool)
}

// Fields are all of them, in their order. docs/observability.md is made of it.
var Fields = []Field{
	{Name: "request_id", Help: "The request's own id, a UUID: `instance` of its problem names it, and so does the log.", Text: func(x *exchange.Exchange) string { return x.ID }},
	{Name: "api", Help: "The API, by its label in the catalogue; or the webhook.", Text: func(x *exchange.Exchange) string { return x.API }},
	{Name: "version", Help: "The caller's version of it.", Text: func(x *exchange.Exchange) string { return x.Version }},
	{Name: "selected", Help: "How the version was chosen: `path`, `host`, `header`, `media type`, `query`, `pin` or `default`.", Text: func(x *exchange.Exchange) string { return x.Selected }},
	{Name: "route", Help: "The route, as the catalogue has it: `GET /orders/{id}`.", Text: func(x *exchange.Exchange) string { return x.Route }},
	{Name: "stage", Help: "The stage that ended the request; absent where none did.", Text: func(x *exchange.Exchange) string { return x.Ended }},
	{Name: "problem", Help: "The type of the problem that the caller was told, or because of which the answer broke off, by its heading in [problems](problems.md).", Text: problem},
	{Name: "consumer", Help: "Who calls; absent where nobody said so.", Text: Consumer, Theirs: true},
	{Name: "decision", Help: "The id of the policy's decision, which is the `decision_id` in the decision log.", Text: Decision},
	{Name: "idempotency", Help: "What came of the idempotency key, as in [metrics](metrics.md).", Text: func(x *exchange.Exchange) string {
		if x.Once == nil {
			return ""
		}
		return x.Once.Result
	}},
	{Name: "unknown_query", Help: "Query parameters that the route does not declare and reports, at most 8.", List: func(x *exchange.Exchange) []string { return x.Unknown }},
	{Name: "provider_request_id", Help: "The id by which a third party knows the request.", Text: func(x *exchange.Exchange) string { return x.Provider }, Theirs: true},
	{Name: "upstream_status", Help: "The status of the upstream's last answer, 0 where it gave none; absent, as the next two, where nothing was sent to it.", Number: func(x *exchange.Exchange) (int, bool) { return x.Said, x.Sent }},
	{Name: "upstream_tries", Help: "How often the upstream was asked.", Number: func(x *exchange.Exchange) (int, bool) { return x.Tries, x.Sent }},
	{Name: "upstream_duration", Help: "How long the upstream was waited for until its answer began, in all tries and with the pauses between them; in the unit of `duration`.", Took: func(x *exchange.Exchange) (time.Duration, bool) {
		upstream, _ := x.Times.Shares()
		return upstream, x.Sent && upstream > 0
	}},
	{Name: "gateway_duration", Help: "What the gateway's own stages took, both ways. What is left of `duration`, the caller took to send the body and to read the answer.", Took: func(x *exchange.Exchange) (time.Duration, bool) {
		_, own := x.Times.Shares()
		return own, own > 0
	}},
}

func problem(x *exchange.Exchange) string {
	if x.Problem == nil {
		return ""
	}
	return x.Problem.Type.Slug()
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
