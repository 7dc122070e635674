package gateway

import (
	"context"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/google/uuid"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/wicketgate/wicketgate/internal/accesslog"
	"github.com/wicketgate/wicketgate/internal/exchange"
)

// Access is what the line of api_access_log is to tell of the request besides what Caddy knows.
type Access struct {
	Exchange *exchange.Exchange // nil where it did not come to the gateway
	Matchers []string           // ids of the decisions that matchers asked for
}

// accessVar is the variable of a request that its Access is in.
const accessVar = "api_access_log"

// Record has the gateway tell what it knows of a request. It is called before the request is handed on.
func (a *Access) Record(vars map[string]any) { vars[accessVar] = a }

// Vars are Caddy's variables of a request. Whoever wants several finds them at once, since its context is long.
func Vars(ctx context.Context) map[string]any {
	if vars, ok := ctx.Value(caddyhttp.VarsCtxKey).(map[string]any); ok {
		return vars
	}
	return map[string]any{} // nobody's, outside of Caddy's server
}

// describeAccess has the access logs, where there are any, tell what is known of a request when it has ended.
func describeAccess(r *http.Request, x *exchange.Exchange) {
	if a, _ := caddyhttp.GetVar(r.Context(), accessVar).(*Access); a != nil {
		a.Exchange = x
	}
	if extra := AccessFields(r); extra != nil {
		extra.Set(zap.Object("api_gateway", Accessed{x}))
	}
}

// AccessFields are those of the request's line in Caddy's access log; nil where there is none.
func AccessFields(r *http.Request) *caddyhttp.ExtraLogFields {
	if server, ok := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server); !ok || server.Logs == nil {
		return nil
	}
	extra, _ := r.Context().Value(caddyhttp.ExtraLogFieldsCtxKey).(*caddyhttp.ExtraLogFields)
	return extra
}

// matched is the field of the access log, and the variable of the request, with the decisions that matchers asked for.
const matched = "api_policy_matchers"

// DescribeMatch has the access logs name the decision that a matcher asked for. There may be several, and none is that of
// the request.
func DescribeMatch(r *http.Request, d *exchange.Decision) {
	if a, _ := caddyhttp.GetVar(r.Context(), accessVar).(*Access); a != nil {
		a.Matchers = append(a.Matchers, d.ID())
	}
	extra := AccessFields(r)
	if extra == nil {
		return
	}
	ids, _ := caddyhttp.GetVar(r.Context(), matched).([]string)
	ids = append(ids, d.ID())
	caddyhttp.SetVar(r.Context(), matched, ids)
	extra.Set(zap.Strings(matched, ids))
}

// Accessed is a request as the access log has it. It is looked at only when a line is written, so that nobody makes an
// id for a decision that no line names.
type Accessed struct{ *exchange.Exchange }

// MarshalLogObject implements zapcore.ObjectMarshaler.
func (x Accessed) MarshalLogObject(to zapcore.ObjectEncoder) error {
	told := accesslog.Of(x.Exchange)
	for i := range accesslog.Fields {
		f := &accesslog.Fields[i]
		switch {
		case f.Text != nil:
			if text := f.Text(told); text != "" {
				to.AddString(f.Name, text)
			}
		case f.UUID != nil:
			if id := f.UUID(told); id != uuid.Nil {
				to.AddString(f.Name, id.String())
			}
		case f.List != nil:
			if list := f.List(told); list != nil {
				zap.Strings(f.Name, list).AddTo(to)
			}
		case f.Number != nil:
			if n, ok := f.Number(told); ok {
				to.AddInt(f.Name, n)
			}
		default:
			if d, ok := f.Took(told); ok {
				to.AddDuration(f.Name, d)
			}
		}
	}
	return nil
}

// Interface guards
var _ zapcore.ObjectMarshaler = Accessed{}
