package gateway

import (
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// describeAccess has the access log, where there is one, tell what is known of a request when it has ended.
func describeAccess(r *http.Request, x *exchange.Exchange) {
	if extra := accessFields(r); extra != nil {
		extra.Set(zap.Object("api_gateway", accessed{x}))
	}
}

// accessFields are those of the request's line in the access log; nil where there is none.
func accessFields(r *http.Request) *caddyhttp.ExtraLogFields {
	if server, ok := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server); !ok || server.Logs == nil {
		return nil
	}
	extra, _ := r.Context().Value(caddyhttp.ExtraLogFieldsCtxKey).(*caddyhttp.ExtraLogFields)
	return extra
}

// matched is the field of the access log, and the variable of the request, with the decisions that matchers asked for.
const matched = "api_policy_matchers"

// DescribeMatch has the access log name the decision that a matcher asked for. There may be several, and none is that of
// the request.
func DescribeMatch(r *http.Request, d *exchange.Decision) {
	extra := accessFields(r)
	if extra == nil {
		return
	}
	ids, _ := caddyhttp.GetVar(r.Context(), matched).([]string)
	ids = append(ids, d.ID())
	caddyhttp.SetVar(r.Context(), matched, ids)
	extra.Set(zap.Strings(matched, ids))
}

// accessed is a request as the access log has it. It is looked at only when a line is written, so that nobody makes an
// id for a decision that no line names.
type accessed struct{ *exchange.Exchange }

// accessField is one of those that a line may have.
type accessField struct {
	name, help string
	add        func(to zapcore.ObjectEncoder, name string, x *exchange.Exchange) // adds it where there is something to tell
}

// accessTable are all of them, in their order. docs/observability.md is made of it.
var accessTable = []accessField{
	{"request_id", "The request's own id, a UUID: `instance` of its problem names it, and so does the log.", words(func(x *exchange.Exchange) string { return x.ID })},
	{"api", "The API, by its label in the catalogue; or the webhook.", words(func(x *exchange.Exchange) string { return x.API })},
	{"version", "The caller's version of it.", words(func(x *exchange.Exchange) string { return x.Version })},
	{"selected", "How the version was chosen: `path`, `host`, `header`, `media type`, `query`, `pin` or `default`.", words(func(x *exchange.Exchange) string { return x.Selected })},
	{"route", "The route, as the catalogue has it: `GET /orders/{id}`.", words(func(x *exchange.Exchange) string { return x.Route })},
	{"stage", "The stage that ended the request; absent where none did.", words(func(x *exchange.Exchange) string { return x.Ended })},
	{"problem", "The type of the problem that the caller was told, or because of which the answer broke off, by its heading in [problems](problems.md).", words(problemOf)},
	{"consumer", "Who calls; absent where nobody said so.", words(consumerOf)},
	{"decision", "The id of the policy's decision, which is the `decision_id` in the decision log.", words(decisionOf)},
	{"idempotency", "What came of the idempotency key, as in [metrics](metrics.md).", words(func(x *exchange.Exchange) string {
		if x.Once == nil {
			return ""
		}
		return x.Once.Result
	})},
	{"unknown_query", "Query parameters that the route does not declare and reports, at most 8.", func(to zapcore.ObjectEncoder, name string, x *exchange.Exchange) {
		if x.Unknown != nil {
			zap.Strings(name, x.Unknown).AddTo(to)
		}
	}},
	{"provider_request_id", "The id by which a third party knows the request.", words(func(x *exchange.Exchange) string { return x.Provider })},
	{"upstream_status", "The status of the upstream's last answer, 0 where it gave none; absent, as the next two, where nothing was sent to it.", func(to zapcore.ObjectEncoder, name string, x *exchange.Exchange) {
		if x.Sent {
			to.AddInt(name, x.Said)
		}
	}},
	{"upstream_tries", "How often the upstream was asked.", func(to zapcore.ObjectEncoder, name string, x *exchange.Exchange) {
		if x.Sent {
			to.AddInt(name, x.Tries)
		}
	}},
	{"upstream_duration", "How long the upstream was waited for until its answer began, in all tries and with the pauses between them; in the unit of `duration`.", func(to zapcore.ObjectEncoder, name string, x *exchange.Exchange) {
		if upstream, _ := x.Times.Shares(); x.Sent && upstream > 0 {
			to.AddDuration(name, upstream)
		}
	}},
	{"gateway_duration", "What the gateway's own stages took, both ways. What is left of `duration`, the caller took to send the body and to read the answer.", func(to zapcore.ObjectEncoder, name string, x *exchange.Exchange) {
		if _, own := x.Times.Shares(); own > 0 {
			to.AddDuration(name, own)
		}
	}},
}

// words adds a text, unless it is empty.
func words(of func(*exchange.Exchange) string) func(zapcore.ObjectEncoder, string, *exchange.Exchange) {
	return func(to zapcore.ObjectEncoder, name string, x *exchange.Exchange) {
		if text := of(x); text != "" {
			to.AddString(name, text)
		}
	}
}

func problemOf(x *exchange.Exchange) string {
	if x.Problem == nil {
		return ""
	}
	return x.Problem.Type.Slug()
}

func consumerOf(x *exchange.Exchange) string {
	if x.Consumer == nil {
		return ""
	}
	return x.Consumer.ID
}

func decisionOf(x *exchange.Exchange) string {
	if x.Decision == nil {
		return ""
	}
	return x.Decision.ID()
}

// MarshalLogObject implements zapcore.ObjectMarshaler.
func (x accessed) MarshalLogObject(to zapcore.ObjectEncoder) error {
	for i := range accessTable {
		f := &accessTable[i]
		f.add(to, f.name, x.Exchange)
	}
	return nil
}

// Interface guards
var _ zapcore.ObjectMarshaler = accessed{}
