package logformat

import (
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"

	"github.com/wicketgate/wicketgate/internal/accesslog"
	"github.com/wicketgate/wicketgate/modules/gateway"
)

// access writes lines in JSON, those of access logs in one go: Caddy hands a logger the request, which its encoder writes into
// a buffer that is used once, and then the rest. Here the request is only held until the rest is known. Whatever is not
// the line that Caddy writes of each request is written by the encoder within, so that both write the same.
type access struct {
	base    concealing                     // the encoder within, to which nothing was added: many share it
	own     *concealing                    // the one to which something else was added; nil for none
	request *caddyhttp.LoggableHTTPRequest // which alone was added, while own is nil; nil for none
}

// added is the encoder within with everything that was added so far, for more.
func (a *access) added() *concealing {
	if a.own == nil {
		own := conceal(a.base.whole.Clone())
		if a.own = &own; a.request != nil {
			own.AddObject("request", a.request) //nolint:errcheck // it has none
		}
	}
	return a.own
}

// Clone implements zapcore.Encoder.
func (a *access) Clone() zapcore.Encoder {
	c := *a
	if a.own != nil {
		own := conceal(a.own.whole.Clone())
		c.own = &own
	}
	return &c
}

// AddObject implements zapcore.ObjectEncoder.
func (a *access) AddObject(key string, value zapcore.ObjectMarshaler) error {
	if r, ok := value.(caddyhttp.LoggableHTTPRequest); ok && key == "request" && a.own == nil && a.request == nil {
		a.request = &r
		return nil
	}
	return a.added().AddObject(key, value)
}

// EncodeEntry implements zapcore.Encoder.
func (a *access) EncodeEntry(entry zapcore.Entry, fields []zapcore.Field) (*buffer.Buffer, error) {
	switch {
	case a.own != nil:
		return a.own.EncodeEntry(entry, fields)
	case a.request == nil:
		return a.base.EncodeEntry(entry, fields)
	}
	if l, ok := a.line(&entry, fields); ok {
		room := rooms.Get().(*[]byte)
		*room = l.Append((*room)[:0], gateway.Concealed())
		written := written.Get()
		written.Write(*room) //nolint:errcheck // it has none
		if cap(*room) <= maxRoom {
			rooms.Put(room)
		}
		return written, nil
	}
	once := *a // which stays what it is
	return once.added().EncodeEntry(entry, fields)
}

// maxRoom bounds the rooms that are kept, in bytes: what a line needs whose header fields are as long as is usual.
const maxRoom = 16 << 10

var (
	rooms   = sync.Pool{New: func() any { return new([]byte) }}
	written = buffer.NewPool()
)

// caddys are the fields that Caddy's line begins with, in their order.
var caddys = [...]struct {
	name string
	kind zapcore.FieldType
}{
	{"bytes_read", zapcore.Int64Type}, {"user_id", zapcore.StringType}, {"duration", zapcore.DurationType},
	{"size", zapcore.Int64Type}, {"status", zapcore.Int64Type}, {"resp_headers", zapcore.ObjectMarshalerType},
}

// line gives the line of the request that is held; ok is false for any other that is written about it.
func (a *access) line(entry *zapcore.Entry, fields []zapcore.Field) (l accesslog.Line, ok bool) {
	if entry.Stack != "" || entry.Caller.Defined || entry.Time.IsZero() || len(fields) < len(caddys) {
		return l, false
	}
	r := a.request.Request
	l = accesslog.Line{
		Level: entry.Level.String(), Logger: entry.LoggerName, Message: entry.Message, Time: entry.Time,
		Request: accesslog.Request{Address: r.RemoteAddr, Proto: r.Proto, Method: r.Method, Host: r.Host, URI: r.RequestURI, Encoding: r.TransferEncoding, TLS: r.TLS, Header: r.Header},
		Shown:   a.request.ShouldLogCredentials,
	}
	if l.ClientIP, ok = caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string); !ok || l.ClientIP == "" {
		return l, false
	}
	for i, want := range caddys {
		if fields[i].Key != want.name || fields[i].Type != want.kind {
			return l, false
		}
	}
	answer, ok := fields[5].Interface.(caddyhttp.LoggableHTTPHeader)
	if !ok || answer.ShouldLogCredentials != l.Shown {
		return l, false
	}
	l.Read, l.User, l.Took = int(fields[0].Integer), fields[1].String, time.Duration(fields[2].Integer)
	l.Size, l.Status, l.Answer = int(fields[3].Integer), int(fields[4].Integer), answer.Header
	for i := len(caddys); i < len(fields); i++ {
		f := &fields[i]
		switch x, _ := f.Interface.(gateway.Accessed); {
		case f.Type == zapcore.StringType && f.Key == "traceID" && l.Trace == "":
			l.Trace = f.String
		case f.Type == zapcore.StringType && f.Key == "spanID" && l.Span == "":
			l.Span = f.String
		case f.Type == zapcore.ObjectMarshalerType && f.Key == "api_gateway" && x.Exchange != nil && l.Facts == nil:
			l.Facts = accesslog.Of(x.Exchange)
		default:
			return l, false
		}
	}
	return l, (l.Trace == "") == (l.Span == "")
}

// Interface guards
var _ zapcore.Encoder = (*access)(nil)
