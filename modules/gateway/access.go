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

// MarshalLogObject implements zapcore.ObjectMarshaler.
func (x accessed) MarshalLogObject(to zapcore.ObjectEncoder) error {
	for _, field := range []struct{ name, value string }{
		{"request_id", x.ID}, {"api", x.API}, {"version", x.Version}, {"route", x.Route}, {"stage", x.Ended},
		{"provider_request_id", x.Provider},
	} {
		if field.value != "" {
			to.AddString(field.name, field.value)
		}
	}
	if x.Consumer != nil {
		to.AddString("consumer", x.Consumer.ID)
	}
	if x.Decision != nil {
		to.AddString("decision", x.Decision.ID())
	}
	if x.Once != nil && x.Once.Result != "" {
		to.AddString("idempotency", x.Once.Result)
	}
	if x.Unknown != nil {
		zap.Strings("unknown_query", x.Unknown).AddTo(to)
	}
	return nil
}

// Interface guards
var _ zapcore.ObjectMarshaler = accessed{}
