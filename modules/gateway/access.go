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
	if server, ok := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server); !ok || server.Logs == nil {
		return
	}
	if extra, ok := r.Context().Value(caddyhttp.ExtraLogFieldsCtxKey).(*caddyhttp.ExtraLogFields); ok {
		extra.Set(zap.Object("api_gateway", accessed{x}))
	}
}

// accessed is a request as the access log has it. It is looked at only when a line is written, so that nobody makes an
// id for a decision that no line names.
type accessed struct{ *exchange.Exchange }

// MarshalLogObject implements zapcore.ObjectMarshaler.
func (x accessed) MarshalLogObject(to zapcore.ObjectEncoder) error {
	for _, field := range []struct{ name, value string }{
		{"request_id", x.ID}, {"api", x.API}, {"version", x.Version}, {"route", x.Route}, {"stage", x.Ended},
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
	return nil
}

// Interface guards
var _ zapcore.ObjectMarshaler = accessed{}
