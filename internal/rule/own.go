package rule

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"

	"github.com/expr-lang/expr/vm/runtime"
)

// Our own functions. The space in each name keeps expressions from naming it. Their types are those that the VM calls
// without reflection.
const (
	fnTick    = "own tick"
	fnAdd     = "own add"
	fnInt     = "own int"
	fnFloat   = "own float"
	fnString  = "own string"
	fnLower   = "own lower"
	fnUpper   = "own upper"
	fnTrim    = "own trim"
	fnTrimSet = "own trim set"
	fnKeys    = "own keys"
	fnValues  = "own values"
)

var ownFunctions = map[string]reflect.Type{
	fnTick:    reflect.TypeFor[func() any](),
	fnAdd:     reflect.TypeFor[func(any, any) any](),
	fnInt:     reflect.TypeFor[func(any) int](),
	fnFloat:   reflect.TypeFor[func(any) float64](),
	fnString:  reflect.TypeFor[func(any) string](),
	fnLower:   reflect.TypeFor[func(any) string](),
	fnUpper:   reflect.TypeFor[func(any) string](),
	fnTrim:    reflect.TypeFor[func(any) string](),
	fnTrimSet: reflect.TypeFor[func(any, any) string](),
	fnKeys:    reflect.TypeFor[func(any) []any](),
	fnValues:  reflect.TypeFor[func(any) []any](),
}

// integer reads a string, or cuts a number to a whole one, as int does. What is not one is not quoted: it may be secret.
func (r *run) integer(v any) int {
	switch v := v.(type) {
	case int:
		return v
	case float64:
		if math.Abs(v) < 1<<63 {
			return int(v)
		}
	case string:
		if n, err := strconv.Atoi(v); err == nil {
			return n
		}
	}
	panic(errNotInteger)
}

func (r *run) float(v any) float64 {
	switch v := v.(type) {
	case int:
		return float64(v)
	case float64:
		return v
	case string:
		if f, err := strconv.ParseFloat(v, 64); err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
			return f
		}
	}
	panic(errNotNumber)
}

var (
	errNotInteger = errors.New("int was given what is no whole number")
	errNotNumber  = errors.New("float was given what is no number")
)

// made counts a string about to be made of the size of s.
func (r *run) made(s string) string {
	r.count(len(s))
	return s
}

func (r *run) count(bytes int) {
	if r.text += bytes; r.text > maxText {
		panic(errText)
	}
}

func (r *run) add(a, b any) any {
	left, ok1 := a.(string)
	right, ok2 := b.(string)
	if ok1 && ok2 {
		r.count(len(left) + len(right))
		return left + right
	}
	return runtime.Add(a, b)
}

func (r *run) string(v any) string {
	s, ok := text(v)
	if !ok {
		panic(fmt.Errorf("%s cannot be written as a string", goTypes.Replace(fmt.Sprintf("%T", v))))
	}
	return r.made(s)
}

// text writes a value as a string; whole floats are written without a fraction.
func text(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case int:
		return strconv.Itoa(v), true
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return strconv.FormatInt(int64(v), 10), true
		}
		return strconv.FormatFloat(v, 'g', -1, 64), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// pairs gives the keys of an object, sorted, and its values in the same order.
func (r *run) pairs(v any) (keys, values []any) {
	object, ok := v.(map[string]any)
	if !ok {
		panic(fmt.Errorf("expected an object, got %s", goTypes.Replace(fmt.Sprintf("%T", v))))
	}
	if r.members += len(object); r.members > maxMemory {
		panic(errMemory)
	}
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		keys, values = append(keys, name), append(values, object[name])
	}
	return keys, values
}
