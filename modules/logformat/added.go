package logformat

import (
	"time"

	"go.uber.org/zap/zapcore"
)

// What follows implements zapcore.ObjectEncoder: whatever is added besides a request is added to the encoder within.

// AddBinary implements zapcore.ObjectEncoder.
func (a *access) AddBinary(key string, v []byte) { a.added().AddBinary(key, v) }

// AddByteString implements zapcore.ObjectEncoder.
func (a *access) AddByteString(key string, v []byte) { a.added().AddByteString(key, v) }

// AddBool implements zapcore.ObjectEncoder.
func (a *access) AddBool(key string, v bool) { a.added().AddBool(key, v) }

// AddComplex128 implements zapcore.ObjectEncoder.
func (a *access) AddComplex128(key string, v complex128) { a.added().AddComplex128(key, v) }

// AddComplex64 implements zapcore.ObjectEncoder.
func (a *access) AddComplex64(key string, v complex64) { a.added().AddComplex64(key, v) }

// AddDuration implements zapcore.ObjectEncoder.
func (a *access) AddDuration(key string, v time.Duration) { a.added().AddDuration(key, v) }

// AddFloat64 implements zapcore.ObjectEncoder.
func (a *access) AddFloat64(key string, v float64) { a.added().AddFloat64(key, v) }

// AddFloat32 implements zapcore.ObjectEncoder.
func (a *access) AddFloat32(key string, v float32) { a.added().AddFloat32(key, v) }

// AddInt implements zapcore.ObjectEncoder.
func (a *access) AddInt(key string, v int) { a.added().AddInt(key, v) }

// AddInt64 implements zapcore.ObjectEncoder.
func (a *access) AddInt64(key string, v int64) { a.added().AddInt64(key, v) }

// AddInt32 implements zapcore.ObjectEncoder.
func (a *access) AddInt32(key string, v int32) { a.added().AddInt32(key, v) }

// AddInt16 implements zapcore.ObjectEncoder.
func (a *access) AddInt16(key string, v int16) { a.added().AddInt16(key, v) }

// AddInt8 implements zapcore.ObjectEncoder.
func (a *access) AddInt8(key string, v int8) { a.added().AddInt8(key, v) }

// AddString implements zapcore.ObjectEncoder.
func (a *access) AddString(key string, v string) { a.added().AddString(key, v) }

// AddTime implements zapcore.ObjectEncoder.
func (a *access) AddTime(key string, v time.Time) { a.added().AddTime(key, v) }

// AddUint implements zapcore.ObjectEncoder.
func (a *access) AddUint(key string, v uint) { a.added().AddUint(key, v) }

// AddUint64 implements zapcore.ObjectEncoder.
func (a *access) AddUint64(key string, v uint64) { a.added().AddUint64(key, v) }

// AddUint32 implements zapcore.ObjectEncoder.
func (a *access) AddUint32(key string, v uint32) { a.added().AddUint32(key, v) }

// AddUint16 implements zapcore.ObjectEncoder.
func (a *access) AddUint16(key string, v uint16) { a.added().AddUint16(key, v) }

// AddUint8 implements zapcore.ObjectEncoder.
func (a *access) AddUint8(key string, v uint8) { a.added().AddUint8(key, v) }

// AddUintptr implements zapcore.ObjectEncoder.
func (a *access) AddUintptr(key string, v uintptr) { a.added().AddUintptr(key, v) }

// AddArray implements zapcore.ObjectEncoder.
func (a *access) AddArray(key string, v zapcore.ArrayMarshaler) error {
	return a.added().AddArray(key, v)
}

// AddReflected implements zapcore.ObjectEncoder.
func (a *access) AddReflected(key string, v any) error { return a.added().AddReflected(key, v) }

// OpenNamespace implements zapcore.ObjectEncoder.
func (a *access) OpenNamespace(key string) { a.added().OpenNamespace(key) }
