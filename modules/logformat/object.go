package logformat

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap/zapcore"

	internal "github.com/wicketgate/wicketgate/internal/conceal"
	"github.com/wicketgate/wicketgate/modules/gateway"
)

func text(s string) string { return gateway.Concealed().Text(s) }

// object adds fields to another encoder, whose objects it wraps likewise, without the credentials in them.
type object struct{ zapcore.ObjectEncoder }

// AddString implements zapcore.ObjectEncoder.
func (o object) AddString(key, value string) {
	if gateway.Concealed().Field(key) {
		value = internal.Redacted
	}
	o.ObjectEncoder.AddString(key, text(value))
}

// AddByteString implements zapcore.ObjectEncoder.
func (o object) AddByteString(key string, value []byte) { o.AddString(key, string(value)) }

// AddReflected implements zapcore.ObjectEncoder.
func (o object) AddReflected(key string, value any) error {
	if gateway.Concealed().Field(key) {
		o.ObjectEncoder.AddString(key, internal.Redacted)
		return nil
	}
	return o.ObjectEncoder.AddReflected(key, reflected(value))
}

// AddArray implements zapcore.ObjectEncoder.
func (o object) AddArray(key string, value zapcore.ArrayMarshaler) error {
	if gateway.Concealed().Field(key) {
		return o.ObjectEncoder.AddArray(key, caddyhttp.LoggableStringArray{internal.Redacted})
	}
	return o.ObjectEncoder.AddArray(key, listed(value))
}

// AddObject implements zapcore.ObjectEncoder.
func (o object) AddObject(key string, value zapcore.ObjectMarshaler) error {
	return o.ObjectEncoder.AddObject(key, within{value})
}

// within is an object in another one.
type within struct{ zapcore.ObjectMarshaler }

// MarshalLogObject implements zapcore.ObjectMarshaler.
func (w within) MarshalLogObject(to zapcore.ObjectEncoder) error {
	return w.ObjectMarshaler.MarshalLogObject(object{to})
}

// listed is a list without credentials. Those that Caddy makes of header fields stay what they are, for filters know them
// by their type.
func listed(value zapcore.ArrayMarshaler) zapcore.ArrayMarshaler {
	values, ok := value.(caddyhttp.LoggableStringArray)
	if !ok {
		return list{value}
	}
	var shown caddyhttp.LoggableStringArray // nil as long as there is nothing to hide
	for i := range values {
		one := text(values[i])
		if shown == nil && one != values[i] {
			shown = slices.Clone(values)
		}
		if shown != nil {
			shown[i] = one
		}
	}
	if shown != nil {
		return shown
	}
	return value
}

// fieldOf gives a field without the credentials in it; ok is false for one that is made only while it is written.
func fieldOf(f zapcore.Field) (_ zapcore.Field, ok bool) {
	switch f.Type {
	case zapcore.StringType:
		if gateway.Concealed().Field(f.Key) {
			f.String = internal.Redacted
		}
		f.String = text(f.String)
	case zapcore.ObjectMarshalerType, zapcore.InlineMarshalerType:
		f.Interface = within{f.Interface.(zapcore.ObjectMarshaler)}
	case zapcore.BoolType, zapcore.DurationType, zapcore.Float64Type, zapcore.Float32Type, zapcore.TimeType, zapcore.TimeFullType,
		zapcore.Int64Type, zapcore.Int32Type, zapcore.Int16Type, zapcore.Int8Type,
		zapcore.Uint64Type, zapcore.Uint32Type, zapcore.Uint16Type, zapcore.Uint8Type,
		zapcore.NamespaceType, zapcore.SkipType:
	default:
		return f, false
	}
	return f, true
}

// list is a list in an object or in another list.
type list struct{ zapcore.ArrayMarshaler }

// MarshalLogArray implements zapcore.ArrayMarshaler.
func (l list) MarshalLogArray(to zapcore.ArrayEncoder) error {
	return l.ArrayMarshaler.MarshalLogArray(items{to})
}

// items adds to a list, without the credentials in what it adds.
type items struct{ zapcore.ArrayEncoder }

// AppendString implements zapcore.PrimitiveArrayEncoder.
func (i items) AppendString(value string) { i.ArrayEncoder.AppendString(text(value)) }

// AppendByteString implements zapcore.PrimitiveArrayEncoder.
func (i items) AppendByteString(value []byte) { i.AppendString(string(value)) }

// AppendReflected implements zapcore.ArrayEncoder.
func (i items) AppendReflected(value any) error {
	return i.ArrayEncoder.AppendReflected(reflected(value))
}

// AppendArray implements zapcore.ArrayEncoder.
func (i items) AppendArray(value zapcore.ArrayMarshaler) error {
	return i.ArrayEncoder.AppendArray(listed(value))
}

// AppendObject implements zapcore.ArrayEncoder.
func (i items) AppendObject(value zapcore.ObjectMarshaler) error {
	return i.ArrayEncoder.AppendObject(within{value})
}

// reflected is a value that is written as the JSON it makes, which is looked at as a text: what has members by the names of
// header fields is none of Caddy's.
func reflected(value any) any {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // an & is what divides parameters
	if e.Encode(value) != nil {
		return value // nor can anybody else make JSON of it
	}
	raw := string(bytes.TrimSpace(b.Bytes()))
	if shown := text(raw); shown != raw {
		return json.RawMessage(shown)
	}
	return value
}
